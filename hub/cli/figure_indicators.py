"""``sanji figures indicators``: every metric of a profile the ledger can tell, with its parts and its changes."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.counting import last_day_of
from exchange_db.regions import format_region, subtree
from exchange_db.session import Ledger
from hub.cli import terminal
from hub.cli.configuration import load
from hub.cli.figures import Config, From, Json, Region, To, span_of
from hub.cli.figures import commands as figures
from hub.cli.ledger import ask
from hub.statistics.definitions import Unit
from hub.statistics.indicators import Indicator, IndicatorAnswer, IndicatorQuery, IndicatorReader
from hub.statistics.reading import FigureReader
from hub.statistics.rounding import USUAL

_TITLES = ("指标", "名称", "分子", "分母", "数值", "环比", "同比")


@figures.command()
def indicators(
    config: Config = Path("sanji.toml"),
    region: Region = "",
    first: From = 0,
    last: To = 0,
    profile: Annotated[str, typer.Option(help="口径，缺省为本枢纽的 / profile, default this hub's")] = "",
    as_json: Json = False,
) -> None:
    """列出一套口径的全部指标，附环比、同比。 / List all indicators of a profile with their changes."""
    settings = load(config)
    asked_region = region or format_region(settings.hub.region)

    async def act(ledger: Ledger) -> tuple[IndicatorQuery, IndicatorAnswer]:
        begin, end = await span_of(FigureReader(ledger, settings), first, last)
        query = IndicatorQuery(asked_region, begin * 100 + 1, last_day_of(end), profile, has_changes=True)
        return query, await IndicatorReader(ledger, settings).indicators(subtree(settings.hub.region), query)

    query, answer = ask(settings, act)
    found = answer.lines[0].indicators
    if as_json:
        span = {"region": query.region_code, "first_day": query.first_day, "last_day": query.last_day}
        print(terminal.as_json({**span, "indicators": [_as_json(one) for one in found]}))
        return
    table = Table(title=f"{query.region_code} {query.first_day // 100}–{query.last_day // 100}")
    for place, title in enumerate(_TITLES):
        table.add_column(title, justify="left" if place < 2 else "right")
    for one in found:
        table.add_row(*_row(one))
    Console().print(table)


def _row(one: Indicator) -> tuple[str, ...]:
    metric = one.quotient.metric
    if not one.is_told:
        return (metric.metric_id, metric.name_zh, *("—",) * 5)
    unit = " %" if metric.unit is Unit.PERCENT else ""
    display = one.quotient.display
    return (
        metric.metric_id,
        metric.name_zh,
        str(one.quotient.numerator),
        str(one.quotient.denominator),
        f"{display}{unit}" if display else "—",
        _change(one.change_previous),
        _change(one.change_last_year),
    )


def _change(change: Fraction | None) -> str:
    return "—" if change is None else f"{'+' if change > 0 else ''}{USUAL.text(change * 100)} %"


def _as_json(one: Indicator) -> dict[str, Any]:
    metric = one.quotient.metric
    told: dict[str, Any] = {"metric_id": metric.metric_id, "version": metric.version, "is_told": one.is_told}
    if one.is_told:
        told |= {
            "numerator": str(one.quotient.numerator),
            "denominator": str(one.quotient.denominator),
            "display": one.quotient.display,
            "change_previous": None if one.change_previous is None else str(one.change_previous),
            "change_last_year": None if one.change_last_year is None else str(one.change_last_year),
        }
    return told
