"""How alerts come and go, over any course of values."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange_db.alert_records import AlertState, Phase, Severity
from hub.alerts.machine import FLAP_SECONDS, Change, seconds_to_clear, step
from hub.alerts.rules import Rule

BEGIN = datetime(2026, 11, 22, tzinfo=UTC)
RULE = Rule(
    name="link.slow", measure="m", raise_at=10, clear_at=5, raise_seconds=30, clear_seconds=20,
    severity=Severity.WARNING, title="t", title_en="t", text="t", text_en="t",
)  # fmt: skip

_rules = st.builds(
    lambda up, wait, rest: replace(
        RULE, raise_at=10 if up else 5, clear_at=5 if up else 10, raise_seconds=wait, clear_seconds=rest
    ),
    st.booleans(),
    st.integers(0, 60),
    st.integers(0, 60),
)
#: Seconds since the last look, and what was seen.
_courses = st.lists(st.tuples(st.integers(1, 120), st.one_of(st.none(), st.integers(0, 15).map(float))), max_size=60)


def _fresh() -> AlertState:
    return AlertState(region=431200, rule=RULE.name, subject="431221.platform", since_time=BEGIN)


def _run(rule: Rule, course: list[tuple[int, float | None]]) -> list[tuple[datetime, AlertState, Change]]:
    state, now, seen = _fresh(), BEGIN, []
    for pause, value in course:
        now += timedelta(seconds=pause)
        state, change = step(rule, state, value, now, uuid4())
        seen.append((now, state, change))
    return seen


@given(_rules, _courses)
def test_it_opens_once_and_closes_once(rule: Rule, course: list[tuple[int, float | None]]) -> None:
    changes = [change for _, _, change in _run(rule, course) if change]
    assert changes[::2] == [Change.OPENED] * len(changes[::2])
    assert changes[1::2] == [Change.CLOSED] * len(changes[1::2])


@given(_rules, _courses)
def test_an_alert_has_its_number_from_opening_to_closing(rule: Rule, course: list[tuple[int, float | None]]) -> None:
    before: UUID | None = None
    for _, state, change in _run(rule, course):
        assert (state.phase == Phase.OPEN) == (state.alert_id is not None)
        if change is Change.NONE:
            assert state.alert_id == before
        before = state.alert_id


@given(_rules, _courses)
def test_it_opens_only_after_it_was_bad_for_long_enough(rule: Rule, course: list[tuple[int, float | None]]) -> None:
    bad_since: datetime | None = None
    for (now, _, change), (_, value) in zip(_run(rule, course), course, strict=True):
        is_bad = value is not None and rule.is_raised_by(value)
        bad_since = (bad_since or now) if is_bad else None
        if change is Change.OPENED:
            assert bad_since is not None
            assert now - bad_since >= timedelta(seconds=rule.raise_seconds)


@given(_rules, _courses)
def test_it_closes_only_when_it_is_gone_or_was_well_for_long_enough(
    rule: Rule, course: list[tuple[int, float | None]]
) -> None:
    well_since: datetime | None = None
    for (now, _, change), (_, value) in zip(_run(rule, course), course, strict=True):
        is_well = value is None or rule.is_cleared_by(value)
        well_since = (well_since or now) if is_well else None
        if change is Change.CLOSED:
            assert well_since is not None
            assert value is None or now - well_since >= timedelta(seconds=rule.clear_seconds)


@given(_rules, st.lists(st.integers(0, 15).map(float), max_size=40))
def test_between_the_thresholds_nothing_changes(rule: Rule, values: list[float]) -> None:
    course: list[tuple[int, float | None]] = [(60, value) for value in values]
    last = _run(rule, course)[-1][1] if course else _fresh()
    between = next(value for value in (6.0, 7.0) if not rule.is_raised_by(value) and not rule.is_cleared_by(value))
    after, change = step(rule, last, between, BEGIN + timedelta(days=1), uuid4())
    assert change is Change.NONE
    assert (after.phase == Phase.OPEN) == (last.phase == Phase.OPEN)


@given(st.integers(1, 40), st.integers(1, 40))
def test_what_flaps_becomes_one_open_alert(bad_seconds: int, well_seconds: int) -> None:
    """A subject that is bad and well in turns for two hours opens a handful of times, however fast it flaps."""
    rule = replace(RULE, raise_seconds=0, clear_seconds=0)
    turns = 7_200 // (bad_seconds + well_seconds)
    course: list[tuple[int, float | None]] = [(well_seconds, 20.0), (bad_seconds, 0.0)] * turns
    opened = [now for now, _, change in _run(rule, course) if change is Change.OPENED]
    assert len(opened) <= 2 + (well_seconds * 2).bit_length()


def test_what_was_calm_for_long_begins_anew() -> None:
    rule = replace(RULE, raise_seconds=0, clear_seconds=0)
    course: list[tuple[int, float | None]] = [
        (1, 20.0),
        (1, 0.0),
        (60, 20.0),
        (1, 0.0),
        (60, 0.0),
        (FLAP_SECONDS + 1, 0.0),
    ]
    states = [state for _, state, _ in _run(rule, course)]
    assert states[2].reopenings == 1
    assert [(state.phase, state.closed_time is None) for state in states[-2:]] == [
        (Phase.CALM, False),
        (Phase.CALM, True),
    ]
    assert states[-1].reopenings == 0


def test_the_longer_it_flaps_the_longer_it_must_be_well() -> None:
    needed = [seconds_to_clear(RULE, count) for count in range(7)]
    assert needed == [20, 40, 80, 160, 320, 640, 1_280]
    assert all(earlier < later for earlier, later in pairwise(needed))
