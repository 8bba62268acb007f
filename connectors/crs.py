"""Converts positions between the reference systems of the contract; all degrees are longitude and latitude.

CGCS2000 and WGS-84 are taken for the same: their ellipsoids differ by a tenth of a millimetre and their first
realisations by centimetres. A receiver in today's WGS-84 also sees the plate's motion since 2000, centimetres a year,
so what must keep accuracy class A (0.5 m) needs the surveyor's own transformation; unverified.

GCJ-02 and BD-09 have no published definition. The formulas are the ones map programs have used for years; their
inverse is found by iteration. Outside a rectangle around China both are WGS-84. Unverified against an official source.
A city's own plane frame is converted by the PROJ string the hub is configured with, and by nothing else.
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from exchange_db.records import Crs, Violated

if TYPE_CHECKING:
    from pyproj import Transformer

#: Rectangle the offset of GCJ-02 applies in: first and last longitude, first and last latitude.
CHINA: Final = (72.004, 137.8347, 0.8293, 55.8271)
#: Krasovsky 1940, which the formula of GCJ-02 reckons on.
_AXIS, _ECCENTRICITY = 6_378_245.0, 0.00669342162296594323
_BD_TURN = math.pi * 3000.0 / 180.0
_BD_X, _BD_Y = 0.0065, 0.006
#: Degrees at which the iteration ends, about a tenth of a millimetre, and where it is given up.
_ENOUGH, _MOST_STEPS = 1e-9, 50
#: Systems whose degrees are used as WGS-84.
_GEODETIC = (Crs.CGCS2000, Crs.WGS84)

Point = tuple[float, float]


class FrameInvalid(ValueError):
    """A local frame cannot be used; says why, in English and Chinese."""


def is_in_china(x: float, y: float) -> bool:
    """Tells whether a point lies in the rectangle GCJ-02 applies in; coarse, it holds parts of other countries."""
    return CHINA[0] <= x <= CHINA[1] and CHINA[2] <= y <= CHINA[3]


def gcj02_of_wgs84(x: float, y: float) -> Point:
    """Returns the GCJ-02 position of a WGS-84 one."""
    if not is_in_china(x, y):
        return x, y
    east, north = _wave_east(x - 105.0, y - 35.0), _wave_north(x - 105.0, y - 35.0)
    latitude = math.radians(y)
    bend = 1 - _ECCENTRICITY * math.sin(latitude) ** 2
    root = math.sqrt(bend)
    north = north * 180.0 / ((_AXIS * (1 - _ECCENTRICITY)) / (bend * root) * math.pi)
    east = east * 180.0 / (_AXIS / root * math.cos(latitude) * math.pi)
    return x + east, y + north


def bd09_of_wgs84(x: float, y: float) -> Point:
    """Returns the BD-09 position of a WGS-84 one."""
    if not is_in_china(x, y):
        return x, y
    x, y = gcj02_of_wgs84(x, y)
    radius = math.hypot(x, y) + 0.00002 * math.sin(y * _BD_TURN)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * _BD_TURN)
    return radius * math.cos(angle) + _BD_X, radius * math.sin(angle) + _BD_Y


def wgs84_of_gcj02(x: float, y: float) -> Point:
    """Returns the WGS-84 position of a GCJ-02 one."""
    return _inverse(gcj02_of_wgs84, x, y)


def wgs84_of_bd09(x: float, y: float) -> Point:
    """Returns the WGS-84 position of a BD-09 one."""
    return _inverse(bd09_of_wgs84, x, y)


def _inverse(forward: Callable[[float, float], Point], x: float, y: float) -> Point:
    found_x, found_y = x, y
    for _ in range(_MOST_STEPS):
        there_x, there_y = forward(found_x, found_y)
        step_x, step_y = x - there_x, y - there_y
        found_x, found_y = found_x + step_x, found_y + step_y
        if abs(step_x) < _ENOUGH and abs(step_y) < _ENOUGH:
            break
    return found_x, found_y


def _wave_north(x: float, y: float) -> float:
    root = math.sqrt(abs(x))
    offset = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + _ripple(x)
    offset += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    return offset + (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0


def _wave_east(x: float, y: float) -> float:
    root = math.sqrt(abs(x))
    offset = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + _ripple(x)
    offset += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    return offset + (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0


def _ripple(x: float) -> float:
    return (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0


class Converter:
    """Converts between all systems of the contract.

    Args:
        local_frame: PROJ string of the city's own plane frame, eastings and northings in metres; empty for none.
    """

    def __init__(self, local_frame: str = "") -> None:
        self._local_frame = local_frame

    def can_convert(self, crs: Crs) -> bool:
        """Tells whether positions in a system can be converted at all."""
        return crs is not Crs.NONE and (crs is not Crs.LOCAL or bool(self._local_frame))

    def convert(self, source: Crs, target: Crs, x: float, y: float) -> Point:
        """Returns a position in another system.

        Raises:
            Violated: CRS_MISSING, the position or the answer has no system; CRS_UNCONVERTIBLE, no local frame is
                configured; POSITION_OUT_OF_RANGE, the frame does not reach there.
        """
        if Crs.NONE in (source, target):
            raise Violated("CRS_MISSING", "position.crs")
        if source is target:
            return x, y
        x, y = self._to_geodetic(source, x, y)
        if not (math.isfinite(x) and math.isfinite(y)):
            raise Violated("POSITION_OUT_OF_RANGE", "position", f"{source.name}")
        return self._of_geodetic(target, x, y)

    def _to_geodetic(self, source: Crs, x: float, y: float) -> Point:
        if source in _GEODETIC:
            return x, y
        if source is Crs.GCJ02:
            return wgs84_of_gcj02(x, y)
        if source is Crs.BD09:
            return wgs84_of_bd09(x, y)
        east, north = self._local.transform(x, y)
        return float(east), float(north)

    def _of_geodetic(self, target: Crs, x: float, y: float) -> Point:
        if target in _GEODETIC:
            return x, y
        if target is Crs.GCJ02:
            return gcj02_of_wgs84(x, y)
        if target is Crs.BD09:
            return bd09_of_wgs84(x, y)
        east, north = self._local.transform(x, y, direction="INVERSE")
        return float(east), float(north)

    @cached_property
    def _local(self) -> "Transformer":
        """From the local frame to CGCS2000, longitude first.

        Raises:
            Violated: CRS_UNCONVERTIBLE.
        """
        if not self._local_frame:
            raise Violated("CRS_UNCONVERTIBLE", "position.crs", Crs.LOCAL.name)
        return frame_of(self._local_frame)


def frame_of(local_frame: str) -> "Transformer":
    """Returns what converts a plane frame to CGCS2000, longitude first.

    Args:
        local_frame: PROJ string of the frame.

    Raises:
        FrameInvalid: PROJ does not understand it, or it is no plane frame.
    """
    # Only who has a local frame carries the library.
    from pyproj import CRS, Transformer  # noqa: PLC0415
    from pyproj.exceptions import ProjError  # noqa: PLC0415

    try:
        frame = CRS.from_user_input(local_frame)
        if not frame.is_projected:
            raise FrameInvalid("it is no plane frame in metres 不是平面坐标系（米）")
        return Transformer.from_crs(frame, CRS.from_epsg(4490), always_xy=True)
    except ProjError as error:
        raise FrameInvalid(f"it is no PROJ string 不是有效的 PROJ 字符串: {error}") from None
