"""``sanji trace``: prints the whole story of one case over the tiers, as the hubs tell it."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.county.profile import ProfileInvalid, read_profile
from connectors.county.pusher import target_of
from connectors.errors import ConnectorError
from connectors.traces import TierStory, fetch_story
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db.cases import CaseState
from exchange_db.records import printable
from hub.cli.app import app
from hub.console.words import TIERS, WORDS
from hub.statistics.value_names import STATES

_ZONE = ZoneInfo("Asia/Shanghai")
_STATES = {state.name.lower(): STATES[state][0] for state in CaseState}
_SECTIONS = {name: WORDS[name][0] for name in ("report", "assignment", "handling", "verdict")} | {"event": "到时"}
_TIERS = {tier.value: names[0] for tier, names in TIERS.items()}
_SECOND = 1_000_000


@app.command()
def trace(
    case_no: Annotated[str, typer.Argument(help="案件编号 / number of the case")],
    to: Annotated[Path, typer.Option(help="连接档案（目录或 profile.toml） / profile of the hub: folder or file")],
    issuer: Annotated[
        str, typer.Option(help="编号平台，缺省为本平台 / who gave the number; default: this platform")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """追踪一个案件：各级经过、时钟、回执。 / The story of one case over the tiers."""
    try:
        profile = read_profile(to)
        tiers = asyncio.run(_fetch(profile, issuer or profile.platform_id, case_no))
    except (ProfileInvalid, ConnectorError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps([_as_json(tier) for tier in tiers], ensure_ascii=False, indent=2))
    else:
        print_story(Console(), case_no, tiers)


async def _fetch(profile: Any, issuer_id: str, case_no: str) -> tuple[TierStory, ...]:
    async with GrpcPeer(target_of(profile)) as hub:
        return await fetch_story(hub, issuer_id, case_no)


def print_story(console: Console, case_no: str, tiers: tuple[TierStory, ...]) -> None:
    """Prints the steps and clocks as the lowest tier tells them, and where each tier stands."""
    lowest = next((tier for tier in tiers if tier.steps), None)
    if lowest is not None:
        console.print(_steps_table(case_no, lowest))
        console.print(_clocks_table(lowest))
    table = Table(title="各级 / tiers")
    for title in ("层级", "枢纽", "状态", "各段版本（落盘 → 生效）", "隔离 / 故障"):
        table.add_column(title, overflow="fold")
    for tier in tiers:
        sections = "\n".join(
            f"{_SECTIONS.get(part.section, part.section)} {part.revision}："
            f"{_time(part.accepted_time)} → {_time(part.applied_time)}"
            for part in tier.sections
        )
        trouble = "\n".join([f"{reason} {text}" for reason, text in tier.quarantined] + [tier.trouble])
        table.add_row(
            _TIERS.get(tier.tier, tier.tier), tier.hub_id, _state(tier.state), sections, escape(printable(trouble))
        )
    console.print(table)


def _steps_table(case_no: str, tier: TierStory) -> Table:
    table = Table(title=f"{escape(printable(case_no))} 经过 / story")
    for title in ("时间", "段", "版本", "填报", "之后状态"):
        table.add_column(title, no_wrap=True)
    table.add_column("意见", overflow="fold")
    for step in tier.steps:
        table.add_row(
            _time(step.moment),
            _SECTIONS.get(step.what, escape(printable(step.what))),
            str(step.revision) if step.revision else "",
            step.origin_id,
            _state(step.state),
            escape(printable(step.text)),
        )
    return table


def _clocks_table(tier: TierStory) -> Table:
    table = Table(title="时钟 / clocks")
    for title in ("状态", "起", "止", "历时", "处置计时"):
        table.add_column(title)
    for part in tier.intervals:
        lasted = f"{(part.to_time - part.from_time) / _SECOND / 3600:.2f} h" if part.to_time else "…"
        table.add_row(
            _state(part.state), _time(part.from_time), _time(part.to_time), lasted, "▶" if part.is_running else "⏸"
        )
    return table


def _state(name: str) -> str:
    return _STATES.get(name, name)


def _time(moment: int) -> str:
    if not moment:
        return "—"
    return datetime.fromtimestamp(moment / _SECOND, UTC).astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _as_json(tier: TierStory) -> dict[str, Any]:
    told = tier._asdict()
    for name in ("sections", "steps", "intervals"):
        told[name] = [part._asdict() for part in told[name]]
    return told
