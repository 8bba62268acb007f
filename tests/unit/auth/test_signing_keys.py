"""Signing keys: made, wrapped, changed with an overlap; a ledger alone cannot sign."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auth.signing_keys import KeyWrap, WrappingKeyInvalid, make_key, published, signing
from auth.tokens import TokenReader, TokenSigner, Trust

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def wrap(tmp_path: Path) -> KeyWrap:
    return KeyWrap.of_file(tmp_path / "wrapping.key")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_what_a_stored_key_signs_its_published_half_reads(wrap: KeyWrap, algorithm: str) -> None:
    stored = make_key(wrap, algorithm, NOW)
    key = signing([stored], wrap, algorithm, NOW)
    assert key is not None
    second = int(NOW.timestamp())
    text = TokenSigner(key).sign({"iss": "a", "aud": "b", "iat": second, "exp": second + 60})
    [public] = published([stored], NOW)
    assert (public["kid"], public["alg"], public["use"]) == (stored.key_id, algorithm, "sig")
    assert not {"d", "p", "q"} & set(public)
    reader = TokenReader([Trust("a", [algorithm], [public])])
    assert reader.read(text, issuer="a", audience="b", moment=second * 1_000_000)["exp"] == second + 60


def test_a_later_key_is_known_before_it_signs_and_the_earlier_one_after(wrap: KeyWrap) -> None:
    first, later = make_key(wrap, "ES256", NOW), make_key(wrap, "ES256", NOW + DAY)
    ending = first._replace(end_time=NOW + 2 * DAY)
    for moment, signer, known in [
        (NOW, first, 2),
        (NOW + DAY, later, 2),
        (NOW + 2 * DAY, later, 1),
    ]:
        key = signing([ending, later], wrap, "ES256", moment)
        assert key is not None
        assert key.key_id == signer.key_id
        assert len(published([ending, later], moment)) == known
    assert signing([later], wrap, "ES256", NOW) is None
    assert signing([first], wrap, "RS256", NOW) is None


def test_a_ledger_without_the_wrapping_key_cannot_sign(wrap: KeyWrap, tmp_path: Path) -> None:
    stored = make_key(wrap, "ES256", NOW)
    other = KeyWrap.of_file(tmp_path / "other.key")
    with pytest.raises(WrappingKeyInvalid, match="does not open"):
        signing([stored], other, "ES256", NOW)
    with pytest.raises(WrappingKeyInvalid, match="does not open"):
        wrap.unwrap("another id", stored.wrapped)
    changed = stored.wrapped[:-1] + bytes([stored.wrapped[-1] ^ 1])
    with pytest.raises(WrappingKeyInvalid, match="does not open"):
        wrap.unwrap(stored.key_id, changed)
    assert b'"d"' in wrap.unwrap(stored.key_id, stored.wrapped)


def test_the_file_is_made_for_its_owner_only_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "wrapping.key"
    stored = make_key(KeyWrap.of_file(path), "ES256", NOW)
    assert path.stat().st_mode & 0o777 == 0o600
    assert signing([stored], KeyWrap.of_file(path), "ES256", NOW) is not None
    path.chmod(0o640)
    with pytest.raises(WrappingKeyInvalid, match="others may read"):
        KeyWrap.of_file(path)


@pytest.mark.parametrize("content", ["", "no hex", "abcd"])
def test_a_file_with_something_else_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrapping.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(WrappingKeyInvalid):
        KeyWrap.of_file(path)
