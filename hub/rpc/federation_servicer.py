"""FederationService: how neighbours meet."""

import asyncio
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auth.permissions import visible_regions
from connectors.transports.channel import MAX_MESSAGE_BYTES
from connectors.transports.hello_calls import CONTRACTS
from connectors.transports.introducing import CANARY
from exchange_db import canaries, link_states, links, peers, wakeups
from exchange_db.audit_records import Value
from exchange_db.records import Violated
from exchange_db.regions import format_region, tier_of
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.federation import joining
from hub.federation.signing_cards import MAX_CARDS, register
from hub.intake.streams import MAX_BATCH
from hub.recording import recorded
from hub.rpc.answers import microseconds
from hub.rpc.calls import caller, principal_of
from protos.federation.v1 import federation_service_pb2 as federation
from protos.federation.v1 import federation_service_pb2_grpc as federation_grpc

CAPABILITIES = (
    CANARY,
    "record:case",
    "record:component",
    "record:evaluation",
    "record:document",
    "record:figure_sheet",
    "reconcile:days",
    "standards:releases",
    "way:pull",
    "way:push",
    "way:push_one",
)


class FederationServicer(federation_grpc.FederationServiceServicer):
    """Serves the federation contract."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        hub_id: str,
        hub_name: str,
        hub_region: int,
        authority: Path,
        *,
        needs_confirmation: bool,
    ) -> None:
        self._authority = authority
        self._needs_confirmation = needs_confirmation
        self._ledger = ledger
        self._clock = clock
        self._hub_id = hub_id
        self._hub_name = hub_name
        self._hub_region = hub_region

    async def Hello(self, request: federation.HelloRequest, context: Any) -> federation.HelloResponse:
        """Exchanges contract versions and abilities; notes whether the caller knows canaries."""
        principal = principal_of(context)
        if request.peer_id != principal.peer_id:
            raise Violated("PEER_ID_MISMATCH", "peer_id", principal.peer_id)
        async with self._ledger.write() as session:
            await peers.note_hello(session, principal.destination_id, request.contracts, "")
            if request.capabilities:
                await canaries.note_able(session, principal.peer_id, is_able=CANARY in request.capabilities)
        return federation.HelloResponse(
            hub_id=self._hub_id,
            tier=tier_of(self._hub_region),
            region_code=format_region(self._hub_region),
            contracts=[name for name in CONTRACTS if name in request.contracts],
            capabilities=CAPABILITIES,
            version=version("sanji"),
            hub_time=self._clock(),
            max_message_bytes=MAX_MESSAGE_BYTES,
            max_batch_parcels=MAX_BATCH,
        )

    async def Heartbeat(self, request: federation.HeartbeatRequest, context: Any) -> federation.HeartbeatResponse:
        """Takes a sign of life, which also ends our own back-off towards the caller."""
        destination_id = principal_of(context).destination_id
        now = self._clock()
        async with self._ledger.write() as session:
            skew = (request.sender_time - now) // 1_000 if request.sender_time else None
            was_backed_off = await peers.note_contact(session, destination_id, skew, max(0, request.waiting_count))
            if request.confirmed_sequence:
                await links.confirm(session.driver, destination_id, request.confirmed_sequence)
            waiting = await peers.waiting_count(session, destination_id)
        if was_backed_off:
            async with self._ledger.watching() as connection:
                await wakeups.wake(connection.driver, wakeups.OUTBOX)
        return federation.HeartbeatResponse(hub_time=now, waiting_count=waiting)

    async def ListPeers(self, request: federation.ListPeersRequest, context: Any) -> federation.ListPeersResponse:
        """Gives the neighbours inside the caller's rights."""
        visible = visible_regions(principal_of(context), self._hub_region)
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        async with self._ledger.read() as session:
            found = await link_states.neighbours(session, visible, now)
        return federation.ListPeersResponse(
            peers=[
                federation.Peer(
                    peer_id=one.peer.peer_id,
                    name=one.peer.name,
                    tier=tier_of(one.peer.region),
                    region_code=format_region(one.peer.region),
                    relation=one.peer.relation,
                    state=one.peer.state,
                    last_contact_time=microseconds(one.outgoing.last_success_time),
                    waiting_count=one.outgoing.lag_records,
                    trouble=one.worse.last_error,
                )
                for one in found
            ]
        )

    async def Join(self, request: federation.JoinRequest, context: Any) -> federation.JoinResponse:
        """Redeems an invitation and pins the caller's certificate."""
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        about: dict[str, Value] = {"address": request.address, "thumbprint": caller().thumbprint}
        async with recorded(self._ledger, "peer.enrol", request.peer_id, detail=about) as act:
            await joining.redeem(
                act.session,
                code=request.code,
                peer_id=request.peer_id,
                name=request.name,
                address=request.address,
                certificate=caller().certificate,
                now=now,
                needs_confirmation=self._needs_confirmation,
            )
            cards = request.signing_cards[:MAX_CARDS]
            await register(act.session, cards, request.peer_id, await asyncio.to_thread(self._authority.read_bytes))
        async with self._ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.PEERS)
        return federation.JoinResponse(
            hub_id=self._hub_id,
            name=self._hub_name,
            tier=tier_of(self._hub_region),
            region_code=format_region(self._hub_region),
            is_waiting=self._needs_confirmation,
        )
