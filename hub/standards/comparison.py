"""What changes from one standard to another: swapped majors first, for they send emergencies to the wrong place.

Called by ``sanji standards diff``.

Source: 1.3.4 of the domain notes.
"""

from collections.abc import Iterator
from typing import NamedTuple

from exchange_db.records import CodeKind
from hub.standards.codes import MAJOR_DIGITS, Code, CodeList, name_key
from hub.standards.crosswalk import CERTAIN, Candidate, Crosswalk, Relation


class Pair(NamedTuple):
    """A class, one that may stand for it in the other standard (``None``: there is none), and what was said of it."""

    before: Code
    after: Code | None
    candidate: Candidate

    @property
    def relation(self) -> Relation:
        """What becomes of the class."""
        return self.candidate.relation


class Clash(NamedTuple):
    """The same digits with two meanings."""

    before: Code
    after: Code


class Comparison(NamedTuple):
    """Everything that differs.

    ``swapped``: majors that changed places, both ways. ``clashes``: the same digits, another meaning, below swapped
    majors. ``majors``: what becomes of each major. ``moves``: minors that do not stay with their major. ``unsure``:
    split, merged and lossy minors. ``dropped``: minors without a counterpart. ``renamed``: another name only.
    ``unmapped``: minors the crosswalk does not know. ``added``: minors nothing becomes.
    """

    swapped: tuple[Pair, ...]
    clashes: tuple[Clash, ...]
    majors: tuple[Pair, ...]
    moves: tuple[Pair, ...]
    unsure: tuple[Pair, ...]
    dropped: tuple[Pair, ...]
    renamed: tuple[Pair, ...]
    unmapped: tuple[Code, ...]
    added: tuple[Code, ...]


def compare(before: CodeList, after: CodeList, crosswalk: Crosswalk) -> Comparison:
    """Compares two code lists along a crosswalk from the first to the second."""
    pairs = list(_pairs(before, after, crosswalk))
    majors = tuple(one for one in pairs if one.before.is_major)
    minors = [one for one in pairs if not one.before.is_major]
    swapped = tuple(one for one in majors if _is_swapped(one, majors))
    homes = {(one.before.kind, one.before.code): home for one in majors if (home := _home(one, majors)) is not None}
    reached = {(one.after.kind, one.after.code) for one in pairs if one.after}
    places = {(one.before.kind, one.before.code) for one in swapped}
    return Comparison(
        swapped,
        tuple(one for one in _clashes(before, after) if (one.before.kind, one.before.code[:MAJOR_DIGITS]) in places),
        majors,
        tuple(one for one in minors if one.after and one.after.code[:MAJOR_DIGITS] != homes.get(_major_key(one))),
        tuple(one for one in minors if one.relation in (Relation.SPLIT, Relation.MERGED, Relation.LOSSY)),
        tuple(one for one in minors if one.relation is Relation.NONE),
        tuple(one for one in minors if one.relation is Relation.RENAMED),
        tuple(one for one in before if not one.region and not crosswalk.translate(one.kind, one.code)),
        tuple(one for one in after if not (one.region or one.is_major) and (one.kind, one.code) not in reached),
    )


def _pairs(before: CodeList, after: CodeList, crosswalk: Crosswalk) -> Iterator[Pair]:
    for code in before:
        for candidate in () if code.region else crosswalk.translate(code.kind, code.code):
            yield Pair(code, after.find(code.kind, candidate.to_code) if candidate.to_code else None, candidate)


def _major_key(pair: Pair) -> tuple[CodeKind, str]:
    return pair.before.kind, pair.before.code[:MAJOR_DIGITS]


def _is_swapped(pair: Pair, majors: tuple[Pair, ...]) -> bool:
    if pair.after is None or pair.relation not in CERTAIN or pair.after.code == pair.before.code:
        return False
    return any(
        other.before.kind is pair.before.kind
        and other.before.code == pair.after.code
        and other.after is not None
        and other.after.code == pair.before.code
        and other.relation in CERTAIN
        for other in majors
    )


def _home(pair: Pair, majors: tuple[Pair, ...]) -> str | None:
    """Returns where the minors of a major are expected: where it went whole, else where its digits stayed."""
    if pair.relation in (*CERTAIN, Relation.MERGED):
        return pair.after.code if pair.after else None
    same = (one.after.code for one in majors if one.before == pair.before and one.after)
    return next((code for code in same if code == pair.before.code), None)


def _clashes(before: CodeList, after: CodeList) -> Iterator[Clash]:
    for code in before:
        other = None if code.region or code.is_major else after.find(code.kind, code.code)
        if other is not None and name_key(other.name) != name_key(code.name):
            yield Clash(code, other)
