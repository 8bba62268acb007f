"""Signatures of a federation's hubs on what is kept and passed on: ES256 with the key of the hub's certificate.

Owns the form of a signature and the way back from it to the federation's authority, so that somebody two tiers below
can verify without knowing the signer. Does not decide who may sign what: ``auth.permissions`` does. All PEM is
``bytes``. Called by ``hub.standards``, ``auth.key_cards`` and ``auth.case_proof``.
"""

from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from auth.certificates import id_of
from exchange_db.records import Violated

#: Bytes of a signature: r and s of P-256, 32 each, as RFC 7518 has ES256.
SIGNATURE_BYTES = 64
#: Most bytes of a chain and most certificates in it; what is longer is not read.
MAX_CHAIN_BYTES, _MAX_CHAIN = 64 * 1024, 8
_HALF = SIGNATURE_BYTES // 2
_P256 = ec.SECP256R1.name


class Signed(NamedTuple):
    """Content with its signature; ``certificates`` is PEM, the signer's first, then those up to the authority."""

    content: bytes
    signature: bytes
    certificates: bytes


def sign(purpose: str, content: bytes, certificates: bytes, key: bytes) -> Signed:
    """Signs content for one purpose.

    Args:
        purpose: one line; a signature for one purpose is none for another.
        content: what is signed.
        certificates: PEM of the signer and, where there are some, of those between it and the authority.
        key: PEM of the signer's private key.

    Raises:
        ValueError: certificate or key cannot be read, do not belong together, or are not on P-256.
    """
    private_key = serialization.load_pem_private_key(key, password=None)
    chain = x509.load_pem_x509_certificates(certificates)
    if not isinstance(private_key, ec.EllipticCurvePrivateKey) or private_key.curve.name != _P256:
        raise ValueError("releases are signed with a key on P-256; the hub's certificate has another")
    if chain[0].public_key() != private_key.public_key():
        raise ValueError("the private key does not belong to the certificate")
    r, s = decode_dss_signature(private_key.sign(_framed(purpose, content), ec.ECDSA(hashes.SHA256())))
    pem = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in chain)
    return Signed(content, r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"), pem)


def signer_of(purpose: str, signed: Signed, authorities: bytes, moment: datetime) -> str:
    """Verifies a signature up to the federation's authority and returns who signed.

    Args:
        purpose: what it must have been signed for.
        signed: content, signature and certificates, from anywhere.
        authorities: PEM of the federation's authorities.
        moment: when it was signed, aware; every certificate on the way must have been valid then.

    Raises:
        Violated: SIGNATURE_INVALID, or PEER_ID_MISMATCH when the certificate names nobody.
    """
    signer, others = _fitting(purpose, signed)
    store = Store(x509.load_pem_x509_certificates(authorities))
    try:
        PolicyBuilder().store(store).time(moment).build_client_verifier().verify(signer, others)
    except VerificationError as error:
        raise Violated("SIGNATURE_INVALID", "certificates", str(error)) from None
    return id_of(signer.public_bytes(serialization.Encoding.PEM))


def signer_unproved(purpose: str, signed: Signed) -> str:
    """Does what ``signer_of`` does, but asks no authority: the content is as it was signed, by whoever it was.

    Raises:
        Violated: SIGNATURE_INVALID, or PEER_ID_MISMATCH when the certificate names nobody.
    """
    signer, _ = _fitting(purpose, signed)
    return id_of(signer.public_bytes(serialization.Encoding.PEM))


def _fitting(purpose: str, signed: Signed) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Returns the signer's certificate and the others, if the signature fits the content."""
    signer, others = _chain(signed.certificates)
    try:
        public_key, may_sign = signer.public_key(), _may_sign(signer)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Violated("SIGNATURE_INVALID", "certificates", error) from None
    if not isinstance(public_key, ec.EllipticCurvePublicKey) or public_key.curve.name != _P256:
        raise Violated("SIGNATURE_INVALID", "certificates", "the key is not on P-256")
    if not may_sign:
        raise Violated("SIGNATURE_INVALID", "certificates", "the certificate is not made for signing")
    if len(signed.signature) != SIGNATURE_BYTES:
        raise Violated("SIGNATURE_INVALID", "signature", f"{len(signed.signature)} bytes")
    r, s = int.from_bytes(signed.signature[:_HALF], "big"), int.from_bytes(signed.signature[_HALF:], "big")
    try:
        public_key.verify(encode_dss_signature(r, s), _framed(purpose, signed.content), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Violated("SIGNATURE_INVALID", "signature", "it does not fit the content") from None
    return signer, others


def _framed(purpose: str, content: bytes) -> bytes:
    return purpose.encode() + b"\n" + content


def _chain(pem: bytes) -> tuple[x509.Certificate, list[x509.Certificate]]:
    try:
        chain = x509.load_pem_x509_certificates(pem) if len(pem) <= MAX_CHAIN_BYTES else []
    except ValueError:
        chain = []
    if not 1 <= len(chain) <= _MAX_CHAIN:
        raise Violated("SIGNATURE_INVALID", "certificates", "no readable chain of certificates")
    return chain[0], chain[1:]


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True
