"""What codes are called in a report: regions, classes, sources, units.

Regions, classes and sources are those of the standards in force; units have no public register, so a hub may be given
a file of names, which also wins over the others. A code without a name stands for itself.
"""

import csv
import io
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

from exchange_db.records import CodeKind, Violated, printable
from exchange_db.regions import format_region
from hub.standards.release_tables import ProblemSource
from hub.standards.rulebook import RuleBook
from hub.standards.shipped import shipped_catalogue, shipped_rows

#: What the file of names may name.
NAMED = ("region", "unit", "class", "source", "line", "grid")
_MOST_BYTES, _MOST_NAME = 4 * 1024 * 1024, 100


class Names:
    """Names of codes.

    Args:
        book: what is in force.
        given: names by kind and code, as the file has them.
        day: the day for which regions are named.
    """

    def __init__(self, book: RuleBook, given: Mapping[tuple[str, str], str], day: date) -> None:
        self._book = book
        self._given = given
        self._day = day

    def of(self, dimension: str, key: str) -> str:
        """Returns the name of a value of a breakdown."""
        if not key:
            return "（未填）"
        if (dimension, key) in self._given:
            return self._given[dimension, key]
        known: str | None = None
        match dimension:
            case "region":
                found = self._book.region(int(key), self._day)
                known = found[0].name if found else None
            case "class":
                known = self._class(key)
            case "source":
                known = _sources().get(key)
            case "month":
                known = f"{key[:4]}年{int(key[4:])}月"
        return known or printable(key)

    def region(self, region: int) -> str:
        """Returns the name of a region."""
        return self.of("region", format_region(region))

    def _class(self, key: str) -> str | None:
        standard_ref, _, rest = key.partition("|")
        kind, _, code = rest.partition("|")
        known = self._book.catalogue.lists.get(standard_ref)
        if known is None:
            return None
        found = known.find(CodeKind.COMPONENT if kind == "C" else CodeKind.EVENT, code)
        return f"{found.name}（{code}）" if found else None


def read_names(path: Path | None) -> dict[tuple[str, str], str]:
    """Reads a file of names: CSV in UTF-8 with the columns kind, code and name.

    Raises:
        Violated: REPORT_NAMES_INVALID, with file and line.
    """
    if path is None:
        return {}
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise Violated("REPORT_NAMES_INVALID", "reports.names", f"{path.name}: > {_MOST_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise Violated("REPORT_NAMES_INVALID", "reports.names", f"{path.name}: {told}") from None
    names = {}
    reader = csv.DictReader(io.StringIO(text))
    if not {"kind", "code", "name"} <= set(reader.fieldnames or ()):
        raise Violated("REPORT_NAMES_INVALID", "reports.names", f"{path.name}: kind,code,name")
    for row in reader:
        kind, code, name = ((row[field] or "").strip() for field in ("kind", "code", "name"))
        if kind not in NAMED or not code or not 0 < len(name) <= _MOST_NAME or not name.isprintable():
            raise Violated("REPORT_NAMES_INVALID", "reports.names", f"{path.name}:{reader.line_num}")
        names[kind, code] = name
    return names


@lru_cache(maxsize=1)
def _sources() -> dict[str, str]:
    rows = shipped_rows("problem_sources", shipped_catalogue())
    return {row.code: row.name for row in rows if isinstance(row, ProblemSource)}
