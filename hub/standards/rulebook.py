"""What counts in a region besides its classes: working calendar, filing conditions, region codes. Does not change.

Made by ``hub.standards.layers`` from what is shipped and the releases in force. Asked by ``hub.standards.computing``.

Source: 1.5 of the domain notes. That of several regions the nearest one with conditions for a class decides alone is
our reading, unverified: a city's table replaces the nation's, and their numbers do not mix.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from exchange_db.records import CodeKind, printable
from exchange_db.regions import format_region
from hub.standards.calendar import RegionRules, WorkingCalendar
from hub.standards.catalogue import Catalogue
from hub.standards.codes import canonical_code, lineage, spelled_code
from hub.standards.limits import RuleBroken
from hub.standards.release_tables import FilingCondition, Region
from hub.standards.suggestions import KIND_NAMES

#: Most conditions an error names.
_SHOWN = 10


class Origin(NamedTuple):
    """The release something was read from; what is shipped has no publisher."""

    kind: str
    name: str
    version: str = ""
    publisher_id: str = ""


class ConditionKey(NamedTuple):
    """A filing condition as a report names it; number 0 is the only one its class has."""

    standard_ref: str
    kind: CodeKind
    code: str
    condition_no: int = 0


class RuleBook:
    """What counts, for all regions that are under the same releases.

    Args:
        catalogue: the classes conditions speak of.
        calendars: what regions have set about their calendars.
        calendar_origins: the releases this was read from.
        conditions: filing conditions and where each was read; those of one class and region come from one release.
        regions: region codes while they hold, and where each was read.
        left_out: releases in force that could not be read.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        calendars: Mapping[int, RegionRules],
        calendar_origins: tuple[Origin, ...],
        conditions: Iterable[tuple[FilingCondition, Origin]],
        regions: Iterable[tuple[Region, Origin]],
        left_out: tuple[Origin, ...] = (),
    ) -> None:
        self.catalogue = catalogue
        self.calendar_origins = calendar_origins
        self.left_out = left_out
        self._calendars = calendars
        self._made: dict[int, WorkingCalendar] = {}
        self._conditions: dict[tuple[str, CodeKind, str, int], list[tuple[FilingCondition, Origin]]] = {}
        for row, origin in conditions:
            self._conditions.setdefault((row.standard_ref, row.kind, row.code, row.region), []).append((row, origin))
        self._regions: dict[int, list[tuple[Region, Origin]]] = {}
        for entry, origin in regions:
            self._regions.setdefault(entry.region, []).append((entry, origin))

    def calendar(self, region: int) -> WorkingCalendar:
        """Returns the working calendar of a region: what it has set, or the nearest one above it."""
        nearest = next((one for one in lineage(region) if one in self._calendars), 0)
        if nearest not in self._made:
            self._made[nearest] = WorkingCalendar(self._calendars, nearest)
        return self._made[nearest]

    def condition(self, key: ConditionKey, region: int, day: date) -> tuple[FilingCondition, Origin]:
        """Returns the filing condition that holds in a region on a day.

        Raises:
            RuleBroken: ``STANDARD_UNKNOWN`` or ``CODE_UNKNOWN``; ``CONDITION_UNKNOWN`` names those there are.
        """
        standard = self.catalogue.standards.get(key.standard_ref)
        if standard is None:
            shown, known = printable(key.standard_ref[:40]), ", ".join(self.catalogue.standards)
            told = f"未收录标准 {shown!r}，已收录 {known}。", f"standard {shown!r} is not known; known are {known}."
            raise RuleBroken("STANDARD_UNKNOWN", *told)
        try:
            code = canonical_code(key.code, standard.minor_digits)
        except ValueError:
            shown = printable(key.code[:20])
            told = (
                f"{shown!r} 不是 {standard.standard_ref} 的代码。",
                f"{shown!r} is no code of {standard.standard_ref}.",
            )
            raise RuleBroken("CODE_UNKNOWN", *told) from None
        held: list[tuple[FilingCondition, Origin]] = []
        for one in lineage(region):
            rows = self._conditions.get((standard.standard_ref, key.kind, code, one), ())
            held = [sourced for sourced in rows if _holds(sourced[0], day)]
            if held:
                break
        fitting = [sourced for sourced in held if key.condition_no in (0, sourced[0].condition_no)]
        if len(fitting) == 1:
            return fitting[0]
        rows_held = sorted((row for row, _ in held), key=lambda row: row.condition_no)
        raise _condition_unknown(key._replace(code=code), region, rows_held)

    def region(self, region: int, day: date) -> tuple[Region, Origin] | None:
        """Returns the entry of a region code on a day: the one that holds, else the last one that ended before."""
        entries = self._regions.get(region, ())
        holding = next((sourced for sourced in entries if _holds(sourced[0], day)), None)
        ended = [sourced for sourced in entries if is_ended(sourced[0], day)]
        return holding or max(ended, key=lambda sourced: sourced[0].valid_to or date.min, default=None)

    def successors(self, region: int, day: date) -> tuple[Region, ...]:
        """Returns what holds on a day in the place of a code that was abolished; nothing for one that was not."""
        found: dict[int, Region] = {}
        seen, waiting = {region}, [region]
        while waiting:
            code = waiting.pop(0)
            sourced = self.region(code, day)
            if sourced is None:
                continue
            if is_ended(sourced[0], day):
                following = [one for one in sourced[0].successors if one not in seen]
                seen.update(following)
                waiting += following
            elif code != region:
                found[code] = sourced[0]
        return tuple(found.values())


def is_ended(entry: Region, day: date) -> bool:
    """Whether a region code was abolished before a day."""
    return entry.valid_to is not None and entry.valid_to < day


def _holds(row: FilingCondition | Region, day: date) -> bool:
    return (row.valid_from or date.min) <= day <= (row.valid_to or date.max)


def _condition_unknown(key: ConditionKey, region: int, rows: list[FilingCondition]) -> RuleBroken:
    chinese, english = KIND_NAMES[key.kind]
    what = f"{key.standard_ref} {chinese} {spelled_code(key.code)}"
    named = f"{english} {spelled_code(key.code)} of {key.standard_ref}"
    if not rows:
        place = format_region(region)
        return RuleBroken(
            "CONDITION_UNKNOWN",
            f"{place} 没有 {what} 的立案条件，请直接给出时限，或由市级发布立案条件（filing_conditions）。",
            f"{place} has no filing conditions for {named}; give the limit, or have the city publish them.",
        )
    listed = "；".join(f"{one.condition_no} {one.condition}" for one in rows[:_SHOWN])
    numbers = ", ".join(str(one.condition_no) for one in rows)
    asked = f"没有序号为 {key.condition_no} 的立案条件" if key.condition_no else "有多个立案条件，请给出序号"
    wanted = f"has no filing condition {key.condition_no}" if key.condition_no else "has several filing conditions"
    return RuleBroken("CONDITION_UNKNOWN", f"{what} {asked}：{listed}。", f"{named} {wanted}; there are {numbers}.")
