"""The answers the standards print, tried before anything national is computed in a process.

Source: GM/T 0003.5-2012 annexes A and C, GM/T 0004-2012 annex A, GM/T 0002-2012 annex A, RFC 8998 appendix A.1.
"""

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

from auth.sm.encoding import DEFAULT_SIGNER_ID, CipherOrder, cipher_der, signature_der
from auth.sm.hashing import sm3
from auth.sm.sealing import sealed_with

if TYPE_CHECKING:
    from auth.sm.backend import Sm2Backend

_SM3 = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}
_SM4_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
_SM4_ANSWER = bytes.fromhex("681edf34d206965e86b3e94f536e4246")
_GCM_NONCE = bytes.fromhex("00001234567800000000abcd")
_GCM_CONTEXT = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_GCM_TEXT = bytes.fromhex("".join(letter * 16 for letter in "abcdefea"))
_GCM_ANSWER = bytes.fromhex(
    "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    "83de3541e4c2b58177e065a9bf7b62ec"
)
_SECRET = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
_POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_SIGNED = b"message digest"
_SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
_PLAIN = b"encryption standard"
_CIPHER = bytes.fromhex(
    "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    "21886ca989ca9c7d58087307ca93092d651efa"
)


def check(library: "Sm2Backend") -> None:
    """Tries every answer.

    Raises:
        ValueError: one is wrong; the text names it.
    """
    _require("SM3", all(sm3(content).hex() == answer for content, answer in _SM3.items()))
    block = Cipher(SM4(_SM4_KEY), ECB()).encryptor()  # noqa: S305 — the standard's example is one bare block
    _require("SM4", block.update(_SM4_KEY) + block.finalize() == _SM4_ANSWER)
    _require("SM4-GCM", sealed_with(_SM4_KEY, _GCM_NONCE, _GCM_TEXT, _GCM_CONTEXT) == _GCM_ANSWER)
    public, private = library.public(_POINT), library.private(_SECRET, _POINT)
    signature = signature_der(_SIGNATURE)
    _require("SM2 verify", public.verify(_SIGNED, signature, DEFAULT_SIGNER_ID))
    _require("SM2 refuse", not public.verify(_SIGNED + b".", signature, DEFAULT_SIGNER_ID))
    _require("SM2 decrypt", private.decrypt(cipher_der(_CIPHER, CipherOrder.C1C3C2)) == _PLAIN)
    # A signature and a ciphertext hold a number drawn by chance, so there is no answer to compare with but our own.
    made = private.sign(_SIGNED, DEFAULT_SIGNER_ID)
    _require("SM2 sign", made != signature and public.verify(_SIGNED, made, DEFAULT_SIGNER_ID))
    _require("SM2 encrypt", private.decrypt(public.encrypt(_PLAIN)) == _PLAIN)


def _require(what: str, is_right: bool) -> None:  # noqa: FBT001 — the one thing it is told
    if not is_right:
        raise ValueError(f"{what} differs from the known answer")
