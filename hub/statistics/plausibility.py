"""What counts must be to each other, as rules with names. Pure.

The order of the steps (结案 ≤ 处置 ≤ 派遣 ≤ 立案 ≤ 受理, 上报) holds of one cohort and not across periods, because
cases are carried over: counters of one day's cohort are compared cell by cell, the steps summed from the beginning.

Source: 3.3 of the domain notes. ``hub.evaluation.checking.plausibility`` reads its order from here. Called by
``hub.statistics.findings``.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

#: The first is never more than the second, in any cell of any period: both count the same cases on the same days.
COHORT_ORDER: tuple[tuple[str, str], ...] = (
    ("self_handled", "reported"),
    ("valid_reported", "reported"),
    ("not_accepted", "reported"),
    ("duplicate", "reported"),
    ("verification_due", "reported"),
    ("verified_on_time", "verification_due"),
    ("accepted_on_time", "accepted"),
    ("filed_on_time", "filed"),
    ("dispatch_due", "filed"),
    ("dispatched_on_time", "dispatched"),
    ("on_time", "done"),
    ("done", "total"),
    ("dispatched_on", "total"),
    ("suspended", "total"),
    ("extended", "total"),
    ("fell_overdue", "total"),
    ("disposed_on_time", "disposed"),
    ("disposed_overdue", "disposed"),
    ("check_sent_on_time", "disposed"),
    ("check_replied", "disposed"),
    ("checked_on_time", "check_replied"),
    ("closed_on_time", "closed"),
)
#: The steps of a case: the first is never more than the second, summed from the beginning.
STEPS: tuple[tuple[str, str], ...] = (
    ("closed", "disposed"),
    ("disposed", "dispatched"),
    ("dispatched", "filed"),
    ("filed", "accepted"),
    ("filed", "reported"),
)
#: The order in a table that is about one cohort, as it is filled in by hand.
TABLE_ORDER: tuple[tuple[str, str], ...] = (
    ("closed", "disposed"),
    ("disposed", "dispatched"),
    ("disposed", "filed"),
    ("dispatched", "filed"),
    ("filed", "accepted"),
    ("filed", "reported"),
    ("on_time", "done"),
    ("done", "dispatched_on"),
    ("dispatched_on", "total"),
    ("closed_on_time", "closed"),
    ("disposed_on_time", "disposed"),
    ("content", "asked"),
)


class Rule(StrEnum):
    """Rules by their names; the words are stored."""

    NEGATIVE = "negative_count"
    ORDER = "order_of_counts"
    STEPS = "order_of_steps"
    DAYS_SUM = "days_sum"
    REPORTERS = "reporters_disagree"
    LEDGER = "ledger_differs"
    DEFINITION = "definition_differs"
    LOCK = "changed_after_lock"
    CUTOFF = "cutoff_before_end"


#: Rules in Chinese and English; what they found is the first number against the second.
RULE_NAMES: dict[str, tuple[str, str]] = {
    Rule.NEGATIVE: ("计数为负", "a count is negative"),
    Rule.ORDER: ("同一批案件，前数应不大于后数", "of the same cases, the first cannot be more than the second"),
    Rule.STEPS: (
        "自始累计，结案≤处置≤派遣≤立案≤受理、上报",
        "summed from the beginning, no step can be more than the one before it",
    ),
    Rule.DAYS_SUM: ("各日之和应等于该月", "the days must add up to the month"),
    Rule.REPORTERS: ("两个报送方对同一区域月份所报不一", "two reporters say different things"),
    Rule.LEDGER: ("下级报表与本级台账的案件不一致", "the sheet and the cases held here say different things"),
    Rule.DEFINITION: ("口径与本级不同，不可直接比较", "follows other definitions than this hub"),
    Rule.LOCK: ("锁定后又有改动", "changed after it was locked"),
    Rule.CUTOFF: ("锁定报表的截止时间早于周期结束", "locked with a cut-off before the period's end"),
}


class Breach(NamedTuple):
    """Two counters that cannot be so; of a negative one ``other`` is empty and its value 0."""

    rule: Rule
    counter: str
    other: str
    value: int
    other_value: int


def breaches_of(counts: Mapping[str, int]) -> Iterator[Breach]:
    """Yields what is wrong with one cell; counters that are not there are in no rule."""
    for name, value in counts.items():
        if value < 0:
            yield Breach(Rule.NEGATIVE, name, "", value, 0)
    yield from _out_of_order(counts, COHORT_ORDER, Rule.ORDER)


def steps_out_of_order(counts: Mapping[str, int]) -> Iterator[Breach]:
    """Yields the steps that cannot be so, of counts that are summed from the beginning."""
    yield from _out_of_order(counts, STEPS, Rule.STEPS)


def differences_of(one: Mapping[str, int], other: Mapping[str, int], rule: Rule) -> Iterator[Breach]:
    """Yields the counters both have and that are not the same."""
    for name, value in one.items():
        if name in other and value != other[name]:
            yield Breach(rule, name, name, value, other[name])


def _out_of_order(counts: Mapping[str, int], order: tuple[tuple[str, str], ...], rule: Rule) -> Iterator[Breach]:
    for less, more in order:
        if less in counts and more in counts and counts[less] > counts[more]:
            yield Breach(rule, less, more, counts[less], counts[more])
