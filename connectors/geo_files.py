"""Reads files of maps through GDAL: GeoPackage, GeoJSON, and Shapefile in a zip; called by ``connectors.sheets``.

A feature becomes a row like any other: its attributes by name, and for a point ``geometry.x``, ``geometry.y`` and
``geometry.crs``. The last is a name of the contract when the file says CGCS2000 or WGS-84 in degrees, else empty, and
then the mapping has to say it. The library and what it carries are loaded only when such a file is read.
"""

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from exchange_db.records import Crs

#: Names of files that are read here.
SUFFIXES = (".gpkg", ".geojson", ".zip")
#: Names of columns made of the geometry.
X, Y, CRS = "geometry.x", "geometry.y", "geometry.crs"
#: Most bytes the parts of a zip may unpack to, and most features of a file.
MAX_UNPACKED_BYTES, MAX_FEATURES = 2 * 1024**3, 5_000_000
#: Features read at once: a GeoJSON is parsed from its beginning each time.
_AT_ONCE = 25_000
#: What files begin with. GDAL goes by the content and would follow links in a file that only has the right name.
_GEOPACKAGE, _SHAPEFILE = b"SQLite format 3\x00", b"\x00\x00\x27\x0a"
_SHAPEFILE_PARTS = (".shp", ".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj", ".shp.xml")
_KNOWN = {"EPSG:4490": Crs.CGCS2000, "EPSG:4326": Crs.WGS84, "OGC:CRS84": Crs.WGS84}
_PYTHON_NAMES = {"utf-8-sig": "utf-8", "gbk": "gb18030"}


class GeoFileInvalid(Exception):
    """A file of maps cannot be read; says why and what to do, in Chinese and English."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(f"{chinese} / {english}")
        self.chinese = chinese
        self.english = english


class Feature(NamedTuple):
    """One feature: its number from 1, its attributes as they are in the file, its geometry as WKB."""

    number: int
    values: dict[str, Any]
    geometry: bytes | None
    crs: Crs


def read_features(path: Path, encoding: str = "") -> Iterator[Feature]:
    """Yields the features of the first layer of a file.

    Args:
        path: a file with a name of ``SUFFIXES``.
        encoding: of a Shapefile's texts, if its ``.cpg`` does not say it; empty to leave it to that.

    Raises:
        GeoFileInvalid: it cannot be read.
        OSError: it is not there, or not for us.
    """
    _check_content(path)
    import pyogrio.raw  # noqa: PLC0415 — GDAL is large, and few files need it
    from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, GeometryError  # noqa: PLC0415

    reading = _PYTHON_NAMES.get(encoding.lower(), encoding) or None
    number = 0
    try:
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of extensions and versions, which do not matter here
                meta, _, geometries, columns = pyogrio.raw.read(
                    path,
                    encoding=reading,
                    skip_features=number,
                    max_features=_AT_ONCE,
                    datetime_as_string=True,
                    force_2d=True,
                )
            names = [str(name) for name in meta["fields"]]
            crs = _KNOWN.get(str(meta["crs"] or "").upper(), Crs.NONE)
            count = len(geometries) if geometries is not None else len(columns[0]) if columns else 0
            for index in range(count):
                number += 1
                values = {name: column[index] for name, column in zip(names, columns, strict=True)}
                yield Feature(number, values, geometries[index] if geometries is not None else None, crs)
            if count < _AT_ONCE:
                return
            if number >= MAX_FEATURES:
                raise GeoFileInvalid(f"要素超过 {MAX_FEATURES:,} 个。", f"more than {MAX_FEATURES:,} features.")
    except (DataSourceError, DataLayerError, FeatureError, GeometryError, CRSError) as error:
        raise GeoFileInvalid(
            f"不是可读取的 GeoPackage、GeoJSON 或打包为 zip 的 Shapefile（{error}）。",
            f"not a GeoPackage, GeoJSON or zipped Shapefile that can be read ({error}).",
        ) from None
    except (UnicodeDecodeError, LookupError) as error:
        raise GeoFileInvalid(
            f"文字编码不符（{error}），请在映射文件中写明 encoding。",
            f"its texts are in another encoding ({error}); name it in the mapping.",
        ) from None


def point_values(feature: Feature) -> dict[str, Any]:
    """Returns the columns made of a feature's geometry; empty ones where it is no single point."""
    import shapely  # noqa: PLC0415

    point = shapely.from_wkb(feature.geometry) if feature.geometry is not None else None
    if isinstance(point, shapely.MultiPoint) and len(point.geoms) == 1:
        point = point.geoms[0]
    if not isinstance(point, shapely.Point) or point.is_empty:
        return {X: "", Y: "", CRS: ""}
    return {X: repr(point.x), Y: repr(point.y), CRS: "" if feature.crs is Crs.NONE else feature.crs.name}


def _check_content(path: Path) -> None:
    """Refuses what is not what its name says.

    Raises:
        GeoFileInvalid: it is something else.
    """
    if path.suffix.lower() == ".zip":
        _check_archive(path)
        return
    with path.open("rb") as file:
        head = file.read(4096)
    is_right = head.startswith(_GEOPACKAGE)
    if path.suffix.lower() == ".geojson":
        is_right = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    if not is_right:
        raise GeoFileInvalid("内容与文件类型不符，请重新导出。", "it is not what its name says; export it again.")


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [part for part in archive.infolist() if not part.is_dir()]
            shapes = [part for part in parts if part.filename.lower().endswith(".shp")]
            if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
                raise GeoFileInvalid("解压后过大，疑为压缩炸弹。", "it unpacks to far too much.")
            if len(shapes) != 1 or not all(part.filename.lower().endswith(_SHAPEFILE_PARTS) for part in parts):
                raise GeoFileInvalid(
                    "压缩包内应只有一个 Shapefile 的 .shp、.dbf、.shx、.prj、.cpg。",
                    "there must be the .shp, .dbf, .shx, .prj and .cpg of one Shapefile in it, and nothing else.",
                )
            with archive.open(shapes[0]) as file:
                if not file.read(4).startswith(_SHAPEFILE):
                    raise GeoFileInvalid("压缩包内不是 Shapefile。", "what is in it is no Shapefile.")
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError):
        raise GeoFileInvalid("压缩文件已损坏或已加密，请重新导出。", "the file is damaged or locked.") from None
