"""What a camera wrote into a photo."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange_db.attachments import Exif
from hub.evidence.exif import read_exif
from tests.support.clock import at
from tests.support.photos import a_photo, exif_of

ZONE = "Asia/Shanghai"
HERE = (("N", 27, 26, 24), ("E", 109, 56, 42))


def _read(folder: Path, exif: bytes, media_type: str = "image/jpeg") -> Exif:
    path = folder / "photo.jpg"
    path.write_bytes(a_photo(exif=exif))
    return read_exif(path, media_type, ZONE)


def test_moment_and_position_are_read(tmp_path: Path) -> None:
    found = _read(tmp_path, exif_of(position=HERE))
    assert found.captured_time == at("2020-06-15T10:00:00+08:00")
    assert found.y == pytest.approx(27.44)
    assert found.x == pytest.approx(109.945)


def test_an_offset_that_the_camera_wrote_counts(tmp_path: Path) -> None:
    found = _read(tmp_path, exif_of(offset="+09:00"))
    assert found == Exif(at("2020-06-15T10:00:00+09:00"))


@pytest.mark.parametrize(
    "taken", ["0000:00:00 00:00:00", "2020-06-15", "", "    :  :     :  :  ", "1960:01:01 00:00:00"]
)
def test_a_moment_that_is_none_is_left_out(tmp_path: Path, taken: str) -> None:
    assert _read(tmp_path, exif_of(taken)).captured_time == 0


@pytest.mark.parametrize(
    "position",
    [(("N", 0, 0, 0), ("E", 0, 0, 0)), (("N", 99, 0, 0), ("E", 10, 0, 0)), (("N", 9, 0, 0), ("E", 999, 0, 0))],
)
def test_a_position_that_is_none_is_left_out(
    tmp_path: Path, position: tuple[tuple[str, int, int, int], tuple[str, int, int, int]]
) -> None:
    found = _read(tmp_path, exif_of(position=position))
    assert (found.x, found.y) == (None, None)


def test_a_photo_without_and_a_film_tell_nothing(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(a_photo())
    assert read_exif(path, "image/jpeg", ZONE) == Exif()
    assert _read(tmp_path, exif_of(), "video/mp4") == Exif()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 300), bits=st.integers(1, 255), cut=st.integers(0, 300))
def test_a_damaged_file_tells_something_or_nothing_and_never_breaks_the_reader(
    tmp_path: Path, place: int, bits: int, cut: int
) -> None:
    data = bytearray(a_photo(exif=exif_of(position=HERE)))
    data[place] ^= bits
    path = tmp_path / "photo.jpg"
    path.write_bytes(bytes(data[: len(data) - cut * 7]))
    assert isinstance(read_exif(path, "image/jpeg", ZONE), Exif)
