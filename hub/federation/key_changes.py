"""Changing what a link's signatures are checked with: keys of neighbours, and which signatures are demanded.

Each act is recorded and told to the hub's processes. Called by ``sanji peers`` and by ``hub.approvals``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from exchange_db import seals
from exchange_db.seal_records import BatchKey
from exchange_db.seals import SealPolicy
from exchange_db.session import Ledger
from hub.federation.enrolment import announce
from hub.federation.signing_cards import register
from hub.recording import recorded


async def add_keys(ledger: Ledger, peer_id: str, cards: Sequence[bytes], authorities: bytes) -> list[BatchKey]:
    """Registers keys of a neighbour from the cards it handed over.

    Raises:
        Violated: KEY_CARD_INVALID or PEER_ID_MISMATCH.
    """
    async with recorded(ledger, "peer.key.add", peer_id) as act:
        added = await register(act.session, cards, peer_id, authorities)
        act.detail["keys"] = [key.key_id for key in added]
    await announce(ledger)
    return added


async def withdraw_key(ledger: Ledger, peer_id: str, key_id: str) -> bool:
    """Ends a key of a neighbour at once; tells whether it was in force."""
    async with recorded(ledger, "peer.key.withdraw", peer_id, detail={"key": key_id}) as act:
        is_known = await seals.withdraw_key(act.session, peer_id, key_id, datetime.now(UTC))
        if not is_known:
            act.refuse("BATCH_KEY_UNKNOWN")
    await announce(ledger)
    return is_known


async def require_signatures(ledger: Ledger, peer_id: str, algorithms: Sequence[str]) -> SealPolicy:
    """Sets which signatures the link to a neighbour demands, none with none; returns what it demands now."""
    async with recorded(ledger, "peer.signing.require", peer_id, detail={"required": list(algorithms)}) as act:
        await seals.require(act.session, peer_id, algorithms)
        policy = await seals.policy_of(act.session, peer_id)
    await announce(ledger)
    return policy
