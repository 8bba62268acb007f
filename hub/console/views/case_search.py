"""Searching cases by words, place, time, state and class, and what was found as a file."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from aiohttp import web

from auth.permissions import may_come, shared
from auth.roles import Action, Kind
from exchange_db import case_search, case_texts
from exchange_db.audit_records import Value, person_actor
from exchange_db.case_search import Asked, Found
from exchange_db.cases import CaseRow
from exchange_db.records import Violated
from exchange_db.regions import Subtree, format_region, parse_region, subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.presentation import Presentation
from hub.console.sheets import FORMS, file_response
from hub.console.views.cases import STATES, place_in, place_text, timeliness
from hub.recording import acting_as, recorded
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

_ROWS = 50
#: Most cases in one file, and read at once for it.
MOST_EXPORTED, _PAGE = 5_000, 500
#: What the form holds, by name.
_FIELDS = ("q", "region", "state", "class", "handler", "from", "to")
_HEADS = (
    "case_no", "issuer", "place", "state", "class", "source", "handler", "unit", "reported", "deadline",
    "close_requested", "closed", "on_time", "description", "address",
)  # fmt: skip


class _Form(NamedTuple):
    """What is asked for as the form holds it, and as the ledger is asked."""

    texts: dict[str, str]
    asked: Asked


class CaseSearchView:
    """The list of cases.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._ledger = ledger
        self._region = settings.hub.region
        self._rules = settings.figures.counting
        self._zone = ZoneInfo(settings.figures.zone)
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/cases", self.listing), web.get("/cases/export", self.export)]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows cases, newest report first."""
        form = self._read(request)
        is_short = bool(form.texts["q"]) and not form.asked.terms
        async with self._ledger.read() as session:
            found = Found([], None)
            if not is_short:
                found = await case_search.search(session, form.asked, _ROWS, self._clock())
            is_behind = bool(form.asked.terms) and await case_texts.waiting(session)
        look = self._pages.presentation(request)
        here = {name: value for name, value in request.query.items() if name not in ("after", "lang")}
        exported = {name: value for name, value in here.items() if name in _FIELDS}
        may_export = may_come(request.get(PERSON), Action.EXPORT, Kind.CASE, self._region)
        return self._pages.render(
            request,
            "cases.html",
            active="cases",
            status=400 if is_short else 200,
            rows=[(row, timeliness(row, self._rules)) for row in found.rows],
            states=tuple(STATES.items()),
            form=form.texts,
            title="",
            next_url=look.url("/cases", **{**here, "after": place_text(*found.after)}) if found.after else "",
            first_url=look.url("/cases", **here) if "after" in request.query else "",
            looked_to=found.after[0] if found.after and found.is_cut else 0,
            is_behind=is_behind,
            is_short=is_short,
            exports=[(name, look.url("/cases/export", **exported, format=name)) for name in FORMS if may_export],
            most_exported=MOST_EXPORTED,
        )

    async def export(self, request: web.Request) -> web.Response:
        """Gives what was found as a file; who asked for what is recorded first."""
        name = request.query.get("format", "csv")
        if name not in FORMS:
            raise Violated("ARGUMENT_INVALID", "format", name)
        write, content_type = FORMS[name]
        form, look, person = self._read(request), self._pages.presentation(request), request[PERSON]
        if form.texts["q"] and not form.asked.terms:
            raise Violated("ARGUMENT_INVALID", "q", form.texts["q"])
        rows = [line async for line in self._lines(form.asked, look)]
        detail: dict[str, Value] = {key: value for key, value in form.texts.items() if value and key != "q"}
        with acting_as(person_actor(person.issuer_id, person.subject)):
            async with recorded(self._ledger, "case.export", name, region=self._region, detail=detail) as act:
                act.detail |= {"rows": len(rows), "has_words": bool(form.asked.terms)}
        day = datetime.fromtimestamp(self._clock() / 1_000_000, self._zone)
        content = write([look.word(head) for head in _HEADS], rows)
        return file_response(content, content_type, f"cases-{day:%Y%m%d-%H%M}.{name}")

    async def _lines(self, asked: Asked, look: Presentation) -> AsyncIterator[list[str]]:
        """Yields a line for each case that is found, as it is shown: free texts masked."""
        count = 0
        while count < MOST_EXPORTED:
            async with self._ledger.read() as session:
                found = await case_search.search(session, asked, min(_PAGE, MOST_EXPORTED - count), self._clock())
                keys = [(row.home_region, row.case_id) for row in found.rows]
                words = await case_texts.words_of(session, keys) if keys else {}
            for row in found.rows:
                yield self._line(row, words.get(row.case_id, []), look)
            count += len(found.rows)
            if found.after is None or (found.is_cut and not found.rows):
                return
            asked = asked._replace(after=found.after)

    def _line(self, row: CaseRow, words: list[str], look: Presentation) -> list[str]:
        spent = timeliness(row, self._rules)
        said = [*words[1:], "", ""][:2]
        return [
            row.case_no, row.issuer_id, format_region(row.region), look.state(row.state), row.class_key,
            look.source(row.source_code), row.handler_id, row.unit_code, look.time(row.reported_time),
            look.time(row.deadline_time), look.time(row.close_requested_time), look.time(row.closed_time),
            look.word(spent) if spent else "", *said,
        ]  # fmt: skip

    def _read(self, request: web.Request) -> _Form:
        """Reads the form.

        Raises:
            Violated: REGION_INVALID, REGION_FORBIDDEN or ARGUMENT_INVALID; names the field.
        """
        texts = {name: request.query.get(name, "").strip() for name in _FIELDS}
        texts["region"] = texts["region"] or format_region(self._region)
        try:
            asked = subtree(parse_region(texts["region"]))
        except ValueError:
            raise Violated("REGION_INVALID", "region_code", texts["region"]) from None
        held: tuple[Subtree, ...] = request[REGIONS]
        regions = shared(held, asked)
        if not regions:
            raise Violated("REGION_FORBIDDEN", "region_code", texts["region"])
        return _Form(
            texts,
            Asked(
                regions,
                STATES.get(texts["state"], 0),
                texts["handler"],
                texts["class"],
                self._day(texts["from"], "from"),
                self._day(texts["to"], "to", days=1),
                tuple(case_texts.terms_of(texts["q"])),
                place_in(request.query.get("after", "")),
            ),
        )

    def _day(self, text: str, name: str, *, days: int = 0) -> int:
        """Returns when a day begins here, some days on; 0 for none."""
        if not text:
            return 0
        try:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=self._zone) + timedelta(days=days)
            return max(0, int(day.astimezone(UTC).timestamp())) * 1_000_000
        except (ValueError, OverflowError):
            raise Violated("ARGUMENT_INVALID", name, text) from None
