"""Canaries at a platform: it says that it knows them, and answers each by the way its own records take."""

import time
from contextlib import suppress

from connectors.canary_wire import message_id_of_canary
from connectors.county.spool import Item
from connectors.errors import CallRefused
from connectors.transports.grpc_peer import GrpcPeer
from connectors.transports.introducing import introduce
from connectors.transports.rest import RestPeer
from connectors.wire import read_parcel, write_parcel
from exchange_db.canary_records import CanaryRecord
from exchange_db.records import Violated


async def offer_answers(hub: GrpcPeer | RestPeer, platform_id: str) -> None:
    """Tells a hub, before anything is fetched, that its canaries are answered here. By REST there is no such call.

    Raises:
        Unreachable, CredentialsRefused: see there.
    """
    if isinstance(hub, GrpcPeer):
        # A hub that does not take the greeting sends no canaries.
        with suppress(CallRefused):
            await introduce(hub, platform_id)


def answer_to(payload: bytes, platform_id: str) -> list[Item]:
    """Returns the answer to a canary that was fetched, ready for the spool; nothing for every other record."""
    try:
        canary = read_parcel(payload).record
    except Violated:
        return []
    if not isinstance(canary, CanaryRecord) or canary.answered_time or canary.receiver_id != platform_id:
        return []
    now = time.time_ns() // 1_000
    answer = CanaryRecord(canary.sender_id, platform_id, canary.sent_time, now)
    message_id = message_id_of_canary(answer)
    # Without a case number: nobody reported it, so nobody is told what became of it.
    return [Item(str(message_id), "", write_parcel(message_id, platform_id, now, answer))]
