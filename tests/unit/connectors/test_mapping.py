"""Rows become cases: always the same ones, and what is uncertain is refused with its reason."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mapping import MappedRow, Unmapped, find_unmapped, map_row, message_id_of
from connectors.mapping_file import Mapping, read_mapping
from connectors.mapping_values import half_width
from connectors.sheets import EXTRA, SheetRow, read_rows
from connectors.wire import read_parcel, write_parcel
from exchange_db.records import Case, CodeKind, Crs, HandlingState, ReportState, Violation
from tests.support import strategies
from tests.support.clock import NOON
from tests.support.sources import ROOT

EXAMPLES = ROOT / "docs" / "examples"
GENERIC = read_mapping(EXAMPLES / "generic.toml")
ROWS = list(read_rows(EXAMPLES / "generic.csv"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

cells = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "-", "2020-03-02 08:15:00", "已结案", "1.2E+10", "１２", "\x00", "\ud800", "9" * 50]),
)


def _row(**changed: str) -> SheetRow:
    return SheetRow(2, ROWS[0].values | changed)


def _case(row: SheetRow, mapping: Mapping = GENERIC) -> Case:
    mapped = map_row(mapping, row)
    assert mapped.case is not None, mapped.violation
    return mapped.case


def _violation(row: SheetRow, mapping: Mapping = GENERIC) -> Violation:
    mapped = map_row(mapping, row)
    assert mapped.case is None
    assert mapped.violation is not None
    return mapped.violation


def _mapping(folder: Path, *changes: tuple[str, str]) -> Mapping:
    """The generic mapping, changed."""
    text = (EXAMPLES / "generic.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


# The example.


def test_every_row_of_the_example_is_accepted() -> None:
    mapped = [map_row(GENERIC, row) for row in ROWS]
    assert [row.violation for row in mapped] == [None] * 12
    assert [row.number for row in mapped] == list(range(2, 14))


def test_the_example_reads_every_column_of_its_sheet() -> None:
    with (EXAMPLES / "generic.csv").open(encoding="utf-8", newline="") as file:
        assert set(GENERIC.columns()) == set(next(csv.reader(file)))


def test_a_row_becomes_the_sections_its_state_says() -> None:
    by_number = {case.case_no: case for case in map(_case, ROWS)}
    made = {
        name: [section for section in ("report", "assignment", "handling", "verdict") if getattr(case, section)]
        for name, case in by_number.items()
    }
    assert made["ZF2020-0001"] == ["report", "assignment", "handling", "verdict"]
    assert made["ZF2020-0005"] == ["report", "assignment", "handling"]
    assert made["ZF2020-0008"] == ["report", "assignment"]
    assert made["ZF2020-0009"] == ["report"]


def test_the_fields_of_a_row_are_where_the_contract_wants_them() -> None:
    case = _case(ROWS[0])
    assert (case.issuer_id, case.case_no) == ("431221.platform", "ZF2020-0001")
    assert case.report is not None
    assert case.assignment is not None
    assert case.handling is not None
    report = case.report
    assert (report.state, report.region_code, report.source_code) == (ReportState.FILED, "431221", "collector")
    assert (report.standard_ref, report.class_kind, report.class_code) == ("GB/T-30428.2-2013", CodeKind.EVENT, "0110")
    assert (report.crs, report.x, report.y) == (Crs.CGCS2000, 109.94412, 27.44021)
    # 08:15 in China is 00:15 UTC.
    assert report.reported_time == (datetime(2020, 3, 2, 0, 15, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    # The assignment has no class of its own: it takes that of the report.
    assert case.assignment.class_code == "0110"
    assert (case.handling.state, case.handling.result) == (HandlingState.CLOSE_REQUESTED, "垃圾已清运")


def test_an_entry_may_name_its_own_kind_of_code() -> None:
    report = _case(_row(大类="市政设施", 小类="雨水箅子")).report
    assert report is not None
    assert (report.class_kind, report.class_code) == (CodeKind.COMPONENT, "0104")


def test_a_row_without_position_keeps_its_address() -> None:
    report = _case(_row(经度="", 纬度="无")).report
    assert report is not None
    assert (report.crs, report.x, report.y, report.address) == (Crs.NONE, 0.0, 0.0, "中方县中方镇芙蓉路12号")


# Refusals.


@pytest.mark.parametrize(
    ("changed", "reason", "field", "told"),
    [
        ({"案件编号": " "}, "FIELD_MISSING", "case.key.case_no", ""),
        ({"案件编号": "-"}, "FIELD_MISSING", "case.key.case_no", ""),
        ({"案件编号": "x" * 65}, "FIELD_INVALID", "case.key.case_no", "xxx"),
        ({"上报时间": ""}, "FIELD_MISSING", "case.report.reported_time", ""),
        ({"上报时间": "43892.34"}, "DATE_INVALID", "case.report.reported_time", '上报时间 "43892.34"'),
        ({"上报时间": "2020-02-30 08:00:00"}, "DATE_INVALID", "case.report.reported_time", "2020-02-30"),
        ({"经度": ""}, "FIELD_MISSING", "case.report.position.x", ""),
        ({"纬度": ""}, "FIELD_MISSING", "case.report.position.y", ""),
        ({"经度": "109,94"}, "NUMBER_INVALID", "case.report.position.x", '经度 "109,94"'),
        ({"经度": "nan"}, "NUMBER_INVALID", "case.report.position.x", "nan"),
        ({"经度": "1094"}, "POSITION_OUT_OF_RANGE", "case.report.position", "1094"),
        ({"经度": "", "纬度": "", "地址": ""}, "PLACE_MISSING", "case.report.position", ""),
        ({"修订号": "1.5"}, "NUMBER_INVALID", "case.report.revision", '修订号 "1.5"'),
        ({"修订号": "9" * 20}, "NUMBER_INVALID", "case.report.revision", "999"),
        ({"修订号": ""}, "FIELD_MISSING", "case.report.revision", ""),
        ({"描述": "响铃\a"}, "TEXT_INVALID", "case.report.description", ""),
        ({"描述": "\ud800"}, "TEXT_INVALID", "case", ""),
        ({"处置部门": "绿化所"}, "VALUE_UNMAPPED", "case.assignment.handler_id", '[tables.handlers] "绿化所"'),
        ({"结案时间": ""}, "FIELD_MISSING", "case.verdict.closed_time", ""),
        ({EXTRA: "多出的"}, "ROW_INVALID", "case", "多出的"),
    ],
)
def test_what_cannot_be_mapped_is_refused_with_field_and_remedy(
    changed: dict[str, str], reason: str, field: str, told: str
) -> None:
    violation = _violation(_row(**changed))
    assert (violation.reason, violation.field_path) == (reason, field)
    assert told in violation.message
    assert told in violation.message_zh
    assert violation.message != violation.message_zh


def test_a_missing_column_is_named() -> None:
    values = {name: text for name, text in ROWS[0].values.items() if name != "修订号"}
    violation = _violation(SheetRow(2, values))
    assert (violation.reason, violation.field_path) == ("COLUMN_MISSING", "case.report.revision")
    assert "修订号" in violation.message_zh


def test_long_cells_are_shown_short() -> None:
    violation = _violation(_row(处置部门="很长的部门" * 100))
    assert "…" in violation.message_zh
    assert len(violation.message_zh) < 200


# Damage done by spreadsheets.


def _with_code_column(folder: Path, options: str) -> Mapping:
    return _mapping(
        folder,
        ('case_no = { column = "案件编号" }', f'case_no = {{ column = "案件编号", {options} }}'),
    )


@pytest.mark.parametrize(
    ("cell", "case_no"),
    [
        ("123", "00000123"),
        ("00000123", "00000123"),
        ("123.0", "00000123"),
        ("１２３", "00000123"),
        ("123456789", "123456789"),
        ("A-7", "A-7"),
    ],
)
def test_lost_leading_zeros_come_back_where_the_width_is_known(tmp_path: Path, cell: str, case_no: str) -> None:
    assert _case(_row(案件编号=cell), _with_code_column(tmp_path, "width = 8")).case_no == case_no


@pytest.mark.parametrize("options", ["width = 8", "whole_number = true"])
@pytest.mark.parametrize("cell", ["1.2E+10", "1.01001E+11", "12.5", "１．２Ｅ＋１０"])
def test_digits_that_are_lost_are_refused(tmp_path: Path, options: str, cell: str) -> None:
    violation = _violation(_row(案件编号=cell), _with_code_column(tmp_path, options))
    assert (violation.reason, violation.field_path) == ("NUMBER_INVALID", "case.key.case_no")
    assert f'案件编号 "{half_width(cell)}"' in violation.message
    assert "按文本导出" in violation.message_zh


def test_a_code_of_a_table_is_found_though_a_spreadsheet_made_it_a_number(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path, ('"中方县" = "431221"', '"12" = "431221"'))
    for cell in ("12", "12.0", "１２", " 12 "):
        report = _case(_row(所属区县=cell), mapping).report
        assert report is not None
        assert report.region_code == "431221"
    assert _violation(_row(所属区县="1.2E+1"), mapping).reason == "VALUE_UNMAPPED"


def test_an_uncertain_time_is_refused_with_the_keys_to_set(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path, ('zone = "Asia/Shanghai"', 'zone = "America/New_York"'))
    violation = _violation(_row(上报时间="2020-03-08 02:30:00"), mapping)
    assert (violation.reason, violation.field_path) == ("TIME_UNCERTAIN", "case.report.reported_time")
    assert "times.missing" in violation.message_zh


# Tables, constants, conditions.


def test_a_value_without_entry_is_found_once_with_its_columns_and_table() -> None:
    row = _row(处置部门="绿化所", 大类="园林", 小类="树木倾倒", 问题来源="\u3000路过 ")
    assert list(find_unmapped(GENERIC, row)) == [
        Unmapped("处置部门", "绿化所", "handlers"),
        Unmapped("处置部门", "绿化所", "units"),
        Unmapped("大类 + 小类", "园林/树木倾倒", "classes"),
        Unmapped("问题来源", "路过", "sources"),
    ]


def test_an_accepted_row_has_no_value_without_entry() -> None:
    assert [list(find_unmapped(GENERIC, row)) for row in ROWS] == [[]] * 12


def test_looking_for_values_goes_on_past_a_missing_column() -> None:
    values = {name: text for name, text in ROWS[0].values.items() if name != "所属区县"} | {"问题来源": "路过"}
    assert list(find_unmapped(GENERIC, SheetRow(2, values))) == [Unmapped("问题来源", "路过", "sources")]


def test_a_default_stands_for_values_without_entry(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path, ('table = "sources" }', 'table = "sources", default = "other" }'))
    row = _row(问题来源="路过")
    report = _case(row, mapping).report
    assert report is not None
    assert (report.source_code, report.source_original) == ("other", "路过")
    assert list(find_unmapped(mapping, row)) == []


def test_an_empty_value_may_have_an_entry_of_its_own(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path, ("[tables.regions]\n", '[tables.regions]\n"" = "431200"\n'))
    report = _case(_row(所属区县="无"), mapping).report
    assert report is not None
    assert report.region_code == "431200"


def test_a_constant_is_the_same_in_every_row(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path, ('address = { column = "地址" }', 'campaign = "创文"\nis_self_handled = true'))
    reports = [_case(row, mapping).report for row in ROWS[:7]]
    assert {(report.campaign, report.is_self_handled) for report in reports if report is not None} == {("创文", True)}


@pytest.mark.parametrize(
    ("condition", "cell", "is_made"),
    [
        ('{ column = "处置结果", filled = true }', "已清运", True),
        ('{ column = "处置结果", filled = true }', " 无 ", False),
        ('{ column = "处置结果", filled = false }', "", True),
        ('{ column = "处置结果", filled = false }', "已清运", False),
        ('{ column = "处置结果", in = ["已清运", "Ａ"] }', "A", True),
        ('{ column = "处置结果", in = ["已清运"] }', "未清运", False),
        ('[{ column = "处置结果", filled = true }, { column = "状态", in = ["待核查"] }]', "已清运", False),
    ],
)
def test_a_section_is_made_when_its_conditions_hold(tmp_path: Path, condition: str, cell: str, is_made: bool) -> None:
    mapping = _mapping(tmp_path, ("[verdict]\n", f"[verdict]\nwhen = {condition}\n"))
    assert (_case(_row(处置结果=cell), mapping).verdict is not None) is is_made


def test_several_columns_become_one_text(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path, ('{ column = "地址" }', '{ columns = ["所属区县", "地址"], separator = "，" }'))
    report = _case(_row(地址=" 芙蓉路 "), mapping).report
    assert report is not None
    assert report.address == "中方县，芙蓉路"
    assert _case(_row(所属区县="中方县", 地址="-"), mapping).report is not None


def test_a_revision_may_be_the_minute_of_the_last_change(tmp_path: Path) -> None:
    changed = 'revision = { column = "结案时间", formats = ["%Y-%m-%d %H:%M:%S"] }'
    mapping = _mapping(tmp_path, ('revision = { column = "修订号" }', changed))
    report = _case(ROWS[0], mapping).report
    assert report is not None
    assert report.revision == (datetime(2020, 3, 2, 5, 20, tzinfo=UTC) - EPOCH) // timedelta(minutes=1)


# Sameness.


def test_the_message_id_of_a_case_is_pinned() -> None:
    # A hub knows a repeated row by this id: it must never change, not with a new version either.
    assert message_id_of(_case(ROWS[0])) == UUID("06ddcd1e-a5f3-5468-afc2-4f409670115e")


def test_the_same_row_has_the_same_id_and_other_content_another() -> None:
    ids = [message_id_of(_case(row)) for row in ROWS]
    assert ids == [message_id_of(_case(row)) for row in ROWS]
    assert len(set(ids)) == len(ROWS)
    changed = [message_id_of(_case(_row(**{name: text}))) for name, text in (("描述", "改"), ("修订号", "2"))]
    assert len({ids[0], *changed}) == 3


def test_how_a_row_is_written_does_not_change_its_id() -> None:
    row = _row(案件编号=" ＺＦ２０２０－０００１", 上报时间="2020/3/2 8:15", 经度="109.944120", 修订号="1.0")
    assert message_id_of(_case(row)) == message_id_of(_case(ROWS[0]))


@given(case=strategies.cases)
def test_only_what_is_said_counts_for_the_id(case: Case) -> None:
    assert message_id_of(case) == message_id_of(msgspec.msgpack.decode(msgspec.msgpack.encode(case), type=Case))
    assert message_id_of(case) != message_id_of(msgspec.structs.replace(case, case_no=f"{case.case_no}'"))


@given(changed=st.dictionaries(st.sampled_from([*ROWS[0].values, EXTRA]), cells, max_size=6))
def test_any_row_becomes_a_case_the_hub_reads_or_a_refusal(changed: dict[str, str]) -> None:
    row = _row(**changed)
    mapped: MappedRow = map_row(GENERIC, row)
    assert mapped == map_row(GENERIC, row)
    assert (mapped.case is None) is (mapped.violation is not None)
    if mapped.case is not None:
        payload = write_parcel(message_id_of(mapped.case), mapped.case.issuer_id, NOON, mapped.case)
        assert read_parcel(payload).record == mapped.case
        assert list(find_unmapped(GENERIC, row)) == []
    if mapped.violation is not None:
        assert mapped.violation.message
        assert mapped.violation.message_zh
        assert mapped.violation.message_zh.isprintable()
