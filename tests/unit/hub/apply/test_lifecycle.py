"""The life cycle: owners, revisions, legal steps; by example, and by whatever sequence hypothesis thinks of."""

from copy import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.cases import CaseRow, CaseState, Section
from exchange_db.facts import class_key, facts_of
from exchange_db.keys import case_key
from exchange_db.records import (
    AssignmentState,
    Case,
    CheckState,
    CodeKind,
    HandlingState,
    ReportState,
    Violated,
)
from hub.apply.lifecycle import Folded, fold, handler_of, state_of
from hub.apply.transitions import FINAL, TRANSITIONS
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


def _fold(before: CaseRow | None, origin_id: str, inbox_id: int = 1, **sections: Any) -> Folded:
    return fold(before, KEY, facts_of(a_case(**sections), origin_id), inbox_id)


def _folded(*steps: Step) -> CaseRow:
    """The case after some steps, each (origin, sections)."""
    row: CaseRow | None = None
    for number, (origin_id, sections) in enumerate(steps, 1):
        row = _fold(row, origin_id, number, **sections).row
    assert row is not None
    return row


def _reason(before: CaseRow | None, origin_id: str, **sections: Any) -> tuple[str, str]:
    with pytest.raises(Violated) as refused:
        _fold(before, origin_id, 99, **sections)
    return refused.value.violation.reason, refused.value.violation.field_path


REPORTED: Step = (COUNTY, {"report": a_report()})
FILED: Step = (COUNTY, {"report": a_report(2, ReportState.FILED)})
DISPATCHED: Step = (CITY, {"assignment": an_assignment()})
CLOSE_REQUESTED: Step = (COUNTY, {"handling": a_handling()})
FAILED: Step = (CITY, {"verdict": a_verdict(1, CheckState.FAILED)})
CLOSED: Step = (CITY, {"verdict": a_verdict()})


def test_a_case_goes_from_report_to_close() -> None:
    steps = [REPORTED, FILED, DISPATCHED, CLOSE_REQUESTED, (CITY, {"verdict": a_verdict(1, CheckState.CHECKING)})]
    steps.append((CITY, {"verdict": a_verdict(2)}))
    states = [_folded(*steps[: number + 1]).state for number in range(len(steps))]
    assert states == [S.REPORTED, S.FILED, S.DISPOSING, S.DISPOSED, S.CHECKING, S.CLOSED]


def test_the_case_afterwards_holds_what_the_sections_say() -> None:
    row = _folded(FILED, DISPATCHED, CLOSE_REQUESTED, CLOSED)
    assert (row.issuer_id, row.authority_id, row.handler_id, row.region) == (COUNTY, CITY, COUNTY, 431221)
    assert row.deadline_time == NOON + DAY
    assert (row.dispatched_on_time, row.close_requested_time) == (NOON + 3 * HOUR, NOON + 10 * HOUR)
    assert row.closed_time == NOON + 12 * HOUR
    assert row.section_inbox_ids() == [1, 2, 3, 4]
    assert (row.crs, row.x, row.y) == (1, 109.944, 27.440)


def test_a_record_may_carry_several_sections_at_once() -> None:
    sections = {"report": a_report(1, ReportState.FILED), "handling": a_handling()}
    row = _fold(None, COUNTY, 5, report=a_report(1, ReportState.FILED, is_self_handled=True), handling=a_handling()).row
    assert row.state is S.DISPOSED
    assert row.section_inbox_ids() == [5]
    assert _reason(None, COUNTY, **sections) == ("SECTION_FORBIDDEN", "case.handling")


def test_a_failed_check_sends_the_case_back_and_the_next_round_may_close_it() -> None:
    failed = _folded(FILED, DISPATCHED, CLOSE_REQUESTED, FAILED)
    assert (failed.state, failed.rework_count) == (S.DISPOSING, 1)
    again = _fold(failed, COUNTY, handling=a_handling(2, round=2)).row
    assert again.state is S.DISPOSED
    closed = _fold(again, CITY, verdict=a_verdict(2, round=2)).row
    assert (closed.state, closed.rework_count) == (S.CLOSED, 1)


def test_rework_is_the_same_number_for_whoever_sees_only_the_last_verdict() -> None:
    steps = [FILED, DISPATCHED, CLOSE_REQUESTED, FAILED, (COUNTY, {"handling": a_handling(2, round=2)})]
    second = (CITY, {"verdict": a_verdict(2, CheckState.FAILED, round=2)})
    assert _folded(*steps, second).rework_count == 2
    assert _folded(FILED, second).rework_count == 2


