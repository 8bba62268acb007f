"""Health of a link: silence is a fault only while something waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange_db.peers import LinkState
from hub.console.health import Health, certificate_days, health_of
from tests.support.neighbours import FAR, a_peer

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_link(*, state: str = "active", ends: datetime = FAR, **changes: Any) -> LinkState:
    values: dict[str, Any] = {
        "peer": a_peer("431221.platform", certificate_end_time=ends)._replace(state=state),
        "last_sequence": 10,
        "acked_sequence": 10,
        "receipted_sequence": 10,
        "waiting_count": 0,
        "failure_count": 0,
        "retry_time": None,
        "trouble": "",
        "trouble_time": None,
        "contact_time": NOW - timedelta(seconds=20),
        "clock_skew_ms": 0,
    }
    return LinkState(**values | changes)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (a_link(), Health.GOOD),
        (a_link(contact_time=NOW - timedelta(minutes=11)), Health.QUIET),
        (a_link(contact_time=None), Health.UNKNOWN),
        (a_link(contact_time=None, waiting_count=1), Health.STRAINED),
        (a_link(contact_time=NOW - timedelta(minutes=3), waiting_count=1), Health.STRAINED),
        (a_link(contact_time=NOW - timedelta(minutes=1), waiting_count=1), Health.GOOD),
        (a_link(failure_count=1), Health.STRAINED),
        (a_link(failure_count=3), Health.BROKEN),
        (a_link(ends=NOW), Health.BROKEN),
        (a_link(state="blocked", failure_count=3), Health.BLOCKED),
        (a_link(state="waiting", failure_count=3), Health.UNCONFIRMED),
    ],
)
def test_a_link_is_judged_by_what_waits_failures_and_silence(link: LinkState, expected: Health) -> None:
    assert health_of(link, NOW) is expected


def test_the_days_of_a_certificate_are_whole_ones() -> None:
    assert certificate_days(a_link(ends=NOW + timedelta(days=30, hours=23)), NOW) == 30
    assert certificate_days(a_link(ends=NOW - timedelta(seconds=1)), NOW) == -1
