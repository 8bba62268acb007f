"""Codes cases are counted by: each is written in one way only, so that what is the same is counted together.

Called by ``connectors.wire`` for every record that comes in or goes out.
"""

from connectors.mapping_values import half_width
from exchange_db.records import Violated

#: Codes seen to be well written: the same few come again and again.
_GOOD: set[str] = set()
_REMEMBERED = 10_000


def check_code(code: str, path: str) -> None:
    """Refuses a code that looks like another one: in full width, with blanks around, or with invisible signs.

    Args:
        code: of a class, a standard, a source or a unit; empty for none.
        path: the field it stands in.

    Raises:
        Violated: FIELD_INVALID or TEXT_INVALID.
    """
    if code in _GOOD:
        return
    if not code.isprintable():
        raise Violated("TEXT_INVALID", path)
    if half_width(code) != code:
        raise Violated("FIELD_INVALID", path, f"{code!r:.40} (full-width signs, or blanks that do not count)")
    if len(_GOOD) < _REMEMBERED:
        _GOOD.add(code)
