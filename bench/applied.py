"""Applied: half new, half changes, over 1,000,000 cases, one apply worker, against a bare upsert of the same cases.

The bare side is "COPY to a temporary table, then INSERT … ON CONFLICT DO UPDATE" of ready bytes into a copy of the
``cases`` table with its indexes, in transactions of the size the worker used. Apply also writes sections, figure
deltas, outgoing parcels and receipts. The worker's time runs from its first receipt to its last.
"""

import asyncio
import time
from statistics import median
from typing import Any

import psycopg

from auth.principal import Principal
from bench.staged import ACCEPTED, APPLIED, count, stage, wait_for
from bench.workload import ISSUER, change_payload, changed_row_of, new_payload, row_of
from exchange_db import bulk, cases
from exchange_db.inbox import Arrival, append, open_stream
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.demo.staging import StagedHub
from hub.intake.validation import Gate

KNOWN = 1_000_000
COUNT = 60_000
ROUNDS = 3
_SIZE = 4_000
_SENDER = Principal("431200.hub", 431200, "hub", "child", 0, "")


async def measure(known: int = KNOWN) -> dict[str, Any]:
    """Runs the rounds and returns rates and their ratio."""
    async with stage() as staged:
        parent = await staged.add_hub("430000.hub", "湖南省")
        hub = await staged.add_hub("431200.hub", "怀化市")
        parent.start("intake")
        await parent.wait_until_open()
        await staged.join(parent, hub)
        parent.stop()
        await asyncio.to_thread(_load_known, hub.url, known)
        applied, bare, sizes = [], [], []
        for turn in range(ROUNDS):
            numbers = range(known + turn * COUNT, known + (turn + 1) * COUNT)
            for side in ("hub", "bare") if turn % 2 else ("bare", "hub"):
                if side == "hub":
                    rate, size = await _apply(hub, numbers, turn)
                    applied.append(rate)
                    sizes.append(size)
                else:
                    bare.append(await asyncio.to_thread(_upsert_bare, hub.url, numbers, turn))
        ratio = median(applied) / median(bare)
        return {
            "what": "applied",
            "cases_before": known,
            "hub_per_second": round(median(applied)),
            "bare_upsert_per_second": round(median(bare)),
            "records_per_transaction": round(median(sizes)),
            "bare_per_transaction": _SIZE,
            "ratio": round(ratio, 3),
            "must_reach": 0.6,
            "is_reached": ratio >= 0.6,
        }


def _changed(turn: int, index: int) -> int:
    """Returns which known case the index-th change of a round is about: spread over all, never twice."""
    return (turn * COUNT + index) * 7 % KNOWN


def _load_known(url: str, known: int) -> None:
    """Puts the known cases into ``cases`` and into its copy for the bare side."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare_cases (LIKE cases INCLUDING ALL) WITH (fillfactor = 80)")
        for start in range(0, known, 50_000):
            rows = [cases.pack(row_of(number)) for number in range(start, min(start + 50_000, known))]
            data = b"".join((bulk.HEADER, *rows, bulk.TRAILER))
            for table in ("cases", "bare_cases"):
                with connection.cursor() as cursor, cursor.copy(_copy(table)) as copy:
                    copy.write(data)
        connection.execute("VACUUM ANALYZE cases")
        connection.execute("VACUUM ANALYZE bare_cases")
        connection.execute("CHECKPOINT")


def _copy(table: str) -> bytes:
    return f"COPY {table} ({', '.join(cases.COLUMNS)}) FROM STDIN (FORMAT binary)".encode()


async def _apply(hub: StagedHub, numbers: range, turn: int) -> tuple[float, float]:
    payloads = []
    for index, number in enumerate(numbers):
        payloads.append(new_payload(number) if index % 2 else change_payload(_changed(turn, index)))
    await _append(hub.url, payloads, turn)
    total = count(hub.url, ACCEPTED)
    runs = count(hub.url, _RUNS)
    hub.start("apply")
    # The one row of receipts a partition and run is written in the run's own transaction.
    await wait_for(hub.url, APPLIED, total, 120)
    hub.stop()
    with psycopg.connect(hub.url) as connection:
        row = connection.execute(_SPAN, (turn,)).fetchone()
    assert row is not None
    held = count(hub.url, "SELECT count(*) FROM quarantine")
    if held:
        raise AssertionError(f"{held} records in quarantine")
    begun, ended = row
    size = COUNT / max(1, count(hub.url, _RUNS) - runs)
    return (COUNT - size) / (ended - begun), size


#: A run writes its receipts at one moment; the first run of a round is left out of the span, as is its size.
_RUNS = "SELECT count(DISTINCT settled_time) FROM receipts"
_SPAN = (
    "SELECT extract(epoch FROM min(settled_time))::float8, extract(epoch FROM max(settled_time))::float8 FROM receipts"
    " WHERE first_inbox_id >="
    " (SELECT min(inbox_id) FROM inbox JOIN streams USING (stream_id) WHERE name = 'round' || %s::text)"
)


async def _append(url: str, payloads: list[bytes], turn: int) -> None:
    """Puts records into the log, the way intake does."""
    gate = Gate(_SENDER, 430000)
    async with Ledger(url, pool_size=0) as ledger, ledger.dedicated() as connection:
        stream = await open_stream(connection, ISSUER, f"round{turn}")
        for start in range(0, len(payloads), _SIZE):
            now = system_clock()
            items = [gate.check(payload, now) for payload in payloads[start : start + _SIZE]]
            async with connection.transaction() as session:
                await append(session, [Arrival(stream.stream_id, ISSUER, "", start + 1, items)], now)


def _upsert_bare(url: str, numbers: range, turn: int) -> float:
    """Upserts the rows the round leaves behind; packing them is not timed."""
    rows = []
    for index, number in enumerate(numbers):
        rows.append(row_of(number) if index % 2 else changed_row_of(_changed(turn, index)))
    update = ", ".join(f"{name} = excluded.{name}" for name in cases.COLUMNS[2:])
    chunks = []
    for start in range(0, COUNT, _SIZE):
        ordered = sorted(rows[start : start + _SIZE], key=lambda row: (row.home_region, row.case_id))
        chunks.append(b"".join((bulk.HEADER, *map(cases.pack, ordered), bulk.TRAILER)))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE stage (LIKE bare_cases) ON COMMIT DELETE ROWS")
        statement = (
            f"INSERT INTO bare_cases SELECT * FROM stage ON CONFLICT (home_region, case_id) DO UPDATE SET {update}"
        )
        begun = time.perf_counter()
        for chunk in chunks:
            with connection.transaction():
                with connection.cursor() as cursor, cursor.copy(_copy("stage")) as copy:
                    copy.write(chunk)
                connection.execute(statement.encode())
        return COUNT / (time.perf_counter() - begun)
