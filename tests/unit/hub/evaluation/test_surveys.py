"""Surveys as data: what their files must say, answers checked against them, and the rate."""

import pytest

from exchange_db.records import Violated
from exchange_db.surveys import Tally
from hub.evaluation.surveys import (
    Satisfaction,
    SurveyInvalid,
    checked_answers,
    read_definition,
    read_survey,
    satisfaction_of,
    write_definition,
)
from tests.db.test_evaluation import SURVEY

_SURVEY = read_survey("survey.toml", SURVEY.encode())


def test_a_survey_is_kept_as_it_was_read() -> None:
    assert read_definition(write_definition(_SURVEY)) == _SURVEY


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('main = "content"', 'main = "smell"'), "is_content"),
        (('main = "content"', 'main = "nothing"'), "main"),
        (("first_day = 2020-06-01", "first_day = 2020-07-01"), "last_day"),
        (('id = "smell"', 'id = "content"'), "标识重复"),
        (('{ id = "no", zh = "不满意"', '{ id = "yes", zh = "不满意"'), "标识重复"),
        (("form = 1", "form = 2"), "form"),
        (("form = 1", "form = "), "TOML"),
        (("form = 1", "form = 1\nsecret = 1"), "secret"),
    ],
)
def test_what_is_wrong_with_a_survey_is_told(change: tuple[str, str], told: str) -> None:
    with pytest.raises(SurveyInvalid, match=told):
        read_survey("survey.toml", SURVEY.replace(*change, 1).encode())


def test_answers_are_taken_by_id_or_by_chinese_text_and_may_be_left_open() -> None:
    assert checked_answers(_SURVEY, {"content": " 满意 ", "smell": ""}) == {"content": "yes"}
    for given in ({}, {"content": ""}, {"content": "也许"}, {"other": "yes"}):
        with pytest.raises(Violated, match="ANSWER_INVALID"):
            checked_answers(_SURVEY, given)


def test_the_rate_counts_those_who_answered_the_main_question() -> None:
    tallies = [Tally("content", "no", 1), Tally("content", "yes", 3), Tally("smell", "yes", 9)]
    assert satisfaction_of(_SURVEY, tallies) == Satisfaction(3, 4)
    assert satisfaction_of(_SURVEY, []) == Satisfaction(0, 0)
