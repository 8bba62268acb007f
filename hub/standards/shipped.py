"""What is shipped: three generations of code lists and the crosswalks between them, as files in ``hub/standards/data``.

They are reconstructed from secondary sources; every row says how well it is known. Read through the same checks as
everybody else's.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from hub.standards.catalogue import EMPTY, Catalogue
from hub.standards.manifest import StandardKind
from hub.standards.release_file import ReleaseRow, read_release, taken_in

DATA = Path(__file__).parent / "data"
#: In the order they are read: oldest generation first, codes before what speaks of them.
_FILES = (
    "standards.csv",
    "codes-2007.csv",
    "codes-2013.csv",
    "codes-2026.csv",
    "crosswalk-2007-2013.csv",
    "crosswalk-2013-2026.csv",
)

#: Tables that speak of the classes, by the names of their files.
SHIPPED_TABLES: Final[Mapping[StandardKind, str]] = {
    StandardKind.FILING_CONDITIONS: "filing_conditions",
    StandardKind.REGIONS: "regions",
}


@lru_cache(maxsize=1)
def shipped_catalogue() -> Catalogue:
    """Reads what is shipped, once a process: it takes some hundredths of a second and never changes."""
    catalogue = EMPTY
    for name in _FILES:
        catalogue = taken_in(catalogue, [read_release(DATA / name, catalogue)])
    return catalogue


def shipped_rows(name: str, catalogue: Catalogue) -> tuple[ReleaseRow, ...]:
    """Reads a table that is shipped, by the name of its file, against the classes that are known."""
    return read_release(DATA / f"{name}.csv", catalogue).rows
