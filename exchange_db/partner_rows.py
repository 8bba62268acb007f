"""Rows of partners' databases that both sides know: what the hub wrote there, and as what each row was last seen."""

from typing import Any, NamedTuple

import msgspec
from psycopg import AsyncConnection

from exchange_db.pickups import STREAM


class Expected(NamedTuple):
    """A row the hub wrote at a partner.

    ``version`` tells which of two rows holds; ``content_hash`` is ``None`` where what the partner keeps of a row cannot
    be told from what was written.
    """

    table_name: str
    row_key: str
    version: int
    sequence: int
    content_hash: bytes | None


class Seen(NamedTuple):
    """A row as it stood at the partner when both sides held the same."""

    row_key: str
    is_sent: bool
    bucket: int
    digest: int


class Known(NamedTuple):
    """What is kept of one row; ``digest`` is ``None`` before it was seen at the partner."""

    row_key: str
    is_sent: bool
    sequence: int
    content_hash: bytes | None
    bucket: int | None
    digest: int | None
    noted_time: int


_KNOWN = (
    "row_key, is_sent, sequence, content_hash, bucket, digest, (extract(epoch FROM noted_time) * 1000000)::bigint"
    " FROM partner_rows WHERE peer_id = %s AND table_name = %s"
)


async def expect(driver: AsyncConnection[Any], peer_id: str, rows: list[Expected], now: int) -> None:
    """Keeps what the hub wrote; of one row the highest version."""
    newest: dict[tuple[str, str], Expected] = {}
    for row in rows:
        place = row.table_name, row.row_key
        if place not in newest or newest[place].version < row.version:
            newest[place] = row
    told = [(*row[:4], row.content_hash.hex() if row.content_hash else None) for row in newest.values()]
    await driver.execute(
        "INSERT INTO partner_rows (peer_id, table_name, row_key, is_sent, version, sequence, content_hash, noted_time)"
        " SELECT %s, r->>0, r->>1, true, (r->>2)::bigint, (r->>3)::bigint, decode(r->>4, 'hex'),"
        " '1970-01-01Z'::timestamptz + %s * interval '1 microsecond' FROM json_array_elements(%s::json) r"
        " ON CONFLICT (peer_id, table_name, row_key) DO UPDATE SET is_sent = true, version = excluded.version,"
        " sequence = excluded.sequence, content_hash = excluded.content_hash, digest = NULL,"
        " noted_time = excluded.noted_time WHERE NOT partner_rows.is_sent OR excluded.version > partner_rows.version",
        (peer_id, now, msgspec.json.encode(told).decode()),
    )


async def see(driver: AsyncConnection[Any], peer_id: str, table: str, rows: list[Seen], now: int) -> None:
    """Keeps as what rows were seen at the partner."""
    await driver.execute(
        "INSERT INTO partner_rows (peer_id, table_name, row_key, is_sent, version, sequence, bucket, digest,"
        " noted_time) SELECT %s, %s, r->>0, (r->>1)::boolean, 0, 0, (r->>2)::int, (r->>3)::bigint,"
        " '1970-01-01Z'::timestamptz + %s * interval '1 microsecond' FROM json_array_elements(%s::json) r"
        " ON CONFLICT (peer_id, table_name, row_key) DO UPDATE SET is_sent = excluded.is_sent,"
        " bucket = excluded.bucket, digest = excluded.digest",
        (peer_id, table, now, msgspec.json.encode(rows).decode()),
    )


async def sums(driver: AsyncConnection[Any], peer_id: str, table: str) -> list[tuple[int, bool, int, int]]:
    """Returns (bucket, is_sent, rows, sum of digests) of the rows that were seen."""
    cursor = await driver.execute(
        "SELECT bucket, is_sent, count(*), sum(digest) FROM partner_rows WHERE peer_id = %s AND table_name = %s"
        " AND digest IS NOT NULL GROUP BY bucket, is_sent",
        (peer_id, table),
    )
    return [(row[0], row[1], row[2], int(row[3])) for row in await cursor.fetchall()]


