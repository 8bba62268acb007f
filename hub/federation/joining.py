"""Joining a neighbour: an invitation on one side, its acceptance on the other, pinned certificates on both.

The invitation carries what the other side must believe (name, address, thumbprint, authority) and a one-time code;
accepting it calls ``Join`` with that code, which pins the caller's certificate here.
"""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta

from msgspec import Struct, convert, to_builtins
from msgspec import ValidationError as ShapeError

from auth.certificates import end_time_of, id_of, thumbprint
from exchange_db import peers
from exchange_db.peers import Invitation, NewPeer
from exchange_db.records import Violated
from exchange_db.regions import region_of, subtree
from exchange_db.session import WriteSession

#: When the entry of a partner whose database is the link ends: it has no certificate.
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
#: How long an invitation can be used.
VALIDITY = timedelta(days=7)


class Letter(Struct, frozen=True):
    """What an invitation file says; ``authority`` is PEM, ``expires`` ISO 8601.

    ``signing_cards`` are those of the keys the hub signs batches with.
    """

    hub_id: str
    hub_name: str
    address: str
    thumbprint: str
    authority: str
    peer_id: str
    relation: str
    code: str
    expires: str
    signing_cards: tuple[str, ...] = ()


class LetterInvalid(Exception):
    """The file is not an invitation. Ask the hub that invited you for a new one."""


def write_letter(letter: Letter) -> str:
    """Returns the invitation as one line of text that survives mail and chat."""
    return base64.urlsafe_b64encode(json.dumps(to_builtins(letter)).encode()).decode()


def read_letter(text: str) -> Letter:
    """Reads an invitation.

    Raises:
        LetterInvalid: it is not one.
    """
    try:
        return convert(json.loads(base64.urlsafe_b64decode(text.strip().encode())), Letter)
    except (ValueError, ShapeError) as error:
        raise LetterInvalid(str(error)) from error


async def invite(
    session: WriteSession, *, peer_id: str, kind: str, relation: str, hub_region: int, now: datetime
) -> tuple[str, datetime]:
    """Makes an invitation for a neighbour and returns its one-time code and its end.

    Args:
        session: the transaction.
        peer_id: name the invitation is made out to.
        kind: ``hub`` or ``platform``.
        relation: what the neighbour will be to this hub: ``child`` or ``parent``.
        hub_region: region of this hub.
        now: the hub's clock, aware.

    Raises:
        Violated: the name does not fit the relation.
    """
    region = region_for(peer_id, relation, hub_region)
    code = secrets.token_urlsafe(24)
    expires_time = now + VALIDITY
    await peers.invite(session, Invitation(_digest(code), peer_id, region, kind, relation, expires_time))
    return code, expires_time


async def redeem(
    session: WriteSession,
    *,
    code: str,
    peer_id: str,
    name: str,
    address: str,
    certificate: bytes,
    now: datetime,
    needs_confirmation: bool,
) -> NewPeer:
    """Uses an invitation up and pins the certificate it was redeemed with.

    With ``needs_confirmation`` the entry waits for ``confirm``: the code may have been seen on its way by others, so
    the certificate is compared by people before it counts.

    Raises:
        Violated: INVITATION_INVALID or PEER_ID_MISMATCH.
    """
    invitation = await peers.redeem(session, _digest(code), peer_id, now)
    if invitation is None:
        raise Violated("INVITATION_INVALID", "code")
    if id_of(certificate) != peer_id:
        raise Violated("PEER_ID_MISMATCH", "peer_id", id_of(certificate))
    peer = NewPeer(
        peer_id,
        name[:100] or peer_id,
        invitation.region,
        invitation.kind,
        invitation.relation,
        address,
        thumbprint(certificate),
        end_time_of(certificate),
    )
    await peers.enrol(session, peer, state="waiting" if needs_confirmation else "active")
    return peer


async def confirm(session: WriteSession, peer_id: str, compared: str) -> None:
    """Lets a neighbour in that has joined and waits.

    Args:
        session: the transaction.
        peer_id: who waits.
        compared: the thumbprint its operator told, hex.

    Raises:
        Violated: PEER_UNKNOWN, PEER_NOT_WAITING or THUMBPRINT_DIFFERS.
    """
    peer = await peers.by_id(session, peer_id)
    if peer is None:
        raise Violated("PEER_UNKNOWN", "peer_id", peer_id)
    if peer.state != "waiting":
        raise Violated("PEER_NOT_WAITING", "peer_id", peer.state)
    if compared != peer.thumbprint:
        raise Violated("THUMBPRINT_DIFFERS", "thumbprint", peer.thumbprint)
    await peers.confirm(session, peer_id)


async def accept(session: WriteSession, letter: Letter, certificate: bytes, hub_region: int) -> NewPeer:
    """Enters the hub that invited us, after it has confirmed; ``certificate`` is what it showed, PEM.

    Raises:
        Violated: its name does not fit the relation.
    """
    relation = "parent" if letter.relation == "child" else "child"
    peer = NewPeer(
        letter.hub_id,
        letter.hub_name,
        region_for(letter.hub_id, relation, hub_region),
        "hub",
        relation,
        letter.address,
        letter.thumbprint,
        end_time_of(certificate),
    )
    await peers.enrol(session, peer)
    return peer


async def enter_database(
    session: WriteSession, *, peer_id: str, name: str, kind: str, relation: str, hub_region: int
) -> None:
    """Enters a partner whose database is the link to it: it is known by its link file, not by a certificate.

    Raises:
        Violated: the name does not fit the relation.
    """
    region = region_for(peer_id, relation, hub_region)
    # No certificate has a thumbprint that begins so.
    mark = f"{peers.DATABASE}{peer_id}"
    await peers.enrol(session, NewPeer(peer_id, name, region, kind, relation, peers.DATABASE, mark, _NEVER))


def expires_of(letter: Letter) -> datetime:
    """Returns the end of an invitation, aware."""
    return datetime.fromisoformat(letter.expires).astimezone(UTC)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def region_for(peer_id: str, relation: str, hub_region: int) -> int:
    """Returns the region of a neighbour's name.

    Raises:
        Violated: PLATFORM_ID_INVALID, or REGION_FORBIDDEN when it does not fit the relation.
    """
    try:
        region = region_of(peer_id)
    except ValueError:
        raise Violated("PLATFORM_ID_INVALID", "peer_id", peer_id) from None
    fits = region in subtree(hub_region) if relation == "child" else hub_region in subtree(region)
    if not fits:
        raise Violated("REGION_FORBIDDEN", "peer_id", f"{region:06d}")
    return region
