"""A partner's database and the worker that picks up from it, in one process with a ledger and an intake desk."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.table_rows import rows_of
from connectors.wire import read_parcel
from exchange_db import peers
from exchange_db.intermediate import capture, schema
from exchange_db.intermediate.capture import Watched
from exchange_db.intermediate.dialect import create_table
from exchange_db.intermediate.partner import Partner
from exchange_db.link_states import neighbours
from exchange_db.peers import NewPeer
from exchange_db.records import Record
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.intake.desk import IntakeDesk
from hub.intermediate.intaking import Take
from hub.intermediate.pickup import PickupWorker
from hub.listener import Listener
from tests.support.builders import COUNTY

WATCHED = tuple(Watched(table.name, table.key) for table in schema.SHARED)
PAUSE_SECONDS = 0.1


async def make_tables(partner: Partner) -> None:
    """Makes our tables and capture in a partner's database."""
    await partner.run_script([create_table(partner.dialect, table) for table in schema.TABLES.values()])
    await capture.install(partner, WATCHED)


async def write(partner: Partner, *records: Record, **changes: Any) -> None:
    """Writes records as a partner does, row by row, every column that ``changes`` names with another value."""
    changes = {"written_time": None} | changes
    for row in (row for record in records for row in rows_of(record, 1)):
        values = [changes.get(column.name, value) for column, value in zip(row.table.columns, row.values, strict=True)]
        await partner.execute(partner.dialect.upsert(row.table.name, row.table.columns, row.table.key), values)


class Pickup:
    """What the hub has of one partner."""

    def __init__(self, ledger: Ledger, worker: PickupWorker) -> None:
        self.ledger = ledger
        self._worker = worker

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Lets the worker work until the block ends."""
        task = asyncio.create_task(self._worker.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Returns what a query on the ledger gives."""
        async with self.ledger.read() as session:
            return await (await session.driver.execute(query.encode())).fetchall()

    async def records(self) -> list[Record]:
        """Returns everything that was taken, in order."""
        found = await self.rows("SELECT payload FROM inbox ORDER BY inbox_id")
        return [read_parcel(payload).record for (payload,) in found]

    async def refusals(self) -> list[tuple[str, str, Any]]:
        """Returns what was refused: reason, field, and the rows as they were."""
        found = await self.rows("SELECT reason, field_path, payload FROM quarantine ORDER BY quarantine_id")
        return [(reason, path, json.loads(payload) if payload[:1] == b"[" else None) for reason, path, payload in found]

    async def until(self, condition: Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
        """Returns the first true answer of a condition."""
        deadline = time.monotonic() + seconds
        while not (found := await condition()):
            assert time.monotonic() < deadline, (await self.records(), await self.refusals(), await self.troubles())
            await asyncio.sleep(0.01)
        return found

    async def until_count(self, count: int) -> list[Record]:
        """Returns everything that was taken, once it is so much."""

        async def is_so() -> bool:
            return bool((await self.rows("SELECT count(*) FROM inbox"))[0][0] >= count)

        await self.until(is_so)
        found = await self.records()
        assert len(found) == count
        return found

    async def until_refused(self, count: int) -> list[tuple[str, str, Any]]:
        """Returns what was refused, once it is so much."""

        async def is_so() -> bool:
            return len(await self.refusals()) >= count

        await self.until(is_so)
        return await self.refusals()

    async def troubles(self) -> Iterable[str]:
        """Returns what is told about the links and tables."""
        async with self.ledger.read() as session:
            return [one.outgoing.last_error for one in await neighbours(session, None, datetime.now(UTC))]


@asynccontextmanager
async def pickup_of(
    ledger: Ledger,
    clock: Clock,
    folder: Path,
    url: str,
    link: str = "",
    change_take: Callable[[Take], Take] = lambda take: take,
) -> AsyncIterator[Pickup]:
    """Yields a hub that knows one partner, its worker not running yet; ``link`` is added to the link file."""
    (folder / "county.toml").write_text(f'peer = "{COUNTY}"\nname = "中方县"\nurl = "{url}"\n{link}')
    async with ledger.write() as session:
        await peers.enrol(
            session,
            NewPeer(
                COUNTY, "中方县", 431221, "platform", "child", peers.DATABASE, f"database:{COUNTY}",
                datetime(9999, 12, 31, tzinfo=UTC),
            ),
        )  # fmt: skip
    async with ledger.read() as session:
        peer = await peers.by_id(session, COUNTY)
    assert peer is not None
    desk = IntakeDesk(ledger, Listener(ledger), 431200, clock)
    writing = asyncio.create_task(desk.run())
    try:
        worker = PickupWorker(ledger, change_take(desk.hand_in), lambda _: PAUSE_SECONDS, folder, "test", peer)
        yield Pickup(ledger, worker)
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
