"""What a case counts for, as SQL over ``cases``: for the cases behind a number, and for counting all of them anew.

The rule is that of ``exchange_db.shares``, where each counter is explained; a test lets both count the same cases.
Everything in the text is a constant of this package, a number of the rules, or a zone from the list of zones.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from exchange_db.cases import AppealState, CaseState
from exchange_db.counting import Anchor, CountingRules
from exchange_db.records import COUNTERS, HandlingState, ReportState

_S = CaseState
_LIVE = f"state NOT IN ({_S.VOID:d}, {_S.MERGED:d})"
_DONE = f"state = {_S.CLOSED:d} AND close_requested_time IS NOT NULL"
_FILED = f"report_state = {ReportState.FILED:d} AND state <> {_S.MERGED:d}"
_UPHELD = f"appeal_state = {AppealState.UPHELD:d}"
_FINISHED = f"state IN ({_S.DISPOSED:d}, {_S.CHECKING:d}, {_S.CLOSED:d})"

#: Counters that are sums of kept ones over time, and the kept ones: those of the period itself, then those whose sum
#: over all days up to its end is what is left then, with their signs.
STOCKS: Final[dict[str, tuple[tuple[str, ...], tuple[tuple[str, int], ...]]]] = {
    "disposal_due": (("disposed",), (("fell_overdue", 1), ("disposed_overdue", -1))),
    "closing_due": (("disposed",), (("fell_overdue", 1), ("disposed_overdue", -1))),
    "overdue": ((), (("fell_overdue", 1), ("disposed_overdue", -1))),
    "undispatched": ((), (("dispatch_due", 1), ("dispatched", -1))),
}


class DayOfCase(NamedTuple):
    """One of the days of a case: its moment, which cases have it, and what counts on it.

    ``moment`` and ``guard`` are SQL; ``counters`` maps names to SQL conditions, or to a number for ``reworked``.
    """

    moment: str
    guard: str
    counters: dict[str, str]


@lru_cache(maxsize=8)
def days_of_case(rules: CountingRules) -> tuple[DayOfCase, ...]:
    """Returns the days of a case in the order of ``exchange_db.shares``."""
    counted = "true" if rules.is_self_handled_counted else "NOT is_self_handled"
    return (_report(rules), *_entry(counted, rules), *_outcome(counted, rules))


def _entry(counted: str, rules: CountingRules) -> tuple[DayOfCase, ...]:
    filed = "coalesce(filed_time, reported_time)"
    accepted = f"coalesce(accepted_time, CASE WHEN {_FILED} THEN {filed} END)"
    dispatch_due = f"state <> {_S.VOID:d} AND (dispatched_time IS NOT NULL OR state <> {_S.SUSPENDED:d})"
    return (
        DayOfCase(
            accepted,
            f"{counted} AND state NOT IN ({_S.MERGED:d}, {_S.NOT_ACCEPTED:d})",
            {"accepted": "true", "accepted_on_time": _soon(accepted, "reported_time", rules.acceptance_minutes)},
        ),
        DayOfCase(
            filed,
            f"{counted} AND {_FILED}",
            {
                "filed": "true",
                "filed_on_time": _soon(filed, "coalesce(accepted_time, reported_time)", rules.filing_minutes),
                "dispatch_due": dispatch_due,
            },
        ),
        DayOfCase(
            f"greatest(dispatched_time, {filed})",
            f"{counted} AND {_FILED} AND {dispatch_due} AND (dispatched_time IS NOT NULL OR return_count > 0)",
            {
                "dispatched": "dispatched_time IS NOT NULL",
                "dispatched_on_time": _soon("dispatched_time", filed, rules.dispatch_minutes),
                "misdispatched": f"return_count > 0 OR handling_state = {HandlingState.RETURNED:d}",
                "disputed": f"is_ruled OR state = {_S.DISPUTED:d}",
            },
        ),
    )


def _outcome(counted: str, rules: CountingRules) -> tuple[DayOfCase, ...]:
    finish = f"coalesce(close_requested_time, CASE WHEN state = {_S.CLOSED:d} THEN closed_time END)"
    end = "coalesce(closed_time, close_requested_time)"
    closing_anchor = finish if rules.anchor is Anchor.CLOSE_REQUEST_TIME else end
    # Finished on the day of the deadline leaves nothing overdue at its end; finished later does, and so does what is
    # still worked on.
    is_later_day = f"{day_in_sql(finish, rules)} > {day_in_sql('deadline_time', rules)}"
    return (
        DayOfCase(
            "deadline_time",
            "true",
            {
                **_due(rules),
                "fell_overdue": f"{counted} AND {_LIVE} AND CASE WHEN {_FINISHED} AND {finish} IS NOT NULL"
                f" THEN {is_later_day} ELSE state = {_S.DISPOSING:d} END",
            },
        ),
        DayOfCase(
            finish,
            f"{counted} AND {_FINISHED}",
            {
                "disposed": "true",
                "disposed_on_time": f"deadline_time IS NULL OR {_in_time(finish, rules)}",
                "disposed_overdue": f"deadline_time IS NOT NULL AND {is_later_day}",
                **_checked(finish, rules),
            },
        ),
        DayOfCase(
            end,
            f"{counted} AND state = {_S.CLOSED:d}",
            {"closed": "true", "closed_on_time": f"deadline_time IS NULL OR {_in_time(closing_anchor, rules)}"},
        ),
    )


def _report(rules: CountingRules) -> DayOfCase:
    checked = f"state <> {_S.MERGED:d} AND verified_time IS NOT NULL"
    since = "coalesce(accepted_time, reported_time)"
    return DayOfCase(
        "reported_time",
        "true",
        {
            "reported": "true",
            "self_handled": "is_self_handled",
            "valid_reported": f"report_state = {ReportState.FILED:d} AND {_LIVE}",
            "not_accepted": f"state = {_S.NOT_ACCEPTED:d}",
            "duplicate": f"state = {_S.MERGED:d}",
            "verification_due": f"state <> {_S.MERGED:d} AND (verified_time IS NOT NULL"
            f" OR report_state = {ReportState.VERIFYING:d})",
            "verified_on_time": f"{checked} AND {_soon('verified_time', since, rules.verification_minutes)}",
        },
    )


def _due(rules: CountingRules) -> dict[str, str]:
    moment = "close_requested_time" if rules.anchor is Anchor.CLOSE_REQUEST_TIME else "closed_time"
    # A closing time that is not told is no late one, as for the pure function.
    told = moment if moment == "close_requested_time" else "coalesce(closed_time, '-infinity')"
    return {
        "total": _LIVE,
        "dispatched_on": f"{_LIVE} AND dispatched_on_time IS NOT NULL",
        "done": _DONE,
        "on_time": f"{_DONE} AND ({_in_time(told, rules)})",
        "suspended": f"state = {_S.SUSPENDED:d}",
        "void": f"state = {_S.VOID:d}",
        "reworked": f"CASE WHEN {_LIVE} THEN rework_count ELSE 0 END",
        "extended": f"{_LIVE} AND extension_count > 0",
    }


def _checked(finish: str, rules: CountingRules) -> dict[str, str]:
    is_checked = f"state <> {_S.DISPOSED:d}"
    sent = f"coalesce(check_sent_time, {finish})"
    return {
        "check_sent_on_time": f"{is_checked} AND check_sent_time IS NOT NULL"
        f" AND {_soon('check_sent_time', finish, rules.check_dispatch_minutes)}",
        "check_replied": f"{is_checked} AND check_answered_time IS NOT NULL",
        "checked_on_time": f"{is_checked} AND check_answered_time IS NOT NULL"
        f" AND {_soon('check_answered_time', sent, rules.check_minutes)}",
    }


def _soon(moment: str, since: str, minutes: int) -> str:
    return f"{moment} <= {since} + interval '{minutes:d} minutes'"


def _in_time(moment: str, rules: CountingRules) -> str:
    return f"{_UPHELD} OR {moment} {'<=' if rules.is_equal_on_time else '<'} deadline_time"


def day_in_sql(moment: str, rules: CountingRules) -> str:
    """Returns the SQL of the day a moment lies in, as a ``date``."""
    shifted = moment if rules.is_midnight_next_month else f"{moment} - interval '1 microsecond'"
    zone = rules.zone.replace("'", "''")
    return f"(({shifted}) AT TIME ZONE '{zone}')::date"


def condition_of(counter: str, rules: CountingRules) -> str:
    """Returns the SQL condition of the cases behind one counter; needs ``%(begin)s`` and ``%(end)s``, aware.

    For a counter of what is left at the end of a period it is the cases of the period and those left. What was reported
    after the end is left out beforehand, so that the index on region and report is read from there: a case that
    counts a month and more before its report is a slip of a clock.

    Raises:
        ValueError: no such counter.
    """
    if counter in STOCKS:
        periods, stock = STOCKS[counter]
        (enters, _), (leaves, _) = stock
        left = f"({_standing(enters, rules, '')}) AND ({_standing(leaves, rules, '')}) IS NOT TRUE"
        return f"({' OR '.join([*(condition_of(name, rules) for name in periods), f'({left})'])})"
    if counter not in COUNTERS:
        raise ValueError(counter)
    return _standing(counter, rules, "begin")


def _standing(counter: str, rules: CountingRules, begin: str) -> str:
    """Returns the condition of the cases a counter counts up to the end, from the beginning if one is named."""
    day = next(day for day in days_of_case(rules) if counter in day.counters)
    opening, closing = (">=", "<") if rules.is_midnight_next_month else (">", "<=")
    further = f"rework_count > 0 AND {_LIVE}" if counter == "reworked" else day.counters[counter]
    bounds = [f"{day.moment} {closing} %(end)s"]
    if begin:
        bounds.append(f"{day.moment} {opening} %(begin)s")
    if day.moment != "reported_time":
        bounds.append("reported_time < %(end)s::timestamptz + interval '31 days'")
    return f"{' AND '.join(bounds)} AND {day.guard} AND ({further})"


def days_in_sql(rules: CountingRules) -> str:
    """Returns the days of a case as rows ``d`` for a lateral join: a date, and 1 for each counter that counts on it."""
    rows = []
    for day in days_of_case(rules):
        values = [
            (f"({day.counters[name]})" if name == "reworked" else f"({day.counters[name]})::int")
            if name in day.counters
            else "NULL"
            for name in COUNTERS
        ]
        moment = f"CASE WHEN {day.guard} THEN {day_in_sql(day.moment, rules)} END"
        rows.append(f"({moment}, {', '.join(values)})")
    return f"(VALUES {', '.join(rows)}) d(day, {', '.join(COUNTERS)})"


def counted_cells(rules: CountingRules) -> str:
    """Returns the query that counts all cases anew: region, date, the cell's other columns, and all counters.

    Every case gives a row for each of its days; the rows are then added up. ``perf``: the days are laid beside each
    other in one pass over ``cases``.
    """
    sums = ", ".join(f"coalesce(sum(d.{name}), 0)::int AS {name}" for name in COUNTERS)
    return (
        f"SELECT region, d.day, unit_code, class_key, source_code, {sums} FROM cases"  # noqa: S608 — constants
        f" CROSS JOIN LATERAL {days_in_sql(rules)} WHERE d.day IS NOT NULL GROUP BY 1, 2, 3, 4, 5"
    )
