"""The releases a hub holds: what is in force, and the documents of it.

Called by whoever needs a standard by kind and name, and by the command line.
"""

from typing import NamedTuple

from exchange_db import standards
from exchange_db.records import Violated
from exchange_db.session import ReadSession
from exchange_db.standards import NewRelease, Release
from hub.standards.manifest import Manifest, digest_of, read_manifest, write_manifest
from hub.standards.releases import Standing, in_force


class Held(NamedTuple):
    """A release and its manifest."""

    release: Release
    manifest: Manifest


async def held_releases(session: ReadSession) -> list[Held]:
    """Returns every release of the hub, in the order it came to hold them; what was damaged in store is left out."""
    found = await standards.all_releases(session)
    return [Held(release, read_manifest(release.manifest)) for release in found if not is_damaged(release)]


def is_damaged(release: Release) -> bool:
    """Tells whether a release is no longer what was verified when it was entered."""
    return digest_of(release.manifest) != release.digest


async def standards_in_force(session: ReadSession, region: int, moment: int) -> dict[tuple[str, str], Standing]:
    """Returns what is in force in a region at a moment, by kind and name."""
    return in_force([held.manifest for held in await held_releases(session)], region, moment)


async def documents_of(session: ReadSession, manifest: Manifest) -> dict[str, bytes]:
    """Returns the documents of a release or draft by name.

    Raises:
        Violated: RELEASE_DAMAGED, one of them is not in the ledger or was changed there.
    """
    found = {}
    for document in manifest.documents:
        content = await standards.content_of(session, document.digest)
        if content is None or digest_of(content) != document.digest:
            raise Violated("RELEASE_DAMAGED", f"documents.{document.name}", document.digest)
        found[document.name] = content
    return found


def as_entry(
    manifest: Manifest, *, signature: bytes, certificates: bytes, thumbprint: str, source_id: str
) -> NewRelease:
    """Returns a verified release in the form the ledger enters it."""
    content = write_manifest(manifest)
    return NewRelease(
        publisher_region=manifest.publisher_region,
        publisher_id=manifest.publisher_id,
        kind=manifest.kind,
        name=manifest.name,
        version=manifest.version,
        digest=digest_of(content),
        supersedes=manifest.supersedes,
        withdraws=manifest.withdraws,
        is_extension=manifest.is_extension,
        published_time=manifest.published_time,
        effective_time=manifest.effective_time,
        stages=[(stage.region_code, stage.effective_time) for stage in manifest.stages],
        document_digests=[document.digest for document in manifest.documents],
        manifest=content,
        signature=signature,
        certificates=certificates,
        thumbprint=thumbprint,
        source_id=source_id,
    )
