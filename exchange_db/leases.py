"""Leases: who does a piece of work now. They save double work; safety comes from compare-and-set on the cursors.

Times are the database's, so machines need not agree on a clock. A process that restarts under the same name takes
its own leases back at once.
"""

from typing import Any

from psycopg import AsyncConnection


async def claim(driver: AsyncConnection[Any], names: list[str], holder: str, seconds: float) -> set[str]:
    """Takes or prolongs the named leases as far as nobody else holds them.

    Args:
        driver: an idle connection.
        names: leases wanted, for example ``apply/7`` or ``deliver/430000.hub``.
        holder: name of the worker, the same after a restart.
        seconds: how long they last without another claim.

    Returns:
        The names held now.
    """
    cursor = await driver.execute(
        "INSERT INTO leases AS l (name, holder, expires_time)"
        " SELECT name, %(holder)s, clock_timestamp() + make_interval(secs => %(seconds)s)"
        " FROM unnest(%(names)s::text[]) name ORDER BY name"
        " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_time = excluded.expires_time"
        " WHERE l.holder = excluded.holder OR l.expires_time < clock_timestamp() RETURNING name",
        {"names": names, "holder": holder, "seconds": seconds},
    )
    return {row[0] for row in await cursor.fetchall()}


async def release(driver: AsyncConnection[Any], names: list[str], holder: str) -> None:
    """Gives leases back before they run out."""
    await driver.execute("DELETE FROM leases WHERE name = ANY(%s) AND holder = %s", (names, holder))


async def holders(driver: AsyncConnection[Any], prefix: str) -> dict[str, str]:
    """Returns the live leases whose name begins with ``prefix``, as name to holder."""
    cursor = await driver.execute(
        "SELECT name, holder FROM leases WHERE starts_with(name, %s) AND expires_time >= clock_timestamp()", (prefix,)
    )
    return dict(await cursor.fetchall())
