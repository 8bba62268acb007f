"""The file of refused rows, written beside the input: why, what to do, and every column as it was.

It opens in a spreadsheet program, where nothing in it acts as a formula (``connectors.formulas``), and after correction
can be pushed like the file it came from.
"""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

from connectors.county.spool import Outcome, Spool, State
from connectors.formulas import REFUSED_ROW, guarded

_STAGES = {
    State.UNMAPPED: "映射 / mapping",
    State.REFUSED: "枢纽接收 / intake",
    State.QUARANTINED: "枢纽业务规则 / apply",
}
#: Columns put before those of the file; its own columns of these names come from an earlier such file and are left out.
COLUMNS = (REFUSED_ROW, "拒绝环节 / stage", "拒绝原因 / reason", "拒绝字段 / field", "拒绝说明", "refused because")


def refused_path_of(path: Path) -> Path:
    """Returns where the refused rows of a file are written."""
    return path.with_name(path.name + ".refused.csv")


def write_refused(path: Path, spool: Spool) -> Path | None:
    """Writes the refused rows of a file, whole or not at all; without any, an older such file is removed.

    Args:
        path: the file that was pushed.
        spool: its spool.

    Returns:
        The file written, or ``None`` when nothing was refused.

    Raises:
        OSError: it cannot be written.
    """
    target = refused_path_of(path)
    names = dict.fromkeys(name for _, cells in _rows(spool) for name in cells if name not in COLUMNS)
    if next(spool.refusals(), None) is None:
        target.unlink(missing_ok=True)
        return None
    draft = target.with_name(target.name + ".part")
    with draft.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *map(guarded, names)])
        for outcome, cells in _rows(spool):
            told = outcome.violation
            texts = (_STAGES[outcome.state], told.reason, told.field_path, told.message_zh, told.message)
            cells_as_they_were = (cells.get(name, "") for name in names)
            writer.writerow([outcome.row, *map(guarded, (*texts, *cells_as_they_were))])
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    return target


def _rows(spool: Spool) -> Iterator[tuple[Outcome, dict[str, str]]]:
    for outcome in spool.refusals():
        yield outcome, json.loads(outcome.cells)
