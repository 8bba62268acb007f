"""One person: what they were granted and by whom, their accounts, their sessions, and what they asked for."""

from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web

from auth.permissions import may, require
from auth.roles import Action, Kind
from exchange_db import approvals, audit, people, person_links, sessions
from exchange_db.audit_records import AuditLine, person_actor
from exchange_db.people import PersonRow
from exchange_db.records import Violated
from exchange_db.session import Ledger, ReadSession
from hub.clock import Clock
from hub.console.pages import Pages
from hub.recording import acting_as, recorded
from hub.request_keys import PERSON
from hub.settings import Settings

_ROWS = 50


class PersonView:
    """The page about one person.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._ledger = ledger
        self._part = settings.console
        self._region = settings.hub.region
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/people/person", self.person), web.post("/people/session", self.end_session)]

    async def person(self, request: web.Request) -> web.Response:
        """Shows one person."""
        asker, now = request[PERSON], datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        async with self._ledger.read() as session:
            row = await self._row(session, request.query.get("id", ""))
            if row is None or not may(asker, Action.READ, Kind.PERSON, row.region):
                raise web.HTTPNotFound
            grants = (await people.grants_of(session, [row.person_id]))[row.person_id]
            linked = (await person_links.linked_with(session, [row.person_id]))[row.person_id]
            held = await sessions.of_person(session, row.person_id, now=now, idle=self._part.idle, limit=_ROWS)
            acts, about = await self._acts(session, request, row)
            asked = []
            if may(asker, Action.LIST, Kind.PROPOSAL, self._region):
                actor = person_actor(row.issuer_id, row.subject)
                asked = await approvals.listing(session, limit=_ROWS, proposer=actor)
        return self._pages.render(
            request, "person.html", active="people", row=row, grants=grants, linked=linked, sessions=held, acts=acts,
            about=about, asked=asked, may_end=may(asker, Action.BLOCK, Kind.SESSION, row.region),
            sees_acts=may(asker, Action.LIST, Kind.AUDIT, self._region),
        )  # fmt: skip

    async def end_session(self, request: web.Request) -> web.StreamResponse:
        """Ends one session of somebody."""
        form, asker = await request.post(), request[PERSON]
        session_id = _uuid(str(form.get("session", "")))
        if session_id is None:
            raise Violated("SESSION_UNKNOWN", "session")
        with acting_as(person_actor(asker.issuer_id, asker.subject)):
            async with recorded(self._ledger, "session.end", str(session_id)) as act:
                owner = await sessions.owner_of(act.session, session_id)
                row = None if owner is None else await people.of_id(act.session, owner)
                if row is None:
                    raise Violated("SESSION_UNKNOWN", "session")
                require(asker, Action.BLOCK, Kind.SESSION, row.region)
                await sessions.end_one(act.session, session_id)
                act.detail["person"] = str(row.person_id)
        raise web.HTTPSeeOther(self._pages.presentation(request).url("/people/person", id=str(row.person_id)))

    async def _acts(
        self, session: ReadSession, request: web.Request, row: PersonRow
    ) -> tuple[list[AuditLine], list[AuditLine]]:
        """Returns the newest entries by somebody and about them, for who may read the log."""
        if not may(request[PERSON], Action.LIST, Kind.AUDIT, self._region):
            return [], []
        actor = person_actor(row.issuer_id, row.subject)
        by_them = await audit.search(session, audit.Search(actor=actor), limit=_ROWS)
        return by_them, await audit.search(session, audit.Search(object=str(row.person_id)), limit=_ROWS)

    @staticmethod
    async def _row(session: ReadSession, text: str) -> PersonRow | None:
        person_id = _uuid(text)
        return None if person_id is None else await people.of_id(session, person_id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
