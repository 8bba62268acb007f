"""The mappings for 数字政通 and 运城 hold every state and source their notes list, and lead cases along legal steps.

What is expected stands here a second time, typed from the notes on states, transitions and sources, not read from the
mappings.
"""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.mapping import find_unmapped, map_row
from connectors.mapping_file import Mapping, read_mapping
from connectors.sheets import SheetRow, read_rows
from exchange_db.cases import CaseRow, CaseState
from exchange_db.facts import facts_of
from exchange_db.keys import case_key
from exchange_db.records import Case
from hub.apply.lifecycle import fold
from hub.cli import mapping as _mapping  # noqa: F401 — defines the command
from hub.cli.app import app
from hub.statistics.value_names import SOURCES
from tests.support.sources import ROOT

EXAMPLES = ROOT / "docs" / "examples"
S = CaseState

#: eGova: state and step, and where the case stands.
EGOVA_STATES = {
    ("1", ""): S.REPORTED,
    ("1", "1"): S.VERIFYING,
    ("1", "2"): S.VERIFYING,
    ("2", ""): S.FILED,
    ("3", ""): S.DISPATCHING,
    ("4", ""): S.DISPOSING,
    ("4", "7"): S.DISPOSED,
    ("4", "8"): S.DISPOSED,
    ("5", ""): S.CHECKING,
    ("6", "101"): S.CLOSED,
    ("7", "102"): S.VOID,
    ("8", "103"): S.SUSPENDED,
    ("9", "9"): S.DISPOSING,
    ("9", "10"): S.DISPOSING,
}
EGOVA_SOURCES = {
    "1": "collector",  # 信息采集
    "2": "inspection",  # 考评发现
    "11": "hotline_12319",  # 热线
    "31": "media",  # 媒体
    "33": "other",  # 网络
    "34": "video",  # 视频
    "36": "inspection",  # 督查检查
    "41": "ai",  # 智能分析
}
YUNCHENG_STATES = {
    "reported": S.REPORTED,
    "pending_verify": S.REPORTED,
    "verify": S.VERIFYING,
    "not_accepted": S.NOT_ACCEPTED,
    "pending_register": S.VERIFYING,  # on the way to filed
    "pending_dispatch": S.DISPATCHING,
    "pending_handle": S.DISPOSING,
    "handling": S.DISPOSING,
    "handle_finish": S.DISPOSED,
    "pending_check": S.CHECKING,
    "checking": S.CHECKING,
    "check_pass": S.CHECKING,
    "check_not_pass": S.CHECKING,
    "pending_close": S.CHECKING,  # closed needs its time
    "closed": S.CLOSED,
    "forced_close": S.CLOSED,
    "cancelled": S.VOID,
    "suspended": S.SUSPENDED,
}
#: Words for sources and their neutral codes; every neutral code has at least one.
YUNCHENG_SOURCES = {
    "信息采集员上报": "collector",
    "信息采集员自行处置": "collector_self",
    "简易处置": "collector_self",
    "12319城管热线": "hotline_12319",
    "12345市长热线转办": "hotline_12345",
    "12345政务热线转办": "hotline_12345",
    "微信公众号举报": "wechat",
    "APP随手拍": "app",
    "视频采集": "video",
    "智能分析": "ai",
    "暗访": "inspection",
    "考评": "inspection",
    "督查": "inspection",
    "抽检": "inspection",
    "专项普查": "campaign",
    "纪委监督": "discipline",
    "有奖举报": "reward",
    "领导交办": "leader",
    "上级交办": "leader",
    "媒体曝光": "media",
    "物联监测": "sensor",
    "其他平台": "peer",
    "其他": "other",
}


class Vendor:
    """A vendor's mapping and its example sheet, with a row for every state."""

    def __init__(self, name: str, *state_columns: str) -> None:
        self.mapping: Mapping = read_mapping(EXAMPLES / f"{name}.toml")
        self.rows = list(read_rows(EXAMPLES / f"{name}.csv"))
        self._state_columns = state_columns

    def row(self, *state: str, **changed: str) -> SheetRow:
        """The example's row with a state (and step), changed; the first row with that state if the step has none."""
        found = [row for row in self.rows if row.values[self._state_columns[0]] == state[0]]
        exact = [row for row in found if tuple(row.values[name] for name in self._state_columns) == state]
        values = dict(zip(self._state_columns, state, strict=True))
        return SheetRow(2, (exact or found)[0].values | values | changed)

    def case(self, row: SheetRow) -> Case:
        mapped = map_row(self.mapping, row)
        assert mapped.case is not None, mapped.violation
        return mapped.case

    def folded(self, *rows: SheetRow) -> CaseRow:
        """The case at the hub after some snapshots of it, each a minute younger than the one before."""
        folded: CaseRow | None = None
        for minute, row in enumerate(rows):
            values = row.values | {self.case_no: "7", "更新时间": f"2022-07-01 08:{minute:02d}:00"}
            case = self.case(SheetRow(2, values))
            facts = facts_of(case, case.issuer_id)
            folded = fold(folded, case_key(case.issuer_id, case.case_no), facts, minute + 1).row
        assert folded is not None
        return folded

    @property
    def case_no(self) -> str:
        """The column of the case number."""
        assert self.mapping.case_no is not None
        return self.mapping.case_no.columns[0]


