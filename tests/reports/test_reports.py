"""Reports in the ledger: versions, numbers, who may see them, the job that makes them, and documents they go out as."""

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiohttp import ClientSession
from docx import Document as Word
from openpyxl import load_workbook

from auth.person import Role
from exchange_db import audit, followup
from exchange_db.document_records import DocumentKind, SubjectCase
from exchange_db.followup import ProposalRow
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.documents.making import make_document_desk
from hub.evaluation.composite import RunInputs, UnitInput
from hub.evaluation.runs import TreeInputs, run_scores, run_tree
from hub.evaluation.schemes import CompositeScheme, Measure, TreeScheme
from hub.evaluation.shipped import shipped_schemes
from hub.evaluation.tree import NodeInput
from hub.jobs.reports import report_jobs
from hub.reports.content import ReportData, ReportKind
from hub.reports.desk import ReportDesk, file_name
from hub.reports.drafting import Asked
from hub.reports.letters import LetterAsked, letter_of
from hub.reports.posting import ReportPost
from hub.reports.sampling import sample
from hub.reports.scores import ranking_of, result_of
from hub.reports.wording import added_up
from hub.sections.evidence import EvidencePart
from hub.sections.reports import ReportsPart
from hub.settings import HubPart, Settings
from hub.statistics.periods import parse_period
from hub.statistics.reading import FigureReader
from tests.support.applied import a_closed_case, a_dispatched_case, apply_records, apply_waiting
from tests.support.builders import CITY, DAY
from tests.support.clock import NOON, FakeClock, at
from tests.support.consoles import Seat, console_at, console_for
from tests.support.people import a_person

CITY_WIDE, OTHER = subtree(431200), subtree(431222)
JUNE = Asked(ReportKind.MONTHLY, 431200, parse_period("2020-06"))
_CLASS = "GB/T-30428.2-2013|E|0203"


def _settings(folder: Path | None = None, **part: Any) -> Settings:
    evidence = EvidencePart(folder=folder / "evidence") if folder else EvidencePart()
    return Settings(hub=HubPart(id=CITY, name="怀化"), reports=ReportsPart(**part), evidence=evidence)


def _desk(ledger: Ledger, settings: Settings | None = None, now: int = NOON + 20 * DAY) -> ReportDesk:
    settings = settings or _settings()
    return ReportDesk(ledger, settings, FigureReader(ledger, settings), FakeClock(now))


async def test_a_version_is_made_when_something_has_changed_and_only_then(ledger: Ledger, tmp_path: Path) -> None:
    await apply_records(ledger, *a_closed_case("1"))
    desk = _desk(ledger)
    first = await desk.make(CITY_WIDE, JUNE)
    assert (first.is_new, first.run.version, first.run.number, first.run.formats) == (
        True, 1, "〔2020〕第6期", ("docx", "xlsx"),
    )  # fmt: skip
    again = await _desk(ledger, now=NOON + 30 * DAY).make(CITY_WIDE, JUNE)
    assert (again.is_new, again.run) == (False, first.run)
    await apply_records(ledger, *a_dispatched_case("2"))
    second = await desk.make(CITY_WIDE, JUNE)
    assert (second.is_new, second.run.version, second.run.number) == (True, 2, first.run.number)
    assert second.run.data_digest != first.run.data_digest
    assert second.run.template_digest == first.run.template_digest
    own = Word()
    own.add_paragraph("{{ report.title }}：{{ now.total }}件")
    own.save(str(tmp_path / "monthly.docx"))
    third = await _desk(ledger, _settings(templates=tmp_path)).make(CITY_WIDE, JUNE)
    assert (third.run.version, third.run.data_digest) == (3, second.run.data_digest)
    (newest,) = await desk.listing(CITY_WIDE, 10)
    assert newest == third.run
    every = await desk.listing(CITY_WIDE, 10, is_every_version=True)
    assert [run.version for run in every] == [3, 2, 1]
    data = await desk.data(first.run)
    assert data["whole"]["now"]["counts"][0] == 1
    assert (await desk.data(second.run))["whole"]["now"]["counts"][0] == 2
    assert (await desk.file(await desk.run(CITY_WIDE, first.run.key, 1), "xlsx")).content[:2] == b"PK"
    async with ledger.read() as session:
        acts = [line.action async for line in audit.lines(session)]
    assert acts.count("report.make") == 3


