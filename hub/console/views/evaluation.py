"""Evaluation: the runs, one run with its ranking by group, and the way from a score to the cases behind it."""

from typing import NamedTuple
from uuid import UUID

from aiohttp import web

from auth.permissions import may, shared, unless_whole
from auth.roles import Action, Kind
from exchange_db.objections import ObjectionRow
from exchange_db.records import Violated
from exchange_db.regions import format_region, parse_region, subtree
from hub.console.pages import Pages
from hub.console.presentation import Presentation
from hub.evaluation.composite import InputInvalid, Line, UnitScore
from hub.evaluation.desk import ScoreDesk, Shown, reproduce
from hub.evaluation.objecting import ObjectionDesk
from hub.evaluation.runs import KeptRun, KeptTree
from hub.evaluation.schemes import CompositeScheme
from hub.evaluation.sources import InputSource, exact_text
from hub.request_keys import PERSON, REGIONS
from hub.statistics.rounding import USUAL

_RUNS = 100
#: Counters a source's cases are opened by: numerator's and denominator's members apart (D43 of the domain notes).
_OPENED = ("total", "done", "on_time")


class ShownScore(NamedTuple):
    """A unit's score as the page shows it."""

    score: UnitScore
    lines: list[tuple[Line, str, str]]
    url: str


class ShownSource(NamedTuple):
    """Where an input came from: its entry's name, value, what it rests on, and where its cases are."""

    source: InputSource
    name: str
    value: str
    basis: str
    links: list[tuple[str, str]]


class EvaluationView:
    """Pages about evaluation.

    Args:
        scores: gives runs.
        objections: keeps objections.
        pages: renders.
    """

    def __init__(self, scores: ScoreDesk, objections: ObjectionDesk, pages: Pages) -> None:
        self._scores = scores
        self._objections = objections
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/evaluation", self.listing),
            web.get("/evaluation/run", self.run),
            web.post("/evaluation/objections", self.object_to),
            web.post("/evaluation/rulings", self.rule),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows the runs, newest first."""
        seen, hub = request[REGIONS], self._scores.hub_region
        usual = hub if unless_whole(seen, hub) is None else seen[0].first
        form = {
            "region": request.query.get("region", "").strip() or format_region(usual),
            "scheme": request.query.get("scheme", "").strip(),
            "period": request.query.get("period", "").strip(),
        }
        try:
            asked = subtree(parse_region(form["region"]))
        except ValueError:
            raise Violated("REGION_INVALID", "region_code", form["region"]) from None
        runs = await self._scores.listing(
            shared(seen, asked), scheme_id=form["scheme"], period=form["period"], limit=_RUNS
        )
        look = self._pages.presentation(request)
        return self._pages.render(
            request,
            "evaluation.html",
            active="evaluation",
            form=form,
            runs=[(head, look.url("/evaluation/run", id=head.run_id)) for head in runs],
        )

    async def run(self, request: web.Request) -> web.Response:
        """Shows one run, and the sources of one unit where it is named."""
        return await self._shown(request, request.query.get("id", ""))

    async def object_to(self, request: web.Request) -> web.StreamResponse:
        """Keeps an objection that a unit has handed in."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        run_id = form.get("id", "")
        shown = await self._scores.find(request[REGIONS], run_id)
        await self._objections.object_to(shown, form.get("unit", ""), form.get("entry", ""), form.get("grounds", ""))
        raise web.HTTPSeeOther(self._pages.presentation(request).url("/evaluation/run", id=run_id))

    async def rule(self, request: web.Request) -> web.StreamResponse:
        """Rules on an objection and shows the run that counts then."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            number = UUID(form.get("objection", ""))
        except ValueError:
            raise Violated("OBJECTION_NOT_FOUND", "objection", form.get("objection", "")) from None
        try:
            ruled = await self._objections.rule(
                request[REGIONS],
                number,
                ruling=form.get("ruling", ""),
                value=form.get("value", ""),
                is_upheld=form.get("verdict") == "uphold",
            )
        except InputInvalid as error:
            raise Violated("ARGUMENT_INVALID", error.field, error) from None
        run_id = form.get("id", "") if ruled.made is None else ruled.made.shown.head.run_id
        raise web.HTTPSeeOther(self._pages.presentation(request).url("/evaluation/run", id=run_id))

    async def _shown(self, request: web.Request, run_id: str) -> web.Response:
        shown = await self._scores.find(request[REGIONS], run_id)
        look = self._pages.presentation(request)
        unit = request.query.get("unit", "")
        kept = shown.kept
        is_tree = isinstance(kept, KeptTree)
        return self._pages.render(
            request,
            "evaluation_run.html",
            active="evaluation",
            head=shown.head,
            scheme=kept.run.scheme,
            is_same=reproduce(shown).is_same,
            unit=unit,
            groups=_groups(look, shown) if isinstance(kept, KeptRun) else [],
            tree=kept.run.scores if isinstance(kept, KeptTree) else None,
            exact=exact_text,
            rounded=USUAL.text,
            sources=_sources(look, shown, unit) if unit or is_tree else [],
            changes=[one for one in await self._scores.changes(shown) if unit in ("", one.unit)],
            objections=await self._objections.of_run(shown),
            is_open=_is_open,
            may_rule=may(request.get(PERSON), Action.APPROVE, Kind.EVALUATION, shown.head.region),
            may_object=may(request.get(PERSON), Action.PROPOSE, Kind.EVALUATION, shown.head.region),
            entries=_entries(look, shown),
            run_url=look.url("/evaluation/run", id=shown.head.run_id),
        )


def _is_open(row: ObjectionRow) -> bool:
    return row.state == "open"


def _entries(look: Presentation, shown: Shown) -> dict[str, str]:
    """Returns the names of a scheme's parts, entries of the list and indicators."""
    scheme = shown.kept.run.scheme
    is_chinese = look.language == "zh"
    if isinstance(scheme, CompositeScheme):
        named = [(one.part_id, one.name_zh, one.name_en) for one in scheme.parts]
        named += [(one.item_id, one.name_zh, one.name_en) for one in scheme.items]
    else:
        named = [(one.node_id, one.name_zh, one.name_en) for one in scheme.nodes]
    return {name: chinese if is_chinese else english for name, chinese, english in named}


