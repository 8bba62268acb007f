"""Files standards are brought in, as tests write and read them."""

from pathlib import Path

from hub.standards.release_cells import Severity
from hub.standards.release_file import ReleaseFile, read_release
from hub.standards.shipped import shipped_catalogue
from tests.support.sheets import write_sheet

OLD, CURRENT, NEW = "CJ/T-214-2007", "GB/T-30428.2-2013", "GB/T-47678.5-2026"
CATALOGUE = shipped_catalogue()
REFUSED, CORRECTED, DOUBTFUL = Severity.REFUSED, Severity.CORRECTED, Severity.DOUBTFUL

#: A finding: row, column, severity, rule.
Told = tuple[int, str, Severity, str]


def class_row(code: str, name: str, ref: str = CURRENT, kind: str = "event", region: str = "") -> dict[str, str]:
    """Returns a row of a code list."""
    return {"standard_ref": ref, "kind": kind, "code": code, "name": name, "region": region}


def read_rows_of(folder: Path, rows: list[dict[str, str]], name: str = "release.csv") -> ReleaseFile:
    """Writes rows into a file and reads it against what is shipped."""
    return read_release(write_sheet(folder / name, rows), CATALOGUE)


def told_of(file: ReleaseFile) -> list[Told]:
    """Returns the findings without their texts."""
    return [(one.row, one.column, one.severity, one.rule) for one in file.findings]
