"""Questions over heavy history: the archive asked by DuckDB through Ibis, against PostgreSQL in the same run.

The cells of the figures (region, month of the deadline, unit, class, source) with all their counters are counted from
all cases three times: by the full rebuild of the figures, by a bare ``GROUP BY`` in PostgreSQL, and from the archive.
``SANJI_BENCH_CASES`` says how many cases (200,000 unless told), ``SANJI_BENCH_REBUILD=0`` leaves the rebuild out.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench.partner_databases import partner_server
from exchange_db import migrate, question_facts, recount
from exchange_db.counting import CountingRules
from exchange_db.records import COUNTERS
from exchange_db.regions import subtree
from exchange_db.session import Ledger, driver_url
from hub.clock import system_clock
from hub.questions.archive import Archive
from hub.questions.desk import QuestionDesk
from hub.questions.engines import Dialect, files_for, rows_of_archive, statement_for
from hub.questions.manifest import Manifest, read_manifest
from hub.questions.planning import Plan, planned
from hub.questions.question import Question
from hub.questions.vocabulary import dimension_named
from hub.sections.questions import ArchivePart, QuestionsPart
from hub.settings import HubPart, Settings

_CASES = int(os.environ.get("SANJI_BENCH_CASES", "200000"))
_HAS_REBUILD = os.environ.get("SANJI_BENCH_REBUILD", "1") != "0"
_ROUNDS, _MUST_REACH = 3, 3.0
_CELL = ("region", "month", "unit", "class", "source")
_MOST = 5_000_000
#: A year of cases of a province's 40 counties, 200 units and 400 classes; other columns say nothing.
_SAYS = {
    "home_region": "region",
    "region": "region",
    "case_id": "gen_random_uuid()",
    "issuer_id": "'430100.platform'",
    "case_no": "n::text",
    "state": "CASE WHEN n %% 10 = 0 THEN 6 WHEN n %% 97 = 0 THEN 10 ELSE 9 END",
    "class_key": "'GB/T-30428.2-2013|E|' || lpad((n * 17 %% 400)::text, 4, '0')",
    "source_code": "'s' || n %% 9",
    "unit_code": "'u' || n * 31 %% 200",
    "reported_time": "reported",
    "deadline_time": "reported + interval '3 days'",
    "dispatched_time": "reported + interval '1 hour'",
    "dispatched_on_time": "reported + interval '2 hours'",
    "close_requested_time": "CASE WHEN n %% 10 <> 0 THEN reported + n %% 97 * interval '1 hour' END",
    "closed_time": "CASE WHEN n %% 10 <> 0 THEN reported + n %% 97 * interval '1 hour' END",
}
_MADE = """
FROM (SELECT n, 430100 + n %% 4 * 100 + n %% 10 AS region,
  '2024-01-01Z'::timestamptz + n * 7919 %% 31536000 * interval '1 second' AS reported
  FROM generate_series(1::bigint, %(count)s) n) made
