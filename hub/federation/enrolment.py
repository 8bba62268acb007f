"""The two sides of joining as a whole: writing an invitation, and accepting one as a hub or as a platform.

Called by ``sanji peers`` and by whoever stages several hubs at once.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from auth.certificates import thumbprint
from connectors.county.profile import Profile, write_profile
from connectors.transports.grpc_peer import GrpcPeer, Target, check_pin
from exchange_db import joinings, peers, wakeups
from exchange_db.audit_records import Value
from exchange_db.joinings import Opening
from exchange_db.session import Ledger
from hub.federation import joining
from hub.federation.joining import Letter
from hub.federation.signing_cards import own_cards, register
from hub.recording import actor, recorded
from hub.settings import Settings


async def write_invitation(
    ledger: Ledger, settings: Settings, *, peer_id: str, kind: str, relation: str, address: str, name: str = ""
) -> Letter:
    """Invites a neighbour; ``address`` is where it can dial this hub, ``name`` what people call it.

    From then on it is on its way in, as the console shows it.

    Raises:
        Violated: the name does not fit the relation.
        OSError: the hub's certificate cannot be read.
    """
    about: dict[str, Value] = {"kind": kind, "relation": relation, "address": address}
    async with recorded(ledger, "peer.invite", peer_id, detail=about) as act:
        code, expires = await joining.invite(
            act.session,
            peer_id=peer_id,
            kind=kind,
            relation=relation,
            hub_region=settings.hub.region,
            now=(now := datetime.now(UTC)),
        )
        opening = Opening(peer_id, name or peer_id, kind, relation, "grpc", actor(), now, expires)
        await joinings.open_one(act.session, opening)
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
        tuple(card.decode() for card in own_cards(settings.signing.keys)),
    )


async def accept_as_hub(ledger: Ledger, settings: Settings, letter: Letter) -> bool:
    """Joins the hub that invited us and enters it in our registry; tells whether we wait there to be confirmed.

    Raises:
        ConnectorError: it cannot be reached, is not who the invitation says, or does not take the code.
        Violated: its name does not fit the relation.
    """
    tls = settings.tls
    target = Target(letter.hub_id, letter.address, letter.thumbprint, tls.authority, tls.certificate, tls.key)
    cards = own_cards(settings.signing.keys)
    about: dict[str, Value] = {"address": letter.address, "thumbprint": letter.thumbprint}
    async with recorded(ledger, "peer.accept", letter.hub_id, detail=about) as act:
        shown, is_waiting = await _join(letter, target, settings.hub.name, settings.listen.public_address, cards)
        await joining.accept(act.session, letter, shown, settings.hub.region)
        theirs = [card.encode() for card in letter.signing_cards]
        await register(act.session, theirs, letter.hub_id, tls.authority.read_bytes())
    await announce(ledger)
    return is_waiting


async def accept_as_platform(
    letter: Letter,
    folder: Path,
    certificate: Path,
    key: Path,
    signing_keys: tuple[Path, ...] = (),
    *,
    is_verifying: bool = False,
) -> bool:
    """Joins the hub that invited us and writes the profile a platform's client needs into ``folder``.

    The cards of ``signing_keys`` are handed over with the code. With ``is_verifying`` the profile names the hub's own
    cards, so that what is fetched must be signed by it. Tells whether we wait there to be confirmed.

    Raises:
        ConnectorError: it cannot be reached, is not who the invitation says, or does not take the code.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = folder / "authority.pem"
    authority.write_text(letter.authority)
    _, is_waiting = await _join(
        letter,
        Target(letter.hub_id, letter.address, letter.thumbprint, authority, certificate, key),
        letter.peer_id,
        "",
        own_cards(signing_keys),
    )
    profile = Profile(
        platform_id=letter.peer_id,
        hub_id=letter.hub_id,
        address=letter.address,
        thumbprint=letter.thumbprint,
        authority=authority.resolve(),
        certificate=certificate.resolve(),
        key=key.resolve(),
        signing_keys=tuple(path.resolve() for path in signing_keys),
        hub_cards=_kept_cards(letter, folder.resolve()) if is_verifying else (),
    )
    write_profile(folder, profile)
    return is_waiting


def _kept_cards(letter: Letter, folder: Path) -> tuple[Path, ...]:
    files = tuple(folder / f"hub-{number}.card" for number, _ in enumerate(letter.signing_cards, 1))
    for file, card in zip(files, letter.signing_cards, strict=True):
        file.write_text(card, encoding="utf-8")
    return files


async def enter_database(
    ledger: Ledger, settings: Settings, *, peer_id: str, name: str, kind: str, relation: str, is_replacing: bool
) -> bool:
    """Enters a partner whose database is the link to it; tells whether it did.

    It does not where the partner is known by a certificate, unless ``is_replacing``: that certificate is then refused.

    Raises:
        Violated: the name does not fit the relation.
    """
    about: dict[str, Value] = {"kind": kind, "relation": relation, "is_replacing": is_replacing}
    async with recorded(ledger, "peer.enter_database", peer_id, detail=about) as act:
        known = await peers.by_id(act.session, peer_id)
        if known is not None and not known.has_database and not is_replacing:
            act.refuse("PEER_KNOWN")
            return False
        await joining.enter_database(
            act.session, peer_id=peer_id, name=name, kind=kind, relation=relation, hub_region=settings.hub.region
        )
    await announce(ledger)
    return True


async def announce(ledger: Ledger) -> None:
    """Tells the hub's processes that the registry has changed."""
    async with ledger.watching() as connection:
        await wakeups.wake(connection.driver, wakeups.PEERS)


async def _join(letter: Letter, target: Target, name: str, address: str, cards: list[bytes]) -> tuple[bytes, bool]:
    shown = ssl.DER_cert_to_PEM_cert(await check_pin(target)).encode()
    async with GrpcPeer(target) as hub:
        answer = await hub.join(letter.code, name, address, letter.peer_id, cards)
    return shown, answer.is_waiting
