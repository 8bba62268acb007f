"""What judging a record costs by itself: the gate's check and the life cycle, without a database, in one process.

The limit is the bare decoding of the same bytes by the protobuf library.
"""

import time
from statistics import median
from typing import Any

from auth.principal import Principal
from bench.workload import HANDLER, ISSUER, change_payload, new_payload, row_of
from exchange_db.cases import CaseRow
from exchange_db.facts import read_facts
from exchange_db.inbox import Entry
from hub.apply.guards import LifeRules
from hub.apply.lifecycle import fold
from hub.clock import system_clock
from hub.intake.validation import Gate
from hub.standards.register import ClassRegister
from protos.exchange.v1.parcel_pb2 import Parcel

_BATCH = 1_000
_ROUNDS = 9
_MUST_REACH = 100_000


def measure() -> dict[str, Any]:
    """Returns the measurement: records a second, half new, half changes, and the ratio to bare decoding."""
    payloads = [new_payload(n) if n % 2 else change_payload(n) for n in range(_BATCH)]
    rows = {n: row_of(n) for n in range(_BATCH) if not n % 2}
    register = ClassRegister(431200)

    gates = [
        Gate(Principal(name, int(name[:6]), "platform", "child", 1, ""), 431200, register.check)
        for name in (HANDLER, ISSUER)
    ]
    judged = [_seconds(lambda: _judge(gates, payloads, rows)) for _ in range(_ROUNDS)]
    decoded = [_seconds(lambda: _decode(payloads)) for _ in range(_ROUNDS)]
    rate = _BATCH / median(judged)
    return {
        "what": "validation and life cycle, batches of 1,000, one process, no database",
        "records_per_second": round(rate),
        "bare_decode_per_second": round(_BATCH / median(decoded)),
        "ratio": round(median(decoded) / median(judged), 3),
        "must_reach": f">= {_MUST_REACH} records/s",
        "is_reached": rate >= _MUST_REACH,
    }


def _judge(gates: list[Gate], payloads: list[bytes], rows: dict[int, CaseRow]) -> None:
    rules, now = LifeRules(), system_clock()
    for number, payload in enumerate(payloads):
        entry = gates[number % 2].check(payload, now)
        if not isinstance(entry, Entry) or entry.facts is None:
            raise TypeError(entry)
        facts = read_facts(entry.facts)
        if facts is None:
            raise TypeError(entry)
        fold(rows.get(number), entry.record_key, facts, number, rules)


def _decode(payloads: list[bytes]) -> None:
    for payload in payloads:
        Parcel.FromString(payload)


def _seconds(act: Any) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
