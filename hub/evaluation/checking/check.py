"""The check of a self-evaluation: a filled-in form in, every disagreement out. Pure but for reading the file.

Every figure is recomputed from its parts where the form gives them, by the profile's definition where it gives the
counts, and put beside the running text and the other figures. ``docs/evaluation.md`` tells what forms look like.
Called by ``sanji evaluation check``.
"""

from hub.evaluation.checking.desk import Desk
from hub.evaluation.checking.documents import FormDocument
from hub.evaluation.checking.figure_rules import check_figures, take_counts
from hub.evaluation.checking.findings import Report
from hub.evaluation.checking.forms import rows_of
from hub.evaluation.checking.ledger_rules import HeldCounts, check_against_ledger
from hub.evaluation.checking.plausibility import check_plausibility
from hub.evaluation.checking.points_rules import check_points
from hub.statistics.registry import NATIONAL, MetricRegistry


class NothingToCheck(Exception):
    """A file has no table that is known; says which headings are looked for."""

    def __init__(self) -> None:
        super().__init__(
            "没有找到可核对的表格：预算表应有“全年预算数、全年执行数”，指标表应有“一级指标（或二级、三级）、分值、得分”，"
            "数据表应有“指标、填报值”或“计数项、数量”。"
            " / no known table: its headings must be 全年预算数 and 全年执行数, or 三级指标, 分值 and 得分,"
            " or 指标 and 填报值, or 计数项 and 数量."
        )


def check_document(
    document: FormDocument, registry: MetricRegistry, profile: str = NATIONAL, held: HeldCounts | None = None
) -> Report:
    """Checks a form.

    Args:
        document: its tables and text.
        registry: metric definitions.
        profile: whose definitions the form follows.
        held: what a ledger counts for the form's region and year; ``None`` to check the form by itself.

    Raises:
        MetricUnknown: there is no such profile.
        NothingToCheck: no table is one of those that are known.
    """
    registry.of_profile(profile)
    rows = rows_of(document)
    if not rows:
        raise NothingToCheck
    desk = Desk(registry, profile, document.paragraphs)
    take_counts(desk, rows)
    check_points(desk, rows)
    figures = check_figures(desk, rows)
    check_plausibility(desk, rows, figures)
    if held is not None:
        check_against_ledger(desk, rows, held)
    order = {row.place: number for number, row in enumerate(rows)}
    findings = sorted(desk.findings, key=lambda one: order[one.place])
    return Report(profile=profile, checked_count=desk.checked_count, findings=tuple(findings))
