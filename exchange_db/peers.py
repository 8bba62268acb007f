"""The registry of neighbours and the state of the links to them.

Called by ``hub.federation`` (joining, blocking), ``hub.rpc`` (who is calling) and ``hub.apply`` (who takes part).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db import outages
from exchange_db.keys import PARTITION_COUNT
from exchange_db.outages import Direction
from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.tables.peers import invitations, links, parcels, peers

#: Address of a neighbour whose database is the link to it; where that lies is in its link file. No certificate has a
#: thumbprint that begins so.
DATABASE = "database:"
#: How the address of a neighbour begins whose link goes by files; behind it stands where it is dialled otherwise.
FILES = "files:"
_MOST_CONTRACTS = 40


class Peer(NamedTuple):
    """A registry entry."""

    peer_id: str
    destination_id: int
    name: str
    region: int
    kind: str
    relation: str
    address: str
    state: str
    thumbprint: str
    certificate_end_time: datetime
    earlier_thumbprint: str | None = None
    earlier_end_time: datetime | None = None
    is_paused: bool = False

    def end_of(self, thumbprint: str) -> datetime | None:
        """Returns until when one of its certificates counts; ``None`` for one it does not have."""
        if thumbprint == self.thumbprint:
            return self.certificate_end_time
        return self.earlier_end_time if thumbprint == self.earlier_thumbprint else None

    @property
    def refusal(self) -> str:
        """Why it is refused when it is not active, or its link is paused: a reason."""
        if self.state == "active":
            return "LINK_PAUSED"
        return "PEER_WAITING" if self.state == "waiting" else "PEER_BLOCKED"

    @property
    def is_dialled(self) -> bool:
        """Whether it has an address at which it takes calls."""
        return bool(self.address) and not self.has_database and not self.has_files

    @property
    def has_database(self) -> bool:
        """Whether its database is the link to it."""
        return self.address == DATABASE

    @property
    def has_files(self) -> bool:
        """Whether the link to it goes by files."""
        return self.address.startswith(FILES)


class NewPeer(NamedTuple):
    """What joining fixes about a neighbour; ``thumbprint`` is the SHA-256 of its certificate in hex."""

    peer_id: str
    name: str
    region: int
    kind: str
    relation: str
    address: str
    thumbprint: str
    certificate_end_time: datetime


class Pause(NamedTuple):
    """Who paused a link, when and why."""

    paused_time: datetime
    paused_by: str
    pause_reason: str


class Invitation(NamedTuple):
    """An invitation; ``code_digest`` is the SHA-256 of its one-time code in hex."""

    code_digest: str
    peer_id: str
    region: int
    kind: str
    relation: str
    expires_time: datetime


#: What is wrong with a link, or with single tables of a partner's database.
TROUBLE = (
    "coalesce(nullif(l.trouble, ''), (SELECT string_agg(z.table_name || ': ' || z.trouble, '; ' ORDER BY z.table_name)"
    " FROM pickup_pauses z WHERE z.peer_id = p.peer_id), '')"
)

_COLUMNS = [peers.c[name] for name in Peer._fields]


async def enrol(session: WriteSession, peer: NewPeer, *, state: str = "active") -> None:
    """Enters a neighbour, or renews its entry (new certificate, new address); makes its link state.

    Whatever certificates it had no longer count.
    """
    is_confirmed = state != "waiting"
    values = peer._asdict() | {
        "state": state,
        "is_confirmed": is_confirmed,
        "earlier_thumbprint": None,
        "earlier_end_time": None,
    }
    statement = upsert(peers).values(values)
    kept = {name: statement.excluded[name] for name in values if name != "peer_id"}
    entered = await session.execute(
        statement.on_conflict_do_update(index_elements=["peer_id"], set_=kept).returning(peers.c.destination_id)
    )
    await session.execute(
        upsert(links)
        .values(destination_id=entered.scalar_one(), cursors=[0] * PARTITION_COUNT)
        .on_conflict_do_nothing()
    )


async def set_state(session: WriteSession, peer_id: str, state: str) -> bool:
    """Makes a neighbour ``active``, ``waiting`` or ``blocked``; tells whether it is known."""
    result = await session.execute(update(peers).where(peers.c.peer_id == peer_id).values(state=state))
    return bool(result.rowcount)


async def confirm(session: WriteSession, peer_id: str) -> None:
    """Lets a neighbour in that waits."""
    await session.execute(update(peers).where(peers.c.peer_id == peer_id).values(state="active", is_confirmed=True))


async def unblock(session: WriteSession, peer_id: str) -> str | None:
    """Ends a block; returns the state after it, ``waiting`` for one that nobody ever confirmed, none if unknown."""
    cursor = await session.driver.execute(
        "UPDATE peers SET state = CASE WHEN is_confirmed THEN 'active' ELSE 'waiting' END WHERE peer_id = %s"
        " RETURNING state",
        (peer_id,),
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def all_peers(session: ReadSession) -> list[Peer]:
    """Returns the registry, by name."""
    result = await session.execute(select(*_COLUMNS).order_by(peers.c.peer_id))
    return [Peer(*row) for row in result]


async def by_thumbprint(session: HotSession | ReadSession, thumbprint: str) -> Peer | None:
    """Returns the neighbour that has this certificate, whether it still counts or not; asked on every call."""
    cursor = await session.driver.execute(
        f"SELECT {', '.join(Peer._fields)} FROM peers"  # noqa: S608 — constants
        " WHERE thumbprint = %(thumbprint)s OR earlier_thumbprint = %(thumbprint)s",
        {"thumbprint": thumbprint},
    )
    row = await cursor.fetchone()
    return Peer(*row) if row else None


async def by_name(session: HotSession | ReadSession, peer_id: str) -> Peer | None:
    """Returns the neighbour of that name, as a call by REST asks for it."""
    cursor = await session.driver.execute(
        f"SELECT {', '.join(Peer._fields)} FROM peers WHERE peer_id = %s",  # noqa: S608 — constants
        (peer_id,),
    )
    row = await cursor.fetchone()
    return Peer(*row) if row else None


async def by_id(session: ReadSession, peer_id: str) -> Peer | None:
    """Returns the neighbour of that name."""
    row = (await session.execute(select(*_COLUMNS).where(peers.c.peer_id == peer_id))).first()
    return Peer(*row) if row else None


async def invite(session: WriteSession, invitation: Invitation) -> None:
    """Stores an invitation; an earlier one to the same neighbour ends."""
    await session.execute(
        delete(invitations).where(invitations.c.peer_id == invitation.peer_id, invitations.c.used_time.is_(None))
    )
    await session.execute(insert(invitations).values(invitation._asdict()))


async def redeem(session: WriteSession, code_digest: str, peer_id: str, now: datetime) -> Invitation | None:
    """Uses an invitation up; ``None`` when it is unknown, used, expired or made out to somebody else."""
    result = await session.execute(
        update(invitations)
        .where(
            invitations.c.code_digest == code_digest,
            invitations.c.peer_id == peer_id,
            invitations.c.used_time.is_(None),
            invitations.c.expires_time > now,
        )
        .values(used_time=now)
        .returning(*[invitations.c[name] for name in Invitation._fields])
    )
    row = result.first()
    return Invitation(*row) if row else None


async def note_contact(
    session: WriteSession, destination_id: int, clock_skew_ms: int | None = None, waiting_count: int = 0
) -> bool:
    """Records that something was heard of a neighbour, and clears its back-off; tells whether there was one.

    ``waiting_count`` is what it says it still has for this hub. Its silence, if there was one, is over.
    """
    for direction in (Direction.IN, Direction.OUT):
        await outages.end_silence(session.driver, destination_id, direction)
    cleared = await session.execute(
        update(links)
        .where(links.c.destination_id == destination_id, links.c.retry_time.is_not(None))
        .values(retry_time=None)
    )
    values: dict[str, Any] = {
        "contact_time": func.now(),
        "heard_time": func.now(),
        "their_waiting_count": waiting_count,
    }
    if clock_skew_ms is not None:
        values["clock_skew_ms"] = clock_skew_ms
    await session.execute(update(links).where(links.c.destination_id == destination_id).values(values))
    return bool(cleared.rowcount)


async def set_paused(session: WriteSession, peer_id: str, *, is_paused: bool, by: str = "", reason: str = "") -> bool:
    """Pauses or resumes the link to a neighbour; tells whether it was not so before."""
    cursor = await session.driver.execute(
        "UPDATE peers SET is_paused = %(is)s, paused_time = CASE WHEN %(is)s THEN now() END, paused_by = %(by)s,"
        " pause_reason = %(reason)s WHERE peer_id = %(peer)s AND is_paused <> %(is)s RETURNING destination_id",
        {"is": is_paused, "by": by, "reason": reason, "peer": peer_id},
    )
    row = await cursor.fetchone()
    if row is None:
        return False
    if not is_paused:
        await outages.end_cause(session.driver, row[0], outages.PAUSED)
        return True
    for direction in (Direction.OUT, Direction.IN):
        await outages.begin(session.driver, row[0], direction, outages.PAUSED, reason)
    return True


async def pause_of(session: HotSession | ReadSession, peer_id: str) -> Pause | None:
    """Returns who paused a link, when and why; ``None`` when it is not paused."""
    cursor = await session.driver.execute(
        "SELECT paused_time, paused_by, pause_reason FROM peers WHERE peer_id = %s AND is_paused", (peer_id,)
    )
    row = await cursor.fetchone()
    return Pause(*row) if row else None


async def note_hello(session: WriteSession, destination_id: int, contracts: Sequence[str], software: str) -> None:
    """Keeps what a neighbour said of itself; a side that names no software keeps the one it named before."""
    await session.driver.execute(
        "UPDATE links SET contracts = %s, software = coalesce(nullif(%s, ''), software) WHERE destination_id = %s",
        (sorted(contracts)[:_MOST_CONTRACTS], software[:60], destination_id),
    )


async def waiting_count(session: HotSession | ReadSession, destination_id: int) -> int:
    """Returns how many parcels a neighbour has not confirmed, with those that have no number yet, as last counted."""
    cursor = await session.driver.execute(
        "SELECT l.last_sequence - l.acked_sequence + coalesce(g.due_count, 0) FROM links l"
        " LEFT JOIN link_lags g USING (destination_id) WHERE l.destination_id = %s",
        (destination_id,),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def parcel_count(session: ReadSession, destination_id: int) -> int:
    """Returns how many parcels of a link have a number."""
    result = await session.execute(
        select(func.count()).select_from(parcels).where(parcels.c.destination_id == destination_id)
    )
    return int(result.scalar_one())
