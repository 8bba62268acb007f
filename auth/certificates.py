"""Certificates of the federation: reading who one stands for, and a development authority that makes them.

Owns the shape of a certificate: its name is a URI ``spiffe://sanji/431200.hub`` and, for the check of the dialled
name, a DNS name ``431200.hub``; it serves both ends of a link. Does not decide who is welcome: the registry pins
thumbprints. All PEM is ``bytes``. Called by ``hub.federation`` and the command line.
"""

import hashlib
import ipaddress
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from exchange_db.records import Violated
from exchange_db.regions import region_of

_NAMESPACE = "spiffe://sanji/"
#: How far a new certificate reaches back, for neighbours whose clocks are behind.
_LEEWAY = timedelta(hours=1)


class Certified(NamedTuple):
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def make_authority(name: str, now: datetime, *, years: int = 10) -> Certified:
    """Makes an authority of its own (P-256, SHA-256).

    Args:
        name: shown to people, for example ``湖南省城市管理平台``.
        now: aware.
        years: how long it is valid.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _certified(builder.sign(key, hashes.SHA256()), key)


def issue(
    authority: Certified, platform_id: str, now: datetime, *, days: int = 730, names: tuple[str, ...] = ()
) -> Certified:
    """Issues a certificate for a hub or platform, good for both ends of a link.

    Args:
        authority: who signs.
        platform_id: for example ``431200.hub``.
        now: aware.
        days: how long it is valid; never longer than its authority.
        names: further host names or IP addresses it is reached by.

    Raises:
        ValueError: ``platform_id`` is no platform name, or a name is not ASCII.
    """
    region_of(platform_id)
    signer = x509.load_pem_x509_certificate(authority.certificate)
    signing_key = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(signing_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is not an EC key")  # noqa: TRY004 — a wrong file, not a wrong call
    key = ec.generate_private_key(ec.SECP256R1())
    public_key = key.public_key()
    alternatives = [x509.DNSName(platform_id), x509.UniformResourceIdentifier(_NAMESPACE + platform_id)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, platform_id)]))
        .issuer_name(signer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(min(now + timedelta(days=days), signer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName([*alternatives, *map(_host, names)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    return _certified(builder.sign(signing_key, hashes.SHA256()), key)


def thumbprint(pem: bytes) -> str:
    """Returns the SHA-256 of a certificate's DER form, in hex: what the registry pins."""
    return hashlib.sha256(x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)).hexdigest()


def id_of(pem: bytes) -> str:
    """Returns the platform a certificate stands for.

    Raises:
        Violated: PEER_ID_MISMATCH: it names none, or several, or not in the right form.
    """
    try:
        names = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName)
        uris = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    found = [uri for uri in uris if uri.startswith("spiffe:")]
    if len(found) != 1 or not found[0].startswith(_NAMESPACE):
        raise Violated("PEER_ID_MISMATCH", "certificate", ", ".join(found) or "-")
    platform_id = found[0].removeprefix(_NAMESPACE)
    try:
        region_of(platform_id)
    except ValueError:
        raise Violated("PEER_ID_MISMATCH", "certificate", found[0]) from None
    return platform_id


def end_time_of(pem: bytes) -> datetime:
    """Returns the last moment of a certificate, aware."""
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def issuer_of(pem: bytes) -> str:
    """Returns the name of whoever signed a certificate."""
    return x509.load_pem_x509_certificate(pem).issuer.rfc4514_string()


def hosts_of(pem: bytes) -> list[str]:
    """Returns the DNS names and IP addresses a certificate is good for."""
    try:
        names = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    addresses = names.value.get_values_for_type(x509.IPAddress)
    return [*names.value.get_values_for_type(x509.DNSName), *map(str, addresses)]


def is_key_of(pem: bytes, key: bytes) -> bool:
    """Tells whether a private key belongs to a certificate.

    Raises:
        ValueError: one of the two cannot be read.
    """
    certificate = x509.load_pem_x509_certificate(pem)
    return certificate.public_key() == serialization.load_pem_private_key(key, password=None).public_key()


def is_issued_by(pem: bytes, authorities: bytes) -> bool:
    """Tells whether one of some authorities (PEM, one after the other) signed a certificate.

    Raises:
        ValueError: one of them cannot be read.
    """
    certificate = x509.load_pem_x509_certificate(pem)
    for authority in x509.load_pem_x509_certificates(authorities):
        try:
            certificate.verify_directly_issued_by(authority)
        except (InvalidSignature, ValueError, TypeError):
            continue
        return True
    return False


def write(certified: Certified, certificate: Path, key: Path) -> None:
    """Writes both files; the key is readable by its owner only.

    Raises:
        FileExistsError: one of them is there already; nothing is overwritten.
    """
    if certificate.exists():
        raise FileExistsError(str(certificate))
    certificate.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(certified.key)
    certificate.write_bytes(certified.certificate)


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certified(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certified:
    return Certified(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
