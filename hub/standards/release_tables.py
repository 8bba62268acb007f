"""Reads the rows of the smaller tables: standards, problem sources, regions, filing conditions.

Called by ``hub.standards.release_file``.

Source: 1.1, 1.2, 1.5 and 2.7 of the domain notes.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from msgspec import Struct

from connectors.mapping_values import half_width
from exchange_db.records import CodeKind
from exchange_db.regions import format_region
from hub.standards.catalogue import Catalogue
from hub.standards.codes import Mark, Standard, lineage, spelled_code
from hub.standards.limits import LimitRule, RuleBroken, parse_limit
from hub.standards.release_cells import MAX_REF, Cells, Finding, Severity
from hub.standards.release_codes import MAX_NAME, MAX_NOTE, belonging, name_mismatch
from hub.standards.suggestions import suggest

MAX_CONDITION = 400
#: Most conditions of one class, as in the contract.
MOST_CONDITIONS = 999

Row = TypeVar("Row")
_SOURCE_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class ProblemSource(Struct, frozen=True):
    """A neutral source of problems, and what other systems call it: ``egova:36``. Two sources may share an alias."""

    code: str
    name: str
    aliases: tuple[str, ...] = ()
    mark: Mark = Mark.UNVERIFIED
    note: str = ""


class Region(Struct, frozen=True):
    """A region code while it holds, both days inclusive. ``is_local``: a zone without an entry in GB/T 2260."""

    region: int
    name: str
    is_local: bool = False
    valid_from: date | None = None
    valid_to: date | None = None
    successors: tuple[int, ...] = ()
    mark: Mark = Mark.UNVERIFIED
    note: str = ""


class FilingCondition(Struct, frozen=True):
    """When a case of a class is filed in a region, by when it must be done, and when it may be closed.

    A class has several conditions, each with its own limit; region 0 is the nation's.
    """

    standard_ref: str
    kind: CodeKind
    code: str
    condition_no: int
    region: int
    condition: str
    limit: LimitRule
    closing: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    mark: Mark = Mark.UNVERIFIED
    note: str = ""


Dated = TypeVar("Dated", Region, FilingCondition)


def read_standard(cells: Cells, _catalogue: Catalogue) -> Standard:
    """Reads one standard."""
    return Standard(
        cells.text("standard_ref", MAX_REF, is_needed=True),
        cells.text("title", MAX_NAME),
        cells.word("minor_digits", {"2": 2, "3": 3, "0": 0}),
        cells.day("valid_from"),
        cells.text("successor", MAX_REF),
        cells.mark(),
        cells.text("note", MAX_NOTE),
    )


def settle_standards(
    rows: Sequence[tuple[int, Standard]], _catalogue: Catalogue, findings: list[Finding]
) -> list[Standard]:
    """Returns the standards that can be taken; each may be there once."""
    return _unique(rows, [row.standard_ref for _, row in rows], "standard_ref", findings)


def read_source(cells: Cells, _catalogue: Catalogue) -> ProblemSource:
    """Reads one problem source."""
    code = cells.text("code", 40, is_needed=True)
    if not _SOURCE_CODE.match(code):
        cells.refuse(
            "code",
            "CODE_INVALID",
            f"{code!r}：应为小写字母开头的字母、数字、下划线",
            f"{code!r}: write small letters, digits and underscores, a letter first",
        )
    aliases = tuple(half_width(one) for one in re.split("[;；]", cells.text("aliases", MAX_NOTE)) if one.strip())
    name = cells.text("name", MAX_NAME, is_needed=True)
    return ProblemSource(code, name, aliases, cells.mark(), cells.text("note", MAX_NOTE))


def settle_sources(
    rows: Sequence[tuple[int, ProblemSource]], _catalogue: Catalogue, findings: list[Finding]
) -> list[ProblemSource]:
    """Returns the sources that can be taken; each may be there once."""
    return _unique(rows, [row.code for _, row in rows], "code", findings)


def read_region(cells: Cells, _catalogue: Catalogue) -> Region:
    """Reads one region."""
    if not cells.has("region"):
        cells.refuse("region", "CELL_EMPTY", "不能为空，请补填", "is empty; fill it in")
    texts = [one for one in re.split("[;；、 ]", cells.text("successors", MAX_NOTE)) if one]
    successors = []
    for text in texts:
        if not re.fullmatch(r"[0-9]{6}", text):
            cells.refuse("successors", "REGION_INVALID", f"{text!r}：应为六位区划代码", f"{text!r}: write six digits")
        successors.append(int(text))
    first, last = _validity(cells)
    return Region(
        cells.region("region"),
        cells.text("name", MAX_NAME, is_needed=True),
        cells.truth("is_local"),
        first,
        last,
        tuple(successors),
        cells.mark(),
        cells.text("note", MAX_NOTE),
    )


def settle_regions(rows: Sequence[tuple[int, Region]], _catalogue: Catalogue, findings: list[Finding]) -> list[Region]:
    """Returns the regions that can be taken: one at a time per code, those above and the successors being there."""
    apart = _apart(rows, [(row.region,) for _, row in rows], "region", findings)
    present = {row.region for _, row in apart}
    kept = []
    for number, row in apart:
        missing = [one for one in lineage(row.region)[1:] if one and one not in present]
        lost = [one for one in row.successors if one not in present]
        if missing:
            shown = format_region(missing[0])
            told = f"上级 {shown} 不在表中，请补上。", f"the region above, {shown}, is not in the table; add it."
            findings.append(Finding(number, "region", Severity.REFUSED, "PARENT_UNKNOWN", *told))
        elif lost:
            shown = format_region(lost[0])
            told = f"后继 {shown} 不在表中，请补上。", f"the successor {shown} is not in the table; add it."
            findings.append(Finding(number, "successors", Severity.REFUSED, "SUCCESSOR_UNKNOWN", *told))
        else:
            kept.append(row)
    return kept


def read_condition(cells: Cells, catalogue: Catalogue) -> FilingCondition:
    """Reads one filing condition; its class must be known, there or in the region."""
    standard = cells.standard("standard_ref", catalogue)
    ref, kind, region = standard.standard_ref, cells.kind("kind"), cells.region("region")
    code, name = cells.class_code(standard), cells.text("name", MAX_NAME)
    known = catalogue.lists.get(ref)
    standing = known.find(kind, code, region) if known else None
    if standing is None:
        chinese, english = belonging(suggest(catalogue.lists, catalogue.crosswalks, ref, kind, code, name))
        shown = spelled_code(code)
        cells.refuse("code", "CODE_UNKNOWN", f"{ref} 中没有 {shown}{chinese}", f"{ref} has no {shown}{english}")
    if name and not standing.region:
        found = suggest(catalogue.lists, catalogue.crosswalks, ref, kind, code, name)
        if found:
            told = name_mismatch(cells.number, ref, code, name, found)
            cells.refuse("name", told.rule, told.chinese.rstrip("。"), told.english.rstrip("."))
    limit = cells.text("limit", MAX_NOTE, is_needed=True)
    try:
        rule = parse_limit(limit)
    except RuleBroken as broken:
        cells.refuse("limit", broken.rule, broken.chinese.rstrip("。"), broken.english.rstrip("."))
    first, last = _validity(cells)
    return FilingCondition(
        ref,
        kind,
        code,
        cells.whole("condition_no", MOST_CONDITIONS),
        region,
        cells.text("condition", MAX_CONDITION, is_needed=True),
        rule,
        cells.text("closing", MAX_CONDITION),
        first,
        last,
        cells.mark(),
        cells.text("note", MAX_NOTE),
    )


def settle_conditions(
    rows: Sequence[tuple[int, FilingCondition]], _catalogue: Catalogue, findings: list[Finding]
) -> list[FilingCondition]:
    """Returns the conditions that can be taken: one at a time per number, class and region."""
    keys = [(row.standard_ref, row.kind, row.code, row.condition_no, row.region) for _, row in rows]
    return [row for _, row in _apart(rows, keys, "condition_no", findings)]


def _validity(cells: Cells) -> tuple[date | None, date | None]:
    first, last = cells.day("valid_from"), cells.day("valid_to")
    if first and last and last < first:
        cells.refuse("valid_to", "VALIDITY_REVERSED", "早于 valid_from", "is before valid_from")
    return first, last


def _unique(rows: Sequence[tuple[int, Row]], keys: Sequence[str], column: str, findings: list[Finding]) -> list[Row]:
    first: dict[str, int] = {}
    kept = []
    for (number, row), key in zip(rows, keys, strict=True):
        earlier = first.setdefault(key, number)
        if earlier == number:
            kept.append(row)
        else:
            told = f"{key} 与第 {earlier} 行重复，请删去一行。", f"{key} repeats row {earlier}; remove one."
            findings.append(Finding(number, column, Severity.REFUSED, "ROW_DUPLICATE", *told))
    return kept


def _apart(
    rows: Sequence[tuple[int, Dated]],
    keys: Sequence[tuple[object, ...]],
    column: str,
    findings: list[Finding],
) -> list[tuple[int, Dated]]:
    """Returns the rows whose validity does not overlap that of an earlier one with the same key."""
    earlier: defaultdict[tuple[object, ...], list[tuple[int, Dated]]] = defaultdict(list)
    kept = []
    for (number, row), key in zip(rows, keys, strict=True):
        first, last = row.valid_from or date.min, row.valid_to or date.max
        overlapping = next(
            (
                line
                for line, other in earlier[key]
                if first <= (other.valid_to or date.max) and (other.valid_from or date.min) <= last
            ),
            0,
        )
        if overlapping:
            told = (
                f"与第 {overlapping} 行在同一时间有效，请删去一行或改正 valid_from、valid_to。",
                f"holds at the same time as row {overlapping}; remove one or correct valid_from and valid_to.",
            )
            findings.append(Finding(number, column, Severity.REFUSED, "ROW_DUPLICATE", *told))
        else:
            earlier[key].append((number, row))
            kept.append((number, row))
    return kept
