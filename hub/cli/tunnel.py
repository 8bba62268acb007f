"""``sanji tunnel``: a tunnel with the national suites of TLS 1.3 in front of a link. Experimental."""

import asyncio
import logging
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from connectors.transports.sm_tunnel import Tunnel, TunnelEnd, TunnelRefused
from hub.cli.app import app
from hub.cli.terminal import fail

commands = typer.Typer(no_args_is_help=True, help="国密 TLS 隧道（试验）。 / Tunnel of SM TLS 1.3, experimental.")
app.add_typer(commands, name="tunnel")

Listen = Annotated[str, typer.Option(help="监听地址 host:port / where to listen")]
To = Annotated[str, typer.Option(help="转往 host:port / where to hand on to")]
Certificate = Annotated[Path, typer.Option(help="本端 SM2 证书 / SM2 certificate of this end")]
Key = Annotated[Path, typer.Option(help="本端 SM2 私钥 / its key")]
Authority = Annotated[Path, typer.Option(help="对端证书的签发机构 / authorities of the other end")]
Pin = Annotated[list[str] | None, typer.Option(help="只接受此指纹的对端证书，可重复 / thumbprint that may be there")]


@commands.command()
def serve(listen: Listen, to: To, certificate: Certificate, key: Key, authority: Authority, pin: Pin = None) -> None:
    """被连接端：接受隧道，转给本机枢纽。 / Take the tunnel's connections and hand on to the hub."""
    _run(listen, to, TunnelEnd(certificate, key, authority, frozenset(pin or ())), is_dialling=False)


@commands.command()
def dial(listen: Listen, to: To, certificate: Certificate, key: Key, authority: Authority, pin: Pin = None) -> None:
    """拨出端：本机连到此处即经隧道到达对端。 / What connects here goes through the tunnel."""
    _run(listen, to, TunnelEnd(certificate, key, authority, frozenset(pin or ())), is_dialling=True)


def _run(listen: str, to: str, end: TunnelEnd, *, is_dialling: bool) -> None:
    here, there = _address(listen), _address(to)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    async def run() -> None:
        server = await Tunnel(end, there, is_dialling=is_dialling).listen(*here)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        port = server.sockets[0].getsockname()[1]
        print(f"国密隧道（试验）监听 {here[0]}:{port}，转往 {to}。 / Tunnel open, experimental.", flush=True)
        await stop.wait()
        server.close()

    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(run())
        except (TunnelRefused, OSError) as error:
            fail(f"隧道未能打开：{error} / The tunnel did not open.", 1)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and int(port) <= 65_535):
        fail(f"{text} 不是 host:port。 / is not host:port.", 2)
    return host.strip("[]"), int(port)
