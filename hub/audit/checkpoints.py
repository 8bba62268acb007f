"""Checkpoints of this hub's audit log: signing its state, having neighbours sign it too, and fitting it at start.

Called by the job ``countersign-audit``, by the start of a hub and by ``sanji audit``.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from auth.audit_chain import Checkpoint, checkpoint_of, read_checkpoint, signed_checkpoint
from auth.signatures import Signed
from connectors.errors import ConnectorError
from connectors.transports import audit_calls
from connectors.transports.grpc_peer import GrpcPeer, Target
from exchange_db import audit, audit_checkpoints, audit_proofs, links, peers
from exchange_db.audit_hashes import chain_hash, digest_of, leaf_hash
from exchange_db.audit_records import AuditEntry, SignedBytes, hub_actor
from exchange_db.peers import Peer
from exchange_db.records import Violated, printable
from exchange_db.session import Ledger, ReadSession
from hub.clock import Clock
from hub.settings import TlsPart

logger = logging.getLogger(__name__)

#: Makes the target of a neighbour.
Dial = Callable[[Peer], Target]


class LogUnfit(Exception):
    """The audit log is not the one the last checkpoint was made of: it was cut, changed or put back."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(f"{chinese} / {english}")


class Round(NamedTuple):
    """What a round came to: the log's size, who signed it, and whom it could not be shown to, with the trouble."""

    size: int
    signed_ids: tuple[str, ...]
    troubles: dict[str, str]


class CheckpointDesk:
    """Makes checkpoints and shows them to neighbours.

    Args:
        ledger: the hub's database.
        hub_id: name of the hub.
        tls: files of its certificate, key and authority.
        dial: makes targets of neighbours.
        clock: the hub's clock.
        timeout_seconds: longest wait for an answer.
        late_seconds: after this long without a neighbour's signature an alarm is raised.
    """

    def __init__(
        self,
        ledger: Ledger,
        hub_id: str,
        tls: TlsPart,
        dial: Dial,
        clock: Clock,
        *,
        timeout_seconds: float,
        late_seconds: float,
    ) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._tls = tls
        self._dial = dial
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._late_seconds = late_seconds
        #: When each neighbour last signed, by this desk.
        self._signed_times: dict[str, int] = {}

    async def make(self) -> tuple[Checkpoint, SignedBytes] | None:
        """Signs the log as it stands, unless it was signed at that size; returns the newest, none of an empty log.

        Raises:
            LogUnfit: the log does not continue its last checkpoint; nothing is signed.
        """
        # One consistent picture: the log may grow meanwhile.
        async with self._ledger.read() as session:
            head = await audit.head_of(session)
            last = await self._fitting(session)
        if last is not None and last[0].size == head.size:
            return last
        if head.size == 0:
            return None
        checkpoint = checkpoint_of(self._hub_id, head, self._clock())
        signed = signed_checkpoint(checkpoint, self._tls.certificate.read_bytes(), self._tls.key.read_bytes())
        kept = SignedBytes(*signed)
        async with self._ledger.write() as session:
            await audit_checkpoints.keep(session, head.size, kept, _moment(checkpoint.made_time))
        return checkpoint, kept

    async def check(self) -> None:
        """Compares the log with its last checkpoint, as a hub does when it starts.

        Raises:
            LogUnfit: it does not fit.
        """
        async with self._ledger.read() as session:
            await self._fitting(session)

    async def _fitting(self, session: ReadSession) -> tuple[Checkpoint, SignedBytes] | None:
        found = await audit_checkpoints.newest(session)
        if found is None:
            return None
        try:
            checkpoint = read_checkpoint(Signed(*found[1]), self._tls.authority.read_bytes())
        except Violated as refused:
            said = refused.violation
            raise LogUnfit(f"审计日志的检查点无效：{said.message_zh}", f"its checkpoint: {said.message}") from None
        await require_fit(session, checkpoint)
        return checkpoint, found[1]

    async def run(self) -> Round:
        """Makes a checkpoint, shows it to every neighbouring hub that can be dialled, and tells who is late.

        Raises:
            LogUnfit: the log does not continue its last checkpoint.
        """
        made = await self.make()
        if made is None:
            return Round(0, (), {})
        checkpoint, signed = made
        async with self._ledger.read() as session:
            states = {state.peer_id: state for state in await audit_checkpoints.countersigned(session)}
            witnesses = [
                peer
                for peer in await peers.all_peers(session)
                if peer.kind == "hub" and peer.state == "active" and peer.is_dialled
            ]
            paused = await links.paused(session.driver)
        held = {peer.peer_id: states[peer.peer_id].size if peer.peer_id in states else 0 for peer in witnesses}
        # A log that did not grow is shown now and then too, so that its silence would tell something.
        before = self._clock() - int(self._late_seconds * 500_000)
        due = [
            peer
            for peer in witnesses
            if held[peer.peer_id] < checkpoint.size or self._signed_times.get(peer.peer_id, before) < before
        ]
        # A neighbour that does not answer is left alone here too, until its link tries again.
        troubles = {peer.peer_id: "the link pauses" for peer in due if peer.destination_id in paused}
        dialled = [peer for peer in due if peer.peer_id not in troubles]
        told = await asyncio.gather(*(self._show(peer, checkpoint, signed, held[peer.peer_id]) for peer in dialled))
        troubles |= {peer.peer_id: trouble for peer, trouble in zip(dialled, told, strict=True) if trouble}
        for peer_id, trouble in troubles.items():
            await self._tell_late(peer_id, trouble)
        return Round(checkpoint.size, tuple(sorted(held.keys() - troubles.keys())), troubles)

    async def _show(self, peer: Peer, checkpoint: Checkpoint, signed: SignedBytes, held_size: int) -> str:
        """Has one neighbour sign; returns the trouble, empty when there was none."""
        try:
            async with asyncio.timeout(self._timeout_seconds), GrpcPeer(self._dial(peer)) as neighbour:
                # The second time from what the neighbour says it holds: an answer of it may have been lost.
                for _ in range(2):
                    answer = await audit_calls.countersign(
                        neighbour, signed, held_size, await self._proof(checkpoint, held_size),
                        timeout_seconds=self._timeout_seconds,
                    )  # fmt: skip
                    if answer.signed is not None:
                        await self._keep(peer.peer_id, checkpoint, answer.signed)
                        self._signed_times[peer.peer_id] = self._clock()
                        return ""
                    held_size = answer.held_size
        except (ConnectorError, Violated, TimeoutError, OSError) as error:
            return printable(str(error)) or "no answer in time"
        return f"holds {held_size} of a log of {checkpoint.size}"

    async def _proof(self, checkpoint: Checkpoint, size: int) -> list[bytes]:
        """Returns the proof from an earlier size; none is needed from nothing."""
        if not 0 < size < checkpoint.size:
            return []
        async with self._ledger.read() as session:
            return await audit_proofs.consistency_proof(session, checkpoint.algorithm, size, checkpoint.size)

    async def _keep(self, peer_id: str, checkpoint: Checkpoint, signed: SignedBytes) -> None:
        """Keeps a neighbour's signature after reading it: it must be the neighbour's, on this very state.

        Raises:
            Violated: it is not.
        """
        statement = read_checkpoint(Signed(*signed), self._tls.authority.read_bytes())
        expected = replace(checkpoint, witness_id=peer_id, made_time=statement.made_time)
        if statement != expected:
            raise Violated("CHECKPOINT_INVALID", "countersignature")
        async with self._ledger.write() as session:
            await audit_checkpoints.keep_countersignature(session, peer_id, checkpoint.size, signed)

    async def _tell_late(self, peer_id: str, trouble: str) -> None:
        """Raises an alarm, once for each time a neighbour is late: in the program's log and in the audit log."""
        logger.warning("%s has not countersigned the audit log: %s", peer_id, trouble)
        async with self._ledger.write() as session:
            since = await audit_checkpoints.waiting_since(session, peer_id)
            if since is None or self._clock() - microseconds(since) < self._late_seconds * 1_000_000:
                return
            wanted = audit.Search(action="audit.late", object=peer_id, begin_time=microseconds(since))
            if await audit.search(session, wanted, limit=1):
                return
            logger.error("%s is late with countersigning the audit log", peer_id)
            await audit.append(
                session,
                AuditEntry(
                    actor=hub_actor(self._hub_id), action="audit.late", object=peer_id, outcome="failed",
                    reason="COUNTERSIGNATURE_LATE", detail={"trouble": trouble},
                ),
            )  # fmt: skip


