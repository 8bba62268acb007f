"""The exchange with partners' databases, on servers of their own and durable: picking up, writing back, the whole way.

The limit of the rates is PostgreSQL's own logical replication of the same rows between two such servers in the same
run. dlt and Debezium are run on them as well, unless ``SANJI_BENCH_PEERS=0``. ``SANJI_BENCH_ROWS`` takes another number
of rows for a trial.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench import exchange_capture, native_replication
from bench.exchange_partners import AUTHORITY, REPORTER, Pair, link, pair_of, rate_until
from bench.foreign_tools import NotMeasured, debezium_rows_per_second, dlt_rows_per_second
from bench.partner_databases import ROWS
from bench.staged import ACCEPTED, APPLIED, MemoryWatch, count, percentiles, stage, wait_for
from exchange_db import pickups
from exchange_db.intermediate.partner import open_partner
from exchange_db.intermediate.reading.snapshot_log import SOURCE
from exchange_db.intermediate.writing.link_row import set_delivered
from exchange_db.session import Ledger
from hub.demo.mariadb import MARIADBD
from hub.demo.staging import Stage, StagedHub

#: Everything of the partner's that has an answer, taken or refused.
_ANSWERED = "SELECT sum(accepted_count + refused_count + duplicate_count) FROM streams"
_REFUSED = "SELECT sum(refused_count) FROM streams"
#: The same, and what is kept unread.
_DURABLE = f"SELECT ({_ANSWERED}) + (SELECT coalesce(sum(row_count), 0) FROM pickup_pages)"
_SINGLE = {"postgresql": 400, "mariadb": 100}
_OPEN_SECONDS = 5.0
_BAD_PART = 1_000
#: How many times as fast as other tools picking up must be.
_TIMES_PEER = 5.0

Result = dict[str, Any]


async def measure(applied_per_second: float, rows: int = 0) -> list[Result]:
    """Runs everything; ``applied_per_second`` is the rate the whole way is compared with."""
    rows = rows or int(os.environ.get("SANJI_BENCH_ROWS", ROWS))
    native = await asyncio.to_thread(native_replication.rows_per_second, rows)
    results = [await asyncio.to_thread(exchange_capture.measure, max(rows // 5, 5_000))]
    async with stage() as staged, pair_of("postgresql") as pair:
        postgresql = _Exchange(staged, pair, await link(staged, pair))
        await postgresql.open()
        results += await postgresql.rates(rows, native)
        results.append(await postgresql.whole_way(rows // 5, applied_per_second))
        results.append(await postgresql.bad_rows(rows // 5))
        results += await postgresql.latency()
        results.append(postgresql.memory())
    if MARIADBD.exists():
        results += await _mariadb(rows // 10, results)
    if os.environ.get("SANJI_BENCH_PEERS", "1") != "0":
        results += [await _peer(name, run, rows, results) for name, run in _PEERS.items()]
    return results


_PEERS: dict[str, Callable[[int], float]] = {"dlt": dlt_rows_per_second, "Debezium": debezium_rows_per_second}


async def _peer(name: str, run: Callable[[int], float], rows: int, results: list[Result]) -> Result:
    ours = next(result["hub_per_second"] for result in results if result["what"].startswith("pick-up"))
    what = f"pick-up against {name}"
    try:
        theirs = await asyncio.to_thread(run, rows)
    except NotMeasured as reason:
        return {"what": what, "not_measured": str(reason), "must_reach": _TIMES_PEER, "is_reached": False}
    return {"hub_per_second": ours, **_judged(what, ours / theirs, _TIMES_PEER, theirs_per_second=round(theirs))}


async def _mariadb(rows: int, results: list[Result]) -> list[Result]:
    rate_of = {result["what"].split(",")[0]: result.get("hub_per_second", 0) for result in results}
    async with stage() as staged, pair_of("mariadb") as pair:
        mariadb = _Exchange(staged, pair, await link(staged, pair))
        await mariadb.open()
        picked_up, written = await mariadb.picked_up(rows), await mariadb.written_back()
        return [
            # Rows of MariaDB are not kept first: both are counted when they are records.
            _judged("MariaDB: pick-up into the inbox as a share of PostgreSQL's", picked_up / rate_of["records"], 0.5,
                    hub_per_second=round(picked_up)),
            _judged("MariaDB: write-back as a share of PostgreSQL's", written / rate_of["write-back"], 0.3,
                    hub_per_second=round(written)),
            *await mariadb.latency(),
        ]  # fmt: skip


def _judged(what: str, ratio: float, must_reach: float, **measured: Any) -> Result:
    return {
        "what": what,
        **measured,
        "ratio": round(ratio, 3),
        "must_reach": must_reach,
        "is_reached": ratio >= must_reach,
    }


class _Exchange:
    """A hub between two partners; between the measurements it does not run."""

    def __init__(self, staged: Stage, pair: Pair, hub: StagedHub) -> None:
        self._pair = pair
        self._hub = hub
        self._watch = MemoryWatch([hub])
        self._staged = staged

    async def open(self) -> None:
        """Makes the partners' tables."""
        await self._pair.make_tables()

    async def _answered(self) -> int:
        return await asyncio.to_thread(count, self._hub.url, _ANSWERED)

    async def _work(self, roles: str, counted: Callable[[], Awaitable[int]], wanted: int) -> float:
        """Lets some roles work until a count is reached and returns how many a second were added."""
        self._hub.start(roles)
        watching = asyncio.create_task(self._watch.run())
        try:
            return await rate_until(counted, wanted)
        finally:
            watching.cancel()
            await asyncio.to_thread(self._hub.stop)

    async def picked_up(self, rows: int) -> float:
        """Lets the partner write rows, then picks them up; returns rows a second that became records here."""
        await self._pair.write(rows)
        return await self._work("deliver", self._answered, self._pair.written)

    async def kept_and_picked_up(self, rows: int) -> tuple[float, float]:
        """Does the same; returns rows a second until all were durable here, and until all had become records."""
        await self._pair.write(rows)
        self._hub.start("deliver")
        watching = asyncio.create_task(self._watch.run())
        try:
            kept = await rate_until(self._durable, self._pair.written)
            already = await self._answered()
            made = await rate_until(self._answered, self._pair.written)
        finally:
            watching.cancel()
            await asyncio.to_thread(self._hub.stop)
        return kept, rows / (rows / kept + (rows - already) / made)

    async def _durable(self) -> int:
        """Returns how many rows are on the hub's disk; all of them only when it has left none at the partner.

        Rows of a page that is becoming records are counted twice, so the end is told by the position alone.
        """
        found = await asyncio.to_thread(count, self._hub.url, _DURABLE)
        if found < self._pair.written:
            return found
        return found if await self._is_drained() else self._pair.written - 1

    async def _is_drained(self) -> bool:
        async with Ledger(self._hub.url, pool_size=0) as ledger, ledger.watching() as connection:
            position = await pickups.position_of(connection.driver, REPORTER, SOURCE)
        done, draining, *_ = json.loads(position or "[null, null]")
        if done is None or draining is not None:
            return False
        left = "SELECT 1 FROM x_change_log WHERE NOT pg_visible_in_snapshot(tx, %s::pg_snapshot) LIMIT 1"
        return not await self._pair.reporter.fetch(left, (done,))

    async def written_back(self) -> float:
        """Applies what waits and then writes it to the other partner; returns rows a second."""
        await self._apply()
        return await self._work("deliver", self._pair.delivered, self._due())

    async def _apply(self) -> None:
        self._hub.start("apply")
        await wait_for(self._hub.url, APPLIED, count(self._hub.url, ACCEPTED), 900)
        await asyncio.to_thread(self._hub.stop)

    def _due(self) -> int:
        """Returns how many parcels the other partner gets in all."""
        return count(self._hub.url, ACCEPTED)

    async def rates(self, rows: int, native: float) -> list[Result]:
        """Measures picking up, writing back, and writing back what is there already."""
        kept, picked_up = await self.kept_and_picked_up(rows)
        written = await self.written_back()
        await set_delivered(self._pair.told, AUTHORITY, 0)
        again = await self._work("deliver", self._pair.delivered, self._due())
        told = {"native_per_second": round(native)}
        return [
            _judged("pick-up, partner's rows durable at the hub, against native replication", kept / native, 1.3,
                    hub_per_second=round(kept), **told),
            {"what": "records, partner's rows in the inbox (for information)", "hub_per_second": round(picked_up),
             "ratio_to_native": round(picked_up / native, 3), **told},
            _judged("write-back, against native replication", written / native, 1.0,
                    hub_per_second=round(written), **told),
            _judged("write-back of rows that are there, against new ones", again / written, 1.4,
                    hub_per_second=round(again)),
        ]  # fmt: skip

    async def whole_way(self, rows: int, applied_per_second: float) -> Result:
        """Measures from one partner through the hub to the other, all at once."""
        await self._pair.write(rows)
        rate = await self._work("deliver,apply", self._pair.delivered, self._pair.written)
        return _judged(
            "partner to partner, against apply alone", rate / applied_per_second, 0.8,
            hub_per_second=round(rate), applied_per_second=round(applied_per_second),
        )  # fmt: skip

    async def bad_rows(self, rows: int) -> Result:
        """Measures picking up rows of which one in a thousand breaks the rules, against clean ones."""
        clean = await self.picked_up(rows)
        await self._pair.write(rows)
        first, last = self._pair.written - rows + 1, self._pair.written
        held = await asyncio.to_thread(count, self._hub.url, _REFUSED)
        bad = await self._pair.reporter.execute(
            "UPDATE x_case SET region_code = NULL WHERE case_no >= %s AND case_no <= %s"
            f" AND right(case_no, 3) = '{_BAD_PART - 1}'",
            (f"C2020-{first:08d}", f"C2020-{last:08d}"),
        )
        # Written once, not corrected: each is to be read once.
        await self._pair.reporter.execute("DELETE FROM x_change_log WHERE op = 'U'")
        rate = await self._work("deliver", self._answered, self._pair.written)
        held = await asyncio.to_thread(count, self._hub.url, _REFUSED) - held
        result = _judged(
            "pick-up with 0.1 % bad rows, against clean ones", rate / clean, 0.7,
            hub_per_second=round(rate), clean_per_second=round(clean), bad_rows=bad, held_rows=held,
        )  # fmt: skip
        return {**result, "is_reached": result["is_reached"] and held == bad}

    async def latency(self) -> list[Result]:
        """Measures single rows from partner to partner; on PostgreSQL also beside an open transaction."""
        engine = self._pair.engine
        await self._apply()
        self._hub.start("deliver,apply")
        try:
            await self._pair.until_delivered(self._due())
            for _ in range(5):
                await self._pair.write_one()
            alone = await self._single(_SINGLE[engine])
            if engine == "mariadb":
                return [_late("MariaDB: one row, partner to partner", alone, None, 1_200.0)]
            beside = await self._beside_open_transaction()
        finally:
            await asyncio.to_thread(self._hub.stop)
        return [
            _late("one row, partner to partner", alone, 15.0, 60.0),
            _late("one row beside a transaction open for 5 s", beside, None, 2 * alone["p99_ms"]),
        ]

    async def _single(self, rows: int) -> dict[str, float]:
        return percentiles([await self._pair.write_one() * 1_000 for _ in range(rows)])

    async def _beside_open_transaction(self) -> dict[str, float]:
        async with open_partner(self._pair.urls[0], "UTC") as other:
            taken: list[float] = []
            async with other.transaction():
                await other.execute("UPDATE x_case SET channel_ticket_no = 'open' WHERE case_no = 'C2020-00000002'")
                until = time.monotonic() + _OPEN_SECONDS
                while time.monotonic() < until:
                    taken.append(await self._pair.write_one() * 1_000)
        return percentiles(taken)

    def memory(self) -> Result:
        """Returns the most memory a process of the hub took in all this."""
        report = self._watch.report()
        peak = max(found["peak_mb"] for found in report.values())
        return {
            "what": "memory of the hub while exchanging",
            "processes": report,
            "must_reach": "peak <= 200 MB",
            "is_reached": peak <= 200,
        }


def _late(what: str, found: dict[str, float], p50: float | None, p99: float) -> Result:
    bars = [*([f"p50 <= {p50:g} ms"] if p50 else []), f"p99 <= {p99:g} ms"]
    is_reached = found["p99_ms"] <= p99 and (p50 is None or found["p50_ms"] <= p50)
    return {"what": what, **found, "must_reach": ", ".join(bars), "is_reached": is_reached}
