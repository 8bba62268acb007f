"""What needs a person now, in order of urgency; each with the page of its cause. Pure.

The order: what does not arrive now, what people were alarmed about, what will break at a known hour, what was put
aside, what waits for somebody's decision, and last what only makes work.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from exchange_db.alert_records import Alert, Severity
from exchange_db.jobs import JobRun
from exchange_db.link_states import LinkHealth
from exchange_db.today import HeldReason, OpenProposal
from hub.console.standing import Standing

#: Days before the end of a certificate from which it is told.
CERTIFICATE_DAYS = 30
#: Items of one sort that are told one by one; the rest is one line.
MOST_OF_A_SORT = 5
MOST_REASONS = 3


class Grade(StrEnum):
    """How urgent something is; the values are classes of the style sheet and, after ``grade_``, words."""

    URGENT = "broken_link"
    SOON = "strained"
    OPEN = "quiet"


_GRADES = {Severity.CRITICAL: Grade.URGENT, Severity.WARNING: Grade.SOON, Severity.NOTICE: Grade.OPEN}


class Need(NamedTuple):
    """One line: a text of the catalogue with its values, the path of its cause with its query, and since when."""

    grade: Grade
    word: str
    values: tuple[object, ...]
    path: str
    query: dict[str, str]
    since: datetime | None = None


class Facts(NamedTuple):
    """What is known; empty where the reader may not see it."""

    standings: Sequence[Standing]
    held: Sequence[HeldReason] = ()
    proposals: Sequence[OpenProposal] = ()
    runs: Sequence[JobRun] = ()
    followup_count: int = 0
    alerts: Sequence[Alert] = ()


#: Where one link is shown, and all of them.
LINK, LINKS = "/links/show", "/links"


def needs_of(facts: Facts) -> list[Need]:
    """Returns what needs a person, most urgent first."""
    down = [one for one in facts.standings if one.mood is LinkHealth.DOWN and not _is_expired(one)]
    ending = sorted(
        (one for one in facts.standings if one.mood is not LinkHealth.PAUSED and _ends(one)),
        key=lambda one: one.certificate_days or 0,
    )
    slow = [one for one in facts.standings if one.mood is LinkHealth.SLOW]
    waiting = [one for one in facts.standings if one.mood is LinkHealth.WAITING]
    needs = _of_links(Grade.URGENT, "need_expired", [one for one in ending if _is_expired(one)])
    needs += _of_links(Grade.URGENT, "need_down", down)
    needs += _of_alerts(facts.alerts)
    needs += _of_links(Grade.SOON, "need_certificate", [one for one in ending if not _is_expired(one)])
    needs += _of_quarantine(facts.held)
    needs += _of_links(Grade.SOON, "need_slow", slow)
    needs += [
        Need(Grade.OPEN, "need_proposal", (one.operation, one.object, one.proposer), "/proposals", {})
        for one in facts.proposals[:MOST_OF_A_SORT]
    ]
    needs += _of_links(Grade.OPEN, "need_joining", waiting)
    needs += [
        Need(Grade.OPEN, "need_job", (one.job, one.trouble[:120]), "/jobs", {}, one.started_time)
        for one in facts.runs
        if one.trouble
    ]
    if facts.followup_count:
        needs.append(Need(Grade.OPEN, "need_followup", (facts.followup_count,), "/followup", {}))
    return sorted(needs, key=lambda need: list(Grade).index(need.grade))


def reachable(needs: Iterable[Need], open_paths: Iterable[str]) -> list[Need]:
    """Returns what has a page, of those somebody may open; a need is not shown where nothing can be done about it."""
    paths = frozenset(open_paths)
    return [need for need in needs if need.path in paths]


def _of_links(grade: Grade, word: str, standings: Sequence[Standing]) -> list[Need]:
    needs = [
        Need(grade, word, (one.name or one.peer_id, _told(word, one)), LINK, {"id": one.peer_id}, one.since)
        for one in standings[:MOST_OF_A_SORT]
    ]
    if more := len(standings) - len(needs):
        needs.append(Need(grade, f"{word}_more", (more,), LINKS, {}))
    return needs


def _of_alerts(alerts: Sequence[Alert]) -> list[Need]:
    """Returns the alerts nobody has taken on yet; the text is the rule's, in both languages."""
    untaken = [one for one in alerts if one.acknowledged_time is None]
    needs = [
        Need(_GRADES[one.severity], "need_alert", (one.text, one.text_en), "/alerts", {}, one.since)
        for one in untaken[:MOST_OF_A_SORT]
    ]
    if more := len(untaken) - len(needs):
        needs.append(Need(Grade.SOON, "need_alert_more", (more,), "/alerts", {}))
    return needs


def _of_quarantine(held: Sequence[HeldReason]) -> list[Need]:
    needs = [
        Need(Grade.SOON, "need_held", (one.record_count, one.reason), "/quarantine", {"reason": one.reason})
        for one in held[:MOST_REASONS]
    ]
    if rest := held[MOST_REASONS:]:
        values = (len(rest), sum(one.record_count for one in rest))
        needs.append(Need(Grade.SOON, "need_held_more", values, "/quarantine", {}))
    return needs


def _told(word: str, one: Standing) -> object:
    if word in ("need_certificate", "need_expired"):
        return abs(one.certificate_days or 0)
    return one.lag_records if word == "need_slow" else one.trouble[:120]


def _ends(one: Standing) -> bool:
    return one.certificate_days is not None and one.certificate_days < CERTIFICATE_DAYS


def _is_expired(one: Standing) -> bool:
    return one.certificate_days is not None and one.certificate_days < 0