async def test_what_is_not_in_ones_regions_is_neither_listed_nor_given_out(ledger: Ledger) -> None:
    desk = _desk(ledger)
    made = await desk.make(CITY_WIDE, JUNE)
    assert await desk.listing(OTHER, 10) == []
    with pytest.raises(Violated, match="REPORT_NOT_FOUND"):
        await desk.run(OTHER, made.run.key)
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        await desk.make(OTHER, JUNE)
    with pytest.raises(Violated, match="REPORT_SPAN_INVALID"):
        await desk.make(CITY_WIDE, JUNE._replace(span=parse_period("2020")))
    with pytest.raises(Violated, match="REPORT_NOT_FOUND"):
        await desk.file(made.run, "pdf")
    async with console_for(ledger, a_person((Role.VIEWER, 431222))) as ask:
        assert "〔2020〕" not in (await ask("/reports"))[1]
        assert (await ask("/reports/file?region=431200&kind=monthly&span=2020-06&format=docx"))[0] == 400
    async with console_for(ledger, a_person((Role.VIEWER, 431200))) as ask:
        status, text = await ask("/reports?lang=en")
        assert (status, "〔2020〕第6期" in text, '<form method="post"' in text) == (200, True, False)
        assert "monthly bulletin" in text
    async with console_at(ledger, Seat(a_person((Role.OPERATOR, 431200)))) as (console, ask):
        async with ClientSession(f"http://127.0.0.1:{console.port}") as client:
            form = {"kind": "monthly", "region": "431200", "span": "2020-06"}
            async with client.post("/reports", data=form, allow_redirects=False) as response:
                assert (response.status, response.headers["Location"]) == (303, "/reports")
            async with client.post("/reports", data=form | {"span": "June"}) as response:
                assert response.status == 400
            async with client.get("/reports/file?region=431200&kind=monthly&span=2020-06&format=docx") as response:
                assert response.status == 200
                assert response.headers["Content-Disposition"].startswith("attachment")
                assert await response.read() == (await desk.file(made.run, "docx")).content
        assert '<form method="post"' in (await ask("/reports"))[1]


async def test_days_weeks_and_business_lines_are_reported(ledger: Ledger) -> None:
    await apply_records(ledger, *a_closed_case("1"), *a_dispatched_case("2", deadline_time=NOON + 2 * DAY))
    desk = _desk(ledger)
    wanted = {
        ReportKind.DAILY: ("2020-06-16", 1, 1),
        ReportKind.WEEKLY: ("2020-W25", 2, 1),
        ReportKind.BOOKLET: ("2020-Q2", 2, 1),
    }
    for kind, (period, total, done) in wanted.items():
        made = await desk.make(CITY_WIDE, Asked(kind, 431200, parse_period(period)))
        data = msgspec.convert(await desk.data(made.run), ReportData)
        assert data.whole is not None
        counts = data.whole.now.counts
        assert (counts.total, counts.done) == (total, done), kind
        for found in data.breakdowns:
            assert sum(line.counts.total for line in found.lines) == total, (kind, found.dimension)
            assert added_up("", found.lines).figures[0].numerator == data.whole.now.figures[0].numerator
        assert all(one.cutoff_time > 0 for one in data.whole.now.figures)
    (line,) = data.lines
    assert (line.now.name, line.now.counts.total, line.before and line.before.counts.total) == ("市容", 2, 0)
    with pytest.raises(Violated, match="REPORT_KIND_INVALID"):
        await desk.make(CITY_WIDE, Asked(ReportKind.SPECIAL, 431200, JUNE.span))


