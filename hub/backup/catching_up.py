"""After a restore: asking the neighbours for what was lost, going on behind their numbers, comparing both ends.

A ledger that is older than its neighbours' has lost what came after its backup. What neighbours had sent it, they send
again by themselves, because it expects an older number. What it had sent them comes back with ``ReturnParcels``, in the
order and under the numbers it had: so the order within a case is the old one, and what origins send once more is known.
That is why the neighbours are asked before the hub serves (``require_caught_up``), the parent first.

What comes back is entered in the name of the neighbour it had come from, under the checks of intake, in a stream of
its own. Who gives it back is believed about what it was given: the bytes come without the origin's signature of the
batch. Then links are compared and repaired (``LinkReconciler``) until no difference is left, which closes the restore.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from auth.principal import Principal
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, Target
from connectors.transports.reconcile_calls import return_parcels
from connectors.veiling import masked_by
from connectors.wire import mark_of, origin_of
from exchange_db import inbox, outbox, peers, restores
from exchange_db.audit_records import Value
from exchange_db.errors import ExchangeDbError
from exchange_db.inbox import Arrival, Refusal
from exchange_db.marks import day_of
from exchange_db.peers import Peer
from exchange_db.regions import region_of, subtree
from exchange_db.restores import Incarnation, RestoredLink
from exchange_db.session import Ledger, WriteSession
from hub.clock import Clock
from hub.intake.validation import Gate
from hub.reconciliation.comparing import LinkReconciler
from hub.recording import recorded
from hub.settings import HubPart

logger = logging.getLogger(__name__)

#: Stream in which records come back, one a neighbour they had come from.
STREAM = "returned"


class RestorePending(ExchangeDbError):
    """The ledger was restored and its neighbours were not asked yet."""

    def __init__(self) -> None:
        super().__init__(
            "本库由备份恢复，尚未向上下级要回丢失的数据。请先执行 sanji restore catch-up。"
            " / This ledger was restored from a backup and has not caught up: run sanji restore catch-up first."
        )


class StillFollowing(ExchangeDbError):
    """The ledger's server follows another one."""

    def __init__(self) -> None:
        super().__init__(
            "本库正在跟随旧服务器，不能运行枢纽。停掉旧枢纽后执行 sanji restore cut-over。"
            " / This ledger follows the old server: stop the old hub, then run sanji restore cut-over."
        )


async def require_caught_up(ledger: Ledger) -> None:
    """Checks that a ledger may serve.

    Raises:
        RestorePending: it was restored, and its neighbours were not asked for what it lost.
        StillFollowing: its server follows another one and takes no changes.
    """
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT pg_is_in_recovery()")
        if await cursor.fetchone() == (True,):
            raise StillFollowing
        found = await restores.open_incarnation(session)
    if found is not None and not found.is_asked:
        raise RestorePending


class Caught(NamedTuple):
    """How far a restored ledger is: its links, and the neighbours that did not answer."""

    incarnation: Incarnation | None
    links: list[RestoredLink]
    unreached: list[str]


