"""Tickets of the CAS face: each for one service address, good once and for seconds. Called by ``auth.cas_server``."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from exchange_db.session import WriteSession
from exchange_db.sign_on_grants import digest_of


class Ticket(NamedTuple):
    """What a ticket is for; ``identity`` is JSON, ``is_renewed`` tells that the person had just proved who they are."""

    client_id: str
    session_id: UUID
    service: str
    identity: str
    is_renewed: bool
    end_time: datetime


async def give(session: WriteSession, text: str, ticket: Ticket) -> None:
    """Keeps a ticket, by its digest while it is good."""
    await session.driver.execute(
        "INSERT INTO cas_tickets (ticket_digest, client_id, session_id, service, identity, is_renewed, end_time)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (digest_of(text), *ticket),
    )


async def use(session: WriteSession, text: str, now: datetime) -> Ticket | None:
    """Uses a ticket up and returns it; ``None`` when there is none, it was used, it ended, or its session did.

    Only now its text is kept: the platform is told by it when the person signs off.
    """
    cursor = await session.driver.execute(
        "UPDATE cas_tickets t SET used_time = %s, ticket = %s"
        " WHERE ticket_digest = %s AND used_time IS NULL AND end_time > %s"
        " AND EXISTS (SELECT FROM sessions s WHERE s.session_id = t.session_id)"
        " RETURNING client_id, session_id, service, identity, is_renewed, end_time",
        (now, text, digest_of(text), now),
    )
    row = await cursor.fetchone()
    return Ticket(*row) if row else None
