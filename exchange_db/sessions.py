"""Sessions of people who signed on, and sign-ons under way. Called by ``auth.sessions`` and ``hub.signon``.

What every request does is written out in SQL, one statement each; the rest is built.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.people import PersonRow
from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.sign_on_records import AnyUpstream, decode
from exchange_db.tables.people import people, sessions, sign_on_flows, used_logout_tokens


class SessionRow(NamedTuple):
    """A session. ``hops`` is JSON; ``session_digest`` is the SHA-256 of what the browser holds."""

    session_digest: bytes
    session_id: UUID
    person_id: UUID
    created_time: datetime
    seen_time: datetime
    end_time: datetime
    auth_time: datetime
    acr: str
    hops: str
    upstream_session: str
    id_token: str
    client: str


class Flow(NamedTuple):
    """A sign-on under way: what was asked, and what the answer must fit.

    ``linked_session`` is the digest of the session it adds an account to; ``None`` for one that opens a session.
    """

    state_digest: bytes
    upstream_id: str
    browser_digest: bytes
    nonce: str
    verifier: str
    return_path: str
    max_age: int | None
    acr: str
    created_time: datetime
    end_time: datetime
    linked_session: bytes | None = None


class Standing(NamedTuple):
    """A session, whose it is, what they were granted (role and region), and the platform they came through."""

    session: SessionRow
    person: PersonRow
    grants: tuple[tuple[str, int], ...]
    upstream: AnyUpstream | None


_SESSION = [sessions.c[name] for name in SessionRow._fields]
_PERSON = [people.c[name] for name in PersonRow._fields]
_KEEP = (
    f"INSERT INTO sessions ({', '.join(SessionRow._fields)})"  # noqa: S608 — constants
    f" VALUES ({', '.join(['%s'] * len(SessionRow._fields))})"
)
_STANDING = (
    f"SELECT {', '.join(f's.{name}' for name in SessionRow._fields)},"  # noqa: S608 — constants
    f" {', '.join(f'p.{name}' for name in PersonRow._fields)}, u.profile, g.roles, g.regions"
    " FROM sessions s JOIN people p USING (person_id) LEFT JOIN upstreams u ON u.upstream_id = p.issuer_id"
    " CROSS JOIN LATERAL (SELECT array_agg(role ORDER BY role, region) AS roles,"
    " array_agg(region ORDER BY role, region) AS regions FROM person_grants WHERE person_id = p.person_id) g"
    " WHERE s.session_digest = %s"
)
_END = "DELETE FROM sessions WHERE session_digest = %s RETURNING session_id"
_FLOW = ", ".join(Flow._fields)
# The platform's profile comes along with the flow: one look instead of two.
_BEGIN = (
    "WITH u AS (SELECT upstream_id, profile FROM upstreams WHERE upstream_id = %(upstream_id)s),"  # noqa: S608 — constants
    f" f AS (INSERT INTO sign_on_flows ({_FLOW}) SELECT"
    f" {', '.join('upstream_id' if name == 'upstream_id' else f'%({name})s' for name in Flow._fields)} FROM u)"
    " SELECT profile FROM u"
)
_TAKE = (
    "WITH f AS (DELETE FROM sign_on_flows WHERE state_digest = %s AND browser_digest = %s"  # noqa: S608 — constants
    f" RETURNING {_FLOW})"
    f" SELECT {_FLOW}, (SELECT profile FROM upstreams u WHERE u.upstream_id = f.upstream_id) FROM f"
)


async def keep(session: HotSession | WriteSession, row: SessionRow) -> None:
    """Opens a session."""
    await session.driver.execute(_KEEP, row)


async def standing(session: HotSession | ReadSession, session_digest: bytes) -> Standing | None:
    """Returns all that must be known of a session to say what its person may do, in one look."""
    row = await (await session.driver.execute(_STANDING, (session_digest,))).fetchone()
    if row is None:
        return None
    *columns, profile, roles, regions = row
    count = len(_SESSION)
    grants = tuple(zip(roles or (), regions or (), strict=True))
    upstream = None if profile is None else decode(profile)
    return Standing(SessionRow(*columns[:count]), PersonRow(*columns[count:]), grants, upstream)


async def find(session: ReadSession, session_digest: bytes) -> tuple[SessionRow, PersonRow] | None:
    """Returns a session and whose it is."""
    found = await session.execute(
        select(*_SESSION, *_PERSON)
        .join(people, people.c.person_id == sessions.c.person_id)
        .where(sessions.c.session_digest == session_digest)
    )
    row = found.first()
    count = len(_SESSION)
    return (SessionRow(*row[:count]), PersonRow(*row[count:])) if row else None


async def touch(session: HotSession | WriteSession, session_digest: bytes, now: datetime) -> None:
    """Notes that a session was used."""
    await session.driver.execute("UPDATE sessions SET seen_time = %s WHERE session_digest = %s", (now, session_digest))


async def end(session: HotSession | WriteSession, session_digest: bytes) -> list[UUID]:
    """Ends one session; returns its id when there was one."""
    # By the driver: this is called in a pipeline too, where SQLAlchemy's results cannot be read.
    gone = await session.driver.execute(_END, (session_digest,))
    return [row[0] for row in await gone.fetchall()]


async def end_upstream_session(session: WriteSession, issuer_id: str, upstream_session: str) -> list[UUID]:
    """Ends what a platform's session or ticket opened here; returns the ids of what ended."""
    return await _ended(session, sessions.c.upstream_session == upstream_session, people.c.issuer_id == issuer_id)


