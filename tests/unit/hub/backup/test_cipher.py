"""Sealed streams: what goes in comes out, and whatever was done to them on the way is found."""

import io
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hub.backup import cipher
from hub.backup.cipher import KeyUnusable, SealBroken, make_keys, opened, read_private_key, read_public_key, sealed

_KEY = X25519PrivateKey.generate()


def _seal(content: bytes, label: str = "a") -> bytes:
    pieces = (content[start : start + 7] for start in range(0, len(content), 7))
    return b"".join(sealed(pieces, _KEY.public_key(), label))


def _open(stream: bytes, label: str = "a", key: X25519PrivateKey = _KEY) -> bytes:
    return b"".join(opened(io.BytesIO(stream), key, label))


@pytest.fixture(autouse=True)
def _short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cipher, "CHUNK", 16)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 100])
def test_what_was_sealed_is_opened(size: int) -> None:
    content = bytes(range(size))
    assert _open(_seal(content)) == content


def test_every_cut_is_found() -> None:
    whole = _seal(bytes(50))
    for length in range(len(whole)):
        with pytest.raises(SealBroken):
            _open(whole[:length])


def test_every_altered_byte_is_found() -> None:
    whole = bytearray(_seal(bytes(40)))
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1
        with pytest.raises(SealBroken):
            _open(bytes(altered))


def test_chunks_in_another_order_more_of_them_and_another_label_are_found() -> None:
    whole = _seal(bytes(48))
    head, chunk = len(cipher.MAGIC) + 32, 16 + 16
    first, second = whole[head : head + chunk], whole[head + chunk : head + 2 * chunk]
    swapped = whole[:head] + second + first + whole[head + 2 * chunk :]
    for stream in (swapped, whole + bytes(32), whole[:head] + whole[head + chunk :]):
        with pytest.raises(SealBroken):
            _open(stream)
    with pytest.raises(SealBroken):
        _open(whole, "b")
    with pytest.raises(SealBroken):
        _open(whole, key=X25519PrivateKey.generate())


def test_keys_are_written_once_and_open_with_their_passphrase_only(tmp_path: Path) -> None:
    public, private = tmp_path / "backup.pub", tmp_path / "backup.key"
    make_keys(public, private, b"correct horse")
    assert private.stat().st_mode & 0o077 == 0
    assert read_private_key(private, b"correct horse").public_key() == read_public_key(public)
    for wrong in (b"", b"battery staple"):
        with pytest.raises(KeyUnusable):
            read_private_key(private, wrong)
    with pytest.raises(KeyUnusable):
        read_public_key(private)
    with pytest.raises(FileExistsError):
        make_keys(public, private, b"")
