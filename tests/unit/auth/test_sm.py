"""SM2, SM3 and SM4: the standards' answers, both libraries, the ``openssl`` command both ways, and what is refused."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.sm import (
    CipherOrder,
    Sm2Key,
    Sm2PublicKey,
    SmUnavailable,
    backend,
    encoding,
    hmac_sm3,
    known_answers,
    open_sealed,
    require_sm,
    seal,
    sealing,
    sm3,
)
from auth.sm.gmssl import Gmssl
from auth.sm.libcrypto import LibCrypto

OPENSSL = shutil.which("openssl") or "openssl"
NAMED = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
KEY = Sm2Key.generate()
MESSAGE = "一批记录".encode()


def _openssl(*arguments: str | Path) -> bytes:
    return subprocess.run([OPENSSL, *map(str, arguments)], check=True, capture_output=True).stdout


@pytest.mark.parametrize("library", [LibCrypto(), Gmssl()], ids=lambda library: library.name)
def test_the_known_answers_hold_on_both_libraries(library: backend.Sm2Backend) -> None:
    known_answers.check(library)
    assert library.name in {"libcrypto", "gmssl-pyx"}


@pytest.mark.parametrize(("signing", "verifying"), [(LibCrypto(), Gmssl()), (Gmssl(), LibCrypto())])
def test_what_one_library_makes_the_other_takes(signing: backend.Sm2Backend, verifying: backend.Sm2Backend) -> None:
    secret, point = signing.generate()
    for name in (encoding.DEFAULT_SIGNER_ID, b"431221.platform"):
        signature = signing.private(secret, point).sign(MESSAGE, name)
        assert verifying.public(point).verify(MESSAGE, signature, name)
        assert not verifying.public(point).verify(MESSAGE, signature, b"somebody else")
    sealed = signing.public(point).encrypt(MESSAGE)
    assert verifying.private(secret, point).decrypt(sealed) == MESSAGE
    with pytest.raises(ValueError, match="refused"):
        verifying.private(secret, point).decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]))


@pytest.fixture
def chosen_anew() -> object:
    require_sm.cache_clear()
    yield None
    require_sm.cache_clear()


@pytest.mark.usefixtures("chosen_anew")
def test_a_wrong_answer_refuses_to_start_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_answers, "_CIPHER", known_answers._CIPHER[:-1] + b"\x00")
    with pytest.raises((SmUnavailable, ValueError)) as caught:
        require_sm()
    assert isinstance(caught.value, SmUnavailable)
    assert "自检未通过" in str(caught.value)
    assert "replace OpenSSL" in str(caught.value)


@pytest.mark.usefixtures("chosen_anew")
def test_without_sm2_in_libcrypto_the_second_source_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> LibCrypto:
        raise OSError("libcrypto was built without SM2")

    monkeypatch.setattr(backend, "LibCrypto", lacking)
    assert require_sm().name == "gmssl-pyx"
    key = Sm2Key.generate()
    assert key.public.verify(MESSAGE, key.sign(MESSAGE))


def test_openssl_verifies_our_signature_and_refuses_another(tmp_path: Path) -> None:
    (tmp_path / "public").write_bytes(KEY.public.pem())
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "signature").write_bytes(encoding.signature_der(KEY.sign(MESSAGE)))
    verifying = (
        "pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "public", *NAMED,
        "-in", tmp_path / "message", "-sigfile", tmp_path / "signature",
    )  # fmt: skip
    assert b"Verified Successfully" in _openssl(*verifying)
    (tmp_path / "message").write_bytes(MESSAGE + b".")
    with pytest.raises(subprocess.CalledProcessError):
        _openssl(*verifying)


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_keys_and_signatures_of_openssl_are_taken(tmp_path: Path, form: str) -> None:
    key, public, message, signature = (tmp_path / name for name in ("key", "public", "message", "signature"))
    _openssl("genpkey", "-algorithm", "SM2", "-out", tmp_path / "made")
    _openssl("pkey", "-in", tmp_path / "made", "-outform", form, "-out", key)
    _openssl("pkey", "-in", tmp_path / "made", "-pubout", "-outform", form, "-out", public)
    message.write_bytes(MESSAGE)
    _openssl("pkeyutl", "-sign", "-inkey", tmp_path / "made", *NAMED, "-in", message, "-out", signature)
    theirs, ours = Sm2PublicKey.load(public.read_bytes()), Sm2Key.load(key.read_bytes())
    assert theirs.verify(MESSAGE, encoding.signature_raw(signature.read_bytes()))
    assert not theirs.verify(MESSAGE + b".", encoding.signature_raw(signature.read_bytes()))
    assert ours.public.point == theirs.point
    if form == "PEM":
        assert (ours.pem(), ours.public.pem()) == (key.read_bytes(), public.read_bytes())


def test_a_ciphertext_goes_to_openssl_and_back(tmp_path: Path) -> None:
    key, plain, sealed = (tmp_path / name for name in ("key", "plain", "sealed"))
    KEY.write(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    sealed.write_bytes(encoding.cipher_der(KEY.public.encrypt(MESSAGE), CipherOrder.C1C3C2))
    assert _openssl("pkeyutl", "-decrypt", "-inkey", key, "-in", sealed) == MESSAGE
    plain.write_bytes(MESSAGE)
    _openssl("pkeyutl", "-encrypt", "-inkey", key, "-in", plain, "-out", sealed)
    assert KEY.decrypt(encoding.cipher_raw(sealed.read_bytes(), CipherOrder.C1C2C3), CipherOrder.C1C2C3) == MESSAGE
    with pytest.raises(FileExistsError):
        KEY.write(key)


def test_a_sec1_file_is_read(tmp_path: Path) -> None:
    der = encoding._wrapped(
        0x30,
        encoding._integer(1)
        + encoding._wrapped(4, KEY._secret)
        + encoding._wrapped(0xA0, encoding._CURVE)
        + encoding._wrapped(0xA1, encoding._wrapped(3, b"\x00\x04" + KEY.public.point)),
    )
    assert Sm2Key.load(encoding.as_pem("EC PRIVATE KEY", der)).public.point == KEY.public.point


@given(st.binary(min_size=1, max_size=255), st.sampled_from(CipherOrder))
def test_both_orders_of_a_ciphertext(content: bytes, order: CipherOrder) -> None:
    sealed = KEY.public.encrypt(content, order)
    assert KEY.decrypt(sealed, order) == content
    assert encoding.cipher_raw(encoding.cipher_der(sealed, order), order) == sealed
    other = CipherOrder.C1C2C3 if order is CipherOrder.C1C3C2 else CipherOrder.C1C3C2
    with pytest.raises(ValueError, match=r"refused|no SM2"):
        KEY.decrypt(sealed, other)


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=40))
def test_a_signature_is_for_one_message_and_one_name(message: bytes, name: bytes) -> None:
    signature = KEY.sign(message, name)
    assert len(signature) == 64
    assert KEY.public.verify(message, signature, name)
    assert not KEY.public.verify(message + b".", signature, name)
    assert not KEY.public.verify(message, signature, name + b".")
    assert encoding.signature_raw(encoding.signature_der(signature)) == signature


def _raw(r: int, s: int) -> bytes:
    return r.to_bytes(32) + s.to_bytes(32)


def test_signatures_out_of_range_or_form_are_none() -> None:
    good = KEY.sign(MESSAGE)
    r, s = int.from_bytes(good[:32]), int.from_bytes(good[32:])
    bad = [
        _raw(0, s), _raw(r, 0), _raw(encoding.ORDER, s), _raw(r, encoding.ORDER), _raw(2**256 - 1, s),
        good[:-1], good + b"\x00", b"", encoding.signature_der(good), _raw(r, encoding.ORDER - s),
        good[32:] + good[:32],
    ]  # fmt: skip
    assert KEY.public.verify(MESSAGE, good)
    assert not any(KEY.public.verify(MESSAGE, signature) for signature in bad)


@pytest.mark.parametrize(
    "der",
    [
        "",
        "30",
        "3006020101020101 00",
        "30070201010202 0001",
        "3006020181020101",
        "300602010002 0101",
        "3081060201010201 01",
        "3009020101020101020101",
        "3006020101040101",
        "30270222" + "00" * 0x22 + "020101",
    ],
)
def test_loose_der_is_refused(der: str) -> None:
    assert encoding.signature_raw(bytes.fromhex("3006020101020101")) == _raw(1, 1)
    with pytest.raises(ValueError, match=r"DER|number|behind|outside"):
        encoding.signature_raw(bytes.fromhex(der))


def test_keys_off_the_curve_of_another_curve_or_in_halves_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no point on"):
        Sm2PublicKey(KEY.public.point[:-1] + bytes([KEY.public.point[-1] ^ 1]))
    with pytest.raises(ValueError, match="64 bytes"):
        Sm2PublicKey(b"\x04" + KEY.public.point)
    with pytest.raises(ValueError, match="does not belong"):
        Sm2Key(KEY._secret, Sm2Key.generate().public.point)
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", tmp_path / "p256")
    _openssl("pkey", "-in", tmp_path / "p256", "-pubout", "-out", tmp_path / "p256.pub")
    with pytest.raises(ValueError, match="no SM2 private key"):
        Sm2Key.load((tmp_path / "p256").read_bytes())
    with pytest.raises(ValueError, match="no SM2 public key"):
        Sm2PublicKey.load((tmp_path / "p256.pub").read_bytes())
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", KEY.public.pem(), b"0\x80"):
        with pytest.raises(ValueError, match=r"SM2|DER|PEM"):
            Sm2Key.load(content)


def test_too_much_or_nothing_is_not_encrypted() -> None:
    for content in (b"", b"x" * 256):
        with pytest.raises(ValueError, match="1 to 255"):
            KEY.public.encrypt(content)


@given(st.binary(max_size=200), st.binary(max_size=30))
def test_sm4_opens_with_the_same_key_and_context_only(content: bytes, context: bytes) -> None:
    key = bytes(range(sealing.KEY_BYTES))
    sealed = seal(key, content, context)
    assert open_sealed(key, sealed, context) == content
    assert seal(key, content, context) != sealed
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for other in (
        (bytes(16), sealed, context),
        (key, changed, context),
        (key, sealed, context + b"."),
        (key, b"", b""),
    ):
        with pytest.raises(ValueError, match="sealed bytes"):
            open_sealed(*other)


def test_sm3_agrees_with_openssl(tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)
    assert sm3(MESSAGE) == _openssl("dgst", "-sm3", "-binary", tmp_path / "message")
    keyed = _openssl("dgst", "-sm3", "-binary", "-mac", "HMAC", "-macopt", "key:secret", tmp_path / "message")
    assert hmac_sm3(b"secret", MESSAGE) == keyed
