"""Crosswalks, filing conditions, regions and problem sources from files: checked by row, and against each other."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import CodeKind
from hub.standards.codes import Standard
from hub.standards.crosswalk import Candidate, Relation
from hub.standards.release_file import FORMS, ReleaseKind, check_release, read_release, taken_in
from hub.standards.release_tables import FilingCondition, Region
from hub.standards.shipped import DATA
from tests.support.releases import (
    CATALOGUE,
    CORRECTED,
    CURRENT,
    DOUBTFUL,
    OLD,
    REFUSED,
    Told,
    class_row,
    read_rows_of,
    told_of,
)
from tests.support.sheets import write_sheet

E = CodeKind.EVENT


def _walk(code: str, target: str, relation: str, kind: str = "event") -> dict[str, str]:
    row = {"from_ref": OLD, "to_ref": CURRENT, "kind": kind, "from_code": code, "to_code": target}
    return row | {"relation": relation}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([_walk("0501", "0401", "exact")], []),
        ([_walk("0501", "", "none")], []),
        ([_walk("0501", "0401", "相同")], []),
        ([_walk("0777", "0401", "exact")], [(2, "from_code", REFUSED, "CODE_UNKNOWN")]),
        ([_walk("0501", "0501x", "exact")], [(2, "to_code", REFUSED, "CODE_INVALID")]),
        ([_walk("0501", "0777", "exact")], [(2, "to_code", REFUSED, "CODE_UNKNOWN")]),
        ([_walk("0501", "", "exact")], [(2, "to_code", REFUSED, "TARGET_INVALID")]),
        ([_walk("0501", "0401", "none")], [(2, "to_code", REFUSED, "TARGET_INVALID")]),
        ([_walk("0501", "0401", "equal")], [(2, "relation", REFUSED, "WORD_UNKNOWN")]),
        ([_walk("0501", "0501", "exact")], [(2, "relation", DOUBTFUL, "RELATION_DOUBTFUL")]),
        ([_walk("0501", "0401", "renamed")], [(2, "relation", DOUBTFUL, "RELATION_DOUBTFUL")]),
        ([_walk("0501", "0401", "split")], [(2, "relation", REFUSED, "RELATION_CONTRADICTORY")]),
        ([_walk("0501", "0401", "merged")], [(2, "relation", DOUBTFUL, "MERGED_ALONE")]),
        ([_walk("0501", "0401", "exact")] * 2, [(3, "to_code", REFUSED, "ROW_DUPLICATE")]),
        (
            [_walk("0501", "0401", "exact"), _walk("0501", "0402", "renamed")],
            [(2, "relation", REFUSED, "RELATION_CONTRADICTORY"), (3, "relation", REFUSED, "RELATION_CONTRADICTORY")],
        ),
        (
            [_walk("0501", "0401", "exact"), _walk("0502", "0401", "renamed")],
            [(2, "relation", REFUSED, "RELATION_CONTRADICTORY"), (3, "relation", REFUSED, "RELATION_CONTRADICTORY")],
        ),
        ([_walk("0501", "0401", "split"), _walk("0501", "0402", "split")], []),
        ([_walk("0501", "0401", "merged"), _walk("0502", "0401", "merged")], []),
        ([_walk("0501", "0401", "exact") | {"to_ref": OLD}], [(2, "to_ref", REFUSED, "CROSSWALK_CIRCULAR")]),
    ],
)
def test_a_crosswalk_leads_from_known_to_known_and_agrees_with_itself(
    tmp_path: Path, rows: list[dict[str, str]], told: list[Told]
) -> None:
    file = read_rows_of(tmp_path, rows)
    assert file.kind is ReleaseKind.CROSSWALK
    rest = [one for one in told_of(file) if one[3] != "CROSSWALK_INCOMPLETE"]
    assert rest == told
    assert len(file.rows) == len(rows) - file.refused_count
    # A crosswalk of one row leaves the rest of a standard out, and says so.
    assert (len(told_of(file)) > len(rest)) is bool(file.rows)


def test_a_new_crosswalk_takes_the_place_of_the_old(tmp_path: Path) -> None:
    catalogue = taken_in(CATALOGUE, [read_rows_of(tmp_path, [_walk("0501", "0406", "lossy")])])
    found = catalogue.crosswalks.between(OLD, CURRENT).translate(E, "0501")
    assert found == (Candidate(OLD, CURRENT, E, "0501", "0406", Relation.LOSSY),)
    assert CATALOGUE.crosswalks.between(OLD, CURRENT).translate(E, "0501")[0].to_code == "0401"


def _condition(code: str = "0110", limit: str = "4工作时", **other: str) -> dict[str, str]:
    row = {"standard_ref": CURRENT, "kind": "event", "code": code, "condition_no": "1", "region": "140800"}
    return row | {"condition": "存在", "limit": limit, "name": "", "valid_from": "", "valid_to": ""} | other


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (_condition(), []),
        (_condition(limit=" 5工作日"), [(2, "limit", CORRECTED, "CELL_MENDED")]),
        (_condition(limit="2紧急工作时围护 | 5工作日修复"), []),
        (_condition(limit="很快"), [(2, "limit", REFUSED, "LIMIT_UNREADABLE")]),
        (_condition(limit=""), [(2, "limit", REFUSED, "CELL_EMPTY")]),
        (_condition("0511"), [(2, "code", REFUSED, "CODE_UNKNOWN")]),
        (_condition("0501", name="无照经营游商"), [(2, "name", REFUSED, "NAME_MISMATCH")]),
        (_condition("0501", name="供水管道破裂"), []),
        (_condition(condition_no="1.0"), [(2, "condition_no", CORRECTED, "CELL_MENDED")]),
        (_condition(condition_no="0"), [(2, "condition_no", REFUSED, "NUMBER_INVALID")]),
        (_condition(condition=""), [(2, "condition", REFUSED, "CELL_EMPTY")]),
        (_condition(valid_from="2022/1/5"), [(2, "valid_from", CORRECTED, "CELL_MENDED")]),
        (_condition(valid_from="2022-13-01"), [(2, "valid_from", REFUSED, "DAY_INVALID")]),
        (_condition(valid_from="44562"), [(2, "valid_from", REFUSED, "DAY_INVALID")]),
        (
            _condition(valid_from="2022-02-01", valid_to="2022-01-01"),
            [(2, "valid_to", REFUSED, "VALIDITY_REVERSED")],
        ),
    ],
)
def test_a_filing_condition_has_a_known_class_and_a_limit(
    tmp_path: Path, row: dict[str, str], told: list[Told]
) -> None:
    file = read_rows_of(tmp_path, [row])
    assert file.kind is ReleaseKind.CONDITIONS
    assert told_of(file) == told
    assert len(file.rows) == 1 - file.refused_count


def test_a_condition_may_follow_another_but_not_hold_beside_it(tmp_path: Path) -> None:
    rows = [
        _condition(valid_to="2021-12-31"),
        _condition(valid_from="2022-01-01", limit="1工作日"),
        _condition(valid_from="2021-06-01", valid_to="2021-07-01"),
        _condition(condition_no="2"),
        _condition(region="419001"),
    ]
    file = read_rows_of(tmp_path, rows)
    assert told_of(file) == [(4, "condition_no", REFUSED, "ROW_DUPLICATE")]
    assert [row.region for row in file.rows if isinstance(row, FilingCondition)] == [140800, 140800, 140800, 419001]


def test_a_condition_may_speak_of_a_local_class(tmp_path: Path) -> None:
    local = read_rows_of(tmp_path, [class_row("0499", "共享单车乱象", region="140800")])
    catalogue = taken_in(CATALOGUE, [local])
    path = write_sheet(
        tmp_path / "conditions.csv", [_condition("0499", name="共享单车乱象"), _condition("0499", region="")]
    )
    assert told_of(read_release(path, catalogue)) == [(3, "code", REFUSED, "CODE_UNKNOWN")]


def _region(code: str, name: str, successors: str = "", **other: str) -> dict[str, str]:
    return {
        "region": code,
        "name": name,
        "successors": successors,
        "is_local": "",
        "valid_from": "",
        "valid_to": "",
    } | other


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (_region("431221", "中方县"), []),
        (_region("431221", "中方县", is_local="是"), []),
        (_region("431221", "中方县", is_local="maybe"), [(4, "is_local", REFUSED, "WORD_UNKNOWN")]),
        (_region("431321", "双峰县"), [(4, "region", REFUSED, "PARENT_UNKNOWN")]),
        (_region("431221", "中方县", "431222"), [(4, "successors", REFUSED, "SUCCESSOR_UNKNOWN")]),
        (_region("431221", "中方县", "x"), [(4, "successors", REFUSED, "REGION_INVALID")]),
        (_region("", "中方县"), [(4, "region", REFUSED, "CELL_EMPTY")]),
        (_region("431200", "怀化"), [(4, "region", REFUSED, "ROW_DUPLICATE")]),
    ],
)
def test_a_region_stands_below_another_and_is_followed_by_known_ones(
    tmp_path: Path, row: dict[str, str], told: list[Told]
) -> None:
    file = read_rows_of(tmp_path, [_region("430000", "湖南省"), _region("431200", "怀化市"), row])
    assert file.kind is ReleaseKind.REGIONS
    assert told_of(file) == told


def test_the_nation_survives_a_spreadsheet(tmp_path: Path) -> None:
    file = read_rows_of(tmp_path, [_region("0", "全国")])
    assert [row.region for row in file.rows if isinstance(row, Region)] == [0]
    assert told_of(file) == [(2, "region", CORRECTED, "CELL_MENDED")]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("hotline", []),
        ("Hot line", [(2, "code", REFUSED, "CODE_INVALID")]),
        ("", [(2, "code", REFUSED, "CELL_EMPTY")]),
    ],
)
def test_a_problem_source_has_a_neutral_code(tmp_path: Path, code: str, told: list[Told]) -> None:
    file = read_rows_of(tmp_path, [{"code": code, "name": "热线", "aliases": "egova:11； egova:12"}])
    assert file.kind is ReleaseKind.SOURCES
    assert told_of(file) == told


def test_a_standard_is_there_once(tmp_path: Path) -> None:
    rows = [{"standard_ref": "OURS-1", "title": "x", "minor_digits": digits} for digits in ("0", "2", "9")]
    file = read_rows_of(tmp_path, rows)
    assert file.rows == (Standard("OURS-1", "x", 0),)
    assert told_of(file) == [
        (3, "standard_ref", REFUSED, "ROW_DUPLICATE"),
        (4, "minor_digits", REFUSED, "WORD_UNKNOWN"),
    ]


@given(
    kind=st.sampled_from(ReleaseKind),
    rows=st.lists(
        st.lists(st.text(max_size=8) | st.sampled_from([CURRENT, OLD, "event", "0101", "1"]), max_size=9), max_size=4
    ),
)
def test_whatever_stands_in_the_cells_is_taken_or_told(kind: ReleaseKind, rows: list[list[str]]) -> None:
    header = [column.split("|")[0] for column in FORMS[kind].needed] + ["mark", "note"]
    lines = [header, *rows]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    for one in check_release("any.csv", text.encode("utf-8", "surrogatepass"), CATALOGUE):
        assert one.chinese
        assert one.english


def test_every_shipped_file_shows_its_kind_in_its_columns() -> None:
    kinds = [read_release(path, CATALOGUE).kind for path in sorted(DATA.glob("*.csv"))]
    assert kinds == [
        *[ReleaseKind.CODES] * 3,
        *[ReleaseKind.CROSSWALK] * 2,
        ReleaseKind.CONDITIONS,
        ReleaseKind.SOURCES,
        ReleaseKind.REGIONS,
        ReleaseKind.STANDARDS,
    ]
