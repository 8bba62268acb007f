"""``sanji sign-on``: the platforms at which people sign on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from auth.oidc_provider.clients import new_secret
from connectors.sign_on import SignOnFileInvalid, read_sign_on, sign_on_leaves
from exchange_db import people_lists, sessions, upstreams
from exchange_db.audit_records import Value
from exchange_db.records import Violated
from exchange_db.session import Ledger
from exchange_db.sign_on_records import AnyUpstream
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import carry_out, with_ledger
from hub.cli.terminal import fail, plain
from hub.recording import recorded

commands = typer.Typer(no_args_is_help=True, help="单点登录：登记可登录的平台。 / Platforms people sign on at.")
app.add_typer(commands, name="sign-on")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]


@commands.command()
def add(
    file: Annotated[Path, typer.Argument(help="登记文件（TOML） / the platform's file")],
    config: Config = Path("sanji.toml"),
) -> None:
    """登记一个平台，或更新其登记；即刻生效。 / Register a platform, or its profile anew."""
    try:
        upstream = read_sign_on(file)
    except SignOnFileInvalid as error:
        fail(str(error), 2)
    settings = load(config)

    detail: dict[str, Value] = {
        "protocol": _protocol(upstream),
        "roles": list(upstream.roles),
        "addresses": list(upstream.addresses),
    }

    async def act(ledger: Ledger) -> None:
        name, region = upstream.upstream_id, upstream.region
        async with recorded(ledger, "upstream.add", name, region=region, detail=detail) as doing:
            await upstreams.keep(doing.session, upstream, datetime.now(UTC))

    with_ledger(settings, act)
    typer.echo(f"{upstream.upstream_id} 已登记。 / registered.")
    origin = settings.console.origin or "https://…"
    typer.echo(f"请在对方登记回调地址 / have this address registered there: {origin}/sso/back/{upstream.upstream_id}")
    if _protocol(upstream) == "oidc":
        typer.echo(f"后端登出地址 / back-channel logout: {origin}/sso/backchannel/{upstream.upstream_id}")


@commands.command(name="list")
def list_upstreams(config: Config = Path("sanji.toml")) -> None:
    """列出已登记的平台。 / List the platforms."""

    async def act(ledger: Ledger) -> list[AnyUpstream]:
        async with ledger.read() as session:
            return await upstreams.listing(session)

    table = Table()
    for title in ("平台", "名称", "协议", "可授角色", "可连接地址"):
        table.add_column(title, overflow="fold")
    for upstream in with_ledger(load(config), act):
        table.add_row(
            upstream.upstream_id, plain(upstream.name), _protocol(upstream),
            " ".join(upstream.roles), " ".join(upstream.addresses),
        )  # fmt: skip
    Console().print(table)


@commands.command()
def remove(
    upstream_id: Annotated[str, typer.Argument(help="平台标识 / platform")], config: Config = Path("sanji.toml")
) -> None:
    """取消登记，并结束其用户的会话。 / Remove a platform and end its people's sessions."""

    async def act(ledger: Ledger) -> int:
        async with recorded(ledger, "upstream.remove", upstream_id) as doing:
            if not await upstreams.remove(doing.session, upstream_id):
                raise Violated("UPSTREAM_UNKNOWN", "", upstream_id)
            ended = await sessions.end_issuer(doing.session, upstream_id)
            doing.detail["sessions"] = len(ended)
        return len(ended)

    ended = carry_out(load(config), act)
    typer.echo(f"{upstream_id} 已取消，结束会话 {ended} 个。 / removed, sessions ended.")


@commands.command(name="list-secret")
def list_secret(
    upstream_id: Annotated[str, typer.Argument(help="平台标识 / platform")],
    *,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="收回密钥 / take the secret away")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """发放或更换平台报送用户名单（SCIM）的密钥；只显示一次。 / Give a platform the secret for its list of people."""
    secret, digest = new_secret()

    async def act(ledger: Ledger) -> None:
        about: dict[str, Value] = {"is_withdrawn": withdraw}
        async with recorded(ledger, "upstream.list_secret", upstream_id, detail=about) as doing:
            if withdraw:
                is_done = await people_lists.remove_secret(doing.session, upstream_id)
            elif is_done := await upstreams.find(doing.session, upstream_id) is not None:
                await people_lists.keep_secret(doing.session, upstream_id, digest, datetime.now(UTC))
            if not is_done:
                raise Violated("UPSTREAM_UNKNOWN", "", upstream_id)

    settings = load(config)
    carry_out(settings, act)
    if withdraw:
        typer.echo(f"{upstream_id} 的密钥已收回。 / withdrawn.")
        return
    typer.echo(f"密钥（只显示一次，旧的即刻失效） / secret, shown once; an earlier one ends now: {secret}")
    typer.echo(f"名单地址 / address of the list: {settings.console.origin or 'https://…'}/scim/v2")


@commands.command()
def leaves() -> None:
    """列出自带的登录模板。 / List the profiles that ship."""
    table = Table("模板 / leaf", "说明 / what it is for")
    for name, told in sign_on_leaves().items():
        table.add_row(name, told)
    Console().print(table)


def _protocol(upstream: AnyUpstream) -> str:
    return str(upstream.__struct_config__.tag)
