"""The apply workers: lanes that share the 64 partitions, each on its own connection.

A lane holds leases on its share (renewed every second, taken over after ``LEASE_SECONDS``), applies what waits there,
and sleeps until somebody appends. Two lanes in one process overlap: while one waits for the database, the other
decodes and folds. Leases only avoid double work; the compare-and-set on the cursors makes effects happen once.
"""

import asyncio
import logging
import time
import uuid
from contextlib import suppress

import psycopg
import sqlalchemy.exc
from msgspec.structs import replace

from exchange_db import cases, inbox, leases, peers, wakeups
from exchange_db.errors import LeaseLost
from exchange_db.keys import PARTITION_COUNT
from exchange_db.records import Violated
from exchange_db.session import Dedicated, Ledger
from hub.apply.routing import Router
from hub.apply.run import ApplyRules, Decoded, Neighbourhood, apply_run, decode
from hub.listener import Listener
from hub.telemetry.steps import current_steps

logger = logging.getLogger(__name__)

LEASE_SECONDS = 5.0
_RENEW_SECONDS = 1.0
_POLL_SECONDS = 1.0
_NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError)
_RETRIES = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.UniqueViolation)


class ApplyLane:
    """One lane.

    Args:
        ledger: the hub's database.
        listener: wake-ups of this process.
        name: name of the lane, the same after a restart of its process.
        rules: how cases are judged and counted.
        run_size: records in one transaction, about.
        hub_id: name of this hub.
    """

    def __init__(
        self, ledger: Ledger, listener: Listener, name: str, rules: ApplyRules, run_size: int, hub_id: str
    ) -> None:
        self._hub_id = hub_id
        self._ledger = ledger
        self._listener = listener
        self._name = name
        self._rules = rules
        self._run_size = run_size
        self._cursors: dict[int, int] = {}
        self._senders: dict[int, str] = {}
        self._router = Router(())
        self._peers_version = -1
        self._renew_at = 0.0
        self._steps = current_steps()

    async def run(self) -> None:
        """Applies until cancelled; then gives its leases back."""
        while True:
            try:
                async with self._ledger.dedicated() as connection:
                    await cases.prepare(connection.driver)
                    self._cursors, self._renew_at = {}, 0.0
                    try:
                        while True:
                            await self._step(connection)
                    finally:
                        await asyncio.shield(self._release())
            except _NO_DATABASE as error:
                logger.warning("apply %s: database does not answer: %s", self._name, error)
                await asyncio.sleep(0.5)

    async def _step(self, connection: Dedicated) -> None:
        await self._renew(connection)
        seen = self._listener.version(wakeups.INBOX)
        if not await self._apply_next(connection):
            await self._listener.wait(wakeups.INBOX, seen, _POLL_SECONDS)

    async def _apply_next(self, connection: Dedicated) -> bool:
        """Applies what waits; tells whether there may be more of it."""
        if not self._cursors:
            return False
        limit = max(1, self._run_size // len(self._cursors))
        rows = await inbox.fetch_runs(connection, self._cursors, limit)
        if not rows:
            return False
        begin = time.time_ns() if self._steps is not None else 0
        neighbourhood = await self._neighbourhood(connection, {row.stream_id for row in rows})
        try:
            decoded = await decode(connection, rows)
            await self._apply(connection, decoded, neighbourhood)
        except (LeaseLost, *_RETRIES) as error:
            logger.info("apply %s: run given up and read again: %s", self._name, error)
            self._cursors, self._renew_at = {}, 0.0
            return True
        self._listener.tell(wakeups.OUTBOX, wakeups.SETTLED)
        if self._steps is not None:
            self._steps.applied((await inbox.payloads(connection, rows)).values(), begin)
        return len(rows) >= limit

    async def _apply(self, connection: Dedicated, decoded: list[Decoded], neighbourhood: Neighbourhood) -> None:
        """Applies a run; if a record breaks it in a way nobody foresaw, finds that record and puts it aside."""
        try:
            async with connection.transaction() as session:
                moved = await apply_run(session, decoded, self._cursors, neighbourhood, self._rules)
        except (LeaseLost, psycopg.OperationalError, *_RETRIES):
            raise
        except Exception:
            if len(decoded) > 1:
                logger.warning("apply %s: a run of %s broke, looking for the record", self._name, len(decoded))
                middle = len(decoded) // 2
                await self._apply(connection, decoded[:middle], neighbourhood)
                await self._apply(connection, decoded[middle:], neighbourhood)
                return
            number = uuid.uuid4().hex[:12]
            logger.exception("apply %s: a record broke it, log number %s", self._name, number)
            spoilt = [replace(decoded[0], record=Violated("INTERNAL", value=number))]
            async with connection.transaction() as session:
                moved = await apply_run(session, spoilt, self._cursors, neighbourhood, self._rules)
        self._cursors |= moved

    async def _neighbourhood(self, connection: Dedicated, stream_ids: set[int]) -> Neighbourhood:
        version = self._listener.version(wakeups.PEERS)
        if version != self._peers_version:
            async with self._ledger.read() as reading:
                self._router = Router(tuple(await peers.all_peers(reading)), self._hub_id)
            self._peers_version = version
        unknown = stream_ids - self._senders.keys()
        if unknown:
            cursor = await connection.driver.execute(
                "SELECT stream_id, sender_id FROM streams WHERE stream_id = ANY(%s)", (list(unknown),)
            )
            self._senders.update(await cursor.fetchall())
        return Neighbourhood(self._router, self._senders)

    async def _renew(self, connection: Dedicated) -> None:
        """Keeps this lane's share: partition p belongs to the live lane of rank p modulo their number."""
        now = time.monotonic()
        if now < self._renew_at:
            return
        self._renew_at = now + _RENEW_SECONDS
        driver = connection.driver
        await leases.claim(driver, [f"lane/{self._name}"], self._name, LEASE_SECONDS)
        lanes = sorted((await leases.holders(driver, "lane/")).values())
        rank = lanes.index(self._name)
        share = {partition for partition in range(PARTITION_COUNT) if partition % len(lanes) == rank}
        surplus = [f"apply/{partition}" for partition in self._cursors.keys() - share]
        if surplus:
            await leases.release(driver, surplus, self._name)
        held = await leases.claim(driver, [f"apply/{partition}" for partition in share], self._name, LEASE_SECONDS)
        partitions = {int(name.partition("/")[2]) for name in held}
        fresh = partitions - self._cursors.keys()
        self._cursors = {partition: at for partition, at in self._cursors.items() if partition in partitions}
        if fresh:
            cursor = await driver.execute(
                "SELECT partition, cursor_id FROM partitions WHERE partition = ANY(%s)", (list(fresh),)
            )
            self._cursors.update(await cursor.fetchall())
        if len(partitions) < len(share):
            self._renew_at = now + _RENEW_SECONDS / 4

    async def _release(self) -> None:
        """Gives the leases back, on another connection: this one may be in the middle of a statement."""
        names = [f"apply/{partition}" for partition in range(PARTITION_COUNT)] + [f"lane/{self._name}"]
        with suppress(psycopg.OperationalError, OSError):
            async with self._ledger.dedicated() as connection:
                await leases.release(connection.driver, names, self._name)
