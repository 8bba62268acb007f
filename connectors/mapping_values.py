"""Values of cells as pure functions: text that spreadsheets have damaged, numbers, truth, and local times.

What cannot be told for certain is a ``ValueError``; nothing is guessed.
"""

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

Choice = Literal["refuse", "earlier", "later"]

#: Full-width signs to ASCII, wide and non-breaking blanks to blanks, invisible ones to nothing.
_HALF_WIDTH: dict[int, int | None] = {
    **{0xFF01 + n: 0x21 + n for n in range(94)},
    **dict.fromkeys((0x00A0, 0x3000), 0x20),
    **dict.fromkeys((0x200B, 0x2060, 0xFEFF)),
}
_BLANK = " \t\r\n\u00a0\u3000\u200b\u2060\ufeff"
_BLANKS = re.compile(r"[ \t\r\n]+")
_WHOLE = re.compile(r"([+-]?[0-9]{1,40})(?:\.0*)?\Z")
_LIKE_A_NUMBER = re.compile(r"[+-]?[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?\Z")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,2})?\Z")
#: As a spreadsheet shows a number too long for its column or its fifteen digits.
_CUT = re.compile(r"[+-]?[0-9](?:\.[0-9]*)?E\+[0-9]{2,3}\Z", re.IGNORECASE)
_TRUE, _FALSE = {"true", "yes", "y", "1", "1.0", "是"}, {"false", "no", "n", "0", "0.0", "否"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 — a local time of unknown zone is what Excel writes
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = 60_000_000
#: Formats beside those of ``strptime``: days since 1900 as Excel counts them, and Unix time.
SPECIAL_FORMATS = ("excel", "unix", "unix_ms")


class TimeUncertain(ValueError):
    """A local time that did not exist or came twice when the clocks were changed."""


class Clock(NamedTuple):
    """How local times are read: the zone, and what to do where clocks were changed.

    ``missing`` times were skipped when clocks went forward: ``later`` reads 02:30 as 03:30, ``earlier`` as 01:30.
    ``ambiguous`` ones came twice when clocks went back: the ``earlier`` or ``later`` of the two.
    """

    zone: tzinfo
    missing: Choice = "refuse"
    ambiguous: Choice = "refuse"


def tidy(text: str) -> str:
    """Strips blanks of every kind, also full-width, non-breaking and invisible ones."""
    return text.strip(_BLANK)


def half_width(text: str) -> str:
    """Returns a text as it is compared: full-width letters, digits and signs as ASCII, single blanks, none around."""
    if not text.isascii():
        text = text.translate(_HALF_WIDTH)
    return _BLANKS.sub(" ", text).strip(" ")


def undamaged(text: str) -> str:
    """Returns a code that a spreadsheet took for a number as it was: ``12.0`` as ``12``.

    Raises:
        ValueError: digits are lost (``1.01E+11``) or it never was whole (``12.5``).
    """
    if not _LIKE_A_NUMBER.match(text):
        return text
    whole = _WHOLE.match(text)
    if whole is None:
        raise ValueError(text)
    return whole[1]


def is_cut(text: str) -> bool:
    """Tells whether a spreadsheet has written a code in powers of ten, ``1.01E+11``, so that its digits are lost."""
    return _CUT.match(text) is not None


def whole_number(text: str) -> int:
    """Reads ``12``, ``12.0`` or ``-3``.

    Raises:
        ValueError: it is no whole number.
    """
    match = _WHOLE.match(text)
    if match is None:
        raise ValueError(text)
    return int(match[1])


def number(text: str) -> float:
    """Reads a decimal number with a point.

    Raises:
        ValueError: it is none; infinity and NaN are none either.
    """
    if not _NUMBER.match(text):
        raise ValueError(text)
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def truth(text: str) -> bool:
    """Reads 是/否, true/false, yes/no, y/n, 1/0.

    Raises:
        ValueError: it is none of them.
    """
    lower = text.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise ValueError(text)


@lru_cache(maxsize=4096)  # one column often fills several fields
def moment(text: str, formats: tuple[str, ...], clock: Clock) -> int:
    """Returns microseconds since 1970 of a time in the first format that fits.

    A format with ``%z`` names its own offset; all others are local times of the clock's zone.

    Raises:
        TimeUncertain: the local time was skipped or came twice, and the clock says to refuse it.
        ValueError: no format fits.
    """
    for form in formats:
        try:
            found = _read(text, form)
        except (ValueError, OverflowError):
            continue
        try:
            if found.tzinfo is None:
                found = _localized(found, clock)
            return (found - _EPOCH) // _MICROSECOND
        except OverflowError:
            continue
    raise ValueError(text)


def minutes(time: int) -> int:
    """Returns the whole minutes of a time in microseconds: a revision that rises with every change of a row."""
    return time // _MINUTE


def _read(text: str, form: str) -> datetime:
    if form == "excel":
        days = number(text)
        if not 1 <= days < 2_958_466:
            raise ValueError(text)
        # To the millisecond: the decimals of a day never hit a second exactly.
        return _EXCEL_EPOCH + timedelta(milliseconds=round(days * 86_400_000))
    if form == "unix":
        return _EPOCH + timedelta(microseconds=round(number(text) * 1_000_000))
    if form == "unix_ms":
        return _EPOCH + timedelta(milliseconds=whole_number(text))
    return datetime.strptime(text, form)  # noqa: DTZ007 — the zone is the mapping's


def _localized(local: datetime, clock: Clock) -> datetime:
    first, second = local.replace(tzinfo=clock.zone), local.replace(tzinfo=clock.zone, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    if before == after or before is None or after is None:
        return first.astimezone(UTC)
    # Where clocks go forward the offset before the change is the smaller one: those local times never were.
    is_missing = before < after
    choice = clock.missing if is_missing else clock.ambiguous
    if choice == "refuse":
        raise TimeUncertain(local.isoformat(sep=" "))
    return (first if (choice == "earlier") != is_missing else second).astimezone(UTC)
