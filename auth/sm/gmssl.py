"""SM2 by gmssl-pyx, the second source, for interpreters whose libcrypto was built without SM2.

Called by ``auth.sm.backend``.
"""

import gmssl_pyx


class Gmssl:
    """The library."""

    name = "gmssl-pyx"

    def generate(self) -> tuple[bytes, bytes]:
        """Makes a key; returns the secret number and its point."""
        point, secret = gmssl_pyx.sm2_key_generate()
        return secret, point

    def private(self, secret: bytes, point: bytes) -> "PrivateHandle":
        """Takes a private key in."""
        return PrivateHandle(secret, point)

    def public(self, point: bytes) -> "PublicHandle":
        """Takes a public key in."""
        return PublicHandle(point)


class PrivateHandle:
    """A private key as the library takes it."""

    def __init__(self, secret: bytes, point: bytes) -> None:
        self._secret = secret
        self._point = point

    def sign(self, message: bytes, signer_id: bytes) -> bytes:
        """Signs; returns DER."""
        return bytes(gmssl_pyx.sm2_sign(self._secret, self._point, message, signer_id))

    def decrypt(self, der: bytes) -> bytes:
        """Decrypts a ciphertext in DER.

        Raises:
            ValueError: it was made for another key, or changed.
        """
        try:
            return bytes(gmssl_pyx.sm2_decrypt(self._secret, der))
        except gmssl_pyx.GmsslInnerError as error:
            raise ValueError(f"gmssl-pyx refused the bytes: {error}") from None


class PublicHandle:
    """A public key as the library takes it."""

    def __init__(self, point: bytes) -> None:
        self._point = point

    def verify(self, message: bytes, der: bytes, signer_id: bytes) -> bool:
        """Tells whether a signature in DER fits."""
        try:
            return bool(gmssl_pyx.sm2_verify(self._point, message, der, signer_id))
        except gmssl_pyx.GmsslInnerError:
            return False

    def encrypt(self, content: bytes) -> bytes:
        """Encrypts; returns DER."""
        return bytes(gmssl_pyx.sm2_encrypt(self._point, content))
