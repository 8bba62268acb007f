"""Suggestions for codes that do not fit: which class was probably meant, and why.

A suggestion is for a person to read. Nothing applies one by itself: event 05-01 is a hawker in CJ/T 214-2007 and a
burst main in GB/T 30428.2-2013, and whoever guesses sends the wrong crew. Called by ``hub.standards.codebook`` and
``hub.standards.release_file``.

Source: 1.3.4 of the domain notes.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from exchange_db.records import CodeKind
from hub.standards.codes import MAJOR_DIGITS, Code, CodeList, Mark, name_key, ref_key, spelled_code, weakest
from hub.standards.crosswalk import Candidate, Crosswalks
from hub.standards.limits import RuleBroken

#: Most suggestions about one code.
MOST_SUGGESTIONS = 5
KIND_NAMES = {CodeKind.COMPONENT: ("部件", "component"), CodeKind.EVENT: ("事件", "event")}


class Suggestion(Struct, frozen=True):
    """A class that may have been meant, and why, in Chinese and English."""

    standard_ref: str
    kind: CodeKind
    code: str
    name: str
    mark: Mark
    chinese: str
    english: str


def suggest(
    lists: Mapping[str, CodeList],
    crosswalks: Crosswalks,
    standard_ref: str,
    kind: CodeKind,
    code: str,
    name: str = "",
) -> tuple[Suggestion, ...]:
    """Returns what may have been meant by a code that is unknown, or whose name belongs to another class.

    Args:
        lists: code lists by the number of their standard, oldest generation first.
        crosswalks: the ways between them.
        standard_ref: the standard the code is said to come from.
        kind: component or event.
        code: as it came.
        name: what the sender calls the class, if it said so.

    Returns:
        The likeliest first, at most ``MOST_SUGGESTIONS``; none if the code fits or nothing resembles it.
    """
    base = lists.get(standard_ref)
    if base is None:
        found = _of_other_spelling(lists, standard_ref, kind, code)
    else:
        found = _Search(lists, crosswalks, base, kind, code, name).suggestions()
    unique: dict[tuple[str, CodeKind, str], Suggestion] = {}
    for one in found:
        unique.setdefault((one.standard_ref, one.kind, one.code), one)
    return tuple(unique.values())[:MOST_SUGGESTIONS]


def _of_other_spelling(
    lists: Mapping[str, CodeList], standard_ref: str, kind: CodeKind, code: str
) -> Iterator[Suggestion]:
    """Yields the class in standards whose number is the same but for signs, or has the year that is missing."""
    sought = ref_key(standard_ref)
    for ref, one in reversed(list(lists.items())):
        found = one.find(kind, code) if sought and ref_key(ref).startswith(sought) else None
        if found is not None:
            yield Suggestion(
                ref, kind, found.code, found.name, found.mark, f"标准编号应写作 {ref}", f"the standard is written {ref}"
            )


class _Search(Struct, frozen=True):
    lists: Mapping[str, CodeList]
    crosswalks: Crosswalks
    base: CodeList
    kind: CodeKind
    code: str
    name: str

    def suggestions(self) -> Iterator[Suggestion]:
        found = self.base.find(self.kind, self.code)
        if found is not None:
            if self.name and name_key(self.name) != name_key(found.name):
                yield from self._of_the_name(found)
            return
        yield from self._of_lost_zero()
        elsewhere = [meant for other in self._others() if (meant := other.find(self.kind, self.code)) is not None]
        for meant in elsewhere:
            if name_key(meant.name) == name_key(self.name):
                yield from self._of_generation(meant)
        if self.name:
            yield from self._named()
        for meant in elsewhere:
            yield from self._of_generation(meant)
        for kind in CodeKind:
            swapped = self.base.find(kind, self.code) if kind is not self.kind else None
            if swapped is not None:
                chinese, english = KIND_NAMES[kind]
                yield _suggestion(swapped, f"这是{chinese}代码", f"this is the code of a kind of {english}")

    def _others(self) -> list[CodeList]:
        return [one for ref, one in reversed(list(self.lists.items())) if ref != self.base.standard.standard_ref]

    def _of_the_name(self, found: Code) -> Iterator[Suggestion]:
        """Yields what a name says that is not the name of its code here, but of the same digits elsewhere.

        A code that means the same there has only another label; that is no fault.
        """
        for other in self._others():
            meant = other.find(self.kind, self.code)
            if meant is None or name_key(meant.name) != name_key(self.name):
                continue
            if not (self._leads_to(meant, found) or self._leads_to(found, meant)):
                yield from self._of_generation(meant)
        yield from self._same_name_here()

    def _named(self) -> Iterator[Suggestion]:
        yield from self._same_name_here()
        sought = name_key(self.name)
        for other in self._others():
            for meant in other:
                if meant.kind is self.kind and not meant.region and name_key(meant.name) == sought:
                    yield from self._of_generation(meant)

    def _same_name_here(self) -> Iterator[Suggestion]:
        sought = name_key(self.name)
        for one in self.base:
            if one.kind is self.kind and name_key(one.name) == sought and not one.region:
                shown = spelled_code(one.code)
                yield _suggestion(one, f"“{one.name}”的代码是 {shown}", f"the code of {one.name} is {shown}")

    def _of_generation(self, meant: Code) -> Iterator[Suggestion]:
        yield from self._translated(meant)
        yield self._as_it_is(meant)

    def _translated(self, meant: Code) -> list[Suggestion]:
        """Returns the classes here that a class of another standard may stand for."""
        here = self.base.standard.standard_ref
        made = []
        for candidate in self._candidates(meant, here):
            target = self.base.find(meant.kind, candidate.to_code) if candidate.to_code else None
            if target is not None:
                there, shown = spelled_code(meant.code), spelled_code(target.code)
                kind, kind_name = KIND_NAMES[meant.kind]
                made.append(
                    _suggestion(
                        target,
                        f"{there} 是 {meant.standard_ref} 的{kind}“{meant.name}”，在 {here} 中为 {shown}",
                        f"{there} is the {kind_name} {meant.name} of {meant.standard_ref}, which is {shown} in {here}",
                        weakest((meant.mark, candidate.mark, target.mark)),
                    )
                )
        return made

    def _leads_to(self, before: Code, after: Code) -> bool:
        return any(one.to_code == after.code for one in self._candidates(before, after.standard_ref))

    def _candidates(self, code: Code, ref: str) -> tuple[Candidate, ...]:
        try:
            return self.crosswalks.between(code.standard_ref, ref).translate(code.kind, code.code)
        except RuleBroken:
            return ()

    def _as_it_is(self, meant: Code) -> Suggestion:
        kind, kind_name = KIND_NAMES[meant.kind]
        shown = spelled_code(meant.code)
        return _suggestion(
            meant,
            f"{shown} 是 {meant.standard_ref} 的{kind}“{meant.name}”；若确为该标准，请改写所属标准",
            f"{shown} is the {kind_name} {meant.name} of {meant.standard_ref}; if that is meant, name that standard",
        )

    def _of_lost_zero(self) -> Iterator[Suggestion]:
        whole = MAJOR_DIGITS + self.base.standard.minor_digits
        if self.code.isdigit() and len(self.code) == whole - 1:
            found = self.base.find(self.kind, "0" + self.code)
            if found is not None:
                yield _suggestion(found, "开头的 0 已丢失", "its leading zero was lost")


def _suggestion(code: Code, chinese: str, english: str, mark: Mark | None = None) -> Suggestion:
    return Suggestion(code.standard_ref, code.kind, code.code, code.name, mark or code.mark, chinese, english)
