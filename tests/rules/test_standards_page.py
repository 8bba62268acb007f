"""The page about standards tells what the code does: files, counts, columns, marks and relations."""

import re
from pathlib import Path

import pytest

from exchange_db.records import CodeKind
from hub.standards.calendar_file import read_calendar_content
from hub.standards.codes import Mark
from hub.standards.crosswalk import Relation
from hub.standards.limits import _SPELLINGS
from hub.standards.release_cells import Severity
from hub.standards.release_file import _HEADINGS, FORMS, ReleaseKind
from hub.standards.shipped import DATA, shipped_catalogue
from tests.support.sources import ROOT, place

_PAGE = (ROOT / "docs" / "standards.md").read_text(encoding="utf-8")
_ROWS = {cells[0].split()[0]: cells for cells in re.findall(r"^\| (\w+ \S+) \| (.+) \| (.+) \|$", _PAGE, re.MULTILINE)}


@pytest.mark.parametrize("kind", ReleaseKind)
def test_the_page_names_every_column_of_a_kind_and_no_other(kind: ReleaseKind) -> None:
    _, needed, others = _ROWS[kind.value]
    told_needed, told_others = re.findall(r"`([a-z_]+)`", needed), re.findall(r"`([a-z_]+)`", others)
    form = FORMS[kind]
    alternatives = {one for column in form.needed for one in column.split("|")}
    assert set(told_needed) - {"minor"} == alternatives
    assert {*told_others, *({"minor"} & set(told_needed))} == set(form.others)


def test_every_heading_the_page_names_is_understood() -> None:
    told = re.findall(r"`([a-z_]+)` ([\u4e00-\u9fff]+)", " ".join(map(" ".join, _ROWS.values())))
    assert len(told) > 20
    assert [(column, heading) for column, heading in told if heading not in _HEADINGS[column]] == []


def test_every_file_is_on_the_page_with_its_counts() -> None:
    assert set(re.findall(r"`(hub/standards/data/[\w.-]+)`", _PAGE)) == {place(path) for path in DATA.glob("*.csv")}
    for codes in shipped_catalogue().lists.values():
        counts = [sum(one.kind is kind and not one.is_major for one in codes) for kind in CodeKind]
        majors = sum(one.is_major for one in codes)
        assert f"{counts[0]} components, {counts[1]} events, {majors} majors" in _PAGE


def test_every_mark_relation_and_severity_is_explained() -> None:
    for word in (*Mark, *Relation, *Severity):
        assert f"`{word}`" in _PAGE


def test_the_calendar_that_is_shown_can_be_read() -> None:
    page = (ROOT / "docs" / "deadlines.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert read_calendar_content(example.encode(), Path("page"))[431200].years[2027].is_complete


def test_every_spelling_of_a_unit_is_on_the_page() -> None:
    page = (ROOT / "docs" / "deadlines.md").read_text(encoding="utf-8")
    units = page.partition("| unit | counts |")[2].partition("\n\n")[0]
    assert set(re.split(r"[,;]? ", " ".join(line.split("|")[1].strip() for line in units.splitlines()[2:]))) == set(
        _SPELLINGS
    )
