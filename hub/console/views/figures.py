"""Figures: a form, a table whose numbers open their cases, a chart of the rates, and all indicators of a profile."""

from fractions import Fraction
from typing import NamedTuple

from aiohttp import web

from auth.permissions import unless_whole
from exchange_db.counting import last_day_of
from exchange_db.figures import GROUPS, Basis
from exchange_db.records import FIRST_COUNTERS, Violated
from exchange_db.regions import format_region
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.pictures import bar_chart
from hub.console.presentation import Presentation
from hub.request_keys import REGIONS
from hub.settings import Settings
from hub.statistics.definitions import MetricDefinition, Unit
from hub.statistics.derived import DAYS
from hub.statistics.drilldown import Part
from hub.statistics.indicators import Indicator, IndicatorQuery, IndicatorReader
from hub.statistics.reading import FigureLine, FigureQuery, FigureReader
from hub.statistics.registry import shipped_registry
from hub.statistics.rounding import USUAL

#: Lines of a breakdown on a page.
_LINES = 100
_GROUPS = tuple(group for group in GROUPS if group)
_BASES = {"choice": Basis.CHOICE, "ledger": Basis.LEDGER, "sheets": Basis.SHEETS}


class ShownIndicator(NamedTuple):
    """A metric's figure as the page shows it; an address is empty where a number has no cases to open."""

    metric: MetricDefinition
    numerator: str
    denominator: str
    numerator_url: str
    denominator_url: str
    display: str
    previous: str
    last_year: str


class FigureView:
    """The page of figures.

    Args:
        reader: answers questions about figures.
        indicators: tells every metric of a profile.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(
        self, reader: FigureReader, indicators: IndicatorReader, settings: Settings, pages: Pages, clock: Clock
    ) -> None:
        self._reader = reader
        self._indicators = indicators
        self._profile = settings.figures.profile
        self._region = settings.hub.region
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/figures", self.figures)]

    async def figures(self, request: web.Request) -> web.Response:
        """Shows counts and rates of a region and span of months."""
        form = await self._form(request)
        query = FigureQuery(
            form["region"],
            month_in(form["from"], "first_month"),
            month_in(form["to"], "last_month"),
            _BASES.get(form["basis"], -1),
            group_by=form["group"],
        )
        visible = request[REGIONS]
        asked_whole = query._replace(group_by="")
        page = _page_in(request.query.get("page", ""))
        query = query._replace(skipped_lines=(page - 1) * _LINES, most_lines=_LINES)
        answer = await self._reader.figures(visible, query)
        here = {name: value for name, value in request.query.items() if name not in ("page", "lang")}
        whole = await self._reader.figures(visible, asked_whole)
        look = self._pages.presentation(request)
        return self._pages.render(
            request,
            "figures.html",
            active="figures",
            form=form,
            groups=_GROUPS,
            bases=tuple(_BASES),
            lines=[(line, _shown_key(look, query.group_by, line), _links(look, query, line)) for line in answer.lines],
            whole=(whole.lines[0], _links(look, asked_whole, whole.lines[0])),
            metrics=self._reader.metrics,
            basis="ledger" if answer.basis is Basis.LEDGER else "sheets",
            disagreements=whole.disagreements,
            chart=bar_chart(answer.lines) if answer.line_count <= _LINES else None,
            first_url=look.url("/figures", **here) if page > 1 else "",
            next_url=look.url("/figures", **here, page=page + 1) if page * _LINES < answer.line_count else "",
            profiles=[
                (name, one.name_zh if look.language == "zh" else one.name_en)
                for name, one in shipped_registry().profiles.items()
            ],
            indicators=await self._of_profile(request, asked_whole, form["profile"]),
        )

    async def _of_profile(self, request: web.Request, query: FigureQuery, profile: str) -> list[ShownIndicator]:
        asked = IndicatorQuery(
            query.region_code,
            query.first_month * 100 + 1,
            last_day_of(query.last_month),
            profile,
            query.basis,
            has_changes=True,
        )
        answer = await self._indicators.indicators(request[REGIONS], asked)
        look = self._pages.presentation(request)
        return [_shown(look, query, one) for one in answer.lines[0].indicators]

    async def _form(self, request: web.Request) -> dict[str, str]:
        seen = request[REGIONS]
        first, last = await self._reader.usual_span(self._clock())
        usual = {
            "region": format_region(self._region if unless_whole(seen, self._region) is None else seen[0].first),
            "from": f"{first // 100}-{first % 100:02d}",
            "to": f"{last // 100}-{last % 100:02d}",
            "group": "month",
            "basis": "choice",
            "profile": self._profile,
        }
        return {name: request.query.get(name, "").strip() or value for name, value in usual.items()}


def month_in(text: str, path: str) -> int:
    """Reads 2020-03 or 202003 as year*100+month.

    Raises:
        Violated: ARGUMENT_INVALID, it is neither.
    """
    digits = text.replace("-", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        raise Violated("ARGUMENT_INVALID", path, text)
    return int(digits)


def _page_in(text: str) -> int:
    """Reads the number of a page; whatever is none is the first."""
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def _shown_key(look: Presentation, group: str, line: FigureLine) -> str:
    if not line.key:
        return look.word("no_key")
    if group == "month":
        return f"{line.key[:4]}-{line.key[4:]}"
    return look.source(line.key) if group == "source" else line.key


def _links(look: Presentation, query: FigureQuery, line: FigureLine) -> dict[str, str]:
    """Returns where each number of a line leads; without a value for the group its cases cannot be told apart."""
    region, first, last = query.region_code, query.first_month, query.last_month
    further = {}
    if query.group_by and not line.key:
        return {}
    if query.group_by == "month":
        first = last = int(line.key)
    elif query.group_by == "region":
        region = line.key
    elif query.group_by:
        further[query.group_by] = line.key
    return {
        counter: look.url("/figures/cases", region=region, **{"from": first, "to": last}, counter=counter, **further)
        for counter in FIRST_COUNTERS
        if getattr(line.counts, counter)
    }


def _shown(look: Presentation, query: FigureQuery, one: Indicator) -> ShownIndicator:
    metric = one.quotient.metric
    if not one.is_told:
        return ShownIndicator(metric, "—", "—", "", "", "—", "—", "—")
    parts = (one.quotient.numerator, one.quotient.denominator)
    above, below = (
        look.url(
            "/figures/cases",
            region=query.region_code,
            **{"from": query.first_month, "to": query.last_month},
            metric=metric.metric_id,
            part=part,
        )
        if value and _has_cases(metric, part)
        else ""
        for part, value in zip(Part, parts, strict=True)
    )
    return ShownIndicator(
        metric,
        look.number(int(parts[0])),
        look.number(int(parts[1])),
        above,
        below,
        _with_unit(metric, one.quotient.display),
        _change(one.change_previous),
        _change(one.change_last_year),
    )


def _has_cases(metric: MetricDefinition, part: Part) -> bool:
    """Tells whether a part counts cases; days are none."""
    found = metric.numerator_kept if part is Part.NUMERATOR else metric.denominator_kept
    return any(one is not None and one.name != DAYS for one in found)


def _with_unit(metric: MetricDefinition, display: str) -> str:
    if not display:
        return "—"
    return f"{display} %" if metric.unit is Unit.PERCENT else display


def _change(change: Fraction | None) -> str:
    """Returns a change with its sign; none where there is nothing to compare with."""
    if change is None:
        return "—"
    return f"{'+' if change > 0 else ''}{USUAL.text(change * 100)} %"