class CatchUp:
    """Catches a restored ledger up.

    Args:
        ledger: the hub's database.
        hub: who this hub is.
        clock: the hub's clock.
        dial: makes targets of neighbours.
    """

    def __init__(self, ledger: Ledger, hub: HubPart, clock: Clock, dial: Callable[[Peer], Target]) -> None:
        self._ledger = ledger
        self._hub = hub
        self._clock = clock
        self._dial = dial

    async def ask(self, without: Iterable[str] = ()) -> Caught:
        """Asks every neighbour that can be dialled, but those named; may be called again after a failure."""
        async with self._ledger.read() as session:
            incarnation = await restores.open_incarnation(session)
            known = await peers.all_peers(session)
        if incarnation is None:
            return Caught(None, [], [])
        unreached = []
        asked = [peer for peer in known if peer.state == "active" and peer.is_dialled and peer.peer_id not in without]
        for peer in sorted(asked, key=lambda peer: (peer.relation != "parent", peer.peer_id)):
            try:
                async with GrpcPeer(self._dial(peer)) as neighbour:
                    await self._take_back(neighbour, peer, known, incarnation.incarnation)
            except (ConnectorError, OSError, TimeoutError) as error:
                logger.warning("catch up %s: %s", peer.peer_id, error)
                unreached.append(peer.peer_id)
                async with self._ledger.write() as session:
                    await restores.note_returned(
                        session, incarnation.incarnation, peer.destination_id, 0, 0, str(error) or "no answer"
                    )
        if not unreached:
            about: dict[str, Value] = {"backup": incarnation.backup_id, "without": sorted(without)}
            async with recorded(self._ledger, "restore.ask", str(incarnation.incarnation), detail=about) as act:
                await restores.note_asked(act.session, incarnation.incarnation)
        return await self.standing(unreached)

    async def standing(self, unreached: Iterable[str] = ()) -> Caught:
        """Returns how far it is."""
        async with self._ledger.read() as session:
            incarnation = await restores.open_incarnation(session)
            links = await restores.restored_links(session, incarnation.incarnation) if incarnation else []
        return Caught(incarnation, links, list(unreached))

    async def _take_back(self, neighbour: GrpcPeer, peer: Peer, known: list[Peer], incarnation: int) -> None:
        async with self._ledger.watching() as connection:
            after = (await outbox.progress(connection.driver, peer.destination_id)).last_sequence
        last_sequence, found = await return_parcels(neighbour, after)
        while found:
            async with self._ledger.write() as session:
                taken = await self._enter(session, peer, known, found)
                await restores.note_returned(session, incarnation, peer.destination_id, taken, len(found) - taken, "")
            after = found[-1][0]
            last_sequence, found = await return_parcels(neighbour, after)
        async with self._ledger.watching() as connection:
            await restores.number_on(connection.driver, peer.destination_id, last_sequence)

    async def _enter(self, session: WriteSession, peer: Peer, known: list[Peer], found: list[tuple[int, bytes]]) -> int:
        """Appends what came back, each run of one sender in its stream; returns how many records are in the log now."""
        now = self._clock()
        masked = {key: digest for _, payload in found if (key := _key(payload)) and (digest := _masked(payload))}
        # The origin's own words may have come before; what a neighbour was shown does not replace them.
        held = await restores.known_keys(session, list(masked))
        numbered: list[tuple[int, bytes]] = [(number, key) for number, one in found if (key := _key(one)) in held]
        fresh = [(sequence, payload) for sequence, payload in found if _key(payload) not in held]
        for sender, run in groupby(fresh, key=lambda one: self._sender_of(origin_of(one[1]), known)):
            batch, gate = list(run), Gate(sender, self._hub.region, None)
            stream = await inbox.open_stream(session, sender.peer_id, STREAM)
            items = [gate.check(payload, now) for _, payload in batch]
            arrival = Arrival(stream.stream_id, sender.peer_id, sender.thumbprint, 0, items)
            (answer,) = await inbox.append(session, [arrival], now, is_careful=True)
            numbered += [
                (sequence, item.message_key)
                for (sequence, _), item, outcome in zip(batch, items, answer.outcomes, strict=False)
                if not isinstance(item, Refusal) and outcome in "DU"
            ]
        lost = [(key, digest) for key, digest in masked.items() if key not in held]
        await restores.put_back(session, peer.destination_id, numbered, lost)
        return len(numbered)

    def _sender_of(self, origin_id: str, known: list[Peer]) -> Principal:
        """Returns the neighbour a record of an origin had come from; this hub itself for its own."""
        try:
            region = region_of(origin_id)
        except ValueError:
            region = self._hub.region
        for peer in known:
            is_platform = peer.kind == "platform" and peer.peer_id == origin_id
            if peer.relation == "child" and (is_platform or (peer.kind == "hub" and region in subtree(peer.region))):
                return _principal(peer)
        if region not in subtree(self._hub.region):
            parent = next((peer for peer in known if peer.relation == "parent"), None)
            if parent is not None:
                return _principal(parent)
        return Principal(self._hub.id, self._hub.region, "hub", "child", 0, "")

    async def compare(self, reconciler: LinkReconciler) -> str:
        """Compares and repairs the links of a restored ledger; closes the restore when nothing differs. For a job."""
        standing = await self.standing()
        incarnation = standing.incarnation
        if incarnation is None or not incarnation.is_asked:
            return ""
        left: dict[str, int] = {}
        troubles: dict[str, str] = {}
        for day in (0, day_of(self._clock())):
            for link in await reconciler.run(day=day, is_repairing=True):
                open_days = (one for one in link.days if not one.is_clean)
                left[link.peer_id] = left.get(link.peer_id, 0) + sum(one.left_count for one in open_days)
                troubles[link.peer_id] = troubles.get(link.peer_id) or link.trouble
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        async with self._ledger.write() as session:
            for one in standing.links:
                if one.peer_id in left:
                    await restores.note_compared(
                        session, incarnation.incarnation, one.destination_id, left[one.peer_id],
                        troubles[one.peer_id], now,
                    )  # fmt: skip
        told = ", ".join(f"{peer_id} {count}{' ' + troubles[peer_id]}" for peer_id, count in sorted(left.items()))
        if any(left.values()) or any(troubles.values()):
            logger.warning("restored from %s, still different: %s", incarnation.backup_id, told)
            return f"尚有差异 / still different: {told}"
        async with recorded(self._ledger, "restore.close", str(incarnation.incarnation)) as act:
            await restores.close(act.session, incarnation.incarnation, now)
        return f"已与邻居一致 / caught up: {told}"


def _principal(peer: Peer) -> Principal:
    return Principal(peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint)


def _key(payload: bytes) -> bytes:
    mark = mark_of(payload)
    return mark.message_key if mark else b""


def _masked(payload: bytes) -> bytes:
    found = masked_by(payload)
    return found[1] if found else b""
