"""SM2, SM3 and SM4, the national algorithms, behind one small interface.

SM3 and SM4 come from ``cryptography``, SM2 from the libcrypto of the interpreter or, where that was built without it,
from gmssl-pyx. On the wire a signature is r and s, 32 bytes each; DER is turned at the edge, in ``auth.sm.encoding``.
Nothing of this is a certified cipher product: where one is demanded, a device stands behind the same interface.

Source: GM/T 0002-2012 (SM4), GM/T 0003-2012 (SM2), GM/T 0004-2012 (SM3), GM/T 0009-2012 (forms and signer's name).
"""

from auth.sm.backend import SmUnavailable, require_sm
from auth.sm.encoding import DEFAULT_SIGNER_ID, CipherOrder
from auth.sm.hashing import hmac_sm3, sm3
from auth.sm.keys import SIGNATURE_BYTES, Sm2Key, Sm2PublicKey
from auth.sm.sealing import open_sealed, seal

__all__ = [
    "DEFAULT_SIGNER_ID",
    "SIGNATURE_BYTES",
    "CipherOrder",
    "Sm2Key",
    "Sm2PublicKey",
    "SmUnavailable",
    "hmac_sm3",
    "open_sealed",
    "require_sm",
    "seal",
    "sm3",
]
