"""Surveys of satisfaction: their questions as data, answers checked against them, and what they add up to. Pure.

The rate counts the answers to one main question: those that chose an option of content over all that chose any
(满意率: its base are the people asked, not the cases). D17 of the domain notes.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from exchange_db.records import Violated
from exchange_db.surveys import Tally

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,59}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=300)]


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """A way to answer."""

    id: Name
    zh: Text
    en: Text
    is_content: bool = False


class SurveyQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """A question with one answer."""

    id: Name
    zh: Text
    en: Text
    options: Annotated[tuple[Option, ...], Meta(min_length=2, max_length=50)]


class SurveyDefinition(Struct, frozen=True, forbid_unknown_fields=True):
    """A survey: what it asks, which entry of which scheme it feeds, and the days it takes answers."""

    form: Literal[1]
    id: Name
    zh: Text
    en: Text
    scheme: Name
    entry: Name
    main: Name
    first_day: date
    last_day: date
    questions: Annotated[tuple[SurveyQuestion, ...], Meta(min_length=1, max_length=100)]


class Satisfaction(NamedTuple):
    """How many answered the main question, and how many of them are content."""

    content: int
    asked: int


class SurveyInvalid(Exception):
    """A survey's file cannot be used; says where and what to do."""

    def __init__(self, place: str, chinese: str, english: str) -> None:
        super().__init__(f"{place}：{chinese}。 / {place}: {english}.")


def read_survey(name: str, content: bytes) -> SurveyDefinition:
    """Reads a survey from TOML.

    Raises:
        SurveyInvalid: names the file and the entry.
    """
    try:
        found = msgspec.convert(tomllib.loads(content.decode("utf-8-sig")), SurveyDefinition)
    except msgspec.ValidationError as error:
        told, _, inside = str(error).partition(" - at `$")
        raise SurveyInvalid(f"{name} {inside.strip('.`')}".strip(), f"键或值的写法不对（{told}）", told) from None
    except (ValueError, RecursionError) as error:
        raise SurveyInvalid(
            name, f"不是有效的 UTF-8 编码 TOML（{error}）", f"not valid TOML in UTF-8 ({error})"
        ) from None
    _check(name, found)
    return found


def _check(name: str, survey: SurveyDefinition) -> None:
    ids = [question.id for question in survey.questions]
    if len(set(ids)) < len(ids):
        raise SurveyInvalid(f"{name} questions", "题目标识重复，请改名", "a question's id is there twice; rename one")
    for question in survey.questions:
        options = [option.id for option in question.options]
        if len(set(options)) < len(options):
            raise SurveyInvalid(
                f"{name} {question.id}.options", "选项标识重复，请改名", "an option's id is there twice; rename one"
            )
    main = next((question for question in survey.questions if question.id == survey.main), None)
    if main is None or not any(option.is_content for option in main.options):
        raise SurveyInvalid(
            f"{name} main",
            "应为一道题的标识，且该题至少有一个选项 is_content = true",
            "name a question that has an option with is_content = true",
        )
    if survey.last_day < survey.first_day:
        raise SurveyInvalid(f"{name} last_day", "不应早于 first_day", "must not lie before first_day")


def write_definition(survey: SurveyDefinition) -> bytes:
    """Returns a survey as it is kept."""
    return msgspec.json.encode(survey, order="sorted")


def read_definition(content: bytes) -> SurveyDefinition:
    """Returns a survey that was kept."""
    return msgspec.json.decode(content, type=SurveyDefinition)


def checked_answers(survey: SurveyDefinition, given: Mapping[str, str]) -> dict[str, str]:
    """Returns the chosen options by question; questions left open are left out.

    An option may be named by its id or its Chinese text, the way forms export it.

    Raises:
        Violated: ANSWER_INVALID, there is no such question or option, or nothing was answered.
    """
    known = {question.id: question for question in survey.questions}
    found: dict[str, str] = {}
    for name, text in given.items():
        if not text.strip():
            continue
        if name not in known:
            raise Violated("ANSWER_INVALID", name, text)
        option = next((one for one in known[name].options if text.strip() in (one.id, one.zh)), None)
        if option is None:
            raise Violated("ANSWER_INVALID", name, text)
        found[name] = option.id
    if not found:
        raise Violated("ANSWER_INVALID", "answers")
    return found


def satisfaction_of(survey: SurveyDefinition, tallies: Iterable[Tally]) -> Satisfaction:
    """Returns what the answers to the main question add up to."""
    main = next(question for question in survey.questions if question.id == survey.main)
    good = {option.id for option in main.options if option.is_content}
    of_main = [one for one in tallies if one.question_id == survey.main]
    return Satisfaction(
        sum(one.answer_count for one in of_main if one.option_id in good), sum(one.answer_count for one in of_main)
    )
