"""Publishing releases in the name of this hub: drafts, the check, the signature, withdrawal.

What is published goes through the same verification as what is pulled, so nothing leaves that a hub below would
refuse. Called by ``sanji standards``.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import structs

from auth.certificates import thumbprint
from auth.signatures import sign
from exchange_db import standards, wakeups
from exchange_db.audit_records import Value
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger, ReadSession, WriteSession
from exchange_db.standards import Draft
from hub.clock import Clock
from hub.recording import recorded
from hub.settings import TlsPart
from hub.standards import archive
from hub.standards.documents import Finding, Validators, findings_of, require_usable
from hub.standards.layers import classes_for
from hub.standards.manifest import (
    MAX_DOCUMENT_BYTES,
    PURPOSE,
    Document,
    Manifest,
    Stage,
    check_manifest,
    digest_of,
    next_version,
    read_manifest,
    version_key,
    write_manifest,
)
from hub.standards.releases import require_next, verified


class Plan(NamedTuple):
    """What somebody means to publish; ``stages`` maps six digits to microseconds."""

    kind: str
    name: str
    version: str
    effective_time: int
    documents: Mapping[str, bytes]
    stages: Mapping[str, int] = {}
    title: str = ""
    note: str = ""
    is_extension: bool = False


class Checked(NamedTuple):
    """A manifest that could be published, and what there is to say about its documents, by name."""

    manifest: Manifest
    findings: dict[str, list[Finding]]


class Publisher:
    """Publishes for one hub.

    Args:
        ledger: the hub's database.
        hub_id: name of the hub, and of the publisher.
        hub_region: its region.
        tls: files of its certificate, key and authority.
        validators: by kind of standard.
        clock: the hub's clock.
    """

    def __init__(
        self, ledger: Ledger, hub_id: str, hub_region: int, tls: TlsPart, validators: Validators, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._hub_region = hub_region
        self._tls = tls
        self._validators = validators
        self._clock = clock

    async def check(self, plan: Plan) -> Checked:
        """Returns what would be published, without publishing it.

        Raises:
            Violated: FIELD_INVALID, FIELD_MISSING, RELEASE_FORBIDDEN or RELEASE_OUT_OF_ORDER.
        """
        async with self._ledger.read() as session:
            newest = await standards.newest_version(session, self._hub_id, plan.kind, plan.name)
            manifest = _drafted(plan, self._hub_id, newest)
            check_manifest(manifest, is_draft=True)
            require_next(manifest, newest)
            await self._require_room(session, manifest)
            catalogue = await classes_for(session, plan.kind)
        findings = {
            name: findings_of(plan.kind, name, content, self._validators, catalogue)
            for name, content in plan.documents.items()
        }
        return Checked(manifest, findings)

    async def save_draft(self, plan: Plan, saved_by: str) -> Checked:
        """Keeps what is being prepared, with its documents, also while documents are not yet right.

        Raises:
            Violated: as for ``check``.
        """
        checked = await self.check(plan)
        now = standards.moment(self._clock())
        about: dict[str, Value] = {"version": plan.version}
        async with recorded(self._ledger, "standard.draft", f"{plan.kind} {plan.name}", detail=about) as act:
            session = act.session
            await self._store(session, plan.documents)
            draft = Draft(write_manifest(checked.manifest), saved_by, now)
            await standards.save_draft(session, plan.kind, plan.name, draft)
        return checked

    async def drafted(self, kind: str, name: str) -> Plan:
        """Returns the draft of a kind and name as a plan.

        Raises:
            Violated: RELEASE_NOT_FOUND.
        """
        async with self._ledger.read() as session:
            draft = await standards.find_draft(session, kind, name)
            if draft is None:
                raise Violated("RELEASE_NOT_FOUND", "name", f"{kind} {name}")
            manifest = read_manifest(draft.manifest, is_draft=True)
            documents = await archive.documents_of(session, manifest)
        return Plan(
            kind,
            name,
            manifest.version,
            manifest.effective_time,
            documents,
            {stage.region_code: stage.effective_time for stage in manifest.stages},
            manifest.title,
            manifest.note,
            manifest.is_extension,
        )

    async def publish(self, plan: Plan) -> Manifest:
        """Signs and enters a release, and tells the hub's processes.

        Raises:
            Violated: as for ``check``; RELEASE_INVALID when a document cannot be used; SIGNATURE_INVALID when this
                hub's own certificate would not be accepted below.
            ValueError: certificate and key do not serve for signing.
            OSError: they cannot be read.
        """
        async with recorded(self._ledger, "standard.publish", f"{plan.kind} {plan.name}") as act:
            session = act.session
            catalogue = await classes_for(session, plan.kind)
            for name, content in plan.documents.items():
                require_usable(plan.kind, name, content, self._validators, catalogue)
            await standards.lock(session)
            newest = await standards.newest_version(session, self._hub_id, plan.kind, plan.name)
            manifest = _drafted(plan, self._hub_id, newest)
            await self._require_room(session, manifest)
            await self._store(session, plan.documents)
            published = await self._enter(session, manifest, newest)
            await standards.drop_draft(session, plan.kind, plan.name)
            act.detail["version"] = published.version
        await self._tell()
        return published

    async def withdraw(self, kind: str, name: str, version: str, effective_time: int, note: str) -> Manifest:
        """Withdraws one version from a time on: a release of its own that goes the same way, and deletes nothing.

        Raises:
            Violated: RELEASE_NOT_FOUND when this hub did not publish that version or has withdrawn it already.
            ValueError, OSError: as for ``publish``.
        """
        about: dict[str, Value] = {"version": version}
        async with recorded(self._ledger, "standard.withdraw", f"{kind} {name}", detail=about) as act:
            session = act.session
            await standards.lock(session)
            own = [
                held.manifest
                for held in await archive.held_releases(session)
                if held.manifest.publisher_id == self._hub_id and held.manifest.key == (kind, name)
            ]
            gone = {version_key(one.withdraws) for one in own if one.withdraws}
            live = [one for one in own if not one.withdraws and version_key(one.version) not in gone]
            found = next((one for one in live if one.version == version), None)
            if found is None:
                raise Violated("RELEASE_NOT_FOUND", "version", f"{kind} {name} {version}")
            newest = await standards.newest_version(session, self._hub_id, kind, name)
            manifest = Manifest(
                publisher_id=self._hub_id,
                kind=kind,
                name=name,
                version=next_version(newest),
                supersedes=newest,
                withdraws=version,
                title=found.title,
                note=note,
                is_extension=found.is_extension,
                effective_time=effective_time,
            )
            published = await self._enter(session, manifest, newest)
        await self._tell()
        return published

    async def _enter(self, session: WriteSession, draft: Manifest, newest: str) -> Manifest:
        now = self._clock()
        manifest = structs.replace(draft, published_time=now)
        require_next(manifest, newest)
        content = write_manifest(manifest)
        tls = self._tls
        signed = sign(PURPOSE, content, tls.certificate.read_bytes(), tls.key.read_bytes())
        verified(signed, digest_of(content), tls.authority.read_bytes(), self._hub_region, now)
        entry = archive.as_entry(
            manifest,
            signature=signed.signature,
            certificates=signed.certificates,
            thumbprint=thumbprint(signed.certificates),
            source_id=self._hub_id,
        )
        await standards.enter(session, entry, now)
        return manifest

    async def _require_room(self, session: ReadSession, manifest: Manifest) -> None:
        """Refuses what would never be in force because a higher publisher has the same kind and name."""
        if manifest.is_extension:
            return
        for held in await archive.held_releases(session):
            other = held.manifest
            is_above = other.publisher_region != self._hub_region and self._hub_region in subtree(
                other.publisher_region
            )
            if other.key == manifest.key and is_above and not other.is_extension:
                raise Violated("RELEASE_FORBIDDEN", "name", f"{self._hub_id}: {other.publisher_id} {other.name}")

    async def _store(self, session: WriteSession, documents: Mapping[str, bytes]) -> None:
        for content in documents.values():
            await standards.store(session, digest_of(content), content)

    async def _tell(self) -> None:
        async with self._ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.RELEASED)


def _drafted(plan: Plan, hub_id: str, newest: str) -> Manifest:
    """Returns the manifest of a plan, not yet published.

    Raises:
        Violated: FIELD_INVALID with the field.
    """
    for name, content in plan.documents.items():
        if not 1 <= len(content) <= MAX_DOCUMENT_BYTES:
            raise Violated("FIELD_INVALID", f"documents.{name}", f"{len(content)} bytes")
    manifest = Manifest(
        publisher_id=hub_id,
        kind=plan.kind,
        name=plan.name,
        version=plan.version,
        supersedes=newest,
        title=plan.title,
        note=plan.note,
        is_extension=plan.is_extension,
        effective_time=plan.effective_time,
        stages=tuple(Stage(region, moment) for region, moment in sorted(plan.stages.items())),
        documents=tuple(
            Document(name, digest_of(content), len(content)) for name, content in sorted(plan.documents.items())
        ),
    )
    # Structs are not checked when they are made, but when they are read.
    return read_manifest(write_manifest(manifest), is_draft=True)
