"""Cells of the rows of a release: what a spreadsheet did to them is undone where it is certain, and always told.

Each kind of cell has one reading; what has none refuses its row. Called by the readers of ``hub.standards``.

Source: rule 6 of 1.3.4 of the domain notes.
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple, NoReturn, TypeVar

from connectors.mapping_values import half_width, tidy, undamaged
from connectors.sheets import EXTRA, SheetRow
from exchange_db.records import CodeKind, printable
from exchange_db.regions import format_region, parse_region
from hub.standards.catalogue import Catalogue
from hub.standards.codes import MAJOR_DIGITS, Mark, Standard, canonical_code, spelled_code

T = TypeVar("T")

#: Longest number of a standard, as in the contract.
MAX_REF = 40
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?: 00:00:00)?\Z")
_NATIONAL_REF = re.compile(r"(GB|CJ)", re.IGNORECASE)
_SPLIT_CODE = re.compile(r"([0-9]{1,2}) ?[-–—_/ ] ?([0-9]+)\Z")
KINDS = {
    **dict.fromkeys(("component", "部件", "管理部件"), CodeKind.COMPONENT),
    **dict.fromkeys(("event", "事件", "事项", "管理事项"), CodeKind.EVENT),
}
_MARKS: dict[str, Mark] = {
    **{mark.value: mark for mark in Mark},
    "已核实": Mark.VERIFIED,
    "推断": Mark.INFERRED,
    "未核实": Mark.UNVERIFIED,
}
_TRUTHS = {"true": True, "false": False, "是": True, "否": False, "1": True, "0": False}


class Severity(StrEnum):
    """What a finding did to its row: left out, taken as mended, or taken as it is."""

    REFUSED = "refused"
    CORRECTED = "corrected"
    DOUBTFUL = "doubtful"


class Finding(NamedTuple):
    """Something about a row: its number as the user sees it (0: the whole file), the column's name in the file."""

    row: int
    column: str
    severity: Severity
    rule: str
    chinese: str
    english: str


class RowRefused(Exception):
    """A row cannot be taken; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.rule)
        self.finding = finding


class Cells:
    """The cells of one row, by our names of the columns.

    Args:
        row: the row as read.
        columns: our name of each column that is there, and its name in the file.
        findings: where to note what was mended.
    """

    def __init__(self, row: SheetRow, columns: Mapping[str, str], findings: list[Finding]) -> None:
        self.number = row.number
        self._values = row.values
        self._columns = columns
        self._findings = findings
        if EXTRA in row.values:
            shown = printable(row.values[EXTRA][:40])
            raise RowRefused(
                Finding(
                    row.number,
                    "",
                    Severity.REFUSED,
                    "ROW_INVALID",
                    f"单元格多于表头：{shown!r}；含逗号的文本请加引号。",
                    f"more cells than the header: {shown!r}; put texts that hold commas in quotes.",
                )
            )

    def has(self, column: str) -> bool:
        """Whether the row has anything in a column."""
        return bool(tidy(self._raw(column)))

    def text(self, column: str, most: int, *, is_needed: bool = False) -> str:
        """Returns a text on one line, without blanks around."""
        raw = self._raw(column)
        text = " ".join(tidy(raw).split())
        if not text.isprintable():
            self.refuse(column, "TEXT_INVALID", "含控制字符，请清除", "holds control characters; remove them")
        if len(text) > most:
            self.refuse(column, "TEXT_TOO_LONG", f"超过 {most} 个字符", f"is longer than {most} characters")
        if is_needed and not text:
            self.refuse(column, "CELL_EMPTY", "不能为空，请补填", "is empty; fill it in")
        if text != raw:
            self._corrected(column, raw, text)
        return text

    def word(self, column: str, words: Mapping[str, T], usual: T | None = None) -> T:
        """Returns what one of several words stands for; ``usual`` for an empty cell."""
        raw = self._raw(column)
        word = half_width(raw).lower()
        if not word and usual is not None:
            return usual
        if word not in words:
            known = ", ".join(words)
            self.refuse(
                column, "WORD_UNKNOWN", f"{_shown(raw)}：应为 {known} 之一", f"{_shown(raw)}: use one of {known}"
            )
        if word != raw:
            self._corrected(column, raw, word)
        return words[word]

    def kind(self, column: str) -> CodeKind:
        """Returns component or event."""
        return self.word(column, KINDS)

    def mark(self) -> Mark:
        """Returns how well the row is known; what says nothing is unverified."""
        return self.word("mark", _MARKS, Mark.UNVERIFIED)

    def truth(self, column: str) -> bool:
        """Returns whether; an empty cell says no."""
        return self.word(column, _TRUTHS, usual=False)

    def digits(self, column: str, width: int) -> str:
        """Returns a number of so many digits, its lost leading zeros put back."""
        raw = self._raw(column)
        try:
            text = undamaged(half_width(raw))
        except ValueError:
            text = ""
        if not (text.isascii() and text.isdigit() and len(text) <= width):
            self.refuse(
                column,
                "DIGITS_INVALID",
                f"{_shown(raw)}：应为至多 {width} 位数字，请将该列按文本保存",
                f"{_shown(raw)}: write at most {width} digits, and save the column as text",
            )
        padded = text.zfill(width)
        if padded != raw:
            self._corrected(column, raw, padded)
        return padded

    def whole(self, column: str, most: int) -> int:
        """Returns a whole number from 1."""
        raw = self._raw(column)
        try:
            text = undamaged(half_width(raw))
        except ValueError:
            text = ""
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else 0
        if not 1 <= value <= most:
            self.refuse(
                column, "NUMBER_INVALID", f"应为 1 至 {most} 的整数", f"must be a whole number from 1 to {most}"
            )
        if text != raw:
            self._corrected(column, raw, text)
        return value

    def day(self, column: str) -> date | None:
        """Returns a day, ``None`` for an empty cell."""
        raw = self._raw(column)
        text = half_width(raw)
        if not text:
            return None
        match = _DAY.match(text)
        try:
            day = date(int(match[1]), int(match[2]), int(match[3])) if match else None
        except ValueError:
            day = None
        if day is None:
            self.refuse(column, "DAY_INVALID", f"{_shown(raw)}：应为 2022-01-31", f"{_shown(raw)}: write 2022-01-31")
        if f"{day}" not in (raw, raw.removesuffix(" 00:00:00")):
            self._corrected(column, raw, f"{day}")
        return day

    def region(self, column: str) -> int:
        """Returns a region code; the nation's for an empty cell."""
        raw = self._raw(column)
        try:
            text = undamaged(half_width(raw)) or "000000"
            text = "000000" if text == "0" else text
            region = parse_region(text)
        except ValueError:
            self.refuse(
                column, "REGION_INVALID", f"{_shown(raw)}：应为六位区划代码", f"{_shown(raw)}: write six digits"
            )
        if raw and text != raw:
            self._corrected(column, raw, format_region(region))
        return region

    def standard(self, column: str, catalogue: Catalogue) -> Standard:
        """Returns the standard a cell names; a number nobody knows is that of a list of somebody's own."""
        raw = self._raw(column)
        found = catalogue.find(raw) if raw else None
        if found is not None:
            if raw != found.standard_ref:
                self._corrected(column, raw, found.standard_ref)
            return found
        text = self.text(column, MAX_REF, is_needed=True)
        if _NATIONAL_REF.match(half_width(text)) and catalogue.standards:
            known = ", ".join(catalogue.standards)
            self.refuse(
                column,
                "STANDARD_UNKNOWN",
                f"{_shown(text)}：未收录该标准，已收录 {known}",
                f"{_shown(text)}: no such standard is known; known are {known}",
            )
        return Standard(text, "", 0)

    def code(self, column: str, standard: Standard) -> str:
        """Returns a canonical code of a standard."""
        raw = self._raw(column)
        code = mended_code(half_width(raw), standard.minor_digits)
        if code is None:
            self.refuse(column, "CODE_INVALID", *_about_code(raw, standard))
        if raw not in (code, spelled_code(code)):
            self._corrected(column, raw, code)
        return code

    def class_code(self, standard: Standard) -> str:
        """Returns the code of a row that has it in one column, or major and minor in two."""
        if not self.has("major") or not standard.minor_digits:
            return self.code("code", standard)
        major = self.digits("major", MAJOR_DIGITS)
        return major + (self.digits("minor", standard.minor_digits) if self.has("minor") else "")

    def note(self, column: str, severity: Severity, rule: str, chinese: str, english: str) -> None:
        """Notes something about the row."""
        self._findings.append(self._finding(column, severity, rule, chinese, english))

    def refuse(self, column: str, rule: str, chinese: str, english: str) -> NoReturn:
        """Refuses the row."""
        raise RowRefused(self._finding(column, Severity.REFUSED, rule, chinese, english))

    def _raw(self, column: str) -> str:
        return self._values.get(self._columns.get(column, ""), "")

    def _corrected(self, column: str, raw: str, text: str) -> None:
        rule, chinese, english = "CELL_MENDED", f"{_shown(raw)} 读作 {text!r}", f"{_shown(raw)} is read as {text!r}"
        self.note(column, Severity.CORRECTED, rule, chinese, english)

    def _finding(self, column: str, severity: Severity, rule: str, chinese: str, english: str) -> Finding:
        name = self._columns.get(column, column)
        return Finding(self.number, name, severity, rule, f"{chinese}。", f"{english}.")


