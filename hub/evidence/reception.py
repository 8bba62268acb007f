"""Taking bytes in: an offer, then chunks that are on disk before they are acknowledged, then the check and the store.

An upload that breaks off goes on from the offset in the ledger. Bytes are held once they have the digest and the type
that were named. Called by ``hub.rpc`` for what is handed in and by ``hub.evidence.fetching`` for what is fetched.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from auth.permissions import require_evidence, visible_regions
from auth.principal import Principal
from exchange_db import attachments, cases, documents, links
from exchange_db.attachment_records import AttachmentKind, Offer
from exchange_db.attachments import Rights, Stored, Upload
from exchange_db.document_records import document_id_in
from exchange_db.keys import case_key
from exchange_db.records import Violated
from exchange_db.regions import Subtree, region_of
from exchange_db.session import Ledger, ReadSession
from hub.clock import Clock
from hub.evidence.errors import StoreUnavailable
from hub.evidence.exif import read_exif
from hub.evidence.partial import Partial
from hub.evidence.sniffing import HEAD_BYTES, require_claim, require_type
from hub.evidence.store import EvidenceStore
from hub.sections.evidence import EvidencePart

MAX_CHUNK = 1024 * 1024
#: Bytes after which what has come is synced and acknowledged; as much may have to be sent again.
SYNC_BYTES = 4 * 1024 * 1024
#: Uploads one neighbour may have begun and not finished.
MAX_UNFINISHED = 20
_MEGABYTE = 1_000_000


class Taken(NamedTuple):
    """How an upload ended: what is in the store, and whether it was there before."""

    stored: Stored
    is_duplicate: bool


class ReceptionDesk:
    """Takes bytes in.

    Args:
        ledger: the hub's database.
        store: where verified bytes go.
        part: limits, and the folder for what is arriving.
        clock: the hub's clock.
        hub_region: region of this hub.
        zone: zone of moments a camera wrote without one.
    """

    def __init__(
        self, ledger: Ledger, store: EvidenceStore, part: EvidencePart, clock: Clock, hub_region: int, zone: str
    ) -> None:
        self.ledger = ledger
        self.store = store
        self.part = part
        self.clock = clock
        self.zone = zone
        self._hub_region = hub_region

    async def receive(self, sender: Principal, offer: Offer) -> "Reception":
        """Begins or goes on with what a neighbour hands in.

        Raises:
            Violated: ATTACHMENT_TYPE_FORBIDDEN, ATTACHMENT_TOO_LARGE, ORIGIN_FORBIDDEN, UPLOADS_UNFINISHED,
                ATTACHMENT_BUSY or STORE_UNAVAILABLE.
        """
        require_claim(offer.kind, offer.media_type)
        most = most_bytes(self.part, offer.kind)
        if offer.size_bytes > most:
            raise Violated("ATTACHMENT_TOO_LARGE", "header.size_bytes", f"{offer.size_bytes} > {most}")
        visible = visible_regions(sender, self._hub_region)
        async with self.ledger.read() as session:
            is_visible = await _is_visible(session, offer, visible)
            known = (await attachments.rights(session, [offer.digest], sender.peer_id, visible)).get(offer.digest)
        require_evidence(sender, offer.issuer_id, self._hub_region, is_visible=is_visible)
        return await self.begin(sender.peer_id, offer, is_proved=_is_proved(known), sender=sender)

    async def begin(
        self, source_id: str, offer: Offer, *, is_proved: bool, sender: Principal | None = None
    ) -> "Reception":
        """Begins or goes on with bytes of a source, without asking for its rights.

        Args:
            source_id: the neighbour the bytes come from.
            offer: what they should be.
            is_proved: whether the source had these bytes before; if so and they are held, none need come.
            sender: the neighbour, when it is the caller; asked for at every sync whether it is still welcome.

        Raises:
            Violated: UPLOADS_UNFINISHED, ATTACHMENT_BUSY or STORE_UNAVAILABLE.
        """
        now = self.clock()
        async with self.ledger.write() as session:
            stored = await attachments.find(session, offer.digest)
            if stored is not None and stored.state == "held" and is_proved:
                await attachments.hold(session, offer, source_id, now)
                return Reception(self, source_id, offer, None, stored, sender)
            upload = await attachments.upload_of(session, source_id, offer.digest)
            if (upload is None or upload.is_done) and (
                await attachments.unfinished_count(session, source_id) >= MAX_UNFINISHED
            ):
                raise Violated("UPLOADS_UNFINISHED", value=MAX_UNFINISHED)
        with _storing():
            partial = await asyncio.to_thread(Partial.open, self.part.spool_folder, source_id, offer.digest)
        try:
            await self._resume(partial, source_id, offer)
        except BaseException:
            partial.close()
            raise
        return Reception(self, source_id, offer, partial, None, sender)

    async def _resume(self, partial: Partial, source_id: str, offer: Offer) -> None:
        """Goes back to the offset in the ledger; read under the file's lock, so nobody moves it meanwhile."""
        async with self.ledger.read() as session:
            upload = await attachments.upload_of(session, source_id, offer.digest)
        offset = 0
        if upload is not None and not upload.is_done and upload.size_bytes == offer.size_bytes:
            offset = upload.durable_offset
        with _storing():
            kept = await asyncio.to_thread(partial.resume, offset)
        progress = Upload(offer.size_bytes, kept, is_done=False)
        async with self.ledger.write() as session:
            await attachments.note_upload(session, source_id, offer.digest, progress, self.clock())


