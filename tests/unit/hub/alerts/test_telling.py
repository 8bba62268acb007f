"""Who is told of what, and when: down once, up once, escalation, silence, duty."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange_db.alert_records import Alert, Contact, Severity, Silence
from hub.alerts.telling import MAIL, Address, Telling, addresses_of, answering, is_on_duty, registry_of, tellings
from hub.alerts.wording import Letterhead, summary_of, words_of
from hub.sections.alerts import Channel

BEGIN = datetime(2026, 11, 23, 0, tzinfo=UTC)
MINUTES = (1.0, 15.0, 60.0)
ALERT = Alert(
    region=431221, alert_id=UUID(int=7), rule="link.down", subject="431221.platform", since=BEGIN,
    severity=Severity.CRITICAL, text="中断", text_en="down",
)  # fmt: skip
GROUP = Channel.model_validate({"kind": "dingtalk", "url": "https://oapi.dingtalk.com/robot/send", "addresses": ()})


def _silence(minutes: int, region: int = 431200, rule: str = "link.*", subject: str = "431221.*") -> Silence:
    return Silence(
        region=region, silence_id=uuid4(), rule=rule, subject=subject, reason="检修", made_by="li",
        until_time=BEGIN + timedelta(minutes=minutes), made_time=BEGIN,
    )  # fmt: skip


def _contact(name: str, level: int = 1, region: int = 431221, **fields: object) -> Contact:
    return Contact(region=region, contact_id=uuid4(), name=name, level=level, mail=f"{name}@x", **fields)  # type: ignore[arg-type]


@given(
    st.lists(st.integers(1, 40), max_size=40),
    st.integers(0, 400),
    st.integers(0, 400),
    st.one_of(st.none(), st.integers(0, 400)),
)
def test_whatever_happens_each_level_hears_once_and_nobody_hears_of_an_end_alone(
    pauses: list[int], silent_from: int, silent_until: int, taken_after: int | None
) -> None:
    """Looks at any moments, a silence over any time, somebody who takes it on at some time or never."""
    alert, now, told = ALERT, BEGIN, list[Telling]()
    for pause in pauses:
        now += timedelta(minutes=pause)
        passed = (now - BEGIN) // timedelta(minutes=1)
        if taken_after is not None and passed >= taken_after and alert.acknowledged_time is None:
            alert = replace(alert, acknowledged_time=now)
        silences = [_silence(silent_until)] if silent_from <= passed < silent_until else []
        new = tellings([alert], [], silences, MINUTES, now)
        assert not (new and silences)
        assert not (new and alert.acknowledged_time)
        told += new
        alert = replace(alert, told_level=max([alert.told_level, *(one.level for one in new)]))
    assert [one.level for one in told] == list(range(1, len(told) + 1))
    assert [one.event for one in told] == (["opened"] + ["escalated"] * 2)[: len(told)]
    ended = tellings([], [alert], [], MINUTES, now)
    assert [one.event for one in ended] == (["closed"] if told else [])


def test_a_notice_goes_to_the_first_level_only() -> None:
    notice = replace(ALERT, severity=Severity.NOTICE)
    later = BEGIN + timedelta(days=1)
    assert [one.level for one in tellings([notice], [], [], MINUTES, later)] == [1]
    assert [one.level for one in tellings([ALERT], [], [], MINUTES, later)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("silence", "is_silent"),
    [
        (_silence(9), True),
        (_silence(9, rule="*", subject="*"), True),
        (_silence(9, region=0), True),
        (_silence(9, region=431222), False),
        (_silence(9, rule="job.*"), False),
        (_silence(9, subject="431222.*"), False),
    ],
)
def test_a_silence_reaches_what_its_pattern_and_region_say(silence: Silence, is_silent: bool) -> None:
    assert (tellings([ALERT], [], [silence], MINUTES, BEGIN + timedelta(minutes=2)) == []) is is_silent


def test_a_level_is_told_by_mail_robot_and_channel_and_the_end_goes_where_the_beginning_went() -> None:
    people = [
        _contact("zhang", robot="班组"),
        _contact("li", level=2),
        _contact("wang", region=431200),
        _contact("zhao", region=431222),
    ]
    registry = registry_of(people)
    channels = {"班组": GROUP.model_copy(update={"level": 0}), "大群": GROUP}
    noon = BEGIN.astimezone(ZoneInfo("Asia/Shanghai"))
    first = addresses_of(Telling(ALERT, "opened", 1), registry, channels, noon, has_mail=True)
    assert first == [Address("大群"), Address(MAIL, "wang@x"), Address(MAIL, "zhang@x"), Address("班组")]
    second = addresses_of(Telling(ALERT, "escalated", 2), registry, channels, noon, has_mail=True)
    assert second == [Address(MAIL, "li@x")]
    over = replace(ALERT, told_level=1, told_to=tuple(map(str, first)))
    assert addresses_of(Telling(over, "closed", 1), {}, channels, noon, has_mail=True) == first
    assert addresses_of(Telling(ALERT, "opened", 1), registry, {}, noon, has_mail=False) == []


def test_who_is_on_duty_is_told_and_when_nobody_is_all_are() -> None:
    day, night = _contact("day", duty_from=8, duty_until=18), _contact("night", duty_from=18, duty_until=8)
    off = _contact("weekend", duty_days="67")
    zone = ZoneInfo("Asia/Shanghai")
    morning = datetime(2026, 11, 23, 9, tzinfo=zone)  # a Monday
    assert [one.name for one in answering(ALERT, 1, registry_of([day, night, off]), morning)] == ["day"]
    assert [one.name for one in answering(ALERT, 1, registry_of([day, night, off]), morning.replace(hour=23))] == [
        "night"
    ]
    assert [one.name for one in answering(ALERT, 1, registry_of([off]), morning)] == ["weekend"]
    friday_night = _contact("friday", duty_days="5", duty_from=18, duty_until=8)
    saturday = datetime(2026, 11, 28, 3, tzinfo=zone)
    assert is_on_duty(friday_night, saturday)
    assert not is_on_duty(friday_night, saturday - timedelta(days=1))


def test_an_event_is_the_same_message_for_ever() -> None:
    head = Letterhead("怀化市枢纽 431200.hub", "https://hub/alerts", BEGIN)
    down, up = (words_of(Telling(ALERT, event, 1), head) for event in ("opened", "closed"))
    assert down == words_of(Telling(ALERT, "opened", 1), head)
    assert down.event_id != up.event_id
    assert (down.title, up.title) == ("【严重】链路中断：431221.platform", "【恢复】链路中断：431221.platform")
    assert "https://hub/alerts" in down.body


def test_many_events_become_one_summary() -> None:
    many = [Telling(replace(ALERT, alert_id=uuid4()), "opened", 1) for _ in range(30)]
    summary = summary_of(many, Address(MAIL, "li@x"), Letterhead("枢纽", "", BEGIN))
    assert summary.title == "【汇总】30 项告警，0 项恢复"
    assert "另有 10 项" in summary.body
    assert len(summary.body.splitlines()) < 30
