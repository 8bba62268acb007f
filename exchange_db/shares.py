"""What a case counts for, and on which days: one rule, as a pure function for the fold.

``exchange_db.counting_sql`` says the same in SQL, for the drill-down and for counting anew; a test lets both count the
same cases. A share is a cell and the counters it adds one to; a counter named twice adds two.

The days of a case, each with its counters:

- **report** (上报): ``reported``; ``self_handled``; ``valid_reported``, passed filing and neither void nor merged since
  (有效上报); ``not_accepted``; ``duplicate``, merged with an earlier case; ``verification_due``, checked on site before
  filing or waiting for it (核实), and ``verified_on_time``.
- **acceptance** (受理): ``accepted``, on the day of acceptance, or of filing where no acceptance was told;
  ``accepted_on_time``.
- **filing** (立案): ``filed``, void ones included, because 准确立案率 takes them off; ``filed_on_time``;
  ``dispatch_due``, of the filed ones those that are to be dispatched: not void, not suspended before they were.
- **dispatch** (派遣): ``dispatched``, ``dispatched_on_time``; ``misdispatched``, returned by a unit at least once;
  ``disputed``, returned twice or ruled upon. On the day of the dispatch in force, or of filing if a clock put that
  later, so that what is left undispatched is never less than nothing.
- **deadline** (截止): the cohort of F1–F6: ``total``, ``dispatched_on``, ``done``, ``on_time``, ``suspended``,
  ``void``, ``reworked``; ``extended``; ``fell_overdue``, on which work goes on, or went on past the end of that day.
- **disposal** (处置): ``disposed``, closing asked for and no check failed since; ``disposed_on_time``;
  ``disposed_overdue``, on a later day than the deadline's; ``check_sent_on_time``, ``check_replied``,
  ``checked_on_time`` of its check (核查).
- **closing** (结案): ``closed``, ``closed_on_time``.

应处置 and 应结案 are ``disposed`` of a period plus what is overdue at its end: ``fell_overdue`` less
``disposed_overdue``, summed over all days up to then. A case that is voided, merged, suspended or disputed leaves that
stock for every day, because the ledger says what is known now; what was said before is kept by frozen periods. Merged
cases count as reported and as duplicate only, because the case they repeat does.

Source: F1–F6 of the domain notes (S004, 2020) and 1.6 there (vendors' code and cities' bulletins; the text of
GB/T 30428.4 was not at hand, so nothing here is verified against it).
"""

from itertools import product
from operator import attrgetter

from exchange_db.cases import AppealState, CaseRow, CaseState
from exchange_db.counting import MINUTE, QUARTER, Anchor, CountingRules, calendar_of
from exchange_db.records import COUNTERS, HandlingState, ReportState

#: Region, day, unit, class and source.
CellKey = tuple[int, int, str, str, str]
#: Places in ``COUNTERS`` that one is added to.
Marks = tuple[int, ...]
#: A cell and what is added to it.
Share = tuple[CellKey, Marks]

_PLACES = {name: place for place, name in enumerate(COUNTERS)}


def _table(*names: str) -> tuple[Marks, ...]:
    """Returns the marks of every set of these counters, by its bits: the first counter is 1, the second 2."""
    places = [_PLACES[name] for name in names]
    return tuple(
        tuple(place for place, is_set in zip(places, bits[::-1], strict=True) if is_set)
        for bits in product((False, True), repeat=len(names))
    )


_REPORT = _table(
    "reported", "self_handled", "valid_reported", "not_accepted", "duplicate", "verification_due", "verified_on_time"
)
_ACCEPTANCE = _table("accepted", "accepted_on_time")
_FILING = _table("filed", "filed_on_time", "dispatch_due")
_DISPATCH = _table("dispatched", "dispatched_on_time", "misdispatched", "disputed")
_DEADLINE = _table("total", "dispatched_on", "done", "on_time", "suspended", "extended", "fell_overdue")
_DISPOSAL = _table(
    "disposed", "disposed_on_time", "disposed_overdue", "check_sent_on_time", "check_replied", "checked_on_time"
)
_CLOSING = _table("closed", "closed_on_time")
_COUNTS_VOID: Marks = (_PLACES["void"],)
_REWORKED: Marks = (_PLACES["reworked"],)
#: A day and what counts on it; day 0 and no marks where the case has not come that far.
Standing = tuple[int, Marks]
_NOWHERE: Standing = (0, ())

# Members under names of their own: finding one through its enum costs more than comparing with it.
_S = CaseState
_IS_VOID, _IS_CLOSED, _IS_SUSPENDED, _IS_MERGED = _S.VOID, _S.CLOSED, _S.SUSPENDED, _S.MERGED
_IS_DISPOSING, _IS_DISPOSED = _S.DISPOSING, _S.DISPOSED
_FINISHED = (_S.CLOSED, _S.DISPOSED, _S.CHECKING)
_IS_NOT_ACCEPTED, _IS_DISPUTED = _S.NOT_ACCEPTED, _S.DISPUTED
_FILED, _VERIFYING, _RETURNED = ReportState.FILED, ReportState.VERIFYING, HandlingState.RETURNED
_IS_UPHELD = AppealState.UPHELD


