"""What legal steps must bring along, judged where a record enters: every guard by example."""

from typing import Any

import pytest

from exchange_db.cases import AppealState, CaseRow, CaseState
from exchange_db.facts import facts_of
from exchange_db.keys import case_key
from exchange_db.records import (
    AssignmentState,
    CheckState,
    Decision,
    HandlingState,
    ReportState,
    Request,
    RequestKind,
    Violated,
)
from hub.apply.guards import LifeRules
from hub.apply.lifecycle import RESUME, fold
from hub.apply.transitions import FINAL
from tests.support.builders import (
    CITY,
    COUNTY,
    DAY,
    HOUR,
    OTHER_COUNTY,
    PROVINCE,
    a_case,
    a_handling,
    a_report,
    a_verdict,
    an_action,
    an_assignment,
)
from tests.support.clock import NOON

Step = tuple[str, dict[str, Any]]
KEY = case_key(COUNTY, "2020-0001")
S = CaseState
RULES = LifeRules()


def _fold(row: CaseRow | None, step: Step, rules: LifeRules | None = RULES) -> CaseRow:
    origin_id, sections = step
    return fold(row, KEY, facts_of(a_case(**sections), origin_id), 1, rules).row


def _folded(*steps: Step) -> CaseRow:
    row: CaseRow | None = None
    for step in steps:
        row = _fold(row, step)
    assert row is not None
    return row


def _reason(row: CaseRow, step: Step, rules: LifeRules = RULES) -> str:
    with pytest.raises(Violated) as refused:
        _fold(row, step, rules)
    return refused.value.violation.reason


def _assigned(revision: int, state: AssignmentState = AssignmentState.DISPATCHED, **changes: Any) -> Step:
    return CITY, {"assignment": an_assignment(revision, state, **changes)}


def _handled(revision: int, state: HandlingState, **changes: Any) -> Step:
    return COUNTY, {"handling": a_handling(revision, state, **changes)}


def _judged(revision: int, state: CheckState = CheckState.CLOSED, **changes: Any) -> Step:
    return CITY, {"verdict": a_verdict(revision, state, **changes)}


def _granted(kind: RequestKind, request_time: int = NOON + HOUR, **changes: Any) -> Decision:
    values = {"is_granted": True, "approver_ref": "值班长", "second_approver_ref": "分管领导"} | changes
    return Decision(kind, request_time, **values)  # type: ignore[arg-type]


def _asked(kind: RequestKind, request_time: int = NOON + HOUR) -> Request:
    return Request(kind, request_time, "苗木反季节")


FILED: Step = (COUNTY, {"report": a_report(1, ReportState.FILED)})
DISPATCHED = _assigned(1)
RETURNED = _handled(1, HandlingState.RETURNED)
CLOSE_REQUESTED = _handled(1, HandlingState.CLOSE_REQUESTED)
CLOSED = _judged(1)


def _extended(revision: int = 2, count: int = 1, **changes: Any) -> Step:
    values: dict[str, Any] = {
        "decision": _granted(RequestKind.EXTENSION), "deadline_time": NOON + (1 + count) * DAY,
    } | changes  # fmt: skip
    return _assigned(revision, extension_count=count, **values)


def _suspended(revision: int = 2, **changes: Any) -> Step:
    values: dict[str, Any] = {
        "decision": _granted(RequestKind.SUSPENSION),
        "suspended_time": NOON + 2 * HOUR,
        "suspended_until_time": NOON + 30 * DAY,
        "resumed_deadline_time": NOON + 31 * DAY,
        "reason": "产权不清",
    } | changes
    return _assigned(revision, AssignmentState.SUSPENDED, **values)


def test_an_extension_asked_for_in_time_moves_the_deadline() -> None:
    row = _folded(FILED, DISPATCHED, _handled(1, HandlingState.RECEIVED, request=_asked(RequestKind.EXTENSION)))
    extended = _fold(row, _extended())
    assert (extended.extension_count, extended.deadline_time, extended.state) == (1, NOON + 2 * DAY, S.DISPOSING)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (_extended(decision=None), "EXTENSION_UNASKED"),
        (_extended(decision=_granted(RequestKind.SUSPENSION)), "EXTENSION_UNASKED"),
        (_extended(decision=_granted(RequestKind.EXTENSION, is_granted=False)), "EXTENSION_UNASKED"),
        (_extended(decision=_granted(RequestKind.EXTENSION, NOON + DAY)), "EXTENSION_TOO_LATE"),
        (_extended(count=3), "EXTENSION_TOO_MANY"),
        (_extended(count=2), "EXTENSION_TOO_MANY"),
        (_extended(deadline_time=NOON + DAY), "FIELD_INVALID"),
    ],
)
def test_an_extension_without_its_grounds_is_refused(step: Step, reason: str) -> None:
    assert _reason(_folded(FILED, DISPATCHED), step) == reason