EGOVA = Vendor("egova", "案卷状态", "环节")
YUNCHENG = Vendor("yuncheng", "案件状态")
VENDORS = pytest.mark.parametrize("vendor", [EGOVA, YUNCHENG], ids=["egova", "yuncheng"])


@pytest.mark.parametrize("name", ["egova", "yuncheng"])
def test_the_check_of_the_example_maps_every_row(name: str) -> None:
    sheet, mapping = EXAMPLES / f"{name}.csv", EXAMPLES / f"{name}.toml"
    result = CliRunner().invoke(app, ["mapping", "check", str(sheet), "--mapping", str(mapping)])
    assert result.exit_code == 0, result.output
    assert "0 would be refused" in result.output


@VENDORS
def test_the_mapping_reads_every_column_of_its_example(vendor: Vendor) -> None:
    assert set(vendor.mapping.columns()) == set(vendor.rows[0].values)


@pytest.mark.parametrize(("state", "expected"), EGOVA_STATES.items())
def test_every_state_of_egova_is_where_the_notes_say(state: tuple[str, str], expected: CaseState) -> None:
    assert EGOVA.folded(EGOVA.row(*state)).state == expected


@pytest.mark.parametrize(("state", "expected"), YUNCHENG_STATES.items())
def test_every_state_of_yuncheng_is_where_the_notes_say(state: str, expected: CaseState) -> None:
    assert YUNCHENG.folded(YUNCHENG.row(state)).state == expected


def test_no_state_beyond_those_of_the_notes_is_mapped() -> None:
    assert set(YUNCHENG.mapping.tables["states"]) == set(YUNCHENG_STATES)
    assert {key.partition("/")[0] for key in EGOVA.mapping.tables["states"]} == {state for state, _ in EGOVA_STATES}
    for vendor, row in ((EGOVA, EGOVA.row("1", "")), (YUNCHENG, YUNCHENG.row("reported"))):
        column = vendor.mapping.sections[0].state.columns[0]
        violation = map_row(vendor.mapping, SheetRow(2, row.values | {column: "10"})).violation
        assert violation is not None
        assert (violation.reason, violation.field_path) == ("VALUE_UNMAPPED", "case.report.state")


def test_a_supervised_case_bears_the_flag_and_its_deadline() -> None:
    supervised, plain = EGOVA.case(EGOVA.row("9", "9")).assignment, EGOVA.case(EGOVA.row("4", "")).assignment
    assert supervised is not None
    assert plain is not None
    assert (supervised.is_supervised, supervised.supervision_deadline_time > 0) == (True, True)
    assert (plain.is_supervised, plain.supervision_deadline_time) == (False, 0)


@pytest.mark.parametrize("kind", ["1", "2", "3", "4"])
def test_the_kinds_of_closing_are_those_of_the_contract(kind: str) -> None:
    verdict = EGOVA.case(EGOVA.row("6", "101", 结案类型=kind)).verdict
    assert verdict is not None
    assert verdict.closing_kind == int(kind)


def test_a_forced_closing_is_a_special_one() -> None:
    forced, plain = (YUNCHENG.case(YUNCHENG.row(state)).verdict for state in ("forced_close", "closed"))
    assert forced is not None
    assert plain is not None
    assert (forced.closing_kind, plain.closing_kind) == (4, 0)


@pytest.mark.parametrize(("source", "code"), EGOVA_SOURCES.items())
def test_every_source_of_egova_has_its_neutral_code(source: str, code: str) -> None:
    report = EGOVA.case(EGOVA.row("1", "", 问题来源编号=source, 问题来源="原文")).report
    assert report is not None
    assert (report.source_code, report.source_original) == (code, "原文")


@pytest.mark.parametrize(("source", "code"), YUNCHENG_SOURCES.items())
def test_every_word_for_a_source_has_its_neutral_code(source: str, code: str) -> None:
    report = YUNCHENG.case(YUNCHENG.row("reported", 问题来源=source)).report
    assert report is not None
    assert (report.source_code, report.source_original) == (code, source)
    assert report.is_self_handled is (code == "collector_self")


def test_every_neutral_source_can_be_told() -> None:
    assert set(YUNCHENG_SOURCES.values()) == set(SOURCES)
    assert set(EGOVA_SOURCES) == set(EGOVA.mapping.tables["sources"])
    used = {row.values["问题来源编号"] for row in EGOVA.rows}
    assert used == set(EGOVA_SOURCES)


@pytest.mark.parametrize(
    ("limit", "value", "unit"),
    [(" 5工作日", 5, 3), ("4工作时", 4, 2), ("2紧急工作时", 2, 1), ("1紧急工作日", 1, 4), ("15日", 15, 5)],
)
def test_a_limit_in_words_is_a_number_and_a_unit(limit: str, value: int, unit: int) -> None:
    assignment = YUNCHENG.case(YUNCHENG.row("handling", 处置时限=limit)).assignment
    assert assignment is not None
    assert (assignment.limit_value, assignment.limit_unit) == (value, unit)


