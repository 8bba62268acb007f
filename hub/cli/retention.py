"""``sanji retention``: what would be deleted because it is old, and deleting it."""

from pathlib import Path
from typing import Annotated

import typer

from auth.approvals import Operation
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.gate import require_single
from hub.cli.ledger import with_ledger

commands = typer.Typer(no_args_is_help=True, help="保存期限：查看与清理到期数据。 / How long things are kept.")
app.add_typer(commands, name="retention")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]


@commands.command()
def plan(config: Config = Path("sanji.toml")) -> None:
    """列出将被清理的数据，不删除。 / Say what would be deleted, and delete nothing."""
    from hub.backup.expiring import Expiry, Planned
    from hub.clock import system_clock

    settings = load(config)

    async def act(ledger: Ledger) -> list[Planned]:
        return await Expiry(ledger, settings.retention, system_clock).plan()

    for planned in with_ledger(settings, act):
        name = f"{planned.kind.chinese} / {planned.kind.name}"
        if planned.before is None:
            typer.echo(f"{name}：永久保存 / kept for ever")
        else:
            typer.echo(f"{name}：{planned.before:%Y-%m-%d} 之前 / before，{planned.row_count} 行 / rows")


@commands.command()
def run(config: Config = Path("sanji.toml")) -> None:
    """立即清理到期数据。 / Delete now what is older than it is kept."""
    from hub.backup.expiring import Expiry
    from hub.clock import system_clock

    settings = load(config)
    require_single(settings, Operation.RETENTION_CHANGE, "records")

    async def act(ledger: Ledger) -> dict[str, int]:
        return await Expiry(ledger, settings.retention, system_clock).run()

    deleted = with_ledger(settings, act)
    for name, count in deleted.items():
        typer.echo(f"{name}：已清理 / deleted {count}")
    if not deleted:
        typer.echo("没有到期数据。 / Nothing is over.")
