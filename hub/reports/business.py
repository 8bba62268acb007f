"""Business lines (业务线: 市容, 环卫, 市政, 园林): to which one a class belongs.

The four are those of F21 of the domain notes (S001); which class belongs to which is settled in no source at hand, so
the shipped table is a suggestion, every row marked as unverified, and an authority may bring its own.
"""

import csv
import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from exchange_db.records import Violated

SHIPPED: Final = Path(__file__).parent / "data" / "business_lines.csv"
#: The lines, in the order reports have them; what belongs to none comes last.
LINES: Final[tuple[str, ...]] = ("市容", "环卫", "市政", "园林")
OTHER: Final[str] = "其他"
_KINDS = {"component": "C", "event": "E"}
_COLUMNS = {"standard_ref", "kind", "code", "line"}
_MOST_BYTES = 4 * 1024 * 1024

#: Standard, C or E, and the beginning of a code, to the line.
Table = Mapping[tuple[str, str, str], str]


def line_of(class_key: str, table: Table) -> str:
    """Returns the line of a class: that of the longest beginning of its code that the table has."""
    standard_ref, _, rest = class_key.partition("|")
    kind, _, code = rest.partition("|")
    digits = code.replace("-", "")
    for length in range(len(digits), 1, -1):
        if (found := table.get((standard_ref, kind, digits[:length]))) is not None:
            return found
    return OTHER


def read_lines(path: Path | None) -> Table:
    """Reads a table of lines: CSV in UTF-8 with standard_ref, kind, code (whole or its beginning) and line.

    Raises:
        Violated: REPORT_LINES_INVALID, with file and line.
    """
    if path is None:
        return _shipped()
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise Violated("REPORT_LINES_INVALID", "reports.lines", f"{path.name}: > {_MOST_BYTES} bytes")
        return _read(path.name, path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise Violated("REPORT_LINES_INVALID", "reports.lines", f"{path.name}: {told}") from None


@lru_cache(maxsize=1)
def _shipped() -> Table:
    return _read(SHIPPED.name, SHIPPED.read_text(encoding="utf-8"))


def _read(name: str, text: str) -> Table:
    table = {}
    reader = csv.DictReader(io.StringIO(text))
    if not set(reader.fieldnames or ()) >= _COLUMNS:
        raise Violated("REPORT_LINES_INVALID", "reports.lines", f"{name}: {','.join(sorted(_COLUMNS))}")
    for row in reader:
        ref, kind, code, line = ((row[field] or "").strip() for field in ("standard_ref", "kind", "code", "line"))
        if not ref or kind not in _KINDS or len(code) < 2 or not 0 < len(line) <= 20 or not line.isprintable():
            raise Violated("REPORT_LINES_INVALID", "reports.lines", f"{name}:{reader.line_num}")
        table[ref, _KINDS[kind], code.replace("-", "")] = line
    return table
