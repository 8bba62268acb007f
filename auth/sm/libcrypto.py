"""SM2 by the libcrypto that the interpreter itself is linked with, through ctypes.

Owns the calls and the memory behind them. Knows nothing of forms but DER; ranges are checked by the callers. Calls let
go of the interpreter's lock. Called by ``auth.sm.backend``.

Source: the EVP interface of OpenSSL 3, EVP_PKEY-SM2(7).
"""

import _hashlib
import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_void_p

from auth.sm import encoding

_SIGNATURE_MOST_BYTES = 80
_POINTER_CALLS: dict[str, list[object]] = {
    "EVP_sm3": [],
    "EVP_MD_CTX_new": [],
    "EVP_PKEY_CTX_new": [c_void_p, c_void_p],
    "EVP_PKEY_CTX_new_from_name": [c_void_p, c_char_p, c_char_p],
    "d2i_AutoPrivateKey": [c_void_p, POINTER(c_char_p), c_long],
    "d2i_PUBKEY": [c_void_p, POINTER(c_char_p), c_long],
}
_INT_CALLS: dict[str, list[object]] = {
    "EVP_PKEY_CTX_set1_id": [c_void_p, c_char_p, c_int],
    "EVP_DigestSignInit": [c_void_p] * 5,
    "EVP_DigestVerifyInit": [c_void_p] * 5,
    "EVP_DigestSign": [c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t],
    "EVP_DigestVerify": [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t],
    "EVP_PKEY_keygen_init": [c_void_p],
    "EVP_PKEY_generate": [c_void_p, POINTER(c_void_p)],
    "EVP_PKEY_encrypt_init": [c_void_p],
    "EVP_PKEY_encrypt": [c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t],
    "EVP_PKEY_decrypt_init": [c_void_p],
    "EVP_PKEY_decrypt": [c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t],
    "i2d_PrivateKey": [c_void_p, c_void_p],
}
_VOID_CALLS: dict[str, list[object]] = {
    "EVP_MD_CTX_set_pkey_ctx": [c_void_p, c_void_p],
    "EVP_MD_CTX_free": [c_void_p],
    "EVP_PKEY_CTX_free": [c_void_p],
    "EVP_PKEY_free": [c_void_p],
    "ERR_clear_error": [],
}


class LibCrypto:
    """The library; made once a process.

    Raises:
        OSError: the interpreter has no libcrypto of its own, or one without SM2.
    """

    name = "libcrypto"

    def __init__(self) -> None:
        # Asked through the module that is linked with it: other packages bring libcryptos of their own along.
        self.calls = ctypes.CDLL(getattr(_hashlib, "__file__", None))
        try:
            for names, answer in ((_POINTER_CALLS, c_void_p), (_INT_CALLS, c_int), (_VOID_CALLS, None)):
                for name, arguments in names.items():
                    call = getattr(self.calls, name)
                    call.restype, call.argtypes = answer, arguments
        except AttributeError as error:
            raise OSError(f"libcrypto lacks {error}") from None
        self.digest = self.calls.EVP_sm3()
        context = self.calls.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        if not (self.digest and context):
            self.calls.ERR_clear_error()
            raise OSError("libcrypto was built without SM2")
        self.calls.EVP_PKEY_CTX_free(context)

    def generate(self) -> tuple[bytes, bytes]:
        """Makes a key; returns the secret number and its point."""
        context = self.calls.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        made = c_void_p()
        try:
            self.require(self.calls.EVP_PKEY_keygen_init(context))
            self.require(self.calls.EVP_PKEY_generate(context, byref(made)))
            size = self.calls.i2d_PrivateKey(made, None)
            buffer = ctypes.create_string_buffer(max(size, 1))
            self.require(self.calls.i2d_PrivateKey(made, byref(c_void_p(ctypes.addressof(buffer)))))
            return encoding.read_private(buffer.raw[:size])
        finally:
            self.calls.EVP_PKEY_free(made)
            self.calls.EVP_PKEY_CTX_free(context)

    def private(self, secret: bytes, point: bytes) -> "PrivateHandle":
        """Takes a private key in."""
        return PrivateHandle(self, self._loaded(self.calls.d2i_AutoPrivateKey, encoding.private_der(secret, point)))

    def public(self, point: bytes) -> "PublicHandle":
        """Takes a public key in."""
        return PublicHandle(self, self._loaded(self.calls.d2i_PUBKEY, encoding.public_der(point)))

    def require(self, result: int) -> None:
        """Refuses a call's answer that is no success.

        Raises:
            ValueError: the library could not do it.
        """
        if result < 1:
            self.calls.ERR_clear_error()
            raise ValueError("libcrypto refused the key or the bytes")

    def _loaded(self, load: Callable[..., int | None], der: bytes) -> int:
        key = load(None, byref(c_char_p(der)), len(der))
        if not key:
            self.calls.ERR_clear_error()
            raise ValueError("libcrypto refused the key")
        return key


