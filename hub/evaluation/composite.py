"""Composite scores and their ranks: F7 to F10 and F12 of the domain notes. Exact, rounded once for display. Pure.

A run is a function of a scheme and its inputs and nothing else; ``hub.evaluation.runs`` names and repeats it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from hub.evaluation.schemes import CompositeScheme, Granularity, Item, Ties, Veto
from hub.statistics.definitions import change_of
from hub.statistics.rounding import Rounding, RoundingMode


class Membership(Struct, frozen=True, kw_only=True):
    """A unit's place in a group from a day on, up to and with a last one; groups are ranked apart (A and B lists)."""

    unit: str
    group: str
    first_day: date
    last_day: date | None = None

    def holds(self, day: date) -> bool:
        """Tells whether it counts on a day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


class UnitInput(Struct, frozen=True, kw_only=True):
    """What one unit is scored by in a month.

    ``parts`` are scores out of 100 by part, ``events`` how often each entry of the list happened, ``filed`` and
    ``filed_last_year`` the cases filed in the month and in that month a year ago (``None``: not known).
    """

    unit: str
    case_count: int
    parts: Mapping[str, Fraction]
    events: Mapping[str, int] = {}
    filed: int | None = None
    filed_last_year: int | None = None


class RunInputs(Struct, frozen=True, kw_only=True):
    """All a run of a month needs; ``month`` is year*100+month."""

    month: int
    units: tuple[UnitInput, ...]
    memberships: tuple[Membership, ...] = ()


class Standing(StrEnum):
    """Why a unit has a rank or none."""

    RANKED = "ranked"
    NO_CASES = "no_cases"
    NO_GROUP = "no_group"
    NOT_RANKED = "not_ranked"


class Line(Struct, frozen=True, kw_only=True):
    """One addend of a score: a part with its value and weight, or an entry of the list with how often it happened."""

    line_id: str
    name_zh: str
    value: Fraction
    weight: Fraction
    points: Fraction


class UnitScore(Struct, frozen=True, kw_only=True):
    """A unit's score with every addend; ``list_points`` after the cap, ``rank`` 0 when it has none."""

    unit: str
    group: str
    score: Fraction
    display: str
    lines: tuple[Line, ...]
    list_points: Fraction
    is_vetoed: bool
    standing: Standing
    rank: int = 0


class InputInvalid(Exception):
    """A run cannot be made from these inputs."""

    def __init__(self, field: str, chinese: str, english: str) -> None:
        super().__init__(f"{field}：{chinese}。 / {field}: {english}.")
        self.field = field


