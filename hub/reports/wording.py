"""A report in the words a template names: plain texts, numbers and lists, nothing that could act. Pure.

The names are the contract with the templates of cities, so they only ever grow; ``docs/reports.md`` explains them.
"""

import re
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from exchange_db.records import COUNTERS, Counts
from hub.reports.calling import called, year_ago
from hub.reports.content import KIND_NAMES, Breakdown, Compared, Line, Metric, Ranking, ReportData, Tree
from hub.reports.plots import MOST_GROUPS, Plot
from hub.statistics.definitions import change_of
from hub.statistics.disagreements import COUNTER_NAMES
from hub.statistics.rounding import USUAL

NONE = "—"
#: Counters a report compares, in order.
COMPARED = ("total", "done", "on_time", "suspended", "reworked", "void", "reported")
#: Most lines of a chart of cases.
MOST_COUNTED = 10
#: Name of a breakdown in templates.
BREAKDOWNS = {
    "region": "regions",
    "unit": "units",
    "class": "classes",
    "source": "sources",
    "month": "months",
    "line": "business",
}
_NUMERALS = "〇一二三四五六七八九"


def values_of(data: ReportData, issued: date, zone: ZoneInfo, most_lines: int) -> dict[str, Any]:
    """Returns what a template may name.

    Args:
        data: the report.
        issued: the day it is dated.
        zone: zone of the times.
        most_lines: lines of a breakdown; what is beyond them is added up into one.
    """
    values: dict[str, Any] = {
        "report": _report(data, issued, zone),
        "metrics": [_metric(one) for one in data.metrics],
        "problems": [
            {"name": one.name, "place": one.place, "unit": one.unit, "count": one.count, "letter": one.letter or NONE}
            for one in data.problems
        ],
        "ranking": _ranking(data.ranking),
        "tree": _tree(data.tree),
        "letter": _letter(data),
        "notes": list(data.disagreements),
        "numeral": _numerals(),
        "lines": [{"name": one.now.name, "comparison": comparison(one, data.metrics)} for one in data.lines],
    }
    nothing = Line(key="", name="", counts=Counts(), figures=())
    whole = data.whole or Compared(now=nothing, before=None, year_ago=None)
    values["now"] = counted(whole.now)
    values["comparison"] = comparison(whole, data.metrics)
    values["rates"] = [
        {"id": one.metric_id, "name": metric.name, "now": one.display or NONE}
        for one, metric in zip(whole.now.figures, data.metrics, strict=False)
    ]
    by_dimension = {one.dimension: one for one in data.breakdowns}
    for dimension, name in BREAKDOWNS.items():
        found = by_dimension.get(dimension)
        shown = shortened(found, most_lines).lines if found else ()
        values[name] = {"lines": [counted(line) for line in shown], "total": {**counted(whole.now), "name": "合计"}}
    return values


def plots_of(data: ReportData) -> dict[str, Plot | None]:
    """Returns the charts a template may show, by name; ``None`` where there is nothing to draw."""
    by_dimension = {one.dimension: one for one in data.breakdowns}
    classes = by_dimension.get("class")
    lines = Breakdown(dimension="line", lines=tuple(one.now for one in data.lines))
    return {
        "regions": rates_plot("各区域问题处置情况", by_dimension.get("region"), data.metrics),
        "months": rates_plot("各月问题处置情况", by_dimension.get("month"), data.metrics, is_line=True),
        "classes": counts_plot("主要问题类别（件）", classes),
        "lines": counts_plot("各业务线案件数（件）", lines),
    }


def rates_plot(
    title: str, found: Breakdown | None, metrics: tuple[Metric, ...], *, is_line: bool = False
) -> Plot | None:
    """Returns a chart of rates."""
    if found is None or not any(figure.denominator for line in found.lines for figure in line.figures):
        return None
    lines = found.lines[:MOST_GROUPS]
    series = tuple((metric.name, tuple(_part(line, number) for line in lines)) for number, metric in enumerate(metrics))
    return Plot(title, tuple(line.name for line in lines), series, is_rate=True, is_line=is_line)


