"""What is shown of personal data to who has no right to all of it. Pure; decides nothing.

Names, telephone and identity numbers keep so much that two people can speak of the same one and a third cannot use
it. In free text only what has a form is found: numbers and addresses of mail. A name in a sentence has none.

Source: GB/T 35273-2020, 6.3 and annex A (personal information is shown de-identified); GB 11643-1999 (identity
numbers); the numbering plan of the telecommunications (mobile numbers begin with 13 to 19).
"""

import re
import unicodedata

_SPACE = r"[\s\-‐-―·.]?"
_MOBILE = rf"(?:(?:\+|00)86{_SPACE})?1[3-9]\d(?:{_SPACE}\d){{8}}"
_LANDLINE = r"(?:\(0\d{2,3}\)|0\d{2,3})[\s\-]?[2-9]\d{6,7}"
_IDENTITY = r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
_MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_FOUND = re.compile(
    rf"(?P<mail>{_MAIL})|(?<!\d)(?:(?P<identity>{_IDENTITY})|(?P<mobile>{_MOBILE})|(?P<landline>{_LANDLINE}))(?!\d)"
)


def masked_name(name: str) -> str:
    """Keeps the family name: 李雷 becomes 李*."""
    return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*" * len(name)


def masked_number(number: str) -> str:
    """Keeps the first three and the last four of eleven digits and more; of shorter ones the last two."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", number))
    if len(digits) >= 11:
        return f"{digits[-11:-8]}****{digits[-4:]}"
    return "*" * max(len(digits) - 2, 0) + digits[-2:] if len(digits) > 4 else "*" * len(digits)


def masked_address(address: str) -> str:
    """Keeps what comes before the first digit, up to the street; house, storey and door are gone."""
    normal = unicodedata.normalize("NFKC", address)
    kept = re.match(r"[^\d#]{0,30}", normal)
    shown = kept[0] if kept else ""
    return shown if shown == normal else f"{shown}***"


def masked_text(text: str) -> str:
    """Masks telephone numbers, identity numbers and addresses of mail wherever they stand in a text."""
    # Wide digits are one character each, as the narrow ones are, so places in both texts are the same.
    narrow = "".join(_narrow(letter) for letter in text)
    pieces, end = [], 0
    for found in _FOUND.finditer(narrow):
        pieces += [text[end : found.start()], _mask(found)]
        end = found.end()
    return "".join((*pieces, text[end:]))


def _narrow(letter: str) -> str:
    normal = unicodedata.normalize("NFKC", letter)
    return normal if len(normal) == 1 else letter


def _mask(found: re.Match[str]) -> str:
    text = found[0]
    if found.lastgroup == "mail":
        return f"{text[0]}***@***"
    if found.lastgroup == "identity":
        return f"{text[:6]}********{text[-2:]}"
    return masked_number(text)
