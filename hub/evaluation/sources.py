"""Where each input of a run came from, so that whoever is scored can go from a score to the cases behind it. Pure."""

from enum import StrEnum
from fractions import Fraction

from msgspec import Struct


class Origin(StrEnum):
    """Where an input came from."""

    LEDGER = "ledger"
    INSPECTION = "inspection"
    SURVEY = "survey"
    GIVEN = "given"
    LIST = "list"
    RULING = "ruling"
    RECORD = "record"


class InputSource(Struct, frozen=True, kw_only=True):
    """An input with where it came from.

    ``entry`` is a part, an entry of the list or an indicator; ``cases`` and ``filed`` are the counts a unit is scored
    with. A figure of the ledger names its metric, its months, both its parts and when the ledger was read
    (``cutoff_time``, microseconds since 1970). ``references`` are the ids of rounds, surveys, what was given, or
    objections; ``person`` and ``reason`` are those of who gave it or ruled.
    """

    unit: str
    entry: str
    origin: Origin
    value: Fraction
    metric_id: str = ""
    metric_version: int = 0
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    first_month: int = 0
    last_month: int = 0
    cutoff_time: int = 0
    revision: int = 0
    references: tuple[str, ...] = ()
    person: str = ""
    reason: str = ""


def exact(text: str) -> Fraction:
    """Reads a number that was kept as exact text: an integer, a decimal or ``n/d``.

    Raises:
        ValueError: it is none.
    """
    if len(text) > 60:
        raise ValueError(text)
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(text) from None


def exact_text(value: Fraction) -> str:
    """Returns a number as it is kept."""
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