"""
_NOTHING = {"text": "''", "boolean": "false"}


async def measure() -> list[dict[str, Any]]:
    """Returns the measurements."""
    with partner_server("questions") as url, tempfile.TemporaryDirectory(prefix="sanji-bench-") as folder:
        migrate.upgrade(url)
        await asyncio.to_thread(_fill, url)
        settings = Settings(
            hub=HubPart(id="000000.hub", name="bench"),
            archive=ArchivePart(path=Path(folder) / "archive"),
            questions=QuestionsPart(seconds=600),
        )
        async with Ledger(url, pool_size=2) as ledger:
            return await _compared(ledger, settings, Path(folder) / "archive")


async def _compared(ledger: Ledger, settings: Settings, folder: Path) -> list[dict[str, Any]]:
    archive, rules = Archive(ledger, settings, folder, system_clock), settings.figures.counting
    written = await _seconds(archive.run)
    again = await _seconds(archive.run)
    manifest = read_manifest(folder)
    assert manifest is not None
    plan = _cells()
    grouped, asked = [], []
    for _ in range(_ROUNDS):
        grouped.append(await _seconds(lambda: _group_by(ledger, plan, rules)))
        asked.append(await _seconds(lambda: _ask(folder, manifest, plan, settings)))
    rebuilt = await _seconds(lambda: _rebuild(ledger, rules)) if _HAS_REBUILD else median(grouped)
    times = rebuilt / median(asked)
    question = Question(first="2024", last="2024", group=("unit", "month"), measure=("count", "F3"), by="deadline")
    desk = QuestionDesk(ledger, settings)
    live = await _seconds(lambda: desk.ask(question, subtree(0)))
    kept = await _seconds(lambda: desk.ask(question, subtree(0), "archive"))
    return [
        {
            "what": f"all cells of {_CASES} cases from the archive, DuckDB through Ibis, against the full rebuild",
            "archive_seconds": round(median(asked), 3),
            "rebuild_seconds": round(rebuilt, 3),
            "bare_group_by_seconds": round(median(grouped), 3),
            "times_bare_group_by": round(median(grouped) / median(asked), 1),
            "times": round(times, 1),
            "archive_bytes_per_case": round(sum(part.size_bytes for part in manifest.parts) / _CASES, 1),
            "must_reach": f"{_MUST_REACH} times",
            "is_reached": times >= _MUST_REACH,
        },
        {
            "what": "writing the archive, and looking for what changed when nothing did",
            "cases_per_second": round(_CASES / written),
            "seconds_when_nothing_changed": round(again, 3),
            "question_of_ledger_seconds": round(live, 3),
            "question_of_archive_seconds": round(kept, 3),
            "must_reach": "at most half of writing it all",
            "is_reached": again <= written / 2,
        },
    ]


def _cells() -> Plan:
    """The cells of the figures as a plan; people may group by three dimensions, the figures have five."""
    plan = planned(Question(measure=("count",), by="deadline"))
    return plan._replace(groups=tuple(dimension_named(name, "group") for name in _CELL), parts=("count", *COUNTERS))


def _summed(dialect: Dialect, plan: Plan) -> str:
    """All cells are made and added up once more where they are, as the rebuild compares them where they are."""
    sums = ", ".join(f"sum(part_{index})" for index in range(len(plan.parts)))
    return f"SELECT count(*), {sums} FROM ({statement_for(dialect, plan, subtree(0), _MOST)}) cells"


async def _ask(folder: Path, manifest: Manifest, plan: Plan, settings: Settings) -> None:
    files, statement = files_for(folder, manifest, subtree(0), plan.span), _summed("duckdb", plan)
    await asyncio.to_thread(rows_of_archive, folder, files, statement, seconds=600, part=settings.archive)


async def _group_by(ledger: Ledger, plan: Plan, rules: CountingRules) -> None:
    """The same cells counted by PostgreSQL from the same cases, with nothing around it."""
    async with ledger.read() as session:
        await question_facts.answer(session, _summed("postgres", plan), rules, subtree(0), None, 600)


async def _rebuild(ledger: Ledger, rules: CountingRules) -> None:
    async with ledger.dedicated() as connection, connection.transaction() as session:
        await recount.hold_still(session)
        found = await recount.differences(session, rules)
        assert found.case_count == _CASES


async def _seconds(act: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await act()
    return time.perf_counter() - begun


def _fill(url: str) -> None:
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        columns = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'cases' AND (is_nullable = 'NO' OR column_name = ANY(%s))",
            (list(_SAYS),),
        ).fetchall()
        values = [_SAYS.get(name, _NOTHING.get(kind, "0")) for name, kind in columns]
        names = ", ".join(name for name, _ in columns)
        statement = f"INSERT INTO cases ({names}) SELECT {', '.join(values)} {_MADE}"
        connection.execute(statement.encode(), {"count": _CASES})
        connection.execute("VACUUM ANALYZE cases")
