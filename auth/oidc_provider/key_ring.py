"""The keys this provider signs with now, and those it says it signs with.

Reads them from the ledger once a minute, and makes the first ones. Called by every part that signs or reads tokens.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from auth.oidc_provider.protocol import aware
from auth.signing_keys import ALGORITHMS, LEAD, OVERLAP, KeyWrap, make_key, published, signing
from auth.tokens import SigningKey, TokenReader, TokenSigner, Trust
from exchange_db import signing_keys
from exchange_db.session import Ledger, WriteSession
from exchange_db.signing_keys import StoredKey

#: How long the ledger is not asked again. New keys are published a day before they sign.
_LOOK = timedelta(seconds=60)


class KeyRing:
    """The signing keys of one hub.

    Args:
        ledger: the hub's database.
        wrap: opens the private halves.
        issuer: what tokens of this hub name as their issuer.
    """

    def __init__(self, ledger: Ledger, wrap: KeyWrap, issuer: str) -> None:
        self._ledger = ledger
        self._wrap = wrap
        self._issuer = issuer
        self._keys: list[StoredKey] = []
        self._looked_time: datetime | None = None
        self._opened: dict[str, SigningKey] = {}
        self._looking = asyncio.Lock()

    async def signer(self, algorithm: str, moment: int) -> TokenSigner:
        """Returns what signs now.

        Raises:
            WrappingKeyInvalid: the wrapping key is not the one the keys were wrapped with.
        """
        now = aware(moment)
        keys = await self._held(now)
        key = signing(keys, self._wrap, algorithm, now, self._opened)
        assert key is not None  # noqa: S101 — _held makes a key where there is none
        return TokenSigner(key)

    async def published(self, moment: int) -> list[dict[str, Any]]:
        """Returns the public keys as they are to be told."""
        now = aware(moment)
        return published(await self._held(now), now)

    async def reader(self, moment: int) -> TokenReader:
        """Returns what reads this hub's own tokens."""
        return TokenReader([Trust(self._issuer, ALGORITHMS, await self.published(moment))])

    async def _held(self, now: datetime) -> list[StoredKey]:
        async with self._looking:
            if self._looked_time is None or not timedelta(0) <= now - self._looked_time < _LOOK:
                async with self._ledger.read() as session:
                    self._keys = await signing_keys.all_keys(session)
                if missing := [name for name in ALGORITHMS if not _signs(self._keys, name, now)]:
                    async with self._ledger.write() as session:
                        self._keys = await _with_first_keys(session, self._wrap, missing, now)
                self._looked_time = now
            return self._keys


async def rotate(session: WriteSession, wrap: KeyWrap, now: datetime, lead: timedelta = LEAD) -> list[StoredKey]:
    """Makes the next keys: published now, signing after ``lead``; those before end once what they signed has ended.

    Returns:
        The new keys.
    """
    made = [make_key(wrap, algorithm, now + lead) for algorithm in ALGORITHMS]
    for key in made:
        await signing_keys.end(session, key.algorithm, key.key_id, now + lead + OVERLAP)
        await signing_keys.add(session, key)
    await signing_keys.forget(session, now)
    return made


async def _with_first_keys(session: WriteSession, wrap: KeyWrap, missing: list[str], now: datetime) -> list[StoredKey]:
    """Makes first keys, unless another process has done so meanwhile."""
    await signing_keys.lock(session)
    keys = await signing_keys.all_keys(session)
    for algorithm in missing:
        if not _signs(keys, algorithm, now):
            key = await asyncio.to_thread(make_key, wrap, algorithm, now)
            await signing_keys.add(session, key)
            keys.append(key)
    return keys


def _signs(keys: list[StoredKey], algorithm: str, now: datetime) -> bool:
    return any(
        key.algorithm == algorithm and key.use_time <= now and (key.end_time is None or now < key.end_time)
        for key in keys
    )
