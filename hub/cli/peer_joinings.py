"""``sanji peers joining``: the same steps as the console's page 接入, for platforms on their way in."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.ledger import carry_out, with_ledger
from hub.cli.peer_keys import PeerId
from hub.cli.peers import Config
from hub.cli.peers import commands as peer_commands
from hub.cli.terminal import fail, plain
from hub.clock import system_clock
from hub.joining.desk import MISSING_WORDS, JoiningDesk, Progress
from hub.joining.samples import Preview

commands = typer.Typer(no_args_is_help=True, help="新平台的接入进度。 / Platforms on their way in.")
peer_commands.add_typer(commands, name="joining")

_MOST = 10_000


@commands.command(name="list")
def list_joinings(config: Config = Path("sanji.toml")) -> None:
    """列出接入中的平台及尚缺的步骤。 / List platforms on their way in, and what is missing."""
    settings = load(config)

    async def act(ledger: Ledger) -> list[Progress]:
        everywhere = (subtree(0),)
        return await JoiningDesk(ledger, settings, system_clock).listing(everywhere, limit=_MOST)

    table = Table()
    for title in ("标识", "名称", "方式", "映射", "检验", "尚缺 / missing"):
        table.add_column(title, overflow="fold")
    for row in with_ledger(settings, act):
        one = row.joining
        tried = f"{one.mapped_count}/{one.mapped_count + one.refused_count}" if one.mapping else "—"
        missing = MISSING_WORDS[row.missing] if row.missing else "已上线 / on line"
        table.add_row(one.peer_id, plain(one.name), one.transport, tried, one.kit_state, missing)
    Console().print(table)


@commands.command()
def mapping(
    peer_id: PeerId,
    file: Annotated[Path, typer.Argument(help="映射文件 / mapping file")],
    sample: Annotated[Path | None, typer.Option(help="样例数据 / sample rows")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """保存平台的映射，并在样例上试算。 / Keep a platform's mapping and try it on sample rows."""
    settings = load(config)
    try:
        text = file.read_text(encoding="utf-8-sig")
        rows = (sample.name, sample.read_bytes()) if sample is not None else None
    except (OSError, ValueError) as error:
        fail(f"无法读取：{error} / Cannot be read.")

    async def act(ledger: Ledger) -> Preview | None:
        return await JoiningDesk(ledger, settings, system_clock).keep_mapping(peer_id, text, rows)

    try:
        found = with_ledger(settings, act)
    except Violated as error:
        fail(f"{error.violation.message_zh} / {error.violation.message}", 1)
    print(
        "已保存。 / Kept."
        if found is None
        else f"已保存：{found.mapped_count} 行可报送，{found.refused_count} 行将被拒绝。"
    )


@commands.command()
def kit(
    peer_id: PeerId,
    group: Annotated[list[str] | None, typer.Option(help="检验组，可多次 / groups of checks; may be repeated")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="停止 / stop the run")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """由运行中的枢纽进行一致性检验。 / Have the running hub put a platform to the test."""
    settings = load(config)

    async def act(ledger: Ledger) -> None:
        desk = JoiningDesk(ledger, settings, system_clock)
        await (desk.stop_kit(peer_id) if stop else desk.order_kit(peer_id, group or []))

    carry_out(settings, act)
    print("已停止。 / Stopped." if stop else "已请求，进度见 sanji peers joining list。 / Ordered.")


@commands.command()
def live(
    peer_id: PeerId,
    waiver: Annotated[str, typer.Option(help="免检理由 / why without a passed run")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """确认平台上线，删除样例数据。 / Say that a platform is on line; its sample rows go."""
    settings = load(config)
    carry_out(settings, lambda ledger: JoiningDesk(ledger, settings, system_clock).go_live(peer_id, waiver))
    print(f"{peer_id} 已上线。 / on line.")
