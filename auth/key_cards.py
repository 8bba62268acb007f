"""The card of a signing key: who signs with it and from when to when, signed by the owner's certificate.

A card is what operators give each other, and what evidence carries: it leads from the key of a batch to the
federation's authority without anybody's registry. Pure. Called by ``hub.federation``, the evidence of cases and the
command line.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import DecodeError, Struct, json

from auth import signatures
from auth.batch_keys import VerifyingKey
from auth.sm import SmUnavailable
from exchange_db.records import Violated

#: What a card is signed for, and its first line.
PURPOSE = "sanji signing key 1"
#: Most bytes of a card.
MAX_CARD_BYTES = 80 * 1024
_NAMES = ("platform", "public", "begins", "ends", "made")


class Card(NamedTuple):
    """What a card says: whose key, and when it may sign; times aware, to the second."""

    platform_id: str
    key: VerifyingKey
    begin_time: datetime
    end_time: datetime
    made_time: datetime


class _File(Struct, forbid_unknown_fields=True):
    card: str
    signature: str
    certificates: str


def write_card(
    platform_id: str,
    key: VerifyingKey,
    begin_time: datetime,
    end_time: datetime,
    made_time: datetime,
    certificates: bytes,
    certificate_key: bytes,
) -> bytes:
    """Makes a card: JSON with the lines that are signed, the signature and the certificates.

    Raises:
        ValueError: certificate and key cannot be used for signing, or the key ends before it begins.
    """
    if end_time <= begin_time:
        raise ValueError("the key would end before it begins")
    values = (platform_id, base64.b64encode(key.der).decode(), *map(_written, (begin_time, end_time, made_time)))
    lines = [f"{name}: {value}\n" for name, value in zip(_NAMES, values, strict=True)]
    signed = signatures.sign(PURPOSE, "".join(lines).encode(), certificates, certificate_key)
    return json.format(
        json.encode(
            _File(signed.content.decode(), base64.b64encode(signed.signature).decode(), signed.certificates.decode())
        )
    )


def read_card(content: bytes, authorities: bytes) -> Card:
    """Reads a card and verifies it up to the federation's authority.

    Args:
        content: the card, from anywhere.
        authorities: PEM of the federation's authorities.

    Raises:
        Violated: KEY_CARD_INVALID with what is wrong.
    """
    return _owned(content, lambda card, signed: signatures.signer_of(PURPOSE, signed, authorities, card.made_time))


def read_unproved(content: bytes) -> Card:
    """Reads a card and asks no authority: it is as it was signed, by the certificate that lies in it.

    Raises:
        Violated: KEY_CARD_INVALID with what is wrong.
    """
    return _owned(content, lambda _, signed: signatures.signer_unproved(PURPOSE, signed))


def _owned(content: bytes, signer_of: Callable[[Card, signatures.Signed], str]) -> Card:
    """Returns a card that was signed by the platform it names."""
    try:
        card, signed = _read(content)
        signer = signer_of(card, signed)
    except Violated as violated:
        raise Violated("KEY_CARD_INVALID", "card", violated.violation.message) from None
    except (ValueError, binascii.Error, OverflowError, SmUnavailable) as error:
        raise Violated("KEY_CARD_INVALID", "card", error) from None
    if signer != card.platform_id:
        raise Violated("KEY_CARD_INVALID", "card", f"{signer} ≠ {card.platform_id}")
    return card


def _read(content: bytes) -> tuple[Card, signatures.Signed]:
    if len(content) > MAX_CARD_BYTES:
        raise ValueError("the card is too long")
    try:
        file = json.decode(content, type=_File)
    except DecodeError as error:
        raise ValueError(f"it is no card: {error}") from None
    lines = file.card.split("\n")
    if len(lines) != len(_NAMES) + 1 or lines[-1]:
        raise ValueError("it is no card")
    values = []
    for name, line in zip(_NAMES, lines[:-1], strict=True):
        if not line.startswith(f"{name}: "):
            raise ValueError(f"it is no card: {name} is missing")
        values.append(line.removeprefix(f"{name}: "))
    key = VerifyingKey(base64.b64decode(values[1], validate=True))
    begin, end, made = (datetime.fromisoformat(value).astimezone(UTC) for value in values[2:])
    if end <= begin:
        raise ValueError("the key ends before it begins")
    signature = base64.b64decode(file.signature, validate=True)
    return Card(values[0], key, begin, end, made), signatures.Signed(
        file.card.encode(), signature, file.certificates.encode()
    )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
