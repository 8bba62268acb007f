"""Changing a neighbour's certificate with an overlap: the next one counts beside the one in use, until that ends.

Called by ``sanji peers certificate`` and by the page of a link.
"""

from datetime import datetime
from typing import NamedTuple

from auth.certificates import end_time_of, id_of, is_issued_by, issuer_of, thumbprint
from exchange_db import peer_certificates, peers
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger, ReadSession, WriteSession
from hub.federation.enrolment import announce
from hub.recording import recorded


class Candidate(NamedTuple):
    """A certificate that may follow the one a neighbour has; ``thumbprint`` is its SHA-256 in hex."""

    thumbprint: str
    end_time: datetime
    issuer: str


async def candidate_of(
    session: ReadSession, peer: Peer, certificate: bytes, *, authorities: bytes, now: datetime
) -> Candidate:
    """Checks a neighbour's next certificate and returns what people compare; changes nothing.

    Args:
        session: any transaction.
        peer: whose it must be.
        certificate: PEM.
        authorities: PEM of the federation's authorities.
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
    return Candidate(shown, end_time_of(certificate), issuer_of(certificate))


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

    Args and errors are those of ``candidate_of``; ``until`` is until when the one of before counts at most, ``None``
    for until its own end.
    """
    found = await candidate_of(session, peer, certificate, authorities=authorities, now=now)
    await peer_certificates.renew(session, peer.peer_id, found.thumbprint, found.end_time, until)
    return found.thumbprint


async def pin(
    ledger: Ledger, peer_id: str, certificate: bytes, *, authorities: bytes, until: datetime | None, now: datetime
) -> str:
    """Registers a neighbour's next certificate, records it and tells the hub's processes; returns its thumbprint.

    Raises:
        Violated: as ``candidate_of``, or PEER_UNKNOWN.
        ValueError: it is no certificate.
    """
    about = {"until": f"{until:%Y-%m-%dT%H:%M:%SZ}" if until is not None else ""}
    async with recorded(ledger, "peer.certificate.add", peer_id, detail={**about}) as act:
        peer = await peers.by_id(act.session, peer_id)
        if peer is None:
            raise Violated("PEER_UNKNOWN", "peer_id", peer_id)
        shown = await add_certificate(act.session, peer, certificate, authorities=authorities, until=until, now=now)
        act.detail["thumbprint"] = shown
    await announce(ledger)
    return shown


def plain_thumbprint(text: str) -> str:
    """Returns a thumbprint as people write it, with colons, blanks or capitals, in the form it is kept in."""
    return "".join(text.replace(":", "").split()).lower()


def _is_thumbprint(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
