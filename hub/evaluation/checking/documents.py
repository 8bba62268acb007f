"""Reads the tables of a filled-in form: CSV, XLSX, and DOCX with its text.

Files come from elsewhere and may be damaged or hostile: sizes packed and unpacked, rows and cells are bounded, and XML
that declares a DOCTYPE is refused. A number of XLSX is read as its reader sees it: 0.6074 shown as 60.74% is that.
Called by ``hub.evaluation.checking.check``.
"""

import csv
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from lzma import LZMAError
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree as ET

from connectors.sheets import SheetInvalid
from hub.statistics.rounding import Rounding, RoundingMode

#: Most bytes of a file, and of what it unpacks to.
MAX_BYTES, MAX_UNPACKED_BYTES = 16 * 1024**2, 64 * 1024**2
MAX_TABLES, MAX_ROWS, MAX_COLUMNS, MAX_CELL = 200, 20_000, 200, 20_000
_WORD: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
#: Formats of spreadsheets whose decimals are seen; all others show a number as it is.
_PERCENT_FORMAT = re.compile(r"0(?:\.(0+))?%")
_DECIMAL_FORMAT = re.compile(r"(?:#,##)?0(?:\.(0+))?(?:_.)?")


class TableRow(NamedTuple):
    """A row: its number as its reader counts, and its cells; merged cells have their text in the first one."""

    number: int
    cells: tuple[str, ...]


class FormTable(NamedTuple):
    """A table or worksheet, named as its reader would."""

    name: str
    rows: tuple[TableRow, ...]


class FormDocument(NamedTuple):
    """What a file says: its tables, and the paragraphs between them."""

    tables: tuple[FormTable, ...]
    paragraphs: tuple[str, ...] = ()


def read_document(path: Path) -> FormDocument:
    """Reads a file.

    Raises:
        SheetInvalid: it cannot be read; says why and what to do.
    """
    readers = {".csv": _read_csv, ".xlsx": _read_xlsx, ".docx": _read_docx}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SheetInvalid(
            path, "无法识别的文件类型，请用 .xlsx、.docx 或 .csv。", "unknown kind of file; use .xlsx, .docx or .csv."
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(path)
        return reader(path, path.read_bytes())
    except FileNotFoundError:
        raise SheetInvalid(path, "文件不存在。", "there is no such file.") from None
    except OSError as error:
        raise SheetInvalid(path, f"无法读取（{error.strerror}）。", f"cannot be read ({error.strerror}).") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, LZMAError, RuntimeError, NotImplementedError, KeyError):
        raise SheetInvalid(path, "文件已损坏，请重新另存。", "the file is damaged; save it again.") from None


def _too_large(path: Path) -> SheetInvalid:
    return SheetInvalid(
        path,
        "文件或其中的表格过大，请只保留自评表。",
        "the file or a table in it is too large; keep the form only.",
    )


