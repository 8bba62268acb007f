"""Administrators of this host: the way in when no platform can sign anybody on.

There is none until ``sanji admin create`` makes one. Sign-on takes the password and a one-time code, or a recovery code
in its place. A wrong name, password or code get the same answer after the same work, and five failures under one name
lock that name for a quarter of an hour, known or not, whatever is restarted.

Source: RFC 9106 (Argon2id), RFC 6238 (one-time codes, each good once), OWASP ASVS 5.0 V6.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from auth.assertion import Assertion, SignOnRefused
from auth.signing_keys import KeyWrap, WrappingKeyInvalid
from exchange_db import local_administrators as store
from exchange_db.local_administrators import AdministratorRow
from exchange_db.people import LOCAL
from exchange_db.session import Ledger, WriteSession

MOST_FAILURES = 5
LOCK_TIME = timedelta(minutes=15)
LEAST_PASSWORD, MOST_PASSWORD = 12, 256
RECOVERY_CODES = 8
#: What ``acr`` says of a sign-on with two factors here.
TWO_FACTORS = "urn:sanji:two-factors"
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}\Z")
_STEP_SECONDS = 30
#: Sign-ons that may wait for their turn to hash; more than that are turned away.
_MOST_WAITING = 20


class Made(NamedTuple):
    """What is shown once, when an administrator is made or reset."""

    secret_uri: str
    secret: str
    recovery_codes: tuple[str, ...]


class PasswordDoor:
    """Hashes passwords: in threads, two at a time, so that nobody can make the hub do nothing else."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(2)
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Returns the Argon2id hash of a password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, hashed: str | None, password: str) -> bool:
        """Tells whether a password is the one; without a hash the same work is done for nothing.

        Raises:
            SignOnRefused: too many wait already.
        """
        if self._waiting >= _MOST_WAITING:
            raise SignOnRefused("too_busy", "password checks waiting")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._verify, hashed, password)
        finally:
            self._waiting -= 1

    def _verify(self, hashed: str | None, password: str) -> bool:
        if not self._nobody:
            self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
        try:
            self._hasher.verify(hashed or self._nobody, password)
        except (Argon2Error, InvalidHashError):
            return False
        return hashed is not None


