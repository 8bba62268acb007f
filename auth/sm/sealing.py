"""SM4-GCM: bytes sealed under a key, so that they can neither be read nor changed without it.

Owns the form ``nonce ‖ ciphertext ‖ tag``. Does not keep keys.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

#: Bytes of a key, of the nonce in front and of the tag behind.
KEY_BYTES, NONCE_BYTES, TAG_BYTES = 16, 12, 16


def seal(key: bytes, content: bytes, context: bytes = b"") -> bytes:
    """Seals some bytes under a nonce of the operating system's chance.

    Args:
        key: 16 bytes. No more than 2^32 contents are sealed under one.
        content: what is sealed.
        context: what they belong to; the seal opens with the same context only.

    Source: GM/T 0002-2012; RFC 8998 section 2 for the mode.
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + sealed_with(key, nonce, content, context)


def sealed_with(key: bytes, nonce: bytes, content: bytes, context: bytes) -> bytes:
    """Returns ciphertext and tag under a nonce of the caller's, who never uses it twice."""
    sealing = Cipher(SM4(key), GCM(nonce)).encryptor()
    sealing.authenticate_additional_data(context)
    return sealing.update(content) + sealing.finalize() + sealing.tag


def open_sealed(key: bytes, sealed: bytes, context: bytes = b"") -> bytes:
    """Opens what ``seal`` sealed.

    Raises:
        ValueError: another key, another context, or the bytes are not as they were.
    """
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise ValueError("sealed bytes are too short")
    nonce, content, tag = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:-TAG_BYTES], sealed[-TAG_BYTES:]
    opening = Cipher(SM4(key), GCM(nonce, tag)).decryptor()
    opening.authenticate_additional_data(context)
    try:
        return opening.update(content) + opening.finalize()
    except InvalidTag:
        raise ValueError("sealed bytes do not open: another key, another context, or they were changed") from None
