"""Two accounts of one person: linked by that person with a fresh sign-on at both platforms, and parted again.

The proof is what one platform said of one subject, in a flow that was begun in this very session and browser: neither
another account there nor another session here can use it. Called by ``hub.signon.desk`` and ``hub.console``.

Source: what went wrong elsewhere is CVE-2026-9087: a proof kept by user and provider, and not by the account there.
"""

from datetime import datetime, timedelta
from uuid import UUID

from auth.assertion import Assertion, SignOnRefused
from auth.permissions import require_compatible
from auth.person import Grant, Person, Role
from auth.sessions import Sessions, digest_of, is_token
from exchange_db import audit, people, person_links
from exchange_db.audit_records import AuditEntry, person_actor
from exchange_db.people import PersonRow
from exchange_db.records import Violated
from exchange_db.session import ReadSession, WriteSession
from exchange_db.sessions import Flow

#: How long ago somebody may have signed on at either platform.
LINK_TIME = timedelta(minutes=5)
#: What clocks of platforms may differ by.
_SKEW = timedelta(seconds=30)
#: Accounts of one person.
_MOST_ACCOUNTS = 6


async def require_fresh(session: ReadSession, doors: Sessions, token: str, now: datetime) -> Person:
    """Returns who holds a session, when they signed on a moment ago.

    Raises:
        SignOnRefused: there is no such session, or the sign-on is too old.
    """
    held = await doors.look_up(session, token, now) if is_token(token) else None
    if held is None:
        raise SignOnRefused("flow_unknown", "no session to link with")
    person = held[0].person
    if now - person.auth_time > LINK_TIME:
        raise SignOnRefused("link_not_fresh", "own sign-on")
    return person


async def link(
    session: WriteSession, doors: Sessions, flow: Flow, token: str, assertion: Assertion, now: datetime
) -> None:
    """Links the account a platform just spoke for with that of the session the flow was begun in.

    Args:
        session: the transaction.
        doors: finds the session.
        flow: as it was begun; ``linked_session`` names the session.
        token: what the browser holds now.
        assertion: what the platform said.
        now: aware.

    Raises:
        SignOnRefused: another session or none, not fresh, the same account, blocked, too many, or roles that exclude
            each other.
    """
    if not is_token(token) or digest_of(token) != flow.linked_session:
        raise SignOnRefused("flow_unknown", "begun in another session")
    own = await require_fresh(session, doors, token, now)
    if assertion.auth_time < flow.created_time - _SKEW:
        raise SignOnRefused("link_not_fresh", "sign-on at the other platform")
    other, _ = await people.arrive(
        session, assertion.upstream_id, assertion.subject,
        name=assertion.name or assertion.subject, unit=assertion.unit, region=assertion.region, now=now,
    )  # fmt: skip
    if other.person_id == own.person_id:
        raise SignOnRefused("link_same", "same account")
    if other.state == "blocked":
        raise SignOnRefused("person_blocked", "blocked here")
    # The log lets one writer in at a time, so nobody else joins these accounts until we are done.
    await audit.append(
        session,
        AuditEntry(
            actor=person_actor(own.issuer_id, own.subject), action="person.link", object=str(own.person_id),
            detail={"linked": str(other.person_id), "issuer": other.issuer_id, "acr": assertion.acr},
        ),
    )  # fmt: skip
    await _require_one(session, own.person_id, other.person_id)
    await person_links.join(session, own.person_id, other.person_id, now)


async def unlink(session: WriteSession, actor: str, person_id: UUID) -> None:
    """Parts an account from the others of its person.

    Raises:
        Violated: LINK_UNKNOWN.
    """
    others = (await person_links.linked_with(session, [person_id]))[person_id]
    if not await person_links.part(session, person_id):
        raise Violated("LINK_UNKNOWN", "person", person_id)
    detail = {"linked": [str(other.person_id) for other in others]}
    await audit.append(session, AuditEntry(actor=actor, action="person.unlink", object=str(person_id), detail=detail))


async def unlink_own(session: WriteSession, person: Person | PersonRow, person_id: UUID) -> None:
    """Parts an account of the person who asks.

    Raises:
        Violated: LINK_UNKNOWN: it is not theirs.
    """
    own = {person.person_id, *(other.person_id for other in await linked(session, person.person_id))}
    if person_id not in own:
        raise Violated("LINK_UNKNOWN", "person", person_id)
    await unlink(session, person_actor(person.issuer_id, person.subject), person_id)


async def linked(session: ReadSession, person_id: UUID) -> tuple[PersonRow, ...]:
    """Returns the other accounts of a person."""
    return (await person_links.linked_with(session, [person_id]))[person_id]


async def _require_one(session: ReadSession, one: UUID, other: UUID) -> None:
    """Checks that accounts may be one person's: not too many, and no roles that exclude each other."""
    accounts = {one, other}
    for person_id in (one, other):
        accounts |= {row.person_id for row in await linked(session, person_id)}
    if len(accounts) > _MOST_ACCOUNTS:
        raise SignOnRefused("link_too_many", str(len(accounts)))
    held = await people.grants_of(session, list(accounts))
    try:
        require_compatible([Grant(Role(grant.role), grant.region) for grants in held.values() for grant in grants])
    except Violated:
        raise SignOnRefused("link_conflict", "roles exclude each other") from None
