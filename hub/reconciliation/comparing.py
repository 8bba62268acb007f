"""Comparing the links of this hub with the neighbours it can dial, and repairing what sending again repairs.

A link is compared as a whole: the sums of all days cost little, and a record may carry the date of any day. Only days
that differ are drilled. The bytes on disk of the newest days are read again first, on both sides, so that what was
changed or lost after it came is found as well.
"""

from collections.abc import Callable

from auth.principal import Principal
from connectors.errors import ConnectorError
from connectors.reconciliation import REPAIRABLE, Found, differing_days, explain, total_of
from connectors.transports.grpc_peer import GrpcPeer, Target
from connectors.transports.reconcile_calls import (
    MOST_NAMED,
    RemoteSide,
    fetch_records,
    resend_records,
    tell_results,
)
from connectors.wire import mark_of
from exchange_db import link_days
from exchange_db.marking import Way
from exchange_db.marks import Mark, MarkRef, day_before, day_of
from exchange_db.peers import Peer
from exchange_db.records import printable
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.reconciliation.compared import ComparedDay, ComparedLink
from hub.reconciliation.counting import LinkCounter
from hub.reconciliation.databases import DatabaseReconciler
from hub.reconciliation.folding import MarkFold
from hub.reconciliation.repairing import RepairDesk
from hub.reconciliation.side import LedgerSide

_FIRST_DAY = 19700101
#: Records sent again in one call.
_RESENT = 200


