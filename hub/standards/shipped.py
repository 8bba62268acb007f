"""What is shipped: three generations of code lists and the crosswalks between them, as files in ``hub/standards/data``.

They are reconstructed from secondary sources; every row says how well it is known. Read through the same checks as
everybody else's.
"""

from pathlib import Path

from hub.standards.catalogue import EMPTY, Catalogue
from hub.standards.release_file import read_release, taken_in

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


def shipped_catalogue() -> Catalogue:
    """Reads what is shipped. Takes some hundredths of a second; keep the result."""
    catalogue = EMPTY
    for name in _FILES:
        catalogue = taken_in(catalogue, [read_release(DATA / name, catalogue)])
    return catalogue
