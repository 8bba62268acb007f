"""Keys batches are signed with: ES256, Ed25519, or SM2 with SM3, one form for all three.

A signature is 64 bytes whatever the algorithm; a key is named by the beginning of its public half's digest. Called by
``auth.envelope``, ``auth.key_cards`` and the command line.

Source: RFC 7518 section 3.4 (ES256), RFC 8032 (Ed25519), GM/T 0009-2012 (SM2 with SM3).
"""

import hashlib
import os
from enum import StrEnum
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from auth.hash_tree import TreeDigest
from auth.sm import Sm2Key, Sm2PublicKey, SmUnavailable, encoding

#: Bytes of a signature.
SIGNATURE_BYTES = 64
_HALF = 32
_ECDSA = ec.ECDSA(hashes.SHA256())
_Native = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class SigningKeyUnusable(Exception):
    """A signing key of our own cannot be used; its text says which, why, and what to do."""


class Algorithm(StrEnum):
    """How a batch is signed; the words travel and are stored."""

    ES256 = "ES256"
    ED25519 = "Ed25519"
    SM2_SM3 = "SM2-SM3"

    @property
    def digest(self) -> TreeDigest:
        """The digest of the tree that goes with it: national with national."""
        return TreeDigest.SM3 if self is Algorithm.SM2_SM3 else TreeDigest.SHA256


class VerifyingKey:
    """A public key; ``der`` is its SubjectPublicKeyInfo.

    Raises:
        ValueError: it is of none of the three algorithms.
        SmUnavailable: it is an SM2 key and nothing national can be computed here.
    """

    def __init__(self, der: bytes) -> None:
        self.der = der
        self.key_id = hashlib.sha256(der).hexdigest()[:16]
        self._key = _public(der)
        if isinstance(self._key, Sm2PublicKey):
            self.algorithm = Algorithm.SM2_SM3
        elif isinstance(self._key, ed25519.Ed25519PublicKey):
            self.algorithm = Algorithm.ED25519
        else:
            self.algorithm = Algorithm.ES256

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tells whether a signature, 64 bytes, fits a message."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            if isinstance(self._key, Sm2PublicKey):
                return self._key.verify(message, signature)
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, message)
            else:
                r, s = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
                self._key.verify(encode_dss_signature(r, s), message, _ECDSA)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        """Returns the key as PEM."""
        return encoding.as_pem("PUBLIC KEY", self.der)


class SigningKey:
    """A private key; ``public`` is its other half.

    Raises:
        ValueError: it is of none of the three algorithms.
        SmUnavailable: it is an SM2 key and nothing national can be computed here.
    """

    def __init__(self, key: _Native | Sm2Key) -> None:
        self._key = key
        self.public = VerifyingKey(key.public.der() if isinstance(key, Sm2Key) else _spki(key))

    @classmethod
    def generate(cls, algorithm: Algorithm) -> Self:
        """Makes a new key."""
        if algorithm is Algorithm.SM2_SM3:
            return cls(Sm2Key.generate())
        if algorithm is Algorithm.ED25519:
            return cls(ed25519.Ed25519PrivateKey.generate())
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, pem: bytes) -> Self:
        """Reads a key from PEM.

        Raises:
            ValueError: it is no unencrypted private key of one of the three algorithms.
        """
        try:
            native = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # ``cryptography`` knows no SM2; what is none either says so itself.
            return cls(Sm2Key.load(pem))
        if not isinstance(native, _Native):
            raise ValueError("batches are signed with P-256, Ed25519 or SM2")  # noqa: TRY004 — a wrong file
        return cls(native)

    @property
    def algorithm(self) -> Algorithm:
        """How it signs."""
        return self.public.algorithm

    def sign(self, message: bytes) -> bytes:
        """Signs; returns 64 bytes."""
        if isinstance(self._key, Sm2Key | ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        r, s = decode_dss_signature(self._key.sign(message, _ECDSA))
        return r.to_bytes(_HALF) + s.to_bytes(_HALF)

    def write(self, path: Path) -> None:
        """Writes the private key into a new file that only its owner can read.

        Raises:
            FileExistsError: the file is there already; nothing is overwritten.
        """
        if isinstance(self._key, Sm2Key):
            self._key.write(path)
            return
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)


def read_signing_key(path: Path) -> SigningKey:
    """Reads a signing key of our own.

    Raises:
        SigningKeyUnusable: the file cannot be read, or is no key that batches are signed with.
    """
    try:
        return SigningKey.load(path.read_bytes())
    except OSError as error:
        raise SigningKeyUnusable(
            f"读不到签名密钥 {path}：{error.strerror}。请用 sanji keys signing 生成。 / Cannot read that signing key."
        ) from None
    except (ValueError, SmUnavailable) as error:
        raise SigningKeyUnusable(f"签名密钥 {path} 不可用：{error} / That signing key cannot be used.") from None


def _spki(key: _Native) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _public(der: bytes) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | Sm2PublicKey:
    try:
        key = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        return Sm2PublicKey.load(der)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("batches are signed with P-256, Ed25519 or SM2")
