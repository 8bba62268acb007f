"""Reads sheets row by row: CSV, JSONL and XLSX, the first two also gzipped; and files of maps.

Files come from elsewhere and may be damaged or hostile: lines, cells, rows and unpacked sizes are bounded, and what
cannot be read is said in Chinese and English. Memory does not grow with the file, but for the shared texts of XLSX.
``docs/bad-input.md`` lists what becomes of which damage.
"""

import codecs
import csv
import gzip
import io
import json
import warnings
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from datetime import date, datetime, time
from lzma import LZMAError
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from connectors.formulas import REFUSED_ROW, unguarded
from connectors.geo_files import SUFFIXES, GeoFileInvalid, point_values, read_features
from exchange_db.records import printable

#: Longest line of a CSV or JSONL file, in characters.
MAX_LINE = 1_000_000
#: Longest cell, in characters; Excel itself allows 32,767.
MAX_CELL = 131_072
MAX_COLUMNS = 1_000
#: Last row an XLSX sheet can have.
MAX_XLSX_ROWS = 1_048_576
#: Most bytes the parts of an XLSX file may unpack to, all together and for the parts held in memory.
MAX_XLSX_BYTES, MAX_XLSX_HELD_BYTES = 2 * 1024**3, 128 * 1024**2
#: Above this size nothing may be packed tighter than the ratio; sheets of real data reach about 50.
_RATIO_FROM_BYTES, _MAX_RATIO = 16 * 1024**2, 250
_BLOCK = 1 << 20
_ENCODINGS = {"utf-8": "utf-8-sig", "utf-8-sig": "utf-8-sig", "gb18030": "gb18030", "gbk": "gb18030"}
#: Digits a spreadsheet keeps of a number; those beyond are zeros that it made up.
_KEPT_DIGITS = 15
#: Key under which the cells beyond the header stand, joined; a row that has it cannot be mapped.
EXTRA = "…"


class SheetRow(NamedTuple):
    """One row: its number as the user sees it, and its cells by the name of their column.

    In CSV and XLSX the header is row 1; in JSONL the number is that of the line.
    """

    number: int
    values: dict[str, str]


class SheetInvalid(Exception):
    """A file cannot be read; says why and what to do, in Chinese and English."""

    def __init__(self, path: Path, chinese: str, english: str) -> None:
        super().__init__(f"{path}：{chinese} / {path}: {english}")