async def end_subject(session: WriteSession, issuer_id: str, subject: str) -> list[UUID]:
    """Ends all sessions of somebody a platform names; returns the ids of what ended."""
    return await _ended(session, people.c.issuer_id == issuer_id, people.c.subject == subject)


async def end_issuer(session: WriteSession, issuer_id: str) -> list[UUID]:
    """Ends all sessions a platform's sign-on opened; returns the ids of what ended."""
    return await _ended(session, people.c.issuer_id == issuer_id)


async def end_person(session: WriteSession, person_id: UUID) -> list[UUID]:
    """Ends all sessions of a person; returns the ids of what ended."""
    return await _ended(session, sessions.c.person_id == person_id)


async def of_person(
    session: ReadSession, person_id: UUID, *, now: datetime, idle: timedelta, limit: int
) -> list[SessionRow]:
    """Returns the sessions of a person that hold, the one used last first; ``idle`` is how long one holds unused."""
    found = await session.execute(
        select(*_SESSION)
        .where(sessions.c.person_id == person_id, sessions.c.end_time > now, sessions.c.seen_time > now - idle)
        .order_by(sessions.c.seen_time.desc())
        .limit(limit)
    )
    return [SessionRow(*row) for row in found]


async def owner_of(session: ReadSession, session_id: UUID) -> UUID | None:
    """Returns whose a session is."""
    found = await session.execute(select(sessions.c.person_id).where(sessions.c.session_id == session_id))
    owner: UUID | None = found.scalar_one_or_none()
    return owner


async def end_one(session: WriteSession, session_id: UUID) -> None:
    """Ends a session by its id."""
    await session.execute(delete(sessions).where(sessions.c.session_id == session_id))


async def forget(session: WriteSession, now: datetime, last_seen: datetime) -> int:
    """Removes what is over: sessions past their end or unused since ``last_seen``, old flows and logout tokens."""
    gone = await session.execute(
        delete(sessions).where((sessions.c.end_time <= now) | (sessions.c.seen_time <= last_seen))
    )
    await session.execute(delete(sign_on_flows).where(sign_on_flows.c.end_time <= now))
    await session.execute(delete(used_logout_tokens).where(used_logout_tokens.c.end_time <= now))
    return int(gone.rowcount)


async def begin(session: HotSession | WriteSession, flow: Flow) -> AnyUpstream | None:
    """Notes a sign-on under way and returns its platform; without that platform nothing is noted."""
    row = await (await session.driver.execute(_BEGIN, flow._asdict())).fetchone()
    return decode(row[0]) if row else None


async def take(
    session: HotSession | WriteSession, state_digest: bytes, browser_digest: bytes
) -> tuple[Flow, AnyUpstream | None] | None:
    """Takes a sign-on under way out, so that nobody can take it again; another browser finds nothing.

    Returns:
        The sign-on, and its platform as it is registered now.
    """
    row = await (await session.driver.execute(_TAKE, (state_digest, browser_digest))).fetchone()
    if row is None:
        return None
    *flow, profile = row
    return Flow(*flow), None if profile is None else decode(profile)


async def use_logout_token(session: WriteSession, upstream_id: str, token_id: str, end_time: datetime) -> bool:
    """Uses a logout token up; tells whether it was fresh."""
    values = {"upstream_id": upstream_id, "token_id": token_id, "end_time": end_time}
    # What an insert did is told by what it returns; the driver's count is not handed on.
    inserted = upsert(used_logout_tokens).values(values).on_conflict_do_nothing()
    return (await session.execute(inserted.returning(used_logout_tokens.c.token_id))).first() is not None


async def _ended(session: WriteSession, *conditions: object) -> list[UUID]:
    """Deletes the sessions that meet the conditions; joins ``people`` for those that name a person."""
    chosen = select(sessions.c.session_digest).join(people, people.c.person_id == sessions.c.person_id)
    for condition in conditions:
        chosen = chosen.where(condition)  # type: ignore[arg-type]
    gone = await session.execute(
        delete(sessions).where(sessions.c.session_digest.in_(chosen)).returning(sessions.c.session_id)
    )
    return [row.session_id for row in gone]