# Transitions: a case is pushed as it stands, again and again, and every step between is legal.

EGOVA_WALK = [("1", ""), ("1", "1"), ("2", ""), ("3", ""), ("4", ""), ("4", "7"), ("5", ""), ("6", "101")]
YUNCHENG_WALK = [
    "reported", "pending_verify", "verify", "pending_register", "pending_dispatch", "pending_handle", "handling",
    "handle_finish", "pending_check", "checking", "check_pass", "pending_close", "closed",
]  # fmt: skip


def test_a_case_goes_from_report_to_closing_through_every_state() -> None:
    for length in range(1, len(EGOVA_WALK) + 1):
        state = EGOVA_WALK[length - 1]
        assert EGOVA.folded(*(EGOVA.row(*s) for s in EGOVA_WALK[:length])).state == EGOVA_STATES[state]
    for length in range(1, len(YUNCHENG_WALK) + 1):
        assert (
            YUNCHENG.folded(*map(YUNCHENG.row, YUNCHENG_WALK[:length])).state
            == YUNCHENG_STATES[YUNCHENG_WALK[length - 1]]
        )


@pytest.mark.parametrize(
    "walk",
    [
        ("verify", "not_accepted"),
        ("handling", "pending_dispatch", "handling"),  # 退单: another unit
        ("handling", "suspended", "handling", "handle_finish"),  # 挂账 and back
        ("reported", "cancelled"),
        ("pending_dispatch", "cancelled"),
        ("checking", "cancelled"),
        ("reported", "closed"),  # nobody pushed in between
    ],
)
def test_a_case_takes_every_other_step_of_the_notes(walk: tuple[str, ...]) -> None:
    assert YUNCHENG.folded(*map(YUNCHENG.row, walk)).state == YUNCHENG_STATES[walk[-1]]


def test_a_check_that_was_not_passed_leads_back_to_work_and_counts_as_rework() -> None:
    first = [YUNCHENG.row(state) for state in ("handling", "checking", "check_not_pass")]
    again = [YUNCHENG.row("handling", 处置轮次="2")]
    assert YUNCHENG.folded(*first, *again).state == S.DISPOSING
    done = [YUNCHENG.row(state, 处置轮次="2") for state in ("handle_finish", "checking", "closed")]
    folded = YUNCHENG.folded(*first, *again, *done)
    assert (folded.state, folded.rework_count) == (S.CLOSED, 1)
    egova = EGOVA.folded(EGOVA.row("5", ""), EGOVA.row("4", "", 返工次数="1"), EGOVA.row("6", "101", 返工次数="1"))
    assert (egova.state, egova.rework_count) == (S.CLOSED, 1)


def test_an_extension_moves_the_deadline_and_is_counted() -> None:
    before = YUNCHENG.row("handling")
    after = YUNCHENG.row("handling", 截止时间="2022-06-13 09:55:00", 延期次数="1")
    folded = YUNCHENG.folded(before, after)
    assert folded.extension_count == 1
    assert folded.deadline_time > YUNCHENG.folded(before).deadline_time


# Stars in the keys of a table.


def test_an_entry_that_says_more_goes_before_one_with_a_star() -> None:
    assert EGOVA.folded(EGOVA.row("4", "7")).state == S.DISPOSED
    for step in ("", "5", "６", "6.0", "999"):
        assert EGOVA.folded(EGOVA.row("4", step)).state == S.DISPOSING


def _mapping_with(folder: Path, *entries: str) -> Mapping:
    text = (EXAMPLES / "generic.toml").read_text(encoding="utf-8")
    text = text.replace("[tables.classes]\n", "[tables.classes]\n" + "".join(f"{entry}\n" for entry in entries))
    (folder / "mapping.toml").write_text(text, encoding="utf-8")
    return read_mapping(folder / "mapping.toml")


def test_a_star_stands_for_columns_from_the_last_one_on(tmp_path: Path) -> None:
    values = next(iter(read_rows(EXAMPLES / "generic.csv"))).values
    unknown = SheetRow(2, values | {"大类": "市容环境", "小类": "未列出"})
    elsewhere = SheetRow(2, values | {"大类": "园林", "小类": "未列出"})
    mapping = _mapping_with(tmp_path, '"市容环境/*" = "0199"')
    mapped = map_row(mapping, unknown).case
    assert mapped is not None
    assert mapped.report is not None
    assert mapped.report.class_code == "0199"
    assert list(find_unmapped(mapping, unknown)) == []
    assert [value.value for value in find_unmapped(mapping, elsewhere)] == ["园林/未列出"]
    assert list(find_unmapped(_mapping_with(tmp_path, '"*/*" = "0199"'), elsewhere)) == []
    nothing = SheetRow(2, values | {"大类": "", "小类": ""})
    violation = map_row(_mapping_with(tmp_path, '"*/*" = "0199"'), nothing).violation
    assert violation is not None
    assert (violation.reason, violation.field_path) == ("FIELD_MISSING", "case.report.class_code.code")
