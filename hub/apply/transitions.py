"""The steps a case may take from one state to another, as a table, and the words for those it may not.

Read by ``hub.apply.lifecycle``; ``docs/lifecycle.md`` is drawn from it. Source: 2.2 and 2.3 of the domain notes.
"""

from typing import NamedTuple

from exchange_db.cases import CaseState
from exchange_db.records import AssignmentState, CheckState, ReportState, Violated

_S = CaseState


class Step(NamedTuple):
    """One legal step: what the field calls it, and the section that takes it."""

    origin: int
    target: CaseState
    section: str
    chinese: str
    english: str


#: State 0 is "not known yet". Staying in a state is always legal.
STEPS: tuple[Step, ...] = (
    Step(0, _S.REPORTED, "report", "上报", "report"),
    Step(0, _S.VERIFYING, "report", "上报并核实", "report, being verified"),
    Step(0, _S.NOT_ACCEPTED, "report", "上报，不予受理", "report, not accepted"),
    Step(0, _S.FILED, "report", "上报并立案", "report, filed at once"),
    Step(_S.REPORTED, _S.VERIFYING, "report", "核实", "verify"),
    Step(_S.REPORTED, _S.NOT_ACCEPTED, "report", "不予受理", "do not accept"),
    Step(_S.REPORTED, _S.FILED, "report", "立案", "file"),
    Step(_S.REPORTED, _S.VOID, "assignment", "作废", "void"),
    Step(_S.REPORTED, _S.MERGED, "assignment", "合并重复件", "merge a duplicate"),
    Step(_S.VERIFYING, _S.NOT_ACCEPTED, "report", "核实不属实", "not true"),
    Step(_S.VERIFYING, _S.FILED, "report", "核实属实，立案", "true: file"),
    Step(_S.VERIFYING, _S.VOID, "assignment", "作废", "void"),
    Step(_S.VERIFYING, _S.MERGED, "assignment", "合并重复件", "merge a duplicate"),
    Step(_S.FILED, _S.DISPATCHING, "assignment", "移交派遣", "hand to dispatch"),
    Step(_S.FILED, _S.DISPOSING, "assignment", "派遣", "dispatch"),
    Step(_S.FILED, _S.SUSPENDED, "assignment", "挂账", "suspend"),
    Step(_S.FILED, _S.VOID, "assignment", "作废", "void"),
    Step(_S.FILED, _S.MERGED, "assignment", "合并重复件", "merge a duplicate"),
    Step(_S.DISPATCHING, _S.FILED, "assignment", "退回受理", "send back to the acceptor"),
    Step(_S.DISPATCHING, _S.DISPOSING, "assignment", "派遣", "dispatch"),
    Step(_S.DISPATCHING, _S.SUSPENDED, "assignment", "挂账", "suspend"),
    Step(_S.DISPATCHING, _S.VOID, "assignment", "作废", "void"),
    Step(_S.DISPATCHING, _S.MERGED, "assignment", "合并重复件", "merge a duplicate"),
    Step(_S.DISPOSING, _S.DISPATCHING, "handling", "退单", "return"),
    Step(_S.DISPOSING, _S.DISPATCHING, "assignment", "收回，待重新派遣", "take back, to be dispatched anew"),
    Step(_S.DISPOSING, _S.DISPUTED, "handling", "再次退单，形成推诿", "return again: a dispute"),
    Step(_S.DISPOSING, _S.DISPOSED, "handling", "结案申请", "ask for the check"),
    Step(_S.DISPOSING, _S.SUSPENDED, "assignment", "挂账", "suspend"),
    Step(_S.DISPOSING, _S.VOID, "assignment", "作废", "void"),
    Step(_S.DISPOSING, _S.MERGED, "assignment", "合并重复件", "merge a duplicate"),
    Step(_S.DISPUTED, _S.DISPOSING, "assignment", "裁定派遣", "rule and dispatch"),
    Step(_S.DISPUTED, _S.FILED, "assignment", "退回受理", "send back to the acceptor"),
    Step(_S.DISPUTED, _S.SUSPENDED, "assignment", "挂账", "suspend"),
    Step(_S.DISPUTED, _S.VOID, "assignment", "作废", "void"),
    Step(_S.DISPUTED, _S.MERGED, "assignment", "合并重复件", "merge a duplicate"),
    Step(_S.DISPOSED, _S.CHECKING, "verdict", "派发核查", "send the check out"),
    Step(_S.DISPOSED, _S.CLOSED, "verdict", "核查通过，结案", "check passed: close"),
    Step(_S.DISPOSED, _S.DISPOSING, "verdict", "核查不通过，返工", "check failed: rework"),
    Step(_S.DISPOSED, _S.VOID, "assignment", "作废", "void"),
    Step(_S.CHECKING, _S.CLOSED, "verdict", "核查通过，结案", "check passed: close"),
    Step(_S.CHECKING, _S.DISPOSING, "verdict", "核查不通过，返工", "check failed: rework"),
    Step(_S.CHECKING, _S.VOID, "assignment", "作废", "void"),
    Step(_S.SUSPENDED, _S.DISPATCHING, "assignment", "恢复，待派遣", "resume, waiting for a unit"),
    Step(_S.SUSPENDED, _S.DISPOSING, "assignment", "恢复处置", "resume the work"),
    Step(_S.SUSPENDED, _S.FILED, "assignment", "退回受理", "send back to the acceptor"),
    Step(_S.SUSPENDED, _S.VOID, "assignment", "作废", "void"),
    Step(_S.SUSPENDED, _S.MERGED, "assignment", "合并重复件", "merge a duplicate"),
)

