"""``sanji admin``: administrators of this host, for when no platform can sign anybody on.

There is none until the first one is made here. Passwords are asked for or read from standard input, never taken as an
argument: the list of processes is everybody's.
"""

import sys
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from auth.local_administrators import LocalAdministrators, Made, require_name, require_password
from auth.person import Role
from auth.signing_keys import WrappingKeyInvalid
from exchange_db import audit, local_administrators, people, sessions
from exchange_db.local_administrators import AdministratorRow
from exchange_db.people import LOCAL
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import with_ledger
from hub.cli.terminal import fail
from hub.recording import actor, entry_of
from hub.settings import Settings
from hub.signon.making import make_administrators

commands = typer.Typer(no_args_is_help=True, help="本机管理员。 / Administrators of this host.")
app.add_typer(commands, name="admin")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Name = Annotated[str, typer.Argument(help="用户名 / name")]


@commands.command()
def create(
    name: Name,
    role: Annotated[Role, typer.Option(help="角色 / role")] = Role.SECURITY_OFFICER,
    config: Config = Path("sanji.toml"),
) -> None:
    """建立管理员；口令从终端或标准输入读取，动态口令密钥与恢复码仅显示一次。 / Make an administrator."""
    settings = load(config)
    administrators = _administrators(settings)
    password = _password(name)

    async def act(ledger: Ledger) -> Made:
        now = datetime.now(UTC)
        async with ledger.write() as session:
            made = await administrators.make(session, name, password, now)
            person, _ = await people.arrive(
                session, LOCAL, name, name=name, unit="", region=settings.hub.region, now=now
            )
            await people.set_state(session, person.person_id, "admitted")
            await people.grant(session, person.person_id, role, settings.hub.region, granted_by=actor(), now=now)
            await audit.append(session, entry_of("administrator.create", name))
        return made

    try:
        made = with_ledger(settings, act)
    except ValueError as error:
        fail(f"未能建立 {name}：{error} / Not made.", 2)
    _show(name, made)


@commands.command()
def reset(name: Name, config: Config = Path("sanji.toml")) -> None:
    """重设口令、动态口令密钥与恢复码，并解除锁定；该管理员的会话即刻结束。 / Give an administrator new secrets."""
    settings = load(config)
    administrators = _administrators(settings)
    password = _password(name)

    async def act(ledger: Ledger) -> Made | None:
        async with ledger.write() as session:
            made = await administrators.reset(session, name, password)
            if made is not None:
                await sessions.end_subject(session, LOCAL, name)
                await audit.append(session, entry_of("administrator.reset", name))
        return made

    made = with_ledger(settings, act)
    if made is None:
        fail(f"没有管理员 {name}。 / There is no such administrator.", 1)
    _show(name, made)


@commands.command()
def block(name: Name, config: Config = Path("sanji.toml")) -> None:
    """停用管理员；sanji admin reset 可恢复。 / Block an administrator; reset brings one back."""

    async def act(ledger: Ledger) -> bool:
        async with ledger.write() as session:
            is_known = await local_administrators.change(session, name, state="blocked")
            if is_known:
                await sessions.end_subject(session, LOCAL, name)
                await audit.append(session, entry_of("administrator.block", name))
        return is_known

    if not with_ledger(load(config), act):
        fail(f"没有管理员 {name}。 / There is no such administrator.", 1)
    typer.echo(f"{name} 已停用。 / blocked.")


@commands.command(name="list")
def list_administrators(config: Config = Path("sanji.toml")) -> None:
    """列出管理员。 / List administrators."""

    async def act(ledger: Ledger) -> list[AdministratorRow]:
        async with ledger.read() as session:
            return await local_administrators.listing(session)

    table = Table()
    for title in ("用户名", "状态", "建立时间", "剩余恢复码"):
        table.add_column(title)
    for row in with_ledger(load(config), act):
        table.add_row(
            row.name, row.state, f"{row.made_time.astimezone():%Y-%m-%d %H:%M}", str(len(row.recovery_digests))
        )
    Console().print(table)


def _administrators(settings: Settings) -> LocalAdministrators:
    try:
        return make_administrators(settings)
    except WrappingKeyInvalid as error:
        fail(f"无法使用密钥文件 console.wrapping_key：{error}。 / The wrapping key cannot be used.", 1)


def _password(name: str) -> str:
    try:
        require_name(name)
        if sys.stdin.isatty():
            password = getpass("口令（不少于 12 个字符） / password (12 characters or more): ")
            if password != getpass("再次输入 / again: "):
                fail("两次输入不一致。 / The two are not the same.", 2)
        else:
            password = sys.stdin.readline().rstrip("\r\n")
        require_password(name, password)
    except ValueError as error:
        fail(f"不符合要求：{error}。 / Does not fit.", 2)
    return password


def _show(name: str, made: Made) -> None:
    typer.echo(f"管理员 {name}。以下内容仅显示这一次。 / Shown this once:")
    typer.echo(f"动态口令密钥 / one-time code secret: {made.secret}\n{made.secret_uri}")
    typer.echo("恢复码（每个仅可使用一次） / recovery codes, each good once:")
    for code in made.recovery_codes:
        typer.echo(f"  {code}")
