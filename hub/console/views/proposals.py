"""Sensitive operations by two people, in the browser.

A person signs nothing with a key of their own, here as by ``sanji proposals``: what they decide names the digest of the
bytes that were shown, says who they are, and is signed with the hub's key (decision 0020). That they are somebody else
than who proposed, and hold the right, is asked of the ledger when they decide and again when it is run.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aiohttp import web

from auth.approvals import CONCERNS, Operation, Party, State
from auth.permissions import may
from auth.person import Person
from auth.roles import Action, Kind
from exchange_db.audit_records import Value
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk, Shown
from hub.approvals.rights import person_party
from hub.clock import Clock
from hub.console.pages import Pages
from hub.request_keys import PERSON
from hub.settings import Settings
from hub.signon import links

logger = logging.getLogger(__name__)

_ROWS = 50
#: How long a page waits for an execution before it is shown as running.
_WAIT_SECONDS = 2.0
_EPOCH = datetime.fromtimestamp(0, UTC)


class ProposalView:
    """Proposals: what waits, what was decided, what runs.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
        desk: takes, decides and executes.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock, desk: ProposalDesk) -> None:
        self._ledger = ledger
        self._part = settings.approvals
        self._region = settings.hub.region
        self._pages = pages
        self._clock = clock
        self._desk = desk
        self._running: set[asyncio.Task[Shown]] = set()

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/proposals", self.listing),
            web.post("/proposals", self.make),
            web.get("/proposals/{number}", self.one),
            web.post("/proposals/{number}/approve", self.decide),
            web.post("/proposals/{number}/refuse", self.decide),
            web.post("/proposals/{number}/run", self.run),
            web.post("/proposals/{number}/abort", self.abort),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows proposals, newest first."""
        return await self._listed(request, "")

    async def make(self, request: web.Request) -> web.StreamResponse:
        """Proposes, with a dry run."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        look = self._pages.presentation(request)
        try:
            operation = _operation(form.get("operation", ""))
            party = await self._party(request[PERSON])
            given = form.get("object", "").strip(), _arguments(form.get("arguments", ""))
            shown = await self._desk.propose(party, operation, *given, form.get("purpose", "").strip())
        except Violated as refused:
            return await self._listed(request, look.refusal(refused))
        raise web.HTTPSeeOther(look.url(f"/proposals/{shown.proposal.proposal_id}"))

    async def one(self, request: web.Request) -> web.Response:
        """Shows one: what it would do, what was said, how far it is."""
        return await self._page(request, "")

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Approves or refuses exactly what was shown."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        is_approved = request.path.endswith("/approve")
        try:
            await self._desk.decide(
                await self._party(request[PERSON]), _number(request), form.get("digest", ""),
                is_approved=is_approved, comment=form.get("comment", "").strip()[:400],
            )  # fmt: skip
        except Violated as refused:
            return await self._page(request, self._pages.presentation(request).refusal(refused))
        raise self._back(request)

    async def run(self, request: web.Request) -> web.StreamResponse:
        """Executes an approved one; what takes longer goes on and shows how far it is."""
        number, party = _number(request), await self._party(request[PERSON])
        task = asyncio.create_task(self._desk.run(party, number), name=f"proposal {number}")
        self._running.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait([task], timeout=_WAIT_SECONDS)
        if task.done() and isinstance(error := task.exception(), Violated):
            return await self._page(request, self._pages.presentation(request).refusal(error))
        raise self._back(request)

    async def abort(self, request: web.Request) -> web.StreamResponse:
        """Gives one up, or stops it at its next step."""
        try:
            await self._desk.abort(await self._party(request[PERSON]), _number(request))
        except Violated as refused:
            return await self._page(request, self._pages.presentation(request).refusal(refused))
        raise self._back(request)

    def _ended(self, task: "asyncio.Task[Shown]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, Violated):
            logger.error("a proposal could not be run: %s", error)

    def _back(self, request: web.Request) -> web.HTTPSeeOther:
        return web.HTTPSeeOther(self._pages.presentation(request).url(f"/proposals/{request.match_info['number']}"))

    async def _listed(self, request: web.Request, trouble: str) -> web.Response:
        person, before = request[PERSON], _moment(request.query.get("before", ""))
        rows = await self._desk.listing(_ROWS, before=before) if self._sees(person) else []
        last = rows[-1].made_time - _EPOCH if len(rows) == _ROWS else timedelta()
        return self._pages.render(
            request, "proposals.html", active="approvals", status=400 if trouble else 200, rows=rows, trouble=trouble,
            next_before=str(last // timedelta(microseconds=1)) if last else "", operations=self._offered(person),
        )  # fmt: skip

    async def _page(self, request: web.Request, trouble: str) -> web.Response:
        person = request[PERSON]
        if not self._sees(person):
            raise web.HTTPNotFound
        shown = await self._desk.show(_number(request))
        kind, region = CONCERNS[shown.proposal.operation], shown.proposal.region
        acts = may(person, Action.PROPOSE, kind, region)
        return self._pages.render(
            request, "proposal.html", active="approvals", status=400 if trouble else 200, shown=shown, trouble=trouble,
            may_decide=shown.state is State.OPEN and may(person, Action.APPROVE, kind, region),
            may_run=shown.state is State.APPROVED and acts,
            may_abort=shown.state in (State.OPEN, State.APPROVED, State.RUNNING) and acts,
        )  # fmt: skip

    def _sees(self, person: Person) -> bool:
        # A proposal is of the hub as a whole.
        return may(person, Action.LIST, Kind.PROPOSAL, self._region)

    def _offered(self, person: Person) -> list[Operation]:
        return [one for one in Operation if may(person, Action.PROPOSE, CONCERNS[one], self._region)]

    async def _party(self, person: Person) -> Party:
        async with self._ledger.read() as session:
            return person_party(person, self._part, linked=await links.linked(session, person.person_id))


def _number(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["number"])
    except ValueError:
        raise web.HTTPNotFound from None


def _operation(text: str) -> Operation:
    try:
        return Operation(text)
    except ValueError:
        raise Violated("OPERATION_UNKNOWN", "operation", text) from None


def _arguments(text: str) -> dict[str, Value]:
    """Reads arguments, one a line: ``name=value``."""
    found: dict[str, Value] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, sign, value = line.partition("=")
        if not sign:
            raise Violated("ARGUMENT_INVALID", "arguments", line[:100])
        found[name.strip()] = value.strip()
    return found


def _moment(text: str) -> datetime | None:
    return (
        _EPOCH + timedelta(microseconds=int(text)) if text.isascii() and text.isdecimal() and len(text) < 17 else None
    )
