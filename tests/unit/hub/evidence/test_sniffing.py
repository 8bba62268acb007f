"""What bytes are, and whether that is what was claimed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.attachment_records import AttachmentKind
from exchange_db.records import Violated
from hub.evidence.sniffing import normal_type, require_claim, require_type, sniff, types_of
from tests.support.photos import a_photo, exif_of

PHOTO, VOICE, VIDEO = AttachmentKind.BEFORE_NEAR, AttachmentKind.VOICE, AttachmentKind.VIDEO
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(64)
WEBP = b"RIFF\x24\0\0\0WEBPVP8 " + bytes(64)
WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(64)
AMR = b"#!AMR\n" + bytes(64)
MP3 = b"ID3\x03\0\0\0\0\0\x21" + bytes(64)
MP4 = bytes.fromhex("00000018667479706d703432000000006d7034326d703431") + bytes(64)
MOV = b"\0\0\0\x14ftypqt  " + bytes(64)
THREE_GP = b"\0\0\0\x14ftyp3gp4" + bytes(64)
HEIC = b"\0\0\0\x18ftypheic" + bytes(64)
AVI = b"RIFF\x24\0\0\0AVI LIST" + bytes(64)
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
PROGRAM = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff" + bytes(64)


@pytest.mark.parametrize(
    ("kind", "media_type", "data"),
    [
        (PHOTO, "image/jpeg", a_photo()),
        (PHOTO, "image/jpg", a_photo(exif=exif_of())),
        (PHOTO, "image/jpeg; q=1", a_photo()),
        (PHOTO, "image/png", PNG),
        (PHOTO, "image/webp", WEBP),
        (PHOTO, "image/heic", HEIC),
        (VOICE, "audio/x-wav", WAV),
        (VOICE, "audio/amr", AMR),
        (VOICE, "audio/mpeg", MP3),
        (VOICE, "audio/mp4", MP4),
        (VIDEO, "video/mp4", MP4),
        (VIDEO, "video/quicktime", MOV),
        (VIDEO, "video/3gpp", THREE_GP),
        (VIDEO, "video/x-msvideo", AVI),
    ],
)
def test_what_cameras_and_recorders_write_is_known(kind: AttachmentKind, media_type: str, data: bytes) -> None:
    require_claim(kind, media_type)
    assert require_type(media_type, data)


@pytest.mark.parametrize(
    ("kind", "media_type", "data"),
    [
        (PHOTO, "image/jpeg", PNG),
        (PHOTO, "image/png", a_photo()),
        (PHOTO, "image/webp", WAV),
        (PHOTO, "image/jpeg", MP4),
        (PHOTO, "image/jpeg", PAGE),
        (PHOTO, "image/jpeg", PROGRAM),
        (PHOTO, "image/jpeg", b"x"),
        (VIDEO, "video/mp4", a_photo()),
        (VOICE, "audio/wav", MP3),
    ],
)
def test_what_is_not_what_was_claimed_is_refused(kind: AttachmentKind, media_type: str, data: bytes) -> None:
    with pytest.raises(Violated, match="ATTACHMENT_TYPE_MISMATCH") as refused:
        require_type(media_type, data)
    assert media_type in refused.value.violation.message_zh


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        (PHOTO, "video/mp4"),
        (PHOTO, "text/html"),
        (PHOTO, "image/svg+xml"),
        (VOICE, "image/jpeg"),
        (VIDEO, "audio/amr"),
        (VIDEO, ""),
    ],
)
def test_a_kind_has_its_types_only(kind: AttachmentKind, media_type: str) -> None:
    with pytest.raises(Violated, match="ATTACHMENT_TYPE_FORBIDDEN"):
        require_claim(kind, media_type)


@given(data=st.binary(max_size=9_000), kind=st.sampled_from(AttachmentKind), at=st.integers(0, 3))
def test_any_bytes_are_judged_and_never_break_the_reader(data: bytes, kind: AttachmentKind, at: int) -> None:
    assert isinstance(sniff(data), tuple)
    claimed = sorted(types_of(kind))[at]
    try:
        assert normal_type(require_type(claimed, data))
    except Violated as refused:
        assert refused.violation.reason == "ATTACHMENT_TYPE_MISMATCH"


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/pdf", b"%PDF-1.7\n"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04word"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04xl"),
        ("text/csv; charset=utf-8", "\ufeff指标,数\n".encode()),
        ("text/plain", "全市通报".encode() * 1_000),
        ("image/png", PNG),
    ],
)
def test_papers_between_platforms_are_taken(media_type: str, data: bytes) -> None:
    require_claim(AttachmentKind.DOCUMENT, media_type)
    assert require_type(media_type, data)


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/pdf", b"PK\x03\x04"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"%PDF-1.7"),
        ("text/plain", b"<HTML><body>"),
        ("text/csv", b"a,b\n<script>x()</script>"),
        ("text/plain", b"a\0b"),
        ("text/csv", b"\xff\xfe\x00"),
    ],
)
def test_papers_that_are_something_else_are_refused(media_type: str, data: bytes) -> None:
    with pytest.raises(Violated, match="ATTACHMENT_TYPE_MISMATCH"):
        require_type(media_type, data)


@pytest.mark.parametrize(
    "media_type", ["text/html", "application/zip", "application/vnd.ms-excel.sheet.macroEnabled.12"]
)
def test_pages_archives_and_macros_are_no_papers(media_type: str) -> None:
    with pytest.raises(Violated, match="ATTACHMENT_TYPE_FORBIDDEN"):
        require_claim(AttachmentKind.DOCUMENT, media_type)