def mended_code(text: str, minor_digits: int) -> str | None:
    """Returns a canonical code for one a spreadsheet took for a number, ``None`` where that is not certain.

    ``1`` is major 01, ``110`` is 01-10 and ``1-1`` is 01-01; ``1.1``, dates and ``1E+3`` have lost what they were.
    """
    try:
        return canonical_code(text, minor_digits)
    except ValueError:
        pass
    if not minor_digits:
        return None
    parts = _SPLIT_CODE.match(text)
    if parts is None:
        return _mended_number(text, minor_digits)
    return parts[1].zfill(MAJOR_DIGITS) + parts[2].zfill(minor_digits) if len(parts[2]) <= minor_digits else None


def _mended_number(text: str, minor_digits: int) -> str | None:
    try:
        number = undamaged(text)
    except ValueError:
        return None
    if not (number.isascii() and number.isdigit()):
        return None
    # Only zeros at the front are ever lost, and no major is 00: one digit is missing, or it is another code.
    if len(number) in (MAJOR_DIGITS - 1, MAJOR_DIGITS + minor_digits - 1) and number[0] != "0":
        return "0" + number
    return number if len(number) in (MAJOR_DIGITS, MAJOR_DIGITS + minor_digits) else None


def _about_code(raw: str, standard: Standard) -> tuple[str, str]:
    if not standard.minor_digits:
        return (
            f"{_shown(raw)}：应为 1 至 20 位字母、数字、点、横线",
            f"{_shown(raw)}: write 1 to 20 letters, digits, points, hyphens",
        )
    whole = MAJOR_DIGITS + standard.minor_digits
    return (
        f"{_shown(raw)}：{standard.standard_ref} 的小类为 {whole} 位、大类为 2 位数字，请按文本保存，并核对所属标准",
        f"{_shown(raw)}: codes of {standard.standard_ref} have {whole} digits, majors 2; check the standard",
    )


def _shown(raw: str) -> str:
    """A cell as it stands, with its line breaks and blanks visible."""
    return repr(raw[:40])
