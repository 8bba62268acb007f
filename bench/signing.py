"""Signed exchange: accepted durably with every batch signed and verified, against the same without signatures.

One stream, batches of 1,000, one intake process, as in ``bench.accept``; the sender signs in its own process, the hub
verifies before it answers and keeps the seals. Unsigned, ES256 and SM2-with-SM3 take turns in the same run.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from auth.batch_keys import Algorithm, SigningKey
from auth.envelope import Sealer
from bench.accept import push
from bench.staged import count, stage, target_of
from bench.workload import ISSUER, report_payload
from exchange_db import seals
from exchange_db.seal_records import BatchKey
from exchange_db.session import Ledger
from hub.clock import system_clock

COUNT = 20_000
ROUNDS = 5
BARS = {Algorithm.ES256: 0.7, Algorithm.SM2_SM3: 0.5}


async def measure() -> list[dict[str, Any]]:
    """Runs the rounds and returns the rate of each way and its ratio to the unsigned one."""
    keys = {algorithm: SigningKey.generate(algorithm) for algorithm in BARS}
    ways: dict[str, Sealer | None] = {"unsigned": None}
    ways |= {algorithm: Sealer(ISSUER, [key], system_clock) for algorithm, key in keys.items()}
    rates: dict[str, list[float]] = {way: [] for way in ways}
    async with stage() as staged:
        hub = await staged.add_hub("431200.hub", "怀化市")
        hub.start("intake")
        await hub.wait_until_open()
        target = target_of(await staged.add_platform(hub, ISSUER))
        await _register(hub.url, list(keys.values()))
        await push(target, _new(0))
        done = COUNT
        for turn in range(ROUNDS):
            order = list(ways) if turn % 2 else list(reversed(ways))
            for way in order:
                rates[way].append(await push(target._replace(sealing=ways[way]), _new(done)))
                done += COUNT
        kept = count(hub.url, "SELECT sum(last_sequence - first_sequence + 1) FROM batch_seals")
    if kept != len(BARS) * ROUNDS * COUNT:
        raise AssertionError(f"{kept} records are under a seal")
    return [_result(algorithm, bar, rates) for algorithm, bar in BARS.items()]


async def _register(url: str, keys: list[SigningKey]) -> None:
    now = datetime.now(UTC)
    async with Ledger(url, pool_size=0) as ledger, ledger.write() as session:
        for key in keys:
            public = key.public
            end = now + timedelta(days=1)
            await seals.add_key(session, BatchKey(ISSUER, public.key_id, key.algorithm, public.der, now, end, b""))
    await asyncio.sleep(6)  # what the registry said is believed for five seconds


def _new(done: int) -> list[bytes]:
    return [report_payload(number) for number in range(done, done + COUNT)]


def _result(algorithm: Algorithm, bar: float, rates: dict[str, list[float]]) -> dict[str, Any]:
    ratio = median(rates[algorithm]) / median(rates["unsigned"])
    return {
        "what": f"accepted durably, signed and verified with {algorithm}",
        "hub_per_second": round(median(rates[algorithm])),
        "unsigned_per_second": round(median(rates["unsigned"])),
        "ratio": round(ratio, 3),
        "must_reach": bar,
        "is_reached": ratio >= bar,
    }
