"""Comparing a partner's database with the ledger: a million equal rows, a hundred that differ, all of it anew.

The rows are known to the ledger as if they had been picked up. ``SANJI_BENCH_ROWS`` makes them fewer for a trial,
``SANJI_BENCH_PEERS=0`` leaves reladiff out.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from bench.foreign_tools import NotMeasured, reladiff_seconds
from bench.partner_databases import FILLED, make_case_table, partner_server, write_cases
from exchange_db import migrate, months, peers, pickups
from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import open_partner
from exchange_db.intermediate.reading.pages import ChangedRow, ReadTable
from exchange_db.peers import NewPeer, Peer
from exchange_db.pickups import Pickup
from exchange_db.session import Dedicated, Ledger
from hub.clock import system_clock
from hub.intake.desk import IntakeDesk
from hub.intermediate.balancing import Balance
from hub.intermediate.installing import install
from hub.intermediate.link_files import DatabaseLink, find_link
from hub.intermediate.pickup import PickupWorker
from hub.intermediate.sources import Followed
from hub.intermediate.translation import Translation
from hub.listener import Listener

_ROWS = int(os.environ.get("SANJI_BENCH_ROWS", "1000000"))
_PARTNER, _CITY = "431221.platform", 431200
_PAGE = 10_000
_DIFFERING = 100


async def measure() -> list[dict[str, Any]]:
    """Returns the measurements."""
    with partner_server("balance") as url, partner_server("ledger") as ledger_url, partner_server("twin") as twin:
        migrate.upgrade(ledger_url)
        await asyncio.to_thread(_fill, url)
        async with _link(ledger_url, url) as (ledger, peer, link, folder), ledger.dedicated() as connection:
            await _know_all(connection, url)
            balance = Balance(ledger, connection, system_clock, _CITY, peer, link, patience_seconds=30.0)
            first = await _seconds(balance)
            equal = await _seconds(balance)
            full = await _seconds(balance, is_full=True)
            repair = await _repaired(ledger, balance, peer, url, folder)
        results = [
            _result(f"{_ROWS} equal rows, nothing written since", equal, "<= 1.0 s", equal <= 1.0)
            | {"first_seconds": round(first, 2)},
            _result(f"{_DIFFERING} rows that differ, found and picked up", repair, "<= 10.0 s", repair <= 10.0),
        ]
        return [*results, await asyncio.to_thread(_beside_reladiff, url, twin, full)]


def _result(what: str, seconds: float, must_reach: str, is_reached: bool) -> dict[str, Any]:  # noqa: FBT001
    return {
        "what": f"reconciling a partner's database: {what}",
        "seconds": round(seconds, 3),
        "must_reach": must_reach,
        "is_reached": is_reached,
    }


def _fill(url: str) -> None:
    make_case_table(url)
    write_cases(url, 1, _ROWS)


@asynccontextmanager
async def _link(ledger_url: str, url: str) -> AsyncIterator[tuple[Ledger, Peer, DatabaseLink, Path]]:
    """Yields a ledger that knows the partner, with capture installed there."""
    with tempfile.TemporaryDirectory(prefix="sanji-bench-") as name:
        folder = Path(name)
        (folder / "partner.toml").write_text(f'peer = "{_PARTNER}"\nname = "中方县"\nurl = "{url}"\n')
        link = find_link(folder, _PARTNER)
        async with Ledger(ledger_url) as ledger, open_partner(url) as partner:
            await install(partner, link, "431200.hub")
            mark, never = f"{peers.DATABASE}{_PARTNER}", datetime(9999, 12, 31, tzinfo=UTC)
            async with ledger.write() as session:
                await months.ensure(session, system_clock())
                await peers.enrol(
                    session, NewPeer(_PARTNER, "中方县", 431221, "platform", "child", peers.DATABASE, mark, never)
                )
            async with ledger.read() as session:
                peer = await peers.by_id(session, _PARTNER)
            if peer is None:
                raise LookupError(_PARTNER)
            yield ledger, peer, link, folder


async def _know_all(connection: Dedicated, url: str) -> None:
    """Has the ledger know all rows as if they had been picked up."""
    async with open_partner(url) as partner:
        table = ReadTable.ours(partner.dialect, schema.CASE)
        asked = f"SELECT {', '.join(table.expressions)} FROM x_case WHERE case_no > %s ORDER BY case_no LIMIT {_PAGE}"
        after = ""
        while rows := await partner.fetch(asked, (after,)):
            after = rows[-1][1]
            changed = [ChangedRow("x_case", row[:2], row) for row in rows]
            picked = Translation(_PARTNER, {"x_case": Followed(table, None)}, {}).translate(changed).rows
            async with connection.transaction() as session:
                await pickups.note(session, 1, 1, Pickup(_PARTNER, "key_log", None, picked), ())
                await session.driver.execute("DELETE FROM pickup_rows")


async def _seconds(balance: Balance, *, is_full: bool = False, is_repairing: bool = False) -> float:
    begun = time.perf_counter()
    tables, troubles = await balance.run(is_full=is_full, is_repairing=is_repairing)
    seconds = time.perf_counter() - begun
    left = sum(len(one.found) - len(one.resent) for one in tables)
    if left or troubles or sum(one.other_count for one in tables) != _ROWS:
        raise ValueError(f"{left} differences left, {troubles}")
    return seconds


async def _repaired(ledger: Ledger, balance: Balance, peer: Peer, url: str, folder: Path) -> float:
    """Changes rows behind the capture's back, and returns how long finding and picking them up takes."""
    desk = IntakeDesk(ledger, Listener(ledger), _CITY, system_clock)
    worker = PickupWorker(ledger, desk.hand_in, lambda _: 1.0, folder, "bench", peer)
    tasks = [asyncio.create_task(desk.run()), asyncio.create_task(worker.run())]
    try:
        with psycopg.connect(url, autocommit=True) as partner:
            partner.execute("SET sanji.exchange = 'on'")
            partner.execute(
                "UPDATE x_case SET address = '东街', revision = 2"
                f" WHERE right(case_no, 8)::int % {_ROWS // _DIFFERING} = 7"
            )
        return await _seconds(balance, is_repairing=True)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _beside_reladiff(url: str, twin: str, full: float) -> dict[str, Any]:
    result = _result(f"{_ROWS} equal rows, all summed up anew", full, ">= 4 times as fast as reladiff 0.6.0", True)  # noqa: FBT003
    if os.environ.get("SANJI_BENCH_PEERS") == "0":
        return result | {"reladiff_seconds": None}
    _fill(twin)
    for one in (url, twin):
        with psycopg.connect(one, autocommit=True) as connection:
            connection.execute(
                "UPDATE x_case SET address = '东街', revision = 2 WHERE right(case_no, 8)::int % 1000 = 7"
            )
            # It cannot use a text as the key.
            connection.execute(
                "ALTER TABLE x_case ADD n bigint UNIQUE GENERATED ALWAYS AS (right(case_no, 8)::bigint) STORED"
            )
            connection.execute("VACUUM ANALYZE x_case")
    columns = tuple(name for name in FILLED if name != "written_time")
    try:
        theirs = reladiff_seconds(url, twin, columns)
    except NotMeasured as error:
        return result | {"reladiff_seconds": None, "reladiff_trouble": str(error)}
    ratio = theirs / full
    return result | {"reladiff_seconds": round(theirs, 2), "ratio": round(ratio, 2), "is_reached": ratio >= 4}
