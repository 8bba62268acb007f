"""``sanji sign-on client|issuer|key``: platforms this hub signs people on for, and what tokens are signed with.

Platforms at which people sign on are ``hub.cli.sign_on``.
"""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from auth.oidc_provider import key_ring
from auth.oidc_provider.clients import new_secret
from auth.oidc_provider.registration import RegistrationInvalid, client_of, issuer_of, public_keys
from auth.signing_keys import KeyWrap, WrappingKeyInvalid, state_of
from exchange_db import sign_on, signing_keys
from exchange_db.audit_records import Value
from exchange_db.records import Violated
from exchange_db.regions import format_region
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from exchange_db.signing_keys import StoredKey
from hub.cli.configuration import load
from hub.cli.ledger import carry_out, with_ledger
from hub.cli.sign_on import commands as sign_on_commands
from hub.cli.terminal import as_json, fail, plain
from hub.recording import recorded

clients = typer.Typer(no_args_is_help=True, help="通过本枢纽登录的平台。 / Platforms people are signed on for.")
issuers = typer.Typer(no_args_is_help=True, help="接受其委托令牌的枢纽。 / Hubs whose delegated tokens are taken.")
keys = typer.Typer(no_args_is_help=True, help="令牌签名密钥。 / Keys tokens are signed with.")
sign_on_commands.add_typer(clients, name="client")
sign_on_commands.add_typer(issuers, name="issuer")
sign_on_commands.add_typer(keys, name="key")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
File = Annotated[Path, typer.Argument(help="登记文件（TOML） / the file of what is registered")]
ClientId = Annotated[str, typer.Argument(help="客户端标识 / client id")]
_SECRET = ("client_secret_basic", "client_secret_post")


@clients.command()
def add(file: File, config: Config = Path("sanji.toml")) -> None:
    """登记平台的软件；用口令认证的，口令只显示这一次。 / Register a platform's software; a secret is shown once."""
    values, files = _read(file)
    try:
        client = client_of(values, files)
    except RegistrationInvalid as error:
        fail(f"{file} 的 {error.field} 有误：{error.problem} / is not in order.", 2)
    secret, digest = new_secret()
    if client.auth_method in _SECRET:
        client = client._replace(secret_digest=digest)

    detail: dict[str, Value] = {
        "platform": client.platform_id, "method": client.auth_method, "roles": list(client.roles),
        "redirect_addresses": list(client.redirect_uris), "cas_services": list(client.cas_services),
    }  # fmt: skip

    async def act(ledger: Ledger) -> None:
        async with recorded(ledger, "client.add", client.client_id, region=client.region, detail=detail) as doing:
            _require(await sign_on.add(doing.session, client), "CLIENT_KNOWN", client.client_id)

    settings = load(config)
    carry_out(settings, act)
    typer.echo(f"{client.client_id} 已登记。 / registered.")
    if client.secret_digest is not None:
        typer.echo(f"口令（只显示一次） / secret, shown once: {secret}")
    if not settings.console.origin:
        typer.echo("尚未设置 console.origin，暂不对外提供登录。 / console.origin is not set: nothing is served yet.")


@clients.command(name="list")
def list_clients(
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False, config: Config = Path("sanji.toml")
) -> None:
    """列出登记的平台软件。 / List what is registered."""

    async def act(ledger: Ledger) -> list[Client]:
        async with ledger.read() as session:
            return await sign_on.listing(session)

    found = with_ledger(load(config), act)
    if json:
        hidden = ("secret_digest", "jwks")
        typer.echo(as_json([{n: v for n, v in one._asdict().items() if n not in hidden} for one in found]))
        return
    table = Table()
    for title in ("客户端", "平台", "名称", "认证方式", "区划", "角色上限", "地址"):
        table.add_column(title, overflow="fold")
    for one in found:
        table.add_row(
            one.client_id, one.platform_id, plain(one.name), one.auth_method, format_region(one.region),
            " ".join(one.roles), " ".join(map(plain, [*one.redirect_uris, *one.cas_services])),
        )  # fmt: skip
    Console().print(table)


@clients.command()
def remove(client_id: ClientId, config: Config = Path("sanji.toml")) -> None:
    """移除平台的软件；其令牌即刻失效。 / Remove a platform's software; its tokens end at once."""

    async def act(ledger: Ledger) -> None:
        async with recorded(ledger, "client.remove", client_id) as doing:
            _require(await sign_on.remove(doing.session, client_id), "CLIENT_UNKNOWN", client_id)

    carry_out(load(config), act)
    typer.echo(f"{client_id} 已移除。 / removed.")


