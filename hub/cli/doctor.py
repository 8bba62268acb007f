"""``sanji doctor``: one look at everything a hub stands on; each finding says what to do."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import psycopg
import sqlalchemy.exc
import typer

from exchange_db import migrate
from exchange_db.errors import ExchangeDbError
from hub.cli import examination
from hub.cli.app import app
from hub.cli.check import Language, print_findings
from hub.cli.configuration import load
from hub.cli.inspection import DOUBTFUL, WRONG, Finding, inspect
from hub.database import open_database
from hub.settings import Settings


@app.command()
def doctor(
    config: Annotated[Path, typer.Option(help="设置文件 / settings file")] = Path("sanji.toml"),
    lang: Annotated[Language, typer.Option(help="语言 / language")] = Language.CHINESE,
) -> None:
    """全面体检：数据库、磁盘、时钟、证书、租约、积压、作业、备份。退出码 0 正常，1 错误，3 提醒。 / Examine all."""
    settings = load(config)
    findings = asyncio.run(_examined(settings))
    print_findings(findings, lang)
    marks = {finding.mark for finding in findings}
    wrong, doubtful = (sum(finding.mark == mark for finding in findings) for mark in (WRONG, DOUBTFUL))
    typer.echo(f"共 {len(findings)} 项：错误 {wrong}，提醒 {doubtful}。 / wrong {wrong}, doubtful {doubtful}.")
    if marks & {WRONG, DOUBTFUL}:
        raise typer.Exit(1 if WRONG in marks else 3)


async def _examined(settings: Settings) -> list[Finding]:
    findings = await inspect(settings)
    findings += examination.host_findings(settings)
    is_made = settings.database.url is not None or (settings.database.folder / "PG_VERSION").exists()
    if not is_made:
        return findings
    async with AsyncExitStack() as stack:
        try:
            url = await asyncio.to_thread(open_database, settings, stack)
            if await asyncio.to_thread(migrate.current, url) == migrate.head():
                findings += await examination.ledger_findings(url, settings)
        except (ExchangeDbError, psycopg.Error, sqlalchemy.exc.SQLAlchemyError, OSError):
            # What is wrong with the database was said above.
            pass
    return findings
