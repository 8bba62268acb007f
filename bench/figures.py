"""Figures: their upkeep beside the bare upsert of the cases, counting all anew, a month's sheet, and the drill-down.

Sizes come from the environment: ``SANJI_BENCH_FIGURES`` cases are known (default 200,000; 10,000,000 takes some
20 minutes and 25 GB), spread over 500 regions, 200 units and 400 classes and over a year.

- **upkeep**: steps of a city of twelve counties within four days, half of them new cases and half closings, in
  transactions of 4,000. What the figures cost the database (appending the deltas, folding them) over what ``COPY`` and
  one ``INSERT … ON CONFLICT DO UPDATE`` of the same cases cost it, rows packed beforehand on both sides. Deltas ride in
  the cases' transactions, whose beginning and end the bare side has paid: as many transactions of one row each are
  taken off, and told. What finding and packing costs Python is told beside it, and so is the share in processor time
  of the database's processes, which other work on the machine disturbs less.
- **rebuild**: counting all cases anew and comparing with every cell, over a bare ``GROUP BY`` of the same facts: the
  same counters of the same cases by the same cells, and nothing done with them.
- **sheet**: all counters of one month over 500 regions, by region, by unit and by class.
- **drill-down**: the first hundred cases behind a counter of one county and month, and of the whole.
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from typing import Any

import psutil
import psycopg

from bench.staged import stage
from exchange_db import bulk, case_members, cases, figure_spans, figures, folding, recount
from exchange_db.case_members import Wanted
from exchange_db.cases import CaseRow, CaseState
from exchange_db.counting import CountingRules, month_bounds
from exchange_db.counting_sql import condition_of, counted_cells
from exchange_db.figure_spans import SpanQuestion
from exchange_db.figures import Basis, Question
from exchange_db.keys import case_key
from exchange_db.regions import Subtree, subtree
from exchange_db.session import Ledger
from exchange_db.shares import CaseCounting, Changes
from hub.statistics.rebuild import FigureRebuild

KNOWN = int(os.environ.get("SANJI_BENCH_FIGURES", "200000"))
STEPS = 60_000
ROUNDS = 3
_PER_TRANSACTION = 4_000
_MONTH = 202006
_RULES = CountingRules()
_EVERYWHERE = Subtree(0, 999_999)
_HOUR, _MINUTE = 3_600_000_000, 60_000_000
#: The year 2020 in Asia/Shanghai, and the day after it, on which the measured steps are taken.
_START = 1_577_808_000_000_000
_TODAY = _START + 366 * 24 * _HOUR
_REGIONS = [430_000 + city * 100 + 1 + county for city in range(25) for county in range(20)]
#: Shares of the sources in 南阳 in 2021 (S002 of the domain notes).
_SOURCES = ("collector", "collector_self", "hotline_12319", "other")
_SHARES = (427_455, 68_654, 8_992, 4_465)


def _row(number: int) -> CaseRow:
    """Returns a case some way through its life; numbers rise with the time of the report, and a year has ``KNOWN``."""
    source = random.Random(number)
    # The measured steps are those of one city: new cases of a day, and cases of the three days before that are closed.
    region = source.choice(_REGIONS[:12] if _is_recent(number) else _REGIONS)
    if number >= KNOWN:
        reported = _TODAY + number % 1_440 * _MINUTE
    elif _is_recent(number):
        reported = _TODAY - number % 4_320 * _MINUTE
    else:
        reported = _START + number * 366 * 24 * 60 // KNOWN * _MINUTE
    kind = min(int(source.paretovariate(0.7)) - 1, 399)
    row = CaseRow(
        region, case_key("430000.platform", f"B{number:09d}"), "430000.platform", f"B{number:09d}", region,
        CaseState.DISPOSING, f"GB/T-30428.2-2013|E|{kind:04d}", source.choices(_SOURCES, _SHARES)[0], "430000.hub",
        f"{region}.platform", f"unit{kind % 100 * 2 + (number % 7 == 0):03d}", f"{region}{number % 900:09d}",
        reported_time=reported, accepted_time=reported + 5 * _MINUTE, filed_time=reported + 12 * _MINUTE,
        dispatched_time=reported + 20 * _MINUTE, dispatched_on_time=reported + _HOUR,
        deadline_time=reported + source.choice((4, 24, 48, 168)) * _HOUR,
        report_state=4, assignment_state=2, handling_state=2, report_revision=1, assignment_revision=1,
        handling_revision=1, report_inbox_id=number + 1, assignment_inbox_id=number + 1, handling_inbox_id=number + 1,
    )  # fmt: skip
    chance = source.random()
    if chance < 0.02:
        row.state, row.assignment_state = CaseState.VOID, 4
    elif chance < 0.80 and not _is_recent(number):
        _close(row, row.reported_time + source.choice((3, 20, 40, 90)) * _HOUR)
    return row


def _is_recent(number: int) -> bool:
    """Tells whether a case is new or one of the last that are known: those the measured steps close."""
    return number >= KNOWN - ROUNDS * STEPS // 2


def _close(row: CaseRow, moment: int) -> None:
    row.state, row.handling_state, row.verdict_state = CaseState.CLOSED, 3, 3
    row.close_requested_time = moment
    row.check_sent_time = row.close_requested_time + 10 * _MINUTE
    row.check_answered_time = row.closed_time = row.close_requested_time + _HOUR
    row.handling_revision = row.verdict_revision = 2


async def measure() -> list[dict[str, Any]]:
    """Fills a ledger and measures all four."""
    async with stage() as staged:
        hub = await staged.add_hub("430000.hub", "湖南省")
        await asyncio.to_thread(_load, hub.url)
        async with Ledger(hub.url) as ledger:
            begun = time.perf_counter()
            await FigureRebuild(ledger, _RULES).write()
            first = time.perf_counter() - begun
            with psycopg.connect(hub.url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE figures, figure_days, figure_totals, figure_deltas")
            return [
                await _rebuild(ledger, first),
                await _sheet(ledger),
                await _drill_down(ledger),
                await _upkeep(ledger),
            ]


def _load(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare_cases (LIKE cases INCLUDING ALL) WITH (fillfactor = 80)")
        connection.execute("CREATE TABLE bare_turns (turn integer)")
        for start in range(0, KNOWN, 20_000):
            rows = map(_row, range(start, min(start + 20_000, KNOWN)))
            data = b"".join((bulk.HEADER, *map(cases.pack, rows), bulk.TRAILER))
            for table in ("cases", "bare_cases"):
                with connection.cursor() as cursor, cursor.copy(_copy(table)) as copy:
                    copy.write(data)
        connection.execute("VACUUM ANALYZE cases")
        connection.execute("VACUUM ANALYZE bare_cases")
        connection.execute("CHECKPOINT")


def _copy(table: str) -> bytes:
    return f"COPY {table} ({', '.join(cases.COLUMNS)}) FROM STDIN (FORMAT binary)".encode()


async def _timed(act: Callable[[], Awaitable[Any]]) -> float:
    begun = time.perf_counter()
    await act()
    return time.perf_counter() - begun


async def _rebuild(ledger: Ledger, first: float) -> dict[str, Any]:
    async def bare() -> None:
        async with ledger.dedicated() as connection, connection.transaction() as session:
            await recount.hold_still(session)
            await session.driver.execute(f"SELECT count(*) FROM ({counted_cells(_RULES)}) cells")

    async def anew() -> None:
        found = await FigureRebuild(ledger, _RULES).check()
        assert found.is_right
        assert found.case_count == KNOWN

    turns = [(await _timed(bare), await _timed(anew)) for _ in range(ROUNDS)]
    limit, ours = (median(each) for each in zip(*turns, strict=True))
    return {
        "what": "figures counted anew and compared",
        "cases": KNOWN,
        "seconds": round(ours, 2),
        "bare_group_by_seconds": round(limit, 2),
        "first_time_with_all_cells_written_seconds": round(first, 2),
        "ratio": round(limit / ours, 2),
        "must_reach": 0.5,
        "is_reached": limit / ours >= 0.5,
    }


async def _sheet(ledger: Ledger) -> dict[str, Any]:
    took: dict[str, float] = {}
    lines: dict[str, int] = {}
    for group in ("region", "unit", "class"):
        question = Question(_EVERYWHERE, _MONTH, _MONTH, group_by=group)
        spans = SpanQuestion(_EVERYWHERE, _MONTH * 100 + 1, _MONTH * 100 + 30, group_by=group)

        async def sheet(question: Question = question) -> None:
            async with ledger.read() as session:
                lines[question.group_by] = len(await figures.counts(session, question, Basis.LEDGER))

        async def span(question: SpanQuestion = spans) -> None:
            async with ledger.read() as session:
                await figure_spans.counts(session, question)

        took[group] = median([await _timed(sheet) for _ in range(5)])
        took[f"{group}, with what is left"] = median([await _timed(span) for _ in range(5)])
    slowest = max(took[group] for group in ("region", "unit", "class"))
    return {
        "what": "a month's sheet over 500 regions, 200 units and 400 classes",
        "cases": KNOWN,
        "lines": lines,
        "milliseconds": {name: round(seconds * 1e3, 1) for name, seconds in took.items()},
        "must_reach": "at most 200 ms",
        "is_reached": slowest <= 0.2,
    }


async def _drill_down(ledger: Ledger) -> dict[str, Any]:
    took: dict[str, float] = {}
    begin, end = month_bounds(_MONTH, _RULES)
    end_time = round(end.timestamp() * 1_000_000)
    for place, regions in (("county", subtree(_REGIONS[7])), ("all", _EVERYWHERE)):
        for counter in ("total", "closed_on_time", "disposed_overdue", "void", "disposal_due", "disputed"):
            wanted = Wanted(regions, condition_of(counter, _RULES), {"begin": begin, "end": end}, end_time)

            async def page(wanted: Wanted = wanted) -> None:
                async with ledger.read() as session:
                    await case_members.members(session, wanted, 100, is_bounded=True)

            took[f"{place} {counter}"] = median([await _timed(page) for _ in range(5)])
    return {
        "what": "first page of the cases behind a counter of a month, of a county and of the whole",
        "cases": KNOWN,
        "milliseconds": {name: round(seconds * 1e3, 1) for name, seconds in took.items()},
        "load": os.getloadavg()[0],
        "must_reach": "at most 100 ms",
        "is_reached": max(took.values()) <= 0.1,
    }


def _steps(turn: int) -> Iterator[tuple[CaseRow | None, CaseRow]]:
    """Yields cases before and after a step, by turns: new ones of a dozen counties, and known ones that are closed."""
    for number in range(STEPS // 2):
        yield None, _row(KNOWN + turn * STEPS // 2 + number)
        before, after = (_row(KNOWN - 1 - turn * STEPS // 2 - number) for _ in range(2))
        _close(after, _TODAY + number % 1_440 * _MINUTE)
        yield before, after


async def _upkeep(ledger: Ledger) -> dict[str, Any]:
    """Takes the rounds' steps; a hub folds every half minute, so one fold comes after all of them."""
    bare, found, appended, empty, used = [], [], [], [], []
    counting = CaseCounting(_RULES)
    for turn in range(ROUNDS):
        steps = list(_steps(turn))
        seconds, processor = await asyncio.to_thread(_upsert_bare, ledger.url, [after for _, after in steps])
        bare.append(seconds)
        begun = time.process_time()
        starts = range(0, STEPS, _PER_TRANSACTION)
        transactions = [_packed(counting, steps[start : start + _PER_TRANSACTION]) for start in starts]
        found.append(time.process_time() - begun)
        empty.append(await _timed(lambda: _begin_and_end(ledger)))
        begun = time.perf_counter()
        adding = await _append(ledger, transactions)
        appended.append(time.perf_counter() - begun)
        used.append((processor, adding))

    begun = time.perf_counter()
    async with ledger.write() as session:
        pid = session.driver.info.backend_pid
        before = _processor_time(pid)
        await folding.fold(session)
        folding_time = (_processor_time(pid) - before) / ROUNDS
    folded = (time.perf_counter() - begun) / ROUNDS
    bare_time, adding_time = (median(each) for each in zip(*used, strict=True))
    limit, riding = median(bare), max(0.0, median(appended) - median(empty))
    share = (riding + folded) / limit
    return {
        "what": "upkeep of the figures in the database beside the bare upsert of the cases",
        "cases_before": KNOWN,
        "steps_a_round": STEPS,
        "bare_upsert_seconds": round(limit, 3),
        "deltas_appended_seconds": round(riding, 3),
        "transactions_taken_off_seconds": round(median(empty), 3),
        "fold_seconds_a_round": round(folded, 3),
        "share": round(share, 3),
        "processor_seconds": {
            "bare_upsert": round(bare_time, 2),
            "deltas": round(adding_time, 2),
            "fold": round(folding_time, 2),
        },
        "share_of_processor_time": round((adding_time + folding_time) / bare_time, 3),
        "found_and_packed_in_python_seconds": round(median(found), 3),
        "must_reach": "at most 0.25",
        "is_reached": share <= 0.25,
    }


