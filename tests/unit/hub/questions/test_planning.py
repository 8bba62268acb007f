"""Questions in words: Chinese and English mean the same, and what cannot be meant is told with what can."""

from typing import Any

import pytest

from exchange_db.question_facts import FACTS, Span
from exchange_db.records import COUNTERS
from hub.questions.errors import QuestionInvalid
from hub.questions.planning import planned
from hub.questions.question import Filter, Question, as_json, from_json, listed_in, parse_filter
from hub.questions.vocabulary import DIMENSIONS, measures
from hub.statistics.registry import shipped_registry


def test_chinese_and_english_words_make_the_same_plan() -> None:
    english = Question(
        where=(parse_filter("state=closed"), parse_filter("class!=02*")),
        group=("unit", "month"),
        measure=("count", "on_time", "mean_hours"),
        pivot="month",
        by="reported",
    )
    chinese = Question(
        where=(parse_filter("状态＝已结案"), parse_filter("类别！=02*")),
        group=("责任单位", "月份"),
        measure=("数量", "及时完成", "平均处置时长"),
        pivot="月",
        by="上报时间",
    )
    assert planned(english) == planned(chinese)


@pytest.mark.parametrize(
    ("first", "last", "span"),
    [
        ("2020", "", (20200101, 22001231)),
        ("", "2020-02", (19900101, 20200229)),
        ("2020Q1", "2020q3", (20200101, 20200930)),
        ("202002", "2020-02-28", (20200201, 20200228)),
    ],
)
def test_a_period_is_made_of_whole_days(first: str, last: str, span: tuple[int, int]) -> None:
    assert planned(Question(first=first, last=last)).span == Span("reported", *span)


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"group": ("colour",)}, "group", "unit 责任单位"),
        ({"group": ("unit", "责任单位")}, "group", "twice"),
        ({"group": ("unit", "month", "state", "source")}, "group", "at most 3"),
        ({"measure": ("total", "speed")}, "measure", "on_time 及时完成"),
        ({"measure": ()}, "measure", "1 to"),
        ({"where": (Filter("state", ("open",)),)}, "state", "closed 已结案"),
        ({"where": (Filter("region", ("4312",)),)}, "region", "six digits"),
        ({"where": (Filter("month", ("2020-01",)),)}, "where", "from, to"),
        ({"where": (Filter("reworks", ("many",)),)}, "reworks", "whole number"),
        ({"where": (Filter("unit", ()),)}, "unit", "1 to 200 values"),
        ({"first": "2020-13"}, "from", "2020Q3"),
        ({"last": "2021-02-29"}, "to", "no day"),
        ({"first": "2021", "last": "2020"}, "to", "before it begins"),
        ({"pivot": "unit"}, "pivot", "among the groups"),
        ({"order": ("-speed",)}, "order", "count"),
        ({"by": "moon"}, "by", "deadline 截止时间"),
        ({"limit": -1}, "limit", "0 to"),
    ],
)
def test_what_cannot_be_asked_is_told_with_what_can(changes: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(QuestionInvalid, match=told) as refused:
        planned(Question(**changes))
    assert refused.value.field == field
    assert refused.value.chinese


@pytest.mark.parametrize("text", ["state", "=closed", "state=", "state!=，"])
def test_a_condition_needs_field_sign_and_value(text: str) -> None:
    with pytest.raises(QuestionInvalid, match="field=value"):
        parse_filter(text)


def test_a_name_with_several_definitions_is_asked_for_by_id() -> None:
    by_name: dict[str, list[str]] = {}
    for measure in measures():
        if measure.metric is not None:
            by_name.setdefault(measure.name_zh, []).append(measure.name)
    for name, ids in by_name.items():
        if len(ids) > 1:
            with pytest.raises(QuestionInvalid, match=ids[0]):
                planned(Question(measure=(name,)))


def test_a_question_goes_by_the_time_of_its_measures_unless_it_says() -> None:
    assert planned(Question(measure=("count",))).by == "reported"
    assert planned(Question(measure=("count", "on_time"))).by == "deadline"
    assert planned(Question(measure=("F1",))).by == "deadline"
    assert planned(Question(measure=("F1",), by="closed")).by == "closed"


def test_what_is_kept_is_what_was_asked() -> None:
    question = Question(region="431200", where=(Filter("unit", ("a,b", "中"), is_excluded=True),), limit=3)
    assert from_json(as_json(question)) == question
    for text in ("", "{", '{"sql": "DROP"}', '{"limit": "all"}', "\ud800"):
        with pytest.raises(QuestionInvalid, match="cannot be read"):
            from_json(text)


def test_every_word_is_its_own_and_has_two_names() -> None:
    for words in (DIMENSIONS, measures()):
        assert len({word.name for word in words}) == len(words)
        assert all(word.name_zh and word.name_en for word in words)
    assert {name for name in COUNTERS if name in FACTS} == set(COUNTERS)
    assert {measure.name for measure in measures()} >= {*COUNTERS, "F1", "F2", "F3"}
    assert {part for measure in measures() for part in measure.parts} >= set(COUNTERS)
    assert all(name in shipped_registry().counters for name in COUNTERS)
    assert listed_in("甲，乙、丙,, ") == ("甲", "乙", "丙")


def test_no_fact_says_who_somebody_is() -> None:
    """No case number, place, text or person can be asked for."""
    assert FACTS.keys() & {"case_id", "case_no", "x", "y", "actor_ref", "opinion", "description", "address"} == set()
