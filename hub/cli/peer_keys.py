"""``sanji peers signing`` and ``sanji peers keys``: which signatures a link demands, and the keys of neighbours."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from auth.approvals import Operation
from auth.batch_keys import Algorithm
from exchange_db import peers, seals
from exchange_db.records import Violated
from exchange_db.seal_records import BatchKey
from exchange_db.seals import SealPolicy
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.gate import require_single
from hub.cli.ledger import with_ledger
from hub.cli.peers import Config
from hub.cli.peers import commands as peer_commands
from hub.cli.terminal import fail, plain
from hub.federation import key_changes

commands = typer.Typer(no_args_is_help=True, help="邻居的批次签名密钥。 / Keys neighbours sign batches with.")
peer_commands.add_typer(commands, name="keys")

PeerId = Annotated[str, typer.Argument(help="对方标识 / name of the neighbour")]


@peer_commands.command()
def signing(
    peer_id: PeerId,
    require: Annotated[
        list[Algorithm] | None, typer.Option(help="要求的签名算法，可重复（都须有） / demanded signature; all of them")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="不要求签名 / demand no signatures")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """查看或设定一条链路要求的批次签名。 / Show or set which signatures a link demands."""
    if none and require:
        fail("--none 与 --require 不能同用。 / Not both.", 2)
    algorithms = sorted(set(require or ()))

    async def show(ledger: Ledger) -> SealPolicy | None:
        async with ledger.read() as session:
            return await seals.policy_of(session, peer_id) if await peers.by_id(session, peer_id) else None

    async def act(ledger: Ledger) -> SealPolicy | None:
        async with ledger.read() as session:
            known = await peers.by_id(session, peer_id)
        if known is None:
            return None
        if known.has_database and algorithms:
            fail(f"{peer_id} 以中间库相连，批次无法签名。 / A database is the link to it; it signs nothing.", 1)
        return await key_changes.require_signatures(ledger, peer_id, algorithms)

    settings = load(config)
    if none or require:
        require_single(settings, Operation.KEY_CHANGE, peer_id)
    policy = with_ledger(settings, act if none or require else show)
    if policy is None:
        fail(f"登记表中没有 {peer_id}。 / There is no such neighbour.", 1)
    print(f"{peer_id}：{' + '.join(policy.required) or '不要求签名 / no signatures demanded'}")
    held = {key.algorithm for key in policy.keys if _is_valid(key)}
    lacking = [name for name in policy.required if name not in held]
    if lacking:
        print(
            f"尚无有效的 {'、'.join(lacking)} 密钥，其批次将被拒绝；请用 sanji peers keys add 登记。"
            " / No valid key for that yet: its batches are refused."
        )


@commands.command()
def add(
    peer_id: PeerId,
    cards: Annotated[list[Path], typer.Argument(help="密钥卡文件 / card files")],
    config: Config = Path("sanji.toml"),
) -> None:
    """登记邻居的签名密钥（新旧密钥可同时有效）。 / Register signing keys; the old ones stay valid beside them."""
    settings = load(config)
    require_single(settings, Operation.KEY_CHANGE, peer_id)

    async def act(ledger: Ledger) -> list[BatchKey]:
        async with ledger.read() as session:
            if await peers.by_id(session, peer_id) is None:
                fail(f"登记表中没有 {peer_id}。 / There is no such neighbour.", 1)
        contents = [card.read_bytes() for card in cards]
        return await key_changes.add_keys(ledger, peer_id, contents, settings.tls.authority.read_bytes())

    try:
        added = with_ledger(settings, act)
    except (Violated, OSError) as error:
        told = (
            f"{error.violation.message_zh} / {error.violation.message}" if isinstance(error, Violated) else str(error)
        )
        fail(f"未能登记：{told}", 1)
    for key in added:
        print(f"已登记 {key.algorithm} {key.key_id}，至 {key.end_time:%Y-%m-%d} / registered")


@commands.command()
def withdraw(
    peer_id: PeerId,
    key_id: Annotated[str, typer.Argument(help="密钥编号 / name of the key")],
    config: Config = Path("sanji.toml"),
) -> None:
    """立即停用邻居的一个签名密钥。 / End a signing key at once."""
    settings = load(config)
    require_single(settings, Operation.KEY_CHANGE, peer_id)
    if not with_ledger(settings, lambda ledger: key_changes.withdraw_key(ledger, peer_id, key_id)):
        fail(f"{peer_id} 没有生效中的密钥 {key_id}。 / It has no such key in force.", 1)
    print(f"{key_id} 已停用。 / withdrawn.")


@commands.command(name="list")
def list_keys(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """列出邻居的签名密钥。 / List a neighbour's signing keys."""

    async def act(ledger: Ledger) -> tuple[BatchKey, ...]:
        async with ledger.read() as session:
            return await seals.keys_of(session, peer_id)

    table = Table()
    for title in ("编号 / key", "算法 / algorithm", "生效 / begins", "到期 / ends", "状态 / state"):
        table.add_column(title, overflow="fold")
    for key in with_ledger(load(config), act):
        begin, end = f"{key.begin_time:%Y-%m-%d}", f"{key.end_time:%Y-%m-%d}"
        table.add_row(key.key_id, key.algorithm, begin, end, plain(_state(key)))
    Console().print(table)


def _is_valid(key: BatchKey) -> bool:
    return key.withdrawn_time is None and key.begin_time <= datetime.now(UTC) < key.end_time


def _state(key: BatchKey) -> str:
    if key.withdrawn_time is not None:
        return "已停用 / withdrawn"
    if key.begin_time > datetime.now(UTC):
        return "未生效 / not yet"
    return "有效 / valid" if _is_valid(key) else "已到期 / ended"
