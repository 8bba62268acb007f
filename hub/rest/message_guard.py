"""Calls signed by RFC 9421 with a neighbour's own signing key: in the place of a secret both sides share.

The keys are those batches are signed with; a link that demands signatures takes no calls signed with a secret. A call
is believed after its body was read and compared. Nonces are used up by ``hub.rest.guard``.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from aiohttp import web

from auth.batch_keys import VerifyingKey
from connectors.transports import message_signatures
from connectors.transports.message_signatures import MessageKey, Named
from exchange_db import peers, seals
from exchange_db.records import Violated
from exchange_db.session import Ledger
from exchange_db.shared_secrets import Credential
from hub.clock import Clock
from hub.rest import bodies


class SignedCall(NamedTuple):
    """A call whose signature holds. ``created`` is seconds since 1970."""

    credential: Credential
    nonce: str
    created: int
    signed_with: tuple[str, ...]
    body: bytes


class MessageGuard:
    """Verifies calls that are signed with a key.

    Args:
        ledger: the hub's database, which holds registry and keys.
        clock: the hub's clock.
        hub_id: name of this hub.
    """

    def __init__(self, ledger: Ledger, clock: Clock, hub_id: str) -> None:
        self._ledger = ledger
        self._clock = clock
        self._hub_id = hub_id

    async def believed(self, request: web.Request) -> SignedCall:
        """Returns whose call it is, once its signature fits, and its body as it was sent.

        Raises:
            Violated: MESSAGE_SIGNATURE_INVALID, or what reading the body raises.
        """
        named = message_signatures.named_key(request.headers)
        if named is None:
            raise _invalid("keyid")
        credential, key = await self._key_of(named)
        body = await bodies.read_wire(request)
        try:
            told = message_signatures.believed(
                key,
                self._hub_id,
                request.method,
                request.raw_path,
                body,
                now=self._clock() // 1_000_000,
                headers=request.headers,
            )
        except ValueError as error:
            raise _invalid(str(error)) from None
        return SignedCall(credential, told.nonce, told.created, (key.algorithm,), body)

    async def require_none(self, peer_id: str) -> None:
        """Lets a call signed with a secret pass, where the link demands nothing better.

        Raises:
            Violated: MESSAGE_SIGNATURE_REQUIRED.
        """
        async with self._ledger.watching() as connection:
            required = (await seals.policy_of(connection, peer_id)).required
        if required:
            raise Violated("MESSAGE_SIGNATURE_REQUIRED", message_signatures.SIGNATURE_INPUT, " + ".join(required))

    async def _key_of(self, named: Named) -> tuple[Credential, MessageKey]:
        moment = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        async with self._ledger.watching() as connection:
            peer = await peers.by_name(connection, named.platform_id)
            keys = await seals.keys_of(connection, named.platform_id)
        for key in keys:
            is_valid = key.withdrawn_time is None and key.begin_time <= moment < key.end_time
            if peer is not None and key.key_id == named.key_id and is_valid:
                verifying = VerifyingKey(key.public_key)
                message_key = MessageKey(key.peer_id, key.key_id, key.algorithm, verify=verifying.verify)
                return Credential(peer, "", key.end_time), message_key
        raise _invalid(f"{named.platform_id}/{named.key_id}: no valid key")


def _invalid(told: str) -> Violated:
    return Violated("MESSAGE_SIGNATURE_INVALID", message_signatures.SIGNATURE_INPUT, told)
