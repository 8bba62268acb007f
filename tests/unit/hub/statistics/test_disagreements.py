"""Disagreements between sheets and ledger, in words."""

from datetime import UTC, datetime

from exchange_db.figures import SheetHead
from exchange_db.records import Counts
from hub.statistics.disagreements import MAX_LINES, in_words

DEFINITION = "sanji-counts/1"


def _sheet(region: int = 431221, month: int = 202003, definition_ref: str = DEFINITION) -> SheetHead:
    return SheetHead(region, month, "431200.hub", 3, definition_ref, datetime(2020, 4, 1, tzinfo=UTC))


def test_equal_counts_are_not_mentioned() -> None:
    counts = {(431221, 202003): Counts(total=5)}
    assert in_words([_sheet()], counts, counts, DEFINITION) == ()


def test_the_counters_that_differ_are_named_with_both_numbers() -> None:
    (line,) = in_words(
        [_sheet()],
        {(431221, 202003): Counts(total=5, done=4)},
        {(431221, 202003): Counts(total=5, done=3)},
        DEFINITION,
    )
    assert line == "431221 2020年3月：431200.hub 第 3 版报表与本级台账不一致（报表／台账）：完成 4／3"


def test_a_sheet_without_cells_says_zero() -> None:
    (line,) = in_words([_sheet()], {}, {(431221, 202003): Counts(total=2)}, DEFINITION)
    assert line.endswith("案件总数 0／2")


def test_what_only_one_of_them_knows_is_no_disagreement() -> None:
    assert in_words([_sheet()], {(431221, 202003): Counts(total=5)}, {(431222, 202003): Counts(total=1)}, "") != ()
    assert in_words([_sheet()], {(431221, 202003): Counts(total=5)}, {(431222, 202003): Counts()}, DEFINITION) == ()


def test_another_definition_is_said_once() -> None:
    lines = in_words(
        [_sheet(definition_ref="sanji-counts/1+check"), _sheet(month=202004, definition_ref="sanji-counts/1+check")],
        {},
        {},
        DEFINITION,
    )
    assert lines == ("431200.hub 的报表口径为 sanji-counts/1+check，与本级口径 sanji-counts/1 不同，不可直接比较",)


def test_a_long_list_is_cut_and_counted() -> None:
    sheets = [_sheet(month=200001 + 100 * year) for year in range(MAX_LINES + 7)]
    own = {(sheet.region, sheet.month): Counts(total=1) for sheet in sheets}
    lines = in_words(sheets, {}, own, DEFINITION)
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == "另有 7 处不一致未列出"