def _packed(counting: CaseCounting, steps: list[tuple[CaseRow | None, CaseRow]]) -> list[bytes]:
    """Returns what the steps of a transaction append; like the rows of the bare side it is packed beforehand."""
    changes: Changes = {}
    for before, after in steps:
        counting.add_step(changes, before, after)
    return folding.pack_deltas(changes)


def _processor_time(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


async def _append(ledger: Ledger, transactions: list[list[bytes]]) -> float:
    """Appends a round's deltas; returns the processor time the database needed, in seconds."""
    async with ledger.dedicated() as connection:
        pid = connection.driver.info.backend_pid
        before = _processor_time(pid)
        for rows in transactions:
            async with connection.transaction() as session:
                await folding.add_packed(session, rows)
        return _processor_time(pid) - before


async def _begin_and_end(ledger: Ledger) -> None:
    """Takes as many transactions as a round appends in, with one row each, so that each of them is made durable."""
    async with ledger.dedicated() as connection:
        for turn in range(0, STEPS, _PER_TRANSACTION):
            async with connection.transaction() as session:
                await session.driver.execute("INSERT INTO bare_turns VALUES (%s)", (turn,))


def _upsert_bare(url: str, rows: list[CaseRow]) -> tuple[float, float]:
    """Upserts what the steps leave behind, packing not timed; returns seconds, and those of the processor."""
    update = ", ".join(f"{name} = excluded.{name}" for name in cases.COLUMNS[2:])
    chunks = []
    for start in range(0, len(rows), _PER_TRANSACTION):
        latest = {row.case_id: row for row in rows[start : start + _PER_TRANSACTION]}
        ordered = sorted(latest.values(), key=lambda row: (row.home_region, row.case_id))
        chunks.append(b"".join((bulk.HEADER, *map(cases.pack, ordered), bulk.TRAILER)))
    statement = f"INSERT INTO bare_cases SELECT * FROM stage ON CONFLICT (home_region, case_id) DO UPDATE SET {update}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE stage (LIKE bare_cases) ON COMMIT DELETE ROWS")
        before = _processor_time(connection.info.backend_pid)
        begun = time.perf_counter()
        for chunk in chunks:
            with connection.transaction():
                with connection.cursor() as cursor, cursor.copy(_copy("stage")) as copy:
                    copy.write(chunk)
                connection.execute(statement.encode())
        return time.perf_counter() - begun, _processor_time(connection.info.backend_pid) - before


if __name__ == "__main__":
    import json

    for result in asyncio.run(measure()):
        print(json.dumps(result, ensure_ascii=False, indent=1))
