"""The registry of neighbours and the state of the links to them.

Called by ``hub.federation`` (joining, blocking), ``hub.rpc`` (who is calling) and ``hub.apply`` (who takes part).
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.keys import PARTITION_COUNT
from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.tables.peers import invitations, links, parcels, peers

#: Address of a neighbour whose database is the link to it; where that lies is in its link file. No certificate has a
#: thumbprint that begins so.
DATABASE = "database:"
#: Where counting stops: of each partition, what has no number on a link yet.
COUNTED_ROWS = 20_000


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

    @property
    def is_dialled(self) -> bool:
        """Whether it has an address at which it takes calls."""
        return bool(self.address) and not self.has_database

    @property
    def has_database(self) -> bool:
        """Whether its database is the link to it."""
        return self.address == DATABASE


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


class Invitation(NamedTuple):
    """An invitation; ``code_digest`` is the SHA-256 of its one-time code in hex."""

    code_digest: str
    peer_id: str
    region: int
    kind: str
    relation: str
    expires_time: datetime


class LinkState(NamedTuple):
    """How the link to one neighbour stands. ``waiting_count`` counts parcels not yet accepted there."""

    peer: Peer
    last_sequence: int
    acked_sequence: int
    receipted_sequence: int
    waiting_count: int
    failure_count: int
    retry_time: datetime | None
    trouble: str
    trouble_time: datetime | None
    contact_time: datetime | None
    clock_skew_ms: int


#: What is wrong with a link, or with single tables of a partner's database.
_TROUBLE = (
    "coalesce(nullif(l.trouble, ''), (SELECT string_agg(z.table_name || ': ' || z.trouble, '; ' ORDER BY z.table_name)"
    " FROM pickup_pauses z WHERE z.peer_id = p.peer_id), '')"
)

_COLUMNS = [peers.c[name] for name in Peer._fields]


async def enrol(session: WriteSession, peer: NewPeer) -> None:
    """Enters a neighbour, or renews its entry (new certificate, new address); makes its link state."""
    values = peer._asdict() | {"state": "active"}
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
    """Makes a neighbour ``active`` or ``blocked``; tells whether it is known."""
    result = await session.execute(update(peers).where(peers.c.peer_id == peer_id).values(state=state))
    return bool(result.rowcount)


async def all_peers(session: ReadSession) -> list[Peer]:
    """Returns the registry, by name."""
    result = await session.execute(select(*_COLUMNS).order_by(peers.c.peer_id))
    return [Peer(*row) for row in result]


async def by_thumbprint(session: HotSession | ReadSession, thumbprint: str) -> Peer | None:
    """Returns the neighbour with this certificate; asked on every call."""
    cursor = await session.driver.execute(
        f"SELECT {', '.join(Peer._fields)} FROM peers WHERE thumbprint = %s",  # noqa: S608 — constants
        (thumbprint,),
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


async def link_states(session: ReadSession) -> list[LinkState]:
    """Returns the state of every link, by name of the neighbour; what has no number yet counts as waiting."""
    peer_columns = ", ".join(f"p.{name}" for name in Peer._fields)
    link_columns = ", ".join(_TROUBLE if name == "trouble" else f"l.{name}" for name in LinkState._fields[5:])
    cursor = await session.driver.execute(
        f"SELECT {peer_columns}, l.last_sequence, l.acked_sequence, l.receipted_sequence,"  # noqa: S608 — constants
        f" l.last_sequence - l.acked_sequence + w.unnumbered, {link_columns}"
        " FROM peers p JOIN links l USING (destination_id) CROSS JOIN LATERAL ("
        " SELECT coalesce(sum(n.waiting), 0)::bigint AS unnumbered"
        " FROM unnest(l.cursors) WITH ORDINALITY c(position, number) CROSS JOIN LATERAL ("
        " SELECT count(*) AS waiting FROM (SELECT 1 FROM outbox o WHERE o.destination_id = l.destination_id"
        " AND o.partition = c.number - 1 AND o.position > c.position LIMIT %s) o) n) w ORDER BY p.peer_id",
        (COUNTED_ROWS,),
    )
    count = len(Peer._fields)
    return [LinkState(Peer(*row[:count]), *row[count:]) for row in await cursor.fetchall()]


async def note_contact(session: WriteSession, destination_id: int, clock_skew_ms: int | None = None) -> bool:
    """Records that something was heard of a neighbour, and clears its back-off; tells whether there was one."""
    cleared = await session.execute(
        update(links)
        .where(links.c.destination_id == destination_id, links.c.retry_time.is_not(None))
        .values(retry_time=None)
    )
    values: dict[str, Any] = {"contact_time": func.now()}
    if clock_skew_ms is not None:
        values["clock_skew_ms"] = clock_skew_ms
    await session.execute(update(links).where(links.c.destination_id == destination_id).values(values))
    return bool(cleared.rowcount)


async def parcel_count(session: ReadSession, destination_id: int) -> int:
    """Returns how many parcels of a link have a number."""
    result = await session.execute(
        select(func.count()).select_from(parcels).where(parcels.c.destination_id == destination_id)
    )
    return int(result.scalar_one())
