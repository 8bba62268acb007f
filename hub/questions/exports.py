"""Answers as files: XLSX and CSV as the table people see, JSON with exact values for programs.

No cell acts as a formula, whatever a code or a name begins with. Called by the console and the command line.
"""

import csv
import io
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import msgspec

from connectors.formulas import guarded
from hub.questions.answers import Answer, Cell, Table, table_of, title_of
from hub.questions.errors import QuestionInvalid
from hub.questions.question import Question
from hub.questions.vocabulary import BY, Value, key_text

_SHEET = {"zh": "查询结果", "en": "Answer"}
#: What a spreadsheet shows of rates and hours; the value behind is the one that is shown.
_TWO_PLACES = "0.00"


def as_xlsx(answer: Answer, language: str = "zh") -> bytes:
    """Returns a workbook: a line that says what it is, the heads, the rows and the total."""
    # Only who asks for a workbook carries the weight of the library.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415

    table = table_of(answer, language)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET[language])
    sheet.freeze_panes = "A3"
    bold = Font(bold=True)

    def cell(value: Any, *, is_bold: bool = False) -> Any:
        made = WriteOnlyCell(sheet, guarded(value) if isinstance(value, str) else value)
        if is_bold:
            made.font = bold
        if isinstance(value, float):
            made.number_format = _TWO_PLACES
        return made

    sheet.append([cell(title_of(answer, language))])
    sheet.append([cell(head, is_bold=True) for head in table.heads])
    for row in table.rows:
        sheet.append([cell(_plain(one)) for one in row])
    if table.total:
        sheet.append([cell(_plain(one), is_bold=True) for one in table.total])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_csv(answer: Answer, language: str = "zh") -> bytes:
    """Returns CSV in UTF-8 with the mark spreadsheet programs look for: heads, rows and the total."""
    table = table_of(answer, language)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(map(guarded, table.heads))
    writer.writerows([guarded(cell.text) for cell in row] for row in _all_rows(table))
    return text.getvalue().encode("utf-8-sig")


def as_json(answer: Answer, language: str = "zh") -> bytes:
    """Returns JSON: the question, and each group with keys, exact values and their texts."""
    return msgspec.json.format(msgspec.json.encode(exact(answer, language)), indent=1)


def exact(answer: Answer, language: str = "zh") -> dict[str, Any]:
    """Returns an answer for programs; a rate that is no whole number is given as numerator and denominator."""
    plan = answer.plan

    def values(of: tuple[Value, ...]) -> dict[str, Any]:
        return {
            measure.name: {"value": _exact(value), "display": measure.text(value)}
            for measure, value in zip(plan.measures, of, strict=True)
        }

    return {
        "question": msgspec.to_builtins(answer.question),
        "title": title_of(answer, language),
        "by": plan.by,
        "by_name": BY[plan.by][0 if language == "zh" else 1],
        "source": answer.source,
        "read_time": answer.read_time,
        "group_count": answer.group_count,
        "groups": [dimension.name for dimension in plan.groups],
        "metrics": {
            measure.name: {"version": measure.metric.version, "cohort": measure.metric.cohort.value}
            for measure in plan.measures
            if measure.metric is not None
        },
        "lines": [
            {
                "keys": {
                    dimension.name: {"key": key, "text": key_text(dimension, key, language)}
                    for dimension, key in zip(plan.groups, line.keys, strict=True)
                },
                "values": values(line.values),
            }
            for line in answer.lines
        ],
        "total": values(answer.total),
    }


#: Ending of a file's name, what makes it, and its media type.
FORMS: Final[dict[str, tuple[Callable[[Answer, str], bytes], str]]] = {
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": (as_csv, "text/csv"),
    "json": (as_json, "application/json"),
}


def form_named(name: str) -> tuple[Callable[[Answer, str], bytes], str]:
    """Returns what makes a file of a form, and its media type.

    Raises:
        QuestionInvalid: there is no such form.
    """
    try:
        return FORMS[name.casefold()]
    except KeyError:
        known = "、".join(f".{form}" for form in FORMS)
        raise QuestionInvalid("export", f"文件应为 {known}", f"the file must be one of {known}") from None


def words_of(question: Question) -> tuple[str, ...]:
    """Returns a question as the options of the command line, in the order of its help."""
    said = [
        ("--region", question.region),
        ("--from", question.first),
        ("--to", question.last),
        ("--by", question.by),
        *(("--where", f"{one.field}{'!' * one.is_excluded}={','.join(one.values)}") for one in question.where),
        ("--group", ",".join(question.group)),
        ("--measure", ",".join(question.measure)),
        ("--pivot", question.pivot),
        ("--order", ",".join(question.order)),
        ("--limit", str(question.limit or "")),
    ]
    return tuple(word for name, value in said if value for word in (name, value))


def _all_rows(table: Table) -> list[tuple[Cell, ...]]:
    return [*table.rows, *([table.total] if table.total else [])]


def _plain(cell: Cell) -> str | int | float | None:
    """Returns what a spreadsheet keeps: texts, counts, and rates as they are shown."""
    if isinstance(cell.value, Fraction):
        return float(cell.text)
    return cell.value


def _exact(value: Value) -> Any:
    if isinstance(value, Fraction):
        return {"numerator": value.numerator, "denominator": value.denominator}
    return value