def test_a_returned_case_is_dispatched_again() -> None:
    returned = _folded(FILED, DISPATCHED, (COUNTY, {"handling": a_handling(1, HandlingState.RETURNED)}))
    assert returned.state is S.DISPATCHING
    again = _fold(returned, CITY, assignment=an_assignment(2)).row
    assert again.state is S.DISPOSING
    elsewhere = _fold(returned, CITY, assignment=an_assignment(2, handler_id=OTHER_COUNTY)).row
    assert (elsewhere.state, handler_of(elsewhere)) == (S.DISPOSING, OTHER_COUNTY)


def test_a_new_handler_begins_with_an_empty_section_of_its_own() -> None:
    reassigned = _folded(
        FILED, DISPATCHED, CLOSE_REQUESTED, FAILED, (CITY, {"assignment": an_assignment(2, handler_id=OTHER_COUNTY)})
    )
    assert reassigned.section_inbox_ids() == [1, 4, 5]
    assert (reassigned.handling_revision, reassigned.handling_round, reassigned.close_requested_time) == (0, 0, 0)
    assert _reason(reassigned, COUNTY, handling=a_handling(9)) == ("SECTION_FORBIDDEN", "case.handling")
    assert _fold(reassigned, OTHER_COUNTY, handling=a_handling(1, round=2)).row.state is S.DISPOSED


def test_a_hub_that_becomes_a_party_late_can_fold_what_it_is_sent() -> None:
    """It gets the sections in force, by their number in the log, and then the assignment that made it a party."""
    steps = [FILED, DISPATCHED, CLOSE_REQUESTED, FAILED]
    steps.append((CITY, {"assignment": an_assignment(2, handler_id=OTHER_COUNTY)}))
    whole = _folded(*steps)
    late: CaseRow | None = None
    for number in whole.section_inbox_ids():
        origin_id, sections = steps[number - 1]
        late = _fold(late, origin_id, number, **sections).row
    assert late == whole


@pytest.mark.parametrize(
    ("state", "expected"), [(AssignmentState.SUSPENDED, S.SUSPENDED), (AssignmentState.VOID, S.VOID)]
)
def test_the_authority_suspends_and_voids(state: AssignmentState, expected: CaseState) -> None:
    assert _folded(FILED, DISPATCHED, (CITY, {"assignment": an_assignment(2, state)})).state is expected


def test_a_suspended_case_goes_on() -> None:
    steps = (FILED, DISPATCHED, (CITY, {"assignment": an_assignment(2, AssignmentState.SUSPENDED)}))
    assert _folded(*steps, (CITY, {"assignment": an_assignment(3)})).state is S.DISPOSING


def test_a_self_handled_case_is_closed_without_an_assignment() -> None:
    report = (COUNTY, {"report": a_report(1, ReportState.FILED, is_self_handled=True)})
    assert _folded(report, CLOSE_REQUESTED).state is S.DISPOSED
    assert _folded(report, CLOSE_REQUESTED, CLOSED).state is S.CLOSED


def test_a_section_without_a_report_is_a_case_unknown() -> None:
    assert _reason(None, CITY, assignment=an_assignment()) == ("CASE_UNKNOWN", "case.key.case_no")
    assert _reason(None, COUNTY, actions=(an_action(),)) == ("CASE_UNKNOWN", "case.key.case_no")


@pytest.mark.parametrize("origin_id", [COUNTY, OTHER_COUNTY, PROVINCE])
def test_only_the_authority_assigns_and_judges(origin_id: str) -> None:
    row = _folded(FILED, DISPATCHED, CLOSE_REQUESTED)
    assert _reason(row, origin_id, assignment=an_assignment(9)) == ("SECTION_FORBIDDEN", "case.assignment")
    assert _reason(row, origin_id, verdict=a_verdict(9)) == ("SECTION_FORBIDDEN", "case.verdict")


@pytest.mark.parametrize("origin_id", [CITY, OTHER_COUNTY, PROVINCE])
def test_only_the_issuer_reports_and_only_the_handler_handles(origin_id: str) -> None:
    row = _folded(FILED, DISPATCHED)
    assert _reason(row, origin_id, report=a_report(9)) == ("SECTION_FORBIDDEN", "case.report")
    assert _reason(row, origin_id, handling=a_handling(9)) == ("SECTION_FORBIDDEN", "case.handling")