async def require_fit(session: ReadSession, checkpoint: Checkpoint) -> None:
    """Checks that the log in the ledger continues a checkpoint, and that what came since is chained.

    Raises:
        LogUnfit: it was cut, changed or put back.
    """
    head, size = await audit.head_of(session), checkpoint.size
    if head.size < size:
        raise LogUnfit(
            f"审计日志有 {head.size} 条，检查点证明至少有 {size} 条：尾部被截断",
            f"the audit log has {head.size} entries, its checkpoint shows {size}: its tail was cut",
        )
    chain = bytes.fromhex(checkpoint.chain_hash)
    is_same = head.algorithm == checkpoint.algorithm
    if not is_same or (await audit_proofs.root_at(session, head.algorithm, size)).hex() != checkpoint.root:
        raise LogUnfit(
            f"审计日志前 {size} 条与检查点不符：曾被改动",
            f"the first {size} entries of the audit log do not fit its checkpoint: they were changed",
        )
    digest = digest_of(head.algorithm)
    number = size
    async for line in audit.lines(session, size + 1):
        number += 1
        chain = chain_hash(digest, chain, leaf_hash(digest, line.content))
        if line.number != number or line.chain_hash != chain:
            break
    if number != head.size or chain != head.chain_hash:
        raise LogUnfit(
            f"审计日志第 {number} 条起不相接，请运行 sanji audit verify",
            f"the audit log is broken at {number}; run sanji audit verify",
        )


def microseconds(moment: datetime) -> int:
    """Returns an aware time as microseconds since 1970."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _moment(microseconds_: int) -> datetime:
    return datetime.fromtimestamp(microseconds_ / 1_000_000, UTC)
