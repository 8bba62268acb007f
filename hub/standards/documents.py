"""What is in the documents of a release: findings about their bytes, by kind of standard.

A release is validated like any input, where it is published and again where it is taken. Who knows a kind brings its
validator; a kind without one is only looked at for being text. Pure. Called by ``hub.standards`` and the command line.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from connectors.sheets import SheetInvalid
from exchange_db.records import Violated
from hub.standards.calendar_file import read_calendar_content
from hub.standards.catalogue import Catalogue
from hub.standards.limits import RuleBroken
from hub.standards.manifest import StandardKind
from hub.standards.release_cells import Severity
from hub.standards.release_file import ReleaseKind, read_content

#: How an XLSX begins; it is the one form that is not text.
_ZIP = b"PK\x03\x04"


class Finding(NamedTuple):
    """Something about one document. ``is_wrong`` means it cannot be published or taken; ``place`` is a row or key."""

    is_wrong: bool
    place: str
    chinese: str
    english: str


#: Takes the name of a document, whose ending tells its form, its bytes, and the classes it may speak of.
Validator = Callable[[str, bytes, Catalogue], list[Finding]]
Validators = Mapping[str, Validator]


def validate_calendar(name: str, content: bytes, _catalogue: Catalogue) -> list[Finding]:
    """Finds what is wrong with a region's calendar; stops at the first."""
    try:
        read_calendar_content(content, Path(name))
    except RuleBroken as error:
        return [_wrong("", error.chinese, error.english)]
    return []


def validate_table(expected: ReleaseKind) -> Validator:
    """Returns the validator of a table: every finding by row, a table of another kind refused."""

    def validate(name: str, content: bytes, catalogue: Catalogue) -> list[Finding]:
        try:
            file = read_content(name, content, catalogue)
        except SheetInvalid as invalid:
            chinese, _, english = str(invalid).partition(" / ")
            return [_wrong("", chinese, english)]
        if file.kind is not expected:
            told = f"{file.kind} ≠ {expected}"
            return [_wrong("", f"表格内容与标准种类不符：{told}。", f"the table is of another kind: {told}.")]
        return [
            Finding(one.severity is Severity.REFUSED, f"{one.row} {one.column}".strip(), one.chinese, one.english)
            for one in file.findings
        ]

    return validate


#: Validators that come with the hub.
VALIDATORS: Validators = {
    StandardKind.CALENDAR: validate_calendar,
    StandardKind.CODE_LIST: validate_table(ReleaseKind.CODES),
    StandardKind.CROSSWALK: validate_table(ReleaseKind.CROSSWALK),
    StandardKind.PROBLEM_SOURCES: validate_table(ReleaseKind.SOURCES),
    StandardKind.REGIONS: validate_table(ReleaseKind.REGIONS),
    StandardKind.FILING_CONDITIONS: validate_table(ReleaseKind.CONDITIONS),
}


def findings_of(kind: str, name: str, content: bytes, validators: Validators, catalogue: Catalogue) -> list[Finding]:
    """Returns what there is to say about one document; ``catalogue`` has the classes it may speak of."""
    validate = validators.get(kind)
    if validate is not None:
        return validate(name, content, catalogue)
    if content.startswith(_ZIP):
        return []
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [_wrong(str(line), "不是 UTF-8 编码，请另存为 UTF-8。", "not UTF-8; save it as UTF-8.")]
    return []


def _wrong(place: str, chinese: str, english: str) -> Finding:
    return Finding(is_wrong=True, place=place, chinese=chinese, english=english)


def require_usable(kind: str, name: str, content: bytes, validators: Validators, catalogue: Catalogue) -> None:
    """Checks that a document that was handed in can be used.

    Raises:
        Violated: RELEASE_INVALID with the document, the place and the first thing wrong.
    """
    wrong = [finding for finding in findings_of(kind, name, content, validators, catalogue) if finding.is_wrong]
    if wrong:
        first = wrong[0]
        path = f"documents.{name}" + (f":{first.place}" if first.place else "")
        raise Violated("RELEASE_INVALID", path, f"{first.chinese} {first.english}")
