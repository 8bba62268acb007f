"""The page on which the security officer lets people in."""

from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web

from auth.permissions import may, require
from auth.person import Person, Role
from auth.roles import Action, Kind
from exchange_db import people
from exchange_db.people import PersonRow
from exchange_db.records import Violated
from exchange_db.regions import parse_region
from exchange_db.session import Ledger, WriteSession
from hub.clock import Clock
from hub.console.pages import Pages
from hub.request_keys import PERSON
from hub.signon.people import desk_of, listed


class PeopleView:
    """People and their rights.

    Args:
        ledger: the hub's database.
        pages: renders.
        hub_region: region of the hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, pages: Pages, hub_region: int, clock: Clock) -> None:
        self._ledger = ledger
        self._pages = pages
        self._hub_region = hub_region
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/people", self.listing),
            web.post("/people/{act:admit|block|grant|revoke|unlink}", self.change),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows who waits, and who may do what."""
        return await self._shown(request, "")

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Admits, blocks, grants, revokes or unlinks, and shows the page again."""
        person = request[PERSON]
        form = {name: str(value) for name, value in (await request.post()).items()}
        look = self._pages.presentation(request)
        try:
            async with self._ledger.write() as session:
                await self._act(session, person, request.match_info["act"], form)
        except Violated as refused:
            violation = refused.violation
            return await self._shown(request, violation.message_zh if look.language == "zh" else violation.message)
        raise web.HTTPSeeOther(look.url("/people"))

    async def _act(self, session: WriteSession, officer: Person, act: str, form: dict[str, str]) -> None:
        subject = await self._subject(session, form.get("person", ""))
        action = {"admit": Action.CHANGE, "block": Action.BLOCK}.get(act, Action.GRANT)
        require(officer, action, Kind.PERSON, subject.region)
        desk = desk_of(officer, self._hub_region)
        if act == "admit":
            return await desk.admit(session, subject.person_id)
        if act == "block":
            return await desk.block(session, subject.person_id)
        if act == "unlink":
            return await desk.unlink(session, subject.person_id)
        try:
            role, region = Role(form.get("role", "")), parse_region(form.get("region", ""))
        except ValueError:
            raise Violated("REGION_INVALID", "region", form.get("region", "")) from None
        require(officer, action, Kind.PERSON, region)
        if act == "revoke":
            return await desk.revoke(session, subject.person_id, role, region)
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        return await desk.grant(session, subject.person_id, role, region, now)

    async def _subject(self, session: WriteSession, text: str) -> PersonRow:
        try:
            row = await people.of_id(session, UUID(text))
        except ValueError:
            row = None
        if row is None:
            raise Violated("PERSON_UNKNOWN", "person", text)
        return row

    async def _shown(self, request: web.Request, trouble: str) -> web.Response:
        person = request[PERSON]
        async with self._ledger.read() as session:
            rows = await listed(session)
        return self._pages.render(
            request,
            "people.html",
            active="people",
            status=400 if trouble else 200,
            rows=[row for row in rows if may(person, Action.LIST, Kind.PERSON, row.person.region)],
            roles=tuple(Role),
            trouble=trouble,
        )
