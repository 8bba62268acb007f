"""``sanji canary``: how long a record takes over each link and back, and one sent at once."""

import asyncio
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from exchange_db import canaries, peers, wakeups
from exchange_db.canaries import Canary, CanaryState
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.canaries.making import make_canary_desk
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import with_ledger
from hub.cli.terminal import as_json, fail, plain
from hub.clock import system_clock
from hub.intake.desk import IntakeDesk
from hub.listener import Listener
from hub.recording import told
from hub.settings import Settings

commands = typer.Typer(
    help="探测记录：每条链路往返用时，立即探测。 / Canaries: the time of each link, there and back.",
    no_args_is_help=True,
)
app.add_typer(commands, name="canary")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
_WORDS = {
    CanaryState.RETURNED: "已返回 / returned",
    CanaryState.UNDER_WAY: "途中 / under way",
    CanaryState.LATE: "逾时未返 / late",
    CanaryState.UNSENT: "尚未发出 / none sent yet",
    CanaryState.IMPOSSIBLE: "对方不支持 / not possible with this neighbour",
}
_NONE = Canary(CanaryState.IMPOSSIBLE, None, None, None, None, 0.0)


@commands.command("list")
def list_(
    config: Config = Path("sanji.toml"),
    json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """列出每条链路最近的探测记录。 / List the newest canary of each link."""

    async def read(ledger: Ledger) -> tuple[list[Peer], dict[str, Canary]]:
        async with ledger.read() as session:
            return await peers.all_peers(session), await canaries.latest(session)

    known, found = with_ledger(load(config), read)
    links = [(peer, found.get(peer.peer_id, _NONE)) for peer in known]
    if json:
        typer.echo(as_json([{"peer_id": peer.peer_id, **_told(canary)} for peer, canary in links]))
        return
    table = Table()
    for title in ("邻居", "状态", "往返用时（秒）", "上次返回", "已等候（秒）"):
        table.add_column(title, overflow="fold")
    for peer, canary in links:
        back = canary.last_returned_time
        table.add_row(
            plain(peer.peer_id),
            _WORDS[canary.state],
            f"{canary.seconds:.3f}" if canary.seconds is not None else "—",
            f"{back.astimezone():%Y-%m-%d %H:%M:%S}" if back else "—",
            f"{canary.waiting_seconds:.0f}" if canary.waiting_seconds else "—",
        )
    Console().print(table)


@commands.command()
def send(
    peer: Annotated[str, typer.Argument(help="邻居，缺省为所有支持的 / default: all that know them")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """立即发出探测记录；途中已有一条的链路不再发。 / Send canaries now, but where one is under way."""
    settings = load(config)

    async def act(ledger: Ledger) -> tuple[list[str], CanaryState | None]:
        asked = await _send(ledger, settings, peer)
        async with ledger.read() as session:
            is_known = not peer or await peers.by_id(session, peer) is not None
            canary = (await canaries.latest(session)).get(peer, _NONE)
        return asked, canary.state if is_known else None

    asked, state = with_ledger(settings, act)
    if state is None:
        fail(f"没有邻居 {plain(peer)}。 / There is no neighbour of that name.", 1)
    if state is CanaryState.IMPOSSIBLE and peer:
        fail(f"{plain(peer)}：{_WORDS[state]}。", 1)
    typer.echo(f"已发出 {len(asked)} 条 / sent: {', '.join(asked) or '途中已有 / one is under way'}")


def _told(canary: Canary) -> dict[str, object]:
    """Returns a canary with its times as ISO 8601."""
    return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in canary._asdict().items()}


async def _send(ledger: Ledger, settings: Settings, peer_id: str) -> list[str]:
    """Writes questions into the log beside a hub that may be running, and wakes it."""
    desk = IntakeDesk(ledger, Listener(ledger), settings.hub.region, system_clock)
    working = asyncio.create_task(desk.run())
    try:
        async with told(ledger, "canary.send", peer_id or "*") as detail:
            asked = await make_canary_desk(ledger, settings, system_clock, desk).send(peer_id)
            detail["count"] = len(asked)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    async with ledger.watching() as connection:
        await wakeups.wake(connection.driver, wakeups.INBOX)
    return asked
