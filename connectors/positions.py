"""Where a position can lie, by its reference system. Called by ``connectors.case_wire``."""

import sys

from exchange_db.records import Crs, Violated

#: China with its seas, in whole degrees: longitudes from and to, latitudes from and to. With its numbers swapped no
#: position in there stays inside. Source: the bounds inside which GCJ-02 is shifted, rounded outwards.
_CHINA = (72.0, 138.0, 0.0, 56.0)
_FINITE = sys.float_info.max
_WORLD = (-180.0, 180.0, -90.0, 90.0)
_FRAME = (-_FINITE, _FINITE, -_FINITE, _FINITE)
#: By the number of the system; none has the first.
_BOUNDS = ((0.0, 0.0, 0.0, 0.0), _CHINA, _WORLD, _CHINA, _CHINA, _FRAME)


def check_position(crs: Crs, x: float, y: float, path: str) -> None:
    """Refuses numbers that are no position in their reference system; swapped ones in a Chinese system, too.

    Args:
        crs: any but ``NONE``.
        x: longitude in degrees, or easting.
        y: latitude in degrees, or northing.
        path: the field they stand in.

    Raises:
        Violated: POSITION_OUT_OF_RANGE.
    """
    west, east, south, north = _BOUNDS[crs]
    if not (west <= x <= east and south <= y <= north):
        raise Violated("POSITION_OUT_OF_RANGE", path, f"{x}, {y} ({crs.name})")