class LinkReconciler:
    """Compares and repairs.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
        dial: makes targets of neighbours.
        repair: takes in again what this hub misses.
        recheck_days: how many days before today are read again from disk.
        databases: compares the links that are partners' databases.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        dial: Callable[[Peer], Target],
        repair: RepairDesk,
        recheck_days: int,
        databases: DatabaseReconciler,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self.dial = dial
        self._repair = repair
        self._recheck_days = recheck_days
        self._databases = databases
        self._counter = LinkCounter(ledger, clock)

    async def run(
        self, peer_id: str = "", day: int = 0, *, is_repairing: bool = False, is_full: bool = False
    ) -> list[ComparedLink]:
        """Compares links.

        Args:
            peer_id: one neighbour; empty for all that can be dialled.
            day: one day, as 20200615; 0 for all days before today.
            is_repairing: whether what sending again repairs is sent again.
            is_full: whether tables of partners are summed up in which nothing was written since.
        """
        await MarkFold(self._ledger).run()
        compared = []
        for peer in await self._counter.active_peers():
            if not peer.address or peer.has_files or peer_id not in ("", peer.peer_id):
                continue
            if peer.has_database:
                compared.append(await self._databases.compare(peer, is_repairing=is_repairing, is_full=is_full))
                continue
            days: list[ComparedDay] = []
            trouble = ""
            try:
                async with GrpcPeer(self.dial(peer)) as hub:
                    for is_sent in (True, False):
                        days += await self._way(hub, peer, day, is_sent=is_sent, is_repairing=is_repairing)
                    told = [(item.is_sent, item.day, item.own_count, item.left_count) for item in days]
                    await tell_results(hub, told)
            except (ConnectorError, OSError) as error:
                trouble = printable(str(error)) or type(error).__name__
            compared.append(ComparedLink(peer.peer_id, tuple(days), trouble))
        return compared

    async def _way(
        self, hub: GrpcPeer, peer: Peer, day: int, *, is_sent: bool, is_repairing: bool
    ) -> list[ComparedDay]:
        way = Way(peer.destination_id, is_sent)
        ours, theirs = LedgerSide(self._ledger, way), RemoteSide(hub, is_sent=is_sent)
        checked = [day] if day else await self._counter.due_days(way, self._recheck_days)
        await ours.recount(checked)
        await theirs.recount(checked)
        first, last = (day, day) if day else (_FIRST_DAY, day_before(day_of(self._clock())))
        own, other = await ours.days(first, last), await theirs.days(first, last)
        different = set(differing_days(own, other))
        kept = await self._counter.kept_days(way)
        compared = []
        for at in sorted({place[0] for place in own | other} | set(checked)):
            counts = total_of(own, at).mark_count, total_of(other, at).mark_count
            result = ComparedDay(is_sent, at, *counts)
            if at in different:
                result = await self._day(hub, peer, way, result, is_repairing=is_repairing)
                if not result.found:
                    # What one side had not marked when the sums were taken, it has marked since.
                    own_count = total_of(await ours.days(at, at), at).mark_count
                    other_count = total_of(await theirs.days(at, at), at).mark_count
                    result = result._replace(own_count=own_count, other_count=other_count)
            if at in different or at in checked or at not in kept:
                await self._counter.count(way, [at])
            compared.append(result)
        await self._note(way, compared, different | set(checked))
        return compared

    async def _day(
        self, hub: GrpcPeer, peer: Peer, way: Way, result: ComparedDay, *, is_repairing: bool
    ) -> ComparedDay:
        """Drills a day, repairs it if wanted, and drills it once more to see what is left."""
        found = await self._drill(hub, way, result.day)
        resent: frozenset[bytes] = frozenset()
        if is_repairing and (marks := [item.mark for item in found if item.cause in REPAIRABLE]):
            resent = await (self._send(hub, peer.peer_id, way, marks) if way.is_sent else self._fetch(hub, peer, marks))
            await MarkFold(self._ledger).run()
            left = {item.mark.message_key for item in await self._drill(hub, way, result.day)}
            resent -= left
        return result._replace(found=tuple(found), resent=resent)

    async def _drill(self, hub: GrpcPeer, way: Way, day: int) -> list[Found]:
        ours, theirs = LedgerSide(self._ledger, way), RemoteSide(hub, is_sent=way.is_sent)
        return await (explain(ours, theirs, day) if way.is_sent else explain(theirs, ours, day))

    async def _send(self, hub: GrpcPeer, peer_id: str, way: Way, marks: list[Mark]) -> frozenset[bytes]:
        """Sends records again that the neighbour misses; returns the keys of those it has now."""
        taken: set[bytes] = set()
        for start in range(0, len(marks), _RESENT):
            left = [MarkRef(mark.message_key, mark.created_time) for mark in marks[start : start + _RESENT]]
            while left and (payloads := await self._repair.give(peer_id, way.destination_id, left)):
                has_it = await resend_records(hub, payloads)
                keys = [_key_of(payload) for payload in payloads]
                taken |= {key for key, is_taken in zip(keys, has_it, strict=False) if is_taken}
                # They come in the order of the refs; what is not whole here is passed over.
                last = max((place for place, ref in enumerate(left) if ref.message_key in keys), default=len(left))
                left = left[last + 1 :]
        return frozenset(taken)

    async def _fetch(self, hub: GrpcPeer, peer: Peer, marks: list[Mark]) -> frozenset[bytes]:
        """Fetches records that this hub misses; returns the keys of those it has now."""
        sender = Principal(peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint)
        taken: set[bytes] = set()
        for start in range(0, len(marks), MOST_NAMED):
            left = marks[start : start + MOST_NAMED]
            while left:
                payloads, sealed = await fetch_records(hub, left)
                if not payloads:
                    break
                outcomes = await self._repair.take_again(sender, payloads, sealed)
                keys = [_key_of(payload) for payload in payloads]
                taken |= {key for key, outcome in zip(keys, outcomes, strict=True) if outcome in "DU"}
                fresh = [mark for mark in left if mark.message_key not in keys]
                if len(fresh) == len(left):
                    break
                left = fresh
        return frozenset(taken)

    async def _note(self, way: Way, compared: list[ComparedDay], looked_at: set[int]) -> None:
        now = self._clock()
        async with self._ledger.write() as session:
            for result in compared:
                await link_days.note_compared(session, way, result.day, result.other_count, result.left_count, now)
                if result.day in looked_at:
                    found = [(item.mark.message_key, item.mark.kind, item.cause, item.place) for item in result.found]
                    await link_days.note_differences(session, way, result.day, found, set(result.resent), now)


def _key_of(payload: bytes) -> bytes:
    mark = mark_of(payload)
    return mark.message_key if mark else b""
