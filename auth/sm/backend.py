"""Which library computes SM2 in this process, and that it, SM3 and SM4 give the answers the standards print.

A library that lacks SM2 is passed over for the second source; one that computes wrongly is not: then nothing national
is computed in this process at all.
"""

from functools import cache
from typing import Protocol

from auth.sm import known_answers
from auth.sm.libcrypto import LibCrypto


class SmUnavailable(RuntimeError):
    """The national algorithms cannot be used in this process; its text says why and what to do."""


class PrivateHandle(Protocol):
    """A private key inside a library."""

    def sign(self, message: bytes, signer_id: bytes) -> bytes:
        """Signs; returns DER."""

    def decrypt(self, der: bytes) -> bytes:
        """Decrypts a ciphertext in DER; ValueError when it cannot be."""


class PublicHandle(Protocol):
    """A public key inside a library."""

    def verify(self, message: bytes, der: bytes, signer_id: bytes) -> bool:
        """Tells whether a signature in DER fits."""

    def encrypt(self, content: bytes) -> bytes:
        """Encrypts; returns DER."""


class Sm2Backend(Protocol):
    """A library that computes SM2."""

    name: str

    def generate(self) -> tuple[bytes, bytes]:
        """Makes a key; returns the secret number and its point."""

    def private(self, secret: bytes, point: bytes) -> PrivateHandle:
        """Takes a private key in."""

    def public(self, point: bytes) -> PublicHandle:
        """Takes a public key in."""


@cache
def require_sm() -> Sm2Backend:
    """Returns the library that computes SM2, after the known answers were tried on it, once a process.

    Raises:
        SmUnavailable: there is none, or an answer is wrong.
    """
    library = _found()
    try:
        known_answers.check(library)
    except ValueError as error:
        raise SmUnavailable(
            f"{library.name} 的国密自检未通过：{error}；本进程不使用 SM2/SM3/SM4，请更换 OpenSSL 或 gmssl-pyx。"
            f" / The self-test of {library.name} failed: {error}. Nothing national is computed; replace OpenSSL or"
            " gmssl-pyx."
        ) from None
    return library


def _found() -> Sm2Backend:
    try:
        return LibCrypto()
    except OSError as error:
        lacking = str(error)
    try:
        from auth.sm.gmssl import Gmssl  # noqa: PLC0415 — has no wheel for every machine, and is rarely needed
    except ImportError:
        raise SmUnavailable(
            f"本机没有可用的 SM2 实现（{lacking}）；请安装带 SM2 的 OpenSSL 3 或 gmssl-pyx。"
            f" / No SM2 here ({lacking}); install an OpenSSL 3 with SM2, or gmssl-pyx."
        ) from None
    return Gmssl()
