"""Canaries: how long a record takes over each link and back. One row a neighbour, however long it runs.

At most one question is under way on a link, so nothing piles up while it is down: it comes back when the link does, and
its time tells how long that took. Times are the database's; ``question_time`` and ``asked_time`` are names, given by
the asker's clock. Called by ``hub.apply`` (what came), ``hub.canaries`` (sends and answers), pages and metrics.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.bulk import as_array
from exchange_db.session import HotSession, ReadSession

Session = HotSession | ReadSession

#: A canary that is under way for so long is late, unless the last one took a third of that or more: a platform that
#: fetches every ten minutes answers every ten minutes.
LATE = timedelta(seconds=30)
_LATE_FACTOR = 3
#: A question that is under way for so long is asked anew: it may lie in somebody's quarantine.
_GIVEN_UP_SECONDS = 3_600
_MET_SECONDS = 3_600
#: A neighbour that was not heard of for so long is not asked what it knows: it would cost a time-out.
_HEARD_SECONDS = 120
#: Names of neighbours whose link is down and was not paused: nothing comes back over it.
_BROKEN = (
    "SELECT b.peer_id FROM outages o JOIN peers b USING (destination_id)"
    " WHERE o.end_time IS NULL AND o.cause <> 'LINK_PAUSED'"
)


class CanaryState(StrEnum):
    """How the newest canary of a link stands."""

    RETURNED = "returned"
    UNDER_WAY = "under_way"
    LATE = "late"  # under way for longer than it may, or over a link that is down
    UNSENT = "unsent"  # the neighbour knows canaries; none was sent yet
    IMPOSSIBLE = "impossible"  # the neighbour does not know them, or did not say


class Canary(NamedTuple):
    """The canary of one link.

    ``sent_time`` and ``returned_time`` are those of the newest question, ``returned_time`` is ``None`` while it is
    under way. ``seconds`` is the time of the last one that came back, there and back again; ``None`` if none did.
    ``waiting_seconds`` is how long the one under way has been so; 0 when none is.
    """

    state: CanaryState
    sent_time: datetime | None
    returned_time: datetime | None
    last_returned_time: datetime | None
    seconds: float | None
    waiting_seconds: float


async def latest(connection: Session) -> dict[str, Canary]:
    """Returns the canary of every neighbour there is a row of, by its name; one pass over as many rows as links."""
    cursor = await connection.driver.execute(
        "SELECT peer_id, is_able, sent_time, returned_time, last_returned_time, seconds,"  # noqa: S608 — a constant
        " CASE WHEN sent_time IS NULL OR returned_time IS NOT NULL THEN 0"
        f" ELSE extract(epoch FROM clock_timestamp() - sent_time)::float8 END, peer_id IN ({_BROKEN})"
        " FROM canaries ORDER BY peer_id"
    )
    found = {}
    for peer_id, is_able, *told, is_broken in await cursor.fetchall():
        state = _state_of(*told, is_broken=is_broken) if is_able else CanaryState.IMPOSSIBLE
        found[peer_id] = Canary(state, *told)
    return found


def _state_of(
    sent_time: datetime | None,
    returned_time: datetime | None,
    _last_returned_time: datetime | None,
    seconds: float | None,
    waiting_seconds: float,
    *,
    is_broken: bool,
) -> CanaryState:
    if sent_time is None:
        return CanaryState.UNSENT
    if returned_time is not None:
        return CanaryState.RETURNED
    longest = max(LATE.total_seconds(), _LATE_FACTOR * (seconds or 0))
    return CanaryState.LATE if is_broken or waiting_seconds > longest else CanaryState.UNDER_WAY


async def unmet(session: Session, limit: int) -> list[str]:
    """Returns neighbours that are heard of and have not said lately what they know, the longest ago first."""
    cursor = await session.driver.execute(
        "SELECT p.peer_id FROM peers p JOIN links l USING (destination_id) LEFT JOIN canaries c USING (peer_id)"
        " WHERE p.state = 'active' AND l.contact_time > now() - make_interval(secs => %s)"
        " AND (c.told_time IS NULL OR c.told_time < now() - make_interval(secs => %s))"
        " ORDER BY c.told_time NULLS FIRST LIMIT %s",
        (_HEARD_SECONDS, _MET_SECONDS, limit),
    )
    return [row[0] for row in await cursor.fetchall()]


async def note_able(session: Session, peer_id: str, *, is_able: bool) -> None:
    """Notes whether a neighbour knows canaries, as it says itself."""
    await session.driver.execute(
        "INSERT INTO canaries (peer_id, is_able, told_time) VALUES (%s, %s, now())"
        " ON CONFLICT (peer_id) DO UPDATE SET is_able = excluded.is_able, told_time = excluded.told_time",
        (peer_id, is_able),
    )


async def begin(
    session: Session, now: int, limit: int, peer_id: str = "", *, is_broken_only: bool = False
) -> list[str]:
    """Begins a question to each neighbour that has none under way, the longest ago first; returns whom to ask.

    Args:
        session: a transaction; its end comes before the sending.
        now: the hub's clock, microseconds since 1970: the name of the questions.
        limit: most neighbours.
        peer_id: only this one.
        is_broken_only: only neighbours whose link is down.
    """
    cursor = await session.driver.execute(
        "WITH due AS (SELECT c.peer_id FROM canaries c JOIN peers p USING (peer_id) WHERE c.is_able"  # noqa: S608 — a constant
        " AND p.state = 'active' AND NOT starts_with(p.address, 'files:')"
        " AND (%(peer)s = '' OR c.peer_id = %(peer)s)"
        f" AND (NOT %(broken)s OR c.peer_id IN ({_BROKEN})) AND c.question_time < %(now)s"
        " AND (c.sent_time IS NULL OR c.returned_time IS NOT NULL"
        " OR c.sent_time < now() - make_interval(secs => %(given_up)s))"
        " ORDER BY c.sent_time NULLS FIRST, c.peer_id LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED)"
        " UPDATE canaries c SET question_time = %(now)s, sent_time = clock_timestamp(), returned_time = NULL"
        " FROM due WHERE c.peer_id = due.peer_id RETURNING c.peer_id",
        {"peer": peer_id, "broken": is_broken_only, "now": now, "given_up": _GIVEN_UP_SECONDS, "limit": limit},
    )
    return sorted(row[0] for row in await cursor.fetchall())


async def is_missing_on_broken(driver: AsyncConnection[Any]) -> bool:
    """Tells whether a link that is down has no canary under way, though its neighbour knows them."""
    cursor = await driver.execute(
        "SELECT EXISTS (SELECT FROM canaries c JOIN peers p USING (peer_id) WHERE c.is_able AND p.state = 'active'"  # noqa: S608 — a constant
        f" AND (c.sent_time IS NULL OR c.returned_time IS NOT NULL) AND c.peer_id IN ({_BROKEN}))"
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def note_returned(session: Session, answers: Iterable[tuple[str, int]]) -> None:
    """Notes answers, each (neighbour, its question's time); one to a question that is over changes nothing."""
    for peer_id, question_time in sorted(answers):
        await session.driver.execute(
            "UPDATE canaries SET returned_time = clock_timestamp(), last_returned_time = clock_timestamp(),"
            " seconds = extract(epoch FROM clock_timestamp() - sent_time) WHERE peer_id = %s AND question_time = %s"
            " AND returned_time IS NULL",
            (peer_id, question_time),
        )


async def note_asked(session: Session, questions: Iterable[tuple[str, int]]) -> None:
    """Notes questions of neighbours, each (neighbour, time); of several the newest will be answered.

    Who asks knows canaries.
    """
    for peer_id, asked_time in sorted(questions):
        await session.driver.execute(
            "INSERT INTO canaries AS c (peer_id, is_able, told_time, asked_time) VALUES (%s, true, now(), %s)"
            " ON CONFLICT (peer_id) DO UPDATE SET asked_time = greatest(c.asked_time, excluded.asked_time)",
            (peer_id, asked_time),
        )


async def unanswered(session: Session) -> list[tuple[str, int]]:
    """Returns the questions that wait for our answer, each (neighbour, time)."""
    cursor = await session.driver.execute(
        "SELECT peer_id, asked_time FROM canaries WHERE asked_time > answered_time ORDER BY peer_id"
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def note_answered(session: Session, answered: list[tuple[str, int]]) -> None:
    """Notes that questions were answered."""
    await session.driver.execute(
        "UPDATE canaries c SET answered_time = greatest(c.answered_time, a.asked_time)"
        " FROM unnest(%s::text[], %s::bigint[]) a(peer_id, asked_time) WHERE c.peer_id = a.peer_id",
        ([peer_id for peer_id, _ in answered], as_array(asked_time for _, asked_time in answered)),
    )
