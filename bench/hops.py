"""One hop, one call, a full load and a catch-up: two hubs with all roles, the lower one's platform as the sender.

The hop's limit is what the machine must do for it at least: two durable commits on each side. It is measured in the
same run as four one-row commits, one after another, on the same server.
"""

import asyncio
import time
from statistics import median
from typing import Any
from uuid import UUID

import psycopg

from bench.staged import ACCEPTED, APPLIED, MemoryWatch, count, percentiles, stage, target_of, wait_for
from bench.workload import HANDLER, ISSUER, new_payload, report_payload
from connectors.transports.grpc_peer import GrpcPeer, Target, asked
from hub.demo.staging import Stage, StagedHub
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2, receipt_pb2

_QUIET = "[deliver]\nbackoff_cap_seconds = 2\n"
_PER_SECOND = 50
_SINGLE = 1_000
_CALLS = 400
_OUTAGE = 100_000
_BATCH = 1_000
_HOP = (
    "SELECT (extract(epoch FROM r.settled_time) * 1000)::float8, i.message_key::text FROM inbox i"
    " JOIN LATERAL (SELECT settled_time FROM receipts r WHERE r.partition = i.partition"
    " AND r.last_inbox_id >= i.inbox_id ORDER BY r.last_inbox_id LIMIT 1) r ON true"
)
_LEFT = (
    "SELECT i.message_key::text, (extract(epoch FROM i.received_time) * 1000)::float8 FROM inbox i"
    " JOIN streams s USING (stream_id) WHERE s.name = 'hop'"
)


async def measure(applied_per_second: float) -> list[dict[str, Any]]:
    """Runs all four; ``applied_per_second`` is the rate the catch-up is compared with."""
    async with stage() as staged:
        upper = await staged.add_hub("430000.hub", "湖南省", _QUIET)
        lower = await staged.add_hub("431200.hub", "怀化市", _QUIET)
        for hub in (upper, lower):
            hub.start()
            await hub.wait_until_open()
        await staged.join(upper, lower)
        target = target_of(await staged.add_platform(lower, ISSUER))
        await staged.add_platform(lower, HANDLER)
        commits = await asyncio.to_thread(_commit_milliseconds, lower.url)
        hop = await _hop(target, lower, upper, commits)
        call = await _calls(target, commits)
        memory, catch_up = await _catch_up(staged, target, lower, upper, applied_per_second)
        return [hop, call, memory, catch_up]


def _commit_milliseconds(url: str) -> float:
    """Returns the median of a durable one-row commit."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE commits (number bigint PRIMARY KEY)")
        taken = []
        for number in range(500):
            begun = time.perf_counter()
            connection.execute("INSERT INTO commits VALUES (%s)", (number,))
            taken.append((time.perf_counter() - begun) * 1_000)
    return median(taken)


async def _hop(target: Target, lower: StagedHub, upper: StagedHub, commits: float) -> dict[str, Any]:
    async with GrpcPeer(target) as peer, peer.push("hop") as stream:
        begun = time.perf_counter()
        for number in range(_SINGLE):
            await stream.send(stream.next_sequence + number, [report_payload(10_000_000 + number)])
            await asyncio.sleep(max(0.0, begun + (number + 1) / _PER_SECOND - time.perf_counter()))
        await wait_for(upper.url, APPLIED, _SINGLE, 30)
    with psycopg.connect(lower.url) as here, psycopg.connect(upper.url) as there:
        left: dict[str, float] = dict(here.execute(_LEFT).fetchall())
        taken = [moment - left[key] for moment, key in there.execute(_HOP).fetchall() if key in left]
    found = percentiles(taken)
    return {
        "what": "one hop, accepted here to applied at the peer, 50 cases/s",
        **found,
        "four_commits_ms": round(4 * commits, 2),
        "times_limit": round(found["p50_ms"] / (4 * commits), 1),
        "must_reach": "p50 <= 15 ms, p99 <= 75 ms",
        "is_reached": found["p50_ms"] <= 15 and found["p99_ms"] <= 75,
    }


async def _calls(target: Target, commits: float) -> dict[str, Any]:
    taken = []
    async with GrpcPeer(target) as peer:
        for number in range(_CALLS):
            parcel = parcel_pb2.Parcel.FromString(report_payload(11_000_000 + number))
            request = exchange.PushOneRequest(
                request_id=str(UUID(parcel.message_id)), parcel=parcel, wait_milliseconds=10_000
            )
            begun = time.perf_counter()
            answer = await asked(peer.exchange.PushOne(request, timeout=20))
            taken.append((time.perf_counter() - begun) * 1_000)
            if answer.receipt.state != receipt_pb2.BUSINESS_STATE_APPLIED:
                raise AssertionError(answer)
    found = percentiles(taken)
    return {
        "what": "PushOne with business receipt, one caller",
        **found,
        "two_commits_ms": round(2 * commits, 2),
        "times_limit": round(found["p50_ms"] / (2 * commits), 1),
        "must_reach": "p50 <= 12 ms",
        "is_reached": found["p50_ms"] <= 12,
    }


async def _catch_up(
    staged: Stage, target: Target, lower: StagedHub, upper: StagedHub, applied_per_second: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Loads the lower hub while the upper one is away, then lets the upper one catch up; watches memory all along."""
    watch = MemoryWatch(list(staged.hubs.values()))
    watching = asyncio.create_task(watch.run())
    before = count(upper.url, ACCEPTED)
    upper.stop()
    await _load(target, lower)
    upper.start()
    await upper.wait_until_open()
    await wait_for(upper.url, ACCEPTED, before + 1, 60)
    begun = time.perf_counter()
    await wait_for(upper.url, APPLIED, before + _OUTAGE, 300)
    rate = _OUTAGE / (time.perf_counter() - begun)
    await asyncio.sleep(3)
    watching.cancel()
    report = watch.report()
    ratio = rate / applied_per_second
    memory = {
        "what": "memory of each hub process under full load",
        "processes": report,
        "must_reach": "peak <= 200 MB, flat",
        "is_reached": all(found["peak_mb"] <= 200 and found["growth_mb"] <= 25 for found in report.values()),
    }
    catch_up = {
        "what": "catch-up of 100,000 parcels after an outage",
        "hub_per_second": round(rate),
        "applied_per_second": round(applied_per_second),
        "ratio": round(ratio, 3),
        "must_reach": 0.5,
        "is_reached": ratio >= 0.5,
    }
    return memory, catch_up


async def _load(target: Target, lower: StagedHub) -> None:
    before = count(lower.url, ACCEPTED)
    async with GrpcPeer(target) as peer, peer.push("load") as stream:
        room = asyncio.Semaphore(4)

        async def read() -> None:
            async for answer in stream.answers():
                if answer.verdict is not None:
                    room.release()

        reading = asyncio.create_task(read())
        for start in range(0, _OUTAGE, _BATCH):
            await room.acquire()
            payloads = [new_payload(12_000_000 + number) for number in range(start, start + _BATCH)]
            await stream.send(stream.next_sequence + start, payloads)
        await wait_for(lower.url, APPLIED, before + _OUTAGE, 300)
        reading.cancel()
