"""A storm of rows in a partner's database, for tests that break something meanwhile.

Writers insert, change, delete and insert again, roll back and keep transactions open, each on rows of its own; the
city's platform sends cases that belong into the same database. At the end the two sides are compared: what is
committed at the partner is the newest the hub has, every row has its receipt, and what the hub gave out is there.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import psycopg

from bench.workload import ISSUER, new_payload
from connectors.reconciliation import Cause
from connectors.table_rows import TableRow, rows_of
from connectors.wire import read_parcel
from exchange_db import peers
from exchange_db.intermediate.partner import Partner, PartnerError, PartnerUnreachable, Row, open_partner
from exchange_db.peers import NewPeer
from exchange_db.records import Component, Record, ReportState
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.demo.staging import Stage
from hub.intermediate.balancing import Balance
from hub.intermediate.link_files import find_link
from tests.support.builders import COUNTY, a_case, a_component, a_report
from tests.support.pickups import make_tables
from tests.support.pushing import Pusher
from tests.support.stages import logs_of, quick, rows, target_of, until, until_settled, value

WRITERS = 4
#: Rows of each table that a writer has for its own.
_OWN_ROWS = 25
NEW_CASES = 20


#: Everything the partner's rows became, in order; a number without payload and reason was known already.
_TAKEN = (
    "SELECT r.table_name, r.row_key, i.payload, q.reason FROM pickup_rows r"
    " LEFT JOIN inbox_keys k ON k.stream_id = r.stream_id AND k.sequence = r.sequence"
    " LEFT JOIN inbox i ON i.partition = k.partition AND i.inbox_id = k.inbox_id"
    " LEFT JOIN quarantine q ON q.stream_id = r.stream_id AND q.sequence = r.sequence AND q.stage = 'intake'"
    " ORDER BY r.sequence"
)


class _ChangedMind(Exception):
    """A writer rolls back."""


class RowStorm:
    """Writes rows at a partner and holds the hub to them.

    Args:
        stage: the stage, open.
        chance: decides everything.
        address: URL of the partner's database, for its writers.
    """

    def __init__(self, stage: Stage, chance: random.Random, address: str) -> None:
        self._stage = stage
        self._chance = chance
        self._address = address
        self._texts = 0
        self._cases = 0
        self.committed: Counter[str] = Counter()
        #: What was done, for a failure's message.
        self.mishaps: list[str] = []

    async def build(self, link_address: str = "") -> None:
        """Makes tables and capture at the partner, and a hub that knows it, by another way if one is given."""
        async with open_partner(self._address) as partner:
            await make_tables(partner)
        self.hub = await self._stage.add_hub("431200.hub", "怀化市枢纽", f'{quick()}\n[intermediate]\nfolder = "."\n')
        (self.hub.folder / "county.toml").write_text(
            f'peer = "{COUNTY}"\nname = "中方县"\nurl = "{link_address or self._address}"\n', encoding="utf-8"
        )
        end_time = datetime(9999, 12, 31, tzinfo=UTC)
        async with Ledger(self.hub.url, pool_size=0) as ledger, ledger.write() as session:
            new = (COUNTY, "中方县", 431221, "platform", "child", peers.DATABASE, f"database:{COUNTY}", end_time)
            await peers.enrol(session, NewPeer(*new))
        self.hub.start()
        await self.hub.wait_until_open()
        self.pusher = Pusher(target_of(await self._stage.add_platform(self.hub, ISSUER)), batch=7)

    async def lay_out(self, *roles: str) -> None:
        """Lets the hub run as these processes."""
        await asyncio.to_thread(self.hub.stop)
        for role in roles:
            self.hub.start(role)
        await self.hub.wait_until_open()

    @asynccontextmanager
    async def blowing(self) -> AsyncIterator[None]:
        """Lets writers and the city's platform work until the block ends."""
        pushing = asyncio.create_task(self.pusher.run())
        writing = [asyncio.create_task(self._write(number)) for number in range(WRITERS)]
        try:
            yield
            await self._end(writing)
            await until(self._is_pushed, "acknowledgement of all cases")
        finally:
            await self._end([pushing, *writing])

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _is_pushed(self) -> bool:
        return self.pusher.answered == len(self.pusher.payloads)

    def give(self) -> None:
        """Lets the city's platform report some cases that the partner is to handle."""
        first, self._cases = self._cases, self._cases + NEW_CASES
        self.pusher.write([new_payload(number) for number in range(first, self._cases)])

    async def _write(self, writer: int) -> None:
        chance = random.Random(self._chance.random())
        while True:
            try:
                async with open_partner(self._address) as partner:
                    while True:
                        await self._transact(partner, chance, writer)
                        await asyncio.sleep(chance.random() * 0.05)
            except PartnerError:
                self.committed["broken"] += 1
                await asyncio.sleep(0.1)

    async def _transact(self, partner: Partner, chance: random.Random, writer: int) -> None:
        with suppress(_ChangedMind):
            async with partner.transaction():
                for _ in range(chance.randrange(1, 6)):
                    await self.change(partner, chance, writer)
                if chance.random() < 0.1:
                    await asyncio.sleep(chance.random())
                if chance.random() < 0.15:
                    raise _ChangedMind
            self.committed["kept"] += 1

    async def change(self, partner: Partner, chance: random.Random, writer: int) -> None:
        """Writes or deletes one of a writer's rows."""
        self._texts += 1
        number = writer * 1_000 + chance.randrange(_OWN_ROWS)
        row = _row(number, f"第{self._texts}次", is_case=chance.random() < 0.4)
        if chance.random() < 0.3:
            await _delete(partner, row)
        else:
            await partner.execute(partner.dialect.upsert(row.table.name, row.table.columns, row.table.key), row.values)

    async def write_until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Writes transactions of one row, one after the other, until it comes true."""
        async with open_partner(self._address) as partner:
            while not await condition():
                await self.change(partner, self._chance, 0)

    async def settle(self) -> None:
        """Returns when everything written has come to the other side and was answered.

        Raises:
            AssertionError: it has not in a minute.
        """
        async with open_partner(self._address) as partner:
            for _ in range(2):
                await self._follow_a_row(partner)
            await until_settled(self.hub)
            await self._until(lambda: self._is_answered(partner), "a receipt for every row")
            # Idle readers take away what is read.
            await self._until(lambda: _is_empty(partner, "x_change_log"), "an empty key log")

    async def _until(self, condition: Callable[[], Awaitable[Any]], what: str) -> None:
        async def is_so() -> bool:
            with suppress(PartnerUnreachable):
                return bool(await condition())
            return False

        try:
            await until(is_so, what)
        except AssertionError as error:
            states = rows(self.hub, "SELECT trouble, last_sequence, acked_sequence FROM links")
            raise AssertionError(f"{error}; {self.mishaps}; {states}; {logs_of(self.hub)}") from None

    async def _follow_a_row(self, partner: Partner) -> None:
        """Writes a row behind all others and waits for it at the hub."""
        self._texts += 1
        text = f"末{self._texts}"
        row = _row(999_999, text, is_case=False)
        await partner.execute(partner.dialect.upsert(row.table.name, row.table.columns, row.table.key), row.values)

        async def has_come() -> bool:
            return text in self._taken()[1].get(row.table.name, {}).values()

        await self._until(has_come, f"{text} at the hub")

    def _taken(self) -> tuple[list[str], dict[str, dict[str, str]]]:
        """Returns what was taken twice in a row, and the newest text of each row by table."""
        twice: list[str] = []
        newest: dict[str, dict[str, str]] = {"x_component": {}, "x_case": {}}
        held: dict[tuple[str, str], str] = {}
        for table, row_key, payload, reason in rows(self.hub, _TAKEN):
            if reason == "TABLE_EMPTIED":
                held = {one: text for one, text in held.items() if one[0] != table}
                continue
            key = json.loads(row_key)[-1]
            if reason is not None:
                held.pop((table, key), None)
                continue
            text = _text_of(read_parcel(payload).record) if payload else held.get((table, key), "")
            if held.get((table, key)) == text:
                twice.append(f"{table} {key} {text}")
            held[table, key] = newest[table][key] = text
        return twice, newest

    async def _is_answered(self, partner: Partner) -> bool:
        known = rows(self.hub, "SELECT sequence, table_name, row_key FROM pickup_rows")
        told = await partner.fetch(
            "SELECT receipt_id, table_name, row_key FROM x_receipt WHERE settled_time IS NOT NULL"
        )
        return set(known) == set(told)

    @asynccontextmanager
    async def comparing(self) -> AsyncIterator[None]:
        """Compares both sides again and again until the block ends; what is under way may differ."""
        task = asyncio.create_task(self._compare_again())
        try:
            yield
        finally:
            await self._end([task])

    async def _compare_again(self) -> None:
        while True:
            try:
                await self.compare()
                self.committed["compared"] += 1
            except (PartnerError, psycopg.OperationalError, OSError):
                self.committed["not compared"] += 1
            await asyncio.sleep(0.5)

    async def compare(self) -> list[str]:
        """Compares all tables as the hub's job does; returns what differs and what could not be compared."""
        link = find_link(self.hub.folder, COUNTY)
        async with Ledger(self.hub.url, pool_size=0) as ledger, ledger.dedicated() as connection:
            async with ledger.read() as session:
                peer = await peers.by_id(session, COUNTY)
            assert peer is not None
            balance = Balance(ledger, connection, system_clock, 431200, peer, link)
            tables, troubles = await balance.run(is_full=True)
        return troubles + [f"{one.place} {one.cause}" for table in tables for one in table.found]

    async def prove_balanced(self) -> None:
        """Compares both sides: rows that were deleted meanwhile are told once, and then nothing differs."""
        assert [told for told in await self.compare() if not told.endswith(Cause.ROW_DELETED)] == [], self.mishaps
        assert await self.compare() == [], self.mishaps

    async def rows_there(self) -> frozenset[str]:
        """Returns keys of the partner's rows."""
        async with open_partner(self._address) as partner:
            found = await partner.fetch(
                "SELECT component_id FROM x_component UNION ALL SELECT case_no FROM x_case WHERE issuer_id = %s",
                (COUNTY,),
            )
        return frozenset(key for (key,) in found)

    async def prove(self, lost: frozenset[str] = frozenset()) -> None:
        """Holds the two sides to each other; ``lost`` are keys of rows that the partner itself has lost."""
        async with open_partner(self._address) as partner:
            there: dict[str, dict[str, str]] = {
                "x_component": dict(await partner.fetch("SELECT component_id, name FROM x_component")),
                "x_case": dict(
                    await partner.fetch("SELECT case_no, description FROM x_case WHERE issuer_id = %s", (COUNTY,))
                ),
            }
            await self._prove_taken(there, lost)
            await self._prove_answered(partner, there)
            await self._prove_given(partner)

    async def _prove_taken(self, there: dict[str, dict[str, str]], lost: frozenset[str]) -> None:
        twice, newest = self._taken()
        assert twice == [], (twice, self.mishaps)
        for table, texts in there.items():
            here = {key: text for key, text in newest[table].items() if key in texts}
            assert here == texts, (table, self.mishaps)
        refused = rows(self.hub, "SELECT reason, convert_from(payload, 'UTF8') FROM quarantine")
        assert {reason for reason, _ in refused} <= {"ROW_DELETED", "TABLE_EMPTIED"}, (refused, self.mishaps)
        images = "".join(payload for _, payload in refused)
        if not any(reason == "TABLE_EMPTIED" for reason, _ in refused):
            for table, texts in newest.items():
                untold = [key for key in texts if key not in there[table] and key not in lost and key not in images]
                assert untold == [], (table, untold, self.mishaps)

    async def _prove_answered(self, partner: Partner, there: dict[str, dict[str, str]]) -> None:
        numbers = rows(self.hub, "SELECT DISTINCT sequence FROM pickup_rows ORDER BY 1")
        last = value(self.hub, "SELECT last_sequence FROM streams WHERE sender_id = %s AND name = 'database'", COUNTY)
        assert [number for (number,) in numbers] == list(range(1, last + 1))
        states = await partner.fetch("SELECT table_name, row_key, state FROM x_receipt ORDER BY receipt_id")
        newest = {(table, key): state for table, key, state in states}
        for table, texts in there.items():
            answered = {key for (name, key), state in newest.items() if name == table and state == "applied"}
            missing = [key for key in texts if not any(f'"{key}"' in one for one in answered)]
            assert missing == [], (table, missing, newest, self.mishaps)

    async def _prove_given(self, partner: Partner) -> None:
        for table in ("x_case", "x_assignment"):
            found = await partner.fetch(f"SELECT count(*) FROM {table} WHERE issuer_id = %s", (ISSUER,))
            assert found == [(self._cases,)], (table, self.mishaps)
        query = "SELECT last_sequence FROM links JOIN peers USING (destination_id) WHERE peer_id = %s"
        last = value(self.hub, query, COUNTY)
        assert await partner.fetch("SELECT delivered_sequence FROM x_link") == [(last,)]
        assert self.pusher.refusals == []
        assert self.pusher.taken_back == []


async def _is_empty(partner: Partner, table: str) -> bool:
    return not await partner.fetch(f"SELECT 1 FROM {table} LIMIT 1")


def _row(number: int, text: str, *, is_case: bool) -> TableRow:
    record: Record = (
        a_case(f"Z{number}", report=a_report(state=ReportState.FILED, description=text))
        if is_case
        else a_component(number, name=text)
    )
    (row,) = rows_of(record, 1)
    # Counted by the hub, and written by the partner.
    left_empty = {"revision", "written_time"}
    pairs = zip(row.table.names, row.values, strict=True)
    return row._replace(values=tuple(None if name in left_empty else held for name, held in pairs))


async def _delete(partner: Partner, row: TableRow) -> None:
    quoted = partner.dialect.quoted
    where = " AND ".join(f"{quoted(name)} = %s" for name in row.table.key)
    values: Row = row.values[: len(row.table.key)]
    await partner.execute(f"DELETE FROM {quoted(row.table.name)} WHERE {where}", values)


def _text_of(record: Record) -> str:
    if isinstance(record, Component):
        return record.name
    assert record.report is not None  # type: ignore[union-attr]
    return record.report.description  # type: ignore[union-attr]
