"""The forms SM2 keys, signatures and ciphertexts have: raw on our wire, DER and PEM with everybody else.

Reads strictly: lengths that are longer than needed, numbers out of range, points off the curve and bytes behind the
end are refused. Computes nothing secret.

Source: GM/T 0003.5-2012 (the curve), GM/T 0009-2012 (DER forms), RFC 5208, RFC 5480 and RFC 5915 (key files).
"""

import base64
import binascii
import re
from enum import StrEnum

#: The signer's name where nobody agreed on another. It always is given: libraries differ in what they take for none.
DEFAULT_SIGNER_ID = b"1234567812345678"
#: Bytes of a number on the curve and of a point without its leading 04.
NUMBER_BYTES, POINT_BYTES = 32, 64
#: Order of the group.
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_PRIME = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93

_SEQUENCE, _INTEGER, _BITS, _OCTETS = 0x30, 0x02, 0x03, 0x04
#: id-ecPublicKey on the curve sm2p256v1, as an AlgorithmIdentifier has them.
_ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
_CURVE = bytes.fromhex("06082a811ccf5501822d")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----")
_PRIVATE_LABELS = (b"PRIVATE KEY", b"EC PRIVATE KEY", b"SM2 PRIVATE KEY")
_HASH_BYTES = 32


class CipherOrder(StrEnum):
    """In which order the parts of a raw ciphertext stand: point, digest, text, or as before 2012 the digest last."""

    C1C3C2 = "C1C3C2"
    C1C2C3 = "C1C2C3"


def require_point(point: bytes) -> bytes:
    """Returns a point, x and y, if it lies on the curve.

    Raises:
        ValueError: it does not.
    """
    if len(point) != POINT_BYTES:
        raise ValueError(f"an SM2 public key has {POINT_BYTES} bytes, this one {len(point)}")
    x, y = int.from_bytes(point[:NUMBER_BYTES]), int.from_bytes(point[NUMBER_BYTES:])
    if not (x < _PRIME and y < _PRIME and (y * y - (x * x * x - 3 * x + _B)) % _PRIME == 0):
        raise ValueError("the public key is no point on the SM2 curve")
    return point


def signature_der(raw: bytes) -> bytes:
    """Turns r and s into DER.

    Raises:
        ValueError: not 64 bytes, or a number outside 1 … n-1.
    """
    if len(raw) != 2 * NUMBER_BYTES:
        raise ValueError(f"a signature has {2 * NUMBER_BYTES} bytes, this one {len(raw)}")
    r, s = int.from_bytes(raw[:NUMBER_BYTES]), int.from_bytes(raw[NUMBER_BYTES:])
    if not (1 <= r < ORDER and 1 <= s < ORDER):
        raise ValueError("r or s is outside 1 … n-1")
    return _wrapped(_SEQUENCE, _integer(r) + _integer(s))


def signature_raw(der: bytes) -> bytes:
    """Turns a signature in DER into r and s, 32 bytes each.

    Raises:
        ValueError: it is not strictly DER, or a number is outside 1 … n-1.
    """
    body = _only(der, _SEQUENCE)
    r, at = _taken(body, 0, _INTEGER)
    s, at = _taken(body, at, _INTEGER)
    if at != len(body):
        raise ValueError("bytes behind the signature")
    numbers = (_number(r), _number(s))
    if not all(1 <= number < ORDER for number in numbers):
        raise ValueError("r or s is outside 1 … n-1")
    return b"".join(number.to_bytes(NUMBER_BYTES) for number in numbers)


def cipher_raw(der: bytes, order: CipherOrder) -> bytes:
    """Turns a ciphertext in DER into ``04 ‖ x ‖ y`` followed by digest and text in the order asked for.

    Raises:
        ValueError: it is not strictly DER.
    """
    body = _only(der, _SEQUENCE)
    x, at = _taken(body, 0, _INTEGER)
    y, at = _taken(body, at, _INTEGER)
    digest, at = _taken(body, at, _OCTETS)
    text, at = _taken(body, at, _OCTETS)
    if at != len(body) or len(digest) != _HASH_BYTES:
        raise ValueError("that is no SM2 ciphertext")
    point = require_point(_number(x).to_bytes(NUMBER_BYTES) + _number(y).to_bytes(NUMBER_BYTES))
    return b"\x04" + point + (digest + text if order is CipherOrder.C1C3C2 else text + digest)


def cipher_der(raw: bytes, order: CipherOrder) -> bytes:
    """Turns a raw ciphertext into DER.

    Raises:
        ValueError: too short, not of that form, or its point is not on the curve.
    """
    head = 1 + POINT_BYTES
    if len(raw) <= head + _HASH_BYTES or raw[0] != 4:  # an uncompressed point
        raise ValueError("that is no SM2 ciphertext")
    point, rest = require_point(raw[1:head]), raw[head:]
    if order is CipherOrder.C1C3C2:
        digest, text = rest[:_HASH_BYTES], rest[_HASH_BYTES:]
    else:
        digest, text = rest[-_HASH_BYTES:], rest[:-_HASH_BYTES]
    x, y = int.from_bytes(point[:NUMBER_BYTES]), int.from_bytes(point[NUMBER_BYTES:])
    return _wrapped(_SEQUENCE, _integer(x) + _integer(y) + _wrapped(_OCTETS, digest) + _wrapped(_OCTETS, text))