def counts_plot(title: str, found: Breakdown | None) -> Plot | None:
    """Returns a chart of cases: all, done, in time; of the largest lines, and the rest as one."""
    if found is None or not any(line.counts.total for line in found.lines):
        return None
    lines = shortened(found, MOST_COUNTED).lines
    series = tuple(
        (COUNTER_NAMES[name], tuple(float(getattr(line.counts, name)) for line in lines))
        for name in ("total", "done", "on_time")
    )
    return Plot(title, tuple(line.name for line in lines), series)


def counted(line: Line) -> dict[str, Any]:
    """Returns the counts and rates of a line."""
    counts = line.counts
    return {
        "name": line.name,
        **{name: getattr(counts, name) for name in COUNTERS},
        "late": counts.done - counts.on_time,
        "open": counts.total - counts.done,
        "rates": [figure.display or NONE for figure in line.figures],
    }


def comparison(compared: Compared, metrics: tuple[Metric, ...]) -> list[dict[str, str]]:
    """Returns the counts, then the rates, with 环比 and 同比; a base of 0, or none, gives no percentage."""
    rows = []
    for name in COMPARED:
        now, before, year_ago = (
            None if line is None else int(getattr(line.counts, name))
            for line in (compared.now, compared.before, compared.year_ago)
        )
        rows.append(
            {
                "name": f"{COUNTER_NAMES[name]}（件）",
                "now": _count(now),
                "before": _count(before),
                "change": _signed(change_of(now, before), "%"),
                "year_ago": _count(year_ago),
                "year_change": _signed(change_of(now, year_ago), "%"),
            }
        )
    for number, metric in enumerate(metrics):
        values = [
            None if line is None or number >= len(line.figures) else line.figures[number]
            for line in (compared.now, compared.before, compared.year_ago)
        ]
        rates = [Fraction(one.numerator, one.denominator) if one and one.denominator else None for one in values]
        shown = [(one.display or NONE) if one else NONE for one in values]
        rows.append(
            {
                "name": f"{metric.name}（%）",
                "now": shown[0],
                "before": shown[1],
                "change": _signed(difference(rates[0], rates[1]), "个百分点"),
                "year_ago": shown[2],
                "year_change": _signed(difference(rates[0], rates[2]), "个百分点"),
            }
        )
    return rows


def difference(now: Fraction | None, before: Fraction | None) -> Fraction | None:
    """Returns how many parts of 1 a rate has risen; ``None`` without both."""
    return None if now is None or before is None else now - before


def shortened(found: Breakdown, most: int) -> Breakdown:
    """Returns the largest lines, the rest added up into one, so that the sum stays that of the whole."""
    if len(found.lines) <= most:
        return found
    kept, rest = found.lines[:most], found.lines[most:]
    return Breakdown(dimension=found.dimension, lines=(*kept, added_up(f"其余{len(rest)}项", rest)))


def added_up(name: str, lines: tuple[Line, ...], key: str = "") -> Line:
    """Returns several lines as one: counts and both parts of rates are added, the rate is computed of the sums."""
    sums = Counts(*(sum(getattr(line.counts, counter) for line in lines) for counter in COUNTERS))
    figures = []
    for parts in zip(*(line.figures for line in lines), strict=True):
        numerator, denominator = (sum(getattr(one, part) for one in parts) for part in ("numerator", "denominator"))
        display = USUAL.text(Fraction(numerator, denominator) * 100) if denominator else ""
        figures.append(
            type(parts[0])(
                metric_id=parts[0].metric_id,
                version=parts[0].version,
                numerator=numerator,
                denominator=denominator,
                display=display,
                cutoff_time=max(one.cutoff_time for one in parts),
                revision=max(one.revision for one in parts),
            )
        )
    return Line(key=key, name=name, counts=sums, figures=tuple(figures))


def formula_of(metric: Metric) -> str:
    """Returns how a rate is computed, in words."""
    parts = (_terms(metric.numerator), _terms(metric.denominator))
    return "÷".join(f"（{part}）" if re.search("[＋－×]", part) else part for part in parts)


def day_zh(day: date) -> str:
    """Returns a day as letters have it."""
    return f"{day.year}年{day.month}月{day.day}日"


