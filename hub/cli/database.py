"""``sanji database``: the state of the ledger's tables, and bringing them up to date."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, TypeVar

import psycopg
import sqlalchemy.exc
import typer

from exchange_db import migrate, serving_role
from exchange_db.audit_records import AuditEntry, host_actor
from exchange_db.errors import ExchangeDbError, SchemaOutdated
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.host import local_user
from hub.database import open_database

commands = typer.Typer(no_args_is_help=True, help="数据库：查看与升级表结构。 / The ledger's tables.")
app.add_typer(commands, name="database")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
T = TypeVar("T")


@commands.command()
def current(config: Config = Path("sanji.toml")) -> None:
    """显示表结构版本。 / Show which migration the tables have."""
    found = _with_database(config, migrate.current)
    needed = migrate.head()
    if found == needed:
        print(f"{found}（最新 / up to date）")
        return
    print(f"{found or '空 / empty'}，需要 / needed: {needed}。请执行 / run: sanji database upgrade")
    raise typer.Exit(1)


@commands.command()
def upgrade(config: Config = Path("sanji.toml")) -> None:
    """升级表结构；已是最新则不做任何事。 / Bring the tables up to date."""

    def act(url: str) -> tuple[str | None, str | None]:
        before = migrate.current(url)
        migrate.upgrade(url, actor=host_actor(local_user().name))
        return before, migrate.current(url)

    before, after = _with_database(config, act)
    print(f"{before or '空 / empty'} → {after}")


@commands.command()
def grant(
    role: Annotated[str, typer.Argument(help="已建立的数据库角色 / a database role that exists")] = "sanji_serve",
    config: Config = Path("sanji.toml"),
) -> None:
    """授予运行枢纽所需的权限；该角色不能改动审计日志。升级后需再执行。 / Give a role the rights to serve."""

    def act(url: str) -> None:
        actor = host_actor(local_user().name)
        serving_role.grant(url, role, AuditEntry(actor=actor, action="database.grant", object=role))

    _with_database(config, act)
    typer.echo(f"{role} 可以运行枢纽，不能改动审计日志。 / may serve, and cannot change the audit log.")


def _with_database(config: Path, act: Callable[[str], T]) -> T:
    settings = load(config)

    async def run() -> T:
        async with AsyncExitStack() as stack:
            return await asyncio.to_thread(act, open_database(settings, stack))

    try:
        return asyncio.run(run())
    except SchemaOutdated as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (ExchangeDbError, psycopg.Error, sqlalchemy.exc.SQLAlchemyError, OSError) as error:
        told = str(error).strip().splitlines()[0]
        typer.echo(
            f"数据库无响应：{told}\n请运行 sanji check。 / The database does not answer; run sanji check.", err=True
        )
        raise typer.Exit(1) from None
