"""``sanji quarantine``: seeing what was refused, and replaying or discarding it.

A replay enters through the intake like everything else: under the hub's own stream, with a new message of the same
content. What was refused at intake by contract must be corrected and sent again by its origin.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from connectors.translation import with_classes
from exchange_db import quarantine, wakeups
from exchange_db.quarantine import QuarantineRow
from exchange_db.session import Ledger
from hub.bootstrap import make_register
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.host import local_user
from hub.cli.ledger import with_ledger
from hub.cli.terminal import fail, plain
from hub.clock import system_clock
from hub.intake.replay import Replayed
from hub.intake.replay import replay as replay_one
from hub.quarantine.translating import Untranslatable, translations
from hub.recording import recorded
from hub.settings import Settings
from hub.standards.register import ClassRegister

commands = typer.Typer(no_args_is_help=True, help="隔离区：查看、重放、丢弃。 / Refused records.")
app.add_typer(commands, name="quarantine")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Number = Annotated[int, typer.Argument(help="编号 / number")]

_OUTCOMES = {
    Replayed.REPLAYED: "已重新进入处理队列。 / In line again.",
    Replayed.UNKNOWN: "没有这条待处理记录。 / No such open record.",
    Replayed.STILL_REFUSED: "仍不符合接口规范，须由来源方更正后重发；可执行 discard。"
    " / Its origin must correct and resend it.",
}


@commands.command(name="list")
def list_held(config: Config = Path("sanji.toml"), limit: int = 50) -> None:
    """列出隔离区中的记录。 / List records in quarantine."""

    async def act(ledger: Ledger) -> list[QuarantineRow]:
        async with ledger.read() as session:
            return await quarantine.listing(session, limit=limit)

    table = Table()
    for title in ("编号", "环节", "来自", "序号", "原因", "字段", "说明", "时间"):
        table.add_column(title, overflow="fold")
    for row in with_ledger(load(config), act):
        table.add_row(
            str(row.quarantine_id),
            row.stage,
            row.peer_id,
            str(row.sequence),
            plain(row.reason),
            plain(row.field_path),
            plain(row.message_zh),
            row.created_time.astimezone().strftime("%m-%d %H:%M:%S"),
        )
    Console().print(table)


@commands.command()
def replay(number: Number, config: Config = Path("sanji.toml")) -> None:
    """重放一条记录。 / Apply a record once more."""
    _replay(load(config), number, lambda _register, _row: None)


@commands.command()
def translate(
    number: Number,
    to: Annotated[str, typer.Option(help="目标标准，如 GB/T-30428.2-2013 / standard to translate into")] = "",
    code: Annotated[str, typer.Option(help="目标代码，对照不唯一时指定 / the class, where several fit")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只显示，不重放 / show only")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """将类别代码换为目标标准的代码后重放，原代码保留在 original。 / Translate the class and replay."""
    settings = load(config)
    target = to or next(iter(settings.standards.accepts), "")

    def translated(register: ClassRegister, row: QuarantineRow) -> bytes | None:
        try:
            found = translations(register, row.payload, target, code)
        except Untranslatable as error:
            fail(str(error), 1)
        for was, becomes in found.items():
            typer.echo(f"{was.key} → {becomes.key}")
        if dry_run:
            raise typer.Exit(0)
        return with_classes(row.payload, found)

    _replay(settings, number, translated)


def _replay(
    settings: Settings, number: int, translated: Callable[[ClassRegister, QuarantineRow], bytes | None]
) -> None:
    async def act(ledger: Ledger) -> Replayed:
        now, register = system_clock(), make_register(settings)
        async with ledger.read() as reading:
            await register.read(reading, now)
            row = await quarantine.find(reading, number)
        payload = translated(register, row) if row else None
        acting = recorded(ledger, "quarantine.replay" if payload is None else "quarantine.translate", str(number))
        async with acting as act:
            outcome = await replay_one(
                act.session, number, local_user().name, settings.hub.id, now,
                check_class=register.check, translated=payload,
            )  # fmt: skip
            if outcome is not Replayed.REPLAYED:
                act.refuse(outcome.name)
        async with ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.INBOX, wakeups.OUTBOX)
        return outcome

    outcome = with_ledger(settings, act)
    typer.echo(_OUTCOMES[outcome], err=outcome is not Replayed.REPLAYED)
    raise typer.Exit(0 if outcome is Replayed.REPLAYED else 1)


@commands.command()
def discard(number: Number, config: Config = Path("sanji.toml")) -> None:
    """丢弃一条记录（保留原文与处理人）。 / Close a record without effect; its bytes are kept."""

    async def act(ledger: Ledger) -> bool:
        async with recorded(ledger, "quarantine.discard", str(number)) as act:
            is_open = await quarantine.resolve(act.session, number, "discarded", local_user().name)
            if not is_open:
                act.refuse(Replayed.UNKNOWN.name)
        return is_open

    if not with_ledger(load(config), act):
        typer.echo("没有这条待处理记录。 / No such open record.", err=True)
        raise typer.Exit(1)
    typer.echo("已丢弃。 / Discarded.")
