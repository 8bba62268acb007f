"""Questions: every engine says what plain Python counts; nobody gets more than they may see; the archive keeps up."""

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange_db import question_facts
from exchange_db.counting import Anchor, CountingRules
from exchange_db.question_facts import QuestionTooSlow
from exchange_db.records import COUNTERS, Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.questions.answers import Answer
from hub.questions.archive import Archive, ArchiveBusy
from hub.questions.desk import QuestionDesk
from hub.questions.engines import files_for
from hub.questions.errors import QuestionInvalid
from hub.questions.manifest import read_manifest
from hub.questions.planning import planned
from hub.questions.question import Filter, Question, as_json, from_json
from hub.sections.questions import ArchivePart, QuestionsPart
from hub.settings import FiguresPart, HubPart, Settings
from hub.statistics.reading import FigureQuery, FigureReader
from tests.support.applied import a_closed_case, a_dispatched_case, a_filed_case, apply_records
from tests.support.builders import CITY, DAY
from tests.support.clock import NOON, FakeClock
from tests.support.question_cases import counted, keep_rows, questions, random_rows

_NATION = "000000.hub"
_ROWS = random_rows(300, 20_200_615)
_OTHER_RULES = FiguresPart(anchor=Anchor.CHECK_PASS_TIME, is_equal_on_time=False, is_midnight_next_month=False)


def _settings(folder: Path, *, hub_id: str = CITY, figures: FiguresPart | None = None, **part: Any) -> Settings:
    return Settings(
        hub=HubPart(id=hub_id, name="怀化"),
        archive=ArchivePart(path=folder, threads=1),
        figures=figures or FiguresPart(),
        questions=QuestionsPart(**part),
    )


def _groups(answer: Answer) -> set[tuple[Any, ...]]:
    return {(line.keys, tuple(line.sums[part] for part in answer.plan.parts)) for line in answer.lines}


class _Filled(NamedTuple):
    url: str
    settings: Settings


@pytest.fixture(params=[FiguresPart(), _OTHER_RULES], ids=["usual", "other"])
def filled(database_url: str, tmp_path: Path, clock: FakeClock, request: pytest.FixtureRequest) -> _Filled:
    """A nation's ledger of random cases and its archive."""
    settings_ = _settings(tmp_path / "archive", hub_id=_NATION, figures=request.param)

    async def fill() -> None:
        async with Ledger(database_url, pool_size=0) as ledger:
            await keep_rows(ledger, _ROWS)
            await Archive(ledger, settings_, tmp_path / "archive", clock).run()

    asyncio.run(fill())
    return _Filled(database_url, settings_)


@given(asked=st.lists(questions(), min_size=4, max_size=4))
@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ledger_and_archive_say_what_plain_python_counts(filled: _Filled, asked: list[Question]) -> None:
    async def compare() -> None:
        async with Ledger(filled.url, pool_size=0) as ledger:
            desk = QuestionDesk(ledger, filled.settings)
            for question in asked:
                regions = subtree(int(question.region))
                expected = counted(planned(question), _ROWS, filled.settings.figures.counting, regions)
                live = await desk.ask(question, subtree(0))
                kept = await desk.ask(from_json(as_json(question)), subtree(0), "archive")
                assert _groups(live) == expected, question
                assert _groups(kept) == expected, question
                assert (live.lines, live.total) == (kept.lines, kept.total)

    asyncio.run(compare())