def _report(data: ReportData, issued: date, zone: ZoneInfo) -> dict[str, Any]:
    cutoff = data.cutoff_time
    moment = datetime.fromtimestamp(cutoff / 1_000_000, UTC).astimezone(zone)
    ago = year_ago(data.span)
    return {
        "title": data.heading.title,
        "number": data.heading.number,
        "issuer": data.heading.issuer,
        "recipients": data.heading.recipients,
        "contact": data.heading.contact,
        "kind": KIND_NAMES[data.kind],
        "region": data.region_name,
        "span": called(data.span),
        "before": called(data.span.previous),
        "year_ago": called(ago) if ago else NONE,
        "date": day_zh(issued),
        "cutoff": f"{moment:%Y-%m-%d %H:%M:%S}" if cutoff else NONE,
        "revision": data.revision,
        "definition": data.definition_ref or NONE,
        "basis": "下级报表" if data.is_from_sheets else "本级台账",
    }


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "id": metric.metric_id,
        "version": metric.version,
        "name": metric.name,
        "formula": formula_of(metric),
        "source": metric.source,
    }


def _ranking(ranking: Ranking | None) -> dict[str, Any] | None:
    if ranking is None:
        return None
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in ranking.scores:
        groups.setdefault(one.group, []).append(
            {
                "rank": one.rank or NONE,
                "unit": one.unit,
                "parts": "；".join(f"{name}{value}×{weight}" for name, value, weight, _ in one.parts),
                "list_points": one.list_points,
                "score": one.score,
                "note": "一票否决" if one.is_vetoed else one.standing,
            }
        )
    return {
        "run_id": ranking.run_id,
        "scheme": f"{ranking.scheme}（第{ranking.scheme_version}版）",
        "groups": [{"name": f"{name}类单位" if name else "全部单位", "scores": rows} for name, rows in groups.items()],
    }


def _tree(tree: Tree | None) -> dict[str, Any] | None:
    if tree is None:
        return None
    return {
        "run_id": tree.run_id,
        "scheme": f"{tree.scheme}（第{tree.scheme_version}版）",
        "score": tree.score or NONE,
        "grade": tree.grade,
        "missing": "、".join(tree.missing),
        "indicators": [
            {
                "name": "　" * one.depth + one.name,
                "weight": one.weight or NONE,
                "value": one.value or NONE,
                "points": one.points or NONE,
            }
            for one in tree.indicators
        ],
    }


def _letter(data: ReportData) -> dict[str, Any] | None:
    letter = data.letter
    if letter is None:
        return None
    return {
        "unit": letter.unit,
        "problem": letter.problem,
        "place": letter.place,
        "count": letter.count,
        "due": day_zh(letter.due_day),
        "earlier": "、".join(letter.earlier),
        "request": letter.request,
        "cases": [
            {
                "case_no": one.case_no,
                "name": one.name,
                "address": one.address or NONE,
                "reported": one.reported,
                "deadline": one.deadline or NONE,
            }
            for one in letter.cases
        ],
    }


def _numerals() -> Any:
    """Returns what counts the sections of a document, in Chinese numerals."""
    numbers = count(1)

    def numeral() -> str:
        tens, ones = divmod(next(numbers), 10)
        if not tens:
            return _NUMERALS[ones]
        return f"{'' if tens == 1 else _NUMERALS[tens]}十{_NUMERALS[ones] if ones else ''}"

    return numeral


def _part(line: Line, number: int) -> float | None:
    figure = line.figures[number]
    return figure.numerator / figure.denominator if figure.denominator else None


def _count(value: int | None) -> str:
    return NONE if value is None else str(value)


def _signed(change: Fraction | None, unit: str) -> str:
    if change is None:
        return NONE
    text = USUAL.text(change * 100)
    if not text.strip("-0."):
        return "持平"
    return f"{'' if change < 0 else '+'}{text}{unit}"


def _terms(terms: tuple[tuple[str, int], ...]) -> str:
    text = ""
    for name, weight in terms:
        sign = "－" if weight < 0 else "＋"
        factor = "" if abs(weight) == 1 else f"{abs(weight)}×"
        text += f"{sign}{factor}{COUNTER_NAMES[name]}"
    return text.removeprefix("＋")
