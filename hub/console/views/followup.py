"""Letters about frequent problems that wait for a person's word, and lists of cases somebody must look at."""

from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from auth.permissions import may, require
from auth.roles import Action, Kind
from exchange_db.audit_records import person_actor
from exchange_db.followup import ProposalFilter
from exchange_db.followup_lists import Place, Selector
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.followup.making import make_followup
from hub.recording import acting_as
from hub.reports.desk import ReportDesk
from hub.reports.printing import LetterPrinter
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

_ROWS = 100
_PROPOSALS = "proposals"
_DUPLICATES = "duplicates"
#: How many days back cases that are alike are looked for.
_DAYS = 7
_TABS = (_PROPOSALS, *Selector, _DUPLICATES)


class FollowupView:
    """Pages about what follows from figures.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
        reports: has the templates of letters.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock, reports: ReportDesk) -> None:
        printer = LetterPrinter(ledger, reports, ZoneInfo(settings.figures.zone))
        self._desks = make_followup(settings, ledger, clock, print_letter=printer.print)
        self._hub_region = settings.hub.region
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/followup", self.listing),
            web.post("/followup/confirm", self.decide),
            web.post("/followup/dismiss", self.decide),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows the proposals, or one list."""
        return await self._shown(request, "")

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Confirms or dismisses a proposal, and shows them again."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        look, person, regions = self._pages.presentation(request), request[PERSON], request[REGIONS]
        by = person_actor(person.issuer_id, person.subject)
        try:
            # A letter speaks for the hub: who holds the right in a county alone may not decide about it.
            require(person, Action.CHANGE, Kind.DOCUMENT, self._hub_region)
            proposal_id = _number(form.get("proposal", ""))
            with acting_as(by):
                if request.path.endswith("/confirm"):
                    await self._desks.letters.confirm(proposal_id, regions, by)
                else:
                    await self._desks.letters.dismiss(proposal_id, regions, by, form.get("reason", ""))
        except Violated as refused:
            violation = refused.violation
            return await self._shown(request, violation.message_zh if look.language == "zh" else violation.message)
        raise web.HTTPSeeOther(look.url("/followup"))

    async def _shown(self, request: web.Request, trouble: str) -> web.Response:
        asked = request.query.get("list", _PROPOSALS)
        tab = asked if asked in _TABS else _PROPOSALS
        regions = request[REGIONS]
        values: dict[str, object] = {"proposals": (), "cases": (), "pairs": (), "next_url": ""}
        if tab == _PROPOSALS:
            values["proposals"] = await self._desks.letters.listing(ProposalFilter(regions), _ROWS)
        elif tab == _DUPLICATES:
            values["pairs"] = await self._desks.lists.duplicates(regions, _DAYS, _ROWS)
        else:
            page = await self._desks.lists.page(Selector(tab), regions, _place(request), _ROWS)
            values["cases"] = page.rows
            if (after := page.next_place) is not None:
                last = f"{after.region}-{after.reported_time}-{after.case_id.hex()}"
                values["next_url"] = self._pages.presentation(request).url("/followup", list=tab, after=last)
        return self._pages.render(
            request,
            "followup.html",
            active="followup",
            status=400 if trouble else 200,
            tab=tab,
            tabs=_TABS,
            counts=await self._desks.letters.counts(regions),
            trouble=trouble,
            may_decide=may(request[PERSON], Action.CHANGE, Kind.DOCUMENT, self._hub_region),
            **values,
        )


def _number(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Violated("FOLLOWUP_UNKNOWN", "proposal", text) from None


def _place(request: web.Request) -> Place | None:
    """Returns where a page begins; whatever cannot be read begins at the first one."""
    region, _, rest = request.query.get("after", "").partition("-")
    moment, _, case_id = rest.partition("-")
    try:
        place = Place(int(region), int(moment), bytes.fromhex(case_id))
    except ValueError:
        return None
    is_fit = len(place.case_id) == 16 and 0 <= place.region <= 999_999 and 0 <= place.reported_time < 2**53
    return place if is_fit else None
