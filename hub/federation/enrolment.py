"""The two sides of joining as a whole: writing an invitation, and accepting one as a hub or as a platform.

Called by ``sanji peers`` and by whoever stages several hubs at once.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from auth.certificates import thumbprint
from connectors.county.profile import Profile, write_profile
from connectors.transports.grpc_peer import GrpcPeer, Target, check_pin
from exchange_db import peers, wakeups
from exchange_db.session import Ledger
from hub.federation import joining
from hub.federation.joining import Letter
from hub.settings import Settings


async def write_invitation(
    ledger: Ledger, settings: Settings, *, peer_id: str, kind: str, relation: str, address: str
) -> Letter:
    """Invites a neighbour; ``address`` is where it can dial this hub.

    Raises:
        Violated: the name does not fit the relation.
        OSError: the hub's certificate cannot be read.
    """
    async with ledger.write() as session:
        code, expires = await joining.invite(
            session,
            peer_id=peer_id,
            kind=kind,
            relation=relation,
            hub_region=settings.hub.region,
            now=datetime.now(UTC),
        )
    return Letter(
        settings.hub.id,
        settings.hub.name,
        address,
        thumbprint(settings.tls.certificate.read_bytes()),
        settings.tls.authority.read_text(),
        peer_id,
        relation,
        code,
        expires.isoformat(),
    )


async def accept_as_hub(ledger: Ledger, settings: Settings, letter: Letter) -> None:
    """Joins the hub that invited us and enters it in our registry.

    Raises:
        ConnectorError: it cannot be reached, is not who the invitation says, or does not take the code.
        Violated: its name does not fit the relation.
    """
    tls = settings.tls
    target = Target(letter.hub_id, letter.address, letter.thumbprint, tls.authority, tls.certificate, tls.key)
    shown = await _join(letter, target, settings.hub.name, settings.listen.public_address)
    async with ledger.write() as session:
        await joining.accept(session, letter, shown, settings.hub.region)
    await announce(ledger)


async def accept_as_platform(letter: Letter, folder: Path, certificate: Path, key: Path) -> None:
    """Joins the hub that invited us and writes the profile a platform's client needs into ``folder``.

    Raises:
        ConnectorError: it cannot be reached, is not who the invitation says, or does not take the code.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = folder / "authority.pem"
    authority.write_text(letter.authority)
    await _join(
        letter,
        Target(letter.hub_id, letter.address, letter.thumbprint, authority, certificate, key),
        letter.peer_id,
        "",
    )
    profile = Profile(
        platform_id=letter.peer_id,
        hub_id=letter.hub_id,
        address=letter.address,
        thumbprint=letter.thumbprint,
        authority=authority.resolve(),
        certificate=certificate.resolve(),
        key=key.resolve(),
    )
    write_profile(folder, profile)


async def enter_database(
    ledger: Ledger, settings: Settings, *, peer_id: str, name: str, kind: str, relation: str, is_replacing: bool
) -> bool:
    """Enters a partner whose database is the link to it; tells whether it did.

    It does not where the partner is known by a certificate, unless ``is_replacing``: that certificate is then refused.

    Raises:
        Violated: the name does not fit the relation.
    """
    async with ledger.write() as session:
        known = await peers.by_id(session, peer_id)
        if known is not None and not known.has_database and not is_replacing:
            return False
        await joining.enter_database(
            session, peer_id=peer_id, name=name, kind=kind, relation=relation, hub_region=settings.hub.region
        )
    await announce(ledger)
    return True


async def announce(ledger: Ledger) -> None:
    """Tells the hub's processes that the registry has changed."""
    async with ledger.watching() as connection:
        await wakeups.wake(connection.driver, wakeups.PEERS)


async def _join(letter: Letter, target: Target, name: str, address: str) -> bytes:
    shown = ssl.DER_cert_to_PEM_cert(await check_pin(target)).encode()
    async with GrpcPeer(target) as hub:
        await hub.join(letter.code, name, address, letter.peer_id)
    return shown