#: Region, unit, class and source: all of a cell but its day.
Place = tuple[int, str, str, str]
#: What is to be added to the figures: by place and day, in the order of ``COUNTERS``.
Changes = dict[Place, dict[int, list[int]]]
_PLACE = attrgetter("region", "unit_code", "class_key", "source_code")
_NOTHING = [0] * len(COUNTERS)
#: What decides how a case came in, beside these states and whether a unit has returned it.
_ENTRY = attrgetter(
    "reported_time", "accepted_time", "verified_time", "filed_time", "dispatched_time", "report_state", "return_count",
    "is_self_handled", "is_ruled",
)  # fmt: skip
_ENTRY_STATES = frozenset({_S.VOID, _S.MERGED, _S.NOT_ACCEPTED, _S.SUSPENDED, _S.DISPUTED})


def _is_same_entry(before: CaseRow, after: CaseRow) -> bool:
    if before.state != after.state and (before.state in _ENTRY_STATES or after.state in _ENTRY_STATES):
        return False
    is_returned = before.handling_state == _RETURNED, after.handling_state == _RETURNED
    return is_returned[0] is is_returned[1] and _ENTRY(before) == _ENTRY(after)


def _add(days: dict[int, list[int]], standings: tuple[Standing, ...], times: int) -> None:
    for day, marks in standings:
        if marks:
            change = days.get(day)
            if change is None:
                days[day] = change = _NOTHING.copy()
            for mark in marks:
                change[mark] += times


def _replace(days: dict[int, list[int]], before: tuple[Standing, ...], after: tuple[Standing, ...]) -> None:
    if before != after:
        _add(days, tuple([old for old in before if old not in after]), -1)
        _add(days, tuple([new for new in after if new not in before]), 1)


def is_on_time(row: CaseRow, rules: CountingRules) -> bool:
    """Tells whether a case that is done was done in time; one whose appeal was upheld is not counted late."""
    is_asked = rules.anchor is Anchor.CLOSE_REQUEST_TIME
    return _is_in_time(row, row.close_requested_time if is_asked else row.closed_time, rules)


def _is_in_time(row: CaseRow, moment: int, rules: CountingRules) -> bool:
    if row.appeal_state == _IS_UPHELD:
        return True
    return moment <= row.deadline_time if rules.is_equal_on_time else moment < row.deadline_time


