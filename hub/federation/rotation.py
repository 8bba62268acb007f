"""Changing a neighbour's certificate with an overlap: the next one counts beside the one in use, until that ends.

Called by ``sanji peers certificate``.
"""

from datetime import datetime

from auth.certificates import end_time_of, id_of, is_issued_by, thumbprint
from exchange_db import peer_certificates, peers
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import WriteSession


async def add_certificate(
    session: WriteSession,
    peer: Peer,
    certificate: bytes,
    *,
    authorities: bytes,
    until: datetime | None,
    now: datetime,
) -> str:
    """Registers a neighbour's next certificate beside the one it has; returns its thumbprint.

    Args:
        session: the transaction.
        peer: whose it must be.
        certificate: PEM.
        authorities: PEM of the federation's authorities.
        until: until when the one of before counts at most; ``None`` for until its own end.
        now: the hub's clock, aware.

    Raises:
        Violated: CERTIFICATE_NONE, PEER_ID_MISMATCH, CERTIFICATE_FOREIGN, CERTIFICATE_EXPIRED, CERTIFICATE_KNOWN or
            CERTIFICATES_FULL.
        ValueError: it is no certificate.
    """
    if not _is_thumbprint(peer.thumbprint):
        raise Violated("CERTIFICATE_NONE", "peer_id", peer.thumbprint)
    if id_of(certificate) != peer.peer_id:
        raise Violated("PEER_ID_MISMATCH", "certificate", id_of(certificate))
    if not is_issued_by(certificate, authorities):
        raise Violated("CERTIFICATE_FOREIGN", "certificate")
    if end_time_of(certificate) <= now:
        raise Violated("CERTIFICATE_EXPIRED", "certificate")
    shown = thumbprint(certificate)
    if await peers.by_thumbprint(session, shown) is not None:
        raise Violated("CERTIFICATE_KNOWN", "certificate")
    if peer.earlier_end_time is not None and peer.earlier_end_time > now:
        raise Violated("CERTIFICATES_FULL", "certificate", f"{peer.peer_id} {peer.earlier_thumbprint}")
    await peer_certificates.renew(session, peer.peer_id, shown, end_time_of(certificate), until)
    return shown


def plain_thumbprint(text: str) -> str:
    """Returns a thumbprint as people write it, with colons, blanks or capitals, in the form it is kept in."""
    return "".join(text.replace(":", "").split()).lower()


def _is_thumbprint(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
