"""Judging signatures on batches by what the link demands, before anything of a batch is taken.

The registry is asked again after every change of it that is told, and at the latest after some seconds, so a key that
was withdrawn is refused from the next batch on, on open streams too. Called by ``hub.intake.desk``.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from auth.batch_keys import VerifyingKey
from auth.envelope import Batch, require_sealed
from auth.principal import Principal
from exchange_db import seals, wakeups
from exchange_db.inbox import Refusal
from exchange_db.records import Violated
from exchange_db.seal_records import BatchKey, KeptSeal, Sealed
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.listener import Listener

logger = logging.getLogger(__name__)

#: How long what the registry said is believed when nobody told of a change.
_BELIEVED_SECONDS = 5
_SECOND = 1_000_000
#: Neighbours whose keys are kept.
_MAX_KNOWN = 1_000


class _Known(NamedTuple):
    version: int
    asked_time: int
    required: tuple[str, ...]
    keys: tuple[tuple[BatchKey, VerifyingKey], ...]


class SealJudge:
    """Says of a batch whether its signatures are what the link demands.

    Args:
        ledger: the hub's database, which holds the registry.
        listener: wake-ups of this process.
        hub_id: name of this hub: the receiver.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, listener: Listener, hub_id: str, clock: Clock) -> None:
        self._ledger = ledger
        self._listener = listener
        self._hub_id = hub_id
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def required_of(self, sender: Principal) -> tuple[str, ...]:
        """Returns the algorithms the link to a sender demands."""
        return (await self._policy(sender.peer_id)).required

    async def judge(
        self, sender: Principal, first_sequence: int, payloads: Sequence[bytes | Refusal], sealed: Sealed | None
    ) -> list[KeptSeal]:
        """Returns the seals of a batch that held, to be kept with it.

        Raises:
            Violated: see ``auth.envelope.require_sealed``.
        """
        policy = await self._policy(sender.peer_id)
        if not policy.required and not policy.keys:
            return []
        signed_with = sealed.signed_with if sealed is not None else ()
        required = [name for name in policy.required if name not in signed_with]
        if not required and (sealed is None or not sealed.seals):
            return []
        now = self._clock()
        moment = datetime.fromtimestamp(now / _SECOND, UTC)
        stream, given = (sealed.stream, sealed.seals) if sealed is not None else ("", ())
        parcels = [payload for payload in payloads if isinstance(payload, bytes)]
        batch = Batch(sender.peer_id, self._hub_id, stream, first_sequence, parcels)
        keys = {
            key.key_id: verifying
            for key, verifying in policy.keys
            if key.withdrawn_time is None and key.begin_time <= moment < key.end_time
        }
        try:
            return require_sealed(batch, given, required, keys, now)
        except Violated as violated:
            logger.warning("batch of %s from number %d: %s", sender.peer_id, first_sequence, violated)
            raise

    async def _policy(self, peer_id: str) -> _Known:
        version, now = self._listener.version(wakeups.PEERS), self._clock()
        known = self._known.get(peer_id)
        if known is not None and known.version == version and 0 <= now - known.asked_time < _BELIEVED_SECONDS * _SECOND:
            return known
        async with self._ledger.watching() as connection:
            policy = await seals.policy_of(connection, peer_id)
        keys = tuple((key, VerifyingKey(key.public_key)) for key in policy.keys)
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        known = self._known[peer_id] = _Known(version, now, policy.required, keys)
        return known
