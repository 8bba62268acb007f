"""SM2 keys: signing, verifying, encrypting small contents, and their files.

Signatures are r and s, 64 bytes; ciphertexts are raw in either order. Called by ``auth.envelope`` and the command line.
"""

import os
from pathlib import Path
from typing import Self

from auth.sm import encoding
from auth.sm.backend import require_sm
from auth.sm.encoding import DEFAULT_SIGNER_ID, CipherOrder

#: Bytes of a signature on the wire.
SIGNATURE_BYTES = 64
#: Most bytes encrypted at once; what is longer is sealed with SM4 under a key that is encrypted so.
MOST_PLAIN_BYTES = 255


class Sm2PublicKey:
    """A public key; its point was found on the curve.

    Raises:
        ValueError: the point is not on the curve.
        SmUnavailable: nothing national can be computed here.
    """

    def __init__(self, point: bytes) -> None:
        self.point = encoding.require_point(point)
        self._handle = require_sm().public(point)

    @classmethod
    def load(cls, content: bytes) -> Self:
        """Reads a key from PEM or DER.

        Raises:
            ValueError: it is no SM2 public key.
        """
        return cls(encoding.read_public(content))

    def verify(self, message: bytes, signature: bytes, signer_id: bytes = DEFAULT_SIGNER_ID) -> bool:
        """Tells whether a signature, 64 bytes, fits a message. One that is out of range or in DER does not."""
        try:
            der = encoding.signature_der(signature)
        except ValueError:
            return False
        return self._handle.verify(message, der, signer_id)

    def encrypt(self, content: bytes, order: CipherOrder = CipherOrder.C1C3C2) -> bytes:
        """Encrypts 1 to 255 bytes.

        Raises:
            ValueError: none, or more.
        """
        if not 1 <= len(content) <= MOST_PLAIN_BYTES:
            raise ValueError(f"SM2 encrypts 1 to {MOST_PLAIN_BYTES} bytes at once")
        return encoding.cipher_raw(self._handle.encrypt(content), order)

    def der(self) -> bytes:
        """Returns the key as SubjectPublicKeyInfo."""
        return encoding.public_der(self.point)

    def pem(self) -> bytes:
        """Returns the key as PEM."""
        return encoding.as_pem("PUBLIC KEY", self.der())


class Sm2Key:
    """A private key with its public half. It is never shown; only ``pem`` gives it out.

    Raises:
        ValueError: the two halves do not belong together.
        SmUnavailable: nothing national can be computed here.
    """

    def __init__(self, secret: bytes, point: bytes) -> None:
        self.public = Sm2PublicKey(point)
        self._secret = secret
        self._handle = require_sm().private(secret, point)
        if not self.public.verify(b"pair", self.sign(b"pair")):
            raise ValueError("the private number does not belong to the public key")

    @classmethod
    def generate(cls) -> Self:
        """Makes a new key."""
        return cls(*require_sm().generate())

    @classmethod
    def load(cls, content: bytes) -> Self:
        """Reads a key from PEM or DER, PKCS #8 or SEC 1.

        Raises:
            ValueError: it is no unencrypted SM2 private key with its public half.
        """
        return cls(*encoding.read_private(content))

    def sign(self, message: bytes, signer_id: bytes = DEFAULT_SIGNER_ID) -> bytes:
        """Signs a message; returns r and s, 64 bytes."""
        return encoding.signature_raw(self._handle.sign(message, signer_id))

    def decrypt(self, content: bytes, order: CipherOrder = CipherOrder.C1C3C2) -> bytes:
        """Decrypts what was encrypted for this key.

        Raises:
            ValueError: it was encrypted for another key, in another order, or changed.
        """
        return self._handle.decrypt(encoding.cipher_der(content, order))

    def pem(self) -> bytes:
        """Returns the private key as PEM, PKCS #8, not encrypted."""
        return encoding.as_pem("PRIVATE KEY", encoding.private_der(self._secret, self.public.point))

    def write(self, path: Path) -> None:
        """Writes the private key into a new file that only its owner can read.

        Raises:
            FileExistsError: the file is there already; nothing is overwritten.
        """
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(self.pem())