class LocalAdministrators:
    """The administrators of one host.

    Args:
        hub_id: the hub, shown in the authenticator.
        region: its region.
        wrapper: keeps the secrets of one-time codes.
        door: hashes.
    """

    def __init__(self, hub_id: str, region: int, wrapper: KeyWrap, door: PasswordDoor) -> None:
        self._hub_id = hub_id
        self._region = region
        self._wrapper = wrapper
        self._door = door

    async def make(self, session: WriteSession, name: str, password: str, now: datetime) -> Made:
        """Makes an administrator.

        Raises:
            ValueError: name or password do not fit, or there is one of that name.
        """
        require_name(name)
        require_password(name, password)
        if await store.find(session, name) is not None:
            raise ValueError(f"{name} exists")
        made, digests = self._fresh(name)
        wrapped = self._wrapper.wrap(name, made.secret.encode())
        hashed = await self._door.hash(password)
        await store.add(session, AdministratorRow(name, hashed, wrapped, digests, 0, "active", now))
        return made

    async def reset(self, session: WriteSession, name: str, password: str) -> Made | None:
        """Gives an administrator a new password, secret and recovery codes; ``None`` when there is none.

        Raises:
            ValueError: the password does not fit.
        """
        require_password(name, password)
        made, digests = self._fresh(name)
        is_known = await store.change(
            session,
            name,
            password_hash=await self._door.hash(password),
            wrapped_secret=self._wrapper.wrap(name, made.secret.encode()),
            recovery_digests=digests,
            last_step=0,
            state="active",
        )
        await store.forgive(session, _attempts_key(name))
        return made if is_known else None

    async def sign_on(self, ledger: Ledger, name: str, password: str, code: str, now: datetime) -> Assertion:
        """Signs an administrator on.

        Raises:
            SignOnRefused: wrong, locked, or too busy.
        """
        key = _attempts_key(name)
        async with ledger.write() as writing:
            tries = await store.attempts(writing, key)
            if tries is not None and tries.locked_until_time is not None and tries.locked_until_time > now:
                raise SignOnRefused("sign_on_locked", "locked")
            # Counted before it is checked: of tries made at once no more pass than of tries one by one.
            count = await store.note_failure(writing, key, now, now - LOCK_TIME)
            if count > MOST_FAILURES:
                raise SignOnRefused("sign_on_locked", "locked")
            if count == MOST_FAILURES:
                await store.lock(writing, key, now + LOCK_TIME)
            row = await store.find(writing, name) if _NAME.match(name) else None
        is_right = await self._door.fits(row.password_hash if row else None, password[: MOST_PASSWORD + 1])
        async with ledger.write() as writing:
            if is_right and row is not None and row.state == "active" and await self._use_code(writing, row, code, now):
                await store.forgive(writing, key)
                return Assertion(
                    upstream_id=LOCAL, subject=name, name=name, region=self._region, auth_time=now, acr=TWO_FACTORS
                )
        raise SignOnRefused("sign_on_wrong", "name, password or code")

    async def _use_code(self, session: WriteSession, row: AdministratorRow, code: str, now: datetime) -> bool:
        """Uses a one-time or recovery code up; tells whether it held."""
        code = "".join(code.split())
        digest = _recovery_digest(row.name, code)
        held = await store.find(session, row.name, is_locking=True)
        if held is None:
            return False
        left = [known for known in held.recovery_digests if not hmac.compare_digest(known, digest)]
        if len(left) < len(held.recovery_digests):
            return await store.change(session, row.name, recovery_digests=left)
        try:
            secret = self._wrapper.unwrap(row.name, held.wrapped_secret).decode()
        except WrappingKeyInvalid:
            raise SignOnRefused("no_wrapping_key", "the wrapping key does not fit") from None
        step = _step_of(pyotp.TOTP(secret), code, now)
        return step is not None and await store.use_step(session, row.name, step)

    def _fresh(self, name: str) -> tuple[Made, list[bytes]]:
        secret = pyotp.random_base32()
        uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self._hub_id)
        codes = tuple(base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES))
        return Made(uri, secret, codes), [_recovery_digest(name, code) for code in codes]


def require_name(name: str) -> None:
    """Checks the name of an administrator.

    Raises:
        ValueError: it is not 2 to 32 of a-z, 0-9, dot, dash and underscore, a letter first.
    """
    if not _NAME.match(name):
        raise ValueError("name: 2 to 32 of a-z 0-9 . _ -, a letter first")


def require_password(name: str, password: str) -> None:
    """Checks a password.

    Raises:
        ValueError: it is shorter than 12 characters, longer than 256, or holds the name.
    """
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise ValueError(f"password: {LEAST_PASSWORD} to {MOST_PASSWORD} characters")
    if name in password.lower() or len(set(password)) < 5:
        raise ValueError("password: too easily guessed")


def _step_of(totp: pyotp.TOTP, code: str, now: datetime) -> int | None:
    """Returns the number of the time step a code is of: this one, or one beside it for clocks that drift."""
    current = int(now.timestamp()) // _STEP_SECONDS
    fitting = [
        step
        for step in (current - 1, current, current + 1)
        if hmac.compare_digest(totp.at(step * _STEP_SECONDS).encode(), code.encode("utf-8", "surrogatepass"))
    ]
    return fitting[-1] if fitting else None


def _attempts_key(name: str) -> bytes:
    return hashlib.sha256(b"local " + name.encode("utf-8", "surrogatepass")).digest()


def _recovery_digest(name: str, code: str) -> bytes:
    return hashlib.sha256(f"{name} {code.lower()}".encode("utf-8", "surrogatepass")).digest()
