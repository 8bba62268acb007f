"""How every link stands in each direction, in one pass over the registry; reads only.

What is asked of each link is one row of a few small tables; counting what waits is left to ``exchange_db.link_lags``.
So 3,000 links cost the same whether ten records wait or ten million. Called by the console, the command line, alerts
and monitoring.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from exchange_db.outages import WHOLE_HUB, Direction
from exchange_db.peers import TROUBLE, Peer
from exchange_db.ranges import within
from exchange_db.regions import Regions, subtree, tier_of
from exchange_db.session import HotSession, ReadSession

#: A link whose oldest record waits longer is slow.
SLOW_SECONDS = 300

Session = HotSession | ReadSession


class LinkHealth(StrEnum):
    """How a direction of a link does; worst of what needs a person first when sorted by ``ORDER``."""

    GOOD = "good"
    SLOW = "slow"
    DOWN = "down"
    PAUSED = "paused"
    MAINTENANCE = "maintenance"
    WAITING = "waiting"
    UNKNOWN = "unknown"


#: Healths from what needs a person most to what needs nobody.
ORDER = (
    LinkHealth.DOWN,
    LinkHealth.SLOW,
    LinkHealth.PAUSED,
    LinkHealth.WAITING,
    LinkHealth.UNKNOWN,
    LinkHealth.MAINTENANCE,
    LinkHealth.GOOD,
)


class LinkState(NamedTuple):
    """One direction of the link to a neighbour, seen from this hub.

    ``reason`` is a reason of ``exchange_db.reasons`` that says why the health is not good, or empty. Of what goes out
    ``lag_records`` counts what the neighbour has not confirmed, what has no number yet as last counted; of what comes
    in it is what the neighbour last said it still has, and its age is not known. ``sent_sequence``,
    ``acked_sequence`` and ``settled_sequence`` are the proof that nothing is lost: of what goes out the last number
    given, confirmed and settled there; of what comes in the sum of the last numbers of its streams with what waits
    there, without that, and accepted + refused + duplicate. ``certificate_days`` is ``None`` where there is no
    certificate, ``standards_lag`` counts releases that did not arrive yet, ``None`` where nobody asked for any.
    """

    peer_id: str
    name: str
    tier: str
    region: int
    relation: str
    direction: str
    health: LinkHealth
    reason: str
    lag_records: int
    lag_seconds: int
    oldest_unsent_time: datetime | None
    last_success_time: datetime | None
    next_try_time: datetime | None
    last_error: str
    certificate_days: int | None
    clock_skew_ms: int
    standards_lag: int | None
    canary_seconds: float | None = None
    destination_id: int = 0
    kind: str = ""
    down_since: datetime | None = None
    failure_count: int = 0
    sent_sequence: int = 0
    acked_sequence: int = 0
    settled_sequence: int = 0
    contracts: tuple[str, ...] = ()
    software: str = ""


class _Row(NamedTuple):
    """What the registry and the tables of links hold of a neighbour."""

    peer: Peer
    last_sequence: int
    acked_sequence: int
    settled_sequence: int
    failure_count: int
    retry_time: datetime | None
    trouble: str
    contact_time: datetime | None
    heard_time: datetime | None
    their_waiting_count: int
    clock_skew_ms: int
    contracts: list[str]
    software: str
    due_count: int
    oldest_due_time: datetime | None
    oldest_numbered_time: datetime | None
    confirmed_release: int | None
    newest_release: int
    missing_release_count: int | None
    canary_seconds: float | None


class _Streams(NamedTuple):
    """The streams of a neighbour taken together."""

    last_sequence: int = 0
    settled_count: int = 0
    last_time: datetime | None = None


_NO_STREAMS = _Streams()
_OUT, _IN = Direction.OUT.value, Direction.IN.value


class _Down(NamedTuple):
    """An outage that goes on."""

    since: datetime
    cause: str
    trouble: str


class _Known(NamedTuple):
    """What else is known, by destination, direction or name."""

    now: datetime
    downs: Mapping[tuple[int, str], _Down]
    planned: frozenset[int]
    streams: Mapping[str, _Streams]


_PEER = ", ".join(f"p.{name}" for name in Peer._fields)
_ROWS = (
    f"SELECT {_PEER}, l.last_sequence, l.acked_sequence, l.receipted_sequence, l.failure_count, l.retry_time,"  # noqa: S608 — constants
    f" {TROUBLE}, l.contact_time, l.heard_time, l.their_waiting_count, l.clock_skew_ms, l.contracts, l.software,"
    " coalesce(g.due_count, 0), g.oldest_time, CASE WHEN l.last_sequence > l.acked_sequence THEN"
    " (SELECT i.received_time FROM parcels n JOIN inbox i USING (partition, inbox_id)"
    " WHERE n.destination_id = l.destination_id AND n.sequence = l.acked_sequence + 1) END,"
    " r.confirmed_number, (SELECT coalesce(max(number), 0) FROM standard_releases), u.missing_count, c.seconds"
    " FROM peers p JOIN links l USING (destination_id) LEFT JOIN link_lags g USING (destination_id)"
    " LEFT JOIN standard_readers r ON r.peer_id = p.peer_id LEFT JOIN standard_pulls u ON u.peer_id = p.peer_id"
    " LEFT JOIN canaries c ON c.peer_id = p.peer_id"
    " WHERE {condition} ORDER BY p.peer_id"
)
_DOWNS = (
    "SELECT o.destination_id, o.direction, o.start_time, o.cause, o.trouble FROM outages o WHERE o.end_time IS NULL"
)
_PLANNED = "SELECT destination_id FROM maintenance_windows WHERE start_time <= %s AND end_time > %s"
_STREAMS = (
    "SELECT s.sender_id, sum(s.last_sequence)::bigint,"
    " sum(s.accepted_count + s.refused_count + s.duplicate_count)::bigint, max(s.last_time)"
    " FROM streams s JOIN peers p ON p.peer_id = s.sender_id WHERE {condition} GROUP BY s.sender_id"
)


async def states_of_links(
    session: Session,
    region: int | Regions | None,
    now: datetime,
) -> list[LinkState]:
    """Returns how the links stand, by name of the neighbour, what goes out before what comes in.

    Args:
        session: any transaction.
        region: only neighbours in this region and below, or in these regions; ``None`` for all.
        now: the moment ages are counted to.
    """
    seen = subtree(region) if isinstance(region, int) else region
    return await _states(session, "true" if seen is None else within("p.region", seen), {}, now)


async def states_of_link(session: Session, peer_id: str, now: datetime) -> list[LinkState]:
    """Returns the two directions of one link; nothing for a neighbour that is not known."""
    return await _states(session, "p.peer_id = %(peer)s", {"peer": peer_id}, now)


async def _states(session: Session, condition: str, values: dict[str, str], now: datetime) -> list[LinkState]:
    driver = session.driver
    found = await (await driver.execute(_ROWS.format(condition=condition), values)).fetchall()
    downs = await (await driver.execute(_DOWNS)).fetchall()
    planned = await (await driver.execute(_PLANNED, (now, now))).fetchall()
    streams = await (await driver.execute(_STREAMS.format(condition=condition), values)).fetchall()
    known = _Known(
        now,
        {(row[0], row[1]): _Down(*row[2:]) for row in downs},
        frozenset(row[0] for row in planned),
        {row[0]: _Streams(*row[1:]) for row in streams},
    )
    count = len(Peer._fields)
    rows = [_Row(Peer(*row[:count]), *row[count:]) for row in found]
    return [state for row in rows for state in _both(row, known)]


def _both(row: _Row, known: _Known) -> tuple[LinkState, LinkState]:
    """Returns what goes out and what comes in. Made for thousands at once, so each state is made in one go."""
    peer, now = row.peer, known.now
    is_parent = peer.relation == "parent"
    streams = known.streams.get(peer.peer_id, _NO_STREAMS)
    oldest = _first(row.oldest_due_time, row.oldest_numbered_time)
    lag_seconds = max(0, int((now - oldest).total_seconds())) if oldest else 0
    answered, called = _last(row.contact_time, row.heard_time), _last(row.heard_time, streams.last_time)
    if called is None and peer.address:
        # Whoever is fetched from, or read by us, calls nobody.
        called = row.contact_time
    down = known.downs.get((peer.destination_id, _OUT))
    silent = known.downs.get((peer.destination_id, _IN))
    tier, days = tier_of(peer.region), None
    if not peer.has_database:
        days = (peer.certificate_end_time - now).days
    canary, contracts = row.canary_seconds, tuple(row.contracts)
    lag = row.last_sequence - row.acked_sequence + row.due_count
    behind = None if is_parent or row.confirmed_release is None else row.newest_release - row.confirmed_release
    is_known = answered is not None
    health, reason = _health(row, known, down, row.trouble, is_known=is_known, lag_seconds=lag_seconds)
    outgoing = LinkState(
        peer.peer_id, peer.name, tier, peer.region, peer.relation, _OUT, health, reason,
        lag, lag_seconds, oldest, answered, row.retry_time if row.retry_time and row.retry_time > now else None,
        row.trouble or (down.trouble if down else ""), days, row.clock_skew_ms, behind, canary,
        peer.destination_id, peer.kind, down.since if down else None, row.failure_count,
        row.last_sequence, row.acked_sequence, row.settled_sequence, contracts, row.software,
    )  # fmt: skip
    # What is wrong with a partner's tables keeps rows from being read as well.
    trouble = row.trouble if peer.has_database else ""
    health, reason = _health(row, known, silent, trouble, is_known=called is not None, lag_seconds=0)
    incoming = LinkState(
        peer.peer_id, peer.name, tier, peer.region, peer.relation, _IN, health, reason,
        row.their_waiting_count, 0, None, called, None,
        silent.trouble if silent else trouble, days, row.clock_skew_ms,
        row.missing_release_count if is_parent else None, canary,
        peer.destination_id, peer.kind, silent.since if silent else None, 0,
        streams.last_sequence + row.their_waiting_count, streams.last_sequence, streams.settled_count,
        contracts, row.software,
    )  # fmt: skip
    return outgoing, incoming


def _health(
    row: _Row, known: _Known, down: _Down | None, trouble: str, *, is_known: bool, lag_seconds: int
) -> tuple[LinkHealth, str]:
    """Judges a direction: what people did comes before what is planned, and that before what broke."""
    peer, found = row.peer, (LinkHealth.GOOD, "")
    if peer.state == "waiting":
        found = LinkHealth.WAITING, peer.refusal
    elif peer.is_paused or peer.state != "active":
        found = LinkHealth.PAUSED, peer.refusal
    elif peer.destination_id in known.planned or WHOLE_HUB in known.planned:
        found = LinkHealth.MAINTENANCE, "LINK_IN_MAINTENANCE"
    elif down is not None:
        found = LinkHealth.DOWN, down.cause
    elif peer.certificate_end_time <= known.now and not peer.has_database:
        found = LinkHealth.DOWN, "CERTIFICATE_EXPIRED"
    elif lag_seconds > SLOW_SECONDS:
        found = LinkHealth.SLOW, "LINK_SLOW"
    elif trouble:
        found = LinkHealth.SLOW, "LINK_TROUBLED"
    elif not is_known:
        found = LinkHealth.UNKNOWN, "LINK_NEVER_HEARD"
    return found


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return (one or other) if one is None or other is None else min(one, other)


def _last(one: datetime | None, other: datetime | None) -> datetime | None:
    return (one or other) if one is None or other is None else max(one, other)
