"""Figures: a form, a table whose numbers open their cases, and a chart of the rates."""

from aiohttp import web

from exchange_db.figures import GROUPS, Basis
from exchange_db.records import COUNTERS, Violated
from exchange_db.regions import format_region, subtree
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.pictures import bar_chart
from hub.console.presentation import Presentation
from hub.settings import Settings
from hub.statistics.reading import FigureLine, FigureQuery, FigureReader

_GROUPS = tuple(group for group in GROUPS if group)
_BASES = {"choice": Basis.CHOICE, "ledger": Basis.LEDGER, "sheets": Basis.SHEETS}


class FigureView:
    """The page of figures.

    Args:
        reader: answers questions about figures.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, reader: FigureReader, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._reader = reader
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
        visible = subtree(self._region)
        answer = await self._reader.figures(visible, query)
        asked_whole = query._replace(group_by="")
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
            chart=bar_chart(answer.lines),
        )

    async def _form(self, request: web.Request) -> dict[str, str]:
        first, last = await self._reader.usual_span(self._clock())
        usual = {
            "region": format_region(self._region),
            "from": f"{first // 100}-{first % 100:02d}",
            "to": f"{last // 100}-{last % 100:02d}",
            "group": "month",
            "basis": "choice",
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
        for counter in COUNTERS
        if getattr(line.counts, counter)
    }
