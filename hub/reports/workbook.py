"""A report as a workbook whose formulas are kept: rates from counts, sums from lines, changes from both. Pure.

Whoever checks a figure sees in its cell how it came about, and a spreadsheet program computes the same again. Figures
carry id, version, revision and cut-off on the last sheet.
"""

from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from exchange_db.records import Counts
from hub.reports.calling import called, year_ago
from hub.reports.content import Breakdown, Compared, Line, Metric, ReportData, Tree
from hub.reports.grid import PERCENT, POINTS, Cell, Formula, Grid, Page
from hub.reports.plots import Places
from hub.reports.wording import COMPARED, MOST_COUNTED, NONE, counts_plot, day_zh, difference, formula_of, rates_plot
from hub.statistics.definitions import change_of
from hub.statistics.disagreements import COUNTER_NAMES

#: Name of a sheet, heading of its first column.
_SHEETS = {
    "region": ("分区域", "区域"),
    "unit": ("分责任单位", "责任单位"),
    "class": ("分类别", "类别"),
    "source": ("分来源", "来源"),
    "month": ("分月", "月份"),
    "line": ("分业务线", "业务线"),
}
_COUNTED = ("total", "done", "on_time", "suspended", "reworked", "void", "reported")
_OVERVIEW = "总体情况"


def workbook_of(data: ReportData, issued: date, zone: ZoneInfo) -> bytes:
    """Returns the workbook of a bulletin, booklet, result sheet or letter."""
    grid = Grid(data.heading.title, data.heading.issuer)
    if data.whole is not None:
        _compared(grid.page(_OVERVIEW), data, data.whole, issued)
    for number, one in enumerate(data.lines, 1):
        _compared(grid.page(f"{number} {_tab(one.now.name)}"), data, one, issued)
    for found in data.breakdowns:
        if found.lines:
            _broken_down(grid.page(_SHEETS[found.dimension][0]), data, found)
    if data.problems:
        _problems(grid.page("高频问题"), data)
    if data.letter is not None:
        _letter(grid.page("涉及案件"), data)
    if data.ranking is not None:
        _ranking(grid.page("考评结果"), data)
    if data.tree is not None:
        _tree(grid.page("指标得分"), data, data.tree)
    if data.metrics:
        _definitions(grid.page("统计口径"), data, zone)
    return grid.content()


def _compared(page: Page, data: ReportData, compared: Compared, issued: date) -> None:
    page.title(data.heading.title, 6)
    page.note(f"{data.heading.issuer}　{data.heading.number}　{day_zh(issued)}　{compared.now.name}")
    ago = year_ago(data.span)
    spans = (called(data.span), called(data.span.previous), called(ago) if ago else NONE)
    page.write(["项目", spans[0], spans[1], "环比", spans[2], "同比"], is_heading=True)
    page.freeze()
    rows = {}
    for name in dict.fromkeys((*COMPARED, *_counters_of(data.metrics))):
        row = page.row + 1
        values = [None if line is None else int(getattr(line.counts, name)) for line in _three(compared)]
        shown: list[Cell] = [NONE if value is None else value for value in values]
        change = [
            Formula(_change(row, column), _shown(change_of(values[0], value)), PERCENT)
            for column, value in (("C", values[1]), ("E", values[2]))
        ]
        rows[name] = page.write([f"{COUNTER_NAMES[name]}（件）", shown[0], shown[1], change[0], shown[2], change[1]])
    for number, metric in enumerate(data.metrics):
        row = page.row + 1
        rates = [_rate(line, number) for line in _three(compared)]
        cells = [
            NONE
            if line is None
            else Formula(
                _rate_text(metric, {name: f"{column}{at}" for name, at in rows.items()}), _shown(rate), PERCENT
            )
            for line, rate, column in zip(_three(compared), rates, "BCE", strict=True)
        ]
        change = [
            Formula(
                f'IF(OR(B{row}="{NONE}",{column}{row}="{NONE}"),"{NONE}",(B{row}-{column}{row})*100)',
                _points(difference(rates[0], rate)),
                POINTS,
            )
            for column, rate in (("C", rates[1]), ("E", rates[2]))
        ]
        page.write([f"{metric.name}（环比、同比：百分点）", cells[0], cells[1], change[0], cells[2], change[1]])
    page.widths(34, 22, 22, 14, 22, 14)
    page.lay_out(3)


