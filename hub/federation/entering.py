"""Entering a neighbour by its certificate, where no call can bring an invitation there and back.

The certificate is brought by hand, so it is judged as one that comes in a call: issued by the federation's authority,
and valid. Its operator is told the thumbprint apart, as after an invitation. Called by ``sanji files enter``.
"""

from datetime import UTC, datetime
from pathlib import Path

from auth.certificates import end_time_of, id_of, is_issued_by, thumbprint
from connectors.county.profile import Profile, write_profile
from exchange_db import peers
from exchange_db.peers import FILES, NewPeer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.federation.enrolment import announce
from hub.federation.joining import region_for
from hub.recording import recorded
from hub.settings import Settings

#: Names of the platform's own files beside the profile that is made for it.
CERTIFICATE, KEY = "platform.pem", "platform.key"


async def enter_by_certificate(
    ledger: Ledger, settings: Settings, certificate: bytes, *, name: str, kind: str, relation: str, clock: Clock
) -> NewPeer:
    """Enters a neighbour whose link goes by files; it waits to be confirmed where the settings want that.

    Args:
        ledger: the hub's database.
        settings: all settings.
        certificate: the neighbour's, PEM.
        name: shown to people; its id when empty.
        kind: ``hub`` or ``platform``.
        relation: what it is to this hub: ``child`` or ``parent``.
        clock: the hub's clock.

    Raises:
        Violated: CERTIFICATE_FOREIGN, CERTIFICATE_EXPIRED, PEER_ID_MISMATCH, REGION_FORBIDDEN, or FILE_PEER_KNOWN.
        ValueError: the certificate cannot be read.
        OSError: the authority's certificates cannot be read.
    """
    peer_id, end_time = id_of(certificate), end_time_of(certificate)
    if not is_issued_by(certificate, settings.tls.authority.read_bytes()):
        raise Violated("CERTIFICATE_FOREIGN", "certificate")
    if end_time <= datetime.fromtimestamp(clock() / 1_000_000, UTC):
        raise Violated("CERTIFICATE_EXPIRED", "certificate")
    region, shown = region_for(peer_id, relation, settings.hub.region), thumbprint(certificate)
    peer = NewPeer(peer_id, name[:100] or peer_id, region, kind, relation, FILES, shown, end_time)
    about = {"kind": kind, "relation": relation, "thumbprint": shown}
    async with recorded(ledger, "peer.enter_certificate", peer_id, region=region, detail={**about}) as act:
        if await peers.by_id(act.session, peer_id) is not None:
            raise Violated("FILE_PEER_KNOWN", "peer", peer_id)
        state = "waiting" if settings.joining.needs_confirmation else "active"
        await peers.enrol(act.session, peer, state=state)
    await announce(ledger)
    return peer


def write_files_profile(folder: Path, settings: Settings, certificate: bytes) -> Path:
    """Writes the profile a platform uses into a folder; its private key is to be put beside it. Returns its path.

    Raises:
        OSError: it cannot be written, or the hub's certificate not be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority, own = folder / "authority.pem", folder / CERTIFICATE
    authority.write_bytes(settings.tls.authority.read_bytes())
    own.write_bytes(certificate)
    folder.chmod(0o700)
    pin = thumbprint(settings.tls.certificate.read_bytes())
    address = settings.listen.public_address or f"127.0.0.1:{settings.listen.port}"
    names = (id_of(certificate), settings.hub.id, address, pin)
    return write_profile(folder, Profile(*names, authority, own, folder / KEY))
