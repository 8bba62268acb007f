"""Sessions of people: opening, looking up, ending.

A browser holds 32 random bytes; the ledger holds their SHA-256, so reading the ledger signs nobody on. A session ends
when it was not used for a while, when it is as old as may be, when the person signs off, and when the platform they
came from says so. Rights are looked up with every request and narrowed to what the platforms on the way may speak for.

Does not decide what a right allows (``auth.permissions``) and knows no browser (``hub.console.sign_on_guard``).
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

import msgspec

from auth.assertion import Assertion, SignOnRefused
from auth.permissions import narrowed_grants
from auth.person import Grant, Hop, Person, Role
from exchange_db import people, sessions
from exchange_db.people import LOCAL, PersonRow
from exchange_db.regions import region_of
from exchange_db.session import HotSession, Ledger, ReadSession, WriteSession
from exchange_db.sessions import SessionRow, Standing
from exchange_db.sign_on_records import decode

#: How often the use of a session is written down.
_TOUCH = timedelta(seconds=30)
#: Platforms a sign-on may have come through.
MOST_HOPS = 3


class Limits(NamedTuple):
    """How long a session holds without use, and altogether."""

    idle: timedelta
    absolute: timedelta


class Opened(NamedTuple):
    """A new session: what the browser is to hold, whose it is, and the session as every later request finds it."""

    token: str
    person: PersonRow
    is_first: bool
    found: "Found | None"


class Found(NamedTuple):
    """A session that holds. ``state`` is the person's: who waits for approval has no grants."""

    person: Person
    state: str
    end_time: datetime


class Sessions:
    """The sessions of one hub.

    Args:
        hub_region: the region of the hub; no right reaches beyond it.
        limits: how long sessions hold.
    """

    def __init__(self, hub_region: int, limits: Limits) -> None:
        self._hub_region = hub_region
        self._limits = limits

    async def open(
        self,
        session: HotSession | WriteSession,
        assertion: Assertion,
        now: datetime,
        *,
        client: str = "",
        replaced: str = "",
    ) -> Opened:
        """Opens a session for somebody who just signed on; always with a new id.

        Args:
            session: the transaction.
            assertion: what their platform said.
            now: aware.
            client: what the browser calls itself.
            replaced: what the browser held until now; that session ends.

        Raises:
            SignOnRefused: the person is blocked, or came through too many platforms.
        """
        if len(assertion.hops) > MOST_HOPS:
            raise SignOnRefused("answer_refused", "too many hops")
        person, is_first, grants, profile = await people.arrive_with_rights(
            session, assertion.upstream_id, assertion.subject,
            name=assertion.name or assertion.subject, unit=assertion.unit, region=assertion.region, now=now,
        )  # fmt: skip
        if person.state == "blocked":
            raise SignOnRefused("person_blocked", "blocked here")
        if replaced:
            await sessions.end(session, digest_of(replaced))
        token = secrets.token_urlsafe(32)
        row = SessionRow(
            digest_of(token), uuid4(), person.person_id, now, now, now + self._limits.absolute,
            min(assertion.auth_time, now), assertion.acr, msgspec.json.encode(assertion.hops).decode(),
            assertion.upstream_session, assertion.id_token, client[:200],
        )  # fmt: skip
        await sessions.keep(session, row)
        upstream = None if profile is None else decode(profile)
        return Opened(token, person, is_first, self._judged(Standing(row, person, grants, upstream), now))

    async def find(self, ledger: Ledger, token: str, now: datetime, *, is_used: bool = True) -> Found | None:
        """Returns whose session a browser holds, and notes that it was used, unless the browser asks by itself."""
        if not is_token(token):
            return None
        async with ledger.watching() as looking:
            row = await self.look_up(looking, token, now)
        if row is None:
            return None
        found, seen_time = row
        if is_used and now - seen_time >= _TOUCH:
            async with ledger.passing() as writing:
                await sessions.touch(writing, digest_of(token), now)
        return found

    async def look_up(
        self, session: HotSession | ReadSession, token: str, now: datetime
    ) -> tuple[Found, datetime] | None:
        """Does the same without noting it; also returns when the session was last used."""
        held = await sessions.standing(session, digest_of(token))
        found = None if held is None else self._judged(held, now)
        return None if held is None or found is None else (found, held.session.seen_time)

    def idle_since(self, now: datetime) -> datetime:
        """Returns the moment since which a session must have been used to hold."""
        return now - self._limits.idle

    def _judged(self, held: Standing, now: datetime) -> Found | None:
        """Returns what a session is good for; ``None`` when it does not hold."""
        row, person = held.session, held.person
        if person.state == "blocked" or now >= row.end_time or now - row.seen_time >= self._limits.idle:
            return None
        hops = msgspec.json.decode(row.hops.encode(), type=tuple[Hop, ...])
        grants: tuple[Grant, ...] = ()
        if person.state == "admitted":
            grants = tuple(Grant(Role(role), region) for role, region in held.grants)
        bounds = [region_of(hop.platform_id) for hop in hops]
        if person.issuer_id == LOCAL:
            bounds.append(self._hub_region)
        else:
            if held.upstream is None:
                return None
            bounds.append(held.upstream.region)
            grants = tuple(grant for grant in grants if grant.role in held.upstream.roles)
        for bound in bounds:
            grants = narrowed_grants(grants, bound, self._hub_region)
        return self._found(row, person, hops, grants)

    def _found(self, row: SessionRow, person: PersonRow, hops: tuple[Hop, ...], grants: tuple[Grant, ...]) -> Found:
        return Found(
            Person(
                person_id=person.person_id,
                issuer_id=person.issuer_id,
                subject=person.subject,
                name=person.name,
                unit=person.unit,
                region=person.region,
                grants=grants,
                session_id=row.session_id,
                auth_time=row.auth_time.astimezone(UTC),
                acr=row.acr,
                hops=hops,
            ),
            person.state,
            min(row.end_time, row.seen_time + self._limits.idle),
        )


def digest_of(token: str) -> bytes:
    """Returns what the ledger knows a secret of a browser by."""
    return hashlib.sha256(token.encode()).digest()


def is_token(text: str) -> bool:
    """Tells whether a text can be a secret this module made: 43 characters of Base64 for addresses."""
    return len(text) == 43 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def form_token(token: str) -> str:
    """Returns what every form of a session carries: nobody can make it who does not hold the session."""
    return hmac.new(token.encode(), b"sanji form", hashlib.sha256).hexdigest()


def is_form_token(token: str, given: str) -> bool:
    """Tells whether a form belongs to a session."""
    return hmac.compare_digest(form_token(token).encode(), given.encode("utf-8", "surrogatepass"))