def _broken_down(page: Page, data: ReportData, found: Breakdown) -> None:
    names = tuple(dict.fromkeys((*_COUNTED, *_counters_of(data.metrics))))
    columns = {name: chr(ord("B") + number) for number, name in enumerate(names)}
    width = 3 + len(names) + len(data.metrics)
    page.title(data.heading.title, width)
    heading = ["超时", "未完成", *(f"{metric.name}" for metric in data.metrics)]
    page.write([_SHEETS[found.dimension][1], *(COUNTER_NAMES[name] for name in names), *heading], is_heading=True)
    page.freeze()
    first = page.row + 1
    for line in found.lines:
        counts: list[Cell] = [int(getattr(line.counts, name)) for name in names]
        page.write([line.name, *counts, *_computed(data.metrics, columns, page.row + 1, line)])
    last = page.row
    whole = Counts(**{name: sum(int(getattr(one.counts, name)) for one in found.lines) for name in names})
    sums: list[Cell] = [Formula(f"SUM({columns[n]}{first}:{columns[n]}{last})", getattr(whole, n)) for n in names]
    total = data.whole.now if data.whole else found.lines[0]
    page.write(["合计", *sums, *_computed(data.metrics, columns, page.row + 1, total)], is_sum=True)
    _draw(page, data, found, first, {**columns, "rates": chr(ord("B") + len(names) + 2)})
    page.widths(28, *([12] * (width - 1)))
    page.lay_out(2)


def _draw(page: Page, data: ReportData, found: Breakdown, first: int, columns: dict[str, str]) -> None:
    """Draws rates by region or month, or the cases of the largest lines, from the cells above."""
    if found.dimension in ("region", "month"):
        title = f"{_SHEETS[found.dimension][0]}处置情况"
        plot = rates_plot(title, found, data.metrics, is_line=found.dimension == "month")
        letters = tuple(chr(ord(columns["rates"]) + number) for number in range(len(data.metrics)))
    else:
        plot = counts_plot("案件数（件）", found)
        # What is beyond the longest is one group of a document; here it has no cells.
        plot = plot and plot.first(min(len(found.lines), MOST_COUNTED))
        letters = tuple(columns[name] for name in ("total", "done", "on_time"))
    if plot is not None:
        rows = Places(page.name, first, first + len(plot.groups) - 1, "A", letters, first - 1)
        page.chart(plot, rows, f"A{page.row + 3}")


def _computed(metrics: tuple[Metric, ...], columns: dict[str, str], row: int, line: Line) -> list[Cell]:
    """Returns what is computed in a line: late, not done, and the rates."""
    counts, done = line.counts, f"{columns['done']}{row}"
    places = {name: f"{column}{row}" for name, column in columns.items()}
    return [
        Formula(f"{done}-{columns['on_time']}{row}", counts.done - counts.on_time),
        Formula(f"{columns['total']}{row}-{done}", counts.total - counts.done),
        *(
            Formula(_rate_text(metric, places), _shown(_rate(line, number)), PERCENT)
            for number, metric in enumerate(metrics)
        ),
    ]


def _problems(page: Page, data: ReportData) -> None:
    page.title(f"{data.region_name}{called(data.span)}高频问题", 5)
    page.write(["问题类别", "位置", "责任单位", "次数", "措施"], is_heading=True)
    for one in data.problems:
        page.write([one.name, one.place, one.unit, one.count, one.letter or NONE])
    page.widths(34, 24, 28, 10, 16)
    page.lay_out(2)


def _letter(page: Page, data: ReportData) -> None:
    assert data.letter is not None  # noqa: S101 — asked before
    page.title(data.heading.title, 5)
    page.write(["案件编号", "问题类别", "位置", "上报时间", "截止时间"], is_heading=True)
    for one in data.letter.cases:
        page.write([one.case_no, one.name, one.address, one.reported, one.deadline])
    page.widths(24, 34, 40, 20, 20)
    page.lay_out(2)


def _tree(page: Page, data: ReportData, tree: Tree) -> None:
    page.title(data.heading.title, 4)
    page.write(["指标", "分值", "实际值", "得分"], is_heading=True)
    page.freeze()
    for one in tree.indicators:
        numbers: list[Cell] = [float(text) if text else NONE for text in (one.weight, one.value, one.points)]
        page.write(["　" * one.depth + one.name, *numbers])
    page.write(["合计", "", tree.grade, float(tree.score) if tree.score else NONE])
    if tree.missing:
        page.note(f"尚缺数据的指标：{'、'.join(tree.missing)}。缺少的数据不按零分计算。")
    page.note(f"评分方案：{tree.scheme}（第{tree.scheme_version}版）；批次 {tree.run_id}")
    page.widths(60, 12, 14, 12)
    page.lay_out(2)