def _groups(look: Presentation, shown: Shown) -> list[tuple[str, list[ShownScore]]]:
    found: dict[str, list[ShownScore]] = {}
    kept = shown.kept
    assert isinstance(kept, KeptRun)  # noqa: S101 — the caller has looked
    names = _entries(look, shown)
    for score in kept.run.scores:
        lines = [(line, names.get(line.line_id, line.line_id), USUAL.text(line.points)) for line in score.lines]
        url = look.url("/evaluation/run", id=shown.head.run_id, unit=score.unit)
        found.setdefault(score.group, []).append(ShownScore(score, lines, url))
    return list(found.items())


def _sources(look: Presentation, shown: Shown, unit: str) -> list[ShownSource]:
    names = _entries(look, shown)
    return [
        ShownSource(
            one,
            names.get(one.entry, look.word("cases") if one.entry == "cases" else look.known(one.entry)),
            USUAL.text(one.value),
            _basis(look, one),
            _links(look, shown, one),
        )
        for one in shown.kept.sources
        if one.unit == unit
    ]


def _basis(look: Presentation, one: InputSource) -> str:
    if one.numerator is not None and one.denominator is not None:
        metric = f"{one.metric_id} v{one.metric_version} = " if one.metric_id else ""
        return f"{metric}{exact_text(one.numerator)}/{exact_text(one.denominator)} {' '.join(one.references)}".strip()
    return " · ".join(filter(None, (look.known(one.metric_id), *one.references, one.person, one.reason)))


def _links(look: Presentation, shown: Shown, one: InputSource) -> list[tuple[str, str]]:
    """Returns where the cases behind a figure of the ledger are, counter by counter."""
    if not one.first_month or not one.metric_id or one.origin != "ledger":
        return []
    counters = (one.metric_id,) if one.entry in ("cases", "filed") else _OPENED
    return [
        (
            look.counter(counter),
            look.url(
                "/figures/cases",
                region=format_region(shown.head.region),
                **{"from": one.first_month, "to": one.last_month},
                counter=counter,
                unit=one.unit,
            ),
        )
        for counter in counters
    ]
