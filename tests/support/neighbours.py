"""Neighbours for tests: registry entries with certificates that are only names."""

from datetime import UTC, datetime, timedelta
from typing import Any

from exchange_db import peers
from exchange_db.peers import NewPeer, Peer
from exchange_db.regions import region_of
from exchange_db.session import Ledger

FAR = datetime(2099, 1, 1, tzinfo=UTC)
PAST = datetime.now(UTC) - timedelta(days=1)


def a_new_peer(peer_id: str, relation: str = "child", **changes: Any) -> NewPeer:
    """A neighbour about to be entered; a hub if its name ends so."""
    values: dict[str, Any] = {
        "peer_id": peer_id,
        "name": peer_id,
        "region": region_of(peer_id),
        "kind": "hub" if peer_id.endswith(".hub") else "platform",
        "relation": relation,
        "address": "",
        "thumbprint": f"thumb-{peer_id}",
        "certificate_end_time": FAR,
    }
    return NewPeer(**values | changes)


def a_peer(peer_id: str, relation: str = "child", destination_id: int = 1, **changes: Any) -> Peer:
    """A registry entry, as routing sees it."""
    entry = a_new_peer(peer_id, relation, **changes)._asdict()
    return Peer(destination_id=destination_id, state="active", **entry)


async def enrolled(ledger: Ledger, peer_id: str, relation: str = "child", **changes: Any) -> Peer:
    """Enters a neighbour into the registry and returns its entry."""
    async with ledger.write() as session:
        await peers.enrol(session, a_new_peer(peer_id, relation, **changes))
    async with ledger.read() as session:
        found = await peers.by_id(session, peer_id)
    assert found is not None
    return found
