"""Personal data at rest: sealed with SM4-GCM under keys that are exchanged for new ones.

Owns the form of what is sealed and which key seals. Keys lie in the ledger wrapped by a key that lies beside it, so
the ledger alone opens nothing; a seal opens for its own case only. Who may see what is open: ``auth.permissions``.

Source: GB/T 35273-2020, 6.3 (storage of sensitive personal information is encrypted); GM/T 0002-2012 (SM4).
"""

import os
from collections.abc import Mapping

import msgspec

from auth.masking import masked_address, masked_name, masked_number
from auth.signing_keys import KeyWrap
from auth.sm import open_sealed, seal
from exchange_db.records import Text20, Text60, Text400

_KEY_BYTES = 16


class Reporter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who reported a case, as the platform that took the report knows them."""

    name: Text60 = ""
    phone: Text20 = ""
    address: Text400 = ""

    def masked(self) -> "Reporter":
        """Returns what is shown of them to who may not see more."""
        return Reporter(masked_name(self.name), masked_number(self.phone), masked_address(self.address))


class SealingKeys:
    """The keys of a hub for personal data; the newest seals, all of them open.

    Args:
        wrapped: number of a key to its wrapped bytes.
        wrap: what they are wrapped with.

    Raises:
        WrappingKeyInvalid: another key wrapped one of them.
    """

    def __init__(self, wrapped: Mapping[int, bytes], wrap: KeyWrap) -> None:
        self._keys = {number: wrap.unwrap(_name_of(number), content) for number, content in wrapped.items()}

    @property
    def newest(self) -> int:
        """Number of the key that seals; 0 while there is none."""
        return max(self._keys, default=0)

    def seal(self, reporter: Reporter, case_id: bytes) -> bytes:
        """Seals what is known of a case's reporter under the newest key."""
        return seal(self._keys[self.newest], msgspec.json.encode(reporter), case_id)

    def open(self, key_number: int, sealed: bytes, case_id: bytes) -> Reporter:
        """Opens what was sealed for a case.

        Raises:
            ValueError: the key is not there, or the bytes are not as they were or of another case.
        """
        if key_number not in self._keys:
            raise ValueError(f"no key {key_number}")
        return msgspec.json.decode(open_sealed(self._keys[key_number], sealed, case_id), type=Reporter)


def new_key(number: int, wrap: KeyWrap) -> bytes:
    """Makes a key of the operating system's chance and wraps it under its number."""
    return wrap.wrap(_name_of(number), os.urandom(_KEY_BYTES))


def _name_of(number: int) -> str:
    return f"personal data {number}"
