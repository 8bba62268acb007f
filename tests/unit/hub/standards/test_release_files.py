"""Files standards are brought in: every damage a spreadsheet does is mended and told, or refused, by row."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sheets import SheetInvalid
from exchange_db.records import CodeKind
from hub.standards.codes import Code, Mark, Standard, spelled_code
from hub.standards.crosswalk import Candidate, Relation
from hub.standards.release_cells import Severity, mended_code
from hub.standards.release_file import FORMS, ReleaseFile, ReleaseKind, check_release, read_release, taken_in
from hub.standards.release_tables import FilingCondition, Region
from hub.standards.shipped import DATA, shipped_catalogue
from tests.support.sheets import write_sheet

C, E = CodeKind.COMPONENT, CodeKind.EVENT
OLD, CURRENT, NEW = "CJ/T-214-2007", "GB/T-30428.2-2013", "GB/T-47678.5-2026"
CATALOGUE = shipped_catalogue()
REFUSED, CORRECTED, DOUBTFUL = Severity.REFUSED, Severity.CORRECTED, Severity.DOUBTFUL


def _read(folder: Path, rows: list[dict[str, str]], name: str = "release.csv") -> ReleaseFile:
    return read_release(write_sheet(folder / name, rows), CATALOGUE)


def _told(file: ReleaseFile) -> list[tuple[int, str, Severity, str]]:
    return [(one.row, one.column, one.severity, one.rule) for one in file.findings]


def _class(code: str, name: str, ref: str = CURRENT, kind: str = "event", region: str = "") -> dict[str, str]:
    return {"standard_ref": ref, "kind": kind, "code": code, "name": name, "region": region}


def _city(major: Any, minor: Any, name: str, limit: str = "") -> dict[str, Any]:
    """A row as cities keep them: major and minor in columns of their own."""
    row = {"标准": CURRENT, "类型": "事件", "大类代码": major, "小类代码": minor, "小类名称": name}
    return row | {"条件序号": "1", "立案条件": "存在", "处置时限": limit} if limit else row


@pytest.mark.parametrize("name", ["city.csv", "city.xlsx", "city.jsonl"])
def test_the_damage_of_a_real_city_list_is_mended_and_told_by_row(tmp_path: Path, name: str) -> None:
    rows = [
        _city("04", "05", "店外经营"),
        _city("4" if name.endswith("csv") else 4, "5" if name.endswith("csv") else 6, "占道经营"),
        _city("０４", "08\n", "非法出版物销售\n"),
        _city("4.0", " 9", " 机动车乱停放"),
    ]
    if name.endswith("csv"):
        rows[1]["小类代码"] = "6"
    file = _read(tmp_path, rows, name)
    assert file.kind is ReleaseKind.CODES
    assert [row.code for row in file.rows if isinstance(row, Code)] == ["0405", "0406", "0408", "0409"]
    first = 1 if name.endswith("jsonl") else 2
    assert _told(file) == [
        (first + 1, "大类代码", CORRECTED, "CELL_MENDED"),
        (first + 1, "小类代码", CORRECTED, "CELL_MENDED"),
        *((first + 2, column, CORRECTED, "CELL_MENDED") for column in ("大类代码", "小类代码", "小类名称")),
        *((first + 3, column, CORRECTED, "CELL_MENDED") for column in ("大类代码", "小类代码", "小类名称")),
    ]
    assert "'08\\n'" in file.findings[3].chinese
    assert "'08'" in file.findings[3].english


@pytest.mark.parametrize(
    ("text", "digits", "code"),
    [
        ("1", 2, "01"),
        ("110", 2, "0110"),
        ("110.0", 2, "0110"),
        ("1-1", 2, "0101"),
        ("1-10", 2, "0110"),
        ("1001", 3, "01001"),
        ("10", 3, "10"),
        ("1-1", 3, "01001"),
        ("01-001", 2, None),
        ("0101", 3, None),
        ("101", 3, None),
        ("00", 2, "00"),
        ("0", 2, None),
        ("1.1", 2, None),
        ("1.01", 2, None),
        ("1E+3", 2, None),
        ("2026-01-01 00:00:00", 2, None),
        ("01/01/2026", 2, None),
        ("01-01-01", 2, None),
        ("一", 2, None),
        ("٠١٠١", 2, None),
        ("12.0", 0, "12.0"),
    ],
)
def test_a_code_is_mended_only_where_it_is_certain(text: str, digits: int, code: str | None) -> None:
    assert mended_code(text, digits) == code


@given(code=st.sampled_from([one for codes in CATALOGUE.lists.values() for one in codes]))
def test_a_code_taken_for_a_number_comes_back_as_it_was(code: Code) -> None:
    digits = CATALOGUE.standards[code.standard_ref].minor_digits
    for spelling in (code.code, str(int(code.code)), f"{int(code.code)}.0", spelled_code(code.code)):
        assert mended_code(spelling, digits) == code.code
    # And never as the code of another standard.
    for other in CATALOGUE.standards.values():
        found = mended_code(code.code, other.minor_digits)
        assert found in (None, code.code)


@pytest.mark.parametrize(
    ("row", "column", "rule"),
    [
        (_class("0501", "无照经营游商"), "name", "NAME_MISMATCH"),
        (_class("0511", "沿街晾挂"), "name", "NAME_MISMATCH"),
        (_class("0402", "流浪乞讨"), "name", "NAME_MISMATCH"),
        (_class("0901", "违章"), "code", "MAJOR_UNKNOWN"),
        (_class("01-001", "供水井盖异常"), "code", "CODE_INVALID"),
        (_class("1.1", "私搭乱建"), "code", "CODE_INVALID"),
        (_class("0101", ""), "name", "CELL_EMPTY"),
        (_class("0101", "x\x07"), "name", "TEXT_INVALID"),
        (_class("0101", "长" * 101), "name", "TEXT_TOO_LONG"),
        (_class("0101", "私搭乱建", kind="案件"), "kind", "WORD_UNKNOWN"),
        (_class("0101", "私搭乱建", ref=""), "standard_ref", "CELL_EMPTY"),
        (_class("0101", "私搭乱建", ref="GB/T-1-2000"), "standard_ref", "STANDARD_UNKNOWN"),
        (_class("0199", "单车", region="1408"), "region", "REGION_INVALID"),
        (_class("0101", "单车", region="140800"), "code", "CODE_TAKEN"),
        (_class("0199", "单车", OLD, region="140800"), "code", "CODE_TAKEN"),
        (_class("0799", "单车", region="140800"), "code", "MAJOR_UNKNOWN"),
        (_class("09007", "单车（自定义）", NEW, region="140800"), "code", "EXTENSION_NOT_FREE"),
        (_class("0511", "沿街晾挂", region="140800"), "name", "NAME_MISMATCH"),
    ],
)
def test_a_class_that_cannot_be_certain_is_refused(tmp_path: Path, row: dict[str, str], column: str, rule: str) -> None:
    file = _read(tmp_path, [_class("0110", "暴露垃圾"), row])
    assert (3, column, REFUSED, rule) in _told(file)
    assert file.refused_count == 1
    assert len(file.rows) == 1
    for one in file.findings:
        assert one.chinese.endswith("。")
        assert one.english.endswith(".")


def test_the_swapped_majors_are_refused_with_the_right_code(tmp_path: Path) -> None:
    (finding,) = _read(tmp_path, [_class("0501", "无照经营游商")]).findings
    for text in (finding.chinese, finding.english):
        assert OLD in text
        assert "04-01" in text


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (_class("0110", "暴露垃圾"), []),
        (_class("0110", "生活垃圾"), [(2, "name", DOUBTFUL, "NAME_DIFFERS")]),
        (_class("01", "市政公用设施", kind="部件"), [(2, "name", DOUBTFUL, "NAME_DIFFERS")]),
        (_class("0140", "养狗"), [(2, "code", DOUBTFUL, "CODE_NOT_LISTED")]),
        (_class("0499", "单车", region="140800"), []),
        (_class("0497", "单车", region="140800"), [(2, "code", DOUBTFUL, "EXTENSION_GAP")]),
        (_class("09999", "单车（自定义）", NEW, region="140800"), []),
        (_class("09080", "单车(自定义)", NEW, region="140800"), []),
        (_class("09999", "单车", NEW, region="140800"), [(2, "name", DOUBTFUL, "EXTENSION_UNNAMED")]),
        (_class("2105", "单车", OLD, region="140800"), []),
        (_class("0515", "单车", OLD, region="140800"), [(2, "code", DOUBTFUL, "EXTENSION_ELSEWHERE")]),
        (_class("01-10", "暴露垃圾"), []),
        (_class("0101", "私搭乱建", ref="GB/T 30428.2-2013"), [(2, "standard_ref", CORRECTED, "CELL_MENDED")]),
        (_class("0499", "单车", region="140800.0"), [(2, "region", CORRECTED, "CELL_MENDED")]),
        (_class("a.1", "单车", ref="OURS-1"), [(2, "standard_ref", DOUBTFUL, "STANDARD_OWN")]),
    ],
)
def test_what_can_be_taken_is_taken_and_what_is_odd_is_told(
    tmp_path: Path, row: dict[str, str], told: list[tuple[int, str, Severity, str]]
) -> None:
    file = _read(tmp_path, [row])
    # 2013 calls it 暴露(生活)垃圾: a label, told once.
    known = [] if row["name"] != "暴露垃圾" else [(2, "name", DOUBTFUL, "NAME_DIFFERS")]
    assert _told(file) == told + known
    assert len(file.rows) == 1


def test_repeats_are_left_out_and_contradictions_refused(tmp_path: Path) -> None:
    file = _read(
        tmp_path,
        [
            _class("0499", "单车", region="140800"),
            _class("04-99", "单 车", region="140800"),
            _class("0499", "电瓶车", region="140800"),
            _class("0499", "电瓶车", region="140900"),
            _class("0405", "店外经营", region="140800"),
        ],
    )
    assert _told(file) == [
        (3, "code", CORRECTED, "ROW_REPEATED"),
        (4, "code", REFUSED, "CODE_DUPLICATE"),
        (6, "code", CORRECTED, "ROW_REPEATED"),
    ]
    assert [(row.name, row.region) for row in file.rows if isinstance(row, Code)] == [
        ("单车", 140800),
        ("电瓶车", 140900),
    ]


def test_a_list_may_bring_majors_of_its_own_below_any_order(tmp_path: Path) -> None:
    file = _read(tmp_path, [_class("0701", "占道洗车"), _class("07", "洗车")])
    assert len(file.rows) == 2
    assert file.refused_count == 0


def test_a_regions_file_is_laid_over_the_standard(tmp_path: Path) -> None:
    file = _read(tmp_path, [_class("0499", "单车", region="140800"), _class("0498", "电瓶车", region="140800")])
    catalogue = taken_in(CATALOGUE, [file])
    found = catalogue.lists[CURRENT].find(E, "0498", 140802)
    assert found is not None
    assert found.name == "电瓶车"
    assert found.mark is Mark.UNVERIFIED


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"standard_ref,kind,code,name\n{CURRENT},event,0101,私搭,乱建\n", encoding="utf-8")
    assert _told(read_release(path, CATALOGUE)) == [(2, "", REFUSED, "ROW_INVALID")]


def test_columns_nobody_uses_are_told(tmp_path: Path) -> None:
    file = _read(tmp_path, [_class("0101", "私搭乱建") | {"负责人": "张"}])
    assert _told(file) == [(0, "负责人", DOUBTFUL, "COLUMN_UNUSED")]
    assert len(file.rows) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "no kind of file"),
        ("standard_ref,kind,code\nx,event,1\n", "name"),
        ("code,代码,name\n1,1,x\n", "mean the same"),
        ("standard_ref,kind,code,name\n", "no rows"),
        ("", "empty"),
    ],
)
def test_a_file_of_no_kind_is_refused_whole(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SheetInvalid, match=told):
        read_release(path, CATALOGUE)
    (finding,) = check_release("a.csv", text.encode(), CATALOGUE)
    assert (finding.row, finding.severity) == (0, REFUSED)
    assert told in finding.english
    assert str(tmp_path) not in finding.chinese


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
    tmp_path: Path, rows: list[dict[str, str]], told: list[tuple[int, str, Severity, str]]
) -> None:
    file = _read(tmp_path, rows)
    assert file.kind is ReleaseKind.CROSSWALK
    rest = [one for one in _told(file) if one[3] != "CROSSWALK_INCOMPLETE"]
    assert rest == told
    assert len(file.rows) == len(rows) - file.refused_count
    # A crosswalk of one row leaves the rest of a standard out, and says so.
    assert (len(_told(file)) > len(rest)) is bool(file.rows)


def test_a_new_crosswalk_takes_the_place_of_the_old(tmp_path: Path) -> None:
    catalogue = taken_in(CATALOGUE, [_read(tmp_path, [_walk("0501", "0406", "lossy")])])
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
    tmp_path: Path, row: dict[str, str], told: list[tuple[int, str, Severity, str]]
) -> None:
    file = _read(tmp_path, [row])
    assert file.kind is ReleaseKind.CONDITIONS
    assert _told(file) == told
    assert len(file.rows) == 1 - file.refused_count


def test_a_condition_may_follow_another_but_not_hold_beside_it(tmp_path: Path) -> None:
    rows = [
        _condition(valid_to="2021-12-31"),
        _condition(valid_from="2022-01-01", limit="1工作日"),
        _condition(valid_from="2021-06-01", valid_to="2021-07-01"),
        _condition(condition_no="2"),
        _condition(region="419001"),
    ]
    file = _read(tmp_path, rows)
    assert _told(file) == [(4, "condition_no", REFUSED, "ROW_DUPLICATE")]
    assert [row.region for row in file.rows if isinstance(row, FilingCondition)] == [140800, 140800, 140800, 419001]


def test_a_condition_may_speak_of_a_local_class(tmp_path: Path) -> None:
    local = _read(tmp_path, [_class("0499", "共享单车乱象", region="140800")])
    catalogue = taken_in(CATALOGUE, [local])
    path = write_sheet(
        tmp_path / "conditions.csv", [_condition("0499", name="共享单车乱象"), _condition("0499", region="")]
    )
    assert _told(read_release(path, catalogue)) == [(3, "code", REFUSED, "CODE_UNKNOWN")]


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
    tmp_path: Path, row: dict[str, str], told: list[tuple[int, str, Severity, str]]
) -> None:
    file = _read(tmp_path, [_region("430000", "湖南省"), _region("431200", "怀化市"), row])
    assert file.kind is ReleaseKind.REGIONS
    assert _told(file) == told


def test_the_nation_survives_a_spreadsheet(tmp_path: Path) -> None:
    file = _read(tmp_path, [_region("0", "全国")])
    assert [row.region for row in file.rows if isinstance(row, Region)] == [0]
    assert _told(file) == [(2, "region", CORRECTED, "CELL_MENDED")]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("hotline", []),
        ("Hot line", [(2, "code", REFUSED, "CODE_INVALID")]),
        ("", [(2, "code", REFUSED, "CELL_EMPTY")]),
    ],
)
def test_a_problem_source_has_a_neutral_code(
    tmp_path: Path, code: str, told: list[tuple[int, str, Severity, str]]
) -> None:
    file = _read(tmp_path, [{"code": code, "name": "热线", "aliases": "egova:11； egova:12"}])
    assert file.kind is ReleaseKind.SOURCES
    assert _told(file) == told


def test_a_standard_is_there_once(tmp_path: Path) -> None:
    rows = [{"standard_ref": "OURS-1", "title": "x", "minor_digits": digits} for digits in ("0", "2", "9")]
    file = _read(tmp_path, rows)
    assert file.rows == (Standard("OURS-1", "x", 0),)
    assert _told(file) == [
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