def _read_csv(path: Path, content: bytes) -> FormDocument:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            raise SheetInvalid(path, "编码无法识别，请另存为 UTF-8。", "unknown encoding; save it as UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return FormDocument((_table(path, path.stem, ((reader.line_num, row) for row in reader)),))
    except csv.Error as error:
        raise SheetInvalid(
            path, f"第 {reader.line_num} 行不是有效的 CSV（{error}）。", f"line {reader.line_num} is not CSV ({error})."
        ) from None


def _table(path: Path, name: str, rows: Iterator[tuple[int, list[str]]]) -> FormTable:
    found: list[TableRow] = []
    for number, cells in rows:
        if number > MAX_ROWS or len(cells) > MAX_COLUMNS or any(len(cell) > MAX_CELL for cell in cells):
            raise _too_large(path)
        if any(cell.strip() for cell in cells):
            found.append(TableRow(number, tuple(cell.strip() for cell in cells)))
    return FormTable(name, tuple(found))


def _check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
        raise _too_large(path)
    for part in archive.infolist():
        if part.filename.endswith((".xml", ".rels")):
            _xml_text(path, archive, part.filename)


def _xml_text(path: Path, archive: zipfile.ZipFile, name: str) -> str:
    """Returns a part as text; only UTF-8 is read, because a DOCTYPE could hide in any other encoding."""
    with archive.open(name) as file:
        content = file.read(MAX_UNPACKED_BYTES + 1)
    if len(content) > MAX_UNPACKED_BYTES:
        raise _too_large(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "<!DOCTYPE"
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SheetInvalid(
            path, "XML 不是 UTF-8 编码或含 DOCTYPE，拒绝读取。", "its XML is not UTF-8 or declares a DOCTYPE; refused."
        )
    return text


def _read_xlsx(path: Path, content: bytes) -> FormDocument:
    from openpyxl import load_workbook  # noqa: PLC0415 — half a second that the other forms need not wait

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _check_archive(path, archive)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which do not matter here
            workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            formulas = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
            pairs = list(zip(workbook.worksheets, formulas.worksheets, strict=True))[:MAX_TABLES]
            return FormDocument(tuple(_table(path, sheet.title, _sheet_rows(sheet, other)) for sheet, other in pairs))
    except (
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        SyntaxError,  # of either parser of XML that openpyxl may use
    ) as error:
        told = type(error).__name__
        raise SheetInvalid(
            path, f"不是有效的 XLSX 文件，请重新另存（{told}）。", f"not a valid XLSX file; save it again ({told})."
        ) from None


def _sheet_rows(sheet: Any, formulas: Any) -> Iterator[tuple[int, list[str]]]:
    """Yields what is seen; a formula that was saved without its value is seen as itself."""
    for one in (sheet, formulas):
        one.reset_dimensions()  # what the file says of its size need not be true
    for number, (row, others) in enumerate(zip(sheet.iter_rows(), formulas.iter_rows(), strict=True), 1):
        yield number, [_shown(cell) or _shown(other) for cell, other in zip(row, others, strict=True)]


def _shown(cell: Any) -> str:
    """Returns a cell's text as it is shown; decimals that a plain format does not round are kept."""
    value = cell.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value.isoformat() if isinstance(value, datetime | date) else str("" if value is None else value)
    exact = Fraction(Decimal(repr(value)))
    shape = str(cell.number_format)
    percent, decimals = _PERCENT_FORMAT.fullmatch(shape), _DECIMAL_FORMAT.fullmatch(shape)
    if percent:
        return Rounding(RoundingMode.HALF_UP, min(len(percent[1] or ""), 6)).text(exact * 100) + "%"
    if decimals:
        return Rounding(RoundingMode.HALF_UP, min(len(decimals[1] or ""), 6)).text(exact)
    return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"


def _read_docx(path: Path, content: bytes) -> FormDocument:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise _too_large(path)
        text = _xml_text(path, archive, "word/document.xml")
    try:
        body = ET.fromstring(text).find(f"{_WORD}body")  # noqa: S314 — a DOCTYPE was refused before
    except ET.ParseError:
        raise SheetInvalid(path, "文件已损坏，请重新另存。", "the file is damaged; save it again.") from None
    if body is None:
        raise SheetInvalid(path, "文档没有正文。", "the document has no body.")
    tables = list(body.iter(f"{_WORD}tbl"))[:MAX_TABLES]
    return FormDocument(
        tuple(_table(path, f"表{number}", _word_rows(table)) for number, table in enumerate(tables, 1)),
        tuple(filter(None, (_word_text(one) for one in body.findall(f"{_WORD}p")))),
    )


def _word_rows(table: ET.Element) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(table.findall(f"{_WORD}tr"), 1):
        cells: list[str] = []
        for cell in row.findall(f"{_WORD}tc"):
            span = cell.find(f"{_WORD}tcPr/{_WORD}gridSpan")
            width = span.get(f"{_WORD}val", "1") if span is not None else "1"
            merged = cell.find(f"{_WORD}tcPr/{_WORD}vMerge")
            is_continued = merged is not None and merged.get(f"{_WORD}val", "continue") == "continue"
            cells.append("" if is_continued else "\n".join(_word_text(one) for one in cell.findall(f"{_WORD}p")))
            cells.extend("" for _ in range(min(int(width) if width.isdecimal() else 1, MAX_COLUMNS) - 1))
        yield number, cells


def _word_text(paragraph: ET.Element) -> str:
    return "".join(part.text or "" for part in paragraph.iter(f"{_WORD}t")).strip()
