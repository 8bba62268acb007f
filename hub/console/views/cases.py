"""Cases behind a number, and one case with all that is known here of its way."""

import base64
import binascii
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from aiohttp import web
from msgspec import structs

from auth.masking import masked_text
from auth.permissions import may, unless_whole, visible
from auth.roles import Action, Kind
from connectors.wire import read_parcel
from exchange_db import case_files, cases, overview, tracing
from exchange_db.cases import CaseRow, CaseState
from exchange_db.counting import CountingRules
from exchange_db.keys import case_key
from exchange_db.records import Case, Violated
from exchange_db.regions import region_of
from exchange_db.session import Ledger
from exchange_db.shares import is_on_time
from exchange_db.tracing import SectionTrail
from hub.apply.clocks import ClockStep, intervals_of
from hub.apply.holding import holder_of
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.presentation import Presentation
from hub.console.views.figures import month_in
from hub.personal.desk import PersonalDesk
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings
from hub.statistics.reading import CaseQuery, FigureReader
from hub.statistics.registry import shipped_registry

_ROWS = 50
_AFTER = struct.Struct(">q16s")
_SECTIONS = {1: "report", 2: "assignment", 3: "handling", 4: "verdict"}
#: Fields in which people write what they like, so that somebody's number may stand there.
FREE_TEXTS = frozenset({"description", "address", "result", "reason", "opinion", "note"})
#: States of a case, with their names in links.
STATES = {state.name.lower(): state for state in CaseState}


class ShownSection(NamedTuple):
    """A section in force: where it came from, and its fields that say something."""

    name: str
    trail: SectionTrail
    fields: list[tuple[str, Any]]


class CaseView:
    """Pages about cases.

    Args:
        ledger: the hub's database.
        reader: names the cases behind a number.
        settings: all settings of the hub.
        pages: renders.
        personal: knows who may see personal data, and who reported a case.
        clock: the hub's clock.
    """

    def __init__(
        self,
        ledger: Ledger,
        reader: FigureReader,
        settings: Settings,
        pages: Pages,
        personal: PersonalDesk,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._personal = personal
        self._ledger = ledger
        self._reader = reader
        self._region = settings.hub.region
        self._rules = settings.figures.counting
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/figures/cases", self.behind),
            web.get("/case", self.case),
            web.post("/case/unmask", self.unmask),
        ]

    async def behind(self, request: web.Request) -> web.Response:
        """Shows the cases behind a number of the figures."""
        asked = request.query
        query = CaseQuery(
            asked.get("region", ""),
            month_in(asked.get("from", ""), "first_month"),
            month_in(asked.get("to", ""), "last_month"),
            asked.get("counter", ""),
            asked.get("unit", ""),
            asked.get("class", ""),
            asked.get("source", ""),
            _ROWS,
            place_in(asked.get("after", "")),
            asked.get("metric", ""),
            asked.get("part", ""),
        )
        page = await self._reader.cases(request[REGIONS], query, is_bounded=True)
        look = self._pages.presentation(request)
        span = f"{query.first_month}–{query.last_month}" if query.first_month != query.last_month else query.first_month
        narrowing = " ".join(filter(None, (query.unit_code, query.class_key, query.source_code)))
        title = look.word("behind", f"{query.region_code} {span} {narrowing} {_number_of(look, query)}")
        here = {name: value for name, value in request.query.items() if name not in ("after", "lang")}
        return self._pages.render(
            request,
            "cases.html",
            active="figures",
            rows=[(row, timeliness(row, self._rules)) for row in page.rows],
            next_url=look.url(request.path, **here, after=place_text(*page.after)) if page.after else "",
            first_url=look.url(request.path, **here) if "after" in request.query else "",
            looked_to=page.after[0] if page.after and page.is_cut else 0,
            form=None,
            title=title,
        )

    async def case(self, request: web.Request) -> web.Response:
        """Shows one case: state, sections, where each came from, where it went on to, and its story."""
        return await self._shown(request, request.query.get("issuer", "").strip(), request.query.get("no", "").strip())

    async def unmask(self, request: web.Request) -> web.StreamResponse:
        """Lets the asker see personal data of a case for a while, and shows the case again."""
        form = await request.post()
        issuer_id, case_no, reason = (str(form.get(name, "")).strip() for name in ("issuer", "no", "reason"))
        home_region = home_of(issuer_id)
        async with self._ledger.read() as session:
            row = await cases.find(session, home_region, case_key(issuer_id, case_no), request[REGIONS])
        if row is None:
            raise web.HTTPNotFound
        await self._personal.unmask(request[PERSON], row, reason)
        look = self._pages.presentation(request)
        raise web.HTTPSeeOther(look.url("/case", issuer=issuer_id, no=case_no))

    async def _shown(self, request: web.Request, issuer_id: str, case_no: str) -> web.Response:
        home_region = home_of(issuer_id)
        held_by = unless_whole(visible(request[PERSON], Action.LIST, Kind.QUARANTINE), self._region)
        async with self._ledger.read() as session:
            row = await cases.find(session, home_region, case_key(issuer_id, case_no), request[REGIONS])
            if row is None:
                raise web.HTTPNotFound
            payloads = await tracing.payloads(session, row)
            trails = await tracing.sections(session, row)
            deliveries = await tracing.deliveries(session, row)
            steps = await tracing.steps(session, row)
            files = await case_files.files_of(session, row)
            story = await tracing.actions(session, row)
            held = await overview.held(session, held_by, record_key=row.case_id, limit=_ROWS)
            is_open = await self._personal.is_unmasked(session, request[PERSON], row)
        reporter = await self._personal.reporter(request[PERSON], row, is_unmasked=is_open)
        show = str if is_open else masked_text
        return self._pages.render(
            request,
            "case.html",
            active="cases",
            row=row,
            timeliness=timeliness(row, self._rules),
            sections=[_shown(trail, payloads.get(trail.inbox_id), show) for trail in trails],
            reporter=reporter,
            is_unmasked=is_open,
            may_unmask=self._personal.may_unmask(request[PERSON], row),
            section_of={trail.inbox_id: _SECTIONS[trail.section] for trail in trails},
            deliveries=deliveries,
            holder=holder_of(row),
            intervals=intervals_of(ClockStep(step.state, step.step_time) for step in steps),
            now=self._clock(),
            files=files if may(request.get(PERSON), Action.READ, Kind.ATTACHMENT, row.region) else [],
            story=[structs.replace(action, opinion=show(action.opinion)) for action in story],
            held=held,
        )


