"""The check of a record's class, as fast as a look into a dict; built once when a process starts.

A fault is told with what was probably meant, and never mended: the record goes to the quarantine. Meant for the check
of records at intake, to which ``hub.bootstrap`` hands it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from exchange_db.facts import class_key
from exchange_db.records import CodeKind
from hub.standards.codes import CodeList, lineage, spelled_code
from hub.standards.crosswalk import Crosswalks
from hub.standards.suggestions import Suggestion, suggest


class CodeFault(NamedTuple):
    """Why a class is refused: a reason of ``exchange_db.reasons``, the value for its text, what was probably meant."""

    reason: str
    value: str
    suggestions: tuple[Suggestion, ...]


class CodeBook:
    """All classes that are known.

    Args:
        lists: code lists by the number of their standard, oldest generation first.
        crosswalks: the ways between them, for suggestions.
        unlisted: standards whose codes are taken unseen, such as a foreign list nobody has published.
    """

    def __init__(
        self, lists: Mapping[str, CodeList], crosswalks: Crosswalks, unlisted: frozenset[str] = frozenset()
    ) -> None:
        self._lists = lists
        self._crosswalks = crosswalks
        self._unlisted = unlisted
        self._known: set[tuple[str, CodeKind, str]] = set()
        self._local: dict[tuple[str, CodeKind, str], set[int]] = {}
        for one in lists.values():
            for code in one:
                # The contract joins major and minor by "-"; many send them without.
                for spelling in (code.code, spelled_code(code.code)):
                    key = code.standard_ref, code.kind, spelling
                    if code.region:
                        self._local.setdefault(key, set()).add(code.region)
                    else:
                        self._known.add(key)

    def check(self, standard_ref: str, kind: CodeKind, code: str, region: int = 0) -> CodeFault | None:
        """Returns what is wrong with a class, ``None`` if it is known in the region or anywhere above it.

        A major is a class too: some platforms know no more.
        """
        key = standard_ref, kind, code
        if key in self._known:
            return None
        if standard_ref in self._unlisted:
            return None
        if key in self._local and not self._local[key].isdisjoint(lineage(region)):
            return None
        found = suggest(self._lists, self._crosswalks, standard_ref, kind, code)
        if standard_ref not in self._lists:
            meant = f" → {found[0].standard_ref} (?)" if found else ""
            return CodeFault("STANDARD_UNKNOWN", f"{standard_ref}{meant}", found)
        meant = ""
        if found:
            first = found[0]
            place = "" if (first.standard_ref, first.kind) == key[:2] else f"{first.standard_ref}|{first.kind.name[0]}|"
            meant = f" → {place}{first.code} {first.name} (?)"
        return CodeFault("CODE_UNKNOWN", f"{class_key(*key)}{meant}", found)
