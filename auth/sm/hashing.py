"""SM3 and its HMAC."""

from cryptography.hazmat.primitives import hashes, hmac

#: Bytes of an SM3 digest.
DIGEST_BYTES = 32
_SM3 = hashes.SM3()


def sm3(content: bytes) -> bytes:
    """Returns the SM3 digest of some bytes, 32 bytes.

    Source: GM/T 0004-2012.
    """
    state = hashes.Hash(_SM3)
    state.update(content)
    return state.finalize()


def hmac_sm3(key: bytes, content: bytes) -> bytes:
    """Returns HMAC with SM3, 32 bytes.

    Source: RFC 2104 with GM/T 0004-2012.
    """
    state = hmac.HMAC(key, _SM3)
    state.update(content)
    return state.finalize()