def public_der(point: bytes) -> bytes:
    """Returns a public key as SubjectPublicKeyInfo."""
    return _wrapped(_SEQUENCE, _ALGORITHM + _wrapped(_BITS, b"\x00\x04" + point))


def private_der(secret: bytes, point: bytes) -> bytes:
    """Returns a private key with its public half as PKCS #8."""
    public = _wrapped(0xA1, _wrapped(_BITS, b"\x00\x04" + point))
    key = _wrapped(_SEQUENCE, _integer(1) + _wrapped(_OCTETS, secret) + public)
    return _wrapped(_SEQUENCE, _integer(0) + _ALGORITHM + _wrapped(_OCTETS, key))


def as_pem(label: str, der: bytes) -> bytes:
    """Returns DER in its PEM form, for example labelled ``PUBLIC KEY``."""
    body = base64.b64encode(der)
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return b"\n".join([f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----\n".encode()])


def read_public(content: bytes) -> bytes:
    """Reads a public key, PEM or DER, and returns its point.

    Raises:
        ValueError: it is no SM2 public key.
    """
    body = _only(_der_in(content, (b"PUBLIC KEY",)), _SEQUENCE)
    if not body.startswith(_ALGORITHM):
        raise ValueError("that is no SM2 public key")
    bits, at = _taken(body, len(_ALGORITHM), _BITS)
    if at != len(body):
        raise ValueError("bytes behind the public key")
    return _point_of(bits)


def read_private(content: bytes) -> tuple[bytes, bytes]:
    """Reads a private key, PEM or DER, PKCS #8 or SEC 1; returns the secret number and its point.

    Raises:
        ValueError: it is no SM2 private key, is encrypted, or lacks its public half.
    """
    body = _only(_der_in(content, _PRIVATE_LABELS), _SEQUENCE)
    version, at = _taken(body, 0, _INTEGER)
    if version == b"\x00":
        if body[at : at + len(_ALGORITHM)] != _ALGORITHM:
            raise ValueError("that is no SM2 private key")
        inner, _ = _taken(body, at + len(_ALGORITHM), _OCTETS)
        body = _only(inner, _SEQUENCE)
        version, at = _taken(body, 0, _INTEGER)
    elif _CURVE not in body:
        raise ValueError("that is no SM2 private key")
    if version != b"\x01":
        raise ValueError("that is no SM2 private key")
    secret, at = _taken(body, at, _OCTETS)
    if len(secret) != NUMBER_BYTES or not 1 <= int.from_bytes(secret) < ORDER - 1:
        raise ValueError("the private number is outside 1 … n-2")
    while at < len(body):
        tag = body[at]
        part, at = _taken(body, at, tag)
        if tag == 0xA1:  # [1], the public half
            return secret, _point_of(_only(part, _BITS))
    raise ValueError("the private key lacks its public half; write it anew with: openssl pkey")


def _point_of(bits: bytes) -> bytes:
    if bits[:2] != b"\x00\x04":
        raise ValueError("the public key is not given as an uncompressed point")
    return require_point(bits[2:])


def _der_in(content: bytes, labels: tuple[bytes, ...]) -> bytes:
    """Returns the first block with one of some labels, or the content itself where it is no PEM."""
    if content[:1] == b"\x30":
        return content
    for label, body in _PEM.findall(content):
        if label in labels:
            try:
                return base64.b64decode(b"".join(body.split()), validate=True)
            except binascii.Error as error:
                raise ValueError(f"the PEM block cannot be read: {error}") from None
    raise ValueError("no unencrypted SM2 key in it")


def _integer(number: int) -> bytes:
    return _wrapped(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def _number(content: bytes) -> int:
    """Reads an INTEGER as DER has it: not negative, no byte too many."""
    if not content or content[0] & 0x80 or (len(content) > 1 and content[0] == 0 and not content[1] & 0x80):
        raise ValueError("a number is not in its DER form")
    if len(content) > NUMBER_BYTES + 1:
        raise ValueError("a number is too long")
    number = int.from_bytes(content)
    if number.bit_length() > 8 * NUMBER_BYTES:
        raise ValueError("a number is too long")
    return number


def _wrapped(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:  # DER's short form
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def _only(der: bytes, tag: int) -> bytes:
    content, at = _taken(der, 0, tag)
    if at != len(der):
        raise ValueError("bytes behind the end")
    return content


def _taken(der: bytes, at: int, tag: int) -> tuple[bytes, int]:
    """Returns the content of the element at a place, and the place behind it."""
    if len(der) < at + 2 or der[at] != tag:
        raise ValueError(f"DER: element {tag:#04x} expected at byte {at}")
    size, start = der[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 2 or len(der) < start + count:  # nothing of ours is longer than 64 KiB
            raise ValueError("DER: a length that is not read")
        size, start = int.from_bytes(der[start : start + count]), start + count
        if size < 0x80 or (count == 2 and size < 0x100):  # DER's shortest form
            raise ValueError("DER: a length in a longer form than needed")
    if len(der) < start + size:
        raise ValueError("DER: shorter than it says")
    return der[start : start + size], start + size
