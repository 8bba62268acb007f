"""Counting by steps: whatever a case goes through, adding up its steps gives what it counts for at the end."""

import random
from collections import Counter
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange_db.cases import AppealState, CaseRow, CaseState
from exchange_db.counting import CountingRules
from exchange_db.records import COUNTERS, Counts
from exchange_db.shares import CaseCounting, CellKey, Changes
from tests.support.builders import DAY, HOUR, a_case_row
from tests.support.clock import at
from tests.support.counted import ALL_RULES, a_random_row, counted

RULES = CountingRules()
MINUTE = HOUR // 60
NINE = at("2020-06-10T09:00:00+08:00")


def _summed(changes: Changes) -> dict[CellKey, Counter[str]]:
    found: dict[CellKey, Counter[str]] = {}
    for (region, unit, kind, source), days in changes.items():
        for day, change in days.items():
            counts = Counter({name: count for name, count in zip(COUNTERS, change, strict=True) if count})
            if counts:
                found[region, day, unit, kind, source] = counts
    return found


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from(ALL_RULES))
def test_a_storm_of_steps_gives_what_counting_anew_gives(seed: int, rules: CountingRules) -> None:
    """1,100 events in each of 100 storms: by steps, and by counting what stands at the end."""
    source = random.Random(seed)
    counting = CaseCounting(rules)
    changes: Changes = {}
    cases: list[CaseRow] = []
    for number in range(1_100):
        if len(cases) < 100 and source.random() < 0.3:
            before, after = None, a_random_row(number, source)
            cases.append(after)
        elif cases:
            place = source.randrange(len(cases))
            before = cases[place]
            after = cases[place] = _stepped(before, source)
        else:
            continue
        counting.add_step(changes, before, after)
    note(f"seed {seed}, {len(cases)} cases")
    stepwise, anew = _summed(changes), counted(cases, rules)
    assert stepwise == anew
    assert _by_month(stepwise) == _by_month(anew)


