"""Fetching what is due to us from a hub that cannot dial us: many lower platforms can only dial out.

Parcels enter through the intake desk under the numbers of the other hub's link, so a repeat or a gap is noticed the
same way as in a push; what is on our disk is confirmed by heartbeats.
"""

import asyncio
import logging
import random
import time

import psycopg
import sqlalchemy.exc

from auth.envelope import LINK_STREAM
from auth.principal import Principal
from connectors.causes import cause_of, waited_for
from connectors.errors import ConnectorError, Unreachable
from connectors.transports.grpc_peer import GrpcPeer, sealed_of
from exchange_db import inbox, leases, links, outages, seals
from exchange_db.errors import ExchangeDbError
from exchange_db.outages import Direction
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.delivery.backoff import pause_seconds
from hub.delivery.dialling import Dialler
from hub.delivery.taking import Take
from hub.log_context import concern
from hub.patience import rest
from hub.settings import DeliverPart

logger = logging.getLogger(__name__)

#: Name under which fetched parcels are numbered here.
STREAM = "fetched"
_LEASE_SECONDS = 30.0
_FAILURES = (
    Violated,
    ConnectorError,
    ExchangeDbError,
    psycopg.OperationalError,
    sqlalchemy.exc.OperationalError,
    OSError,
    TimeoutError,
)


class Fetcher:
    """Fetches from one neighbour until cancelled."""

    def __init__(
        self,
        ledger: Ledger,
        dialler: Dialler,
        take: Take,
        clock: Clock,
        settings: DeliverPart,
        holder: str,
        peer: Peer,
    ) -> None:
        self._ledger = ledger
        self._dialler = dialler
        self._take = take
        self._clock = clock
        self._settings = settings
        self._holder = holder
        self._peer = peer
        self._lease = f"fetch/{peer.peer_id}"
        self._sender = Principal(
            peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint
        )

    async def run(self) -> None:
        """Fetches, and tries again after every failure."""
        concern(link=self._peer.peer_id)
        failures = 0
        while True:
            begun = time.monotonic()
            try:
                await self._fetch()
                failures = 0
            except _FAILURES as error:
                if not failures:
                    logger.warning("fetch %s: %s", self._peer.peer_id, error)
                await self._pause(error, failures, time.monotonic() - begun)
                failures += 1

    async def _pause(self, error: Exception, failures: int, tried_seconds: float) -> None:
        """Notes that nothing comes in, and waits; a database that does not answer is noted by nobody."""
        seconds = pause_seconds(
            failures,
            first_seconds=self._settings.backoff_first_seconds,
            cap_seconds=self._settings.backoff_cap_seconds,
            chance=random.random(),  # noqa: S311 — jitter, not a secret
        )
        destination_id, timeout = self._peer.destination_id, self._settings.answer_timeout_seconds
        try:
            async with self._ledger.dedicated() as connection:
                if isinstance(error, ConnectorError | Violated | TimeoutError):
                    waited = waited_for(error, tried_seconds, timeout)
                    await outages.begin(
                        connection.driver,
                        destination_id,
                        Direction.IN,
                        cause_of(error),
                        str(error) or "no answer in time",
                        waited_seconds=waited,
                    )
                await rest(connection.driver, destination_id, seconds)
        except (psycopg.OperationalError, OSError):
            await asyncio.sleep(seconds)

    async def _fetch(self) -> None:
        """Fetches for a while, then returns so that lease and connection are looked at again."""
        async with self._ledger.watching() as connection:
            if not await leases.claim(connection.driver, [self._lease], self._holder, _LEASE_SECONDS):
                await asyncio.sleep(_LEASE_SECONDS / 6)
                return
            stream = await inbox.open_stream(connection, self._peer.peer_id, STREAM)
            required = (await seals.policy_of(connection, self._peer.peer_id)).required
        async with GrpcPeer(self._dialler.target(self._peer)) as neighbour:
            await self._beat(neighbour, stream.last_sequence)
            after = stream.last_sequence
            try:
                async with asyncio.timeout(_LEASE_SECONDS / 2):
                    async for response in neighbour.pull(
                        after, batch_size=self._settings.batch_size, signature_algorithms=required
                    ):
                        batch = response.batch
                        receipt = await self._take(
                            self._sender,
                            stream.stream_id,
                            batch.first_sequence,
                            list(batch.parcels),
                            sealed_of(LINK_STREAM, batch),
                        )
                        if receipt.answer.is_blocked or "O" in receipt.answer.outcomes:
                            raise Unreachable("the neighbour is blocked here or its numbers do not follow")
                        after = receipt.answer.next_sequence - 1
            except TimeoutError:
                pass
            await self._beat(neighbour, after)

    async def _beat(self, neighbour: GrpcPeer, confirmed: int) -> None:
        await neighbour.beat(
            self._clock(), confirmed_sequence=confirmed, timeout_seconds=self._settings.answer_timeout_seconds
        )
        async with self._ledger.watching() as connection:
            await links.note_success(connection.driver, self._peer.destination_id, Direction.IN)