def test_the_number_of_extensions_is_a_setting_and_refused_ones_do_not_count() -> None:
    row = _folded(FILED, DISPATCHED, _extended(), _extended(3, 2))
    third = _extended(4, 3)
    assert _reason(row, third) == "EXTENSION_TOO_MANY"
    assert _fold(row, third, LifeRules(most_extensions=3)).extension_count == 3
    refused = _assigned(4, extension_count=2, decision=_granted(RequestKind.EXTENSION, is_granted=False))
    assert _fold(row, refused).extension_count == 2


def test_a_request_comes_before_the_deadline_and_while_the_case_is_handled() -> None:
    row = _folded(FILED, DISPATCHED)
    late = _handled(1, HandlingState.RECEIVED, request=_asked(RequestKind.EXTENSION, NOON + DAY))
    assert _reason(row, late) == "EXTENSION_TOO_LATE"
    suspension = _handled(1, HandlingState.RECEIVED, request=_asked(RequestKind.SUSPENSION, NOON + 9 * DAY))
    assert _fold(row, suspension).state is S.DISPOSING
    waiting = _folded(FILED, DISPATCHED, CLOSE_REQUESTED)
    asked = _handled(2, HandlingState.CLOSE_REQUESTED, request=_asked(RequestKind.SUSPENSION))
    assert _reason(waiting, asked) == "REQUEST_FORBIDDEN"


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (_suspended(decision=None), "SUSPENSION_UNAPPROVED"),
        (_suspended(decision=_granted(RequestKind.EXTENSION)), "SUSPENSION_UNAPPROVED"),
        (_suspended(decision=_granted(RequestKind.SUSPENSION, second_approver_ref="")), "SUSPENSION_UNAPPROVED"),
        (_suspended(decision=_granted(RequestKind.SUSPENSION, second_approver_ref="值班长")), "SUSPENSION_UNAPPROVED"),
        (_suspended(suspended_until_time=NOON + 400 * DAY), "SUSPENSION_TOO_LONG"),
        (_suspended(suspended_until_time=NOON + HOUR), "SUSPENSION_TOO_LONG"),
        (_suspended(suspended_until_time=0), "FIELD_MISSING"),
        (_suspended(suspended_time=0), "FIELD_MISSING"),
    ],
)
def test_a_suspension_needs_two_posts_and_an_end(step: Step, reason: str) -> None:
    assert _reason(_folded(FILED, DISPATCHED), step) == reason


def test_how_many_posts_approve_is_a_setting() -> None:
    row = _folded(FILED, DISPATCHED)
    one = _suspended(decision=_granted(RequestKind.SUSPENSION, second_approver_ref=""))
    assert _fold(row, one, LifeRules(approval_count=1)).state is S.SUSPENDED
    assert _fold(row, _suspended(decision=None), LifeRules(approval_count=0)).state is S.SUSPENDED


def _resume(moment: int) -> Step:
    return PROVINCE, {"actions": (an_action(platform_id=PROVINCE, kind=RESUME, action_time=moment),)}


def test_a_suspension_ends_by_itself_when_its_time_is_over() -> None:
    row = _folded(FILED, DISPATCHED, _suspended())
    assert _fold(row, _resume(NOON + 30 * DAY - 1)).state is S.SUSPENDED
    resumed = _fold(row, _resume(NOON + 30 * DAY))
    assert (resumed.state, resumed.deadline_time) == (S.DISPOSING, NOON + 31 * DAY)
    assert _fold(resumed, _resume(NOON + 30 * DAY)) == resumed
    undispatched = _folded(FILED, _suspended(1, handler_id=""))
    assert _fold(undispatched, _resume(NOON + 40 * DAY)).state is S.DISPATCHING


def test_only_who_is_above_the_authority_or_a_party_tells_of_a_case() -> None:
    row = _folded(FILED, DISPATCHED, _suspended())
    stranger = (OTHER_COUNTY, {"actions": (an_action(platform_id=OTHER_COUNTY, kind=RESUME),)})
    assert _reason(row, stranger) == "SECTION_FORBIDDEN"


def test_a_case_returned_twice_is_disputed_until_somebody_rules() -> None:
    twice = _folded(FILED, DISPATCHED, RETURNED, _assigned(2, return_count=1), _handled(2, HandlingState.RETURNED))
    assert twice.state is S.DISPUTED
    assert _reason(twice, _assigned(3, return_count=2)) == "RULING_MISSING"
    ruled = _fold(twice, _assigned(3, return_count=2, is_ruled=True))
    assert ruled.state is S.DISPOSING
    assert _reason(ruled, _handled(3, HandlingState.RETURNED)) == "RULED_ALREADY"


def test_two_check_levels_want_the_handlers_own_check_first() -> None:
    row = _folded(FILED, _assigned(1, check_levels=2))
    assert _reason(row, CLOSE_REQUESTED) == "CHECK_LEVEL_MISSING"
    checked = _handled(1, HandlingState.CLOSE_REQUESTED, local_checked_time=NOON + 9 * HOUR)
    assert _fold(row, checked).state is S.DISPOSED


