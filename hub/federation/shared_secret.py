"""Giving a platform the secret it signs its REST calls with. Called by ``sanji peers secret``."""

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from connectors.county.profile import Profile, write_profile
from exchange_db import peers, shared_secrets
from exchange_db.peers import NewPeer
from exchange_db.records import Violated
from exchange_db.session import WriteSession
from hub.federation.joining import region_for


async def give_secret(
    session: WriteSession, peer_id: str, name: str, *, hub_region: int, days: int, now: datetime
) -> tuple[str, datetime]:
    """Makes a secret for a platform and returns it with its end; an earlier one ends at once.

    A platform that is not registered yet is entered, without a certificate: what it has instead is the secret, and
    the entry ends with it. One that joined with a certificate keeps it.

    Args:
        session: the transaction.
        peer_id: name of the platform.
        name: name shown to people; empty to keep the one it has.
        hub_region: region of this hub.
        days: how long the secret holds.
        now: the hub's clock, aware.

    Raises:
        Violated: the name does not fit below this hub, or belongs to a hub.
    """
    end_time = now + timedelta(days=days)
    known = await peers.by_id(session, peer_id)
    if known is not None and known.kind != "platform":
        # Hubs speak gRPC with each other: what they pass on must arrive byte for byte.
        raise Violated("PLATFORM_ID_INVALID", "peer_id", peer_id)
    mark = f"secret/{peer_id}"
    if known is None or known.thumbprint == mark:
        region = region_for(peer_id, "child", hub_region)
        shown = name[:100] or (known.name if known else peer_id)
        await peers.enrol(session, NewPeer(peer_id, shown, region, "platform", "child", "", mark, end_time))
        if known is not None:
            # To enter somebody is to welcome them; a new secret alone ends no block.
            await peers.set_state(session, peer_id, known.state)
    secret = secrets.token_hex(32)
    await shared_secrets.keep(session, peer_id, secret, end_time)
    return secret, end_time


def write_secret_profile(folder: Path, profile: Profile, authority: str, secret: str) -> None:
    """Writes what a platform's client needs into a folder that only its owner can read.

    Args:
        folder: made when missing.
        profile: names ``authority`` and ``secret`` in that folder.
        authority: certificates of the federation's authority, PEM.
        secret: the secret.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    profile.authority.write_text(authority, encoding="ascii")
    assert profile.secret is not None  # noqa: S101 — the caller names it
    profile.secret.unlink(missing_ok=True)
    with os.fdopen(os.open(profile.secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secret + "\n")
    write_profile(folder, profile)
