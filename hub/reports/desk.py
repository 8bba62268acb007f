"""The desk for reports: makes them, keeps every version, lists them and gives them out.

A version is made when what it says or its template has changed, and only then, so making one again is harmless. Called
by ``hub.jobs``, ``hub.console``, ``hub.cli`` and whoever sends a letter.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from exchange_db import reports
from exchange_db.audit_records import Value
from exchange_db.records import Violated
from exchange_db.regions import Regions, format_region, spans_of
from exchange_db.reports import ReportFile, ReportKey, ReportRun
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.recording import actor, recorded
from hub.reports.asking import FigureDesk
from hub.reports.besides import beside_of
from hub.reports.business import read_lines
from hub.reports.calling import called, ordinal_of, year_of
from hub.reports.content import (
    BULLETINS,
    KIND_NAMES,
    LETTERS,
    Heading,
    Letter,
    Ranking,
    ReportData,
    ReportKind,
    Tree,
    digest_of,
)
from hub.reports.drafting import Asked, Draft
from hub.reports.naming import Names, read_names
from hub.reports.packing import settled
from hub.reports.shelf import TemplateFile, template_of
from hub.reports.wording import plots_of, values_of
from hub.settings import Settings
from hub.standards.layers import RuleReader
from hub.statistics.as_of import PastReader
from hub.statistics.calendar import HubCalendar
from hub.statistics.periods import parse_period
from hub.statistics.reading import FigureReader

DOCX, XLSX = "docx", "xlsx"
MEDIA_TYPES = {
    DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LETTER_NUMBERS = tuple(map(str, LETTERS))


class Made(NamedTuple):
    """A version that was asked for; ``is_new`` unless the last one says the same."""

    run: ReportRun
    is_new: bool


class ReportDesk:
    """The desk.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        reader: answers questions about figures.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, reader: FigureReader, clock: Clock) -> None:
        self._ledger = ledger
        self._part = settings.reports
        self._issuer = settings.reports.issuer or settings.hub.name
        self.hub_region = settings.hub.region
        self._zone = ZoneInfo(settings.figures.zone)
        self.reader = reader
        self._clock = clock
        self._rules = RuleReader()
        self._past = PastReader(ledger, HubCalendar(settings), clock)

    async def names(self) -> Names:
        """Returns what codes are called today.

        Raises:
            Violated: REPORT_NAMES_INVALID.
        """
        now = self._clock()
        given = await asyncio.to_thread(read_names, self._part.names)
        async with self._ledger.read() as session:
            book = await self._rules.book(session, self.hub_region, now)
        return Names(book, given, self._day(now))

    async def make(self, visible: Regions, asked: Asked) -> Made:
        """Makes a bulletin or booklet.

        Args:
            visible: regions whoever asks may see.
            asked: which one.

        Raises:
            Violated: REPORT_KIND_INVALID, REPORT_SPAN_INVALID, REPORT_NAMES_INVALID, REPORT_LINES_INVALID,
                REGION_INVALID or REGION_FORBIDDEN.
            TemplateBroken: the template cannot be filled.
        """
        if asked.kind not in (*BULLETINS, ReportKind.BOOKLET):
            raise Violated("REPORT_KIND_INVALID", "kind", asked.kind)
        names = await self.names()
        heading = await self._heading(asked, names)
        table = await asyncio.to_thread(read_lines, self._part.lines)
        beside = await beside_of(self._ledger, asked, names, self._part.scheme)
        figures = FigureDesk(self.reader, self._past, visible, names, self._clock)
        return await self._kept(await Draft(figures, names, table).data(asked, heading, beside))

    async def is_made(self, asked: Asked) -> bool:
        """Tells whether there is a version already."""
        async with self._ledger.read() as session:
            return await reports.last(session, _key(asked)) is not None

    async def make_letter(self, visible: Regions, asked: Asked, letter: Letter) -> Made:
        """Makes a letter; its subject tells it from others of the same span.

        Raises:
            Violated: REPORT_KIND_INVALID, REGION_FORBIDDEN.
            TemplateBroken: the template cannot be filled.
        """
        if asked.kind not in LETTERS:
            raise Violated("REPORT_KIND_INVALID", "kind", asked.kind)
        return await self._given(visible, asked, letter=letter)

    async def print_letter(self, asked: Asked, letter: Letter, title: str, number: str) -> bytes:
        """Lays a letter out as DOCX, under the title and number it is sent with. Nothing is kept here.

        Raises:
            TemplateBroken: the template cannot be filled.
        """
        names = await self.names()
        heading = Heading(
            issuer=self._issuer,
            number=number,
            title=title,
            recipients=self._part.recipients,
            contact=self._part.contact,
        )
        data = ReportData(
            kind=asked.kind,
            region=asked.region,
            region_name=names.region(asked.region),
            span=asked.span,
            subject=asked.subject,
            heading=heading,
            letter=letter,
        )
        template = await asyncio.to_thread(template_of, data.kind, self._part.templates)
        return await asyncio.to_thread(self._text, data, template, self._clock())

    async def make_scores(self, visible: Regions, asked: Asked, result: Ranking | Tree) -> Made:
        """Makes the result sheet of a score run, of units or of an indicator tree.

        Raises:
            Violated: REPORT_KIND_INVALID, REGION_FORBIDDEN.
            TemplateBroken: the template cannot be filled.
        """
        if asked.kind is not ReportKind.SCORES:
            raise Violated("REPORT_KIND_INVALID", "kind", asked.kind)
        return await self._given(visible, asked, result=result)

    async def listing(
        self, visible: Regions, limit: int, *, kind: str = "", is_every_version: bool = False
    ) -> list[ReportRun]:
        """Returns what was made last, newest first."""
        async with self._ledger.read() as session:
            return await reports.recent(session, visible, limit, kind=kind, is_every_version=is_every_version)

    async def run(self, visible: Regions, key: ReportKey, version: int = 0) -> ReportRun:
        """Returns a version; of 0 the newest.

        Raises:
            Violated: REPORT_NOT_FOUND, also where it may not be seen.
        """
        async with self._ledger.read() as session:
            found = await reports.last(session, key, version)
        if found is None or not any(key.region in span for span in spans_of(visible)):
            raise Violated("REPORT_NOT_FOUND", "report", _told(key, version))
        return found

    async def data(self, run: ReportRun) -> Any:
        """Returns what stands in a version, as JSON."""
        async with self._ledger.read() as session:
            return await reports.data_of(session, run)

    async def file(self, run: ReportRun, name: str) -> ReportFile:
        """Returns a file of a version.

        Raises:
            Violated: REPORT_NOT_FOUND.
        """
        async with self._ledger.read() as session:
            found = await reports.file_of(session, run, name)
        if found is None:
            raise Violated("REPORT_NOT_FOUND", "format", f"{_told(run.key, run.version)} {name}")
        return found

    async def _given(
        self, visible: Regions, asked: Asked, letter: Letter | None = None, result: Ranking | Tree | None = None
    ) -> Made:
        if not any(asked.region in span for span in spans_of(visible)):
            raise Violated("REGION_FORBIDDEN", "region_code", format_region(asked.region))
        names = await self.names()
        return await self._kept(
            ReportData(
                kind=asked.kind,
                region=asked.region,
                region_name=names.region(asked.region),
                span=asked.span,
                subject=asked.subject,
                heading=await self._heading(asked, names),
                letter=letter,
                ranking=result if isinstance(result, Ranking) else None,
                tree=result if isinstance(result, Tree) else None,
            )
        )

    async def _heading(self, asked: Asked, names: Names) -> Heading:
        """Returns the heading; a report that was made before keeps its number."""
        region, span = names.region(asked.region), called(asked.span)
        form, number = self._part.number, ordinal_of(asked.span)
        async with self._ledger.read() as session:
            known = await reports.last(session, _key(asked))
            if asked.kind in LETTERS:
                year = year_of(asked.span)
                form = self._part.letter_number
                number = await reports.numbers_given(session, asked.region, _LETTER_NUMBERS, year) + 1
        title = f"{region}{span}城市管理案件处置情况{KIND_NAMES[asked.kind]}"
        if asked.kind in LETTERS:
            title = f"关于反复发生城市管理问题的{KIND_NAMES[asked.kind]}"
        elif asked.kind is ReportKind.BOOKLET:
            title = f"{region}{span}城市管理案件环比分析"
        elif asked.kind is ReportKind.SCORES:
            title = f"{region}{span}城市管理考评结果通报"
        return Heading(
            issuer=self._issuer,
            number=known.number if known else form.format(year=year_of(asked.span), number=number),
            title=title,
            recipients=self._part.recipients,
            contact=self._part.contact,
        )

    async def _kept(self, data: ReportData) -> Made:
        template = await asyncio.to_thread(template_of, data.kind, self._part.templates)
        key = ReportKey(data.region, str(data.kind), data.span.name, data.subject)
        digest = digest_of(data)
        async with self._ledger.read() as session:
            known = await reports.last(session, key)
        if known and (known.data_digest, known.template_digest) == (digest, template.digest):
            return Made(known, is_new=False)
        now = self._clock()
        files = await asyncio.to_thread(self._files, data, template, now)
        detail: dict[str, Value] = {"title": data.heading.title}
        async with recorded(self._ledger, "report.make", _told(key, 0), region=data.region, detail=detail) as act:
            await reports.hold(act.session, key)
            last = await reports.last(act.session, key)
            version = last.version + 1 if last else 1
            act.detail["version"] = version
            run = ReportRun(
                *key,
                version=version,
                title=data.heading.title,
                number=data.heading.number,
                made_by=actor(),
                made_time=datetime.fromtimestamp(now / 1_000_000, UTC),
                data_digest=digest,
                template_digest=template.digest,
                document_id="",
                formats=tuple(sorted(files)),
            )
            await reports.keep(act.session, run, msgspec.to_builtins(data), files)
        return Made(run, is_new=True)

    def _files(self, data: ReportData, template: TemplateFile, now: int) -> dict[str, bytes]:
        # Only who makes a report carries the weight of the libraries for Word and Excel.
        from hub.reports.workbook import workbook_of  # noqa: PLC0415

        return {DOCX: self._text(data, template, now), XLSX: workbook_of(data, self._day(now), self._zone)}

    def _text(self, data: ReportData, template: TemplateFile, now: int) -> bytes:
        values = values_of(data, self._day(now), self._zone, self._part.most_lines)
        name = str(template.path) if template.is_own else template.name
        from hub.reports.filling import filled  # noqa: PLC0415 — as above

        return settled(filled(name, template.content, values, plots_of(data), self._part.font))

    def _day(self, now: int) -> Any:
        return datetime.fromtimestamp(now / 1_000_000, self._zone).date()


def asked_of(run: ReportRun) -> Asked:
    """Returns what was asked for when a version was made."""
    return Asked(ReportKind(run.kind), run.region, parse_period(run.span), run.subject)


def file_name(run: ReportRun, name: str) -> str:
    """Returns what a file is called where it is saved."""
    title = "".join(sign for sign in run.title if sign not in '\\/:*?"<>|' and sign.isprintable())
    return f"{title[:80]}（第{run.version}版）.{name}"


def _key(asked: Asked) -> ReportKey:
    return ReportKey(asked.region, str(asked.kind), asked.span.name, asked.subject)


def _told(key: ReportKey, version: int) -> str:
    told = [key.kind, format_region(key.region), key.span, *([key.subject] if key.subject else [])]
    return " ".join([*told, *([f"v{version}"] if version else [])])
