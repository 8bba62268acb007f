"""Giving bytes out: only to who may have them, and checked against their digest while they are read.

The last piece is held back until the whole was checked, so nobody ever has a damaged attachment that looks complete.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from auth.permissions import is_given, kinds_wanted, visible_regions
from auth.principal import Principal
from exchange_db import attachments
from exchange_db.attachment_records import EvidenceRule, parse_rule
from exchange_db.attachments import MissingRef, Rights, Seen, Stored
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evidence.errors import NotStored, StoreUnavailable
from hub.evidence.store import EvidenceStore
from hub.sections.evidence import EvidencePart


class Standing(NamedTuple):
    """Where an attachment stands for one neighbour: ``unknown``, ``missing``, ``partial``, ``held`` or ``corrupt``.

    ``durable_offset`` is how far the neighbour's own upload is on disk.
    """

    digest: str
    state: str
    durable_offset: int = 0
    size_bytes: int = 0


class Piece(NamedTuple):
    """Some bytes and their place."""

    offset: int
    data: bytes


class EvidenceReader:
    """Gives evidence out.

    Args:
        ledger: the hub's database.
        store: where the bytes are.
        part: the rules by which evidence is given.
        clock: the hub's clock.
        hub_region: region of this hub.
    """

    def __init__(self, ledger: Ledger, store: EvidenceStore, part: EvidencePart, clock: Clock, hub_region: int) -> None:
        self._ledger = ledger
        self._store = store
        self._rules: tuple[EvidenceRule, ...] = tuple(map(parse_rule, part.forward))
        self._wishes: tuple[EvidenceRule, ...] = tuple(map(parse_rule, part.fetch))
        self._clock = clock
        self._hub_region = hub_region

    async def find(self, viewer: Principal, digest: str) -> Stored:
        """Returns what is held, if the viewer gets it.

        Raises:
            Violated: ATTACHMENT_NOT_FOUND, ATTACHMENT_MISSING, ATTACHMENT_NOT_FORWARDED or ATTACHMENT_CORRUPT.
        """
        visible = visible_regions(viewer, self._hub_region)
        async with self._ledger.read() as session:
            known = (await attachments.rights(session, [digest], viewer.peer_id, visible)).get(digest)
            stored = await attachments.find(session, digest)
        if known is None:
            raise Violated("ATTACHMENT_NOT_FOUND", "digest", digest)
        if stored is None or not (known.kinds or known.is_own):
            raise Violated("ATTACHMENT_MISSING")
        if not self._is_given(viewer, known):
            raise Violated("ATTACHMENT_NOT_FORWARDED", "digest", digest)
        if stored.state != "held":
            raise Violated("ATTACHMENT_CORRUPT")
        return stored

    async def pieces(self, stored: Stored, offset: int) -> AsyncIterator[Piece]:
        """Yields the bytes from an offset on, in pieces of at most 1 MiB.

        Raises:
            Violated: ATTACHMENT_CORRUPT, the bytes have not the digest (noted, so that they are fetched again);
                STORE_UNAVAILABLE.
        """
        held_back: Piece | None = None
        try:
            async for piece in self._checked(stored):
                if piece.offset + len(piece.data) <= offset:
                    continue
                if held_back is not None:
                    yield held_back
                skipped = max(0, offset - piece.offset)
                held_back = Piece(piece.offset + skipped, piece.data[skipped:])
        except StoreUnavailable as error:
            raise Violated("STORE_UNAVAILABLE", value=error) from error
        if held_back is not None:
            yield held_back

    async def is_whole(self, stored: Stored) -> bool:
        """Reads stored bytes and tells whether they are what they should be; damage is noted.

        Raises:
            StoreUnavailable: they could not be read, which says nothing about them.
        """
        try:
            async for _ in self._checked(stored):
                pass
        except Violated:
            return False
        async with self._ledger.write() as session:
            await attachments.note_check(session, stored.digest, "held", self._clock())
        return True

    async def _checked(self, stored: Stored) -> AsyncIterator[Piece]:
        """Yields all pieces, and after the last one raises if they were not right."""
        hashing, size = hashlib.sha256(), 0
        try:
            async for data in self._store.pieces(stored.digest):
                await asyncio.to_thread(hashing.update, data)
                yield Piece(size, data)
                size += len(data)
            is_right = hashing.hexdigest() == stored.digest
        except NotStored:
            is_right = False
        if not is_right:
            async with self._ledger.write() as session:
                await attachments.note_check(session, stored.digest, "corrupt", self._clock())
            raise Violated("ATTACHMENT_CORRUPT")

    async def standings(self, viewer: Principal, digests: list[str]) -> list[Standing]:
        """Returns where attachments stand for a neighbour, in the order of the question."""
        visible = visible_regions(viewer, self._hub_region)
        found: list[Standing] = []
        async with self._ledger.read() as session:
            known = await attachments.rights(session, digests, viewer.peer_id, visible)
            for digest in digests:
                stored = await attachments.find(session, digest) if digest in known else None
                upload = await attachments.upload_of(session, viewer.peer_id, digest)
                if stored is not None and self._is_given(viewer, known[digest]):
                    found.append(Standing(digest, stored.state, size_bytes=stored.size_bytes))
                elif upload is not None and not upload.is_done:
                    found.append(Standing(digest, "partial", upload.durable_offset, upload.size_bytes))
                else:
                    found.append(Standing(digest, "missing" if digest in known else "unknown"))
        return found

    async def wanted(self, viewer: Principal, after: Seen, limit: int) -> list[MissingRef]:
        """Returns what this hub misses from a neighbour and would like to have, behind the last row seen."""
        kinds = kinds_wanted(viewer, self._wishes)
        async with self._ledger.read() as session:
            return await attachments.wanted(session, viewer.peer_id, kinds, after, limit)

    def _is_given(self, viewer: Principal, known: Rights) -> bool:
        return is_given(viewer, known.kinds, self._rules, is_own=known.is_own)