def _ranking(page: Page, data: ReportData) -> None:
    assert data.ranking is not None  # noqa: S101 — asked before
    parts = tuple(dict.fromkeys(name for one in data.ranking.scores for name, *_ in one.parts))
    weights = {name: weight for one in data.ranking.scores for name, _, weight, _ in one.parts}
    page.title(data.heading.title, 6 + len(parts))
    page.write(["单位", "分组", *parts, "清单加减分", "综合得分", "名次", "备注"], is_heading=True)
    page.freeze()
    weighted: list[Cell] = [float(weights[name]) for name in parts]
    head = page.write(["权重", "", *weighted, "", "", "", ""])
    for one in data.ranking.scores:
        values = {name: float(value) for name, value, _, _ in one.parts}
        cells: list[Cell] = [values.get(name, NONE) for name in parts]
        row, end = page.row + 1, chr(ord("C") + len(parts) - 1)
        bonus = chr(ord(end) + 1)
        text = f"SUMPRODUCT(C{row}:{end}{row},C${head}:{end}${head})+{bonus}{row}"
        score: Cell = float(one.score)
        if not one.is_vetoed and len(values) == len(parts):
            reached = sum(values[name] * float(weights[name]) for name in parts) + float(one.list_points)
            score = Formula(text, reached, POINTS)
        note = "一票否决" if one.is_vetoed else one.standing
        page.write([one.unit, one.group, *cells, float(one.list_points), score, one.rank or NONE, note])
    page.note(f"评分方案：{data.ranking.scheme}（第{data.ranking.scheme_version}版）；批次 {data.ranking.run_id}")
    page.widths(30, 10, *([14] * len(parts)), 12, 12, 8, 14)
    page.lay_out(2)


def _definitions(page: Page, data: ReportData, zone: ZoneInfo) -> None:
    page.title("统计口径", 9)
    page.write(
        ["指标", "编号", "版本", "分子", "分母", "显示值（%）", "修订号", "数据截止", "计算公式"], is_heading=True
    )
    figures = data.whole.now.figures if data.whole else ()
    for metric, figure in zip(data.metrics, figures, strict=False):
        moment = datetime.fromtimestamp(figure.cutoff_time / 1_000_000, UTC).astimezone(zone)
        page.write(
            [
                metric.name, metric.metric_id, metric.version, figure.numerator, figure.denominator,
                figure.display or NONE, figure.revision, f"{moment:%Y-%m-%d %H:%M:%S}", formula_of(metric),
            ]
        )  # fmt: skip
    page.note(f"计数口径 {data.definition_ref}；数据来源：{'下级报表' if data.is_from_sheets else '本级台账'}")
    for text in data.disagreements:
        page.note(text)
    page.widths(26, 12, 8, 14, 14, 14, 10, 22, 46)
    page.lay_out(2)


def _three(compared: Compared) -> tuple[Line | None, Line | None, Line | None]:
    return compared.now, compared.before, compared.year_ago


def _counters_of(metrics: tuple[Metric, ...]) -> tuple[str, ...]:
    return tuple(name for metric in metrics for name, _ in (*metric.numerator, *metric.denominator))


def _rate(line: Line | None, number: int) -> Fraction | None:
    if line is None or not line.figures[number].denominator:
        return None
    return Fraction(line.figures[number].numerator, line.figures[number].denominator)


def _rate_text(metric: Metric, places: dict[str, str]) -> str:
    """Returns a rate as a formula over cells, in the same weights as the definition."""
    above, below = (_sum(terms, places) for terms in (metric.numerator, metric.denominator))
    return f'IF(({below})=0,"{NONE}",({above})/({below}))'


def _sum(terms: tuple[tuple[str, int], ...], places: dict[str, str]) -> str:
    parts = [places[name] if weight == 1 else f"{weight}*{places[name]}" for name, weight in terms]
    return "+".join(parts).replace("+-", "-")


def _change(row: int, column: str) -> str:
    """Returns 环比 or 同比 as a formula: none without a base, nor on one of 0."""
    base = f"{column}{row}"
    return f'IF(OR(NOT(ISNUMBER({base})),N({base})=0),"{NONE}",(B{row}-{base})/{base})'


def _shown(value: Fraction | None) -> float | str:
    return NONE if value is None else float(value)


def _points(value: Fraction | None) -> float | str:
    return NONE if value is None else float(value * 100)


def _tab(name: str) -> str:
    """Returns a name as a sheet may be called."""
    return "".join(sign for sign in name if sign not in "[]:*?/\\'")[:25]