def read_rows(path: Path, encoding: str = "") -> Iterator[SheetRow]:
    """Yields the rows of a file, in order; rows without any text are left out.

    Args:
        path: a file named ``.csv``, ``.jsonl``, ``.csv.gz``, ``.jsonl.gz``, ``.xlsx``, or as ``geo_files`` reads.
        encoding: ``utf-8``, ``utf-8-sig``, ``gb18030`` or ``gbk``; empty to find out by reading the file once.

    Raises:
        SheetInvalid: the file cannot be read, from the row on where it is damaged.
    """
    if encoding and encoding.lower() not in _ENCODINGS:
        known = ", ".join(_ENCODINGS)
        raise SheetInvalid(path, f"不支持编码 {encoding}，可用 {known}。", f"no encoding {encoding}; use {known}.")
    readers: dict[str, Callable[[], Iterator[SheetRow]]] = {
        "csv": lambda: _read_csv(path, encoding),
        "jsonl": lambda: _read_jsonl(path, encoding),
        "xlsx": lambda: _read_xlsx(path),
        "geo": lambda: _read_geo(path, encoding),
    }
    reader = readers.get(_format_of(path))
    if reader is None:
        raise SheetInvalid(
            path,
            "无法识别的文件类型，请用 .csv、.jsonl（可加 .gz）、.xlsx、.gpkg、.geojson 或打包为 .zip 的 Shapefile。",
            "unknown kind of file; use .csv, .jsonl (also .gz), .xlsx, .gpkg, .geojson or a Shapefile in a .zip.",
        )
    try:
        yield from reader()
    except FileNotFoundError:
        raise SheetInvalid(path, "文件不存在。", "there is no such file.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, LZMAError, RuntimeError):
        # RuntimeError: a part of an archive is locked with a password or packed in a way of its own.
        raise SheetInvalid(path, "压缩文件已损坏，请重新导出。", "the file is damaged; export it again.") from None
    except UnicodeDecodeError as error:
        raise SheetInvalid(
            path,
            f"不是有效的 {error.encoding} 文本，请另存为 UTF-8，或在映射文件中写明 encoding。",
            f"not valid {error.encoding}; save it as UTF-8 or name its encoding in the mapping.",
        ) from None
    except OSError as error:
        raise SheetInvalid(path, f"无法读取（{error.strerror}）。", f"cannot be read ({error.strerror}).") from None


def _format_of(path: Path) -> str:
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return "csv"
    if name.endswith((".jsonl", ".jsonl.gz")):
        return "jsonl"
    if name.endswith(SUFFIXES):
        return "geo"
    return "xlsx" if name.endswith(".xlsx") else ""


class _Unpacked(gzip.GzipFile):
    """A packed file that is given up as soon as it has unpacked to far more than text does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._path = path

    def read(self, size: int | None = -1) -> bytes:
        return self._checked(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._checked(super().read1(size))

    def readline(self, size: int | None = -1) -> bytes:
        return self._checked(super().readline(-1 if size is None else size))

    def _checked(self, data: bytes) -> bytes:
        packed = cast("BinaryIO", self.fileobj).tell()
        if self.tell() > max(_RATIO_FROM_BYTES, _MAX_RATIO * packed):
            raise _bomb(self._path)
        return data


def _bomb(path: Path) -> SheetInvalid:
    return SheetInvalid(
        path,
        "解压后过大，疑为压缩炸弹；数据量大时请导出为 CSV，不要压缩。",
        "it unpacks to far too much; export large sheets as CSV, not packed.",
    )


def _open_bytes(path: Path) -> BinaryIO:
    return cast("BinaryIO", _Unpacked(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def _encoding_of(path: Path) -> str:
    """UTF-8 when the whole file is, else GB18030; files of the counties are one or the other, and never both."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with closing(_open_bytes(path)) as file:
        first = file.read(_BLOCK)
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise SheetInvalid(path, "文件为 UTF-16 编码，请另存为 UTF-8。", "the file is UTF-16; save it as UTF-8.")
        try:
            while first:
                decoder.decode(first)
                first = file.read(_BLOCK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            _require_one_encoding(path)
            return "gb18030"
    return "utf-8-sig"


def _require_one_encoding(path: Path) -> None:
    """Refuses a file that is UTF-8 in some lines only: read as GB18030, those would become other characters."""
    first: dict[bool, int] = {}
    with closing(_open_bytes(path)) as file:
        number = 0
        while line := file.readline(4 * MAX_LINE):
            number += 1
            if not line.isascii():
                first.setdefault(_is_chinese_utf8(line), number)
            if len(first) > 1:
                raise SheetInvalid(
                    path,
                    f"混用了两种编码：第 {first[True]} 行是 UTF-8，第 {first[False]} 行不是。请统一另存为 UTF-8。",
                    f"it mixes two encodings: line {first[True]} is UTF-8, line {first[False]} is not. Save all of it"
                    " as UTF-8.",
                )


def _is_chinese_utf8(line: bytes) -> bool:
    """Tells UTF-8 from a few GBK letters whose bytes happen to be UTF-8 too: Chinese takes three bytes there."""
    try:
        return any("\u3000" <= letter <= "\uffef" for letter in line.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _lines(path: Path, encoding: str) -> Generator[str, None, None]:
    decoding = _ENCODINGS[encoding.lower()] if encoding else _encoding_of(path)
    with io.TextIOWrapper(_open_bytes(path), encoding=decoding, newline="") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise SheetInvalid(
                    path,
                    f"第 {number} 行超过 {MAX_LINE:,} 个字符，请检查引号和换行。",
                    f"line {number} is longer than {MAX_LINE:,} characters; look for a missing quote or line break.",
                )
            yield line


def _read_csv(path: Path, encoding: str) -> Iterator[SheetRow]:
    # Closed here and not when it is collected: a reader that is given up halfway would leave the file open.
    with closing(_lines(path, encoding)) as lines:
        reader = csv.reader(lines, strict=True)
        try:
            yield from _with_header(path, enumerate(reader, 1))
        except csv.Error as error:
            raise SheetInvalid(
                path,
                f"第 {reader.line_num} 行不是有效的 CSV（引号未闭合或单元格过大：{error}）。",
                f"line {reader.line_num} is not valid CSV, perhaps an open quote or a giant cell ({error}).",
            ) from None


def _with_header(path: Path, rows: Iterable[tuple[int, list[str]]], *, is_padded: bool = False) -> Iterator[SheetRow]:
    """Gives the cells of numbered rows their names; the first row with text is the header.

    A short row lacks its last columns, unless the format leaves out empty cells (``is_padded``).
    """
    header: list[str] | None = None
    is_refused_file = False
    for number, found in rows:
        if not any(cell.strip() for cell in found):
            continue
        if header is None:
            is_refused_file = found[0].strip("\ufeff") == REFUSED_ROW
        cells = [unguarded(cell) for cell in found] if is_refused_file else found
        if header is None:
            header = _checked_header(path, cells)
            continue
        if is_padded:
            cells.extend("" for _ in range(len(header) - len(cells)))
        values = {name: cell for name, cell in zip(header, cells, strict=False) if name}
        extra = " | ".join(cell for cell in cells[len(header) :] if cell.strip())
        if extra:
            values[EXTRA] = extra
        if any(len(cell) > MAX_CELL for cell in cells):
            raise SheetInvalid(
                path,
                f"第 {number} 行有超过 {MAX_CELL:,} 个字符的单元格。",
                f"row {number} has a cell of more than {MAX_CELL:,} characters.",
            )
        yield SheetRow(number, values)
    if header is None:
        raise SheetInvalid(path, "文件为空，没有表头。", "the file is empty; it has no header.")


def _checked_header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip().strip("\ufeff") for cell in cells]
    while not names[-1]:
        names.pop()
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if len(names) > MAX_COLUMNS:
        raise SheetInvalid(path, f"列数超过 {MAX_COLUMNS}。", f"there are more than {MAX_COLUMNS} columns.")
    if twice:
        shown = printable("、".join(twice)[:200])
        raise SheetInvalid(
            path, f"表头重复：{shown}，请改名后重试。", f"these columns stand twice: {shown}; rename them."
        )
    return names


def _read_jsonl(path: Path, encoding: str) -> Iterator[SheetRow]:
    with closing(_lines(path, encoding)) as lines:
        yield from _objects(path, lines)


def _objects(path: Path, lines: Iterable[str]) -> Iterator[SheetRow]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            # Numbers stay the text they are: 1.10 and 12345678901234567890 lose nothing.
            values = json.loads(
                line, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_without_repeats
            )
        except (ValueError, RecursionError) as error:
            raise SheetInvalid(
                path, f"第 {number} 行不是有效的 JSON（{error}）。", f"line {number} is not valid JSON ({error})."
            ) from None
        if not isinstance(values, dict):
            raise SheetInvalid(path, f"第 {number} 行应为 JSON 对象。", f"line {number} must be a JSON object.")
        row = {name.strip(): _as_text(value) for name, value in values.items()}
        if len(row) < len(values):
            raise SheetInvalid(path, f"第 {number} 行有重复的键。", f"a key stands twice in line {number}.")
        if len(row) > MAX_COLUMNS:
            raise SheetInvalid(path, f"列数超过 {MAX_COLUMNS}。", f"there are more than {MAX_COLUMNS} columns.")
        if any(text.strip() for text in row.values()):
            yield SheetRow(number, row)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("有重复的键 / a key stands twice")
    return values


def _as_text(value: object) -> str:
    """The text of a cell: as it was written, moments as ``2020-01-31 08:00:00``, truth as true and false."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float) and value == value // 1:
        # Longer ones in powers of ten, so that a mapping refuses them as codes: their last digits are lost.
        return str(int(value)) if abs(value) < 10**_KEPT_DIGITS else f"{value:.{_KEPT_DIGITS}g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _read_geo(path: Path, encoding: str) -> Iterator[SheetRow]:
    try:
        for feature in read_features(path, encoding):
            values = {name.strip(): _cell_of(value) for name, value in feature.values.items()}
            yield SheetRow(feature.number, values | point_values(feature))
    except GeoFileInvalid as error:
        raise SheetInvalid(path, error.chinese, error.english) from None


def _cell_of(value: Any) -> str:
    """The text of an attribute: numbers of the library as Python's own, no number as nothing."""
    plain = value.item() if hasattr(value, "item") else value
    return "" if plain is None or plain != plain else _as_text(plain)  # noqa: PLR0124 — only NaN differs from itself


def _read_xlsx(path: Path) -> Iterator[SheetRow]:
    from openpyxl import load_workbook  # noqa: PLC0415 — half a second that CSV need not wait

    _check_archive(path)
    # Opened here, so that it is closed here: a broken sheet would keep the library's own file open. Either parser of
    # XML that openpyxl may use says that a part is none by a kind of SyntaxError.
    with path.open("rb") as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of styles and extensions, which do not matter here
                workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, SyntaxError) as error:
            raise _not_xlsx(path, error) from None
        if not workbook.worksheets:
            raise SheetInvalid(path, "没有工作表。", "there is no worksheet.")
        yield from _with_header(path, _xlsx_rows(path, workbook.worksheets[0]), is_padded=True)


def _xlsx_rows(path: Path, sheet: Any) -> Iterator[tuple[int, list[str]]]:
    sheet.reset_dimensions()  # what the file says of its size need not be true
    rows = sheet.iter_rows(values_only=True)
    number = 0
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cells = next(rows, None)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, SyntaxError) as error:
            raise _not_xlsx(path, error) from None
        if cells is None:
            return
        number += 1
        if number > MAX_XLSX_ROWS:
            raise SheetInvalid(path, f"行数超过 {MAX_XLSX_ROWS:,}。", f"more than {MAX_XLSX_ROWS:,} rows.")
        yield number, [_as_text(cell) for cell in cells]


def _not_xlsx(path: Path, error: Exception) -> SheetInvalid:
    kind = type(error).__name__
    return SheetInvalid(
        path,
        f"不是有效的 XLSX 文件，请用表格软件重新另存（{kind}）。",
        f"not a valid XLSX file; save it again from a spreadsheet program ({kind}).",
    )


def _check_archive(path: Path) -> None:
    """Refuses archives that would unpack to more than a sheet of data does; unpacking stops at the stated sizes."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        held = sum(part.file_size for part in parts if not part.filename.startswith("xl/worksheets/"))
        is_tight = any(
            part.file_size > _RATIO_FROM_BYTES and part.file_size > _MAX_RATIO * part.compress_size for part in parts
        )
        if is_tight or held > MAX_XLSX_HELD_BYTES or sum(part.file_size for part in parts) > MAX_XLSX_BYTES:
            raise _bomb(path)
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                with archive.open(part) as file:
                    if b"<!DOCTYPE" in file.read(4096):
                        raise SheetInvalid(path, "XML 中含 DOCTYPE，拒绝读取。", "its XML declares a DOCTYPE; refused.")
