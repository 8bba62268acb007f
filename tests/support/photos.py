"""Evidence for tests: small photos with what a camera writes into them, and films as large as a test wants."""

import hashlib
import random
import struct
from pathlib import Path
from typing import Any

from exchange_db.attachment_records import AttachmentKind, AttachmentRef, Offer
from tests.support.builders import COUNTY

_SHORT, _LONG, _ASCII, _RATIONAL = 3, 4, 2, 5
_FILM_HEAD = bytes.fromhex("00000018667479706d703432000000006d7034326d703431")
_PIECE = 1_000_000


def digest_of(data: bytes) -> str:
    """The digest evidence is known by."""
    return hashlib.sha256(data).hexdigest()


def a_photo(number: int = 1, *, size: int = 2_000, exif: bytes = b"") -> bytes:
    """A JPEG that shows nothing; another one for each number."""
    marker = b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif if exif else b"\xff\xe0\0\x10JFIF\0"
    filling = random.Random(number).randbytes(max(0, size - len(marker) - 4)).replace(b"\xff", b"\0")
    return b"\xff\xd8" + marker + (b"" if exif else b"\1\1\0\0\1\0\1\0\0") + filling + b"\xff\xd9"


def a_film(path: Path, size: int, number: int = 1) -> str:
    """Writes an MP4 that shows nothing; returns its digest."""
    chance, hashing, written = random.Random(number), hashlib.sha256(), 0
    with path.open("wb") as file:
        while written < size:
            head = b"" if written else _FILM_HEAD
            piece = head + chance.randbytes(min(_PIECE, size - written) - len(head))
            hashing.update(piece)
            written += file.write(piece)
    return hashing.hexdigest()


def exif_of(
    taken: str = "2020:06:15 10:00:00",
    offset: str = "",
    position: tuple[tuple[str, int, int, int], tuple[str, int, int, int]] | None = None,
) -> bytes:
    """A TIFF block as a camera writes it: moment, its offset from UTC, and (reference, degrees, minutes, seconds)."""
    exif = [(0x9003, _ASCII, taken.encode() + b"\0")]
    if offset:
        exif.append((0x9011, _ASCII, offset.encode() + b"\0"))
    gps: list[tuple[int, int, bytes]] = []
    for tag, (reference, *degrees) in zip((1, 3), position or (), strict=False):
        gps.append((tag, _ASCII, reference.encode() + b"\0"))
        gps.append((tag + 1, _RATIONAL, b"".join(struct.pack("<II", part, 1) for part in degrees)))
    first = 8
    exif_at = first + 2 + 2 * 12 + 4
    exif_block = _directory(exif, exif_at)
    gps_at = exif_at + len(exif_block)
    pointers = [(0x8769, _LONG, struct.pack("<I", exif_at)), (0x8825, _LONG, struct.pack("<I", gps_at))]
    return b"II*\0" + struct.pack("<I", first) + _directory(pointers, first) + exif_block + _directory(gps, gps_at)


def _directory(entries: list[tuple[int, int, bytes]], start: int) -> bytes:
    sizes = {_SHORT: 2, _LONG: 4, _ASCII: 1, _RATIONAL: 8}
    table, heap = struct.pack("<H", len(entries)), b""
    heap_at = start + 2 + 12 * len(entries) + 4
    for tag, kind, data in sorted(entries):
        count = len(data) // sizes[kind]
        if len(data) <= 4:
            value = data.ljust(4, b"\0")
        else:
            value = struct.pack("<I", heap_at + len(heap))
            heap += data
        table += struct.pack("<HHI", tag, kind, count) + value
    return table + bytes(4) + heap


def a_ref(data: bytes, kind: AttachmentKind = AttachmentKind.BEFORE_NEAR, **changes: Any) -> AttachmentRef:
    """What a case says of a photo."""
    values: dict[str, Any] = {
        "section": "report",
        "kind": kind,
        "digest": digest_of(data),
        "size_bytes": len(data),
        "media_type": "image/jpeg",
    }
    return AttachmentRef(**values | changes)


def an_offer(data: bytes, case_no: str = "2020-0001", **changes: Any) -> Offer:
    """An offer of a photo as evidence of a case of the county."""
    offer = Offer(digest_of(data), len(data), "image/jpeg", AttachmentKind.BEFORE_NEAR, COUNTY, case_no)
    return offer._replace(**changes)
