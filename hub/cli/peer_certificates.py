"""``sanji peers certificate``: changing a neighbour's certificate without a pause."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from exchange_db import peer_certificates, peers
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.ledger import with_ledger
from hub.cli.peer_keys import PeerId
from hub.cli.peers import Config
from hub.cli.peers import commands as peer_commands
from hub.cli.terminal import fail
from hub.federation.enrolment import announce
from hub.federation.rotation import pin, plain_thumbprint
from hub.recording import recorded

commands = typer.Typer(no_args_is_help=True, help="邻居的证书：更换时新旧并用。 / Changing a neighbour's certificate.")
peer_commands.add_typer(commands, name="certificate")


@commands.command()
def add(
    peer_id: PeerId,
    certificate: Annotated[Path, typer.Argument(help="对方的新证书，PEM / its next certificate")],
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="原证书用到该日（含）为止 / last day of the one in use"),
    ] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """登记邻居的新证书，原证书在停用或到期前仍有效。 / Register the next certificate beside the one in use."""
    settings = load(config)
    now = datetime.now(UTC)
    end = (until + timedelta(days=1)).astimezone(UTC) if until is not None else None
    if end is not None and end <= now:
        fail("--until 已过去。要立即停用原证书，请用 withdraw。 / That day is over; see withdraw.", 2)

    async def act(ledger: Ledger) -> str:
        authorities = settings.tls.authority.read_bytes()
        return await pin(ledger, peer_id, certificate.read_bytes(), authorities=authorities, until=end, now=now)

    try:
        shown = with_ledger(settings, act)
    except (Violated, OSError, ValueError) as error:
        fail(f"未能登记：{_told(error)}", 1)
    print(f"已登记 {shown} / registered")


@commands.command()
def withdraw(
    peer_id: PeerId,
    thumbprint: Annotated[str, typer.Argument(help="证书指纹 / thumbprint of the certificate")],
    config: Config = Path("sanji.toml"),
) -> None:
    """立即停用邻居两个证书中的一个。 / End one of a neighbour's two certificates at once."""
    named = plain_thumbprint(thumbprint)

    async def act(ledger: Ledger) -> None:
        async with recorded(ledger, "peer.certificate.withdraw", peer_id, detail={"thumbprint": named}) as doing:
            _known(await peers.by_id(doing.session, peer_id), peer_id)
            if not await peer_certificates.withdraw(doing.session, peer_id, named):
                raise Violated("CERTIFICATE_NOT_SECOND", "thumbprint", named)
        await announce(ledger)

    try:
        with_ledger(load(config), act)
    except Violated as error:
        fail(f"未能停用：{_told(error)}", 1)
    print(f"{named} 已停用。 / withdrawn.")


@commands.command(name="list")
def list_certificates(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """列出邻居的证书。 / List a neighbour's certificates."""

    async def act(ledger: Ledger) -> Peer | None:
        async with ledger.read() as session:
            return await peers.by_id(session, peer_id)

    peer = with_ledger(load(config), act)
    if peer is None:
        fail(f"登记表中没有 {peer_id}。 / There is no such neighbour.", 1)
    table = Table()
    for title in ("指纹 / thumbprint", "有效至 / counts until", "状态 / state"):
        table.add_column(title, overflow="fold")
    held = [(peer.thumbprint, peer.certificate_end_time), (peer.earlier_thumbprint, peer.earlier_end_time)]
    for shown, end in held:
        if shown is not None and end is not None:
            state = "有效 / counts" if end > datetime.now(UTC) else "已到期 / ended"
            table.add_row(shown, f"{end.astimezone():%Y-%m-%d %H:%M}", state)
    Console().print(table)


def _known(peer: Peer | None, peer_id: str) -> Peer:
    if peer is None:
        raise Violated("PEER_UNKNOWN", "peer_id", peer_id)
    return peer


def _told(error: Exception) -> str:
    if isinstance(error, Violated):
        return f"{error.violation.message_zh} / {error.violation.message}"
    return f"{error} / It cannot be read."
