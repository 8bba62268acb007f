"""Telling platforms that somebody signed off: what is still to be told, and until when it is tried.

Sessions are ended by their owner, in whatever way; what was given in a session that is gone is found here. Called by
``auth.oidc_provider.logout``.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from exchange_db.session import HotSession, ReadSession, WriteSession


class Notice(NamedTuple):
    """A platform to be told: by a logout token, or for CAS by the ticket it was given."""

    logout_id: int
    client_id: str
    address: str
    session_id: UUID
    subject: str
    ticket: str
    try_count: int
    end_time: datetime


async def note_ended(session: WriteSession, now: datetime, end_time: datetime) -> int:
    """Ends what was given in sessions that are gone, and notes which platforms must be told; returns how many."""
    cursor = await session.driver.execute(
        "WITH ended AS (UPDATE sign_on_grants g SET end_time = %(now)s WHERE g.end_time IS NULL AND NOT EXISTS"
        "  (SELECT FROM sessions s WHERE s.session_id = g.session_id)"
        "  RETURNING g.client_id, g.session_id, g.subject)"
        " INSERT INTO sign_on_logouts (client_id, address, session_id, subject, ticket, next_time, end_time)"
        " SELECT DISTINCT e.client_id, c.logout_uri, e.session_id, e.subject, '', %(now)s, %(end)s"
        " FROM ended e JOIN sign_on_clients c USING (client_id) WHERE c.logout_uri <> ''",
        {"now": now, "end": end_time},
    )
    count = cursor.rowcount
    cursor = await session.driver.execute(
        "WITH ended AS (DELETE FROM cas_tickets t WHERE NOT EXISTS"
        "  (SELECT FROM sessions s WHERE s.session_id = t.session_id)"
        "  RETURNING t.client_id, t.session_id, t.service, t.ticket, t.used_time)"
        " INSERT INTO sign_on_logouts (client_id, address, session_id, subject, ticket, next_time, end_time)"
        " SELECT e.client_id, e.service, e.session_id, '', e.ticket, %(now)s, %(end)s"
        " FROM ended e WHERE e.used_time IS NOT NULL",
        {"now": now, "end": end_time},
    )
    return count + cursor.rowcount


async def due(session: WriteSession, now: datetime, pause: timedelta, limit: int = 32) -> list[Notice]:
    """Returns notices whose time has come, and puts them off, so that no other process sends them meanwhile."""
    cursor = await session.driver.execute(
        "UPDATE sign_on_logouts SET next_time = %s, try_count = try_count + 1 WHERE logout_id IN"
        " (SELECT logout_id FROM sign_on_logouts WHERE next_time <= %s AND end_time > %s"
        "  ORDER BY next_time LIMIT %s FOR UPDATE SKIP LOCKED)"
        " RETURNING logout_id, client_id, address, session_id, subject, ticket, try_count, end_time",
        (now + pause, now, now, limit),
    )
    return [Notice(*row) for row in await cursor.fetchall()]


async def told(session: WriteSession, logout_id: int) -> None:
    """Notes that a platform has taken its notice."""
    await session.driver.execute("DELETE FROM sign_on_logouts WHERE logout_id = %s", (logout_id,))


async def put_off(session: WriteSession, logout_id: int, next_time: datetime) -> None:
    """Tries a notice again later."""
    await session.driver.execute(
        "UPDATE sign_on_logouts SET next_time = %s WHERE logout_id = %s", (next_time, logout_id)
    )


async def waiting_count(session: ReadSession | HotSession) -> int:
    """Returns how many notices no platform has taken yet."""
    cursor = await session.driver.execute("SELECT count(*) FROM sign_on_logouts")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