def test_the_authority_is_fixed_by_the_first_report_and_must_be_above_the_region() -> None:
    row = _folded(FILED)
    changed = a_report(3, ReportState.FILED, authority_id=PROVINCE)
    assert _reason(row, COUNTY, report=changed) == ("FIELD_INVALID", "case.report.authority_id")
    elsewhere = a_report(authority_id="430200.hub")
    assert _reason(None, COUNTY, report=elsewhere) == ("FIELD_INVALID", "case.report.authority_id")


def test_actions_are_told_by_parties_in_their_own_name() -> None:
    row = _folded(FILED, DISPATCHED)
    assert _fold(row, COUNTY, actions=(an_action(),)).actions == (an_action(),)
    assert _reason(row, OTHER_COUNTY, actions=(an_action(platform_id=OTHER_COUNTY),)) == (
        "SECTION_FORBIDDEN", "case.actions",
    )  # fmt: skip
    assert _reason(row, CITY, actions=(an_action(),)) == ("SECTION_FORBIDDEN", "case.actions.platform_id")


@pytest.mark.parametrize(
    ("steps", "origin_id", "sections"),
    [
        ([REPORTED], CITY, {"assignment": an_assignment()}),
        ([REPORTED], CITY, {"verdict": a_verdict()}),
        ([FILED, DISPATCHED], CITY, {"verdict": a_verdict()}),
        ([(COUNTY, {"report": a_report(1, ReportState.NOT_ACCEPTED)})], CITY, {"assignment": an_assignment()}),
        ([FILED, DISPATCHED, CLOSE_REQUESTED, CLOSED], CITY, {"assignment": an_assignment(2, AssignmentState.VOID)}),
        (
            [FILED, (CITY, {"assignment": an_assignment(1, AssignmentState.VOID)})],
            CITY,
            {"assignment": an_assignment(2)},
        ),
        ([FILED], COUNTY, {"report": a_report(3, ReportState.REPORTED)}),
    ],
)
def test_steps_the_rules_do_not_know_are_refused(steps: list[Step], origin_id: str, sections: dict[str, Any]) -> None:
    row = _folded(*steps)
    expected = "CASE_FINAL" if row.state in FINAL else "TRANSITION_FORBIDDEN"
    assert _reason(row, origin_id, **sections)[0] == expected


def test_the_class_counted_is_the_assigned_one() -> None:
    row = _folded(FILED, (CITY, {"assignment": an_assignment(class_code="0101", class_kind=CodeKind.COMPONENT)}))
    assert row.class_key == class_key("GB/T-30428.2-2013", CodeKind.COMPONENT, "0101")
    later = _fold(row, COUNTY, report=a_report(3, ReportState.FILED, class_code="0999")).row
    assert later.class_key == row.class_key


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == {0, *CaseState}


#: What is refused wherever a record comes by, judged before or not.
_STRUCTURAL = {"SECTION_FORBIDDEN", "TRANSITION_FORBIDDEN", "CASE_FINAL", "FIELD_INVALID"}
_ORIGINS = st.sampled_from([COUNTY, CITY, OTHER_COUNTY, PROVINCE])
_REVISIONS = st.integers(1, 6)
_ROUNDS = st.integers(1, 3)
_REPORTS = st.builds(
    lambda revision, state, is_self: a_report(revision, state, is_self_handled=is_self),
    _REVISIONS,
    st.sampled_from(ReportState),
    st.booleans(),
)
_ASSIGNMENTS = st.builds(
    lambda revision, state, handler: an_assignment(revision, state, handler_id=handler),
    _REVISIONS,
    st.sampled_from(AssignmentState),
    st.sampled_from([COUNTY, OTHER_COUNTY]),
)
_HANDLINGS = st.builds(
    lambda revision, state, number: a_handling(revision, state, round=number),
    _REVISIONS,
    st.sampled_from(HandlingState),
    _ROUNDS,
)
_VERDICTS = st.builds(
    lambda revision, state, number: a_verdict(revision, state, round=number),
    _REVISIONS,
    st.sampled_from(CheckState),
    _ROUNDS,
)
_SINGLE: st.SearchStrategy[Case] = st.one_of(
    st.builds(lambda section: a_case(report=section), _REPORTS),
    st.builds(lambda section: a_case(assignment=section), _ASSIGNMENTS),
    st.builds(lambda section: a_case(handling=section), _HANDLINGS),
    st.builds(lambda section: a_case(verdict=section), _VERDICTS),
)
_SEVERAL: st.SearchStrategy[Case] = st.builds(
    a_case,
    report=st.none() | _REPORTS,
    assignment=st.none() | _ASSIGNMENTS,
    handling=st.none() | _HANDLINGS,
    verdict=st.none() | _VERDICTS,
)


