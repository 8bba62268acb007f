"""Code lists: the classes of a standard, and what regions have added to it.

A class is known by ``(standard_ref, kind, code)``: components and events share their digits, and the same digits mean
different things in different generations. The name is a label; the code is the key. Filled from files by
``hub.standards.release_file``, put together by ``hub.standards.catalogue``.

Source: 1.2 and 1.3 of the domain notes.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum

from msgspec import Struct

from connectors.mapping_values import half_width
from exchange_db.records import CodeKind
from hub.standards.limits import RuleBroken

#: Digits of a major class, in every generation.
MAJOR_DIGITS = 2
#: What CJ/T 214-2007 calls the minors 99 of its events; they are the standard's own.
OTHER_MINOR = "99"
#: Major that CJ/T 214-2007 keeps for local classes: 扩展部件, 扩展事件.
EXTENSION_MAJOR = "21"
#: First local minor of the scheme with three digits, and the end of the names there.
FIRST_LOCAL_MINOR, LOCAL_SUFFIX = 80, "（自定义）"

_OWN_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}\Z")
_SPELLED_CODE = re.compile(r"([0-9]{2})(?: ?[-–—_/ ] ?)?([0-9]*)\Z")
_NOT_OF_A_REF = re.compile(r"[^0-9A-Z.]")
_NOT_OF_A_NAME = re.compile(r"[\s、，,。;；·/()-]+")


class Mark(StrEnum):
    """How well a row is known; ``docs/standards.md`` tells what each of them claims."""

    VERIFIED = "verified"
    INFERRED = "inferred"
    UNVERIFIED = "unverified"


_STRENGTH = (Mark.VERIFIED, Mark.INFERRED, Mark.UNVERIFIED)


class Standard(Struct, frozen=True):
    """A standard that has a code list. ``minor_digits`` is 0 for lists whose codes have a form of their own."""

    standard_ref: str
    title: str
    minor_digits: int
    valid_from: date | None = None
    successor: str = ""
    mark: Mark = Mark.UNVERIFIED
    note: str = ""


class Code(Struct, frozen=True):
    """A class; ``region`` is 0 for the standard's own, else the region that added it for itself and those below."""

    standard_ref: str
    kind: CodeKind
    code: str
    name: str
    mark: Mark = Mark.UNVERIFIED
    note: str = ""
    region: int = 0

    @property
    def is_major(self) -> bool:
        """Whether it is a major class, where the standard has such."""
        return len(self.code) == MAJOR_DIGITS


class CodeList:
    """The classes of one standard, with those that regions laid over it. Does not change."""

    def __init__(self, standard: Standard, codes: Iterable[Code]) -> None:
        self.standard = standard
        self._codes: dict[tuple[CodeKind, str], Code] = {}
        self._local: dict[tuple[CodeKind, str], dict[int, Code]] = {}
        for code in sorted(codes, key=lambda one: (one.kind, one.code, one.region)):
            if code.region:
                self._local.setdefault((code.kind, code.code), {})[code.region] = code
            else:
                self._codes[code.kind, code.code] = code

    def __iter__(self) -> Iterator[Code]:
        yield from self._codes.values()
        for regions in self._local.values():
            yield from regions.values()

    def find(self, kind: CodeKind, text: str, region: int = 0) -> Code | None:
        """Returns the class a code stands for in a region, in any spelling ``canonical_code`` knows."""
        try:
            key = kind, canonical_code(text, self.standard.minor_digits)
        except ValueError:
            return None
        found = self._codes.get(key)
        if found is None and key in self._local:
            regions = self._local[key]
            found = next((regions[one] for one in lineage(region) if one in regions), None)
        return found

    def major_of(self, code: Code) -> Code | None:
        """Returns the major class of a class; of a major, itself; ``None`` where codes have no majors."""
        return self._codes.get((code.kind, code.code[:MAJOR_DIGITS])) if self.standard.minor_digits else None

    def minors(self, kind: CodeKind, major: str) -> list[Code]:
        """Returns the minor classes of a major, those of regions included."""
        return [one for one in self if one.kind is kind and not one.is_major and one.code.startswith(major)]

    def extended(self, codes: Iterable[Code]) -> "CodeList":
        """Returns the list with the classes of regions laid over it.

        Raises:
            RuleBroken: as ``check_extension`` says.
        """
        added = list(codes)
        for code in added:
            check_extension(self, code)
        return CodeList(self.standard, [*self, *added])


