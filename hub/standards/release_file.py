"""Reads the files standards are brought in: code lists, crosswalks, problem sources, regions, filing conditions.

A release is checked like any input. Every row is taken, mended and told, or refused with the reason; the kind of a
file shows in its columns. Called by ``sanji standards`` and, for what is shipped, ``hub.standards.shipped``.
``docs/standards.md`` describes the files.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

from connectors.sheets import EXTRA, SheetInvalid, SheetRow, read_rows
from exchange_db.records import CodeKind, printable
from hub.standards.catalogue import Catalogue
from hub.standards.codes import Code, Standard, ref_key
from hub.standards.crosswalk import Candidate, Crosswalk
from hub.standards.release_cells import Cells, Finding, RowRefused, Severity
from hub.standards.release_codes import MAX_NAME, read_code, settle_codes
from hub.standards.release_crosswalk import read_candidate, settle_candidates
from hub.standards.release_tables import (
    FilingCondition,
    ProblemSource,
    Region,
    read_condition,
    read_region,
    read_source,
    read_standard,
    settle_conditions,
    settle_regions,
    settle_sources,
    settle_standards,
)

#: Most rows of one file; the largest code list has some hundreds.
MOST_ROWS = 100_000

#: How an XLSX begins.
_ZIP = b"PK\x03\x04"

T = TypeVar("T")
ReleaseRow = Standard | Code | Candidate | ProblemSource | Region | FilingCondition


class ReleaseKind(StrEnum):
    """What a file is; code lists are read before what speaks of codes."""

    STANDARDS = "standards"
    CODES = "codes"
    CROSSWALK = "crosswalk"
    SOURCES = "sources"
    REGIONS = "regions"
    CONDITIONS = "conditions"


class _Form(NamedTuple):
    """How files of a kind look: columns that must be there (``|``: one of them), others, and who reads and settles."""

    needed: tuple[str, ...]
    others: tuple[str, ...]
    read: Callable[[Cells, Catalogue], Any]
    settle: Callable[[Sequence[tuple[int, Any]], Catalogue, list[Finding]], list[Any]]


FORMS = {
    ReleaseKind.STANDARDS: _Form(
        ("standard_ref", "title", "minor_digits"),
        ("valid_from", "successor", "mark", "note"),
        read_standard,
        settle_standards,
    ),
    ReleaseKind.CODES: _Form(
        ("standard_ref", "kind", "code|major", "name"),
        ("minor", "region", "mark", "note"),
        read_code,
        settle_codes,
    ),
    ReleaseKind.CROSSWALK: _Form(
        ("from_ref", "to_ref", "kind", "from_code", "to_code", "relation"),
        ("mark", "note"),
        read_candidate,
        settle_candidates,
    ),
    ReleaseKind.SOURCES: _Form(("code", "name", "aliases"), ("mark", "note"), read_source, settle_sources),
    ReleaseKind.REGIONS: _Form(
        ("region", "name", "successors"),
        ("is_local", "valid_from", "valid_to", "mark", "note"),
        read_region,
        settle_regions,
    ),
    ReleaseKind.CONDITIONS: _Form(
        ("standard_ref", "kind", "code|major", "condition_no", "condition", "limit"),
        ("minor", "name", "region", "closing", "valid_from", "valid_to", "mark", "note"),
        read_condition,
        settle_conditions,
    ),
}

#: What columns are called in cities' own files.
_HEADINGS = {
    "standard_ref": ("标准", "所属标准", "标准编号"),
    "kind": ("类型", "种类", "部件或事件"),
    "code": ("代码", "编码", "分类代码"),
    "major": ("大类", "大类代码", "大类编码"),
    "minor": ("小类", "小类代码", "小类编码"),
    "name": ("名称", "小类名称", "区划名称"),
    "region": ("区划代码", "行政区划代码", "适用区域"),
    "mark": ("核实程度",),
    "note": ("备注", "说明"),
    "title": ("标准名称",),
    "minor_digits": ("小类位数",),
    "successor": ("替代标准",),
    "successors": ("后继区划",),
    "is_local": ("本地区划",),
    "aliases": ("别名",),
    "from_ref": ("原标准",),
    "to_ref": ("新标准",),
    "from_code": ("原代码",),
    "to_code": ("新代码",),
    "relation": ("关系",),
    "condition_no": ("条件序号", "立案条件序号"),
    "condition": ("立案条件",),
    "limit": ("处置时限", "时限"),
    "closing": ("结案条件", "结案标准"),
    "valid_from": ("生效日期",),
    "valid_to": ("失效日期",),
}
_COLUMNS = {heading: column for column, headings in _HEADINGS.items() for heading in (column, *headings)}


class ReleaseFile(NamedTuple):
    """A file as it was read: the rows that can be taken, and what was found, by row."""

    kind: ReleaseKind
    row_count: int
    rows: tuple[ReleaseRow, ...]
    findings: tuple[Finding, ...]

    @property
    def refused_count(self) -> int:
        """Rows that cannot be taken."""
        return len({finding.row for finding in self.findings if finding.severity is Severity.REFUSED})


class _Sheet(NamedTuple):
    """A file before anybody looks at its cells: the rows, the headings in order, our names of them."""

    rows: list[SheetRow]
    headings: list[str]
    columns: dict[str, str]


def read_release(path: Path, catalogue: Catalogue) -> ReleaseFile:
    """Reads a CSV, JSONL or XLSX file against what is known.

    Raises:
        SheetInvalid: the file cannot be read at all, or its columns are of no kind.
    """
    sheet, headings, columns = _read_sheet(path)
    kind = _kind_of(path, columns)
    form = FORMS[kind]
    findings = list(_unused(headings, columns, form))
    read: list[tuple[int, Any]] = []
    for row in sheet:
        try:
            read.append((row.number, form.read(Cells(row, columns, findings), catalogue)))
        except RowRefused as refused:
            findings.append(refused.finding)
    rows = tuple(form.settle(read, catalogue, findings))
    if "code" not in columns and "major" in columns:
        columns["code"] = columns.get("minor", columns["major"])
    named = (one._replace(column=columns.get(one.column, one.column)) for one in findings)
    return ReleaseFile(kind, len(sheet), rows, tuple(sorted(named, key=lambda one: one.row)))


def read_content(name: str, content: bytes, catalogue: Catalogue) -> ReleaseFile:
    """Reads a file that has not come from a disk; a name without an ending is that of a CSV or an XLSX.

    Raises:
        SheetInvalid: as ``read_release`` does, naming the file as it was given.
    """
    return _on_disk(name, content, lambda path: read_release(path, catalogue))


def read_names(name: str, content: bytes, standard: Standard) -> dict[tuple[CodeKind, str], str]:
    """Returns the names of the classes a code list has of one standard, whether or not they fit what is known.

    Rows of other standards are left out; where no column says so, all rows are of this one.

    Raises:
        SheetInvalid: the file cannot be read at all.
        RowRefused: a row has no kind or no code.
    """
    rows, _, columns = _on_disk(name, content, _read_sheet)
    found = {}
    for row in rows:
        cells = Cells(row, columns, [])
        if "standard_ref" in columns and ref_key(row.values.get(columns["standard_ref"], "")) != ref_key(
            standard.standard_ref
        ):
            continue
        found[cells.kind("kind"), cells.class_code(standard)] = cells.text("name", MAX_NAME)
    return found


def _read_sheet(path: Path) -> _Sheet:
    rows: list[SheetRow] = []
    for row in read_rows(path):
        rows.append(row)
        if len(rows) > MOST_ROWS:
            raise SheetInvalid(path, f"超过 {MOST_ROWS:,} 行。", f"it has more than {MOST_ROWS:,} rows.")
    if not rows:
        raise SheetInvalid(path, "没有数据行。", "it has no rows below its header.")
    headings = list(dict.fromkeys(name for row in rows for name in row.values if name != EXTRA))
    return _Sheet(rows, headings, _columns_of(path, headings))


def _on_disk(name: str, content: bytes, read: Callable[[Path], T]) -> T:
    """Reads bytes as if they were a file; what is wrong with it is told under the name that was given."""
    with TemporaryDirectory() as folder:
        ending = "".join(Path(name).suffixes[-2:]) or (".xlsx" if content.startswith(_ZIP) else ".csv")
        path = Path(folder) / f"release{ending}"
        path.write_bytes(content)
        try:
            return read(path)
        except SheetInvalid as invalid:
            chinese, _, english = str(invalid).removeprefix(f"{path}：").partition(f" / {path}: ")
            raise SheetInvalid(Path(printable(name)), chinese, english) from None


def check_release(name: str, content: bytes, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Returns what is found in a file that has not come from a disk; one that cannot be read is a refusal of row 0."""
    try:
        return read_content(name, content, catalogue).findings
    except SheetInvalid as invalid:
        chinese, _, english = str(invalid).partition(" / ")
        return (Finding(0, "", Severity.REFUSED, "FILE_INVALID", chinese, english),)


