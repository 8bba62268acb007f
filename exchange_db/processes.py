"""What the server and the leases tell of the processes at work. Called by the console."""

from datetime import datetime
from typing import NamedTuple

from exchange_db.session import ReadSession


class Lease(NamedTuple):
    """Who does a piece of work, and until when without another claim."""

    name: str
    holder: str
    expires_time: datetime


class Server(NamedTuple):
    """The database: its version, the revision of the tables, its clock, and connections to this database."""

    version: str
    revision: str
    time: datetime
    connection_count: int


async def leases(session: ReadSession, limit: int) -> list[Lease]:
    """Returns the leases that hold, by name."""
    cursor = await session.driver.execute(
        "SELECT name, holder, expires_time FROM leases WHERE expires_time >= clock_timestamp() ORDER BY name LIMIT %s",
        (limit,),
    )
    return [Lease(*row) for row in await cursor.fetchall()]


async def server(session: ReadSession) -> Server:
    """Returns what the database tells of itself."""
    cursor = await session.driver.execute(
        "SELECT current_setting('server_version'), (SELECT version_num FROM alembic_version), clock_timestamp(),"
        " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())"
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — one row always
    return Server(*row)