def check_extension(base: CodeList, code: Code) -> None:
    """Checks that a region may add a class: a minor of a known major, with a number the standard leaves free.

    Source: 1.2 of the domain notes. That numbers above the standard's own are free is our reading, unverified.

    Raises:
        RuleBroken: ``EXTENSION_MAJOR``, ``CODE_TAKEN``, ``MAJOR_UNKNOWN`` or ``EXTENSION_NOT_FREE``.
    """
    digits = base.standard.minor_digits
    if code.is_major or not digits or len(code.code) != MAJOR_DIGITS + digits:
        raise RuleBroken(
            "EXTENSION_MAJOR",
            f"{code.code} 不是小类；本地扩展只能在已有大类下增加小类。",
            f"{code.code} is no minor class; a local extension adds minors to majors that exist.",
        )
    major, minor = code.code[:MAJOR_DIGITS], code.code[MAJOR_DIGITS:]
    taken = base.find(code.kind, code.code)
    if taken is not None:
        room = base.find(code.kind, EXTENSION_MAJOR)
        chinese, english = (
            (f"请改用大类 {room.code}", f"use major {room.code}") if room else ("请另编号", "use another number")
        )
        raise RuleBroken(
            "CODE_TAKEN",
            f"{code.code} 在 {code.standard_ref} 中已是“{taken.name}”，{chinese}。",
            f"{code.code} is {taken.name} in {code.standard_ref}; {english}.",
        )
    if base.find(code.kind, major) is None:
        raise RuleBroken(
            "MAJOR_UNKNOWN",
            f"{code.standard_ref} 中没有大类 {major}，请核对代码和类型（部件或事件）。",
            f"{code.standard_ref} has no major {major}; check the code and whether it is a component or an event.",
        )
    own = [int(one.code[MAJOR_DIGITS:]) for one in base.minors(code.kind, major) if not one.region]
    first = max((one for one in own if one != int(OTHER_MINOR)), default=0) + 1 if digits < 3 else FIRST_LOCAL_MINOR
    if int(minor) < first:
        raise RuleBroken(
            "EXTENSION_NOT_FREE",
            f"{code.code}：小类 {first:0{digits}d} 以下归标准本身，本地扩展请自 {'9' * digits} 起向下编号。",
            f"{code.code}: minors below {first:0{digits}d} are the standard's; count down from {'9' * digits}.",
        )


def canonical_code(text: str, minor_digits: int) -> str:
    """Returns a code without separator, ``0110`` for ``01-10`` or ``０１－１０``; majors have two digits.

    Digits are never added: what lost its zeros is no code.

    Raises:
        ValueError: the text is no code of a standard with so many digits in its minors.
    """
    plain = half_width(text)
    if not minor_digits:
        if not _OWN_CODE.match(plain):
            raise ValueError(text)
        return plain
    match = _SPELLED_CODE.match(plain)
    if match is None or len(match[2]) not in (0, minor_digits):
        raise ValueError(text)
    return match[1] + match[2]


def spelled_code(code: str) -> str:
    """Returns a canonical code the way the standard prints it: ``01-10``."""
    return f"{code[:MAJOR_DIGITS]}-{code[MAJOR_DIGITS:]}" if len(code) > MAJOR_DIGITS and code.isdigit() else code


def ref_key(text: str) -> str:
    """Returns what all spellings of a standard's number have in common: ``CJ/T 214-2007`` as ``CJT2142007``."""
    return _NOT_OF_A_REF.sub("", half_width(text).upper())


def name_key(text: str) -> str:
    """Returns what spellings of a name have in common: letters without signs and blanks."""
    return _NOT_OF_A_NAME.sub("", half_width(text))


def lineage(region: int) -> tuple[int, ...]:
    """Returns a region and those above it, nearest first, down to 0 for the nation."""
    return tuple(dict.fromkeys((region, region // 100 * 100, region // 10_000 * 10_000, 0)))


def weakest(marks: Iterable[Mark]) -> Mark:
    """Returns the mark of a chain of rows: that of its worst known one."""
    return max(marks, key=_STRENGTH.index, default=Mark.VERIFIED)