def _owner(row: CaseRow, section: Section) -> str:
    return {
        Section.REPORT: row.issuer_id,
        Section.ASSIGNMENT: row.authority_id,
        Section.HANDLING: handler_of(row),
        Section.VERDICT: row.authority_id,
    }[section]


def _is_step(before: CaseRow | None, after: CaseRow) -> bool:
    was = before.state if before else 0
    is_on_the_spot = (was, after.state) == (S.FILED, S.DISPOSED) and after.is_self_handled
    return was == after.state or after.state in TRANSITIONS[was] or is_on_the_spot


def _revisions(row: CaseRow | None) -> tuple[int, int, int]:
    return (row.report_revision, row.assignment_revision, row.verdict_revision) if row else (0, 0, 0)


@given(steps=st.lists(st.tuples(_ORIGINS, _SINGLE), max_size=25))
def test_no_sequence_of_records_breaks_the_rules(steps: list[tuple[str, Case]]) -> None:
    row = _fold(None, COUNTY, report=a_report(1, ReportState.FILED)).row
    for inbox_id, (origin_id, case) in enumerate(steps, 2):
        before = copy(row)
        try:
            folded = fold(row, KEY, facts_of(case, origin_id), inbox_id)
        except Violated as violated:
            assert violated.violation.reason in _STRUCTURAL
            assert row == before, "a refused record changed the case"
            continue
        assert row == before, "the case as it stood was changed in place"
        after = folded.row
        assert _is_step(before, after)
        assert after.state == state_of(after)
        for step in folded.sections:
            assert origin_id == _owner(before, step.section)
            assert step.state == after.state
        assert all(now >= was for was, now in zip(_revisions(before), _revisions(after), strict=True))
        if not folded.sections:
            assert after == before
        again = fold(after, KEY, facts_of(case, origin_id), inbox_id + 100)
        assert again.sections == ()
        assert again.row == after
        row = after


@given(steps=st.lists(st.tuples(_ORIGINS, _SEVERAL), max_size=12))
def test_records_of_several_sections_are_taken_whole_or_not_at_all(steps: list[tuple[str, Case]]) -> None:
    row: CaseRow | None = None
    for inbox_id, (origin_id, case) in enumerate(steps, 1):
        before = copy(row)
        try:
            folded = fold(row, KEY, facts_of(case, origin_id), inbox_id)
        except Violated:
            assert row == before
            continue
        taken = {step.section for step in folded.sections}
        for section, name in ((s, s.name.lower()) for s in Section if s is not Section.EVENT):
            revision = getattr(getattr(case, name), "revision", 0)
            known = getattr(before, f"{name}_revision") if before else 0
            if section is not Section.HANDLING:
                assert (section in taken) is (revision > known)
        again = fold(folded.row, KEY, facts_of(case, origin_id), inbox_id + 100)
        assert again.sections == ()
        row = folded.row


@given(steps=st.lists(st.tuples(_ORIGINS, _SINGLE), max_size=20), data=st.data())
def test_old_revisions_that_come_again_change_nothing(steps: list[tuple[str, Case]], data: st.DataObject) -> None:
    row = _fold(None, COUNTY, report=a_report(1, ReportState.FILED)).row
    taken: list[tuple[str, Case]] = []
    for inbox_id, (origin_id, case) in enumerate(steps, 2):
        try:
            folded = fold(row, KEY, facts_of(case, origin_id), inbox_id)
        except Violated:
            continue
        row = folded.row
        if case.handling is None:
            taken.append((origin_id, case))
    for origin_id, case in data.draw(st.permutations(taken)):
        again = fold(row, KEY, facts_of(case, origin_id), 99)
        assert again.sections == ()
        assert msgspec.structs.astuple(again.row) == msgspec.structs.astuple(row)
