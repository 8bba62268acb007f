"""Code lists from files: every damage a spreadsheet does is mended and told, or refused, by row."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sheets import SheetInvalid
from exchange_db.records import CodeKind
from hub.standards.codes import Code, Mark, spelled_code
from hub.standards.release_cells import mended_code
from hub.standards.release_file import ReleaseKind, check_release, read_content, read_release, taken_in
from tests.support.releases import (
    CATALOGUE,
    CORRECTED,
    CURRENT,
    DOUBTFUL,
    NEW,
    OLD,
    REFUSED,
    Told,
    class_row,
    read_rows_of,
    told_of,
)
from tests.support.sheets import write_sheet

C, E = CodeKind.COMPONENT, CodeKind.EVENT


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
    file = read_rows_of(tmp_path, rows, name)
    assert file.kind is ReleaseKind.CODES
    assert [row.code for row in file.rows if isinstance(row, Code)] == ["0405", "0406", "0408", "0409"]
    first = 1 if name.endswith("jsonl") else 2
    assert told_of(file) == [
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
        (class_row("0501", "无照经营游商"), "name", "NAME_MISMATCH"),
        (class_row("0511", "沿街晾挂"), "name", "NAME_MISMATCH"),
        (class_row("0402", "流浪乞讨"), "name", "NAME_MISMATCH"),
        (class_row("0901", "违章"), "code", "MAJOR_UNKNOWN"),
        (class_row("01-001", "供水井盖异常"), "code", "CODE_INVALID"),
        (class_row("1.1", "私搭乱建"), "code", "CODE_INVALID"),
        (class_row("0101", ""), "name", "CELL_EMPTY"),
        (class_row("0101", "x\x07"), "name", "TEXT_INVALID"),
        (class_row("0101", "长" * 101), "name", "TEXT_TOO_LONG"),
        (class_row("0101", "私搭乱建", kind="案件"), "kind", "WORD_UNKNOWN"),
        (class_row("0101", "私搭乱建", ref=""), "standard_ref", "CELL_EMPTY"),
        (class_row("0101", "私搭乱建", ref="GB/T-1-2000"), "standard_ref", "STANDARD_UNKNOWN"),
        (class_row("0199", "单车", region="1408"), "region", "REGION_INVALID"),
        (class_row("0101", "单车", region="140800"), "code", "CODE_TAKEN"),
        (class_row("0199", "单车", OLD, region="140800"), "code", "CODE_TAKEN"),
        (class_row("0799", "单车", region="140800"), "code", "MAJOR_UNKNOWN"),
        (class_row("09007", "单车（自定义）", NEW, region="140800"), "code", "EXTENSION_NOT_FREE"),
        (class_row("0511", "沿街晾挂", region="140800"), "name", "NAME_MISMATCH"),
    ],
)
def test_a_class_that_cannot_be_certain_is_refused(tmp_path: Path, row: dict[str, str], column: str, rule: str) -> None:
    file = read_rows_of(tmp_path, [class_row("0110", "暴露垃圾"), row])
    assert (3, column, REFUSED, rule) in told_of(file)
    assert file.refused_count == 1
    assert len(file.rows) == 1
    for one in file.findings:
        assert one.chinese.endswith("。")
        assert one.english.endswith(".")


def test_the_swapped_majors_are_refused_with_the_right_code(tmp_path: Path) -> None:
    (finding,) = read_rows_of(tmp_path, [class_row("0501", "无照经营游商")]).findings
    for text in (finding.chinese, finding.english):
        assert OLD in text
        assert "04-01" in text


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (class_row("0110", "暴露垃圾"), []),
        (class_row("0110", "生活垃圾"), [(2, "name", DOUBTFUL, "NAME_DIFFERS")]),
        (class_row("01", "市政公用设施", kind="部件"), [(2, "name", DOUBTFUL, "NAME_DIFFERS")]),
        (class_row("0140", "养狗"), [(2, "code", DOUBTFUL, "CODE_NOT_LISTED")]),
        (class_row("0499", "单车", region="140800"), []),
        (class_row("0497", "单车", region="140800"), [(2, "code", DOUBTFUL, "EXTENSION_GAP")]),
        (class_row("09999", "单车（自定义）", NEW, region="140800"), []),
        (class_row("09080", "单车(自定义)", NEW, region="140800"), []),
        (class_row("09999", "单车", NEW, region="140800"), [(2, "name", DOUBTFUL, "EXTENSION_UNNAMED")]),
        (class_row("2105", "单车", OLD, region="140800"), []),
        (class_row("0515", "单车", OLD, region="140800"), [(2, "code", DOUBTFUL, "EXTENSION_ELSEWHERE")]),
        (class_row("01-10", "暴露垃圾"), []),
        (class_row("0101", "私搭乱建", ref="GB/T 30428.2-2013"), [(2, "standard_ref", CORRECTED, "CELL_MENDED")]),
        (class_row("0499", "单车", region="140800.0"), [(2, "region", CORRECTED, "CELL_MENDED")]),
        (class_row("a.1", "单车", ref="OURS-1"), [(2, "standard_ref", DOUBTFUL, "STANDARD_OWN")]),
    ],
)
def test_what_can_be_taken_is_taken_and_what_is_odd_is_told(
    tmp_path: Path, row: dict[str, str], told: list[Told]
) -> None:
    file = read_rows_of(tmp_path, [row])
    # 2013 calls it 暴露(生活)垃圾: a label, told once.
    known = [] if row["name"] != "暴露垃圾" else [(2, "name", DOUBTFUL, "NAME_DIFFERS")]
    assert told_of(file) == told + known
    assert len(file.rows) == 1


def test_repeats_are_left_out_and_contradictions_refused(tmp_path: Path) -> None:
    file = read_rows_of(
        tmp_path,
        [
            class_row("0499", "单车", region="140800"),
            class_row("04-99", "单 车", region="140800"),
            class_row("0499", "电瓶车", region="140800"),
            class_row("0499", "电瓶车", region="140900"),
            class_row("0405", "店外经营", region="140800"),
        ],
    )
    assert told_of(file) == [
        (3, "code", CORRECTED, "ROW_REPEATED"),
        (4, "code", REFUSED, "CODE_DUPLICATE"),
        (6, "code", CORRECTED, "ROW_REPEATED"),
    ]
    assert [(row.name, row.region) for row in file.rows if isinstance(row, Code)] == [
        ("单车", 140800),
        ("电瓶车", 140900),
    ]


def test_a_list_may_bring_majors_of_its_own_below_any_order(tmp_path: Path) -> None:
    file = read_rows_of(tmp_path, [class_row("0701", "占道洗车"), class_row("07", "洗车")])
    assert len(file.rows) == 2
    assert file.refused_count == 0


def test_a_regions_file_is_laid_over_the_standard(tmp_path: Path) -> None:
    file = read_rows_of(
        tmp_path, [class_row("0499", "单车", region="140800"), class_row("0498", "电瓶车", region="140800")]
    )
    catalogue = taken_in(CATALOGUE, [file])
    found = catalogue.lists[CURRENT].find(E, "0498", 140802)
    assert found is not None
    assert found.name == "电瓶车"
    assert found.mark is Mark.UNVERIFIED


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"standard_ref,kind,code,name\n{CURRENT},event,0101,私搭,乱建\n", encoding="utf-8")
    assert told_of(read_release(path, CATALOGUE)) == [(2, "", REFUSED, "ROW_INVALID")]


def test_columns_nobody_uses_are_told(tmp_path: Path) -> None:
    file = read_rows_of(tmp_path, [class_row("0101", "私搭乱建") | {"负责人": "张"}])
    assert told_of(file) == [(0, "负责人", DOUBTFUL, "COLUMN_UNUSED")]
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
    assert finding.chinese.startswith("a.csv：")
    assert finding.english.startswith("a.csv: ")


@pytest.mark.parametrize(("file", "name"), [("a.csv", "codes"), ("a.xlsx", "codes"), ("a.jsonl", "city.v2.jsonl")])
def test_a_file_that_is_no_file_yet_is_read_the_same(tmp_path: Path, file: str, name: str) -> None:
    path = write_sheet(
        tmp_path / file, [class_row("0499", "单车", region="140800"), class_row("110", "暴露(生活)垃圾")]
    )
    assert read_content(name, path.read_bytes(), CATALOGUE) == read_release(path, CATALOGUE)
    assert [one.rule for one in check_release(name, path.read_bytes(), CATALOGUE)] == ["CELL_MENDED"]
