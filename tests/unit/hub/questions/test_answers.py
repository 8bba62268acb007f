"""Answers: exact values, order, totals from sums, tables with columns by a group, and files without formulas."""

import csv
import io
import json
from fractions import Fraction

import openpyxl
import pytest
from msgspec.structs import replace

from hub.questions.answers import Answer, answered, table_of, title_of
from hub.questions.errors import QuestionInvalid
from hub.questions.exports import as_csv, as_json, as_xlsx, form_named, words_of
from hub.questions.planning import planned
from hub.questions.question import Filter, Question

_ASKED = Question(
    region="431200", first="2020", last="2020", group=("unit", "month"), measure=("count", "F1", "median_hours")
)
_HOUR = 3_600_000_000


def _answer(question: Question = _ASKED) -> Answer:
    """Two units in two months; the second unit has nothing in the first month."""
    plan = planned(question)
    given = {
        "count": (4, 2, 1),
        "done": (3, 2, 0),
        "total": (4, 2, 1),
        "disposal_time_median": (2.5 * _HOUR, None, 1.0),
    }
    keys = (("=1+1", 202001), ("=1+1", 202002), ("hw02", 202002))
    rows = [(*key, *(given[part][index] for part in plan.parts)) for index, key in enumerate(keys)]
    return answered(question, plan, rows[::-1], most=10, read_time=1_592_193_600_000_000, source="ledger")


def test_values_are_exact_and_totals_come_from_sums() -> None:
    answer = _answer()
    assert [line.keys for line in answer.lines] == [("=1+1", 202001), ("=1+1", 202002), ("hw02", 202002)]
    assert answer.lines[0].values == (4, Fraction(75), Fraction(5, 2))
    assert answer.total == (7, Fraction(500, 7), None), "a median of several groups is none"
    table = table_of(answer)
    assert [cell.text for cell in table.total] == ["合计", "", "7", "71.43", ""]
    assert title_of(answer) == "431200 · 2020-01-01 – 2020-12-31 · 截止时间 · 台账"
    assert title_of(answer, "en").endswith("deadline · ledger")


def test_a_column_a_month_has_totals_on_both_sides() -> None:
    table = table_of(_answer(replace(_ASKED, measure=("count", "F1"), pivot="month", order=("-count",))), "en")
    assert table.heads[0] == "Unit"
    assert table.heads[1::2] == ("2020-01 Cases", "2020-02 Cases", "Total Cases")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["=1+1", "4", "75.00", "2", "100.00", "6", "83.33"],
        ["hw02", "0", "", "1", "0.00", "1", "0.00"],
    ]
    assert [cell.text for cell in table.total] == ["Total", "4", "75.00", "3", "66.67", "7", "71.43"]


def test_lines_are_sorted_and_cut_but_the_total_is_of_all() -> None:
    answer = _answer(replace(_ASKED, order=("-F1", "unit"), limit=2))
    assert [line.values[1] for line in answer.lines] == [Fraction(100), Fraction(75)]
    assert (answer.group_count, answer.total[0]) == (3, 7)
    rising = _answer(replace(_ASKED, order=("median_hours",)))
    assert [line.values[2] is None for line in rising.lines] == [True, False, False]
    pivoted = table_of(_answer(replace(_ASKED, measure=("count",), pivot="month", order=("count",), limit=1)))
    assert [row[0].text for row in pivoted.rows] == ["hw02"]


def test_a_metric_by_another_time_does_not_pass_for_itself() -> None:
    assert table_of(_answer()).heads[3] == "F1 月问题解决率 %"
    assert table_of(_answer(replace(_ASKED, by="closed"))).heads[3] == "F1 月问题解决率（结案时间） %"


def test_too_many_groups_are_refused() -> None:
    with pytest.raises(QuestionInvalid, match="more than 1 groups"):
        answered(_ASKED, planned(_ASKED), [(), ()], most=1, read_time=0, source="ledger")


def test_a_workbook_says_what_the_table_says_and_computes_nothing() -> None:
    answer = _answer()
    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(answer))).active
    assert sheet is not None
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0][0] == title_of(answer)
    assert rows[1] == list(table_of(answer).heads)
    assert rows[2] == ["'=1+1", "2020-01", 4, 75, 2.5]
    assert rows[-1][:4] == ["合计", None, 7, 71.43]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_csv_and_json_come_back_as_they_were() -> None:
    answer = _answer()
    rows = list(csv.reader(io.StringIO(as_csv(answer).decode("utf-8-sig"))))
    assert rows[1] == ["'=1+1", "2020-01", "4", "75.00", "2.50"]
    assert len(rows) == 1 + 3 + 1
    told = json.loads(as_json(answer))
    assert told["lines"][1]["keys"]["unit"] == {"key": "=1+1", "text": "=1+1"}
    assert told["total"]["F1"] == {"value": {"numerator": 500, "denominator": 7}, "display": "71.43"}
    assert told["metrics"]["F1"]["cohort"] == "deadline"
    assert form_named("XLSX")[0] is as_xlsx
    with pytest.raises(QuestionInvalid, match="json"):
        form_named("pdf")


def test_a_question_is_told_as_the_words_that_ask_it() -> None:
    question = replace(_ASKED, where=(Filter("state", ("void", "merged"), is_excluded=True),), limit=5)
    assert words_of(question) == (
        "--region", "431200", "--from", "2020", "--to", "2020", "--where", "state!=void,merged",
        "--group", "unit,month", "--measure", "count,F1,median_hours", "--limit", "5",
    )  # fmt: skip
