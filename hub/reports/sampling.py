"""A made-up report of each sort, to try a template with before a real one fails on it. Pure."""

from datetime import date
from zoneinfo import ZoneInfo

from exchange_db.period_kinds import PeriodKind
from exchange_db.records import Counts
from hub.reports.content import (
    LETTERS,
    Breakdown,
    Compared,
    Heading,
    Indicator,
    Letter,
    LetterCase,
    Line,
    Metric,
    Problem,
    Ranking,
    ReportData,
    ReportFigure,
    ReportKind,
    Score,
    Tree,
)
from hub.reports.drafting import PERIOD_KINDS
from hub.reports.filling import filled
from hub.reports.shelf import TemplateFile
from hub.reports.wording import BREAKDOWNS, plots_of, values_of
from hub.statistics.periods import period_of
from hub.statistics.rates import METRICS, rate_of

_DAY = date(2020, 6, 15)
_COUNTS = Counts(total=7, done=4, on_time=2, reported=9)


def tried(kind: ReportKind, template: TemplateFile) -> bytes:
    """Returns a template filled with the made-up report.

    Raises:
        TemplateBroken: it cannot be filled.
    """
    data = sample(kind)
    values = values_of(data, _DAY, ZoneInfo("Asia/Shanghai"), 5)
    name = str(template.path) if template.is_own else template.name
    return filled(name, template.content, values, plots_of(data), "宋体")


def sample(kind: ReportKind) -> ReportData:
    """Returns a report that has something in every place."""
    metrics = tuple(
        Metric(
            metric_id=one.metric_id,
            version=one.version,
            name=one.name_zh,
            numerator=one.numerator,
            denominator=one.denominator,
            source=one.source,
        )
        for one in METRICS
    )
    line = _line("示例")
    compared = Compared(now=line, before=line, year_ago=None)
    span = period_of(PERIOD_KINDS.get(kind, (PeriodKind.MONTH,))[0], _DAY)
    case = LetterCase(case_no="2020-0001", name="示例", address="示例", reported="2020-06-01 08:00", deadline="")
    letter = Letter(unit="示例单位", problem="示例", place="示例", count=3, cases=(case,) * 3, due_day=_DAY)
    return ReportData(
        kind=kind,
        region=0,
        region_name="示例市",
        span=span,
        subject="",
        heading=Heading(
            issuer="示例单位", number="〔2020〕6号", title="示例标题", recipients="各单位", contact="示例联系方式"
        ),
        metrics=metrics,
        whole=compared,
        breakdowns=tuple(
            Breakdown(dimension=one, lines=tuple(_line(f"示例{number}") for number in range(7))) for one in BREAKDOWNS
        ),
        lines=(compared, compared),
        problems=(Problem(name="示例", place="示例", unit="示例单位", count=3, letter="交办函"),),
        ranking=Ranking(run_id="示例", scheme="示例方案", scheme_version=1, scores=(_score(),)),
        tree=_tree(),
        letter=letter if kind in LETTERS else None,
        disagreements=("示例说明",),
    )


def _line(name: str) -> Line:
    figures = []
    for metric in METRICS:
        rate = rate_of(metric, _COUNTS)
        figures.append(
            ReportFigure(
                metric_id=metric.metric_id,
                version=metric.version,
                numerator=rate.numerator,
                denominator=rate.denominator,
                display=rate.display,
                cutoff_time=1_592_186_400_000_000,
                revision=1,
            )
        )
    return Line(key=name, name=name, counts=_COUNTS, figures=tuple(figures))


def _tree() -> Tree:
    group = Indicator(name="示例", depth=0, weight="10", value="", points="9.00")
    below = Indicator(name="示例", depth=1, weight="10", value="0.9", points="9.00")
    return Tree(
        run_id="示例", scheme="示例方案", scheme_version=1, indicators=(group, below), score="9.00", grade="示例",
        missing=("示例",),
    )  # fmt: skip


def _score() -> Score:
    parts = (("示例", "50", "1", "50.00"),)
    return Score(
        unit="示例单位", group="A", parts=parts, list_points="0", score="50.00", is_vetoed=False, standing="", rank=1
    )
