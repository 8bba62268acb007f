"""Values of cells: damaged codes, numbers, truth and local times; what is uncertain is refused, nothing guessed."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mapping_values import (
    Choice,
    Clock,
    TimeUncertain,
    half_width,
    minutes,
    moment,
    number,
    tidy,
    truth,
    undamaged,
    whole_number,
)

CHINA = Clock(ZoneInfo("Asia/Shanghai"))
BOSTON = ZoneInfo("America/New_York")
#: Local times: their zone is the clock's.
FIRST, LAST = datetime.fromisoformat("1992-01-01"), datetime.fromisoformat("2199-12-31")
SECONDS = ("%Y-%m-%d %H:%M:%S",)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


# Codes.


@given(digits=st.integers(0, 10**30).map(str), zeros=st.integers(0, 3))
def test_a_whole_number_with_a_useless_point_is_what_it_was(digits: str, zeros: int) -> None:
    assert undamaged(f"{digits}.{'0' * zeros}") == digits
    assert undamaged(digits) == digits


@given(mantissa=st.integers(1, 999), power=st.integers(2, 40))
def test_no_code_in_powers_of_ten_is_ever_guessed(mantissa: int, power: int) -> None:
    for text in (f"{mantissa}E+{power}", f"{mantissa / 100}e{power}"):
        with pytest.raises(ValueError, match=r"[eE]"):
            undamaged(text)


@given(text=st.text(max_size=30).filter(lambda text: not text[:1].isdigit() and text[:1] not in ("+", "-")))
def test_what_is_no_number_stays_as_it_is(text: str) -> None:
    assert undamaged(text) == text


# Texts, numbers, truth.


@given(text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20))
def test_full_width_signs_are_compared_as_ascii(text: str) -> None:
    wide = "".join("\u3000" if letter == " " else chr(ord(letter) + 0xFEE0) for letter in text)
    assert half_width(wide) == half_width(text)


@given(text=st.text(max_size=30))
def test_the_compared_form_is_its_own_compared_form(text: str) -> None:
    assert half_width(half_width(text)) == half_width(text)
    assert tidy(tidy(text)) == tidy(text)


@pytest.mark.parametrize("text", ["\u00a0路灯\u3000", "\ufeff路灯\u200b", " \t路灯\r\n"])
def test_blanks_nobody_sees_do_not_count(text: str) -> None:
    assert tidy(text) == half_width(text) == "路灯"


@given(value=st.integers(-(10**39), 10**39))
def test_whole_numbers_are_read(value: int) -> None:
    assert whole_number(str(value)) == whole_number(f"{value}.0") == value


@pytest.mark.parametrize("text", ["", "1,000", "1.5", "1e3", "0x1", "1_0", "一", "١٢", "--1"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=_exactly(text)):
        whole_number(text)


@given(value=st.floats(-1e15, 1e15, allow_nan=False).map(lambda value: round(value, 6)))
def test_numbers_are_read_as_they_are_written(value: float) -> None:
    assert number(f"{value:.6f}") == value


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999", "1,5", "1_0", "0x10", "１", ""])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=_exactly(text)):
        number(text)


def test_truth_is_read_in_both_languages_and_nothing_else_is_taken_for_it() -> None:
    assert [truth(text) for text in ("是", "TRUE", "y", "1", "否", "False", "n", "0.0")] == [True] * 4 + [False] * 4
    for text in ("", "2", "真", "maybe"):
        with pytest.raises(ValueError, match=_exactly(text)):
            truth(text)


# Times.


@given(time=st.datetimes(FIRST, LAST).map(lambda time: time.replace(microsecond=0)))
def test_local_times_of_china_are_eight_hours_ahead(time: datetime) -> None:
    expected = (time.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) - 8 * 3_600_000_000
    assert moment(str(time), SECONDS, CHINA) == expected
    assert minutes(expected) * 60_000_000 <= expected


@given(time=st.datetimes(FIRST, LAST))
def test_a_time_with_clock_changes_is_unique_or_refused(time: datetime) -> None:
    local = time.replace(microsecond=0)
    try:
        read = moment(str(local), SECONDS, Clock(BOSTON))
    except TimeUncertain:
        # It is named twice, or never.
        first, second = (local.replace(tzinfo=BOSTON, fold=fold).utcoffset() for fold in (0, 1))
        assert first != second
        return
    assert (EPOCH + timedelta(microseconds=read)).astimezone(BOSTON).replace(tzinfo=None) == local


@pytest.mark.parametrize(
    ("local", "missing", "ambiguous", "utc"),
    [
        # 2020-03-08: 02:00 to 03:00 were skipped.
        ("2020-03-08 01:59:59", "refuse", "refuse", "2020-03-08 06:59:59"),
        ("2020-03-08 02:30:00", "refuse", "later", None),
        ("2020-03-08 02:30:00", "later", "refuse", "2020-03-08 07:30:00"),  # 03:30 summer time
        ("2020-03-08 02:30:00", "earlier", "refuse", "2020-03-08 06:30:00"),  # 01:30 winter time
        ("2020-03-08 03:00:00", "refuse", "refuse", "2020-03-08 07:00:00"),
        # 2020-11-01: 01:00 to 02:00 came twice.
        ("2020-11-01 00:59:59", "refuse", "refuse", "2020-11-01 04:59:59"),
        ("2020-11-01 01:16:00", "later", "refuse", None),
        ("2020-11-01 01:16:00", "refuse", "earlier", "2020-11-01 05:16:00"),
        ("2020-11-01 01:16:00", "refuse", "later", "2020-11-01 06:16:00"),
        ("2020-11-01 02:00:00", "refuse", "refuse", "2020-11-01 07:00:00"),
    ],
)
def test_times_around_clock_changes(local: str, missing: Choice, ambiguous: Choice, utc: str | None) -> None:
    clock = Clock(BOSTON, missing, ambiguous)
    if utc is None:
        with pytest.raises(TimeUncertain):
            moment(local, SECONDS, clock)
        return
    assert EPOCH + timedelta(microseconds=moment(local, SECONDS, clock)) == datetime.fromisoformat(f"{utc}+00:00")


@pytest.mark.parametrize(
    ("text", "form", "utc"),
    [
        ("2020-03-02T08:15:00+0800", "%Y-%m-%dT%H:%M:%S%z", "2020-03-02 00:15:00"),
        ("2020-03-02T08:15:00Z", "%Y-%m-%dT%H:%M:%S%z", "2020-03-02 08:15:00"),
        ("43892.34375", "excel", "2020-03-02 00:15:00"),
        ("1583108100", "unix", "2020-03-02 00:15:00"),
        ("1583108100.5", "unix", "2020-03-02 00:15:00.500"),
        ("1583108100000", "unix_ms", "2020-03-02 00:15:00"),
    ],
)
def test_other_ways_to_write_a_time(text: str, form: str, utc: str) -> None:
    read = EPOCH + timedelta(microseconds=moment(text, ("%Y-%m-%d", form), CHINA))
    assert read == datetime.fromisoformat(f"{utc}+00:00")


@given(text=st.text(max_size=20) | st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,5})?(e[0-9]{1,2})?", fullmatch=True))
def test_no_text_breaks_the_reading_of_times(text: str) -> None:
    try:
        assert isinstance(moment(text, ("%Y", *SECONDS, "excel", "unix", "unix_ms"), CHINA), int)
    except ValueError as refused:
        assert str(refused) == text