def _number_of(look: Presentation, query: CaseQuery) -> str:
    """Returns what the number is called that the cases are behind; the reader has looked whether there is such."""
    if not query.metric_id:
        return look.counter(query.counter)
    metric = shipped_registry().metrics[query.metric_id]
    name = metric.name_zh if look.language == "zh" else metric.name_en
    return f"{query.metric_id} {name} · {look.word(query.part)}"


def home_of(issuer_id: str) -> int:
    """Returns the region a case number was given in.

    Raises:
        Violated: PLATFORM_ID_INVALID.
    """
    try:
        return region_of(issuer_id)
    except ValueError:
        raise Violated("PLATFORM_ID_INVALID", "issuer_id", issuer_id) from None


def _shown(trail: SectionTrail, payload: bytes | None, show: Callable[[str], str]) -> ShownSection:
    name = _SECTIONS[trail.section]
    fields: list[tuple[str, Any]] = []
    record = read_parcel(payload).record if payload is not None else None
    section: Any = getattr(record, name) if isinstance(record, Case) else None
    if section is None:
        return ShownSection(name, trail, fields)
    for field in section.__struct_fields__:
        value = getattr(section, field)
        if field in FREE_TEXTS:
            value = show(value)
        if value or (field in ("x", "y") and section.crs):
            fields.append((field, value))
    return ShownSection(name, trail, fields)


def timeliness(row: CaseRow, rules: CountingRules) -> str:
    """Returns the word for in time or late; empty while a case is not done or has no deadline."""
    if row.state != CaseState.CLOSED or not row.close_requested_time or not row.deadline_time:
        return ""
    return "on_time" if is_on_time(row, rules) else "late"


def place_text(reported_time: int, case_id: bytes) -> str:
    """Returns the place of a case in a list as links carry it."""
    return base64.urlsafe_b64encode(_AFTER.pack(reported_time, case_id)).decode()


def place_in(token: str) -> tuple[int, bytes] | None:
    """Reads a place back; ``None`` for none.

    Raises:
        Violated: ARGUMENT_INVALID.
    """
    if not token:
        return None
    try:
        reported_time, case_id = _AFTER.unpack(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, struct.error, ValueError):
        raise Violated("ARGUMENT_INVALID", "after", token) from None
    return reported_time, case_id
