"""When and where a photo was taken, as the camera wrote it into the file. Pure but for reading.

It is kept beside what the case says, never instead of it: cameras are set wrong, and some phones write positions that
were shifted for a map (unverified which). The reference system is therefore not stated.

Source: Exif 2.32 (CIPA DC-008): DateTimeOriginal, OffsetTimeOriginal, and the GPS tags.
"""

import logging
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import exifread
from exifread.utils import get_gps_coords

from exchange_db.attachments import Exif

_WITH_EXIF = frozenset({"image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"})
_LATEST_TIME = 7_258_118_400_000_000


def read_exif(path: Path, media_type: str, zone: str) -> Exif:
    """Returns what a camera wrote; nothing of it when there is none, or none that can be believed.

    Args:
        path: the file.
        media_type: the type its bytes show.
        zone: zone of the moment where the camera wrote none.
    """
    if media_type not in _WITH_EXIF:
        return Exif()
    # The reader warns about every odd file; odd files are its daily bread here.
    logging.getLogger("exifread").setLevel(logging.CRITICAL)
    try:
        with path.open("rb") as file:
            tags = exifread.process_file(file, details=False, extract_thumbnail=False)
        return Exif(_moment(tags, zone), *_position(tags))
    except Exception:  # noqa: BLE001 — a file from anywhere breaks a reader in any way; the photo itself is well
        return Exif()


def _moment(tags: dict[str, Any], zone: str) -> int:
    text = str(tags.get("EXIF DateTimeOriginal", "")).strip()
    try:
        moment = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=_zone(tags, zone))
    except ValueError:
        return 0
    microseconds = round(moment.timestamp() * 1_000_000)
    return microseconds if 0 < microseconds <= _LATEST_TIME else 0


def _zone(tags: dict[str, Any], zone: str) -> ZoneInfo | timezone:
    text = str(tags.get("EXIF OffsetTimeOriginal", "")).strip()
    try:
        offset = datetime.strptime(text, "%z").utcoffset()
    except ValueError:
        return ZoneInfo(zone)
    return timezone(offset if offset is not None else timedelta(0))


def _position(tags: dict[str, Any]) -> tuple[float | None, float | None]:
    found = get_gps_coords(tags)
    if not found:
        return None, None
    y, x = float(found[0]), float(found[1])
    if not (-180 <= x <= 180 and -90 <= y <= 90) or (x == 0 and y == 0):
        # Zero and zero is what a camera without a fix writes.
        return None, None
    return x, y
