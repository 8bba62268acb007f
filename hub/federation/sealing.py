"""Signing batches: with the keys a hub's settings name, or a platform's profile.

And judging, in a platform's name, what its hub has signed. Called by ``hub.bootstrap``, ``sanji push``, and by vendors'
programs.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from auth.batch_keys import read_signing_key
from auth.envelope import Batch, Sealer, require_sealed
from auth.key_cards import read_card
from connectors.county.profile import Profile
from exchange_db.records import Violated
from exchange_db.seal_records import Judging, Seal
from hub.clock import Clock, system_clock
from hub.settings import Settings


def hub_sealer(settings: Settings, clock: Clock) -> Sealer:
    """Returns what signs the batches of a hub.

    Raises:
        SigningKeyUnusable: a key cannot be read or used; the text says which and why.
    """
    keys = [read_signing_key(path) for path in settings.signing.keys]
    return Sealer(settings.hub.id, keys, clock, settings.signing.validity_seconds)


def platform_sealer(profile: Profile) -> Sealer:
    """Returns what signs a platform's batches; hand it to ``CountyClient`` or ``SheetPush``.

    Raises:
        SigningKeyUnusable: a key cannot be read or used; the text says which and why.
    """
    return Sealer(profile.platform_id, [read_signing_key(path) for path in profile.signing_keys], system_clock)


def platform_judging(profile: Profile, clock: Clock = system_clock) -> Judging | None:
    """Returns what judges the batches a platform fetches; hand it to ``CountyClient``.

    Each algorithm of the cards is demanded, by one of the cards that hold at the time: that is how the hub's keys
    follow each other. ``None`` where the profile names no card.

    Raises:
        OSError: a card cannot be read.
        Violated: KEY_CARD_INVALID, or PEER_ID_MISMATCH when a card is not the hub's.
    """
    authorities = profile.authority.read_bytes()
    cards = [read_card(path.read_bytes(), authorities) for path in profile.hub_cards]
    for card in cards:
        if card.platform_id != profile.hub_id:
            raise Violated("PEER_ID_MISMATCH", "hub_cards", card.platform_id)
    required = tuple(sorted({card.key.algorithm for card in cards}))

    def require(stream: str, first_sequence: int, payloads: Sequence[bytes], seals: Sequence[Seal]) -> None:
        now = clock()
        moment = datetime.fromtimestamp(now / 1_000_000, UTC)
        keys = {card.key.key_id: card.key for card in cards if card.begin_time <= moment < card.end_time}
        batch = Batch(profile.hub_id, profile.platform_id, stream, first_sequence, payloads)
        require_sealed(batch, seals, required, keys, now)

    return Judging(required, require) if cards else None
