"""Grids (单元网格): outlines of one version of a region's division, drawn anew when a city grows."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text

from exchange_db.tables.base import METADATA, TIME

#: ``outline`` is the polygon as WKB, longitude and latitude in CGCS2000.
grids = Table(
    "grids",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("version", Text, primary_key=True),
    Column("grid_code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("imported_time", TIME, nullable=False),
    Column("outline", LargeBinary, nullable=False),
)