def _by_month(cells: dict[CellKey, Counter[str]]) -> dict[tuple[int, int], Counter[str]]:
    months: dict[tuple[int, int], Counter[str]] = {}
    for cell, counts in cells.items():
        months.setdefault((cell[0], cell[1] // 100), Counter()).update(counts)
    return months


def _stepped(before: CaseRow, source: random.Random) -> CaseRow:
    """A step of any kind: a few fields of another case."""
    other = a_random_row(0, source)
    names = [name for name in CaseRow.__struct_fields__[4:] if getattr(other, name) != getattr(before, name)]
    taken = source.sample(names, min(len(names), source.choice((1, 1, 2, 4))))
    return replace(before, **{name: getattr(other, name) for name in taken})


def _case(**changes: Any) -> CaseRow:
    """A case filed at nine, dispatched at ten past, due at nine the next morning."""
    values: dict[str, Any] = {
        "state": CaseState.DISPOSING, "report_state": 4, "handling_state": 2, "unit_code": "hw01",
        "reported_time": NINE, "accepted_time": NINE + 5 * MINUTE, "filed_time": NINE + 7 * MINUTE,
        "dispatched_time": NINE + 10 * MINUTE, "deadline_time": NINE + DAY,
    }  # fmt: skip
    return a_case_row(**(values | changes))


def _changed(before: CaseRow | None, after: CaseRow) -> dict[int, Counts]:
    """What a step changes, by day."""
    changes: Changes = {}
    CaseCounting(RULES).add_step(changes, before, after)
    days: dict[int, list[int]] = {}
    for parts in changes.values():
        for day, change in parts.items():
            days[day] = [a + b for a, b in zip(days.get(day, [0] * len(COUNTERS)), change, strict=True)]
    return {day: Counts(*change) for day, change in days.items() if any(change)}


def _closed(moment: int) -> dict[str, Any]:
    return {
        "state": CaseState.CLOSED, "close_requested_time": moment, "check_sent_time": moment + 5 * MINUTE,
        "check_answered_time": moment + 20 * MINUTE, "closed_time": moment + HOUR,
    }  # fmt: skip


def test_a_new_case_counts_where_it_came_in_and_where_it_is_due() -> None:
    assert _changed(None, _case()) == {
        20200610: Counts(
            reported=1, valid_reported=1, accepted=1, accepted_on_time=1, filed=1, filed_on_time=1, dispatch_due=1,
            dispatched=1, dispatched_on_time=1,
        ),
        20200611: Counts(total=1, fell_overdue=1),
    }  # fmt: skip


def test_closing_in_time_takes_the_case_out_of_what_falls_overdue() -> None:
    before = _case()
    assert _changed(before, replace(before, **_closed(NINE + 3 * HOUR))) == {
        20200610: Counts(
            disposed=1, disposed_on_time=1, check_sent_on_time=1, check_replied=1, checked_on_time=1, closed=1,
            closed_on_time=1,
        ),
        20200611: Counts(done=1, on_time=1, fell_overdue=-1),
    }  # fmt: skip


def test_late_on_the_day_of_the_deadline_is_late_and_leaves_nothing_overdue_at_its_end() -> None:
    before = _case()
    found = _changed(before, replace(before, **_closed(NINE + DAY + 3 * HOUR)))
    assert found[20200611] == Counts(
        done=1, fell_overdue=-1, disposed=1, check_sent_on_time=1, check_replied=1, checked_on_time=1, closed=1
    )


def test_closing_days_later_leaves_what_was_overdue_until_then() -> None:
    before = _case()
    found = _changed(before, replace(before, **_closed(NINE + 4 * DAY)))
    assert found == {
        20200611: Counts(done=1),
        20200614: Counts(
            disposed=1, disposed_overdue=1, check_sent_on_time=1, check_replied=1, checked_on_time=1, closed=1
        ),
    }


def test_an_extension_over_a_months_boundary_moves_the_cohort_and_nothing_else() -> None:
    before = _case()
    after = replace(before, deadline_time=at("2020-07-02T09:00:00+08:00"), extension_count=1)
    assert _changed(before, after) == {
        20200611: Counts(total=-1, fell_overdue=-1),
        20200702: Counts(total=1, fell_overdue=1, extended=1),
    }


def test_voiding_takes_a_case_out_of_all_that_is_due_but_not_out_of_what_was_filed() -> None:
    before = _case()
    assert _changed(before, replace(before, state=CaseState.VOID)) == {
        20200610: Counts(valid_reported=-1, dispatch_due=-1, dispatched=-1, dispatched_on_time=-1),
        20200611: Counts(total=-1, void=1, fell_overdue=-1),
    }


def test_merging_leaves_a_report_and_a_duplicate() -> None:
    before = _case()
    assert _changed(before, replace(before, state=CaseState.MERGED))[20200610] == Counts(
        valid_reported=-1, duplicate=1, accepted=-1, accepted_on_time=-1, filed=-1, filed_on_time=-1, dispatch_due=-1,
        dispatched=-1, dispatched_on_time=-1,
    )  # fmt: skip


def test_a_suspended_case_is_not_overdue_and_still_dispatched() -> None:
    before = _case()
    assert _changed(before, replace(before, state=CaseState.SUSPENDED)) == {
        20200611: Counts(suspended=1, fell_overdue=-1)
    }


def test_an_appeal_that_was_upheld_makes_a_late_case_one_in_time() -> None:
    late = _case(**_closed(NINE + 4 * DAY))
    found = _changed(late, replace(late, appeal_state=AppealState.UPHELD))
    assert found == {20200611: Counts(on_time=1), 20200614: Counts(disposed_on_time=1, closed_on_time=1)}


def test_a_case_fixed_on_the_spot_is_reported_and_no_more_unless_the_rules_say_so() -> None:
    row = _case(is_self_handled=True, deadline_time=0, **_closed(NINE + HOUR))
    assert _changed(None, row) == {20200610: Counts(reported=1, self_handled=1, valid_reported=1)}
    names = {name for counts in counted([row], CountingRules(is_self_handled_counted=True)).values() for name in counts}
    assert {"filed", "disposed", "disposed_on_time", "closed", "closed_on_time"} <= names


def test_a_returned_case_is_one_dispatched_wrongly() -> None:
    before = _case()
    after = replace(before, state=CaseState.DISPATCHING, handling_state=4)
    assert _changed(before, after) == {20200610: Counts(misdispatched=1), 20200611: Counts(fell_overdue=-1)}
