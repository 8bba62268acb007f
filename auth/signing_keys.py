"""The key pairs this hub signs tokens with: made here, kept wrapped, changed with an overlap.

Owns making, wrapping and choosing. A key is published before it signs and for a while after, so a reader that looked
an hour ago knows it. Does not store: ``exchange_db.signing_keys`` does. Called by the provider and ``sanji sign-on``.
"""

import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from auth.tokens import SigningKey
from exchange_db.signing_keys import StoredKey

#: ES256 is what is signed with; RS256 is there because OpenID Discovery demands it of every provider.
ALGORITHMS = ("ES256", "RS256")
#: How long a key is published before it signs: longer than readers keep a key set.
LEAD = timedelta(hours=24)
#: How long a key is published after it signed last: longer than anything it signed holds.
OVERLAP = timedelta(hours=24)
_NONCE_BYTES = 12
_KEY_BYTES = 32
_RSA_BITS = 2_048


class WrappingKeyInvalid(Exception):
    """The file with the wrapping key cannot be used, or is not the one a stored key was wrapped with."""


class KeyWrap:
    """Wraps private keys for the ledger (AES-256-GCM); whoever has only the ledger cannot sign.

    Args:
        key: 32 bytes, from a file that only the hub's user can read.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def of_file(cls, path: Path) -> "KeyWrap":
        """Reads the wrapping key; makes it when there is none yet.

        Raises:
            WrappingKeyInvalid: others may read the file, or it does not hold 32 bytes in hex.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(os.urandom(_KEY_BYTES).hex() + "\n")
        except FileExistsError:
            pass
        except OSError as error:
            raise WrappingKeyInvalid(f"{path}: {error.strerror}") from error
        try:
            if path.stat().st_mode & 0o077:
                raise WrappingKeyInvalid(f"{path}: others may read it; chmod 600")
            return cls(bytes.fromhex(path.read_text().strip()))
        except OSError as error:
            raise WrappingKeyInvalid(f"{path}: {error.strerror}") from error
        except ValueError:
            raise WrappingKeyInvalid(f"{path}: not {_KEY_BYTES} bytes in hex") from None

    def wrap(self, key_id: str, content: bytes) -> bytes:
        """Returns nonce and ciphertext; they open for the same id only."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, key_id.encode())

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """Returns what was wrapped.

        Raises:
            WrappingKeyInvalid: another key wrapped it, or it was changed.
        """
        try:
            return self._cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], key_id.encode())
        except InvalidTag:
            raise WrappingKeyInvalid(f"signing key {key_id} does not open with this wrapping key") from None


def make_key(wrap: KeyWrap, algorithm: str, use_time: datetime) -> StoredKey:
    """Makes a key pair that signs from ``use_time`` on; its id is its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(_RSA_BITS)
    key_id = key.thumbprint()
    private = json.dumps(key.as_dict(private=True)).encode()
    public = json.dumps({**_public(key), "kid": key_id, "alg": algorithm, "use": "sig"})
    return StoredKey(key_id, algorithm, public, wrap.wrap(key_id, private), use_time, None)


def signing(
    keys: Sequence[StoredKey],
    wrap: KeyWrap,
    algorithm: str,
    now: datetime,
    opened: dict[str, SigningKey] | None = None,
) -> SigningKey | None:
    """Returns the key that signs now: of those whose time has come, the last; ``None`` when there is none.

    Args:
        keys: all keys of the ledger.
        wrap: opens the private halves.
        algorithm: with which to sign.
        now: aware.
        opened: keys opened before, by id; what is opened now is put there.
    """
    begun = [key for key in keys if key.algorithm == algorithm and key.use_time <= now and not _is_over(key, now)]
    if not begun:
        return None
    stored = max(begun, key=lambda key: key.use_time)
    if opened is not None and stored.key_id in opened:
        return opened[stored.key_id]
    private = json.loads(wrap.unwrap(stored.key_id, stored.wrapped))
    key = SigningKey(stored.key_id, algorithm, JWKRegistry.import_key(private))
    if opened is not None:
        opened[stored.key_id] = key
    return key


def published(keys: Sequence[StoredKey], now: datetime) -> list[dict[str, Any]]:
    """Returns the public keys readers should know now: the next, the current, and those that signed lately."""
    return [json.loads(key.public_jwk) for key in keys if not _is_over(key, now)]


def state_of(key: StoredKey, keys: Sequence[StoredKey], now: datetime) -> str:
    """Tells how a key stands among all: ``next``, ``current``, ``retired`` or ``over``."""
    if _is_over(key, now):
        return "over"
    if key.use_time > now:
        return "next"
    later = [one for one in keys if one.algorithm == key.algorithm and key.use_time < one.use_time <= now]
    return "retired" if later else "current"


def _is_over(key: StoredKey, now: datetime) -> bool:
    return key.end_time is not None and key.end_time <= now


def _public(key: ECKey | RSAKey) -> dict[str, Any]:
    return dict(key.as_dict(private=False))