class Reception:
    """One upload under way; ``close`` it in any case.

    ``next_offset`` is where the next chunk begins; equal to the size when everything is here.
    """

    def __init__(
        self,
        desk: ReceptionDesk,
        source_id: str,
        offer: Offer,
        partial: Partial | None,
        stored: Stored | None,
        sender: Principal | None,
    ) -> None:
        self._desk = desk
        self._source_id = source_id
        self._offer = offer
        self._partial = partial
        self._stored = stored
        self._sender = sender
        self.next_offset = partial.size if partial is not None else offer.size_bytes
        self._synced = self.next_offset

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are here."""
        return self.next_offset >= self._offer.size_bytes

    async def take(self, offset: int, data: bytes) -> int | None:
        """Takes one chunk; returns the offset that is on disk when it was synced, ``None`` when it was not.

        Raises:
            Violated: ARGUMENT_INVALID, ATTACHMENT_TYPE_MISMATCH, PEER_BLOCKED or STORE_UNAVAILABLE.
        """
        partial, offer = self._partial, self._offer
        if partial is None or offset != self.next_offset:
            raise Violated("ARGUMENT_INVALID", "chunk.offset", f"{offset} ≠ {self.next_offset}")
        if not 1 <= len(data) <= MAX_CHUNK or offset + len(data) > offer.size_bytes:
            raise Violated("ARGUMENT_INVALID", "chunk.data", f"{len(data)} bytes at {offset} of {offer.size_bytes}")
        with _storing():
            await asyncio.to_thread(partial.append, data)
        self.next_offset = partial.size
        if offset < HEAD_BYTES <= self.next_offset:
            await self._require_type(partial)
        if self.next_offset - self._synced < SYNC_BYTES and not self.is_complete:
            return None
        await self._sync(partial)
        return self._synced

    async def _sync(self, partial: Partial) -> None:
        with _storing():
            self._synced = await asyncio.to_thread(partial.sync)
        progress = Upload(self._offer.size_bytes, self._synced, is_done=False)
        async with self._desk.ledger.write() as session:
            await attachments.note_upload(session, self._source_id, self._offer.digest, progress, self._desk.clock())
            sender = self._sender
            if sender and not await links.is_welcome(session.driver, sender.destination_id, sender.thumbprint):
                raise Violated("PEER_BLOCKED")

    async def finish(self) -> Taken:
        """Checks what has come, puts it into the store and notes it; after that it is held.

        Raises:
            Violated: ATTACHMENT_INCOMPLETE, ATTACHMENT_DIGEST_MISMATCH, ATTACHMENT_TYPE_MISMATCH or STORE_UNAVAILABLE.
        """
        if self._stored is not None:
            return Taken(self._stored, is_duplicate=True)
        partial, offer, desk = self._partial, self._offer, self._desk
        assert partial is not None  # noqa: S101 — what is not held has a file
        if not self.is_complete:
            raise Violated("ATTACHMENT_INCOMPLETE", "header.size_bytes", f"{self.next_offset} < {offer.size_bytes}")
        if (digest := partial.digest()) != offer.digest:
            await self._discard(partial)
            raise Violated("ATTACHMENT_DIGEST_MISMATCH", "header.digest", digest)
        sniffed_type = await self._require_type(partial)
        exif = await asyncio.to_thread(read_exif, partial.path, sniffed_type, desk.zone)
        async with desk.ledger.read() as session:
            before = await attachments.find(session, offer.digest)
        is_duplicate = before is not None and before.state == "held"
        if not is_duplicate:
            with _storing():
                await desk.store.put(offer.digest, partial.path)
        async with desk.ledger.write() as session:
            stored = await attachments.store(session, offer, sniffed_type, exif, self._source_id, desk.clock())
            await attachments.hold(session, offer, self._source_id, desk.clock())
        await asyncio.to_thread(partial.discard)
        return Taken(stored, is_duplicate)

    def close(self) -> None:
        """Ends it here; what is synced stays for the next time."""
        if self._partial is not None:
            self._partial.close()

    async def _require_type(self, partial: Partial) -> str:
        try:
            return require_type(self._offer.media_type, partial.head)
        except Violated:
            await self._discard(partial)
            raise

    async def _discard(self, partial: Partial) -> None:
        await asyncio.to_thread(partial.discard)
        async with self._desk.ledger.write() as session:
            await attachments.forget_upload(session, self._source_id, self._offer.digest)


async def _is_visible(session: ReadSession, offer: Offer, visible: Subtree) -> bool:
    """Tells whether what bytes are offered for, a case or a document, may be seen from some regions."""
    if document_id := document_id_in(offer.case_no):
        return await documents.find(session, offer.issuer_id, document_id, visible) is not None
    key = case_key(offer.issuer_id, offer.case_no)
    return await cases.find(session, region_of(offer.issuer_id), key, visible) is not None


def most_bytes(part: EvidencePart, kind: AttachmentKind) -> int:
    """Returns how large evidence of a kind may be, in bytes."""
    if kind is AttachmentKind.VOICE:
        return part.voice_megabytes * _MEGABYTE
    if kind is AttachmentKind.DOCUMENT:
        return part.document_megabytes * _MEGABYTE
    return (part.video_megabytes if kind is AttachmentKind.VIDEO else part.photo_megabytes) * _MEGABYTE


def _is_proved(known: Rights | None) -> bool:
    """Tells whether somebody has had the bytes; to know a digest is not enough."""
    return known is not None and (known.is_own or bool(known.kinds))


@contextmanager
def _storing() -> Iterator[None]:
    """Says in the caller's words that the disk or the store is at fault."""
    try:
        yield
    except (OSError, StoreUnavailable) as error:
        raise Violated("STORE_UNAVAILABLE", value=error) from error
