"""What people do with a link: pause, resume, try now, bring up to date, plan maintenance. Every act is recorded.

The running hub carries it out: it follows the registry, and is woken. So a command and a page do the same.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from auth.approvals import Operation
from exchange_db import links, outages, peers, wakeups
from exchange_db.audit_records import Value
from exchange_db.marks import day_of, hours_of
from exchange_db.outages import WHOLE_HUB, Window
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.regions import Regions, spans_of
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.links.testing import Hop, LinkTester, Outcome
from hub.recording import actor, recorded, told

#: Longest maintenance that can be planned at once.
_LONGEST = timedelta(days=30)
#: A beginning that lies back by so much is taken for now: somebody filled the form in.
_GRACE = timedelta(minutes=5)
_MOST_REASON = 200


class LinkDesk:
    """Acts on links of a hub.

    Args:
        ledger: the hub's database.
        tester: tries links.
        clock: the hub's clock.
        needs_two: operations one person may not do alone.
    """

    def __init__(self, ledger: Ledger, tester: LinkTester, clock: Clock, needs_two: Collection[str] = ()) -> None:
        self._ledger = ledger
        self._tester = tester
        self._clock = clock
        self._needs_two = needs_two

    @property
    def resyncs_alone(self) -> bool:
        """Whether one person may bring a link up to date; otherwise it is proposed as ``link.repair``."""
        return Operation.LINK_REPAIR not in self._needs_two

    async def peer(self, peer_id: str, visible: Regions | None = None) -> Peer:
        """Returns a neighbour whose region somebody may see.

        Raises:
            Violated: PEER_UNKNOWN, also for one that is hidden.
        """
        async with self._ledger.read() as session:
            peer = await peers.by_id(session, peer_id)
        if peer is None or not (visible is None or any(peer.region in span for span in spans_of(visible))):
            raise Violated("PEER_UNKNOWN", "peer", peer_id)
        return peer

    async def test(self, peer: Peer) -> list[Hop]:
        """Tries a link now and returns its hops."""
        async with told(self._ledger, "link.test", peer.peer_id, region=peer.region) as detail:
            hops = await self._tester.test(peer)
            bad = [hop.name for hop in hops if hop.outcome is Outcome.BAD]
            detail["stopped_at"] = bad[0] if bad else ""
        return hops

    async def pause(self, peer: Peer, reason: str) -> None:
        """Lets nothing go over a link, in either direction, until it is resumed.

        Raises:
            Violated: LINK_REASON_MISSING, LINK_PAUSED_ALREADY.
        """
        reason = _reason(reason)
        detail: dict[str, Value] = {"reason": reason}
        async with recorded(self._ledger, "link.pause", peer.peer_id, region=peer.region, detail=detail) as act:
            if not await peers.set_paused(act.session, peer.peer_id, is_paused=True, by=actor(), reason=reason):
                raise Violated("LINK_PAUSED_ALREADY", "peer", peer.peer_id)
        await self._wake()

    async def resume(self, peer: Peer) -> None:
        """Lets records go over a link again.

        Raises:
            Violated: LINK_NOT_PAUSED.
        """
        async with recorded(self._ledger, "link.resume", peer.peer_id, region=peer.region) as act:
            if not await peers.set_paused(act.session, peer.peer_id, is_paused=False):
                raise Violated("LINK_NOT_PAUSED", "peer", peer.peer_id)
        await self._wake()

    async def retry(self, peer: Peer) -> None:
        """Has a link tried now that waits after failures.

        Raises:
            Violated: LINK_PAUSED, LINK_UNDIALLED.
        """
        _require_worked(peer)
        async with recorded(self._ledger, "link.retry", peer.peer_id, region=peer.region) as act:
            await links.nudge(act.session.driver, peer.destination_id)
        await self._wake()

    async def resync(self, peer: Peer, point: str) -> int:
        """Has a link brought up to date from a point on: days are compared and repaired, a database is written again.

        Args:
            peer: the neighbour.
            point: the first day (2026-11-01), or for a database the first number.

        Returns:
            The point as it is kept, 20261101 or a number.

        Raises:
            Violated: APPROVAL_REQUIRED, LINK_PAUSED, LINK_UNDIALLED, RESYNC_POINT_INVALID.
        """
        if not self.resyncs_alone:
            raise Violated("APPROVAL_REQUIRED", "operation", f'{Operation.LINK_REPAIR} "{peer.peer_id}"')
        _require_worked(peer)
        if peer.has_files:
            raise Violated("LINK_UNDIALLED", "peer", peer.peer_id)
        first = _number(point) if peer.has_database else _day(point, day_of(self._clock()))
        detail: dict[str, Value] = {"from": first}
        async with recorded(self._ledger, "link.resync", peer.peer_id, region=peer.region, detail=detail) as act:
            await act.session.driver.execute(
                "UPDATE links SET resync_from = %s WHERE destination_id = %s", (first, peer.destination_id)
            )
        await self._wake()
        return first

    async def plan(self, peer: Peer | None, start_time: datetime, end_time: datetime, reason: str) -> Window:
        """Plans maintenance of a link, or of the whole hub; it is left out of availability.

        Only what is still to come can be planned: what happened is not planned away afterwards.

        Raises:
            Violated: LINK_REASON_MISSING, MAINTENANCE_INVALID.
        """
        reason, now = _reason(reason), datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        if now - _GRACE <= start_time < now:
            start_time = now
        if not (now <= start_time < end_time <= start_time + _LONGEST):
            raise Violated("MAINTENANCE_INVALID", "end", f"{start_time:%Y-%m-%d %H:%M} – {end_time:%Y-%m-%d %H:%M}")
        destination_id, name = (peer.destination_id, peer.peer_id) if peer else (WHOLE_HUB, "*")
        window = Window(destination_id, start_time, end_time, reason, actor(), now)
        detail: dict[str, Value] = {"start": start_time.isoformat(), "end": end_time.isoformat(), "reason": reason}
        region = peer.region if peer else 0
        async with recorded(self._ledger, "link.maintenance", name, region=region, detail=detail) as act:
            await outages.plan(act.session.driver, window)
        return window

    async def call_off(self, peer: Peer | None) -> None:
        """Ends the maintenance of a link, or of the whole hub, and forgets what was still to come.

        Raises:
            Violated: MAINTENANCE_NONE.
        """
        destination_id, name = (peer.destination_id, peer.peer_id) if peer else (WHOLE_HUB, "*")
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        region = peer.region if peer else 0
        async with recorded(self._ledger, "link.maintenance_end", name, region=region) as act:
            if not await outages.call_off(act.session.driver, destination_id, now):
                raise Violated("MAINTENANCE_NONE", "peer", name)

    async def _wake(self) -> None:
        async with self._ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.PEERS, wakeups.OUTBOX)


def _require_worked(peer: Peer) -> None:
    if peer.is_paused or peer.state != "active":
        raise Violated(peer.refusal, "peer", peer.peer_id)
    if not peer.address:
        raise Violated("LINK_UNDIALLED", "peer", peer.peer_id)


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise Violated("LINK_REASON_MISSING", "reason")
    return reason[:_MOST_REASON]


def _day(text: str, today: int) -> int:
    try:
        day = int(text.replace("-", ""))
        hours_of(day)
    except ValueError:
        day = 0
    if not 20_000_101 <= day <= today:
        raise Violated("RESYNC_POINT_INVALID", "from", text)
    return day


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) < 2**62):
        raise Violated("RESYNC_POINT_INVALID", "from", text)
    return int(text)