#: What the state of a section leads to, the others aside.
BY_REPORT: dict[int, CaseState] = {
    ReportState.REPORTED: _S.REPORTED,
    ReportState.VERIFYING: _S.VERIFYING,
    ReportState.NOT_ACCEPTED: _S.NOT_ACCEPTED,
    ReportState.FILED: _S.FILED,
}
BY_ASSIGNMENT: dict[int, CaseState] = {
    AssignmentState.PENDING: _S.DISPATCHING,
    AssignmentState.DISPATCHED: _S.DISPOSING,
    AssignmentState.SUSPENDED: _S.SUSPENDED,
    AssignmentState.VOID: _S.VOID,
    AssignmentState.SENT_BACK: _S.FILED,
    AssignmentState.MERGED: _S.MERGED,
}
BY_VERDICT: dict[int, CaseState] = {
    CheckState.CHECKING: _S.CHECKING,
    CheckState.FAILED: _S.DISPOSING,
    CheckState.CLOSED: _S.CLOSED,
}
#: From a state to the states that may follow.
TRANSITIONS: dict[int, frozenset[CaseState]] = {
    state: frozenset(step.target for step in STEPS if step.origin == state) for state in (0, *CaseState)
}
#: From a state, to a state, and the section that takes the step.
_TAKEN_BY = frozenset((step.origin, step.target, step.section) for step in STEPS)
#: States nothing follows: whoever finds the problem again reports a new case that continues this one.
FINAL = frozenset(state for state in CaseState if not TRANSITIONS[state])


def is_step(before: int, after: CaseState, section: str) -> bool:
    """Tells whether a section may take a case from a state to another."""
    return (before, after, section) in _TAKEN_BY


def forbidden(before: int, after: CaseState, path: str) -> Violated:
    """Returns the refusal of a step, naming its rule: what may follow, or that nothing may."""
    was = CaseState(before).name.lower() if before else "none"
    if before in FINAL:
        return Violated("CASE_FINAL", path, f"{was} -> {after.name.lower()}")
    legal = ", ".join(sorted(state.name.lower() for state in TRANSITIONS[before]))
    return Violated("TRANSITION_FORBIDDEN", path, f"{was} -> {after.name.lower()} ({was} -> {legal})")