def test_a_closing_is_confirmed_after_it_was_told() -> None:
    confirmed = _handled(2, HandlingState.CLOSE_CONFIRMED)
    assert _reason(_folded(FILED, DISPATCHED, CLOSE_REQUESTED), confirmed) == "CONFIRMATION_EARLY"
    closed = _folded(FILED, DISPATCHED, CLOSE_REQUESTED, CLOSED)
    after = _fold(closed, confirmed)
    assert (after.state, after.handling_revision, after.close_requested_time) == (
        S.CLOSED, 2, closed.close_requested_time,
    )  # fmt: skip


APPEAL = _handled(2, HandlingState.CLOSE_REQUESTED, request=_asked(RequestKind.APPEAL, NOON + 20 * HOUR))


def _ruled(revision: int, **changes: Any) -> Step:
    return _judged(revision, appeal_decision=_granted(RequestKind.APPEAL, NOON + 20 * HOUR, **changes))


def test_an_appeal_is_heard_once_after_the_closing_and_leaves_the_times_as_they_were() -> None:
    closed = _folded(FILED, DISPATCHED, CLOSE_REQUESTED, CLOSED)
    appealed = _fold(closed, APPEAL)
    assert (appealed.state, appealed.appeal_state) == (S.CLOSED, AppealState.ASKED)
    upheld = _fold(appealed, _ruled(2))
    assert upheld.appeal_state == AppealState.UPHELD
    assert (upheld.close_requested_time, upheld.closed_time) == (closed.close_requested_time, closed.closed_time)
    again = _handled(3, HandlingState.CLOSE_REQUESTED, request=_asked(RequestKind.APPEAL, NOON + 30 * HOUR))
    assert _reason(upheld, again) == "APPEAL_TWICE"
    assert _reason(upheld, _ruled(3, is_granted=False)) == "APPEAL_TWICE"
    assert _fold(appealed, _ruled(2, is_granted=False)).appeal_state == AppealState.REJECTED


def test_an_appeal_is_decided_by_two_posts_and_only_if_somebody_appealed() -> None:
    closed = _folded(FILED, DISPATCHED, CLOSE_REQUESTED, CLOSED)
    assert _reason(closed, _ruled(2)) == "APPEAL_UNASKED"
    assert _reason(_folded(FILED, DISPATCHED), APPEAL) == "REQUEST_FORBIDDEN"
    assert _reason(_fold(closed, APPEAL), _ruled(2, second_approver_ref="")) == "APPEAL_UNREVIEWED"


def test_what_another_hub_has_judged_is_carried() -> None:
    """The tiers above do not judge again: their settings may differ, and they may not know all of the past."""
    row = _fold(_folded(FILED, DISPATCHED), _extended(count=7, decision=None), rules=None)
    assert row.extension_count == 7


def test_a_request_is_carried_along_until_it_is_answered() -> None:
    request = _asked(RequestKind.EXTENSION)
    row = _folded(FILED, DISPATCHED, _handled(1, HandlingState.RECEIVED, request=request))
    done = _fold(row, _handled(2, HandlingState.CLOSE_REQUESTED, request=request))
    closed = _fold(done, CLOSED)
    confirmed = _fold(closed, _handled(3, HandlingState.CLOSE_CONFIRMED, request=request))
    assert (confirmed.state, confirmed.appeal_state) == (S.CLOSED, AppealState.NONE)


@pytest.mark.parametrize(
    ("steps", "step"),
    [
        ((FILED, DISPATCHED, CLOSE_REQUESTED, CLOSED), _handled(2, HandlingState.RETURNED)),
        ((FILED, DISPATCHED, CLOSE_REQUESTED, CLOSED), _handled(2, HandlingState.CLOSE_REQUESTED, round=2)),
        ((FILED, DISPATCHED, CLOSE_REQUESTED, CLOSED), _suspended()),
        ((FILED, DISPATCHED, _assigned(2, AssignmentState.VOID, reason="重复")), CLOSE_REQUESTED),
        ((FILED, DISPATCHED, _suspended()), CLOSE_REQUESTED),
        ((FILED, DISPATCHED, _suspended()), RETURNED),
        ((FILED, DISPATCHED), _judged(1, CheckState.FAILED)),
        ((FILED,), _judged(1, CheckState.FAILED)),
        ((FILED, DISPATCHED), (COUNTY, {"report": a_report(2, ReportState.NOT_ACCEPTED)})),
    ],
)
def test_a_step_that_would_pass_unnoticed_is_refused_where_it_enters(steps: tuple[Step, ...], step: Step) -> None:
    row = _folded(*steps)
    assert _reason(row, step) == ("CASE_FINAL" if row.state in FINAL else "TRANSITION_FORBIDDEN")
