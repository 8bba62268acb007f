"""200,000 components from a county's file to its city and its province: none lost, none twice, every field the same.

The limit is the rate at which one core maps and packs the rows of the file, measured in the same run: nothing of the
way can be faster than that.
"""

import asyncio
import csv
import json
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from bench.staged import stage, wait_for
from connectors.county.packing import pack
from connectors.county.profile import write_profile
from connectors.mapping import map_row
from connectors.mapping_file import read_mapping
from connectors.sheets import read_rows

COUNT = 200_000
OWNER = "431221.platform"
_MAPPED = 20_000
_MAPPING = f"""
version = 1
issuer_id = "{OWNER}"
[times]
zone = "Asia/Shanghai"
formats = ["%Y%m%d"]
[component]
revision = 1
component_id = {{ column = "ObjID" }}
class = {{ column = "ClassID", standard_ref = "GB/T-30428.2-2013", kind = "component" }}
name = {{ column = "ObjName" }}
region_code = "431221"
state = "SOUND"
grid_code = {{ column = "BGID" }}
position = {{ crs = "CGCS2000", x = {{ column = "X" }}, y = {{ column = "Y" }} }}
supervisor_code = {{ column = "DeptCode1" }}
supervisor_name = {{ column = "DeptName1" }}
proprietor_code = {{ column = "DeptCode2" }}
proprietor_name = {{ column = "DeptName2" }}
initial_time = {{ column = "ORDate" }}
data_source = "普查"
"""
_CLASSES = (("0102", "污水井盖"), ("0137", "路灯"), ("0301", "公共厕所"), ("0402", "行道树"))
_STORED = "SELECT md5(string_agg(c::text, '|' ORDER BY component_key)) FROM (SELECT {columns} FROM components) c"
_APPLIED = "SELECT count(*) FROM components"
_OPEN = (
    "SELECT count(*) FROM links l JOIN peers p USING (destination_id) WHERE p.address <> ''"
    " AND (l.last_sequence <> l.acked_sequence OR l.last_sequence <> l.receipted_sequence)"
)


async def measure() -> dict[str, Any]:
    """Imports the file once and compares what three tiers hold."""
    async with stage() as staged:
        upper = await staged.add_hub("430000.hub", "湖南省")
        lower = await staged.add_hub("431200.hub", "怀化市")
        for hub in (upper, lower):
            hub.start()
            await hub.wait_until_open()
        await staged.join(upper, lower)
        write_profile(staged.folder / "profile", await staged.add_platform(lower, OWNER))
        sheet, mapping = _written(staged.folder)
        mapped_per_second = await asyncio.to_thread(_mapped_per_second, sheet, mapping)
        begun = time.perf_counter()
        summary = await asyncio.to_thread(_imported, sheet, mapping, staged.folder / "profile")
        imported_seconds = time.perf_counter() - begun
        await wait_for(upper.url, _APPLIED, COUNT, 600)
        whole_seconds = time.perf_counter() - begun
        await _settled(lower.url)
        lost, differs, twice = _compared(lower.url, upper.url)
    rate = COUNT / whole_seconds
    return {
        "what": f"{COUNT:,} components, file to county to city to province",
        "accepted": summary["accepted"],
        "refused": summary["refused"],
        "lost": lost,
        "twice": twice,
        "cities_and_provinces_differ": differs,
        "imported_seconds": round(imported_seconds, 1),
        "at_province_seconds": round(whole_seconds, 1),
        "per_second": round(rate),
        "mapped_and_packed_per_second": round(mapped_per_second),
        "ratio": round(rate / mapped_per_second, 3),
        "must_reach": "0 lost, 0 twice, equal; ratio >= 0.1",
        "is_reached": summary["accepted"] == COUNT
        and not (lost or twice or differs)
        and rate >= mapped_per_second / 10,
    }


def _written(folder: Path) -> tuple[Path, Path]:
    sheet, mapping = folder / "components.csv", folder / "components.toml"
    mapping.write_text(_MAPPING, encoding="utf-8")
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                "ObjID",
                "ObjName",
                "ClassID",
                "BGID",
                "X",
                "Y",
                "DeptCode1",
                "DeptName1",
                "DeptCode2",
                "DeptName2",
                "ORDate",
            )
        )
        for number in range(COUNT):
            code, name = _CLASSES[number % 4]
            x, y = 109.9 + number % 1_000 * 0.0001, 27.4 + number // 1_000 * 0.0001
            writer.writerow(
                (
                    f"431221{code}{number:06d}", name, code, f"431221100001{number % 900:03d}", f"{x:.7f}", f"{y:.7f}",
                    "11431221006500001X", "中方县城市管理和综合执法局", f"1143122100650{number % 40:04d}Y",
                    f"中方县权属单位{number % 40}", "20200102",
                )
            )  # fmt: skip
    return sheet, mapping


def _mapped_per_second(sheet: Path, mapping: Path) -> float:
    plan = read_mapping(mapping)
    begun = time.perf_counter()
    for row in islice(read_rows(sheet), _MAPPED):
        record = map_row(plan, row).record
        assert record is not None
        pack(OWNER, record)
    return _MAPPED / (time.perf_counter() - begun)


def _imported(sheet: Path, mapping: Path, profile: Path) -> dict[str, Any]:
    words = ["components", "import", str(sheet), "--mapping", str(mapping), "--to", str(profile), "--json"]
    done = subprocess.run(  # noqa: S603 — our own command
        [sys.executable, "-m", "hub", *words, "--wait", "600"], capture_output=True, text=True, check=True
    )
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


async def _settled(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with psycopg.connect(url) as connection:
            row = connection.execute(_OPEN).fetchone()
        if row == (0,):
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("the link to the province is not settled")


def _compared(city: str, province: str) -> tuple[int, bool, int]:
    """Returns how many the province lacks, whether any field differs, and how many came twice."""
    with psycopg.connect(city) as below, psycopg.connect(province) as above:
        columns = (
            "component_key, owner_id, component_id, revision, region, grid_code, class_code, name, state, crs, x, y,"
            " supervisor_code, proprietor_code, proprietor_name, initial_time"
        )
        query = _STORED.format(columns=columns)
        there = above.execute(_APPLIED).fetchone() or (0,)
        sums = [connection.execute(query.encode()).fetchone() for connection in (below, above)]
        changes = above.execute("SELECT count(*) FROM component_changes").fetchone() or (0,)
    return COUNT - there[0], sums[0] != sums[1], changes[0] - COUNT
