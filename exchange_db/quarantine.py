"""Records that were refused or broke a rule: visible, with reason and original bytes, ready to be replayed."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Boolean, ColumnElement, func, literal_column, select, true, update

from exchange_db.ranges import within
from exchange_db.records import Violation
from exchange_db.regions import Regions
from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.tables.inbox import quarantine


class Held(NamedTuple):
    """A record that apply or delivery puts aside.

    ``stream_id`` is set for stage apply, ``destination_id`` for delivery; ``record_key`` is 16 bytes or ``None``.
    """

    stage: str
    stream_id: int | None
    destination_id: int | None
    sequence: int
    inbox_id: int | None
    peer_id: str
    origin_id: str
    record_key: bytes | None
    region: int | None
    violation: Violation
    payload: bytes


#: Open records that are looked at to tell what there is: the newest ones, so that telling costs the same however many.
COUNTED = 10_000


class Group(NamedTuple):
    """Open records of one neighbour with one reason."""

    reason: str
    peer_id: str
    stage: str
    open_count: int


class QuarantineRow(NamedTuple):
    """A record in quarantine, for people."""

    quarantine_id: int
    stage: str
    sequence: int
    peer_id: str
    origin_id: str
    region: int | None
    reason: str
    field_path: str
    message: str
    message_zh: str
    created_time: datetime
    resolution: str
    payload: bytes


_COLUMNS = [quarantine.c[name] for name in QuarantineRow._fields]


async def hold(session: HotSession, held: list[Held]) -> None:
    """Puts records into quarantine."""
    if not held:
        return
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO quarantine (stage, stream_id, destination_id, sequence, inbox_id, peer_id, origin_id,"
            " record_key, region, reason, field_path, message, message_zh, payload)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s::uuid, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *h[:7],
                    h.record_key.hex() if h.record_key else None,
                    h.region,
                    h.violation.reason,
                    h.violation.field_path,
                    h.violation.message,
                    h.violation.message_zh,
                    h.payload,
                )
                for h in held
            ],
        )


async def listing(
    session: ReadSession, *, resolution: str = "open", visible: Regions | None = None, limit: int = 100
) -> list[QuarantineRow]:
    """Returns records in quarantine, newest first."""
    statement = select(*_COLUMNS).where(quarantine.c.resolution == resolution, _in(visible))
    result = await session.execute(statement.order_by(quarantine.c.quarantine_id.desc()).limit(limit))
    return [QuarantineRow(*row) for row in result]


async def open_numbers(
    session: ReadSession, *, reason: str = "", peer_id: str = "", stage: str = "", limit: int | None = None
) -> list[int]:
    """Returns the numbers of open records, oldest first; what is empty is not asked."""
    statement = select(quarantine.c.quarantine_id).where(quarantine.c.resolution == "open")
    for column, wanted in ((quarantine.c.reason, reason), (quarantine.c.peer_id, peer_id), (quarantine.c.stage, stage)):
        if wanted:
            statement = statement.where(column == wanted)
    return list((await session.execute(statement.order_by(quarantine.c.quarantine_id).limit(limit))).scalars())


async def of_record(session: ReadSession, record_key: bytes) -> list[QuarantineRow]:
    """Returns the records of one case that are in quarantine, oldest first."""
    statement = select(*_COLUMNS).where(quarantine.c.record_key == record_key.hex())
    result = await session.execute(statement.order_by(quarantine.c.quarantine_id))
    return [QuarantineRow(*row) for row in result]


async def find(session: ReadSession, quarantine_id: int, visible: Regions | None = None) -> QuarantineRow | None:
    """Returns one record in quarantine inside the regions a reader may see; ``None`` for all and for what has none."""
    statement = select(*_COLUMNS).where(quarantine.c.quarantine_id == quarantine_id, _in(visible))
    row = (await session.execute(statement)).first()
    return QuarantineRow(*row) if row else None


async def resolve(session: WriteSession, quarantine_id: int, resolution: str, resolved_by: str) -> bool:
    """Marks an open record ``replayed`` or ``discarded``; tells whether it was open."""
    result = await session.execute(
        update(quarantine)
        .where(quarantine.c.quarantine_id == quarantine_id, quarantine.c.resolution == "open")
        .values(resolution=resolution, resolved_by=resolved_by, resolved_time=func.now())
    )
    return bool(result.rowcount)


async def reopen(session: WriteSession, quarantine_id: int) -> None:
    """Takes back a resolution."""
    await session.execute(
        update(quarantine)
        .where(quarantine.c.quarantine_id == quarantine_id)
        .values(resolution="open", resolved_by=None, resolved_time=None)
    )


async def groups(session: ReadSession, visible: Regions | None = None) -> list[Group]:
    """Returns what is open in the regions a reader may see by reason and neighbour, most first.

    Only the newest ``COUNTED`` open records of the hub are looked at.
    """
    condition = "true" if visible is None else within("region", visible)
    cursor = await session.driver.execute(
        "SELECT reason, peer_id, stage, count(*) FROM (SELECT reason, peer_id, stage, region FROM quarantine"  # noqa: S608 — constants
        f" WHERE resolution = 'open' ORDER BY quarantine_id DESC LIMIT {COUNTED:d}) q WHERE {condition}"
        " GROUP BY reason, peer_id, stage ORDER BY count(*) DESC, reason, peer_id, stage",
    )
    return [Group(*row) for row in await cursor.fetchall()]


async def counts(session: ReadSession, visible: Regions | None = None) -> dict[str, int]:
    """Returns how many records are open in the regions a reader may see, by reason."""
    statement = (
        select(quarantine.c.reason, func.count())
        .where(quarantine.c.resolution == "open", _in(visible))
        .group_by(quarantine.c.reason)
    )
    result = await session.execute(statement)
    return {row[0]: row[1] for row in result}


def _in(visible: Regions | None) -> ColumnElement[bool]:
    return true() if visible is None else literal_column(within("quarantine.region", visible), Boolean)
