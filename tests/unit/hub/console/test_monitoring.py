"""The measures in Prometheus' text format."""

from datetime import UTC, datetime, timedelta

from exchange_db.jobs import JobRun
from exchange_db.link_days import LinkDay
from exchange_db.link_states import LinkHealth, LinkState, Neighbour
from exchange_db.overview import LogState, StreamState
from hub.console.measures import exposition
from tests.support.neighbours import a_peer

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_measure_is_explained_once_and_names_what_it_measures() -> None:
    down, good = LinkHealth.DOWN, LinkHealth.GOOD
    heard_time = NOW - timedelta(seconds=90)
    outgoing, incoming = (
        LinkState(
            "430000.hub", "x", "province", 430000, "parent", way, health, "", 12, 0, None, heard_time, None, "", 9, 0,
            None, failure_count=4,
        )
        for way, health in (("out", down), ("in", good))
    )  # fmt: skip
    link = Neighbour(a_peer("430000.hub", "parent"), outgoing, incoming)
    text = exposition(
        LogState(3, NOW - timedelta(seconds=2.5), NOW),
        [link],
        [StreamState("431221.platform", "cases", 10, 7, 2, 1, NOW)],
        {"UNREADABLE": 2},
        [JobRun(1, "fold-figures", NOW, NOW, "", "ValueError: x")],
    )
    lines = text.splitlines()
    for expected in (
        "sanji_unapplied_records 3",
        "sanji_oldest_unapplied_seconds 2.500",
        'sanji_link_waiting_parcels{peer="430000.hub"} 12',
        'sanji_link_failures{peer="430000.hub"} 4',
        'sanji_link_contact_age_seconds{peer="430000.hub"} 90',
        'sanji_link_healthy{peer="430000.hub"} 0',
        'sanji_link_down{peer="430000.hub"} 1',
        'sanji_certificate_days_left{peer="430000.hub"} 9',
        'sanji_quarantine_open{reason="UNREADABLE"} 2',
        'sanji_stream_records_total{sender="431221.platform",stream="cases",outcome="accepted"} 7',
        'sanji_stream_records_total{sender="431221.platform",stream="cases",outcome="refused"} 2',
        'sanji_job_failed{job="fold-figures"} 1',
    ):
        assert expected in lines
    kinds = [line for line in lines if line.startswith("# TYPE")]
    assert len(kinds) == len(set(kinds)) == 15
    assert text.endswith("\n")


def test_names_from_outside_cannot_break_the_format() -> None:
    text = exposition(LogState(0, None, NOW), [], [StreamState('a"b\\c\nd', "s", 0, 1_234_567, 0, 0, None)], {}, [])
    assert 'sender="a\\"b\\\\c\\nd"' in text
    assert "1.23457e+06" not in text


def test_what_there_is_none_of_is_left_out() -> None:
    assert "sanji_link" not in exposition(LogState(0, None, NOW), [], [], {}, [])


def test_the_newest_day_of_a_link_is_measured_as_far_as_it_is_known() -> None:
    day = LinkDay("430000.hub", True, 20200615, 200, 199, 1, 2, 4_500, 40, 198, 2, NOW, "")
    silent = day._replace(is_sent=False, age_p95_ms=None, other_count=None, compared_time=None)
    text = exposition(LogState(0, None, NOW), [], [], {}, [], [day, silent])
    labels = 'peer="430000.hub",direction="sent"'
    for line in (
        f"sanji_link_coverage_ratio{{{labels}}} 0.995",
        f"sanji_link_age_p95_seconds{{{labels}}} 4.500",
        f"sanji_link_missing_numbers{{{labels}}} 2",
        f"sanji_link_differences{{{labels}}} 2",
        'sanji_link_missing_numbers{peer="430000.hub",direction="received"} 2',
    ):
        assert line in text
    assert text.count('direction="received"') == 1