async def test_frequent_problems_stand_in_the_bulletin(ledger: Ledger) -> None:
    row = ProposalRow(
        region=431221, proposal_id=UUID(int=1), chain_id=UUID(int=1), step=0, class_key=_CLASS, place="431221001001001",
        is_by_unit=False, day=date(2020, 6, 15), addressee_id="431221.platform", unit_code="hw01", unit_name="环卫所",
        cases=(SubjectCase("431221.platform", "1"), SubjectCase("431221.platform", "2")),
        letter_kind=int(DocumentKind.ASSIGNMENT_LETTER), days=7, made_time=NOON, state="proposed",
    )  # fmt: skip
    async with ledger.write() as session:
        await followup.add(session, [row])
    desk = _desk(ledger)
    made = await desk.make(CITY_WIDE, JUNE)
    assert (await desk.data(made.run))["problems"] == [
        {
            "name": "违规户外广告（0203）",
            "place": "网格431221001001001",
            "unit": "环卫所",
            "count": 2,
            "letter": "拟发交办函",
        }
    ]
    assert (await desk.data((await desk.make(CITY_WIDE, JUNE._replace(span=parse_period("2020-07")))).run))[
        "problems"
    ] == []


async def test_the_job_makes_the_bulletin_of_the_last_month_once(ledger: Ledger) -> None:
    clock = FakeClock(at("2020-07-01T07:59:00+08:00"))
    settings = _settings(makes=("monthly", "yearly"))
    (job,) = report_jobs(ledger, settings, clock)
    assert await job.act() == "怀化市2020年5月城市管理案件处置情况月通报；怀化市2019年城市管理案件处置情况年度通报"
    assert await job.act() == ""
    clock.advance(minutes=1)
    assert await job.act() == "怀化市2020年6月城市管理案件处置情况月通报"
    clock.advance(days=63)
    assert await job.act() == "怀化市2020年7月城市管理案件处置情况月通报；怀化市2020年8月城市管理案件处置情况月通报"
    assert report_jobs(ledger, _settings(makes=()), clock) == ()


