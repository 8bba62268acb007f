"""Numbers and sums as people write them: full-width digits, thousands, units, signs of comparison. Exact. Pure."""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple

from connectors.mapping_values import half_width
from hub.statistics.rounding import decimal_text

#: Most characters of a sum, and of digits of a number.
_MOST_CHARACTERS, _MOST_DIGITS = 500, 30
_NUMBER = re.compile(
    r"(?P<relation>≥|>=|>|≤|<=|<|=|不低于|不少于|不超过|不高于|大于|小于|达到|约)?\s*"
    r"(?P<digits>[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[+-]?[0-9]+(?:\.[0-9]+)?)\s*"
    r"(?P<unit>[^0-9.,=<>≥≤]{0,12})"
)
_RELATIONS = {
    "≥": ">=", ">=": ">=", ">": ">", "不低于": ">=", "不少于": ">=", "大于": ">",
    "≤": "<=", "<=": "<=", "<": "<", "不超过": "<=", "不高于": "<=", "小于": "<",
}  # fmt: skip
_OPERATORS = re.compile(r"([-+*/()])")


class Stated(NamedTuple):
    """A number as it stands in a table: exact value, decimals, whether in percent, ``>=`` and the like, unit."""

    text: str
    value: Fraction
    places: int
    is_percent: bool
    relation: str
    unit: str

    @property
    def half_step(self) -> Fraction:
        """Half of its last decimal: what rounding half up may have moved it by."""
        return Fraction(1, 2 * 10**self.places)


class ExpressionInvalid(Exception):
    """A sum cannot be computed; says why in Chinese."""


def parse_stated(text: str) -> Stated | None:
    """Reads a number; ``None`` when the text is none."""
    plain = half_width(text.replace("\n", "")).replace("≧", "≥").replace("≦", "≤").replace("，", ",")
    found = _NUMBER.fullmatch(plain) if len(plain) <= _MOST_CHARACTERS else None
    if not found or len(found["digits"]) > _MOST_DIGITS:
        return None
    digits = found["digits"].replace(",", "")
    unit = found["unit"].strip()
    relation = _RELATIONS.get(found["relation"] or "", "")
    if (unit.startswith("+") or unit.endswith("以上")) and not relation:
        relation, unit = ">=", unit.removeprefix("+").removesuffix("以上").strip()
    return Stated(
        text=text.strip(),
        value=Fraction(digits),
        places=len(digits.partition(".")[2]),
        is_percent=unit.startswith("%"),
        relation=relation,
        unit=unit,
    )


def number_text(value: Fraction, most_places: int = 6) -> str:
    """Returns an exact number for people: as few decimals as it needs, at most six, or ``n/d`` beside them."""
    for places in range(most_places + 1):
        if (value * 10**places).denominator == 1:
            return decimal_text(value, places)
    return decimal_text(value, most_places) + "…"


def is_expression(text: str) -> bool:
    """Tells whether a text has a sign of arithmetic between two operands."""
    return bool(re.search(r"[^-+*/(]\s*[-+*/]\s*\S", _normal(text)))


def value_of(text: str, named: Callable[[str], Fraction | None] | Mapping[str, Fraction]) -> Fraction:
    """Computes a sum of numbers and names, such as ``103.77+1022.51`` or ``上报-自行处置``.

    Args:
        text: operands joined by + - * / × ÷ and brackets.
        named: gives the value of a name.

    Raises:
        ExpressionInvalid: it cannot be computed.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ExpressionInvalid("算式过长")
    lookup = named if callable(named) else named.get
    parts = [part.strip() for part in _OPERATORS.split(_normal(text)) if part.strip()]
    value, rest = _sum(parts, lookup)
    if rest:
        raise ExpressionInvalid(f"算式“{text}”的括号或运算符不成对")
    return value


def _normal(text: str) -> str:
    plain = half_width(text.replace("\n", ""))
    for sign, usual in (("×", "*"), ("÷", "/"), ("−", "-"), ("–", "-"), ("，", ",")):
        plain = plain.replace(sign, usual)
    return plain


_Parts = list[str]
_Lookup = Callable[[str], Fraction | None]


def _sum(parts: _Parts, named: _Lookup) -> tuple[Fraction, _Parts]:
    value, rest = _product(parts, named)
    while rest and rest[0] in "+-":
        other, after = _product(rest[1:], named)
        value, rest = (value + other if rest[0] == "+" else value - other), after
    return value, rest


def _product(parts: _Parts, named: _Lookup) -> tuple[Fraction, _Parts]:
    value, rest = _operand(parts, named)
    while rest and rest[0] in "*/":
        other, after = _operand(rest[1:], named)
        if rest[0] == "/" and not other:
            raise ExpressionInvalid("除数为零")
        value, rest = (value * other if rest[0] == "*" else value / other), after
    return value, rest


def _operand(parts: _Parts, named: _Lookup) -> tuple[Fraction, _Parts]:
    if not parts:
        raise ExpressionInvalid("算式不完整")
    first, rest = parts[0], parts[1:]
    if first in "+-":
        value, rest = _operand(rest, named)
        return (-value if first == "-" else value), rest
    if first == "(":
        value, rest = _sum(rest, named)
        if not rest or rest[0] != ")":
            raise ExpressionInvalid("算式的括号不成对")
        return value, rest[1:]
    if first in ")*/":
        raise ExpressionInvalid(f"算式在“{first}”处不完整")
    number = parse_stated(first)
    # 12345 is a number, 12345热线 the name of a hotline.
    known = named(first) if number is None or number.unit else None
    if known is not None:
        return known, rest
    if number is None:
        raise ExpressionInvalid(f"没有给出“{first}”的数值")
    return (number.value / 100 if number.is_percent else number.value), rest
