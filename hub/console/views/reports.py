"""Reports: what was made, every version to be fetched as a file, and a form to make the next one."""

import hashlib
import re
from urllib.parse import quote

from aiohttp import web

from auth.permissions import may, require, visible
from auth.roles import Action, Kind
from exchange_db.records import Violated
from exchange_db.regions import format_region, parse_region
from exchange_db.reports import ReportKey
from hub.console.pages import Pages
from hub.reports.content import BULLETINS, KIND_NAMES, ReportKind
from hub.reports.desk import MEDIA_TYPES, ReportDesk, file_name
from hub.reports.drafting import Asked
from hub.reports.shelf import TemplateBroken
from hub.request_keys import PERSON, REGIONS
from hub.statistics.periods import Period, parse_period

_ROWS = 200
_MADE = (*BULLETINS, ReportKind.BOOKLET)


class ReportView:
    """Pages about reports.

    Args:
        desk: makes and keeps them.
        pages: renders.
    """

    def __init__(self, desk: ReportDesk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/reports", self.listing),
            web.post("/reports", self.make),
            web.get("/reports/file", self.file),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows what was made, newest first."""
        return await self._shown(request, "")

    async def make(self, request: web.Request) -> web.StreamResponse:
        """Makes a report and shows the page again."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        look = self._pages.presentation(request)
        try:
            asked = Asked(
                _kind_in(form.get("kind", "")), _region_in(form.get("region", "")), _span_in(form.get("span", ""))
            )
            person = request.get(PERSON)
            require(person, Action.CHANGE, Kind.DOCUMENT, asked.region)
            await self._desk.make(request[REGIONS], asked)
        except Violated as refused:
            violation = refused.violation
            text = violation.message_zh if look.language == "zh" else violation.message
            return await self._shown(request, text)
        except TemplateBroken as error:
            return await self._shown(request, str(error))
        raise web.HTTPSeeOther(look.url("/reports"))

    async def file(self, request: web.Request) -> web.Response:
        """Gives a version out as a file."""
        query, version = request.query, request.query.get("version", "0")
        if not re.fullmatch(r"[0-9]{1,6}", version):
            raise Violated("ARGUMENT_INVALID", "version", version)
        key = ReportKey(
            _region_in(query.get("region", "")), query.get("kind", ""), query.get("span", ""), query.get("subject", "")
        )
        run = await self._desk.run(request[REGIONS], key, int(version))
        found = await self._desk.file(run, query.get("format", ""))
        name = quote(file_name(run, found.format))
        return web.Response(
            body=found.content,
            content_type=MEDIA_TYPES[found.format],
            headers={
                "Content-Disposition": f"attachment; filename=\"report.{found.format}\"; filename*=UTF-8''{name}",
                "ETag": f'"{hashlib.sha256(found.content).hexdigest()}"',
            },
        )

    async def _shown(self, request: web.Request, trouble: str) -> web.Response:
        kind = request.query.get("kind", "")
        rows = await self._desk.listing(
            request[REGIONS],
            _ROWS,
            kind=kind if kind in list(ReportKind) else "",
            is_every_version=bool(request.query.get("all")),
        )
        region = self._desk.hub_region
        return self._pages.render(
            request,
            "reports.html",
            active="reports",
            status=400 if trouble else 200,
            trouble=trouble,
            rows=rows,
            kinds=[(one, KIND_NAMES[one]) for one in ReportKind],
            made=[(one, KIND_NAMES[one]) for one in _MADE],
            names=KIND_NAMES,
            region=format_region(region),
            may_export=bool(visible(request.get(PERSON), Action.EXPORT, Kind.FIGURE)),
            form={"kind": kind, "all": bool(request.query.get("all"))},
            may_make=may(request.get(PERSON), Action.CHANGE, Kind.DOCUMENT, region),
        )


def _kind_in(text: str) -> ReportKind:
    if text not in list(_MADE):
        raise Violated("REPORT_KIND_INVALID", "kind", text)
    return ReportKind(text)


def _region_in(text: str) -> int:
    try:
        return parse_region(text)
    except ValueError:
        raise Violated("REGION_INVALID", "region", text) from None


def _span_in(text: str) -> Period:
    try:
        return parse_period(text)
    except ValueError:
        raise Violated("REPORT_SPAN_INVALID", "span", text) from None
