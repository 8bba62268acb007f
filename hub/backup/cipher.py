"""How a backup is closed: to a public key, in chunks, so that a hub can write what only an offline key can read.

A sealed stream is ``MAGIC``, the ephemeral X25519 public key, and chunks of AES-256-GCM. The key of the stream comes
from both keys and the stream's label by HKDF-SHA256; the nonce of a chunk is its number and whether it is the last, so
chunks that are altered, left out, moved, or missing at the end do not open, and a stream does not open under another
label. This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over HPKE's base mode in the small
(RFC 9180); who made a backup is a matter of its signed manifest (``hub.backup.manifest``).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"SANJI-SEALED-1\n"
#: Plain bytes of a chunk.
CHUNK = 1024 * 1024
_TAG = 16
_KEY_BYTES = 32


class SealBroken(Exception):
    """A sealed stream was altered, cut off, belongs elsewhere, or was closed to another key."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"{place} 已损坏、被截断、被改动，或不是用此密钥加密的。"
            f" / {place} is damaged, cut off, altered, or was sealed to another key."
        )


class KeyUnusable(Exception):
    """A key file cannot be read, or its passphrase is wrong."""


def make_keys(public: Path, private: Path, passphrase: bytes) -> None:
    """Makes a recovery key pair; an empty passphrase leaves the private key in clear.

    Raises:
        OSError: a file is there already or cannot be written.
    """
    key = X25519PrivateKey.generate()
    closed = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, closed)
    private.touch(mode=0o600, exist_ok=False)
    private.write_bytes(pem)
    with public.open("xb") as file:
        file.write(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )


def read_public_key(path: Path) -> X25519PublicKey:
    """Returns the key backups are sealed to.

    Raises:
        KeyUnusable: the file is not there or holds no such key.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"备份公钥 {path} 不可用：{error} / the public key of backups cannot be used") from None
    if not isinstance(key, X25519PublicKey):
        raise KeyUnusable(f"{path} 不是 X25519 公钥 / is no X25519 public key")
    return key


def read_private_key(path: Path, passphrase: bytes) -> X25519PrivateKey:
    """Returns the key that opens backups.

    Raises:
        KeyUnusable: the file is not there, holds no such key, or the passphrase is wrong.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=passphrase or None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"恢复私钥 {path} 不可用或口令不对：{error} / cannot be used, or wrong passphrase") from None
    if not isinstance(key, X25519PrivateKey):
        raise KeyUnusable(f"{path} 不是 X25519 私钥 / is no X25519 private key")
    return key


def sealed(pieces: Iterable[bytes], recipient: X25519PublicKey, label: str) -> Iterator[bytes]:
    """Yields the sealed stream of some bytes, whatever the size of their pieces."""
    ephemeral = X25519PrivateKey.generate()
    mine = ephemeral.public_key().public_bytes_raw()
    cipher = _cipher(ephemeral.exchange(recipient), mine, recipient.public_bytes_raw(), label)
    yield MAGIC + mine
    waiting, number = bytearray(), 0
    for piece in pieces:
        waiting += piece
        while len(waiting) > CHUNK:
            yield cipher.encrypt(_nonce(number, is_last=False), bytes(waiting[:CHUNK]), None)
            del waiting[:CHUNK]
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), bytes(waiting), None)


def opened(source: BinaryIO, key: X25519PrivateKey, label: str) -> Iterator[bytes]:
    """Yields the bytes of a sealed stream. What was yielded is whole; only after the last piece all of it is.

    Raises:
        SealBroken: see there.
    """
    head = source.read(len(MAGIC) + _KEY_BYTES)
    theirs = head[len(MAGIC) :]
    if not head.startswith(MAGIC) or len(theirs) != _KEY_BYTES:
        raise SealBroken(label)
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError:
        raise SealBroken(label) from None
    cipher = _cipher(shared, theirs, key.public_key().public_bytes_raw(), label)
    number, chunk = 0, source.read(CHUNK + _TAG)
    while True:
        following = source.read(CHUNK + _TAG)
        try:
            yield cipher.decrypt(_nonce(number, is_last=not following), chunk, None)
        except InvalidTag:
            raise SealBroken(label) from None
        if not following:
            return
        number, chunk = number + 1, following


def _cipher(shared: bytes, ephemeral: bytes, recipient: bytes, label: str) -> AESGCM:
    derived = HKDF(hashes.SHA256(), 32, ephemeral + recipient, b"sanji backup 1\n" + label.encode()).derive(shared)
    return AESGCM(derived)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