@clients.command()
def rotate(
    client_id: ClientId,
    file: Annotated[Path | None, typer.Option("--keys", help="新公钥（JWK 集） / its new public keys")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """更换口令或公钥；旧的即刻失效。 / Give it another secret or other keys; the earlier ones end at once."""
    jwks = ""
    if file is not None:
        try:
            jwks = public_keys(_content(file), "keys")
        except RegistrationInvalid as error:
            fail(f"{file}：{error.problem} / is not in order.", 2)
    secret, digest = new_secret()

    async def act(ledger: Ledger) -> None:
        about: dict[str, Value] = {"what": "keys" if jwks else "secret"}
        async with recorded(ledger, "client.rotate", client_id, detail=about) as doing:
            if jwks:
                is_done = await sign_on.set_keys(doing.session, client_id, jwks)
            else:
                is_done = await sign_on.set_secret(doing.session, client_id, digest)
            _require(is_done, "CLIENT_PROOF_OTHER", client_id)

    carry_out(load(config), act)
    typer.echo(f"{client_id} 已更换。 / rotated.")
    if not jwks:
        typer.echo(f"口令（只显示一次） / secret, shown once: {secret}")


@issuers.command(name="add")
def add_issuer(file: File, config: Config = Path("sanji.toml")) -> None:
    """登记枢纽及其公钥，或更新其公钥。 / Register a hub and its keys, or its keys anew."""
    values, files = _read(file)
    try:
        issuer = issuer_of(values, files)
    except RegistrationInvalid as error:
        fail(f"{file} 的 {error.field} 有误：{error.problem} / is not in order.", 2)

    async def act(ledger: Ledger) -> None:
        about: dict[str, Value] = {"issuer": issuer.issuer}
        async with recorded(ledger, "issuer.add", issuer.platform_id, detail=about) as doing:
            await sign_on.keep_issuer(doing.session, issuer)

    with_ledger(load(config), act)
    typer.echo(f"{issuer.platform_id} 已登记。 / registered.")


@issuers.command(name="remove")
def remove_issuer(
    issuer: Annotated[str, typer.Argument(help="令牌中的 iss / what its tokens name as iss")],
    config: Config = Path("sanji.toml"),
) -> None:
    """不再接受该枢纽的委托令牌。 / Take no more tokens of a hub."""

    async def act(ledger: Ledger) -> None:
        async with recorded(ledger, "issuer.remove", issuer) as doing:
            _require(await sign_on.remove_issuer(doing.session, issuer), "ISSUER_UNKNOWN", issuer)

    carry_out(load(config), act)
    typer.echo(f"{issuer} 已移除。 / removed.")


@keys.command(name="rotate")
def rotate_keys(config: Config = Path("sanji.toml")) -> None:
    """生成下一对签名密钥：先公布一天再启用，旧密钥再保留一天。 / Make the next keys; they sign in a day."""
    settings = load(config)
    try:
        wrap = KeyWrap.of_file(settings.console.wrapping_key)
    except WrappingKeyInvalid as error:
        fail(f"无法使用密钥文件 console.wrapping_key：{error} / cannot be used.", 1)

    async def act(ledger: Ledger) -> list[StoredKey]:
        async with recorded(ledger, "signing_key.rotate", "") as doing:
            made = await key_ring.rotate(doing.session, wrap, datetime.now(UTC))
            doing.detail["key_ids"] = [key.key_id for key in made]
        return made

    for key in with_ledger(settings, act):
        typer.echo(f"{key.algorithm} {key.key_id}，启用 / signs from {key.use_time:%Y-%m-%d %H:%M} UTC")


@keys.command(name="list")
def list_keys(config: Config = Path("sanji.toml")) -> None:
    """列出签名密钥及其状态。 / List the keys and how they stand."""

    async def act(ledger: Ledger) -> list[StoredKey]:
        async with ledger.read() as session:
            return await signing_keys.all_keys(session)

    table = Table("密钥 / key", "算法", "状态 / state", "启用 / from", "停止公布 / until")
    found = with_ledger(load(config), act)
    for key in found:
        end = f"{key.end_time:%Y-%m-%d %H:%M}" if key.end_time else "—"
        table.add_row(
            key.key_id, key.algorithm, state_of(key, found, datetime.now(UTC)), f"{key.use_time:%Y-%m-%d %H:%M}", end
        )
    Console().print(table)


def _read(file: Path) -> tuple[dict[str, Any], Mapping[str, bytes]]:
    """Returns what stands in a file, and the content of the files it names."""
    try:
        values = tomllib.loads(_content(file).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fail(f"{file} 不是 TOML：{error}。 / is not TOML.", 2)
    named = {field: values[field] for field in ("keys", "certificate") if isinstance(values.get(field), str)}
    return values, {field: _content(file.parent / name) for field, name in named.items() if name}


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"无法读取 {file}：{error.strerror}。 / Cannot read the file.", 2)


def _require(is_done: bool, reason: str, name: str) -> None:
    """Refuses an act that found nothing to act on; the refusal is recorded."""
    if not is_done:
        raise Violated(reason, "", name)
