"""Working calendars: holidays, make-up days, regions' own days and hours, and years without a notice."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.standards.calendar import Day, DayKind, RegionRules, Season, SeasonalHours, WorkingCalendar, YearRules
from hub.standards.calendar_file import read_calendar
from hub.standards.limits import RuleBroken
from tests.support.clock import at

HOUR = 3_600_000_000
NATION = WorkingCalendar()

FILE = """
[regions.000000]
hours = ["08:30-12:00", "14:00-17:30"]

[regions.431200]
hours = ["08:00-12:00", "14:30-18:00"]
seasonal_hours = [{ from = "05-01", to = "09-30", hours = ["08:00-12:00", "15:00-18:00"] }]

[regions.431200.seasons]
"种植季节" = { from = "11-01", to = "03-31" }

[regions.431200.years.2020]
extra_holidays = [2020-02-03, 2020-02-04]

[regions.431221.years.2020]
extra_working_days = [2020-02-08]

[regions.431221.years.2022]
hours = ["09:00-17:00"]

[regions.431221.years.2030]
extra_holidays = [2030-01-01]
is_complete = true

[regions.650000]
zone = "Asia/Urumqi"
"""


@pytest.fixture
def rules(tmp_path: Path) -> dict[int, RegionRules]:
    path = tmp_path / "calendar.toml"
    path.write_text(FILE, encoding="utf-8")
    return read_calendar(path)


def _hours(calendar: WorkingCalendar, day: str) -> list[str]:
    midnight = calendar.midnight(date.fromisoformat(day))
    return [
        "-".join(f"{(mark - midnight) / HOUR:g}" for mark in interval)
        for interval in calendar.intervals(date.fromisoformat(day))
    ]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2021-12-31", Day(DayKind.WORKING)),
        ("2022-01-01", Day(DayKind.HOLIDAY, "元旦")),
        ("2022-01-03", Day(DayKind.HOLIDAY, "元旦")),
        ("2022-01-29", Day(DayKind.MAKE_UP, "春节")),
        ("2022-01-30", Day(DayKind.MAKE_UP, "春节")),
        ("2022-01-31", Day(DayKind.HOLIDAY, "春节")),
        ("2022-02-06", Day(DayKind.HOLIDAY, "春节")),
        ("2022-02-07", Day(DayKind.WORKING)),
        ("2022-02-12", Day(DayKind.WEEKEND)),
        # The Spring Festival of 2020 was made longer by a notice of its own; 02-01 was to be a make-up day before.
        ("2020-02-01", Day(DayKind.HOLIDAY, "春节")),
        ("2020-02-02", Day(DayKind.HOLIDAY, "春节")),
        ("2020-02-03", Day(DayKind.WORKING)),
    ],
)
def test_days_are_those_of_the_yearly_notices(day: str, expected: Day) -> None:
    assert NATION.day(date.fromisoformat(day)) == expected
    assert NATION.is_working_day(date.fromisoformat(day)) is expected.is_working


def test_years_without_a_notice_are_monday_to_friday_and_not_certain() -> None:
    assert NATION.is_certain(2022)
    for year in (1999, 2150):
        assert not NATION.is_certain(year)
    assert NATION.day(date(2150, 1, 1)).kind is DayKind.WORKING  # a Thursday
    assert NATION.day(date(2150, 1, 3)).kind is DayKind.WEEKEND


def test_the_nearest_region_that_sets_something_wins_field_by_field(rules: dict[int, RegionRules]) -> None:
    county, city = WorkingCalendar(rules, 431221), WorkingCalendar(rules, 431200)
    other, province = WorkingCalendar(rules, 431222), WorkingCalendar(rules, 430000)
    # Days: the city's holidays reach its counties, and a county adds its own working day.
    for calendar in (county, city, other):
        assert calendar.day(date(2020, 2, 3)).kind is DayKind.EXTRA_HOLIDAY
    assert province.day(date(2020, 2, 3)).kind is DayKind.WORKING
    assert county.day(date(2020, 2, 8)).kind is DayKind.EXTRA_WORKING
    assert city.day(date(2020, 2, 8)).kind is DayKind.WEEKEND
    # Hours: year before region before the region above.
    assert _hours(province, "2020-03-02") == ["8.5-12", "14-17.5"]
    assert _hours(other, "2020-03-02") == ["8-12", "14.5-18"]
    assert _hours(county, "2021-03-01") == ["8-12", "14.5-18"]
    assert _hours(county, "2022-03-01") == ["9-17"]
    assert _hours(county, "2020-07-01") == ["8-12", "15-18"]
    assert _hours(county, "2020-07-04") == []
    assert _hours(WorkingCalendar(), "2020-07-01") == ["8-12", "14-18"]
    # A year whose notice was typed in is certain.
    assert county.is_certain(2030)
    assert not city.is_certain(2030)


def test_a_region_lives_in_its_own_zone(rules: dict[int, RegionRules]) -> None:
    assert WorkingCalendar(rules, 650100).opening(at("2022-03-01T00:00Z")) == at("2022-03-01T02:30Z")
    assert WorkingCalendar(rules, 430000).opening(at("2022-03-01T00:00Z")) == at("2022-03-01T00:30Z")


def test_seasons_run_over_the_new_year(rules: dict[int, RegionRules]) -> None:
    season = WorkingCalendar(rules, 431221).season("种植季节")
    assert season == Season("11-01", "03-31")
    assert date(2022, 12, 31) in season
    assert date(2022, 3, 31) in season
    assert date(2022, 4, 1) not in season
    assert NATION.season("种植季节") is None


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2022-01-25T07:59", "2022-01-25T08:00"),
        ("2022-01-25T08:00", "2022-01-25T08:00"),
        ("2022-01-25T12:00", "2022-01-25T12:00"),
        ("2022-01-25T12:00:00.000001", "2022-01-25T14:00"),
        ("2022-01-25T18:00", "2022-01-25T18:00"),
        ("2022-01-25T18:00:00.000001", "2022-01-26T08:00"),
        ("2022-01-26T00:00", "2022-01-26T08:00"),
        ("2022-01-30T20:00", "2022-02-07T08:00"),
        ("2021-12-31T23:59", "2022-01-04T08:00"),
        ("2022-01-01T00:00", "2022-01-04T08:00"),
    ],
)
def test_work_begins_at_the_next_opening(moment: str, opening: str) -> None:
    assert NATION.opening(at(f"{moment}+08:00")) == at(f"{opening}+08:00")


def test_a_year_without_working_days_is_passed_over() -> None:
    whole = frozenset(date.fromordinal(n) for n in range(date(2022, 1, 1).toordinal(), date(2023, 1, 1).toordinal()))
    calendar = WorkingCalendar({0: RegionRules(years={2022: YearRules(extra_holidays=whole)})})
    evening = at("2021-12-31T18:00+08:00")
    assert calendar.opening(evening + 1) == at("2023-01-03T08:00+08:00")
    assert calendar.added(evening, HOUR) == at("2023-01-03T09:00+08:00")
    assert calendar.day_later(evening, 1) == at("2023-01-03T18:00+08:00")
    assert calendar.elapsed(at("2022-01-10T08:00+08:00"), at("2022-12-20T08:00+08:00")) == 0


def test_a_night_shift_may_last_until_midnight() -> None:
    calendar = WorkingCalendar({0: RegionRules(hours=("20:00-24:00",))})
    assert calendar.added(at("2022-01-25T23:00+08:00"), 2 * HOUR) == at("2022-01-26T21:00+08:00")
    assert calendar.opening(at("2022-01-26T00:00+08:00")) == at("2022-01-26T00:00+08:00")


@given(st.integers(at("2019-12-01"), at("2023-03-01")), st.integers(0, 4000 * HOUR))
def test_prefix_sums_agree_with_counting_the_intervals(start: int, length: int) -> None:
    end = start + length
    slow, day = 0, NATION.date_of(start)
    while day <= NATION.date_of(end):
        slow += sum(max(0, min(end, closes) - max(start, opens)) for opens, closes in NATION.intervals(day))
        day = date.fromordinal(day.toordinal() + 1)
    assert NATION.elapsed(start, end) == slow


@pytest.mark.parametrize("moment", ["1969-12-31T15:59:59+00:00", "2201-01-01T00:00+08:00"])
def test_times_that_no_record_can_hold_are_refused(moment: str) -> None:
    for ask in (NATION.opening, NATION.known):
        with pytest.raises(RuleBroken) as refused:
            ask(at(moment))
        assert refused.value.rule == "TIME_OUT_OF_RANGE"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("[region.431200]", "region"),
        ("regions = 3", "regions"),
        ("[regions.4312]", "regions.4312"),
        ("regions.431200 = 1", "regions.431200"),
        ("[regions.431200]\nhour = 1", "hour"),
        ("[regions.431200]\nhours = []", "regions.431200.hours"),
        ('[regions.431200]\nhours = ["8-12"]', "regions.431200.hours[0]"),
        ('[regions.431200]\nhours = ["14:00-18:00", "08:00-12:00"]', "regions.431200.hours"),
        ('[regions.431200]\nhours = ["18:00-08:00"]', "regions.431200.hours"),
        ('[regions.431200]\nzone = "Asia/Huaihua"', "regions.431200.zone"),
        ('[regions.431200]\nzone = "../x"', "regions.431200.zone"),
        ('[regions.431200]\nseasons = { a = { from = "02-30", to = "03-01" } }', "regions.431200.seasons.a"),
        (
            '[regions.431200]\nseasonal_hours = [{ from = "13-01", to = "03-01", hours = ["08:00-12:00"] }]',
            "regions.431200.seasonal_hours[0].from",
        ),
        (
            '[regions.431200]\nseasonal_hours = [{ from = "05-01", to = "06-31", hours = ["08:00-12:00"] }]',
            "regions.431200.seasonal_hours",
        ),
        (
            '[regions.431200]\nseasonal_hours = [{ from = "05-01", to = "06-30", hours = ["12:00-12:00"] }]',
            "regions.431200.seasonal_hours[0].hours",
        ),
        ("[regions.431200.years.20]", "regions.431200.years.20"),
        ("[regions.431200.years.2020]\nextra_holidays = [2021-02-03]", "regions.431200.years.2020.extra_holidays"),
        ('[regions.431200.years.2020]\nextra_holidays = ["x"]', "regions.431200.years.2020.extra_holidays[0]"),
        (
            "[regions.431200.years.2020]\nextra_holidays = [2020-02-03]\nextra_working_days = [2020-02-03]",
            "regions.431200.years.2020",
        ),
        ("[regions.431200.years.2020]\nis_complete = 1", "regions.431200.years.2020.is_complete"),
        ("regions = ", ""),
    ],
)
def test_a_calendar_file_that_cannot_be_used_names_the_key(tmp_path: Path, content: str, key: str) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RuleBroken) as refused:
        read_calendar(path)
    assert refused.value.rule == "CALENDAR_INVALID"
    assert str(path) in refused.value.chinese
    assert key in refused.value.chinese or key in refused.value.english
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    for name in ("a.toml", "missing.toml"):
        with pytest.raises(RuleBroken, match=name):
            read_calendar(tmp_path / name)


def test_seasonal_hours_are_data_like_the_rest(rules: dict[int, RegionRules]) -> None:
    assert rules[431200].seasonal_hours == (SeasonalHours("05-01", "09-30", ("08:00-12:00", "15:00-18:00")),)
