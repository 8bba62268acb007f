"""The catalogue: every standard, code list and crosswalk a process knows."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

from exchange_db.records import printable
from hub.standards.codes import Code, CodeList, Standard, ref_key
from hub.standards.crosswalk import Crosswalk, Crosswalks
from hub.standards.limits import RuleBroken


class Catalogue(NamedTuple):
    """What is known, by the number of the standard, oldest generation first. Does not change."""

    standards: Mapping[str, Standard]
    lists: Mapping[str, CodeList]
    crosswalks: Crosswalks

    def find(self, text: str) -> Standard | None:
        """Returns the standard whose number is written so, signs and blanks aside."""
        sought = ref_key(text)
        return next((one for ref, one in self.standards.items() if ref_key(ref) == sought), None)

    def named(self, text: str) -> Standard:
        """Returns the standard a person means: the number may lack its year, or be the year alone.

        Raises:
            RuleBroken: ``STANDARD_UNKNOWN``, also if several fit.
        """
        sought = ref_key(text)
        fitting = [
            one
            for ref, one in self.standards.items()
            if sought and (ref_key(ref).startswith(sought) or ref.endswith(f"-{sought}"))
        ]
        exact = self.find(text)
        if exact is None and len(fitting) != 1:
            shown, known = printable(text[:40]), ", ".join(self.standards)
            raise RuleBroken(
                "STANDARD_UNKNOWN",
                f"标准 {shown!r}：{'不止一个符合' if fitting else '未收录'}，已收录 {known}。",
                f"standard {shown!r}: {'several fit' if fitting else 'not known'}; known are {known}.",
            )
        return exact or fitting[0]

    def with_codes(self, codes: Iterable[Code]) -> "Catalogue":
        """Returns the catalogue with more classes: those of regions, and of lists that are not in it yet."""
        standards, lists = dict(self.standards), dict(self.lists)
        for ref, added in groupby(sorted(codes, key=lambda one: one.standard_ref), lambda one: one.standard_ref):
            standard = standards.setdefault(ref, Standard(ref, "", 0))
            lists[ref] = CodeList(standard, [*lists.get(ref, ()), *added])
        return Catalogue(standards, lists, self.crosswalks)

    def with_crosswalks(self, crosswalks: Iterable[Crosswalk]) -> "Catalogue":
        """Returns the catalogue with more crosswalks; a new one takes the place of one between the same standards."""
        return self._replace(crosswalks=Crosswalks([*self.crosswalks, *crosswalks]))


EMPTY = Catalogue({}, {}, Crosswalks(()))
