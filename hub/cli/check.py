"""``sanji check``: the effective settings, secrets masked, and whether what a hub stands on is in order."""

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.inspection import DOUBTFUL, GOOD, WRONG, Finding, inspect
from hub.shown_settings import shown

_COLOURS = {GOOD: "green", DOUBTFUL: "yellow", WRONG: "red"}


class Language(StrEnum):
    """Which texts are printed."""

    BOTH = "both"
    CHINESE = "zh"
    ENGLISH = "en"


@app.command()
def check(
    config: Annotated[Path, typer.Option(help="设置文件 / settings file")] = Path("sanji.toml"),
    lang: Annotated[Language, typer.Option(help="语言 / language")] = Language.BOTH,
) -> None:
    """检查设置、数据库、证书、端口和邻居。 / Check settings, database, certificates, ports and neighbours."""
    settings = load(config)
    table = Table("设置 / setting" if lang is not Language.ENGLISH else "setting", "值 / value", title=str(config))
    for name, value in shown(settings):
        table.add_row(name, Text(value))
    Console(highlight=False).print(table)
    findings = [Finding(GOOD, f"设置文件 {config} 有效", f"settings file {config} is valid")]
    findings += asyncio.run(inspect(settings))
    print_findings(findings, lang)
    if any(finding.mark == WRONG for finding in findings):
        raise typer.Exit(1)


def print_findings(findings: Iterable[Finding], lang: Language) -> None:
    """Prints findings, one a line."""
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(f"[{_COLOURS[finding.mark]}]{finding.mark}[/] ", Text(_told(finding, lang)), sep="")


def _told(finding: Finding, lang: Language) -> str:
    if lang is Language.ENGLISH:
        return finding.english
    return finding.chinese if lang is Language.CHINESE else f"{finding.chinese}\n  {finding.english}"
