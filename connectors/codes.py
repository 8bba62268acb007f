"""Codes cases are counted by: each is written in one way only, so that what is the same is counted together.

Called by ``connectors.case_wire`` for every record that comes in or goes out.
"""

from connectors.mapping_values import half_width
from exchange_db.records import Violated

#: Codes seen to be well written: the same few come again and again.
_GOOD: set[str] = set()
_REMEMBERED = 10_000
_are_good = _GOOD.issuperset


def check_codes(codes: tuple[str, ...], section: str, fields: tuple[str, ...]) -> None:
    """Refuses a code that looks like another one: in full width, with blanks around, or with invisible signs.

    Args:
        codes: of a class, a standard, a source or a unit; empty for none.
        section: the section they stand in.
        fields: the fields they stand in, one for each.

    Raises:
        Violated: FIELD_INVALID or TEXT_INVALID.
    """
    if _are_good(codes):
        return
    for code, field in zip(codes, fields, strict=True):
        if not code.isprintable():
            raise Violated("TEXT_INVALID", f"{section}.{field}")
        if half_width(code) != code:
            told = f"{code!r:.40} (full-width signs, or blanks that do not count)"
            raise Violated("FIELD_INVALID", f"{section}.{field}", told)
        if len(_GOOD) < _REMEMBERED:
            _GOOD.add(code)
