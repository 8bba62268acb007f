"""``sanji figures compare``: two figures side by side, or why they cannot be, and both on a common definition."""

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange_db.counting_sql import STOCKS
from exchange_db.records import COUNTERS
from exchange_db.regions import format_region
from exchange_db.session import Ledger
from hub.cli import terminal
from hub.cli.configuration import load
from hub.cli.figure_periods import PeriodText
from hub.cli.figures import Config, Json, Region, commands
from hub.cli.ledger import ask
from hub.cli.terminal import fail
from hub.clock import system_clock
from hub.statistics.as_of import PastReader
from hub.statistics.calendar import HubCalendar
from hub.statistics.comparison import Comparison, Side, compare
from hub.statistics.definitions import MetricDefinition, Quotient
from hub.statistics.periods import Period
from hub.statistics.registry import NATIONAL, MetricRegistry, MetricUnknown, shipped_registry
from hub.statistics.rounding import USUAL

_CHANGE = Annotated[str, typer.Option("--with", help="与此周期比：周期、previous（环比）或 last-year（同比） / period")]


@commands.command(name="compare")
def compare_figures(
    indicator: Annotated[str, typer.Argument(help="指标，如 F1、closing_rate / metric or indicator")],
    period: PeriodText,
    with_period: _CHANGE = "",
    region: Region = "",
    with_region: Annotated[str, typer.Option(help="与此区域比，缺省为同一区域 / the other region")] = "",
    profile: Annotated[str, typer.Option(help="口径 / profile")] = NATIONAL,
    with_profile: Annotated[str, typer.Option(help="另一方口径，缺省相同 / profile of the other side")] = "",
    config: Config = Path("sanji.toml"),
    as_json: Json = False,
) -> None:
    """比较两个数；口径不同时说明原因，并按共同口径重算。 / Compare two figures of one definition."""
    settings = load(config)
    calendar, registry = HubCalendar(settings), shipped_registry()
    metrics = [_metric(registry, name, indicator) for name in (profile, with_profile or profile)]
    own = format_region(calendar.region)
    regions = (region or own, with_region or region or own)

    async def act(ledger: Ledger) -> Comparison:
        asked = calendar.parse(period)
        other = _other(calendar, asked, with_period)
        sides = [
            await _side(ledger, calendar, one, where, when)
            for one, where, when in zip(metrics, regions, (asked, other), strict=True)
        ]
        # A change is told against what it is compared with.
        return compare(sides[1], sides[0], registry)

    found = ask(settings, act)
    if as_json:
        print(terminal.as_json(_as_json(found)))
    else:
        _print(found)
    if not found.is_offered:
        raise typer.Exit(1)


async def _side(
    ledger: Ledger, calendar: HubCalendar, metric: MetricDefinition, region_code: str, period: Period
) -> Side:
    said = await PastReader(ledger, calendar, system_clock).as_of(
        calendar.regions, region_code, period, datetime.fromtimestamp(system_clock() / 1_000_000, UTC)
    )
    counts = {name: said.counts[""].of(name) for name in (*COUNTERS, *STOCKS)}
    return Side(f"{region_code} {period.name}", metric, "、".join(said.definition_refs), counts)


def _other(calendar: HubCalendar, period: Period, text: str) -> Period:
    if text == "previous":
        return period.previous
    if text == "last-year":
        last_year = period.last_year
        if last_year is None:
            fail(f"{period.name} 在上年没有对应周期。 / The year before has no such period.", 1)
        return last_year
    return calendar.parse(text) if text else period


def _metric(registry: MetricRegistry, profile: str, name: str) -> MetricDefinition:
    try:
        return registry.of_concept(profile, name)
    except MetricUnknown as unknown:
        if profile in registry.profiles and name in registry.metrics:
            return registry.metrics[name]
        fail(str(unknown))


def _print(found: Comparison) -> None:
    for name, one in (("现数 / this", found.right), ("对比数 / other", found.left)):
        if one is not None:
            typer.echo(f"{name}：{one.metric.metric_id} {one.metric.name_zh} {_shown(one)}")
    if found.is_offered:
        typer.echo(f"变化 / change：{_percent(found.change)}")
        return
    typer.echo("口径不同，不可直接比较： / Not of one definition:")
    for chinese, english in found.whys:
        typer.echo(f"  {terminal.visible(chinese)} / {terminal.visible(english)}")
    for common in found.common:
        typer.echo(
            f"按 {common.metric.metric_id} {common.metric.name_zh} 重算 / on this definition："
            f"{_shown(common.right)} | {_shown(common.left)}，变化 / change {_percent(common.change)}"
        )
    if not found.common:
        typer.echo("没有双方计数都齐备的共同口径。 / There is no definition both have the counts for.")


def _shown(one: Quotient) -> str:
    return f"{one.display or '—'}（{one.numerator}/{one.denominator}）"


def _percent(change: Fraction | None) -> str:
    return "—" if change is None else f"{USUAL.text(change * 100)} %"


def _as_json(found: Comparison) -> dict[str, Any]:
    def quotient(one: Quotient | None) -> dict[str, Any] | None:
        return one and {
            "metric_id": one.metric.metric_id, "version": one.metric.version, "display": one.display,
            "numerator": str(one.numerator), "denominator": str(one.denominator),
        }  # fmt: skip

    return {
        "is_offered": found.is_offered,
        "this": quotient(found.right),
        "other": quotient(found.left),
        "change": None if found.change is None else str(found.change),
        "whys": [{"zh": chinese, "en": english} for chinese, english in found.whys],
        "common": [
            {
                "this": quotient(one.right),
                "other": quotient(one.left),
                "change": None if one.change is None else str(one.change),
            }
            for one in found.common
        ],
    }
