"""Registering the keys neighbours sign batches with, from the cards they hand over. Called by joining and ``sanji``."""

from collections.abc import Sequence
from pathlib import Path

from auth.key_cards import read_card
from exchange_db import seals
from exchange_db.records import Violated
from exchange_db.seal_records import BatchKey
from exchange_db.session import WriteSession

#: Most cards taken at once.
MAX_CARDS = 8


def card_beside(key: Path) -> Path:
    """Returns where the card of a signing key lies: beside it."""
    return key.with_suffix(".card")


def own_cards(keys: Sequence[Path]) -> list[bytes]:
    """Returns the cards of our own signing keys; of a key without one, none."""
    return [card_beside(key).read_bytes() for key in keys if card_beside(key).exists()]


async def register(session: WriteSession, cards: Sequence[bytes], peer_id: str, authorities: bytes) -> list[BatchKey]:
    """Registers a neighbour's signing keys; one that is there already gets the times of the new card.

    Args:
        session: the transaction.
        cards: from anywhere.
        peer_id: whose keys they must be.
        authorities: PEM of the federation's authorities.

    Raises:
        Violated: KEY_CARD_INVALID, or PEER_ID_MISMATCH when a card is somebody else's.
    """
    keys = []
    for content in cards:
        card = read_card(content, authorities)
        if card.platform_id != peer_id:
            raise Violated("PEER_ID_MISMATCH", "card", card.platform_id)
        key = BatchKey(
            peer_id, card.key.key_id, card.key.algorithm, card.key.der, card.begin_time, card.end_time, content
        )
        await seals.add_key(session, key)
        keys.append(key)
    return keys
