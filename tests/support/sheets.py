"""Sheets a county pushes, with rows of every fate, and the command that pushes them."""

import asyncio
import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl

from connectors.county.profile import Profile, write_profile
from connectors.county.refused_file import refused_path_of
from tests.support.sources import ROOT

EXAMPLES = ROOT / "docs" / "examples"
#: Every so many rows the same fates come again.
CYCLE = 50
#: Fate of a row by its place in the cycle; all others are accepted.
UNMAPPED, REFUSED, QUARANTINED, REPEATED = 7, 17, 27, 37


def mapping_in(folder: Path) -> Path:
    """Writes the generic mapping, with a unit that another platform answers for; returns its path."""
    text = (EXAMPLES / "generic.toml").read_text(encoding="utf-8")
    text = text.replace("[tables.handlers]\n", '[tables.handlers]\n"外单位" = "431222.platform"\n')
    text = text.replace("[tables.units]\n", '[tables.units]\n"外单位" = "ww01"\n')
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(prefix: str, count: int) -> list[dict[str, str]]:
    """Returns rows in the columns of the generic sheet; the first is row 2 of a file with a header."""
    with (EXAMPLES / "generic.csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    made: list[dict[str, str]] = []
    for number in range(count):
        row = first | {"案件编号": f"{prefix}-{number:06d}", "描述": f"第{number}号，门前堆放垃圾"}
        fate = number % CYCLE
        if fate == UNMAPPED:
            row["处置部门"] = "未知所"
        elif fate == REFUSED:
            row["上报时间"] = "2199-01-01 08:00:00"
        elif fate == QUARANTINED:
            row["处置部门"] = "外单位"
        elif fate == REPEATED:
            row = made[-1]
        made.append(row)
    return made


def write_sheet(path: Path, rows: list[dict[str, str]]) -> Path:
    """Writes rows in the format the name asks for."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".xlsx"):
        workbook = openpyxl.Workbook(write_only=True)
        sheet = workbook.create_sheet()
        for cells in (list(rows[0]), *(list(row.values()) for row in rows)):
            sheet.append(cells)
        workbook.save(path)
        return path
    text = io.StringIO()
    if name.endswith(".jsonl"):
        text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    content = text.getvalue().encode("utf-8")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def fates_of(count: int) -> dict[str, int]:
    """Returns how many rows of a sheet end which way."""
    fates = [number % CYCLE for number in range(count)]
    refused = sum(fates.count(fate) for fate in (UNMAPPED, REFUSED, QUARANTINED))
    return {"rows": count, "accepted": count - refused, "refused": refused}


def refused_rows(path: Path) -> list[tuple[int, str, str]]:
    """Reads the refused file of a sheet: row, reason, case number."""
    with refused_path_of(path).open(encoding="utf-8-sig", newline="") as file:
        return [(int(row["拒绝行号 / row"]), row["拒绝原因 / reason"], row["案件编号"]) for row in csv.DictReader(file)]


def rows_refused_of(prefix: str, count: int, first_row: int = 2) -> list[tuple[int, str, str]]:
    """Returns what the refused file of a sheet must say."""
    reasons = {UNMAPPED: "VALUE_UNMAPPED", REFUSED: "CLOCK_SKEW", QUARANTINED: "SECTION_FORBIDDEN"}
    return [
        (first_row + number, reasons[number % CYCLE], f"{prefix}-{number:06d}")
        for number in range(count)
        if number % CYCLE in reasons
    ]


class Pushed(NamedTuple):
    """How a push ended: exit code, the summary if it came to one, and what it said to people."""

    code: int
    summary: dict[str, Any]
    told: str


class PushCommand:
    """``sanji push`` of one sheet as a process of its own.

    Args:
        sheet: the file.
        mapping: its mapping.
        profile: who pushes and where to.
    """

    def __init__(self, sheet: Path, mapping: Path, profile: Profile) -> None:
        self.sheet = sheet
        folder = sheet.parent / "profile"
        write_profile(folder, profile)
        self._words = ["push", str(sheet), "--mapping", str(mapping), "--to", str(folder), "--json"]

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Starts a process."""
        environment = {key: text for key, text in os.environ.items() if not key.startswith("SANJI_")}
        return subprocess.Popen(
            [sys.executable, "-m", "hub", *self._words, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )

    async def run(self, *options: str) -> Pushed:
        """Runs a process to its end."""
        return await self.end_of(self.start(*options))

    async def end_of(self, process: "subprocess.Popen[str]") -> Pushed:
        """Waits for a process that was started."""
        out, told = await asyncio.to_thread(process.communicate, timeout=300)
        assert "Traceback" not in told, told
        return Pushed(process.returncode, json.loads(out) if out else {}, told)
