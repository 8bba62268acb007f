"""Files of components as a survey delivers them, and the mapping that reads them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely

COLUMNS = ("ObjID", "ObjName", "ClassID", "ObjState", "BGID", "DeptCode1", "DeptCode2", "DeptCode3", "ORDate")
MAPPING = """
version = 1
issuer_id = "{owner_id}"

[times]
zone = "Asia/Shanghai"
formats = ["%Y%m%d"]

[component]
revision = {revision}
component_id = {{ column = "ObjID" }}
class = {{ column = "ClassID", standard_ref = "GB/T-30428.2-2013", kind = "component" }}
name = {{ column = "ObjName" }}
region_code = "{region_code}"
state = {{ column = "ObjState", table = "states" }}
grid_code = {{ column = "BGID" }}
position = {{ {position} }}
accuracy_class = "B"
supervisor_code = {{ column = "DeptCode1" }}
proprietor_code = {{ column = "DeptCode2" }}
maintainer_code = {{ column = "DeptCode3" }}
initial_time = {{ column = "ORDate" }}
data_source = "普查"

[tables.states]
"完好" = "SOUND"
"破损" = "BROKEN"
"""
IN_COLUMNS = 'crs = "CGCS2000", x = { column = "X" }, y = { column = "Y" }'
IN_GEOMETRY = 'crs = { column = "geometry.crs" }, x = { column = "geometry.x" }, y = { column = "geometry.y" }'
_CLASSES = (("0102", "污水井盖"), ("0137", "路灯"), ("0301", "公共厕所"), ("0402", "行道树"))
_UNITS = ("ps01", "ld01", "yl01")


def survey(count: int, region_code: str = "431221") -> list[dict[str, str]]:
    """Returns rows of a survey: components about 20 m from one another, in four classes, owned by three units."""
    rows = []
    for number in range(count):
        code, name = _CLASSES[number % len(_CLASSES)]
        rows.append(
            {
                "ObjID": f"{region_code}{code}{number:06d}",
                "ObjName": name,
                "ClassID": code,
                "ObjState": "破损" if number % 50 == 7 else "完好",
                "BGID": f"{region_code}100001{number % 4 + 1:03d}",
                "DeptCode1": "cg01",
                "DeptCode2": _UNITS[number % len(_UNITS)],
                "DeptCode3": "sz01",
                "ORDate": "20200102",
                "X": f"{109.9 + number % 500 * 0.0002:.6f}",
                "Y": f"{27.4 + number // 500 * 0.0002:.6f}",
            }
        )
    return rows


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    """Writes rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_points(path: Path, rows: list[dict[str, str]], driver: str, crs: str = "EPSG:4490") -> Path:
    """Writes rows as a file of maps."""
    points = shapely.to_wkb(shapely.points([[float(row["X"]), float(row["Y"])] for row in rows]))
    values = [np.array([row[name] for row in rows], dtype=object) for name in COLUMNS]
    options: dict[str, Any] = {"encoding": "GB18030"} if driver == "ESRI Shapefile" else {}
    pyogrio.raw.write(path, points, values, COLUMNS, geometry_type="Point", crs=crs, driver=driver, **options)
    return path


def write_grids(path: Path, codes: list[str], *, first_x: float = 109.9, width: float = 0.025) -> Path:
    """Writes upright strips as grids, one beside the other, as GeoJSON."""
    strips = [shapely.box(first_x + n * width, 27.3, first_x + (n + 1) * width, 27.6) for n in range(len(codes))]
    values = [np.array(codes, dtype=object)]
    pyogrio.raw.write(
        path, shapely.to_wkb(strips), values, ["code"], geometry_type="Polygon", crs="EPSG:4326", driver="GeoJSON"
    )
    return path


def write_mapping(
    path: Path,
    *,
    owner_id: str = "431221.platform",
    region_code: str = "431221",
    revision: int = 1,
    position: str = IN_COLUMNS,
) -> Path:
    """Writes the mapping of a survey."""
    text = MAPPING.format(owner_id=owner_id, region_code=region_code, revision=revision, position=position)
    path.write_text(text, encoding="utf-8")
    return path
