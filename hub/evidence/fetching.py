"""Fetching what is missing from the neighbour whose section names it, when a rule asks for it or a person does.

A fetch that breaks off goes on where it stopped. One that fails is tried again later and later; why is noted beside
the reference, so that people see it.
"""

import logging
import random
from collections.abc import Callable
from typing import NamedTuple

from auth.permissions import is_fetched
from connectors.errors import ConnectorError
from connectors.transports.attachment_calls import download, is_held_at
from connectors.transports.grpc_peer import GrpcPeer, Target
from exchange_db import attachments, peers
from exchange_db.attachment_records import AttachmentKind, Offer, parse_rule
from exchange_db.attachments import MissingRef
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger, ReadSession
from hub.clock import Clock
from hub.evidence.reception import MAX_CHUNK, Reception, ReceptionDesk, most_bytes
from hub.evidence.sniffing import require_claim
from hub.sections.evidence import EvidencePart

logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 60.0
#: References looked at in one round.
MAX_REFS = 500


class Fetched(NamedTuple):
    """What a round of fetching came to: fetched, and failed for now."""

    fetched_count: int
    failed_count: int


class EvidenceFetch:
    """Fetches missing evidence.

    Args:
        ledger: the hub's database.
        desk: takes the bytes in, as if they had been handed in.
        part: the rules by which this hub asks.
        clock: the hub's clock.
        target_of: how a neighbour is dialled.
    """

    def __init__(
        self,
        ledger: Ledger,
        desk: ReceptionDesk,
        part: EvidencePart,
        clock: Clock,
        target_of: Callable[[Peer], Target],
    ) -> None:
        self._ledger = ledger
        self._desk = desk
        self._part = part
        self._rules = tuple(map(parse_rule, part.fetch))
        self._clock = clock
        self._target_of = target_of

    async def run(self) -> Fetched:
        """Does one round of what rules ask for and is due, neighbour by neighbour."""
        async with self._ledger.read() as session:
            known = await self._neighbours(session)
            asked = [
                (peer.peer_id, kind)
                for peer in known.values()
                for kind in AttachmentKind
                if is_fetched(peer.peer_id, peer.relation, kind, self._rules)
            ]
            refs = await attachments.missing(session, MAX_REFS, due_time=self._clock(), asked=asked)
        return await self._fetch_from(known, refs)

    async def fetch_now(self, issuer_id: str = "", case_no: str = "") -> Fetched:
        """Fetches because a person asks: rules and pauses do not count.

        Args:
            issuer_id: platform that gave the case its number; empty for everything that is missing.
            case_no: the case; its evidence is fetched wherever it is.
        """
        async with self._ledger.read() as session:
            known = await self._neighbours(session)
            if issuer_id:
                refs = await attachments.not_held(session, issuer_id, case_no)
            else:
                refs = await attachments.missing(session, MAX_REFS)
        return await self._fetch_from(known, refs)

    @staticmethod
    async def _neighbours(session: ReadSession) -> dict[str, Peer]:
        return {peer.peer_id: peer for peer in await peers.all_peers(session) if peer.state == "active"}

    async def _fetch_from(self, known: dict[str, Peer], refs: list[MissingRef]) -> Fetched:
        by_sender: dict[str, list[MissingRef]] = {}
        for ref in refs:
            by_sender.setdefault(ref.sender_id, []).append(ref)
        fetched_count = 0
        for sender_id, sent in by_sender.items():
            fetched_count += await self._fetch_all(known.get(sender_id), sent)
        return Fetched(fetched_count, len(refs) - fetched_count)

    async def _fetch_all(self, peer: Peer | None, refs: list[MissingRef]) -> int:
        if peer is None or not peer.is_dialled:
            trouble = "该平台不可连接，只能由其自行上传 / cannot be dialled; it must upload by itself"
            return await self._fail(refs, trouble)
        count = 0
        try:
            async with GrpcPeer(self._target_of(peer)) as neighbour:
                for ref in refs:
                    try:
                        await self._fetch(neighbour, peer.peer_id, ref)
                    except (ConnectorError, Violated) as error:
                        await self._fail([ref], str(error))
                    else:
                        count += 1
        except (ConnectorError, OSError) as error:
            await self._fail(refs[count:], str(error))
        return count

    async def _fetch(self, neighbour: GrpcPeer, peer_id: str, ref: MissingRef) -> None:
        require_claim(ref.kind, ref.media_type)
        if ref.size_bytes > (most := most_bytes(self._part, ref.kind)):
            raise Violated("ATTACHMENT_TOO_LARGE", "size_bytes", f"{ref.size_bytes} > {most}")
        offer = Offer(ref.digest, ref.size_bytes, ref.media_type, ref.kind, ref.issuer_id, ref.case_no)
        # Bytes that are here for another case need not travel, if the neighbour has them for this one.
        reception = await self._desk.begin(peer_id, offer, is_proved=await is_held_at(neighbour, ref.digest))
        try:
            if not reception.is_complete:
                await self._take_all(neighbour, reception, ref.digest)
            await reception.finish()
        finally:
            reception.close()

    async def _take_all(self, neighbour: GrpcPeer, reception: Reception, digest: str) -> None:
        async for piece in download(neighbour, digest, reception.next_offset):
            for start in range(0, len(piece.data), MAX_CHUNK):
                await reception.take(piece.offset + start, piece.data[start : start + MAX_CHUNK])

    async def _fail(self, refs: list[MissingRef], trouble: str) -> int:
        now = self._clock()
        async with self._ledger.write() as session:
            for ref in refs:
                pause = min(
                    self._part.fetch_pause_cap_seconds,
                    _FIRST_PAUSE_SECONDS * 2.0 ** min(ref.attempt_count, 20),
                ) * random.uniform(0.7, 1.0)  # noqa: S311 — jitter, not a secret
                await attachments.note_failure(session, ref, trouble, now + round(pause * 1_000_000))
        if refs:
            logger.info("%d attachments from %s not fetched: %s", len(refs), refs[0].sender_id, trouble)
        return 0