class CaseCounting:
    """Counts cases under one set of rules.

    Args:
        rules: how cases are counted.
    """

    def __init__(self, rules: CountingRules) -> None:
        self._rules = rules
        self._days = calendar_of(rules.zone)
        self._shift = 0 if rules.is_midnight_next_month else 1
        self._is_self_handled_counted = rules.is_self_handled_counted
        (
            self._acceptance, self._verification, self._filing, self._dispatch, self._check_dispatch, self._check,
        ) = (minutes * MINUTE for minutes in rules.stage_minutes)  # fmt: skip

    def shares(self, row: CaseRow) -> tuple[Share, ...]:
        """Returns what one case adds to the figures, a share for each of its days."""
        region, unit, kind, source = _PLACE(row)
        standings = (*self._entry(row), *self._outcome(row))
        return tuple([((region, day, unit, kind, source), marks) for day, marks in standings if marks])

    def add_step(self, changes: Changes, before: CaseRow | None, after: CaseRow) -> None:
        """Adds what a step of one case changes in the figures: the shares after it, less those before it.

        ``perf``: called for every case that changes. Most steps leave the case in its cells, and those of a unit's work
        leave alone how the case came in.
        """
        place = _PLACE(after)
        days = changes.get(place)
        if days is None:
            changes[place] = days = {}
        if before is None:
            _add(days, self._entry(after), 1)
            _add(days, self._outcome(after), 1)
            return
        if _PLACE(before) != place:
            left = changes.setdefault(_PLACE(before), {})
            _add(left, self._entry(before), -1)
            _add(left, self._outcome(before), -1)
            _add(days, self._entry(after), 1)
            _add(days, self._outcome(after), 1)
            return
        if not _is_same_entry(before, after):
            _replace(days, self._entry(before), self._entry(after))
        _replace(days, self._outcome(before), self._outcome(after))

    def _entry(self, row: CaseRow) -> tuple[Standing, ...]:
        """Returns how a case came in: the days of its report, acceptance, filing and dispatch."""
        days, shift, state, reported_time = self._days, self._shift, row.state, row.reported_time
        report = (days[(reported_time - shift) // QUARTER], self._reported(row))
        if row.is_self_handled and not self._is_self_handled_counted:
            return (report,)
        accepted = filed = dispatched = _NOWHERE
        is_filed = row.report_state == _FILED and state != _IS_MERGED
        accepted_time, dispatched_time = row.accepted_time, row.dispatched_time
        filed_time = (row.filed_time or reported_time) if is_filed else 0
        accepted_moment = accepted_time or filed_time
        if accepted_moment and state not in (_IS_MERGED, _IS_NOT_ACCEPTED):
            is_soon = accepted_moment - reported_time <= self._acceptance
            accepted = (days[(accepted_moment - shift) // QUARTER], _ACCEPTANCE[3 if is_soon else 1])
        if is_filed:
            is_soon = filed_time - (accepted_time or reported_time) <= self._filing
            is_due = state != _IS_VOID and (dispatched_time or state != _IS_SUSPENDED)
            filed = (days[(filed_time - shift) // QUARTER], _FILING[1 + 2 * is_soon + (4 if is_due else 0)])
            if is_due and (dispatched_time or row.return_count):
                day = days[(max(dispatched_time, filed_time) - shift) // QUARTER]
                dispatched = (day, self._dispatched(row, filed_time))
        return (report, accepted, filed, dispatched)

    def _outcome(self, row: CaseRow) -> tuple[Standing, ...]:
        """Returns what became of a case: the days of its deadline, disposal and closing."""
        days, shift, state, deadline_time = self._days, self._shift, row.state, row.deadline_time
        deadline_day = days[(deadline_time - shift) // QUARTER] if deadline_time else 0
        is_counted = self._is_self_handled_counted or not row.is_self_handled
        disposed = closed = _NOWHERE
        is_overdue = is_counted and state == _IS_DISPOSING
        if is_counted and state in _FINISHED:
            moment = row.close_requested_time or (row.closed_time if state == _IS_CLOSED else 0)
            if moment:
                disposed_day = days[(moment - shift) // QUARTER]
                is_overdue = disposed_day > deadline_day > 0
                disposed = (disposed_day, self._disposed(row, moment, is_late=is_overdue))
            if state == _IS_CLOSED and (end := row.closed_time or moment):
                anchor = moment if self._rules.anchor is Anchor.CLOSE_REQUEST_TIME else end
                is_in_time = not deadline_time or _is_in_time(row, anchor, self._rules)
                closed = (days[(end - shift) // QUARTER], _CLOSING[3 if is_in_time else 1])
        deadline = (deadline_day, self._due(row, is_overdue=is_overdue)) if deadline_time else _NOWHERE
        return (deadline, disposed, closed)

    def _reported(self, row: CaseRow) -> Marks:
        state, report_state, verified_time = row.state, row.report_state, row.verified_time
        bits = 1
        if row.is_self_handled:
            bits += 2
        if report_state == _FILED and state not in (_IS_VOID, _IS_MERGED):
            bits += 4
        if state == _IS_NOT_ACCEPTED:
            bits += 8
        elif state == _IS_MERGED:
            return _REPORT[bits + 16]
        if verified_time:
            is_soon = verified_time - (row.accepted_time or row.reported_time) <= self._verification
            bits += 96 if is_soon else 32
        elif report_state == _VERIFYING:
            bits += 32
        return _REPORT[bits]

    def _dispatched(self, row: CaseRow, filed_time: int) -> Marks:
        bits = 0
        if row.dispatched_time:
            bits = 3 if row.dispatched_time - filed_time <= self._dispatch else 1
        if row.return_count or row.handling_state == _RETURNED:
            bits += 4
        if row.is_ruled or row.state == _IS_DISPUTED:
            bits += 8
        return _DISPATCH[bits]

    def _due(self, row: CaseRow, *, is_overdue: bool) -> Marks:
        """Returns what a case with a deadline counts for on the deadline's day."""
        state = row.state
        if state == _IS_VOID:
            return _COUNTS_VOID
        if state == _IS_MERGED:
            return ()
        bits = 1
        if row.dispatched_on_time:
            bits += 2
        if state == _IS_CLOSED and row.close_requested_time:
            bits += 12 if is_on_time(row, self._rules) else 4
        elif state == _IS_SUSPENDED:
            bits += 16
        if row.extension_count:
            bits += 32
        if is_overdue:
            bits += 64
        marks = _DEADLINE[bits]
        return marks + _REWORKED * row.rework_count if row.rework_count else marks

    def _disposed(self, row: CaseRow, moment: int, *, is_late: bool) -> Marks:
        bits = 1
        if not row.deadline_time or _is_in_time(row, moment, self._rules):
            bits += 2
        if is_late:
            bits += 4
        if row.state != _IS_DISPOSED:
            sent_time, answered_time = row.check_sent_time, row.check_answered_time
            if sent_time and sent_time - moment <= self._check_dispatch:
                bits += 8
            if answered_time:
                bits += 48 if answered_time - (sent_time or moment) <= self._check else 16
        return _DISPOSAL[bits]