class _Handle:
    """A key inside the library."""

    def __init__(self, library: LibCrypto, key: int) -> None:
        self._library = library
        self._calls = library.calls
        self._key = key

    def __del__(self) -> None:
        self._calls.EVP_PKEY_free(self._key)

    def _contexts(self, signer_id: bytes) -> tuple[int, int]:
        digesting, keyed = self._calls.EVP_MD_CTX_new(), self._calls.EVP_PKEY_CTX_new(self._key, None)
        self._calls.EVP_MD_CTX_set_pkey_ctx(digesting, keyed)
        if self._calls.EVP_PKEY_CTX_set1_id(keyed, signer_id, len(signer_id)) < 1:
            self._free(digesting, keyed)
            raise ValueError("libcrypto refused the signer's name")
        return digesting, keyed

    def _free(self, digesting: int, keyed: int) -> None:
        self._calls.EVP_MD_CTX_free(digesting)
        self._calls.EVP_PKEY_CTX_free(keyed)

    def _transformed(self, name: str, content: bytes) -> bytes:
        """Encrypts or decrypts: asks for the size first, as the library wants it."""
        context = self._calls.EVP_PKEY_CTX_new(self._key, None)
        transform = getattr(self._calls, name)
        size = c_size_t()
        try:
            self._library.require(getattr(self._calls, f"{name}_init")(context))
            self._library.require(transform(context, None, byref(size), content, len(content)))
            buffer = ctypes.create_string_buffer(size.value)
            self._library.require(transform(context, buffer, byref(size), content, len(content)))
            return buffer.raw[: size.value]
        finally:
            self._calls.EVP_PKEY_CTX_free(context)


class PrivateHandle(_Handle):
    """A private key inside the library."""

    def sign(self, message: bytes, signer_id: bytes) -> bytes:
        """Signs; returns DER."""
        digesting, keyed = self._contexts(signer_id)
        try:
            self._library.require(
                self._calls.EVP_DigestSignInit(digesting, None, self._library.digest, None, self._key)
            )
            size, buffer = c_size_t(_SIGNATURE_MOST_BYTES), ctypes.create_string_buffer(_SIGNATURE_MOST_BYTES)
            self._library.require(self._calls.EVP_DigestSign(digesting, buffer, byref(size), message, len(message)))
            return buffer.raw[: size.value]
        finally:
            self._free(digesting, keyed)

    def decrypt(self, der: bytes) -> bytes:
        """Decrypts a ciphertext in DER.

        Raises:
            ValueError: it was made for another key, or changed.
        """
        return self._transformed("EVP_PKEY_decrypt", der)


class PublicHandle(_Handle):
    """A public key inside the library."""

    def verify(self, message: bytes, der: bytes, signer_id: bytes) -> bool:
        """Tells whether a signature in DER fits."""
        digesting, keyed = self._contexts(signer_id)
        try:
            self._library.require(
                self._calls.EVP_DigestVerifyInit(digesting, None, self._library.digest, None, self._key)
            )
            fits: bool = self._calls.EVP_DigestVerify(digesting, der, len(der), message, len(message)) == 1
            if not fits:
                self._calls.ERR_clear_error()
            return fits
        finally:
            self._free(digesting, keyed)

    def encrypt(self, content: bytes) -> bytes:
        """Encrypts; returns DER."""
        return self._transformed("EVP_PKEY_encrypt", content)
