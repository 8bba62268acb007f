"""``sanji intermediate load``: having rows that lie in a partner's database already read by the running hub."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from exchange_db.session import Ledger
from hub.cli.configuration import load as load_settings
from hub.cli.intermediate import Config, PeerId, commands
from hub.cli.terminal import fail, visible

#: How often progress is looked at, and after how many looks without any the user is told what may be the matter.
_LOOK_SECONDS, _PATIENT_LOOKS = 1.0, 15


@commands.command()
def load(
    peer_id: PeerId,
    table: Annotated[list[str] | None, typer.Option(help="只装载这些表，可重复 / these tables only")] = None,
    region: Annotated[
        str, typer.Option(help="只装载 region_code 以此开头的行 / rows whose region_code begins so")
    ] = "",
    since: Annotated[
        str, typer.Option(help="按时间列捕获的表：自此时间起，写法同该列 / tables read by time: from this one on")
    ] = "",
    is_waiting: Annotated[bool, typer.Option("--wait/--no-wait", help="显示进度至完成 / show progress")] = True,
    config: Config = Path("sanji.toml"),
) -> None:
    """初次装载或重新读取对方库中已有的行，由运行中的枢纽分批完成。 / Read rows that are there already."""
    from exchange_db.audit import append
    from exchange_db.audit_records import Value
    from hub.cli.ledger import with_ledger
    from hub.intermediate.link_files import LinkFileInvalid, find_link
    from hub.intermediate.loading import Load, order, tables_for
    from hub.recording import entry_of

    settings = load_settings(config)
    try:
        link = find_link(settings.intermediate.folder, peer_id)
    except LinkFileInvalid as error:
        fail(f"链路文件有误：{error}")
    known = tables_for(link, has_region=bool(region), has_time=bool(since))
    chosen = table or known
    if strange := [name for name in chosen if name not in known]:
        fail(
            f"不能这样装载 {'、'.join(strange)}；可装载的表：{'、'.join(known) or '无'}。"
            " / These tables cannot be loaded so; the others are named."
        )

    async def act(ledger: Ledger) -> None:
        async with ledger.dedicated() as connection, connection.transaction() as session:
            for name in chosen:
                await order(connection.driver, peer_id, Load(name, region, since))
            about: dict[str, Value] = {"tables": chosen, "region": region, "since": since}
            await append(session, entry_of("partner.load", peer_id, detail=about))
        typer.echo(f"已下达装载：{'、'.join(chosen)}。中断本命令不影响装载。 / Ordered; the hub does it.")
        if is_waiting:
            await _watch(ledger, peer_id, chosen)

    with_ledger(settings, act)


async def _watch(ledger: Ledger, peer_id: str, tables: list[str]) -> None:
    """Prints how far the loads are, until all of them are done."""
    from hub.intermediate.loading import loads_of

    told: dict[str, str] = {}
    looks = 0
    while True:
        async with ledger.dedicated() as connection:
            loads = await loads_of(connection.driver, peer_id)
        for name in list(tables):
            load = loads.get(name)
            text = "完成 / done" if load is None else f"{load.count} / {max(load.total, load.count)}"
            if load is not None and load.trouble:
                fail(f"{name}：{visible(load.trouble)}")
            if told.get(name) != text:
                typer.echo(f"{name}：{text}")
                told[name], looks = text, 0
            if load is None:
                tables.remove(name)
        if not tables:
            return
        looks += 1
        if looks == _PATIENT_LOOKS:
            typer.echo(
                "尚无进展：枢纽是否在运行？请看 sanji peers list 的故障列。"
                " / No progress yet: does the hub run? See sanji peers list."
            )
        await asyncio.sleep(_LOOK_SECONDS)
