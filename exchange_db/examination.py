"""What ``sanji doctor`` asks the database: its settings and habits, who works, what is late. Reads only."""

from datetime import datetime
from typing import NamedTuple

from exchange_db.session import ReadSession

#: Slot behind which the server keeps WAL until it was archived.
SLOT = "sanji_archive"


class ServerState(NamedTuple):
    """How the server stands. ``kept_bytes`` is WAL that waits to be archived, ``None`` where none is."""

    now: datetime
    is_recovering: bool
    collation: str
    has_zone: bool
    connections: int
    most_connections: int
    wal_level: str
    full_page_writes: str
    kept_bytes: int | None
    database_bytes: int


async def server_state(session: ReadSession) -> ServerState:
    """Returns how the server stands."""
    cursor = await session.driver.execute(
        "SELECT clock_timestamp(), pg_is_in_recovery(),"
        " (SELECT datcollate FROM pg_database WHERE datname = current_database()),"
        " EXISTS (SELECT FROM pg_timezone_names WHERE name = 'Asia/Shanghai'),"
        " (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'),"
        " current_setting('max_connections')::int, current_setting('wal_level'), current_setting('full_page_writes'),"
        " (SELECT (CASE WHEN pg_is_in_recovery() THEN restart_lsn ELSE pg_current_wal_lsn() END - restart_lsn)::bigint"
        " FROM pg_replication_slots WHERE slot_name = %s),"
        " pg_database_size(current_database())",
        (SLOT,),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — one row always
    return ServerState(*row)


async def held_leases(session: ReadSession) -> tuple[int, int]:
    """Returns how many leases are held now, and how many have run out and were not taken over."""
    cursor = await session.driver.execute(
        "SELECT count(*) FILTER (WHERE expires_time >= clock_timestamp())::int,"
        " count(*) FILTER (WHERE expires_time < clock_timestamp())::int FROM leases"
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — an aggregate gives one row
    return int(row[0]), int(row[1])


async def months_ahead(session: ReadSession) -> int:
    """Returns how many tables of the log there are for this month and later ones."""
    cursor = await session.driver.execute(
        "SELECT count(*)::int FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'inbox'::regclass"
        " AND c.relname >= 'inbox_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') AND c.relname ~ '[0-9]{2}$'"
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
