"""What became of the rows a partner wrote: read from the log for the receipts it is given."""

from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.pickups import STREAM
from exchange_db.receipts import QUARANTINED

#: States of a receipt, as partners see them.
TAKEN, APPLIED, DUPLICATE, REFUSED = "taken", "applied", "duplicate", "refused"


class RowReceipt(NamedTuple):
    """What became of one version of a row; times in microseconds since 1970, ``None`` where there is none yet."""

    sequence: int
    table_name: str
    row_key: str
    revision: int
    state: str
    reason: str
    field_path: str
    message: str
    taken_time: int | None
    settled_time: int | None


def _number(time: str) -> str:
    return f"(extract(epoch FROM {time}) * 1000000)::bigint"


#: A number without a row in the log was refused at intake or is known under another number; both are settled at once.
_SETTLED = (
    "SELECT r.sequence, r.table_name, r.row_key, r.revision,"  # noqa: S608 — constants
    f" CASE WHEN e.state = {QUARANTINED} OR q.reason IS NOT NULL THEN '{REFUSED}'"
    f" WHEN e.state IS NOT NULL OR k.sequence IS NULL THEN '{DUPLICATE}' ELSE '{APPLIED}' END,"
    " coalesce(e.reason, q.reason, ''), coalesce(e.field_path, q.field_path, ''),"
    " coalesce(e.message_zh, q.message_zh, ''),"
    f" {_number('coalesce(i.received_time, q.created_time, e.settled_time)')},"
    f" {_number('coalesce(e.settled_time, q.created_time, t.settled_time)')}"
    " FROM pickup_rows r"
    " LEFT JOIN inbox_keys k ON k.stream_id = r.stream_id AND k.sequence = r.sequence"
    " LEFT JOIN inbox i ON i.partition = k.partition AND i.inbox_id = k.inbox_id"
    " LEFT JOIN receipt_exceptions e ON e.stream_id = r.stream_id AND e.sequence = r.sequence"
    " LEFT JOIN LATERAL (SELECT * FROM quarantine q WHERE q.stage = 'intake' AND q.stream_id = r.stream_id"
    " AND q.sequence = r.sequence ORDER BY q.quarantine_id LIMIT 1) q ON k.sequence IS NULL"
    " LEFT JOIN LATERAL (SELECT t.settled_time FROM receipts t WHERE t.partition = k.partition"
    " AND t.last_inbox_id >= k.inbox_id ORDER BY t.last_inbox_id LIMIT 1) t ON true"
    " WHERE r.stream_id = %s AND r.sequence > %s AND r.sequence <= %s ORDER BY r.sequence"
)
_TAKEN = (
    f"SELECT r.sequence, r.table_name, r.row_key, r.revision, '{TAKEN}', '', '', '', {_number('i.received_time')}, NULL"  # noqa: S608
    " FROM (SELECT DISTINCT sequence FROM pickup_rows WHERE stream_id = %(stream)s AND sequence > %(after)s"
    " ORDER BY sequence LIMIT %(limit)s) n JOIN pickup_rows r ON r.stream_id = %(stream)s AND r.sequence = n.sequence"
    " JOIN inbox_keys k ON k.stream_id = r.stream_id AND k.sequence = r.sequence"
    " JOIN inbox i ON i.partition = k.partition AND i.inbox_id = k.inbox_id ORDER BY r.sequence"
)


async def settled(driver: AsyncConnection[Any], stream_id: int, after: int, last: int) -> list[RowReceipt]:
    """Returns what became of the rows behind the numbers from ``after`` to ``last``, all of which are settled."""
    cursor = await driver.execute(_SETTLED, (stream_id, after, last))
    return [RowReceipt(*row) for row in await cursor.fetchall()]


async def taken(driver: AsyncConnection[Any], stream_id: int, after: int, limit: int) -> list[RowReceipt]:
    """Returns rows behind numbers after ``after`` that are in the log, as merely taken."""
    cursor = await driver.execute(_TAKEN, {"stream": stream_id, "after": after, "limit": limit})
    return [RowReceipt(*row) for row in await cursor.fetchall()]


#: Numbers that are forgotten at once.
_PIECE = 5_000
_STREAM_ID = "SELECT stream_id FROM streams WHERE sender_id = %(peer)s AND name = %(stream)s"
_NUMBERS = (
    "SELECT max(n.sequence), max(coalesce(i.received_time, q.created_time)) < '1970-01-01Z'::timestamptz"  # noqa: S608
    " + %(before)s * interval '1 microsecond'"
    f" FROM (SELECT DISTINCT stream_id, sequence FROM pickup_rows WHERE stream_id = ({_STREAM_ID})"
    " AND sequence > %(after)s AND sequence <= %(told)s ORDER BY sequence LIMIT %(limit)s) n"
    " LEFT JOIN inbox_keys k ON k.stream_id = n.stream_id AND k.sequence = n.sequence"
    " LEFT JOIN inbox i ON i.partition = k.partition AND i.inbox_id = k.inbox_id"
    " LEFT JOIN quarantine q ON k.sequence IS NULL AND q.stream_id = n.stream_id AND q.sequence = n.sequence"
)
_FORGET = (
    f"DELETE FROM pickup_rows r WHERE r.stream_id = ({_STREAM_ID}) AND r.sequence > %(after)s"  # noqa: S608
    " AND r.sequence <= %(last)s AND NOT EXISTS (SELECT FROM quarantine q WHERE q.stream_id = r.stream_id"
    " AND q.sequence = r.sequence AND q.resolution <> 'replayed')"
)


async def forget_told(driver: AsyncConnection[Any], peer_id: str, told_sequence: int, before: int) -> int:
    """Forgets which rows numbers stood for that were answered and taken in before a moment, some thousands at a time.

    Rows that lie in quarantine stay: their key tells why they are not the same on both sides.

    Args:
        driver: to the ledger, outside of a transaction.
        peer_id: the partner.
        told_sequence: last number whose receipts are in the partner's database.
        before: microseconds since 1970.

    Returns:
        How many rows were forgotten.
    """
    values: dict[str, Any] = {
        "peer": peer_id, "stream": STREAM, "told": told_sequence, "before": before, "after": -1, "limit": _PIECE,
    }  # fmt: skip
    count = 0
    while True:
        row = await (await driver.execute(_NUMBERS, values)).fetchone()
        # Numbers that are known under another one have no time of their own.
        if row is None or row[0] is None or row[1] is False:
            return count
        count += (await driver.execute(_FORGET, {**values, "last": row[0]})).rowcount
        values["after"] = row[0]
