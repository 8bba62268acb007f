"""Replaying a record from quarantine: through the same check and the same log as the first time.

A record that broke a rule, or that was refused and would be taken now, enters under the hub's own stream as a new
message of the same bytes. One that a neighbour refused gets a new number on that link. Called by
``hub.quarantine``, ``hub.approvals`` and the command line.
"""

from enum import StrEnum
from hashlib import blake2b

from msgspec.structs import replace

from auth.principal import Principal
from exchange_db import inbox, links, peers, quarantine
from exchange_db.inbox import Arrival, Refusal
from exchange_db.quarantine import QuarantineRow
from exchange_db.regions import region_of
from exchange_db.session import ReadSession, WriteSession
from hub.intake.validation import ClassCheck, Gate

_STREAM = "replay"


class Replayed(StrEnum):
    """What came of the attempt."""

    REPLAYED = "replayed"
    UNKNOWN = "unknown"
    STILL_REFUSED = "still_refused"


async def replay(
    session: WriteSession,
    quarantine_id: int,
    resolved_by: str,
    hub_id: str,
    now: int,
    *,
    check_class: ClassCheck | None = None,
    translated: bytes | None = None,
) -> Replayed:
    """Puts one open record in line again; the caller commits and wakes apply and delivery.

    Args:
        session: the transaction.
        quarantine_id: number of the record.
        resolved_by: who does it.
        hub_id: name of this hub.
        now: the hub's clock, microseconds since 1970.
        check_class: looks classes up; ``None`` takes them unseen.
        translated: the record with other classes, to be taken in its place; its own bytes stay in quarantine.
    """
    row = await quarantine.find(session, quarantine_id)
    if row is None or not await quarantine.resolve(session, quarantine_id, "replayed", resolved_by):
        return Replayed.UNKNOWN
    if row.stage == "delivery":
        await links.send_again(session.driver, quarantine_id)
        return Replayed.REPLAYED
    item = Gate(await sender_of(session, row), region_of(hub_id), check_class).check(translated or row.payload, now)
    if isinstance(item, Refusal):
        await quarantine.reopen(session, quarantine_id)
        return Replayed.STILL_REFUSED
    key = blake2b(item.message_key + quarantine_id.to_bytes(8, "big"), digest_size=16).digest()
    stream = await inbox.open_stream(session, hub_id, _STREAM)
    await inbox.append(session, [Arrival(stream.stream_id, hub_id, "", 0, [replace(item, message_key=key)])], now)
    return Replayed.REPLAYED


async def sender_of(session: ReadSession, row: QuarantineRow) -> Principal:
    """Returns the neighbour a record came from, as it is registered now."""
    peer = await peers.by_id(session, row.peer_id)
    if peer is None:
        return Principal(row.peer_id, region_of(row.peer_id), "hub", "child", 0, "")
    return Principal(peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint)
