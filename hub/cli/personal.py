"""``sanji personal``: keys of personal data, and forgetting it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from auth.approvals import Operation
from auth.signing_keys import WrappingKeyInvalid
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.gate import require_single
from hub.cli.ledger import with_ledger
from hub.cli.terminal import fail
from hub.clock import system_clock
from hub.personal.desk import PersonalDesk
from hub.personal.making import make_personal_desk
from hub.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="个人信息：更换密钥、到期删除。 / Personal data.")
app.add_typer(commands, name="personal")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]


@commands.command()
def rotate(config: Config = Path("sanji.toml")) -> None:
    """更换密钥：以新密钥重新加密所有报案人信息。 / Seal everything anew under a new key."""
    settings = load(config)
    require_single(settings, Operation.KEY_CHANGE, "personal")
    count = _done(settings, PersonalDesk.rotate)
    typer.echo(f"已更换密钥，重新加密 {count} 条。 / A new key seals {count} reporters.")


@commands.command()
def forget(config: Config = Path("sanji.toml")) -> None:
    """删除超过保存期限的报案人信息。 / Forget reporters whose time is over."""
    count = _done(load(config), PersonalDesk.forget)
    typer.echo(f"已删除 {count} 条。 / {count} reporters were forgotten.")


def _done(settings: Settings, act: Callable[[PersonalDesk], Awaitable[int]]) -> int:
    async def run(ledger: Ledger) -> int:
        return await act(make_personal_desk(settings, ledger, system_clock))

    try:
        return with_ledger(settings, run)
    except WrappingKeyInvalid as error:
        fail(f"无法使用密钥文件 console.wrapping_key：{error}。 / The wrapping key cannot be used.", 1)