async def in_buckets(driver: AsyncConnection[Any], peer_id: str, table: str, buckets: list[int]) -> dict[str, Known]:
    """Returns the rows of some buckets by key."""
    cursor = await driver.execute(
        f"SELECT {_KNOWN} AND digest IS NOT NULL AND bucket = ANY(%s)",
        (peer_id, table, buckets),
    )
    return {row[0]: Known(*row) for row in await cursor.fetchall()}


async def by_keys(driver: AsyncConnection[Any], peer_id: str, table: str, row_keys: list[str]) -> dict[str, Known]:
    """Returns rows the hub wrote, by key."""
    cursor = await driver.execute(
        f"SELECT {_KNOWN} AND is_sent AND row_key = ANY(SELECT json_array_elements_text(%s::json))",
        (peer_id, table, msgspec.json.encode(row_keys).decode()),
    )
    return {row[0]: Known(*row) for row in await cursor.fetchall()}


async def unseen(driver: AsyncConnection[Any], peer_id: str, table: str, limit: int) -> list[Known]:
    """Returns rows that were written and not seen at the partner since."""
    cursor = await driver.execute(
        f"SELECT {_KNOWN} AND digest IS NULL ORDER BY row_key LIMIT %s",
        (peer_id, table, limit),
    )
    return [Known(*row) for row in await cursor.fetchall()]


async def forget(driver: AsyncConnection[Any], peer_id: str, table: str, row_keys: list[str]) -> None:
    """Forgets rows that are no longer there, and rightly so."""
    await driver.execute(
        "DELETE FROM partner_rows WHERE peer_id = %s AND table_name = %s"
        " AND row_key = ANY(SELECT json_array_elements_text(%s::json))",
        (peer_id, table, msgspec.json.encode(row_keys).decode()),
    )


async def forget_older(driver: AsyncConnection[Any], peer_id: str, table: str, start: str) -> None:
    """Forgets rows the hub wrote whose keys begin so, but for those of the highest version: they are replaced whole."""
    await driver.execute(
        "DELETE FROM partner_rows WHERE peer_id = %(peer)s AND table_name = %(table)s AND is_sent"
        " AND starts_with(row_key, %(start)s) AND version < (SELECT max(version) FROM partner_rows"
        " WHERE peer_id = %(peer)s AND table_name = %(table)s AND is_sent AND starts_with(row_key, %(start)s))",
        {"peer": peer_id, "table": table, "start": start},
    )


async def sent_rows(driver: AsyncConnection[Any], peer_id: str, table: str) -> dict[str, Known]:
    """Returns all rows of a small table that the hub wrote, by key."""
    cursor = await driver.execute(f"SELECT {_KNOWN} AND is_sent", (peer_id, table))
    return {row[0]: Known(*row) for row in await cursor.fetchall()}


async def refused_rows(driver: AsyncConnection[Any], peer_id: str, table: str) -> dict[str, int]:
    """Returns the keys of a partner's rows whose newest version lies in quarantine, with the revision of that one."""
    cursor = await driver.execute(
        "WITH refused AS (SELECT r.stream_id, r.row_key, max(r.sequence) AS sequence, max(r.revision) AS revision"
        " FROM quarantine q JOIN pickup_rows r ON r.stream_id = q.stream_id AND r.sequence = q.sequence"
        " JOIN streams s ON s.stream_id = q.stream_id AND s.sender_id = %s AND s.name = %s"
        " WHERE q.resolution <> 'replayed' AND r.table_name = %s GROUP BY 1, 2)"
        " SELECT f.row_key, f.revision FROM refused f WHERE NOT EXISTS (SELECT FROM pickup_rows r"
        " WHERE r.stream_id = f.stream_id AND r.sequence > f.sequence AND r.table_name = %s AND r.row_key = f.row_key)",
        (peer_id, STREAM, table, table),
    )
    return dict(await cursor.fetchall())


async def refused_parcels(driver: AsyncConnection[Any], destination_id: int) -> set[int]:
    """Returns the numbers of parcels on a link that the partner refused."""
    cursor = await driver.execute(
        "SELECT sequence FROM quarantine WHERE stage = 'delivery' AND destination_id = %s AND resolution <> 'replayed'"
        " AND sequence IS NOT NULL",
        (destination_id,),
    )
    return {row[0] for row in await cursor.fetchall()}
