"""Region codes (GB/T 2260) and platform names as pure arithmetic.

A region is an ``int`` of six digits: 430000 is a province, 431200 a city, 431221 a county, 0 the nation. The digits
nest, so a subtree is a range of numbers and a right on a region is ``BETWEEN`` in SQL. A platform is named
``<region>.<name>`` (``431221.platform``), so its tier and region can be read off its name.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

PLATFORM_ID = re.compile(r"([0-9]{6})\.[a-z0-9][a-z0-9_-]{0,56}\Z")


class Tier(StrEnum):
    """The four tiers of the federation, highest first."""

    NATION = "nation"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


class Subtree(NamedTuple):
    """Inclusive range of region codes: everything at or below one region."""

    first: int
    last: int

    def __contains__(self, region: object) -> bool:
        return isinstance(region, int) and self.first <= region <= self.last


#: What somebody may see: one range, or several that are apart; none at all is the empty tuple.
Regions = Subtree | tuple[Subtree, ...]


def spans_of(regions: Regions) -> tuple[Subtree, ...]:
    """Returns regions as ranges."""
    return (regions,) if isinstance(regions, Subtree) else regions


def tier_of(region: int) -> Tier:
    """Returns the tier a region code stands for."""
    if region == 0:
        return Tier.NATION
    if region % 10_000 == 0:
        return Tier.PROVINCE
    return Tier.CITY if region % 100 == 0 else Tier.COUNTY


@lru_cache(maxsize=16_384)
def subtree(region: int) -> Subtree:
    """Returns the range of codes at or below ``region``."""
    span = {Tier.NATION: 1_000_000, Tier.PROVINCE: 10_000, Tier.CITY: 100, Tier.COUNTY: 1}[tier_of(region)]
    return Subtree(region, region + span - 1)


def line_of(region: int) -> tuple[int, ...]:
    """Returns the regions at or above ``region``, the nation first."""
    return tuple(sorted({0, region // 10_000 * 10_000, region // 100 * 100, region}))


def parse_region(text: str) -> int:
    """Reads a six-digit code.

    Raises:
        ValueError: the text is not six ASCII digits.
    """
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        raise ValueError(f"a region code has six digits, not {text!r}")
    return int(text)


def format_region(region: int) -> str:
    """Prints a code with its six digits."""
    return f"{region:06d}"


@lru_cache(maxsize=65_536)
def region_of(platform_id: str) -> int:
    """Returns the region a platform's name begins with.

    Raises:
        ValueError: the name has not the form ``431221.platform``.
    """
    match = PLATFORM_ID.match(platform_id)
    if match is None:
        raise ValueError(f"a platform is named <6 digits>.<name>, not {platform_id!r}")
    return int(match[1])
