"""Cases: a list, the cases behind a number, and one case with all that is known of its way."""

import base64
import binascii
import struct
from typing import Any, NamedTuple

from aiohttp import web

from connectors.wire import read_parcel
from exchange_db import cases, overview, tracing
from exchange_db.cases import CaseFilter, CaseRow, CaseState
from exchange_db.counting import CountingRules, is_on_time
from exchange_db.keys import case_key
from exchange_db.records import Case, Violated
from exchange_db.regions import format_region, parse_region, region_of, subtree
from exchange_db.session import Ledger
from exchange_db.tracing import SectionTrail
from hub.console.pages import Pages
from hub.console.views.figures import month_in
from hub.settings import Settings
from hub.statistics.reading import CaseQuery, FigureReader

_ROWS = 50
_AFTER = struct.Struct(">q16s")
_SECTIONS = {1: "report", 2: "assignment", 3: "handling", 4: "verdict"}
#: States of a case, with their names in links.
_STATES = {state.name.lower(): state for state in CaseState}


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
    """

    def __init__(self, ledger: Ledger, reader: FigureReader, settings: Settings, pages: Pages) -> None:
        self._ledger = ledger
        self._reader = reader
        self._region = settings.hub.region
        self._rules = settings.figures.counting
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/cases", self.listing),
            web.get("/figures/cases", self.behind),
            web.get("/case", self.case),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows cases, newest report first."""
        form = {
            "region": request.query.get("region", "").strip() or format_region(self._region),
            "state": request.query.get("state", ""),
            "handler": request.query.get("handler", "").strip(),
        }
        try:
            regions = subtree(parse_region(form["region"]))
        except ValueError:
            raise Violated("REGION_INVALID", "region_code", form["region"]) from None
        wanted = CaseFilter(
            regions, _STATES.get(form["state"], 0), form["handler"], after=_after(request.query.get("after", ""))
        )
        async with self._ledger.read() as session:
            rows = await cases.listing(session, wanted, _ROWS + 1)
        return self._list(request, rows[:_ROWS], has_more=len(rows) > _ROWS, form=form, title="", active="cases")

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
            _after(asked.get("after", "")),
        )
        page = await self._reader.cases(subtree(self._region), query)
        look = self._pages.presentation(request)
        span = f"{query.first_month}–{query.last_month}" if query.first_month != query.last_month else query.first_month
        narrowing = " ".join(filter(None, (query.unit_code, query.class_key, query.source_code)))
        title = look.word("behind", f"{query.region_code} {span} {narrowing} {look.counter(query.counter)}")
        return self._list(request, page.rows, has_more=page.has_more, form=None, title=title, active="figures")

    def _list(self, request: web.Request, rows: list[CaseRow], *, has_more: bool, **values: Any) -> web.Response:
        here = {name: value for name, value in request.query.items() if name not in ("after", "lang")}
        look = self._pages.presentation(request)
        return self._pages.render(
            request,
            "cases.html",
            rows=[(row, _timeliness(row, self._rules)) for row in rows],
            states=tuple(_STATES.items()),
            next_url=look.url(request.path, **here, after=_token(rows[-1])) if has_more else "",
            first_url=look.url(request.path, **here) if "after" in request.query else "",
            **values,
        )

    async def case(self, request: web.Request) -> web.Response:
        """Shows one case: state, sections, where each came from, where it went on to, and its story."""
        issuer_id, case_no = request.query.get("issuer", "").strip(), request.query.get("no", "").strip()
        try:
            home_region = region_of(issuer_id)
        except ValueError:
            raise Violated("PLATFORM_ID_INVALID", "issuer_id", issuer_id) from None
        async with self._ledger.read() as session:
            row = await cases.find(session, home_region, case_key(issuer_id, case_no), subtree(self._region))
            if row is None:
                raise web.HTTPNotFound
            payloads = await tracing.payloads(session, row)
            trails = await tracing.sections(session, row)
            deliveries = await tracing.deliveries(session, row)
            story = await tracing.actions(session, row)
            held = await overview.held(session, record_key=row.case_id, limit=_ROWS)
        return self._pages.render(
            request,
            "case.html",
            active="cases",
            row=row,
            timeliness=_timeliness(row, self._rules),
            sections=[_shown(trail, payloads.get(trail.inbox_id)) for trail in trails],
            section_of={trail.inbox_id: _SECTIONS[trail.section] for trail in trails},
            deliveries=deliveries,
            story=story,
            held=held,
        )


def _shown(trail: SectionTrail, payload: bytes | None) -> ShownSection:
    name = _SECTIONS[trail.section]
    fields: list[tuple[str, Any]] = []
    record = read_parcel(payload).record if payload is not None else None
    section: Any = getattr(record, name) if isinstance(record, Case) else None
    if section is None:
        return ShownSection(name, trail, fields)
    for field in section.__struct_fields__:
        value = getattr(section, field)
        if value or (field in ("x", "y") and section.crs):
            fields.append((field, value))
    return ShownSection(name, trail, fields)


def _timeliness(row: CaseRow, rules: CountingRules) -> str:
    """Returns the word for in time or late; empty while a case is not done or has no deadline."""
    if row.state != CaseState.CLOSED or not row.close_requested_time or not row.deadline_time:
        return ""
    return "on_time" if is_on_time(row, rules) else "late"


def _token(row: CaseRow) -> str:
    return base64.urlsafe_b64encode(_AFTER.pack(row.reported_time, row.case_id)).decode()


def _after(token: str) -> tuple[int, bytes] | None:
    if not token:
        return None
    try:
        reported_time, case_id = _AFTER.unpack(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, struct.error, ValueError):
        raise Violated("ARGUMENT_INVALID", "after", token) from None
    return reported_time, case_id
