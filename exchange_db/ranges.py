"""Regions as conditions of SQL: a right on regions is a range, several are ranges joined by OR, none is false.

Bounds are whole numbers of six digits and stand in the text. Called wherever a query is cut to what may be seen.
"""

from collections.abc import Iterable

from exchange_db.regions import Regions, spans_of


def within(column: str, regions: Regions) -> str:
    """Returns the condition that a column of region codes lies in regions."""
    return _any(f"{column} BETWEEN {first:d} AND {last:d}" for first, last in spans_of(regions))


def named_within(column: str, regions: Regions) -> str:
    """Returns the condition that a column of platform names (``431221.platform``) lies in regions.

    A platform is named by its region and a point; the slash follows the point.
    """
    return _any(f"{column} COLLATE \"C\" BETWEEN '{first:06d}.' AND '{last:06d}/'" for first, last in spans_of(regions))


def _any(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(conditions) or 'false'})"
