"""The platforms at which people sign on. Called by ``hub.signon``, ``auth.sessions`` and ``sanji sign-on``."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.sign_on_records import AnyUpstream, decode, encode
from exchange_db.tables.people import upstreams


async def keep(session: WriteSession, upstream: AnyUpstream, now: datetime) -> None:
    """Registers a platform, or its profile anew."""
    profile = encode(upstream)
    statement = upsert(upstreams).values(upstream_id=upstream.upstream_id, profile=profile, added_time=now)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["upstream_id"], set_={"profile": profile, "added_time": now})
    )


async def find(session: HotSession | ReadSession, upstream_id: str) -> AnyUpstream | None:
    """Returns the profile of a platform."""
    cursor = await session.driver.execute("SELECT profile FROM upstreams WHERE upstream_id = %s", (upstream_id,))
    row = await cursor.fetchone()
    return decode(row[0]) if row else None


async def listing(session: ReadSession) -> list[AnyUpstream]:
    """Returns all profiles, by platform."""
    rows = await session.execute(select(upstreams.c.profile).order_by(upstreams.c.upstream_id))
    return [decode(row.profile) for row in rows]


async def remove(session: WriteSession, upstream_id: str) -> bool:
    """Removes a platform; tells whether it was there."""
    result = await session.execute(delete(upstreams).where(upstreams.c.upstream_id == upstream_id))
    return bool(result.rowcount)
