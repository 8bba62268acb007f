"""How a hub stands, for people and for monitoring: its log, its streams, its quarantine. Reads only.

Every count is bounded, so that looking costs the same whether ten records wait or ten million.
"""

from datetime import datetime
from typing import NamedTuple

from exchange_db.quarantine import QuarantineRow
from exchange_db.ranges import named_within, within
from exchange_db.regions import Regions
from exchange_db.session import ReadSession

#: Where counting stops, of each partition.
_COUNTED_ROWS = 20_000


class LogState(NamedTuple):
    """What was taken in and is not applied yet. ``oldest_time`` is when the longest waiting record came in."""

    waiting_count: int
    oldest_time: datetime | None
    read_time: datetime


class StreamState(NamedTuple):
    """A stream and its proof: last_sequence = accepted + refused + duplicate."""

    sender_id: str
    name: str
    last_sequence: int
    accepted_count: int
    refused_count: int
    duplicate_count: int
    last_time: datetime | None


async def log_state(session: ReadSession) -> LogState:
    """Returns what waits for apply, and the database's clock."""
    cursor = await session.driver.execute(
        "SELECT coalesce(sum(w.waiting), 0)::bigint, min(w.oldest), clock_timestamp()"
        " FROM partitions p CROSS JOIN LATERAL ("
        " SELECT count(*) AS waiting, min(i.received_time) AS oldest FROM ("
        " SELECT received_time FROM inbox i WHERE i.partition = p.partition AND i.inbox_id > p.cursor_id"
        " ORDER BY i.inbox_id LIMIT %s) i) w",
        (_COUNTED_ROWS,),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — an aggregate gives one row
    return LogState(*row)


async def require_space(session: ReadSession) -> None:
    """Lets the server write a few hundred kilobytes to the disk of the tables and throw them away.

    Raises:
        psycopg.errors.DiskFull: there is no space; nothing can be taken in or applied.
    """
    await session.driver.execute("SET LOCAL work_mem = '64kB'")
    await session.driver.execute("SELECT count(*) FROM generate_series(1, 20000)")


async def streams(session: ReadSession, visible: Regions | None = None) -> list[StreamState]:
    """Returns the streams of senders in the regions a reader may see, by sender and name."""
    condition = "true" if visible is None else named_within("sender_id", visible)
    cursor = await session.driver.execute(
        f"SELECT {', '.join(StreamState._fields)} FROM streams WHERE {condition} ORDER BY sender_id, name"  # noqa: S608 — constants
    )
    return [StreamState(*row) for row in await cursor.fetchall()]


async def held(
    session: ReadSession,
    visible: Regions | None = None,
    *,
    resolution: str = "",
    record_key: bytes | None = None,
    reason: str = "",
    peer_id: str = "",
    before: int = 0,
    limit: int,
) -> list[QuarantineRow]:
    """Returns records in quarantine, newest first, without their payloads, which may be 4 MiB each.

    Args:
        session: any transaction.
        visible: the regions a reader may see; ``None`` for all, and for records that have no region.
        resolution: only those that stand so; empty for all.
        record_key: only those of this record, 16 bytes.
        reason: only those with this reason; empty for all.
        peer_id: only those of this neighbour; empty for all.
        before: only those with a smaller number; 0 for all.
        limit: most rows.
    """
    columns = ", ".join((*QuarantineRow._fields[:-1], "''::bytea"))
    values: dict[str, object]
    conditions, values = (
        ["true" if visible is None else within("region", visible)],
        {"limit": limit, "resolution": resolution, "key": (record_key or b"").hex()},
    )
    if resolution == "open":
        # Spelled out, so that the index of open records is the plan whatever the statement is prepared for.
        conditions.append("resolution = 'open'")
    elif resolution:
        conditions.append("resolution = %(resolution)s")
    for column, wanted in (("reason", reason), ("peer_id", peer_id)):
        if wanted:
            conditions.append(f"{column} = %({column})s")
            values[column] = wanted
    if before:
        conditions.append("quarantine_id < %(before)s")
        values["before"] = before
    if record_key is not None:
        conditions.append("record_key = %(key)s::uuid")
    cursor = await session.driver.execute(
        f"SELECT {columns} FROM quarantine WHERE {' AND '.join(conditions)}"  # noqa: S608 — constants
        " ORDER BY quarantine_id DESC LIMIT %(limit)s",
        values,
    )
    return [QuarantineRow(*row) for row in await cursor.fetchall()]
