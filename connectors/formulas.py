"""Cells that a spreadsheet program would take for a formula: made harmless where rows are written, undone where read.

The file of refused rows shows texts of unknown origin to people who open it in a spreadsheet program. There a cell that
begins with a sign of a formula gets an apostrophe in front. Such a file is known by its first column, and read without
the apostrophes, so that what is pushed again is what was refused.
Source: CWE-1236 and its usual mitigation, an apostrophe before the first character.
"""

import re

#: First column of a file of refused rows.
REFUSED_ROW = "拒绝行号 / row"

#: Also in full width, which editions for Chinese read like the others; and behind blanks, which some pass over.
_SIGN = r"(?:[\t\r\n]|[ \u00a0\u3000]*[=+\-@＝＋－＠])"
_acts = re.compile(rf"'*{_SIGN}").match
_is_guarded = re.compile(rf"'+{_SIGN}").match
#: A number with its sign is no formula, nor is a dash that stands for nothing.
_is_number = re.compile(r"[+-](?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)?\Z").match


def guarded(cell: str) -> str:
    """Returns a cell as it may be written into a file that people open: nothing in it acts."""
    return f"'{cell}" if _acts(cell) and not _is_number(cell) else cell


def unguarded(cell: str) -> str:
    """Returns a cell as it was before ``guarded``."""
    return cell[1:] if _is_guarded(cell) else cell
