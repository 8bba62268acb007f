"""How values look: both languages, the hub's zone, links that keep the language."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exchange_db.cases import CaseState
from exchange_db.records import (
    COUNTERS,
    Assignment,
    AssignmentState,
    CheckState,
    CheckVerdict,
    CodeKind,
    Crs,
    Handling,
    HandlingState,
    Report,
    ReportState,
)
from hub.console import presentation, words
from hub.console.presentation import LANGUAGES, Presentation
from hub.console.terms import FIELDS
from hub.statistics.value_names import STATES
from tests.support.clock import NOON

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CHINESE = Presentation("zh", ZoneInfo("Asia/Shanghai"))
ENGLISH = Presentation("en", ZoneInfo("Asia/Shanghai"))


def test_times_are_shown_in_the_hubs_zone() -> None:
    assert CHINESE.time(NOON) == "2020-06-15 10:00:00"
    assert CHINESE.time(datetime(2020, 6, 15, 2, tzinfo=UTC)) == "2020-06-15 10:00:00"
    assert [CHINESE.time(0), CHINESE.time(None)] == ["—", "—"]


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (-5, "0 秒前", "0 s ago"),
        (59, "59 秒前", "59 s ago"),
        (60, "1 分钟前", "1 min ago"),
        (7_300, "2 小时前", "2 h ago"),
        (172_800, "2 天前", "2 d ago"),
    ],
)
def test_ages_are_told_in_the_largest_fitting_unit(seconds: int, chinese: str, english: str) -> None:
    moment = NOW - timedelta(seconds=seconds)
    assert [CHINESE.age(moment, NOW), ENGLISH.age(moment, NOW)] == [chinese, english]
    assert CHINESE.age(None, NOW) == "—"


def test_links_keep_the_language_and_leave_out_what_is_empty() -> None:
    assert CHINESE.url("/cases", region="431221", state="") == "/cases?region=431221"
    assert CHINESE.url("/") == "/"
    assert ENGLISH.url("/case", no="2020/1 &") == "/case?no=2020%2F1+%26&lang=en"


def test_values_of_records_are_told_in_words() -> None:
    assert CHINESE.value("state", ReportState.FILED) == "立案"
    assert ENGLISH.value("state", HandlingState.CLOSE_REQUESTED) == "check asked for"
    assert CHINESE.value("is_supervised", value=True) == "是"
    assert CHINESE.value("reported_time", NOON) == "2020-06-15 10:00:00"
    assert CHINESE.value("source_code", "hotline_12345") == "12345政务热线"
    assert CHINESE.value("source_code", "01") == "01"
    assert CHINESE.value("limit_unit", 3) == "工作日"
    assert CHINESE.value("limit_unit", "LIMIT_UNIT_DAY") == "LIMIT_UNIT_DAY"
    assert ENGLISH.field("reported_time") == "reported"
    assert CHINESE.field("no_such_field") == "no such field"


def test_every_member_and_field_of_a_record_has_a_chinese_name() -> None:
    for members in (ReportState, AssignmentState, HandlingState, CheckState, CodeKind, Crs):
        for member in members:
            assert CHINESE.value("state", member)
    assert set(STATES) == set(CaseState)
    assert set(words.COUNTERS) == set(COUNTERS)
    for record in (Report, Assignment, Handling, CheckVerdict):
        assert set(record.__struct_fields__) <= set(FIELDS)


def test_every_word_a_template_asks_for_is_in_the_catalogue_in_both_languages() -> None:
    folder = Path(presentation.__file__).parent / "templates"
    # What a template puts together of two parts is asked for by the tests that show the page.
    word = re.compile(r"\bw\('([a-z0-9_-]+)'[,)]")
    asked = {key for file in folder.glob("*.html") for key in word.findall(file.read_text("utf-8"))}
    assert len(asked) > 60
    assert asked <= set(words.WORDS)
    for key, texts in words.WORDS.items():
        assert len(texts) == len(LANGUAGES), key
        assert all(texts), key
        assert texts[0].count("{") == texts[1].count("{"), key
