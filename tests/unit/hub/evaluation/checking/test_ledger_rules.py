"""A form beside the ledger: what agrees is not told, what differs is told with its likely cause."""

import pytest

from hub.evaluation.checking.check import check_document
from hub.evaluation.checking.documents import FormDocument, FormTable, TableRow
from hub.evaluation.checking.findings import Cause, Finding, Rule, Severity
from hub.evaluation.checking.ledger_rules import HeldCounts
from hub.statistics.registry import shipped_registry

#: 中方县 2020 (A4-1 to A4-5 of the domain notes), and another year before it.
HELD = HeldCounts(
    2020,
    {"total": 14_664, "dispatched_on": 12_299, "done": 8_907, "on_time": 5_867},
    {"total": 10_000, "dispatched_on": 9_000, "done": 8_000, "on_time": 7_000},
)


def _found(*cells: tuple[str, str], heads: tuple[str, str]) -> dict[str, Finding]:
    rows = tuple(TableRow(number, one) for number, one in enumerate((heads, *cells), 1))
    document = FormDocument((FormTable("表", rows),), ())
    report = check_document(document, shipped_registry(), "zhongfang", HELD)
    return {one.name: one for one in report.findings if one.rule is Rule.LEDGER}


@pytest.mark.parametrize(
    ("stated", "severity", "cause"),
    [
        ("8907", None, None),
        ("8,907件", None, None),
        ("5867", Severity.DOUBTFUL, Cause.OTHER_OBJECT),
        ("8000", Severity.DOUBTFUL, Cause.OTHER_PERIOD),
        ("8970", Severity.DOUBTFUL, Cause.MISPRINT),
        ("89070", Severity.DOUBTFUL, Cause.MOVED_POINT),
        ("8906", Severity.WRONG, Cause.GAP),
    ],
)
def test_a_count_is_that_of_the_ledger(stated: str, severity: Severity | None, cause: Cause | None) -> None:
    found = _found(("完成", stated), heads=("计数项", "数量")).get("完成")
    assert (found and found.severity, found and found.cause) == (severity, cause)


@pytest.mark.parametrize(
    ("stated", "cause"),
    [
        ("60.74%", None),
        ("72.42%", Cause.OTHER_BASE),
        ("60.75%", Cause.OTHER_ROUNDING),
        ("80.00%", Cause.OTHER_PERIOD),
        ("61.47%", Cause.GAP),
    ],
)
def test_a_figure_is_that_of_the_ledger(stated: str, cause: Cause | None) -> None:
    found = _found(("问题解决率", stated), heads=("指标", "填报值")).get("问题解决率")
    assert (found and found.cause) == cause
    if found:
        assert "8907/14664" in found.computed


def test_what_the_ledger_does_not_keep_is_left_to_the_form() -> None:
    assert _found(("巡查次数", "9"), ("没有的项", "9"), heads=("计数项", "数量")) == {}
    assert _found(("满意率", "9%"), heads=("指标", "填报值")) == {}
