"""Identification codes of components, by the scheme they are built in; called by ``connectors.component_wire``.

Two schemes have 16 characters and another split, so a length says nothing: a code is read by the scheme the record
names, else by that of its class's standard, and a standard that is not known here gives codes that are opaque.

Source: 1.2 of the domain notes. The splits come from one real code (2013), one field list (2026) and one vendor's
tables; that the middle must be the class of the record is our reading, unverified, and a sender whose codes are built
otherwise names the scheme ``opaque``.
"""

import re
from typing import NamedTuple

from exchange_db.records import Violated

#: What a code is built as when nothing in it can be checked.
OPAQUE = "opaque"


class ComponentIdForm(NamedTuple):
    """How a code is built: region (6), major (2), minor and sequence, in characters."""

    minor: int
    sequence: int

    @property
    def length(self) -> int:
        """Characters in all."""
        return 8 + self.minor + self.sequence

    def __str__(self) -> str:
        return f"6+2+{self.minor}+{self.sequence} = {self.length}"


#: Forms by scheme; a standard that is named like a scheme builds its codes that way.
FORMS: dict[str, ComponentIdForm | None] = {
    "GB/T-30428.2-2013": ComponentIdForm(2, 6),
    "GB/T-47678.5-2026": ComponentIdForm(3, 6),
    "local-6-2-3-5": ComponentIdForm(3, 5),
    OPAQUE: None,
}
_NO_DIGIT = re.compile(r"[^0-9]")
_PATTERNS = {
    form: re.compile(rf"[0-9]{{{8 + form.minor}}}[0-9A-Z]{{{form.sequence}}}\Z") for form in FORMS.values() if form
}


def check_component_id(component_id: str, id_scheme: str, standard_ref: str, class_code: str) -> None:
    """Checks a code against its scheme.

    Args:
        component_id: the code.
        id_scheme: a scheme of ``FORMS``, "" for that of the standard.
        standard_ref: standard of the class.
        class_code: class, with or without a separator between major and minor.

    Raises:
        Violated: ID_SCHEME_UNKNOWN, or COMPONENT_ID_INVALID.
    """
    scheme = id_scheme or standard_ref
    if id_scheme and id_scheme not in FORMS:
        raise Violated("ID_SCHEME_UNKNOWN", "component.id_scheme", id_scheme)
    form = FORMS.get(scheme)
    if form is None:
        return
    if not _PATTERNS[form].match(component_id):
        raise Violated("COMPONENT_ID_INVALID", "component.component_id", f"{component_id} ({scheme}: {form})")
    found = component_id[6 : 8 + form.minor]
    wanted = _NO_DIGIT.sub("", class_code)
    # A class of another generation has another number of digits, and then says nothing about the code.
    if len(wanted) == len(found) and wanted != found:
        raise Violated("COMPONENT_ID_INVALID", "component.component_id", f"{component_id} ({found} <> {class_code})")
