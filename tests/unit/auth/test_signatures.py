"""Signatures: what one hub signs, any hub under the same authority can verify, and nothing else holds."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from auth import certificates
from auth.certificates import Certified
from auth.signatures import SIGNATURE_BYTES, Signed, sign, signer_of
from exchange_db.records import Violated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AUTHORITY = certificates.make_authority("测试签发机构", NOW)
HUB = certificates.issue(AUTHORITY, "430000.hub", NOW)
SIGNED = sign("test 1", "标准".encode(), *HUB)


def _reason(signed: Signed, purpose: str = "test 1", authorities: bytes = AUTHORITY.certificate, **shift: int) -> str:
    with pytest.raises(Violated) as refused:
        signer_of(purpose, signed, authorities, NOW + timedelta(**shift))
    return refused.value.violation.reason


def test_a_signature_tells_who_signed() -> None:
    assert len(SIGNED.signature) == SIGNATURE_BYTES
    assert signer_of("test 1", SIGNED, AUTHORITY.certificate, NOW) == "430000.hub"
    other = certificates.make_authority("other", NOW)
    assert signer_of("test 1", SIGNED, other.certificate + AUTHORITY.certificate, NOW) == "430000.hub"


def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    assert _reason(SIGNED, purpose="test 2") == "SIGNATURE_INVALID"


@given(st.integers(0, 2), st.data())
def test_no_byte_of_content_signature_or_key_can_be_changed(part: int, data: st.DataObject) -> None:
    original = (SIGNED.content, SIGNED.signature, _key_bytes(SIGNED.certificates))[part]
    place, bit = data.draw(st.integers(0, len(original) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(original)
    changed[place] ^= 1 << bit
    if part == 2:
        der = x509.load_pem_x509_certificate(SIGNED.certificates).public_bytes(serialization.Encoding.DER)
        assert original in der
        tampered = _pem(der.replace(original, bytes(changed)))
        signed = SIGNED._replace(certificates=tampered)
    else:
        signed = SIGNED._replace(**{("content", "signature")[part]: bytes(changed)})
    assert _reason(signed) == "SIGNATURE_INVALID"


def _key_bytes(pem: bytes) -> bytes:
    return (
        x509.load_pem_x509_certificate(pem)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _pem(der: bytes) -> bytes:
    import base64

    lines = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + lines + b"-----END CERTIFICATE-----\n"


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificates_are_refused(noise: bytes) -> None:
    assert _reason(SIGNED._replace(certificates=noise)) == "SIGNATURE_INVALID"


@given(st.binary(max_size=130))
def test_bytes_that_are_no_signature_are_refused(noise: bytes) -> None:
    assert _reason(SIGNED._replace(signature=noise)) == "SIGNATURE_INVALID"


def test_a_certificate_of_another_authority_is_refused() -> None:
    stranger = certificates.make_authority("测试签发机构", NOW)
    forged = sign("test 1", SIGNED.content, *certificates.issue(stranger, "430000.hub", NOW))
    assert _reason(forged) == "SIGNATURE_INVALID"
    assert _reason(forged._replace(certificates=forged.certificates + stranger.certificate)) == "SIGNATURE_INVALID"


def test_a_certificate_must_have_been_valid_when_it_signed() -> None:
    assert _reason(SIGNED, days=-1) == "SIGNATURE_INVALID"
    assert _reason(SIGNED, days=731) == "SIGNATURE_INVALID"
    assert signer_of("test 1", SIGNED, AUTHORITY.certificate, NOW + timedelta(days=729)) == "430000.hub"


def test_an_authority_between_is_followed_and_a_hub_is_no_authority() -> None:
    root = _authority("root", path_length=1)
    between = _authority("between", path_length=0, issuer=root)
    hub = certificates.issue(between, "430000.hub", NOW)
    signed = sign("test 1", b"x", hub.certificate + between.certificate, hub.key)
    assert signer_of("test 1", signed, root.certificate, NOW) == "430000.hub"
    assert _reason(sign("test 1", b"x", *hub), authorities=root.certificate) == "SIGNATURE_INVALID"
    pretended = certificates.issue(HUB, "000000.hub", NOW)
    chain = pretended.certificate + HUB.certificate
    assert _reason(sign("test 1", b"x", chain, pretended.key)) == "SIGNATURE_INVALID"


def _authority(name: str, *, path_length: int, issuer: Certified | None = None) -> Certified:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    above = x509.load_pem_x509_certificate(issuer.certificate).subject if issuer else subject
    signer = serialization.load_pem_private_key(issuer.key, None) if issuer else key
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only", "digital_signature"), False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder(above, subject, key.public_key(), x509.random_serial_number(), NOW,
                                NOW + timedelta(days=3_650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Certified(made.public_bytes(serialization.Encoding.PEM), pem)


def test_a_key_of_another_kind_or_of_somebody_else_does_not_sign() -> None:
    other = certificates.issue(AUTHORITY, "430000.hub", NOW)
    with pytest.raises(ValueError, match="does not belong"):
        sign("test 1", b"x", HUB.certificate, other.key)
    rsa_key = rsa.generate_private_key(65_537, 2_048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="P-256"):
        sign("test 1", b"x", HUB.certificate, rsa_key)
