"""Pulling releases from the hub above: list, verify, keep. What does not hold is refused, shown, and asked for again.

The cursor stands before the first release that is not held, so a refused one is tried again with every pull and counts
as missing until it is right; those behind it are taken meanwhile. Safe to run twice at once. Called by the job
``pull-standards`` and by ``sanji standards pull``.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from auth.certificates import thumbprint
from auth.signatures import Signed
from connectors.errors import CallRefused, ConnectorError, Unreachable
from connectors.transports import standards_calls
from connectors.transports.grpc_peer import GrpcPeer, Target
from connectors.transports.standards_calls import Listed, ShownRelease
from exchange_db import peers, standard_links, standards, wakeups
from exchange_db.audit import append
from exchange_db.audit_records import Value
from exchange_db.peers import Peer
from exchange_db.records import Violated, printable
from exchange_db.session import Ledger
from exchange_db.standard_links import Offer, PullState
from hub.clock import Clock
from hub.recording import entry_of
from hub.standards import archive
from hub.standards.documents import Validators, require_usable
from hub.standards.layers import classes_for
from hub.standards.manifest import Manifest, digest_of
from hub.standards.releases import require_next, verified

#: Longest wait for one document; a document has up to 32 MiB and the lines below a city may be thin.
_DOCUMENT_SECONDS = 300.0
_PAGE = 100
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")

#: Makes what dials a neighbour from its registry entry.
Dial = Callable[[Peer], Target]


class Pulled(NamedTuple):
    """What a pull brought: releases taken, refused, and what went wrong with whom, in words."""

    taken_count: int
    refused_count: int
    troubles: list[str]


class StandardsPuller:
    """Pulls for one hub.

    Args:
        ledger: the hub's database.
        dial: makes targets of neighbours.
        authority: file with the federation's authorities.
        hub_region: region of the hub.
        validators: by kind of standard.
        clock: the hub's clock.
        timeout_seconds: longest wait for an answer.
    """

    def __init__(
        self,
        ledger: Ledger,
        dial: Dial,
        authority: Path,
        hub_region: int,
        validators: Validators,
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        self._ledger = ledger
        self._dial = dial
        self._authority = authority
        self._hub_region = hub_region
        self._validators = validators
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def run(self) -> Pulled:
        """Pulls once from every parent; tells the hub's processes when something was taken."""
        async with self._ledger.read() as session:
            known = await peers.all_peers(session)
        tally: Counter[str] = Counter()
        troubles = []
        for parent in known:
            if parent.relation != "parent" or parent.state != "active" or not parent.is_dialled:
                continue
            try:
                async with GrpcPeer(self._dial(parent)) as neighbour:
                    await self._pull(neighbour, parent, tally)
            except (ConnectorError, TimeoutError, OSError) as error:
                trouble = printable(str(error)) or "no answer in time"
                troubles.append(f"{parent.peer_id}: {trouble}")
                async with self._ledger.write() as session:
                    await standard_links.note_pull_trouble(session, parent.peer_id, trouble, self._clock())
        if tally["taken"]:
            async with self._ledger.watching() as connection:
                await wakeups.wake(connection.driver, wakeups.RELEASED)
        return Pulled(tally["taken"], tally["refused"], troubles)

    async def _pull(self, neighbour: GrpcPeer, parent: Peer, tally: Counter[str]) -> None:
        async with self._ledger.read() as session:
            state = await standard_links.pull_state(session, parent.peer_id)
        begun = standards.moment(self._clock())
        after, after_digest, is_whole = state.held_number, state.held_digest, True
        held_number, held_digest = after, after_digest
        missing = 0
        while True:
            asked_after = after
            try:
                page = await standards_calls.list_releases(
                    neighbour, after, after_digest, size=_PAGE, timeout_seconds=self._timeout_seconds
                )
            except CallRefused as error:
                if error.reason != "CURSOR_AHEAD" or not after:
                    raise
                # The hub above was restored from an older backup: its list is read from the beginning.
                after, after_digest, held_number, held_digest, is_whole = 0, "", 0, "", True
                continue
            for listed in page.releases:
                if listed.number <= after:
                    raise Unreachable("the numbers of the list do not rise")
                after, after_digest = listed.number, listed.digest
                is_new = await self._take(neighbour, parent, listed)
                tally["taken"] += is_new is True
                tally["refused"] += is_new is None
                missing += is_new is None
                is_whole = is_whole and is_new is not None
                if is_whole:
                    held_number, held_digest = listed.number, listed.digest
            if not page.has_more or not page.releases:
                break
        now = standards.moment(self._clock())
        reached = PullState(parent.peer_id, held_number, held_digest, page.newest_number, missing, begun, now)
        await self._note(neighbour, reached, asked_after)

    async def _note(self, neighbour: GrpcPeer, state: PullState, asked_after: int) -> None:
        async with self._ledger.write() as session:
            await standard_links.note_pull(session, state)
        if state.held_number == asked_after:
            return
        # Asking once more tells the hub above what is held now; the last question said something else.
        await standards_calls.list_releases(
            neighbour, state.held_number, state.held_digest, size=1, timeout_seconds=self._timeout_seconds
        )

    async def _take(self, neighbour: GrpcPeer, parent: Peer, listed: Listed) -> bool | None:
        """Takes one release: ``True`` when it is new, ``False`` when it is held already, ``None`` when refused."""
        shown = ShownRelease(b"", b"", b"")
        try:
            _require_digest(listed.digest)
            async with self._ledger.read() as session:
                if await standards.has(session, listed.digest):
                    return False
            shown = await standards_calls.get_release(neighbour, listed.digest, timeout_seconds=self._timeout_seconds)
            signed = Signed(shown.manifest, shown.signature, shown.certificates)
            manifest = verified(signed, listed.digest, self._authority.read_bytes(), self._hub_region, self._clock())
            documents = await self._documents(neighbour, manifest)
            return await self._keep(signed, manifest, documents, parent.peer_id)
        except Violated as violated:
            violation = violated.violation
        except CallRefused as error:
            violation = Violated("RELEASE_DAMAGED", "", f"{listed.digest[:12]} {error}").violation
        offer = Offer(
            listed.digest if _DIGEST.match(listed.digest) else digest_of(listed.digest.encode()),
            printable(f"{listed.publisher_id} {listed.kind} {listed.name} {listed.version}")[:300],
            *shown,
        )
        async with self._ledger.write() as session:
            await standard_links.refuse(session, parent.peer_id, offer, violation, self._clock())
        return None

    async def _documents(self, neighbour: GrpcPeer, manifest: Manifest) -> dict[str, bytes]:
        """Returns the documents of a release by digest, those that are held and whole from the ledger.

        Raises:
            Violated: RELEASE_DAMAGED or RELEASE_INVALID.
        """
        found: dict[str, bytes] = {}
        async with self._ledger.read() as session:
            catalogue = await classes_for(session, manifest.kind)
        for document in manifest.documents:
            async with self._ledger.read() as session:
                content = await standards.content_of(session, document.digest)
            if content is None or digest_of(content) != document.digest:
                content = await standards_calls.fetch_document(
                    neighbour, document.digest, document.size, timeout_seconds=_DOCUMENT_SECONDS
                )
            if len(content) != document.size or digest_of(content) != document.digest:
                raise Violated("RELEASE_DAMAGED", f"documents.{document.name}", document.digest)
            require_usable(manifest.kind, document.name, content, self._validators, catalogue)
            found[document.digest] = content
        return found

    async def _keep(self, signed: Signed, manifest: Manifest, documents: dict[str, bytes], source_id: str) -> bool:
        """Enters a verified release; ``False`` when another process was first.

        Raises:
            Violated: RELEASE_OUT_OF_ORDER.
        """
        entry = archive.as_entry(
            manifest,
            signature=signed.signature,
            certificates=signed.certificates,
            thumbprint=thumbprint(signed.certificates),
            source_id=source_id,
        )
        async with self._ledger.write() as session:
            await standards.lock(session)
            if await standards.has(session, entry.digest):
                return False
            newest = await standards.newest_version(session, manifest.publisher_id, manifest.kind, manifest.name)
            require_next(manifest, newest)
            for digest, content in documents.items():
                await standards.store(session, digest, content)
            await standards.enter(session, entry, self._clock())
            about: dict[str, Value] = {
                "version": manifest.version, "publisher": manifest.publisher_id, "source": source_id,
                "digest": entry.digest,
            }  # fmt: skip
            await append(session, entry_of("standard.take", f"{manifest.kind} {manifest.name}", detail=about))
        return True


def _require_digest(text: str) -> None:
    if not _DIGEST.match(text):
        raise Violated("RELEASE_UNREADABLE", "digest", text)