async def test_a_question_by_the_deadline_gives_the_figures_of_the_hub(ledger: Ledger, tmp_path: Path) -> None:
    await apply_records(
        ledger,
        *a_closed_case("1"),
        *a_closed_case("2", close_requested_time=NOON + 2 * DAY),
        *a_closed_case("3", deadline_time=NOON + 40 * DAY),
        *a_dispatched_case("4"),
        *a_filed_case("5"),
    )
    counters = [name for name in COUNTERS if name not in ("reported", "self_handled")]
    question = Question(first="2020", last="2020", group=("month",), measure=(*counters[:7], "F1", "F2", "F3"))
    settings_ = _settings(tmp_path)
    answer = await QuestionDesk(ledger, settings_).ask(question, subtree(431200))
    figures = await FigureReader(ledger, settings_).figures(
        subtree(431200), FigureQuery("431200", 202001, 202012, group_by="month")
    )
    assert len(answer.lines) == len(figures.lines) == 2
    for line, figure in zip(answer.lines, figures.lines, strict=True):
        assert str(line.keys[0]) == figure.key
        assert list(line.values[:-3]) == [getattr(figure.counts, name) for name in counters[:7]]
        assert list(line.values[-3:]) == [(one.rate.value or 0) * 100 for one in figure.figures]
    assert answer.plan.by == "deadline"
    assert answer.total[-3] == Fraction(300, 4)