def composite_scores(scheme: CompositeScheme, inputs: RunInputs) -> tuple[UnitScore, ...]:
    """Scores and ranks the units of a month.

    Returns:
        The scores by group, then rank, then unit; units without a rank last.

    Raises:
        InputInvalid: a part is missing of a unit that has cases, or something is unknown or out of range.
    """
    _check(scheme, inputs)
    day = date(inputs.month // 100, inputs.month % 100, 1)
    groups = _groups_on(inputs.memberships, day)
    scored = [_score_of(scheme, unit, groups.get(unit.unit, ""), has_groups=bool(groups)) for unit in inputs.units]
    return ranked(scheme, scored)


def ranked(scheme: CompositeScheme, scores: Sequence[UnitScore]) -> tuple[UnitScore, ...]:
    """Returns scores with their ranks, each group by itself. Scores are compared as they are shown: rounded."""
    found: list[UnitScore] = []
    for group in sorted({one.group for one in scores}):
        members = [one for one in scores if one.group == group]
        found += _ranked_group(scheme, members)
    return tuple(found)


def _ranked_group(scheme: CompositeScheme, members: list[UnitScore]) -> list[UnitScore]:
    def merit(one: UnitScore) -> tuple[bool, Fraction]:
        is_last = scheme.veto is Veto.LAST and one.is_vetoed
        return not is_last, scheme.rounding.of(one.score)

    counted = sorted(
        (one for one in members if one.standing is Standing.RANKED),
        key=lambda one: (merit(one), one.unit),
        reverse=True,
    )
    merits = [merit(one) for one in counted]
    distinct = sorted(set(merits), reverse=True)
    placed = [
        replace(one, rank=(distinct if scheme.ties is Ties.DENSE else merits).index(own) + 1)
        for one, own in zip(counted, merits, strict=True)
    ]
    others = sorted((one for one in members if one.standing is not Standing.RANKED), key=lambda one: one.unit)
    return [*sorted(placed, key=lambda one: (one.rank, one.unit)), *others]


def _score_of(scheme: CompositeScheme, given: UnitInput, group: str, *, has_groups: bool) -> UnitScore:
    lines = tuple(
        Line(
            line_id=part.part_id,
            name_zh=part.name_zh,
            value=given.parts.get(part.part_id, Fraction(0)),
            weight=part.weight,
            points=given.parts.get(part.part_id, Fraction(0)) * part.weight / 100,
        )
        for part in scheme.parts
        if part.part_id in given.parts
    )
    entries = tuple(line for item in scheme.items if (line := _entry(scheme, item, given)) is not None)
    list_points = _capped(sum((line.points for line in entries), Fraction(0)), scheme.list_cap)
    is_vetoed = any(item.is_veto and given.events.get(item.item_id, 0) for item in scheme.items)
    score = sum((line.points for line in lines), Fraction(0)) + list_points
    if is_vetoed and scheme.veto is Veto.ZERO:
        score = Fraction(0)
    return UnitScore(
        unit=given.unit,
        group=group,
        score=score,
        display=scheme.rounding.text(score) if given.case_count else "",
        lines=lines + entries,
        list_points=list_points,
        is_vetoed=is_vetoed,
        standing=_standing(scheme, given, group, has_groups=has_groups),
    )


def _standing(scheme: CompositeScheme, given: UnitInput, group: str, *, has_groups: bool) -> Standing:
    if not scheme.is_ranked:
        return Standing.NOT_RANKED
    if not given.case_count:
        return Standing.NO_CASES
    return Standing.NO_GROUP if has_groups and not group else Standing.RANKED


def _entry(scheme: CompositeScheme, item: Item, given: UnitInput) -> Line | None:
    """Returns what an entry of the list adds; ``None`` when it did not happen or cannot be said."""
    if item.is_per_point_of_fall:
        value = fall_points(scheme, given.filed, given.filed_last_year)
        points = _bonus_rounded(scheme, value * item.points)
    else:
        value = Fraction(given.events.get(item.item_id, 0))
        points = value * item.points
    if not value:
        return None
    return Line(line_id=item.item_id, name_zh=item.name_zh, value=value, weight=item.points, points=points)


def fall_points(scheme: CompositeScheme, now: int | None, before: int | None) -> Fraction:
    """Returns by how many percentage points filed cases fell against last year, 0 when they rose or had no base."""
    change = change_of(now, before)
    if change is None or change >= 0:
        return Fraction(0)
    points = -change * 100
    return points if scheme.granularity is Granularity.PROPORTIONAL else Fraction(int(points))


def _bonus_rounded(scheme: CompositeScheme, points: Fraction) -> Fraction:
    """Returns a bonus rounded to the decimals the scheme gives it: +0.83 for a fall of 8.33 points."""
    return Rounding(RoundingMode.HALF_UP, scheme.change_places).of(points)


def annual_points(scheme: CompositeScheme, score: Fraction) -> Fraction:
    """Returns what a yearly score out of 100 is worth in the unit's performance (F12)."""
    return scheme.annual_points * score / 100


def rolled_up(scheme: CompositeScheme, months: Sequence[tuple[UnitScore, ...]]) -> tuple[UnitScore, ...]:
    """Returns the scores of a quarter or year: the mean of a unit's months that had cases, ranked anew.

    A unit's group is that of its last month. The source says that months are reviewed by quarter and year, not how
    they are joined; the mean is ours. A unit without a case in all months is not ranked.
    """
    by_unit: dict[str, list[UnitScore]] = {}
    for month in months:
        for one in month:
            by_unit.setdefault(one.unit, []).append(one)
    return ranked(scheme, [_rolled_up(scheme, scores) for scores in by_unit.values()])


def _rolled_up(scheme: CompositeScheme, scores: list[UnitScore]) -> UnitScore:
    counted = [one for one in scores if one.standing is not Standing.NO_CASES]
    mean = sum((one.score for one in counted), Fraction(0)) / len(counted) if counted else Fraction(0)
    last = (counted or scores)[-1]
    return UnitScore(
        unit=last.unit,
        group=last.group,
        score=mean,
        display=scheme.rounding.text(mean) if counted else "",
        lines=(),
        list_points=Fraction(0),
        is_vetoed=any(one.is_vetoed for one in counted),
        standing=last.standing,
    )


def _capped(points: Fraction, cap: Fraction) -> Fraction:
    return max(-cap, min(cap, points))


def _groups_on(memberships: Sequence[Membership], day: date) -> dict[str, str]:
    groups: dict[str, str] = {}
    for one in memberships:
        if not one.holds(day):
            continue
        if groups.setdefault(one.unit, one.group) != one.group:
            raise InputInvalid(
                f"memberships {one.unit}",
                f"{day} 同时在两个组，请改正起止日期",
                f"in two groups on {day}; mend the days",
            )
    return groups


def _check(scheme: CompositeScheme, inputs: RunInputs) -> None:
    if not (1 <= inputs.month % 100 <= 12 and 1970 <= inputs.month // 100 <= 2200):
        raise InputInvalid("month", f"{inputs.month} 不是月份，写法如 202001", f"{inputs.month} is no month")
    parts, items = {part.part_id for part in scheme.parts}, {item.item_id for item in scheme.items}
    seen: set[str] = set()
    for unit in inputs.units:
        if unit.unit in seen:
            raise InputInvalid(f"units {unit.unit}", "单位重复", "the unit is there twice")
        seen.add(unit.unit)
        for unknown in sorted((unit.parts.keys() - parts) | (unit.events.keys() - items)):
            raise InputInvalid(f"units {unit.unit} {unknown}", "方案中没有这一项", "the scheme has no such entry")
        missing = sorted(parts - unit.parts.keys())
        if unit.case_count and missing:
            raise InputInvalid(f"units {unit.unit} {missing[0]}", "缺少分值，请给出", "its score is missing; give it")
        for name, value in unit.parts.items():
            if not 0 <= value <= 100:
                raise InputInvalid(
                    f"units {unit.unit} {name}", f"{float(value):g} 不在 0 至 100 之间", "must lie between 0 and 100"
                )
        for name, count in unit.events.items():
            if count < 0:
                raise InputInvalid(f"units {unit.unit} {name}", f"次数 {count} 不应为负", "must not be negative")
