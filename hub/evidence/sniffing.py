"""What bytes are, told from their beginning, and whether that is what was claimed. Pure.

Only types that cameras and recorders write are taken. A page or a program that calls itself a photo is refused before
anybody can open it.
"""

import puremagic

from exchange_db.attachment_records import AttachmentKind
from exchange_db.records import Violated

#: Bytes that are looked at.
HEAD_BYTES = 8 * 1024

_PHOTO = frozenset({"image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"})
_VOICE = frozenset({"audio/mpeg", "audio/wav", "audio/amr", "audio/aac", "audio/mp4", "audio/ogg", "audio/3gpp"})
_VIDEO = frozenset(
    {"video/mp4", "video/3gpp", "video/quicktime", "video/avi", "video/x-matroska", "video/webm", "video/mpeg"}
)
#: Papers: what they begin with, and what begins so. Office files are packed; macros have types of their own.
_OOXML = "application/vnd.openxmlformats-officedocument"
_PAPER = {
    "application/pdf": b"%PDF-",
    f"{_OOXML}.wordprocessingml.document": b"PK\x03\x04",
    f"{_OOXML}.spreadsheetml.sheet": b"PK\x03\x04",
    "application/vnd.oasis.opendocument.text": b"PK\x03\x04",
    "application/vnd.oasis.opendocument.spreadsheet": b"PK\x03\x04",
    "text/plain": b"",
    "text/csv": b"",
}
#: Other names of the same types.
_SAME = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-aac": "audio/aac",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "application/ogg": "audio/ogg",
    "application/x-matroska": "video/x-matroska",
    "video/x-m4v": "video/mp4",
    "video/x-msvideo": "video/avi",
    "video/vnd.avi": "video/avi",
    "video/msvideo": "video/avi",
}
#: Types the library knows by their extension only.
_BY_EXTENSION = {".amr": "audio/amr", ".m4a": "audio/mp4"}
_KNOWN = _PHOTO | _VOICE | _VIDEO
#: What looks much more like something else is not taken for evidence.
_CLOSE = 0.25
#: Containers hold both: a recorder without a picture writes the container of a film.
_ALSO = {
    "video/mp4": ("audio/mp4", "video/quicktime", "video/3gpp", "audio/3gpp"),
    "video/3gpp": ("audio/3gpp", "video/mp4", "audio/mp4"),
    "audio/mp4": ("video/mp4",),
    "video/quicktime": ("video/mp4",),
    "video/x-matroska": ("video/webm",),
    "video/webm": ("video/x-matroska",),
    "image/heic": ("image/heif",),
    "image/heif": ("image/heic",),
}


def types_of(kind: AttachmentKind) -> frozenset[str]:
    """Returns the types a kind of evidence may have."""
    if kind is AttachmentKind.VOICE:
        return _VOICE
    if kind is AttachmentKind.DOCUMENT:
        return _PHOTO | _PAPER.keys()
    return _VIDEO if kind is AttachmentKind.VIDEO else _PHOTO


def normal_type(media_type: str) -> str:
    """Returns the one name of a type, without parameters."""
    name = media_type.partition(";")[0].strip().lower()
    return _SAME.get(name, name)


def require_claim(kind: AttachmentKind, media_type: str) -> None:
    """Checks that a kind of evidence may have a type at all.

    Raises:
        Violated: ATTACHMENT_TYPE_FORBIDDEN.
    """
    if normal_type(media_type) not in types_of(kind):
        raise Violated("ATTACHMENT_TYPE_FORBIDDEN", "header.media_type", f"{kind.name.lower()}: {media_type}")


def sniff(head: bytes) -> tuple[str, ...]:
    """Returns the types of evidence bytes may be, all equally likely; nothing when they look like something else."""
    matches = _matches(head)
    known = [(confidence, name) for confidence, name in matches if name in _KNOWN]
    if not known:
        return ()
    best = max(confidence for confidence, _ in known)
    if max(confidence for confidence, _ in matches) - best > _CLOSE:
        return ()
    return tuple(dict.fromkeys(name for confidence, name in known if confidence == best))


def _matches(head: bytes) -> list[tuple[float, str]]:
    try:
        found = puremagic.magic_string(head[:HEAD_BYTES])
    except (puremagic.PureError, ValueError):
        return []
    return [
        (match.confidence, normal_type(_BY_EXTENSION.get(match.extension) or match.mime_type or match.name))
        for match in found
    ]


def require_type(media_type: str, head: bytes) -> str:
    """Checks that bytes are what they were claimed to be; returns the type they show.

    Raises:
        Violated: ATTACHMENT_TYPE_MISMATCH.
    """
    claimed = normal_type(media_type)
    if claimed in _PAPER and head.startswith(_PAPER[claimed]) and (_PAPER[claimed] or _is_text(head)):
        return claimed
    found = sniff(head)
    for likely in found:
        if claimed == likely or claimed in _ALSO.get(likely, ()):
            return likely
    shown = found[0] if found else next((name for _, name in _matches(head)), "?")
    raise Violated("ATTACHMENT_TYPE_MISMATCH", "header.media_type", f"{media_type} ≠ {shown}")


def _is_text(head: bytes) -> bool:
    """Tells whether bytes are text in UTF-8 and no page that a browser would run; the last letter may be cut."""
    try:
        text = head[:HEAD_BYTES].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        text = head[: error.start].decode("utf-8-sig")
    return "\0" not in text and "<html" not in text.lower() and "<script" not in text.lower()
