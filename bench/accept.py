"""Accepted durably: one stream, batches of 1,000, one intake process, against raw binary COPY of the same rows.

The raw side copies ready bytes into copies of the log's two tables (``inbox`` with its partition, ``inbox_keys``)
with all their indexes, in transactions of the size the hub used, over one connection. The order of the two alternates,
and the copies grow as the tables do: each round gets the rows the hub took in the round before.
"""

import asyncio
import time
from statistics import median
from typing import Any

import psycopg

from bench.staged import count, stage, target_of
from bench.workload import ISSUER, report_payload
from connectors.transports.grpc_peer import GrpcPeer, Target
from exchange_db import bulk
from hub.demo.staging import Stage, StagedHub

BATCH = 1_000
COUNT = 60_000
ROUNDS = 5


async def measure() -> dict[str, Any]:
    """Runs the rounds and returns rates and their ratio."""
    async with stage() as staged:
        hub = await _hub(staged)
        profile = await staged.add_platform(hub, ISSUER)
        payloads = [report_payload(number) for number in range(COUNT * (ROUNDS + 1))]
        hub_rates, raw_rates, sizes = [], [], []
        await push(target_of(profile), _share(payloads, 0))
        sizes.append(COUNT / count(hub.url, _TRANSACTIONS))
        await asyncio.to_thread(_make_copies, hub.url)
        for turn in range(ROUNDS):
            for side in ("hub", "raw") if turn % 2 else ("raw", "hub"):
                if side == "hub":
                    before = count(hub.url, _TRANSACTIONS)
                    hub_rates.append(await push(target_of(profile), _share(payloads, turn + 1)))
                    sizes.append(COUNT / (count(hub.url, _TRANSACTIONS) - before))
                else:
                    raw_rates.append(await asyncio.to_thread(_copy_raw, hub.url, turn, round(median(sizes))))
        ratio = median(hub_rates) / median(raw_rates)
        return {
            "what": "accepted durably",
            "hub_per_second": round(median(hub_rates)),
            "raw_copy_per_second": round(median(raw_rates)),
            "cases_per_transaction": round(median(sizes)),
            "ratio": round(ratio, 3),
            "must_reach": 0.6,
            "is_reached": ratio >= 0.6,
        }


_TRANSACTIONS = "SELECT count(DISTINCT received_time) FROM inbox"


async def _hub(staged: Stage) -> StagedHub:
    hub = await staged.add_hub("431200.hub", "怀化市")
    hub.start("intake")
    await hub.wait_until_open()
    return hub


async def push(target: Target, payloads: list[bytes]) -> float:
    """Pushes records in batches over one stream and returns the rate, until the last is answered as taken."""
    batches = [payloads[start : start + BATCH] for start in range(0, len(payloads), BATCH)]
    async with GrpcPeer(target) as peer, peer.push("bench") as stream:
        begun = time.perf_counter()

        async def send() -> None:
            sequence = stream.next_sequence
            for batch in batches:
                await stream.send(sequence, batch)
                sequence += len(batch)

        sending = asyncio.create_task(send())
        answered = 0
        async for answer in stream.answers():
            if answer.verdict is not None:
                if set(answer.verdict.outcomes) != {1}:
                    raise AssertionError(answer.verdict.verdicts[:1])
                answered += len(answer.verdict.outcomes)
            if answered == len(payloads):
                break
        elapsed = time.perf_counter() - begun
        await sending
    return len(payloads) / elapsed


def _share(payloads: list[bytes], turn: int) -> list[bytes]:
    return payloads[turn * COUNT : (turn + 1) * COUNT]


def _make_copies(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _COPIES:
            connection.execute(statement)


def _copy_raw(url: str, turn: int, size: int) -> float:
    """Copies the rows of one round into the copies of the tables; reading them is not timed."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [
            (f"COPY copied_{table} FROM STDIN (FORMAT binary)", _packed(connection, table, turn))
            for table in ("inbox", "inbox_keys")
        ]
        begun = time.perf_counter()
        for start in range(0, COUNT, size):
            with connection.transaction():
                for copying, packed in tables:
                    with connection.cursor() as cursor, cursor.copy(copying.encode()) as copy:
                        copy.write(b"".join((bulk.HEADER, *packed[start : start + size], bulk.TRAILER)))
        return COUNT / (time.perf_counter() - begun)


_COPIES = (
    b"CREATE TABLE copied_inbox (LIKE inbox INCLUDING ALL) PARTITION BY RANGE (inbox_id)",
    b"CREATE TABLE copied_inbox_all PARTITION OF copied_inbox DEFAULT",
    b"CREATE TABLE copied_inbox_keys (LIKE inbox_keys INCLUDING ALL)",
)


def _packed(connection: "psycopg.Connection[Any]", table: str, turn: int) -> list[bytes]:
    """Reads the rows of one round as the very bytes COPY sends, one piece a row."""
    first, last = turn * COUNT + 1, (turn + 1) * COUNT
    query = (
        f"COPY (SELECT * FROM {table} WHERE sequence BETWEEN {first} AND {last} ORDER BY inbox_id)"
        " TO STDOUT (FORMAT binary)"
    )
    with connection.cursor() as cursor, cursor.copy(query.encode()) as copy:
        rows = [bytes(piece) for piece in copy]
    rows[0] = rows[0].removeprefix(bulk.HEADER)
    rows = [row for row in rows if row != bulk.TRAILER]
    assert len(rows) == COUNT
    return rows
