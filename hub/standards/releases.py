"""Which releases are in force, and whether a release that was handed in is what it says: pure functions.

For each kind and name the highest publisher's release stands; what a lower one publishes under the same kind and name
extends it if it says so, and is overruled if not. Of one publisher's releases the one with the latest effective time
that has come is in force, unless it is withdrawn. Called by ``hub.standards`` and the command line.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from auth.permissions import require_publisher
from auth.signatures import Signed, signer_of
from exchange_db.records import Violated
from exchange_db.regions import line_of, parse_region, subtree
from hub.standards.manifest import PURPOSE, Manifest, digest_of, read_manifest, version_key

#: How far the clock of a publisher may be ahead, microseconds.
MAX_AHEAD = 300_000_000


class Standing(NamedTuple):
    """What is in force of one standard.

    ``base`` is ``None`` when there are extensions of something that is not held; ``extensions`` are laid over it in
    this order, the higher publisher's first; ``overruled`` would stand if a higher publisher had none.
    """

    base: Manifest | None
    extensions: tuple[Manifest, ...]
    overruled: tuple[Manifest, ...]


def effective_time_of(manifest: Manifest, region: int) -> int:
    """Returns from when a release is in force in a region: the narrowest stage that covers it, else its own time."""
    covering = [stage for stage in manifest.stages if region in subtree(parse_region(stage.region_code))]
    if not covering:
        return manifest.effective_time
    return min(covering, key=lambda stage: _span(parse_region(stage.region_code))).effective_time


def withdrawn_by(manifests: Iterable[Manifest], withdrawn: Manifest) -> Manifest | None:
    """Returns the release that withdraws another one, whether or not its time has come."""
    found = [
        one
        for one in manifests
        if one.withdraws
        and version_key(one.withdraws) == version_key(withdrawn.version)
        and _line_of(one) == _line_of(withdrawn)
    ]
    return min(found, key=lambda one: version_key(one.version)) if found else None


def in_force(manifests: Iterable[Manifest], region: int, moment: int) -> dict[tuple[str, str], Standing]:
    """Returns what is in force in a region at a moment, by kind and name.

    Args:
        manifests: all releases held, in any order.
        region: six digits as a number.
        moment: microseconds since 1970.
    """
    lines: dict[tuple[str, str, str], list[Manifest]] = {}
    for manifest in manifests:
        if region in subtree(manifest.publisher_region):
            lines.setdefault(_line_of(manifest), []).append(manifest)
    standing = [found for line in lines.values() if (found := _standing(line, region, moment))]
    order = {above: depth for depth, above in enumerate(line_of(region))}
    standing.sort(key=lambda manifest: (order[manifest.publisher_region], manifest.publisher_id))
    answer: dict[tuple[str, str], Standing] = {}
    for manifest in standing:
        base, extensions, overruled = answer.get(manifest.key, Standing(None, (), ()))
        if manifest.is_extension:
            answer[manifest.key] = Standing(base, (*extensions, manifest), overruled)
        elif base is None:
            answer[manifest.key] = Standing(manifest, extensions, overruled)
        else:
            answer[manifest.key] = Standing(base, extensions, (*overruled, manifest))
    return answer


def _standing(line: list[Manifest], region: int, moment: int) -> Manifest | None:
    """Returns the release of one publisher's line that stands."""
    come = [manifest for manifest in line if effective_time_of(manifest, region) <= moment]
    withdrawn = {version_key(manifest.withdraws) for manifest in come if manifest.withdraws}
    standing = [
        manifest for manifest in come if not manifest.withdraws and version_key(manifest.version) not in withdrawn
    ]
    return max(
        standing,
        key=lambda manifest: (effective_time_of(manifest, region), version_key(manifest.version)),
        default=None,
    )


def require_next(manifest: Manifest, newest_version: str) -> None:
    """Checks that a release follows the newest one held of its publisher, kind and name.

    Raises:
        Violated: RELEASE_OUT_OF_ORDER.
    """
    if manifest.supersedes != newest_version:
        raise Violated("RELEASE_OUT_OF_ORDER", "supersedes", newest_version or "-")
    if version_key(manifest.version) <= version_key(newest_version):
        raise Violated("RELEASE_OUT_OF_ORDER", "version", newest_version)


def verified(signed: Signed, digest: str, authorities: bytes, hub_region: int, now: int) -> Manifest:
    """Returns the manifest of a release that is what it says; its documents and its place in line are still to check.

    Args:
        signed: manifest, signature and certificates, from anywhere.
        digest: SHA-256 the manifest was listed under, in hex.
        authorities: PEM of the federation's authorities.
        hub_region: region of the hub that is to hold it.
        now: the hub's clock.

    Raises:
        Violated: RELEASE_DAMAGED, RELEASE_UNREADABLE, FIELD_INVALID, FIELD_MISSING, CLOCK_SKEW, SIGNATURE_INVALID,
            PEER_ID_MISMATCH or RELEASE_FORBIDDEN.
    """
    if digest_of(signed.content) != digest:
        raise Violated("RELEASE_DAMAGED", "manifest", digest)
    manifest = read_manifest(signed.content)
    if manifest.published_time > now + MAX_AHEAD:
        raise Violated("CLOCK_SKEW", "published_time", (manifest.published_time - now) // 1_000_000)
    published = datetime.fromtimestamp(manifest.published_time / 1_000_000, UTC)
    signer_id = signer_of(PURPOSE, signed, authorities, published)
    if signer_id != manifest.publisher_id:
        raise Violated("RELEASE_FORBIDDEN", "publisher_id", signer_id)
    require_publisher(manifest.publisher_id, hub_region)
    return manifest


def _line_of(manifest: Manifest) -> tuple[str, str, str]:
    return manifest.publisher_id, manifest.kind, manifest.name


def _span(region: int) -> int:
    first, last = subtree(region)
    return last - first
