"""``sanji peers confirm``: letting in a neighbour that joined, once the thumbprint of its certificate was compared."""

from pathlib import Path
from typing import Annotated

import typer

from exchange_db import peers
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.ledger import with_ledger
from hub.cli.peer_keys import PeerId
from hub.cli.peers import Config
from hub.cli.peers import commands as peer_commands
from hub.cli.terminal import fail, plain
from hub.federation.enrolment import announce
from hub.federation.joining import confirm as confirm_peer
from hub.federation.rotation import plain_thumbprint
from hub.recording import recorded


@peer_commands.command()
def confirm(
    peer_id: PeerId,
    thumbprint: Annotated[
        str, typer.Option(help="对方经另一渠道告知的证书指纹 / thumbprint the neighbour told us by another way")
    ] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """核对指纹后确认已加入的邻居，此前其一切调用均被拒绝。 / Let a neighbour in that has joined."""
    settings = load(config)

    async def find(ledger: Ledger) -> Peer | None:
        async with ledger.read() as session:
            return await peers.by_id(session, peer_id)

    async def act(ledger: Ledger) -> None:
        async with recorded(ledger, "peer.confirm", peer_id, detail={"thumbprint": compared}) as doing:
            await confirm_peer(doing.session, peer_id, compared)
        await announce(ledger)

    compared = plain_thumbprint(thumbprint)
    if not compared:
        peer = with_ledger(settings, find)
        if peer is None:
            fail(f"登记表中没有 {peer_id}。 / There is no such neighbour.", 1)
        print(f"{peer_id}（{plain(peer.name)}）的证书指纹 / thumbprint:\n{peer.thumbprint}")
        asked = "已经电话等另一渠道与对方核对一致？ / Compared with the neighbour by another way, and the same?"
        if not typer.confirm(asked):
            fail("未确认。 / Not confirmed.", 1)
        compared = peer.thumbprint
    try:
        with_ledger(settings, act)
    except Violated as error:
        fail(f"未能确认：{error.violation.message_zh} / {error.violation.message}", 1)
    print(f"{peer_id} 已确认。 / confirmed.")
