"""``sanji check``: the effective settings, secrets masked, and whether what a hub stands on is in order."""

import asyncio
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import sqlalchemy.exc
import typer
from pydantic import BaseModel, SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import make_url

from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.inspection import DOUBTFUL, GOOD, WRONG, Finding, inspect

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
    console = Console(highlight=False, soft_wrap=True)
    table = Table("设置 / setting" if lang is not Language.ENGLISH else "setting", "值 / value", title=str(config))
    for name, value in shown(settings):
        table.add_row(name, Text(value))
    Console(highlight=False).print(table)
    findings = [Finding(GOOD, f"设置文件 {config} 有效", f"settings file {config} is valid")]
    findings += asyncio.run(inspect(settings))
    for finding in findings:
        console.print(f"[{_COLOURS[finding.mark]}]{finding.mark}[/] ", Text(_told(finding, lang)), sep="")
    if any(finding.mark == WRONG for finding in findings):
        raise typer.Exit(1)


def _told(finding: Finding, lang: Language) -> str:
    if lang is Language.ENGLISH:
        return finding.english
    return finding.chinese if lang is Language.CHINESE else f"{finding.chinese}\n  {finding.english}"


def shown(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields every setting as (dotted name, text); of a secret only what is none."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from shown(value, f"{prefix}{name}.")
        elif isinstance(value, SecretStr):
            yield f"{prefix}{name}", _masked(value)
        else:
            yield f"{prefix}{name}", "—" if value in (None, "") else str(value)


def _masked(secret: SecretStr) -> str:
    try:
        url = make_url(secret.get_secret_value())
    except sqlalchemy.exc.ArgumentError:
        return "***"
    if any("pass" in name or "key" in name for name in url.query):
        return "***"
    return url.render_as_string(hide_password=True)