def taken_in(catalogue: Catalogue, files: Iterable[ReleaseFile]) -> Catalogue:
    """Returns the catalogue with the standards, classes and crosswalks of files."""
    for file in files:
        standards = {row.standard_ref: row for row in file.rows if isinstance(row, Standard)}
        catalogue = catalogue._replace(standards={**catalogue.standards, **standards})
        catalogue = catalogue.with_codes(row for row in file.rows if isinstance(row, Code))
        rows = [row for row in file.rows if isinstance(row, Candidate)]
        catalogue = catalogue.with_crosswalks(
            Crosswalk(*pair, [row for row in rows if (row.from_ref, row.to_ref) == pair])
            for pair in dict.fromkeys((row.from_ref, row.to_ref) for row in rows)
        )
    return catalogue


def _columns_of(path: Path, headings: Iterable[str]) -> dict[str, str]:
    """Returns the name each of our columns has in the file."""
    columns: dict[str, str] = {}
    for heading in headings:
        column = _COLUMNS.get(heading.lower())
        if column in columns:
            told = f"{columns[column]}、{heading}"
            raise SheetInvalid(path, f"这些列含义相同：{told}，请留一列。", f"these columns mean the same: {told}.")
        if column is not None:
            columns[column] = heading
    return columns


def _kind_of(path: Path, columns: Iterable[str]) -> ReleaseKind:
    """Returns the kind whose columns are all there, the one with most if several are."""
    present = set(columns)
    lacking = {
        kind: [column.replace("|", "/") for column in form.needed if not present & set(column.split("|"))]
        for kind, form in sorted(FORMS.items(), key=lambda item: -len(item[1].needed))
    }
    kind = min(lacking, key=lambda one: len(lacking[one]))
    if not lacking[kind]:
        return kind
    names = ", ".join(lacking[kind])
    raise SheetInvalid(
        path,
        f"无法判断文件种类；若为 {kind}，缺少列 {names}，写法见 docs/standards.md。",
        f"no kind of file has these columns; a file of {kind} also needs {names}, see docs/standards.md.",
    )


def _unused(headings: Iterable[str], columns: dict[str, str], form: _Form) -> Iterable[Finding]:
    wanted = {one for column in (*form.needed, *form.others) for one in column.split("|")}
    used = {name for column, name in columns.items() if column in wanted}
    for heading in headings:
        if heading not in used:
            shown = printable(heading[:40])
            told = f"没有使用列 {shown}。", f"column {shown} is not used."
            yield Finding(0, shown, Severity.DOUBTFUL, "COLUMN_UNUSED", *told)
