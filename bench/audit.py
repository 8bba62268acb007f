"""Appending to the audit log, durably: entries a second beside what one row a transaction costs this very server.

The limit is the same row without chain, tree, head or lock, committed one by one by 32 writers; it is taken in
the same run, turn by turn. Three ways: writers of one entry a transaction each, who wait for each other at the head;
the same entries collected while a commit is under way (``JointActs``, as codes of a sign-on are given); and an act of
many entries.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

from auth.joint_acts import JointActs
from bench.staged import stage
from exchange_db import audit
from exchange_db.audit_records import AuditEntry, host_actor
from exchange_db.session import Ledger

#: Connections of those who commit by themselves, and callers who wait for their entry.
_WRITERS, _CALLERS = 32, 256
_ROUNDS = 3
_SECONDS = 2.0
_MANY = 500
_MUST_APPEND = 5_000
_ENTRY = AuditEntry(
    actor=host_actor("zhang"), action="case.unmask", object="SJ00012345", region=431221,
    detail={"purpose": "回访", "session": "0f2b7a4e-0000-4000-8000-000000000000"},
)  # fmt: skip
_PLAIN = (
    "INSERT INTO plain_entries (recorded_time, actor, action, object, outcome, reason, region, content)"
    " VALUES (now(), %s, %s, %s, %s, %s, %s, %s)"
)


async def measure() -> list[dict[str, Any]]:
    """Appends for some seconds in each way, three turns."""
    async with stage() as staged:
        hub = await staged.add_hub("431200.hub", "怀化市")
        async with Ledger(hub.url, pool_size=_WRITERS) as ledger:
            async with ledger.write() as session:
                await session.driver.execute(
                    "CREATE TABLE plain_entries (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                    " recorded_time timestamptz, actor text, action text, object text, outcome text, reason text,"
                    " region int, content bytea)"
                )
            ways: dict[str, Callable[[], Awaitable[float]]] = {
                "plain": lambda: _many_at_once(_plain(ledger)),
                "alone": lambda: _many_at_once(_alone(ledger)),
                "collected": lambda: _collected(ledger),
                "at_once": lambda: _together(ledger),
            }
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(_ROUNDS):
                for name, way in ways.items():
                    rates[name].append(await way())
    found = {name: median(each) for name, each in rates.items()}
    result = {
        "what": f"audit entries appended durably, {_CALLERS} at once",
        "entries_per_second": round(found["collected"]),
        "one_transaction_each": round(found["alone"]),
        f"acts_of_{_MANY}_entries": round(found["at_once"]),
        "plain_rows_one_transaction_each": round(found["plain"]),
        "share_of_limit": round(found["collected"] / found["plain"], 2),
        "must_reach": f"{_MUST_APPEND:,} entries/s",
        "is_reached": found["collected"] >= _MUST_APPEND,
    }
    return [result]


async def _many_at_once(write: Callable[[], Awaitable[None]], count_at_once: int = _WRITERS) -> float:
    count, begun = 0, time.perf_counter()

    async def writer() -> None:
        nonlocal count
        while time.perf_counter() - begun < _SECONDS:
            await write()
            count += 1

    await asyncio.gather(*[writer() for _ in range(count_at_once)])
    return count / (time.perf_counter() - begun)


def _plain(ledger: Ledger) -> Callable[[], Awaitable[None]]:
    async def write() -> None:
        async with ledger.write() as session:
            values = (_ENTRY.actor, _ENTRY.action, _ENTRY.object, "done", "", _ENTRY.region, b"{}" * 150)
            await session.driver.execute(_PLAIN, values)

    return write


def _alone(ledger: Ledger) -> Callable[[], Awaitable[None]]:
    async def write() -> None:
        async with ledger.write() as session:
            await audit.append(session, _ENTRY)

    return write


async def _collected(ledger: Ledger) -> float:
    acts = JointActs(ledger, audit.append_all)

    async def write() -> None:
        await acts.do(_ENTRY)

    return await _many_at_once(write, _CALLERS)


async def _together(ledger: Ledger) -> float:
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < _SECONDS:
        async with ledger.write() as session:
            await audit.append_all(session, [_ENTRY] * _MANY)
        count += _MANY
    return count / (time.perf_counter() - begun)
