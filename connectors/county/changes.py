"""Carries out what an ownership round came to: asks the hub for the agreed changes and sends them as the keeper.

Called by ``sanji components round carry-out``.
"""

from pathlib import Path

from connectors.component_wire import read_component
from connectors.county.client import CountyClient
from connectors.county.profile import Profile
from connectors.county.pusher import target_of
from connectors.transports.grpc_peer import GrpcPeer, asked
from exchange_db.records import Component
from protos.component.v1 import ownership_service_pb2 as ownership

_ASK_SECONDS = 30.0


async def carry_out(profile: Profile, spool: Path, round_id: str) -> int:
    """Sends the agreed changes of a round until there are none left, each settled; returns how many.

    The same change is the same message, so a run that was cut off is simply begun again.

    Args:
        profile: who keeps the components, and its hub.
        spool: file for what is not sent yet; it belongs to this alone.
        round_id: the round.

    Raises:
        Unreachable, CredentialsRefused, CallRefused: the hub does not answer, or does not want us.
        SpoolInvalid: the spool cannot be used.
        Violated: the hub gave a record that does not keep the contract.
    """
    count = 0
    seen: set[tuple[str, int]] = set()
    async with CountyClient(profile, spool) as client:
        while True:
            changes = await _agreed(profile, round_id)
            # What is named again although it was settled did not take effect; asking for ever would not help.
            fresh = [one for one in changes if (one.component_id, one.revision) not in seen]
            if not fresh:
                return count
            await client.report(*fresh)
            await client.flush(is_settled=True)
            seen |= {(one.component_id, one.revision) for one in fresh}
            count += len(fresh)


async def _agreed(profile: Profile, round_id: str) -> list[Component]:
    async with GrpcPeer(target_of(profile)) as hub:
        request = ownership.ListAgreedChangesRequest(round_id=round_id)
        answer = await asked(hub.ownership.ListAgreedChanges(request, timeout=_ASK_SECONDS))
    return [read_component(message) for message in answer.components]
