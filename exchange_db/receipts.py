"""Business receipts: what became of every record that was taken in.

Apply writes one row a run and partition ("all of these took effect") and one row for each exception. A stream's
receipts are read back as a rising frontier: everything up to a number is settled, except what is named.
"""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.bulk import as_array
from exchange_db.records import Violation
from exchange_db.session import HotSession

#: Business states as stored and sent (``BusinessState`` of the contract).
PENDING, APPLIED, STALE, QUARANTINED = 1, 2, 3, 4


class Run(NamedTuple):
    """A run of one partition that was settled: from the old cursor to the last id applied."""

    partition: int
    cursor_id: int
    first_inbox_id: int
    last_inbox_id: int


class Exceptional(NamedTuple):
    """A record that did not simply take effect."""

    stream_id: int
    sequence: int
    state: int
    violation: Violation


class SettledRange(NamedTuple):
    """Everything from ``first`` to ``last`` of a stream is settled; ``exceptions`` lists what did not take effect.

    Each exception is (sequence, state, violation, settled_time).
    """

    first: int
    last: int
    exceptions: list[tuple[int, int, Violation, datetime]]


async def settle(session: HotSession, runs: list[Run], exceptions: list[Exceptional]) -> bool:
    """Moves the cursors of some partitions and writes their receipts.

    Returns:
        Whether every cursor was where this worker left it. If not, another worker has taken over and the caller must
        roll back.
    """
    columns = [as_array(column) for column in zip(*runs, strict=True)]
    cursor = await session.driver.execute(
        "WITH v AS (SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[])"
        " v(partition, cursor_id, first_id, last_id)),"
        " moved AS (UPDATE partitions p SET cursor_id = v.last_id FROM v"
        " WHERE p.partition = v.partition AND p.cursor_id = v.cursor_id RETURNING p.partition, v.first_id, v.last_id)"
        " INSERT INTO receipts (partition, last_inbox_id, first_inbox_id, settled_time)"
        " SELECT partition, last_id, first_id, statement_timestamp() FROM moved",
        columns,
    )
    if cursor.rowcount != len(runs):
        return False
    if exceptions:
        async with session.driver.cursor() as inserting:
            await inserting.executemany(
                "INSERT INTO receipt_exceptions (stream_id, sequence, state, reason, field_path, message, message_zh,"
                " settled_time) VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING",
                [
                    (e.stream_id, e.sequence, e.state, e.violation.reason, e.violation.field_path,
                     e.violation.message, e.violation.message_zh)
                    for e in exceptions
                ],
            )  # fmt: skip
    return True


async def settled_range(
    driver: AsyncConnection[Any], stream_id: int, after: int, limit: int = 5_000
) -> SettledRange | None:
    """Returns the settled numbers right behind ``after``, or ``None`` when the next one is still open.

    A number without a row in ``inbox_keys`` was refused at intake or was a duplicate: settled by its answer.
    """
    cursor = await driver.execute(
        "SELECT s.last_sequence, (SELECT min(k.sequence) FROM (SELECT k.sequence, k.partition, k.inbox_id"
        " FROM inbox_keys k WHERE k.stream_id = s.stream_id AND k.sequence > %(after)s"
        " ORDER BY k.sequence LIMIT %(limit)s) k JOIN partitions p USING (partition) WHERE k.inbox_id > p.cursor_id),"
        " (SELECT max(k.sequence) FROM (SELECT k.sequence FROM inbox_keys k WHERE k.stream_id = s.stream_id"
        " AND k.sequence > %(after)s ORDER BY k.sequence LIMIT %(limit)s) k)"
        " FROM streams s WHERE s.stream_id = %(stream)s",
        {"stream": stream_id, "after": after, "limit": limit},
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    last_sequence, first_open, seen = row
    last = first_open - 1 if first_open is not None else max(seen or 0, min(last_sequence, after + limit))
    if last <= after:
        return None
    found = await driver.execute(
        "SELECT sequence, state, reason, field_path, message, message_zh, settled_time FROM receipt_exceptions"
        " WHERE stream_id = %s AND sequence > %s AND sequence <= %s ORDER BY sequence",
        (stream_id, after, last),
    )
    exceptions = [(r[0], r[1], Violation(*r[2:6]), r[6]) for r in await found.fetchall()]
    return SettledRange(after + 1, last, exceptions)


class Settlement(NamedTuple):
    """What became of one message; ``violation`` is empty unless it broke a rule."""

    state: int
    violation: Violation
    settled_time: datetime | None


async def of_message(driver: AsyncConnection[Any], message_key: bytes) -> Settlement | None:
    """Returns what became of a message, or ``None`` when it is not in the log."""
    cursor = await driver.execute(
        "SELECT k.inbox_id <= p.cursor_id, k.partition, k.inbox_id, e.state, e.reason, e.field_path, e.message,"
        " e.message_zh, (SELECT r.settled_time FROM receipts r WHERE r.partition = k.partition"
        " AND r.last_inbox_id >= k.inbox_id ORDER BY r.last_inbox_id LIMIT 1)"
        " FROM inbox_keys k JOIN partitions p USING (partition)"
        " LEFT JOIN receipt_exceptions e ON e.stream_id = k.stream_id AND e.sequence = k.sequence"
        " WHERE k.message_key = %s::uuid",
        (message_key.hex(),),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if not row[0]:
        return Settlement(PENDING, Violation("", "", "", ""), None)
    if row[3] is None:
        return Settlement(APPLIED, Violation("", "", "", ""), row[8])
    return Settlement(row[3], Violation(*row[4:8]), row[8])
