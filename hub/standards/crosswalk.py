"""Crosswalks: which class of one standard stands for which of another, and what is lost on the way.

A crosswalk has one direction. It is never read backwards: that a class of 2013 came from one of 2007 does not say
that all of its cases would have been filed there. The original code stays beside the translated one; whoever
translates for certain takes ``EXACT`` and ``RENAMED`` only, everything else is for a person to decide.

Source: 1.3.4 of the domain notes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from exchange_db.records import CodeKind
from hub.standards.codes import Mark, weakest
from hub.standards.limits import RuleBroken


class Relation(StrEnum):
    """What becomes of a class. ``SPLIT``: one of several; ``MERGED``: together with others; ``LOSSY``: the nearest."""

    EXACT = "exact"
    RENAMED = "renamed"
    SPLIT = "split"
    MERGED = "merged"
    LOSSY = "lossy"
    NONE = "none"


#: Relations that translate a record without a person's decision, if their mark is good enough.
CERTAIN = frozenset((Relation.EXACT, Relation.RENAMED))


class Candidate(Struct, frozen=True):
    """One row of a crosswalk: a class and one that may stand for it; ``to_code`` is empty for ``NONE``."""

    from_ref: str
    to_ref: str
    kind: CodeKind
    from_code: str
    to_code: str
    relation: Relation
    mark: Mark = Mark.UNVERIFIED
    note: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether nothing is lost and nothing is left to decide."""
        return self.relation in CERTAIN and self.mark is not Mark.UNVERIFIED


class Crosswalk:
    """The way from one standard to another. Does not change."""

    def __init__(self, from_ref: str, to_ref: str, rows: Iterable[Candidate]) -> None:
        self.from_ref = from_ref
        self.to_ref = to_ref
        self._rows: dict[tuple[CodeKind, str], tuple[Candidate, ...]] = {}
        for row in rows:
            key = row.kind, row.from_code
            self._rows[key] = (*self._rows.get(key, ()), row)

    def __iter__(self) -> Iterator[Candidate]:
        for rows in self._rows.values():
            yield from rows

    def translate(self, kind: CodeKind, code: str) -> tuple[Candidate, ...]:
        """Returns what may stand for a canonical code: nothing if the crosswalk does not know it.

        A code that has no counterpart gets one candidate, of the relation ``NONE``, whose note says why.
        """
        return self._rows.get((kind, code), ())


class Crosswalks:
    """All ways between standards that are known, over others if need be; never backwards."""

    def __init__(self, crosswalks: Iterable[Crosswalk]) -> None:
        self._direct = {(one.from_ref, one.to_ref): one for one in crosswalks}
        self._joined: dict[tuple[str, str], Crosswalk] = {}

    def __iter__(self) -> Iterator[Crosswalk]:
        return iter(self._direct.values())

    def between(self, from_ref: str, to_ref: str) -> Crosswalk:
        """Returns the crosswalk from one standard to another, joined of the fewest there are.

        Raises:
            RuleBroken: ``CROSSWALK_MISSING``.
        """
        key = from_ref, to_ref
        if key not in self._joined:
            path = self._path(from_ref, to_ref)
            if not path:
                is_reverse = bool(self._path(to_ref, from_ref))
                raise RuleBroken(
                    "CROSSWALK_MISSING",
                    f"没有从 {from_ref} 到 {to_ref} 的对照表"
                    + ("；对照表有方向，不能反向使用。" if is_reverse else "，请先导入。"),
                    f"there is no crosswalk from {from_ref} to {to_ref}"
                    + ("; the one the other way may not be read backwards." if is_reverse else "; bring one first."),
                )
            self._joined[key] = reduce(joined, path)
        return self._joined[key]

    def reached_from(self, from_ref: str) -> list[str]:
        """Returns the standards there is a way to."""
        refs = {ref for pair in self._direct for ref in pair}
        return sorted(ref for ref in refs if ref != from_ref and self._path(from_ref, ref))

    def _path(self, from_ref: str, to_ref: str) -> list[Crosswalk]:
        paths: list[list[Crosswalk]] = [[one] for (start, _), one in self._direct.items() if start == from_ref]
        seen = {from_ref}
        while paths:
            path = paths.pop(0)
            end = path[-1].to_ref
            if end == to_ref:
                return path
            if end not in seen:
                seen.add(end)
                paths.extend([*path, one] for (start, _), one in self._direct.items() if start == end)
        return []


def joined(first: Crosswalk, second: Crosswalk) -> Crosswalk:
    """Returns the way over a standard in the middle. What either half loses is lost; the weaker mark holds."""
    rows: list[Candidate] = []
    by_class: defaultdict[tuple[CodeKind, str], list[Candidate]] = defaultdict(list)
    for row in first:
        by_class[row.kind, row.from_code].append(row)
    for halves in by_class.values():
        ways = [way for half in halves for way in _onward(half, second)]
        kept = {way.to_code: way for way in ways if way.relation is not Relation.NONE}
        if not kept:
            rows.append(replace(ways[0], mark=weakest(way.mark for way in ways)))
            continue
        is_partly_gone = len(ways) > sum(way.relation is not Relation.NONE for way in ways)
        for way in kept.values():
            relation = way.relation
            if is_partly_gone:
                relation = Relation.LOSSY
            elif len(kept) > 1 and relation is not Relation.LOSSY:
                relation = Relation.SPLIT
            elif len(kept) == 1 and relation is Relation.SPLIT:
                relation = Relation.MERGED  # all parts came together again, in company perhaps
            rows.append(replace(way, relation=relation))
    return Crosswalk(first.from_ref, second.to_ref, rows)


def _onward(half: Candidate, second: Crosswalk) -> Iterator[Candidate]:
    """Yields one candidate of the first half as it goes on in the second."""
    if half.relation is Relation.NONE:
        yield replace(half, to_ref=second.to_ref)
        return
    found = second.translate(half.kind, half.to_code)
    if not found:
        note = f"对照表未列 {half.to_code} / the crosswalk does not list {half.to_code}"
        yield replace(half, to_ref=second.to_ref, to_code="", relation=Relation.NONE, mark=Mark.UNVERIFIED, note=note)
    for other in found:
        yield replace(
            other,
            from_ref=half.from_ref,
            from_code=half.from_code,
            relation=_chained(half.relation, other.relation),
            mark=weakest((half.mark, other.mark)),
            note="；".join(dict.fromkeys(note for note in (half.note, other.note) if note)),
        )


def _chained(first: Relation, second: Relation) -> Relation:
    if Relation.NONE in (first, second):
        return Relation.NONE
    worse = {first, second} - {Relation.EXACT}
    if not worse:
        return Relation.EXACT
    worse = worse - {Relation.RENAMED} or worse
    return worse.pop() if len(worse) == 1 else Relation.LOSSY