async def test_a_letter_names_its_cases_and_goes_out_as_a_document(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(3):
        await apply_records(ledger, *a_dispatched_case(f"2020-{number}", unit_name="环卫所"))
    names = tmp_path / "names.csv"
    names.write_text("kind,code,name\nunit,hw01,中方县环卫所\n", encoding="utf-8")
    settings = _settings(tmp_path, names=names)
    desk = _desk(ledger, settings)
    wanted = LetterAsked(431221, JUNE.span, "hw01", _CLASS, date(2020, 7, 10))
    letter = await letter_of(desk.reader, CITY_WIDE, wanted, await desk.names(), _zone(settings))
    assert (letter.unit, letter.count, letter.problem) == ("中方县环卫所", 3, "违规户外广告（0203）")
    asked = Asked(ReportKind.SUPERVISION, 431221, JUNE.span, f"hw01|{_CLASS}")
    made = await desk.make_letter(CITY_WIDE, asked, letter)
    assert made.run.number == "〔2020〕1号"
    assert (await desk.make_letter(CITY_WIDE, asked, letter)).is_new is False
    other = await desk.make_letter(CITY_WIDE, asked._replace(kind=ReportKind.SPECIAL), letter)
    assert other.run.number == "〔2020〕2号"
    clock = FakeClock(NOON + 20 * DAY)
    post = ReportPost(ledger, desk, make_document_desk(settings, ledger, clock))
    sent = await post.send(made.run, "431221.platform", NOON + 30 * DAY)
    assert sent.content is not None
    assert (sent.content.kind, sent.content.number) == (DocumentKind.SUPERVISION_LETTER, "〔2020〕1号")
    assert [file.name for file in sent.content.files] == [file_name(made.run, name) for name in ("docx", "xlsx")]
    for file, name in zip(sent.content.files, ("docx", "xlsx"), strict=True):
        assert bytes.fromhex(file.digest) == (await desk.file(made.run, name)).digest
    await apply_waiting(ledger)
    assert (await desk.run(CITY_WIDE, made.run.key)).document_id == sent.document_id
    with pytest.raises(Violated, match="REPORT_EMPTY"):
        nobody = wanted._replace(unit_code="hw09")
        await letter_of(desk.reader, CITY_WIDE, nobody, await desk.names(), _zone(settings))


def _zone(settings: Settings) -> ZoneInfo:
    return ZoneInfo(settings.figures.zone)


async def test_the_result_sheet_says_what_the_score_run_says(ledger: Ledger) -> None:
    scheme = shipped_schemes()["zhongfang.monthly"]
    assert isinstance(scheme, CompositeScheme)
    parts = {one.part_id: Fraction(80 + number, 3) * 3 for number, one in enumerate(scheme.parts)}
    units = tuple(
        UnitInput(unit=name, case_count=9, parts={part: value - less for part, value in parts.items()})
        for name, less in (("甲局", 0), ("乙局", 7), ("丙局", 7))
    )
    run = run_scores(scheme, RunInputs(month=202006, units=units))
    desk = _desk(ledger)
    asked = Asked(ReportKind.SCORES, 431200, JUNE.span, scheme.scheme_id)
    made = await desk.make_scores(CITY_WIDE, asked, ranking_of(run, await desk.names()))
    data = await desk.data(made.run)
    told = [(one["unit"], one["score"], one["rank"]) for one in data["ranking"]["scores"]]
    assert told == [(one.unit, one.display, one.rank) for one in run.scores]
    assert [rank for _, _, rank in told] == [1, 2, 2]
    assert data["ranking"]["run_id"] == run.run_id


@pytest.mark.parametrize("name", ["self-evaluation", "supervision"])
async def test_the_result_sheet_of_a_tree_says_its_indicators_its_grade_and_what_is_missing(
    ledger: Ledger, tmp_path: Path, name: str
) -> None:
    scheme = shipped_schemes()[name]
    assert isinstance(scheme, TreeScheme)
    leaves = [node for node in scheme.nodes if node.measure is not Measure.GROUP]
    given = {node.node_id: _given(node.measure) for node in leaves[1:]}
    desk = _desk(ledger)
    asked = Asked(ReportKind.SCORES, 431200, JUNE.span, scheme.scheme_id)
    run = run_tree(scheme, TreeInputs(period="2020-06", nodes=given))
    made = await desk.make_scores(CITY_WIDE, asked, result_of(run, await desk.names()))
    tree = (await desk.data(made.run))["tree"]
    assert [one["name"] for one in tree["indicators"]] == [node.name_zh for node in scheme.nodes]
    assert (tree["run_id"], tree["missing"], tree["score"]) == (run.run_id, [leaves[0].name_zh], run.scores.display)
    files = {one: tmp_path / f"scores.{one}" for one in made.run.formats}
    for one, path in files.items():
        path.write_bytes((await desk.file(made.run, one)).content)
    word = Word(str(files["docx"]))
    told = {row.cells[0].text.strip() for table in word.tables for row in table.rows}
    assert {node.name_zh for node in scheme.nodes} <= told
    assert any(leaves[0].name_zh in paragraph.text for paragraph in word.paragraphs)
    cells = {str(row[0].value).strip() for row in load_workbook(files["xlsx"])["指标得分"].iter_rows()}
    assert {node.name_zh for node in scheme.nodes} <= cells
    # The same run again is no new version; with the missing value it is one.
    again = await desk.make_scores(CITY_WIDE, asked, result_of(run, await desk.names()))
    assert (again.is_new, again.run.version) == (False, made.run.version)
    whole = run_tree(scheme, TreeInputs(period="2020-06", nodes=given | {leaves[0].node_id: _given(leaves[0].measure)}))
    full = await desk.make_scores(CITY_WIDE, asked, result_of(whole, await desk.names()))
    tree = (await desk.data(full.run))["tree"]
    assert (full.is_new, tree["missing"], bool(tree["score"]), bool(tree["grade"])) == (
        True, [], scheme.is_weighted, scheme.is_weighted,
    )  # fmt: skip


def _given(measure: Measure) -> NodeInput:
    if measure is Measure.EXECUTION:
        return NodeInput(actual=Fraction(90), target=Fraction(100))
    return NodeInput(share=Fraction(1, 2))


async def test_a_file_of_names_that_cannot_be_read_is_named_with_its_line(ledger: Ledger, tmp_path: Path) -> None:
    names = tmp_path / "names.csv"
    for text, place in (
        ("kind,code,name\nunit,hw01,\n", "names.csv:2"),
        ("a,b\n", "kind,code,name"),
        ("kind,code,name\nplanet,1,x\n", "names.csv:2"),
    ):
        names.write_text(text, encoding="utf-8")
        with pytest.raises(Violated) as refused:
            await _desk(ledger, _settings(names=names)).names()
        assert place in refused.value.violation.message_zh


def test_what_is_kept_can_be_read_again() -> None:
    for kind in ReportKind:
        data = sample(kind)
        assert msgspec.convert(msgspec.to_builtins(data), ReportData) == data
