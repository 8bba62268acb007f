"""Decisions about rights: how many a second, and whether more grants or more rules make one dearer.

The limit is a look into a table: the same calls, each answered by one dictionary. It is taken in the same run, and so
is the same work for a person with a hundred grants.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from auth.permissions import may
from auth.person import Grant, Person, Role
from auth.roles import Action, Kind

_ROUNDS = 20
_MUST_DECIDE = 200_000


def measure() -> dict[str, Any]:
    """Decides 20 times over every action, every kind and eight regions."""
    few = _person(Grant(Role.OPERATOR, 431200), Grant(Role.EVALUATOR, 430000))
    many = _person(*(Grant(Role.OPERATOR, 430000 + 100 * city + 1) for city in range(100)))
    regions = (431221, 431200, 430000, 440000, 0, 430101, 434901, 439901)
    asked = [(action, kind, region) for action in Action for kind in Kind for region in regions]
    table = dict.fromkeys(asked, True)
    limit = _per_second(asked, lambda action, kind, region: table[action, kind, region])
    decided = _per_second(asked, lambda action, kind, region: may(few, action, kind, region))
    with_many = _per_second(asked, lambda action, kind, region: may(many, action, kind, region))
    slower = min(decided, with_many)
    return {
        "what": "decisions about a person's right to do something in a region, one core",
        "decisions_per_second": round(decided),
        "with_a_hundred_grants": round(with_many),
        "table_looks_per_second": round(limit),
        "share_of_limit": round(slower / limit, 2),
        "must_reach": f"{_MUST_DECIDE:,} decisions/s, with many grants too",
        "is_reached": slower >= _MUST_DECIDE,
    }


def _person(*grants: Grant) -> Person:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Person(UUID(int=1), "local", "bench", "", "", 431200, grants, UUID(int=2), moment)


def _per_second(asked: list[tuple[Action, Kind, int]], decide: Callable[[Action, Kind, int], bool]) -> float:
    best = 0.0
    for _ in range(3):
        begun = time.perf_counter()
        for _ in range(_ROUNDS):
            for action, kind, region in asked:
                decide(action, kind, region)
        best = max(best, _ROUNDS * len(asked) / (time.perf_counter() - begun))
    return best
