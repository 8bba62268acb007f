"""Certificates: what a development authority makes, and what is read out of any."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from auth import certificates
from auth.certificates import Certified
from exchange_db.records import Violated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AUTHORITY = certificates.make_authority("测试签发机构", NOW)
HUB = certificates.issue(AUTHORITY, "431200.hub", NOW, names=("hub.example.org", "10.1.2.3", "::1"))


def _with_names(*names: x509.GeneralName) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    builder = x509.CertificateBuilder(
        issuer_name=subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=NOW,
        not_valid_after=NOW + timedelta(days=1),
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_certificate_names_its_platform_and_its_hosts() -> None:
    assert certificates.id_of(HUB.certificate) == "431200.hub"
    assert certificates.hosts_of(HUB.certificate) == ["431200.hub", "hub.example.org", "10.1.2.3", "::1"]


def test_a_certificate_serves_both_ends_of_a_link_and_no_authority() -> None:
    read = x509.load_pem_x509_certificate(HUB.certificate)
    uses = {use.dotted_string for use in read.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
    assert uses == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}
    assert not read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert isinstance(read.public_key(), ec.EllipticCurvePublicKey)


def test_the_thumbprint_is_the_sha256_of_the_der_form() -> None:
    der = ssl.PEM_cert_to_DER_cert(HUB.certificate.decode())
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    assert certificates.thumbprint(HUB.certificate) == digest.finalize().hex()


def test_a_certificate_ends_after_its_days_but_never_after_its_authority() -> None:
    assert certificates.end_time_of(HUB.certificate) == NOW + timedelta(days=730)
    long = certificates.issue(AUTHORITY, "431200.hub", NOW, days=9_999)
    assert certificates.end_time_of(long.certificate) == certificates.end_time_of(AUTHORITY.certificate)


def test_the_chain_and_the_key_are_recognized() -> None:
    other = certificates.make_authority("other", NOW)
    assert certificates.is_issued_by(HUB.certificate, AUTHORITY.certificate)
    assert certificates.is_issued_by(HUB.certificate, other.certificate + AUTHORITY.certificate)
    assert not certificates.is_issued_by(HUB.certificate, other.certificate)
    assert not certificates.is_issued_by(other.certificate, AUTHORITY.certificate)
    assert certificates.is_key_of(HUB.certificate, HUB.key)
    assert not certificates.is_key_of(HUB.certificate, AUTHORITY.key)


@pytest.mark.parametrize(
    "names",
    [
        (),
        (x509.DNSName("431200.hub"),),
        (x509.UniformResourceIdentifier("spiffe://sanji/431200.hub"), x509.UniformResourceIdentifier("spiffe://sanji/431300.hub")),
        (x509.UniformResourceIdentifier("spiffe://sanji/431200.hub"), x509.UniformResourceIdentifier("spiffe://other/x")),
        (x509.UniformResourceIdentifier("spiffe://other/431200.hub"),),
        (x509.UniformResourceIdentifier("spiffe://sanji/hub"),),
        (x509.UniformResourceIdentifier("spiffe://sanji/431200.hub/x"),),
    ],
)  # fmt: skip
def test_a_certificate_that_names_none_or_two_or_another_federation_is_refused(
    names: tuple[x509.GeneralName, ...],
) -> None:
    with pytest.raises(Violated) as refused:
        certificates.id_of(_with_names(*names))
    assert refused.value.violation.reason == "PEER_ID_MISMATCH"


def test_a_further_uri_of_another_kind_does_not_matter() -> None:
    names = [x509.UniformResourceIdentifier(uri) for uri in ("https://hub.example.org", "spiffe://sanji/431200.hub")]
    assert certificates.id_of(_with_names(*names)) == "431200.hub"


def test_a_name_that_is_no_platform_gets_no_certificate() -> None:
    with pytest.raises(ValueError, match="named"):
        certificates.issue(AUTHORITY, "hub", NOW)


def test_keys_are_for_their_owner_only_and_nothing_is_overwritten(tmp_path: Path) -> None:
    certificate, key = tmp_path / "new" / "hub.pem", tmp_path / "new" / "hub.key"
    certificates.write(HUB, certificate, key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (certificate.read_bytes(), key.read_bytes()) == HUB
    with pytest.raises(FileExistsError):
        certificates.write(HUB, certificate, tmp_path / "other.key")
    certificate.unlink()
    with pytest.raises(FileExistsError):
        certificates.write(HUB, certificate, key)
    assert not certificate.exists()


def test_two_ends_shake_hands_over_tls_1_3(tmp_path: Path) -> None:
    server = _context(tmp_path / "server", HUB, ssl.PROTOCOL_TLS_SERVER)
    client = _context(
        tmp_path / "client", certificates.issue(AUTHORITY, "431221.platform", NOW), ssl.PROTOCOL_TLS_CLIENT
    )
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    dialling = client.wrap_bio(back, there, server_hostname="431200.hub")
    answering = server.wrap_bio(there, back, server_side=True)
    for end in (dialling, answering, dialling, answering):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert dialling.version() == answering.version() == "TLSv1.3"
    shown = answering.getpeercert(binary_form=True)
    assert shown is not None
    assert certificates.id_of(ssl.DER_cert_to_PEM_cert(shown).encode()) == "431221.platform"


def _context(folder: Path, certified: Certified, protocol: int) -> ssl.SSLContext:
    certificates.write(certified, folder / "own.pem", folder / "own.key")
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    context.load_verify_locations(cadata=AUTHORITY.certificate.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    return context
