"""Dirty files and what becomes of them: read with all their rows, or refused as a whole before anything is sent."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.support.sheets import rows_of, write_sheet


class DirtyFile(NamedTuple):
    """A file: its name, what makes it, and a word the refusal holds; "" when all its rows are accepted."""

    name: str
    what: str
    outcome: str
    refusal: str
    write: Callable[[Path, str], Path]


def _csv(prefix: str, count: int = 3, end: str = "\r\n") -> str:
    rows = rows_of(prefix, count)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _encoded(encoding: str, end: str = "\r\n") -> Callable[[Path, str], Path]:
    def write(path: Path, prefix: str) -> Path:
        path.write_bytes(_csv(prefix, end=end).encode(encoding))
        return path

    return write


def _mixed(first: str, second: str) -> Callable[[Path, str], Path]:
    """A file whose last line is in another encoding than the rest."""

    def write(path: Path, prefix: str) -> Path:
        lines = _csv(prefix).splitlines(keepends=True)
        path.write_bytes("".join(lines[:-1]).encode(first) + lines[-1].encode(second))
        return path

    return write


def _content(made: Callable[[], bytes]) -> Callable[[Path, str], Path]:
    def write(path: Path, prefix: str) -> Path:
        path.write_bytes(made())
        return path

    return write


def _long_cell(path: Path, prefix: str) -> Path:
    return write_sheet(path, [row | {"描述": "长" * 3_500_000} for row in rows_of(prefix, 1)])


def _inflated(path: Path, prefix: str) -> Path:
    """A workbook whose sheet unpacks to 100 MB of blanks."""
    write_sheet(path, rows_of(prefix, 3))
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b"<sheetData>", b"<sheetData>" + b" " * 100_000_000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return path


def _declared(path: Path, prefix: str) -> Path:
    """A workbook with entities that stand for each other."""
    write_sheet(path, rows_of(prefix, 3))
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + parts[name]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return path


def _cut(path: Path, prefix: str) -> Path:
    content = write_sheet(path, rows_of(prefix, 3)).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _packed(line: bytes) -> Callable[[], bytes]:
    """A gzip file of 100 MB, all the same."""
    return lambda: gzip.compress(line * (100_000_000 // len(line)), compresslevel=9)


_ROWS = "all rows accepted"
_WHOLE = "refused as a whole"

FILES = (
    DirtyFile("gbk.csv", "GBK, as Excel saves it", _ROWS, "", _encoded("gbk")),
    DirtyFile("gb18030.csv", "GB18030", _ROWS, "", _encoded("gb18030")),
    DirtyFile("bom.csv", "UTF-8 with a byte order mark, and CRLF", _ROWS, "", _encoded("utf-8-sig")),
    DirtyFile("lf.csv", "LF", _ROWS, "", _encoded("utf-8", "\n")),
    DirtyFile("cr.csv", "CR alone, of old programs", _ROWS, "", _encoded("utf-8", "\r")),
    DirtyFile("utf16.csv", "UTF-16", _WHOLE, "UTF-16", _encoded("utf-16")),
    DirtyFile("gbk-row.csv", "UTF-8 with a row in GBK", _WHOLE, "混用了两种编码", _mixed("utf-8", "gbk")),
    DirtyFile("utf8-row.csv", "GBK with a row in UTF-8", _WHOLE, "混用了两种编码", _mixed("gbk", "utf-8")),
    DirtyFile("noise.csv", "bytes of no encoding", _WHOLE, "gb18030", _content(lambda: b"a,b\n1,\xff\xff\n")),
    DirtyFile("empty.csv", "nothing", _WHOLE, "文件为空", _content(bytes)),
    DirtyFile("quote.csv", "a quote that is never closed", _WHOLE, "引号", _content(lambda: b'a,b\n1,"2\n')),
    DirtyFile("twice.csv", "a column that stands twice", _WHOLE, "表头重复", _content(lambda: b"a,b,a\n1,2,3\n")),
    DirtyFile("long.csv", "a text of 10 MB", _WHOLE, "1,000,000", _long_cell),
    DirtyFile("long.jsonl", "a text of 10 MB", _WHOLE, "1,000,000", _long_cell),
    DirtyFile("array.jsonl", "a line that is no object", _WHOLE, "JSON", _content(lambda: json.dumps([1]).encode())),
    DirtyFile("bomb.csv.gz", "100 MB of one byte, packed into 100 kB", _WHOLE, "压缩炸弹", _content(_packed(b"\n"))),
    DirtyFile(
        "bomb.jsonl.gz", "the same row a million times over", _WHOLE, "压缩炸弹", _content(_packed(b'{"a": "1"}\n'))
    ),
    DirtyFile("bomb.xlsx", "a sheet that unpacks to 100 MB", _WHOLE, "压缩炸弹", _inflated),
    DirtyFile("doctype.xlsx", "entities declared in the XML", _WHOLE, "DOCTYPE", _declared),
    DirtyFile("cut.xlsx", "the first half of a workbook", _WHOLE, "损坏", _cut),
    DirtyFile(
        "old.xls", "a workbook of the old kind", _WHOLE, "无法识别的文件类型", _content(lambda: b"\xd0\xcf\x11\xe0")
    ),
)
