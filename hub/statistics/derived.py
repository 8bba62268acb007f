"""Counters a hub computes from those it keeps: what is left at the end of a period, sources, stages, days. Pure.

Called by ``hub.statistics.definitions`` (is a metric kept?) and by whoever computes or opens a metric.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from exchange_db.counting_sql import STOCKS
from exchange_db.records import COUNTERS

#: Days of the period; needs no cases.
DAYS: Final = "days"
#: Sources of the public (2.7 of the domain notes): what they found and was filed, collectors had missed.
PUBLIC_SOURCES: Final = ("hotline_12319", "hotline_12345", "wechat", "app", "reward", "media")
_COLLECTORS: Final = ("collector", "collector_self")


class Kept(NamedTuple):
    """A counter of the ledger, or one of ``STOCKS``, and the sources it is narrowed to; none means all."""

    name: str
    sources: tuple[str, ...] = ()


_DERIVED: Final[dict[str, Kept]] = {
    "collected": Kept("reported", _COLLECTORS),
    "collected_items": Kept("reported", _COLLECTORS),
    "collector_reported": Kept("reported", ("collector",)),
    "hotline_reported": Kept("reported", ("hotline_12319",)),
    "hotline_12345_reported": Kept("reported", ("hotline_12345",)),
    "wechat_reported": Kept("reported", ("wechat",)),
    "discipline_reported": Kept("reported", ("discipline",)),
    "other_reported": Kept("reported", ("other",)),
    "public_found": Kept("filed", PUBLIC_SOURCES),
    # A check is asked for with every disposal; one that failed took its disposal with it.
    "check_due": Kept("disposed"),
    DAYS: Kept(DAYS),
}
#: Due and in time of each stage the filter ``stage`` may name.
_STAGES: Final = {
    "acceptance": ("accepted", "accepted_on_time"),
    "dispatch": ("dispatch_due", "dispatched_on_time"),
    "disposal": ("disposal_due", "disposed_on_time"),
    "check": ("disposed", "checked_on_time"),
}
_OF_STAGE: Final = ("stage_due", "stage_on_time")
#: Counters that can be computed from the ledger, beside those of a stage, which need to know which.
KEPT: Final = frozenset({*COUNTERS, *STOCKS, *_DERIVED})


def kept(name: str, filters: Mapping[str, tuple[str, ...]]) -> Kept | None:
    """Returns what a counter under a metric's filters is in the ledger; ``None`` when the ledger cannot tell."""
    sources, stages = filters.get("source", ()), filters.get("stage", ())
    is_of_stage = name in _OF_STAGE
    if filters.keys() - {"source", "stage"} or is_of_stage is not bool(stages):
        return None
    if is_of_stage:
        parts = _STAGES.get(stages[0]) if len(stages) == 1 else None
        return Kept(parts[_OF_STAGE.index(name)], sources) if parts else None
    found = _DERIVED.get(name)
    if found is None:
        return Kept(name, sources) if name in KEPT else None
    if found.sources and sources:
        return Kept(found.name, tuple(one for one in found.sources if one in sources) or ("",))
    return Kept(found.name, found.sources or sources)
