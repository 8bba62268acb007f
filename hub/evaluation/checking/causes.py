"""Why a stated figure is not the computed one, probably: the roundings, bases and slips that give just that. Pure.

Every cause that explains the stated figure exactly is named, the likeliest first; a cause that only might be is not.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from hub.evaluation.checking.findings import Cause, CauseFound
from hub.evaluation.checking.solving import bases_of, fits, numerators_of
from hub.evaluation.checking.stated import Stated, number_text
from hub.statistics.rounding import Rounding, RoundingMode

_MODES = {
    RoundingMode.HALF_UP: "四舍五入",
    RoundingMode.TRUNCATED: "舍去尾数",
    RoundingMode.HALF_EVEN: "四舍六入五成双",
    RoundingMode.UP: "一律进位",
}


class Context(NamedTuple):
    """What else is known about a figure.

    ``text_value`` is what the running text says; ``others`` figures of other rows by name; ``via`` results that come
    out when an intermediate one is rounded first, by what was rounded; ``numerator``, ``denominator`` and other
    ``bases`` (by name) of a rate in percent.
    """

    text_value: Stated | None = None
    others: Mapping[str, Stated] = {}
    via: Mapping[str, Fraction] = {}
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    bases: Mapping[str, Fraction] = {}


def agrees(stated: Stated, exact: Fraction) -> bool:
    """Tells whether a figure is rightly stated: rounded half up, and not to a whole number when it is none."""
    return fits(stated, exact) and (stated.places > 0 or stated.value == exact)


def causes_of(stated: Stated, exact: Fraction, context: Context) -> tuple[CauseFound, ...]:
    """Returns the likely causes; empty when nothing known gives the stated figure."""
    found = (
        *_by_text(stated, exact, context.text_value),
        *_by_intermediate(stated, context.via),
        *_by_rounding(stated, exact),
        *_by_base(stated, context),
    )
    if found:
        return (*found, *_by_copying(stated, context.others))
    slips = (*_by_slip(stated, exact), *_by_copying(stated, context.others))
    return (*slips, *_by_unknown_base(stated, context))


def base_causes_of(stated: Stated, numerator: Fraction, bases: Mapping[str, Fraction]) -> tuple[CauseFound, ...]:
    """Returns over which known bases a count is the stated rate, else between which bases it is."""
    context = Context(numerator=numerator, bases=bases)
    return tuple(_by_base(stated, context)) or _by_unknown_base(stated, context)


def roundings_of(stated: Stated, exact: Fraction) -> frozenset[RoundingMode]:
    """Returns which ways of rounding to the decimals stated give the stated figure."""
    return frozenset(mode for mode in RoundingMode if Rounding(mode, stated.places).of(exact) == stated.value)


def _by_text(stated: Stated, exact: Fraction, text_value: Stated | None) -> Iterable[CauseFound]:
    if text_value is not None and agrees(text_value, exact) and not fits(stated, text_value.value):
        yield CauseFound(Cause.MISPRINT, f"正文 {text_value.text} 与计算一致，表中有误")


def _by_rounding(stated: Stated, exact: Fraction) -> Iterable[CauseFound]:
    found: list[CauseFound] = []
    for places in range(stated.places, -1, -1):
        for mode, name in _MODES.items():
            if Rounding(mode, places).of(exact) == stated.value and exact != stated.value:
                told = f"{number_text(exact)} {name}到{f'小数 {places} 位' if places else '整数'}为 {stated.text}"
                is_cut = mode is RoundingMode.TRUNCATED
                found.append(CauseFound(Cause.TRUNCATED if is_cut else Cause.OTHER_ROUNDING, told))
        if found:
            break
    # Whole values fall out of a rounding once more: 84.4987 is 84.50, and 84.50 is 85.
    for places in range(4, 0, -1):
        once = Rounding(RoundingMode.HALF_UP, places).of(exact)
        for again in range(min(places - 1, stated.places), -1, -1):
            twice = Rounding(RoundingMode.HALF_UP, again)
            if twice.of(once) == stated.value != twice.of(exact):
                told = f"{number_text(exact)} 先进位为 {number_text(once)}，再进位为 {stated.text}"
                return [CauseFound(Cause.ROUNDED_INTERMEDIATE, told), *found]
    return found


def _by_intermediate(stated: Stated, via: Mapping[str, Fraction]) -> Iterable[CauseFound]:
    for name, value in via.items():
        if fits(stated, value):
            yield CauseFound(Cause.ROUNDED_INTERMEDIATE, f"由{name}算得 {number_text(value)}")


def _by_slip(stated: Stated, exact: Fraction) -> Iterable[CauseFound]:
    """Moved decimal points, fractions for percentages, and two digits that changed places or one that is wrong."""
    for power in (1, 2, 3, -1, -2, -3):
        moved = Rounding(RoundingMode.HALF_UP, max(0, stated.places + power)).of(exact)
        if exact and stated.value == moved * Fraction(10) ** power:
            cause = Cause.NO_PERCENT if power == -2 and not stated.is_percent else Cause.MOVED_POINT
            yield CauseFound(cause, f"应为 {number_text(moved)}")
            return
    rounded = Rounding(RoundingMode.HALF_UP, stated.places)
    was, should = _digits(stated.value, stated.places), _digits(rounded.of(exact), stated.places)
    if _is_swapped(was, should):
        yield CauseFound(Cause.MISPRINT, f"数字颠倒，应为 {rounded.text(exact)}")


def _by_copying(stated: Stated, others: Mapping[str, Stated]) -> Iterable[CauseFound]:
    for name, other in others.items():
        if stated.places and other.places == stated.places and other.value == stated.value:
            yield CauseFound(Cause.COPIED, f"与“{name}”相同")
            return
    for name, other in others.items():
        if stated.places > 1 and other.places == stated.places:
            was, should = _digits(stated.value, stated.places), _digits(other.value, other.places)
            if _is_swapped(was, should):
                yield CauseFound(Cause.COPIED, f"与“{name}”的 {other.text} 仅数字颠倒")
                return


def _by_base(stated: Stated, context: Context) -> Iterable[CauseFound]:
    if context.numerator is None:
        return
    for name, base in context.bases.items():
        if base and agrees(stated, context.numerator * 100 / base):
            yield CauseFound(Cause.OTHER_BASE, f"以“{name}”{number_text(base)} 为分母时一致")


def _by_unknown_base(stated: Stated, context: Context) -> tuple[CauseFound, ...]:
    if context.numerator is None or context.numerator.denominator != 1 or not 0 < stated.value <= 100:
        return ()
    bases = bases_of(stated, int(context.numerator))
    if bases:
        return (CauseFound(Cause.UNKNOWN_BASE, f"分母在 {bases} 之间时一致"),)
    told = f"以 {context.numerator} 为分子，没有分母能得出 {stated.text}"
    if context.denominator is not None and context.denominator.denominator == 1:
        counts = numerators_of(stated, int(context.denominator))
        told += f"；分母 {context.denominator} 时分子应为 {counts}" if counts else ""
    return (CauseFound(Cause.NO_WHOLE_SOLUTION, told),)


def _digits(value: Fraction, places: int) -> str:
    return str(abs(int(value * 10**places)))


def _is_swapped(was: str, should: str) -> bool:
    """Tells whether two neighbouring digits, and nothing else, changed places."""
    differing = [place for place, (one, other) in enumerate(zip(was, should, strict=False)) if one != other]
    if len(was) != len(should) or len(was) < 3 or len(differing) != 2:
        return False
    first, second = differing
    return second == first + 1 and was[first] == should[second] and was[second] == should[first]