async def test_nobody_gets_an_answer_about_their_neighbour(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    await keep_rows(ledger, random_rows(120, 7))
    settings_ = _settings(tmp_path / "archive")
    await Archive(ledger, settings_, tmp_path / "archive", clock).run()
    desk = QuestionDesk(ledger, settings_)
    sly = (
        Filter("region", ("431221",)),
        Filter("region", ("000000",)),
        Filter("region", ("430000",), is_excluded=True),
    )
    for source in ("ledger", "archive"):
        own = await desk.ask(Question(group=("region",)), subtree(431222), source)
        assert {line.keys for line in own.lines} == {(431222,)}
        assert own.total[0] == sum(row.region == 431222 for row in random_rows(120, 7))
        for region in ("431221", "431200", "430000", "000000"):
            with pytest.raises(Violated, match="REGION_FORBIDDEN"):
                await desk.ask(Question(region=region), subtree(431222), source)
        for filters in ((one,) for one in sly):
            answer = await desk.ask(Question(group=("region",), where=filters), subtree(431222), source)
            assert {line.keys for line in answer.lines} <= {(431222,)}
        assert (
            await desk.ask(Question(region="431222"), (subtree(431221), subtree(431222)), source)
        ).total == own.total


async def test_the_guard_stands_below_the_statement(ledger: Ledger) -> None:
    await keep_rows(ledger, random_rows(60, 8))
    rules, mine = CountingRules(), subtree(431221)
    async with ledger.read() as session:
        rows = await question_facts.answer(session, "SELECT DISTINCT region FROM facts", rules, mine, None, 5)
        assert rows == [(431221,)]
    for statement in ("SELECT 1; SELECT 2", "SELECT 1 FROM facts; DELETE FROM cases"):
        async with ledger.read() as session:
            with pytest.raises(psycopg.errors.SyntaxError):
                await question_facts.answer(session, statement, rules, mine, None, 5)
    async with ledger.read() as session:
        with pytest.raises(QuestionTooSlow):
            await question_facts.answer(session, "SELECT pg_sleep(20)::text", rules, mine, None, 0.05)


async def test_too_many_groups_are_refused_with_what_to_do(ledger: Ledger, tmp_path: Path) -> None:
    await keep_rows(ledger, random_rows(150, 9))
    desk = QuestionDesk(ledger, _settings(tmp_path, hub_id=_NATION, most_groups=10))
    with pytest.raises(QuestionInvalid, match="more than 10 groups"):
        await desk.ask(Question(group=("day", "unit")), subtree(0))
    with pytest.raises(QuestionInvalid, match="nothing is archived"):
        await desk.ask(Question(), subtree(0), "archive")


@pytest.fixture
async def archived(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> tuple[Archive, Path]:
    """An archive of a nation's ledger with random cases."""
    await keep_rows(ledger, random_rows(200, 11))
    archive = _archive(ledger, tmp_path / "archive", clock)
    await archive.run()
    return archive, tmp_path / "archive"


def _archive(ledger: Ledger, folder: Path, clock: Clock) -> Archive:
    return Archive(ledger, _settings(folder, hub_id=_NATION), folder, clock)


async def test_an_archive_kept_up_is_the_one_written_anew(
    ledger: Ledger, archived: tuple[Archive, Path], tmp_path: Path, clock: FakeClock
) -> None:
    archive, folder = archived
    before = read_manifest(folder)
    assert before is not None
    assert (await archive.run()).written_count == 0
    first, second, third = random_rows(200, 11)[:3]
    moved = replace(first, region=430211 if first.region != 430211 else 431221)
    closed = replace(second, rework_count=9)
    await keep_rows(ledger, random_rows(3, 12), [moved, closed, third])
    done = await archive.run()
    assert 0 < done.written_count < len(before.parts)
    assert done.row_count == 203
    anew = _archive(ledger, tmp_path / "anew", clock)
    assert (await anew.run()).written_count == done.part_count
    kept, fresh = read_manifest(folder), read_manifest(tmp_path / "anew")
    assert kept is not None
    assert fresh is not None
    assert [replace(part, size_bytes=0) for part in kept.parts] == [replace(part, size_bytes=0) for part in fresh.parts]
    for part in kept.parts:
        assert (folder / part.file).read_bytes() == (tmp_path / "anew" / part.file).read_bytes()
    assert all((folder / part.file).exists() for part in before.parts), (
        "who reads the list before still finds its files"
    )


async def test_a_lost_or_damaged_file_is_written_again(archived: tuple[Archive, Path]) -> None:
    archive, folder = archived
    manifest = read_manifest(folder)
    assert manifest is not None
    (folder / manifest.parts[0].file).unlink()
    (folder / manifest.parts[1].file).write_bytes(b"PAR1")
    assert (await archive.run()).written_count == 2
    assert (folder / manifest.parts[1].file).stat().st_size == manifest.parts[1].size_bytes


async def test_two_runs_do_not_write_at_once(ledger: Ledger, archived: tuple[Archive, Path]) -> None:
    async with ledger.read() as session:
        assert await question_facts.try_alone(session)
        with pytest.raises(ArchiveBusy):
            await archived[0].run()


async def test_an_archive_of_other_rules_is_not_asked(
    ledger: Ledger, archived: tuple[Archive, Path], clock: FakeClock
) -> None:
    folder = archived[1]
    other = _settings(folder, hub_id=_NATION, figures=_OTHER_RULES)
    desk = QuestionDesk(ledger, other)
    with pytest.raises(QuestionInvalid, match="other rules"):
        await desk.ask(Question(), subtree(0), "archive")
    done = await Archive(ledger, other, folder, clock).run()
    assert done.written_count == done.part_count
    assert (await desk.ask(Question(), subtree(0), "archive")).total == (200,)


async def test_months_beyond_the_setting_are_left_out(
    ledger: Ledger, archived: tuple[Archive, Path], clock: FakeClock
) -> None:
    folder = archived[1]
    settings_ = _settings(folder, hub_id=_NATION)
    settings_ = settings_.model_copy(update={"archive": settings_.archive.model_copy(update={"months": 2})})
    done = await Archive(ledger, settings_, folder, clock).run()
    manifest = read_manifest(folder)
    assert manifest is not None
    assert {part.month for part in manifest.parts if part.month < 202005} == set()
    assert done.removed_count > 0
    assert done.written_count == 0


async def test_only_files_that_may_matter_are_read(archived: tuple[Archive, Path]) -> None:
    folder = archived[1]
    manifest = read_manifest(folder)
    assert manifest is not None
    span = planned(Question(first="2020-03", last="2020-03")).span
    files = files_for(folder, manifest, subtree(431221), span)
    assert len(files) == 1
    assert "year=2020/month=03/city=431200" in files[0]
    assert files_for(folder, manifest, (), None) == []
