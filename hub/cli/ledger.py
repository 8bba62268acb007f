"""Opening the hub's ledger for a command: the same database the hub serves, running or not."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import psycopg
import sqlalchemy.exc
import typer

from auth.batch_keys import SigningKeyUnusable
from exchange_db import migrate
from exchange_db.audit_records import host_actor
from exchange_db.errors import ExchangeDbError, SchemaOutdated
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.cli.host import local_user
from hub.database import open_database
from hub.recording import acting_as
from hub.settings import Settings

T = TypeVar("T")


def with_ledger(settings: Settings, act: Callable[[Ledger], Awaitable[T]]) -> T:
    """Runs ``act`` with the hub's ledger; says what is wrong when the database does not answer."""

    async def run() -> T:
        async with AsyncExitStack() as stack:
            url = open_database(settings, stack)
            actor = host_actor(local_user().name)
            await asyncio.to_thread(migrate.upgrade, url, actor=actor)
            with acting_as(actor):
                async with Ledger(url, pool_size=0) as ledger:
                    return await act(ledger)

    try:
        return asyncio.run(run())
    except (SchemaOutdated, SigningKeyUnusable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (ExchangeDbError, sqlalchemy.exc.OperationalError, psycopg.Error) as error:
        typer.echo(
            f"数据库无响应：{error}\n请运行 sanji check。 / The database does not answer; run sanji check.", err=True
        )
        raise typer.Exit(1) from None


def ask(settings: Settings, act: Callable[[Ledger], Awaitable[T]]) -> T:
    """Does the same for a question; says which part of it cannot be answered, and ends with exit code 2."""
    try:
        return with_ledger(settings, act)
    except Violated as refused:
        violation = refused.violation
        typer.echo(f"{violation.field_path}：{violation.message_zh} / {violation.message}", err=True)
        raise typer.Exit(2) from None


def carry_out(settings: Settings, act: Callable[[Ledger], Awaitable[T]]) -> T:
    """Does the same for an act; says why it was refused, and ends with exit code 1."""
    try:
        return with_ledger(settings, act)
    except Violated as refused:
        violation = refused.violation
        typer.echo(f"{violation.message_zh} / {violation.message}", err=True)
        raise typer.Exit(1) from None
