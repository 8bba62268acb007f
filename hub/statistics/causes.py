"""Why a frozen number is no longer what is counted: what a case was when it was frozen, what it is now, in a word.

Pure. Called by ``hub.statistics.corrections``.
"""

from enum import StrEnum

from exchange_db.cases import AppealState, CaseRow, CaseState


class Reason(StrEnum):
    """Why a number differs; the words are stored. The last two have no case behind them."""

    LATE_RECORD = "late_record"
    VOIDED = "voided"
    REVIVED = "revived"
    MERGED = "merged"
    DEADLINE_MOVED = "deadline_moved"
    REASSIGNED = "reassigned"
    CLOSED_LATE = "closed_late"
    REOPENED = "reopened"
    APPEAL_UPHELD = "appeal_upheld"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    PROGRESSED = "progressed"
    SHEET_REVISED = "sheet_revised"
    RECOUNTED = "recounted"


#: Reasons in Chinese and English.
REASON_NAMES: dict[str, tuple[str, str]] = {
    Reason.LATE_RECORD: ("案件补录", "record came late"),
    Reason.VOIDED: ("案件作废", "voided"),
    Reason.REVIVED: ("作废恢复", "no longer void"),
    Reason.MERGED: ("案件合并", "merged"),
    Reason.DEADLINE_MOVED: ("截止时间变更", "deadline moved"),
    Reason.REASSIGNED: ("单位、类别、来源或区域变更", "unit, class, source or region changed"),
    Reason.CLOSED_LATE: ("冻结后结案", "closed after the cut-off"),
    Reason.REOPENED: ("结案撤回", "no longer closed"),
    Reason.APPEAL_UPHELD: ("申诉成立", "appeal upheld"),
    Reason.SUSPENDED: ("挂账", "suspended"),
    Reason.RESUMED: ("挂账恢复", "suspension ended"),
    Reason.PROGRESSED: ("办理进展", "went on"),
    Reason.SHEET_REVISED: ("下级报表修订", "sheet from below revised"),
    Reason.RECOUNTED: ("重新计数", "counted anew"),
}
_SETTLED = {
    CaseState.VOID: (Reason.VOIDED, Reason.REVIVED),
    CaseState.MERGED: (Reason.MERGED, Reason.REVIVED),
}
_MOVING = {
    CaseState.CLOSED: (Reason.CLOSED_LATE, Reason.REOPENED),
    CaseState.SUSPENDED: (Reason.SUSPENDED, Reason.RESUMED),
}
_PLACE = ("region", "unit_code", "class_key", "source_code", "reported_time")


def reason_of(before: CaseRow | None, after: CaseRow) -> Reason:
    """Returns why a case counts otherwise than it did.

    Of several changes the one that decides most is named: void or merged, then the deadline, then where it counts,
    then how far it has come.

    Args:
        before: the case when the figures were published; ``None`` if it was not known.
        after: the case now.
    """
    if before is None:
        return Reason.LATE_RECORD
    if found := _turned(before, after, _SETTLED):
        return found
    if before.deadline_time != after.deadline_time:
        return Reason.DEADLINE_MOVED
    if any(getattr(before, name) != getattr(after, name) for name in _PLACE):
        return Reason.REASSIGNED
    if after.appeal_state == AppealState.UPHELD != before.appeal_state:
        return Reason.APPEAL_UPHELD
    return _turned(before, after, _MOVING) or Reason.PROGRESSED


def _turned(before: CaseRow, after: CaseRow, states: dict[CaseState, tuple[Reason, Reason]]) -> Reason | None:
    if before.state == after.state:
        return None
    for state, (entered, left) in states.items():
        if after.state == state:
            return entered
        if before.state == state:
            return left
    return None
