"""Completeness: who below has sent the sheets of which months, as a picture; and what the rules have found there."""

from aiohttp import web

from auth.permissions import unless_whole
from exchange_db.records import Violated
from exchange_db.regions import format_region
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.request_keys import REGIONS
from hub.settings import Settings
from hub.statistics.calendar import HubCalendar
from hub.statistics.completeness import Completeness, SheetState, usual_months
from hub.statistics.findings import PlausibilityDesk
from hub.statistics.periods import Period
from hub.statistics.plausibility import RULE_NAMES
from hub.statistics.registry import shipped_registry

#: Most months beside each other.
_MOST_MONTHS = 36
_SHOWN_FINDINGS = 200
#: What a finding compares that is a time, to its word.
_TIMES = {"cutoff_time": "cutoff", "end": "period_end"}
#: Colour of each state: green, amber, red, none.
_COLOURS = {
    SheetState.LOCKED: "good",
    SheetState.ON_TIME: "good",
    SheetState.REVISED: "strained",
    SheetState.LATE: "strained",
    SheetState.WAITING: "unknown",
    SheetState.MISSING: "broken_link",
    SheetState.UNEXPECTED: "unexpected",
}


class CompletenessView:
    """The page of who has sent what.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._calendar = HubCalendar(settings)
        self._completeness = Completeness(ledger, self._calendar, clock)
        self._checks = PlausibilityDesk(ledger, self._calendar, clock)
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/figures/completeness", self.completeness)]

    async def completeness(self, request: web.Request) -> web.Response:
        """Shows the matrix of a region and span of months, and the findings about them."""
        visible = request[REGIONS]
        whole = unless_whole(visible, self._calendar.region) is None
        first, last = usual_months(self._calendar, self._clock())
        usual = {
            "region": format_region(self._calendar.region if whole else visible[0].first),
            "from": first.name,
            "to": last.name,
        }
        form = {name: request.query.get(name, "").strip() or value for name, value in usual.items()}
        first, last = _in_order(self._calendar.parse(form["from"]), self._calendar.parse(form["to"]))
        matrix = await self._completeness.matrix(visible, form["region"], first, last)
        findings = await self._checks.findings(visible, form["region"], first, last)
        look = self._pages.presentation(request)
        language = 0 if look.language == "zh" else 1
        counters = shipped_registry().counters
        return self._pages.render(
            request,
            "completeness.html",
            active="figures",
            form=form,
            matrix=matrix,
            colours=_COLOURS,
            states=[state for state in SheetState if state is not SheetState.UNEXPECTED],
            numbers=matrix.numbers,
            findings=findings[:_SHOWN_FINDINGS],
            more_count=max(0, len(findings) - _SHOWN_FINDINGS),
            times=_TIMES,
            rule_names={rule: names[language] for rule, names in RULE_NAMES.items()},
            counter_names={
                name: counter.name_en if language else counter.name_zh for name, counter in counters.items()
            },
        )


def _in_order(first: Period, last: Period) -> tuple[Period, Period]:
    """Returns two periods, the earlier one first.

    Raises:
        Violated: ARGUMENT_INVALID, they are too far apart for a page.
    """
    begin, end = sorted((first, last), key=lambda period: period.first_day)
    years, months = end.first_day.year - begin.first_day.year, end.first_day.month - begin.first_day.month
    if years * 12 + months >= _MOST_MONTHS:
        raise Violated("ARGUMENT_INVALID", "from", f"{begin.name} – {end.name} > {_MOST_MONTHS}")
    return begin, end
