"""Changing the medium of a link: by files from now on, or over the line again. Nothing that waits is touched."""

from exchange_db import file_links, peers
from exchange_db.peers import FILES, Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.federation.enrolment import announce
from hub.recording import recorded


async def peer_of(ledger: Ledger, peer_id: str) -> Peer:
    """Returns a neighbour whose link can go by files.

    Raises:
        Violated: PEER_UNKNOWN or FILE_LINK_FIXED.
    """
    async with ledger.read() as session:
        peer = await peers.by_id(session, peer_id)
    if peer is None:
        raise Violated("PEER_UNKNOWN", "peer", peer_id)
    if peer.has_database:
        raise Violated("FILE_LINK_FIXED", "peer", peer_id)
    return peer


async def change(ledger: Ledger, peer_id: str, *, to_files: bool) -> None:
    """Has the running hub carry a link by files, or by the line it went over before.

    Raises:
        Violated: PEER_UNKNOWN, FILE_LINK_FIXED, or FILE_LINK_SO when it is so already.
    """
    peer = await peer_of(ledger, peer_id)
    if peer.has_files is to_files:
        raise Violated("FILE_LINK_SO", "peer", peer_id)
    address = f"{FILES}{peer.address}" if to_files else peer.address.removeprefix(FILES)
    medium = "files" if to_files else "line"
    async with recorded(ledger, "link.medium", peer_id, region=peer.region, detail={"medium": medium}) as act:
        await file_links.set_address(act.session, peer_id, peer.destination_id, address)
    await announce(ledger)
