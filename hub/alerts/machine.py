"""How an alert comes and goes: a pure function of a rule, how it saw its subject so far, a value and a moment.

::

    calm ─► pending ─► open ─► calm
      ▲        │
      └────────┘   it was not bad for long enough

Whoever comes back soon after it closed must be well for longer each time, twice as long as before, so that what
flaps stays one open alert in place of many. Silences and acknowledgements change nothing here.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec.structs import replace

from exchange_db.alert_records import AlertState, Phase
from hub.alerts.rules import Rule

#: A subject that opens again within this time of its closing flaps.
FLAP_SECONDS = 900
#: What a flapping subject must be well for at least, before it is doubled.
_LEAST_CLEAR_SECONDS = 15
_MOST_REOPENINGS = 6


class Change(StrEnum):
    """What a value brought about."""

    NONE = ""
    OPENED = "opened"
    CLOSED = "closed"


def step(rule: Rule, state: AlertState, value: float | None, now: datetime, new_id: UUID) -> tuple[AlertState, Change]:
    """Returns how a rule sees a subject after one look.

    Args:
        rule: as it is in force.
        state: how it saw the subject before.
        value: what was seen; ``None`` when there is no such subject any more, or the rule is off.
        now: moment of the look, not before the last one.
        new_id: number for an alert that opens now.
    """
    if state.phase == Phase.OPEN:
        return _open(rule, state, value, now)
    if value is None or not rule.is_raised_by(value):
        return _calm(state, now), Change.NONE
    since = state.since_time if state.phase == Phase.PENDING else now
    if now - since < timedelta(seconds=rule.raise_seconds):
        return replace(state, phase=Phase.PENDING, since_time=since), Change.NONE
    opened = replace(
        state,
        phase=Phase.OPEN,
        since_time=now,
        better_time=None,
        closed_time=None,
        reopenings=min(state.reopenings + 1, _MOST_REOPENINGS) if _is_recent(state, now) else 0,
        alert_id=new_id,
    )
    return opened, Change.OPENED


def seconds_to_clear(rule: Rule, reopenings: int) -> int:
    """Returns for how long a subject must be well to close, after so many reopenings in a row."""
    if not reopenings:
        return rule.clear_seconds
    return max(rule.clear_seconds, _LEAST_CLEAR_SECONDS) << reopenings


def _open(rule: Rule, state: AlertState, value: float | None, now: datetime) -> tuple[AlertState, Change]:
    if value is None:
        return _closed(state, now), Change.CLOSED
    if not rule.is_cleared_by(value):
        return replace(state, better_time=None), Change.NONE
    since = state.better_time or now
    if now - since < timedelta(seconds=seconds_to_clear(rule, state.reopenings)):
        return replace(state, better_time=since), Change.NONE
    return _closed(state, now), Change.CLOSED


def _closed(state: AlertState, now: datetime) -> AlertState:
    return replace(state, phase=Phase.CALM, since_time=now, better_time=None, closed_time=now, alert_id=None)


def _calm(state: AlertState, now: datetime) -> AlertState:
    if _is_recent(state, now):
        return replace(state, phase=Phase.CALM, since_time=now)
    return replace(state, phase=Phase.CALM, since_time=now, closed_time=None, reopenings=0)


def _is_recent(state: AlertState, now: datetime) -> bool:
    return state.closed_time is not None and now - state.closed_time <= timedelta(seconds=FLAP_SECONDS)
