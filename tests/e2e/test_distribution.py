"""Tables can be spread over servers by region: every key and every hot statement carries the distribution column.

What the statements are is not written down here: two hubs run in this process, a case goes through intake, apply and
delivery, by push and by pull, and every statement that is sent meanwhile is looked at.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import UniqueConstraint

from bench.workload import HANDLER, ISSUER, case_of
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case
from exchange_db.tables import METADATA
from exchange_db.tables.distribution import calls, distributed
from hub.bootstrap import Hub
from hub.clock import system_clock
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import a_handling
from tests.support.pushing import first_pulled, parcel_of, push_all
from tests.support.stages import quick, staged, target_of, until_settled
from tests.support.statements import crossing_in, loose_in, noted

#: What stands in the way of distributing by hand, as docs/sizing.md says: the order of a stream is kept by stream, and
#: whether a message was ever seen by message.
LOOSE_KEYS = {"inbox_keys (stream_id, sequence)"}
LOOSE_TABLES = {"inbox_keys"}
#: Statements that read rows of two servers: the bytes of a parcel lie in the log, by case, and its number by neighbour.
CROSSINGS = {frozenset({"inbox", name}) for name in ("inbox_keys", "outbox", "parcels")}


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of this test's own."""
    with staged(server) as opened:
        yield opened


@asynccontextmanager
async def _running(staged_hub: StagedHub) -> AsyncIterator[None]:
    """Runs a hub in this process, with the roles that carry records."""
    hub, stop = Hub(staged_hub.settings, system_clock, ("intake", "apply", "deliver")), asyncio.Event()
    running = asyncio.create_task(hub.run(stop))
    ready = asyncio.create_task(hub.is_ready.wait())
    await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        ready.cancel()
        stop.set()
        await running


async def _statements(stage: Stage) -> set[str]:
    """Returns what is sent while cases go up by push, down by pull, are answered, repeated and put aside."""
    province = await stage.add_hub("430000.hub", "湖南省枢纽", quick())
    city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
    async with _running(province):
        await stage.join(province, city)
        async with _running(city):
            issuer, handler = [target_of(await stage.add_platform(city, name)) for name in (ISSUER, HANDLER)]
            cases = [case_of(number) for number in range(20)]
            answers = [Case(case.issuer_id, case.case_no, handling=a_handling()) for case in cases]
            # The last answers a case that nobody was given: it is put aside when it is applied.
            answers.append(Case(ISSUER, "unknown", handling=a_handling()))
            with noted() as seen:
                reports = [parcel_of(ISSUER, case) for case in cases]
                await push_all(issuer, "platform", [*reports, b"no parcel"])
                await push_all(issuer, "again", reports)
                await until_settled(city, province)
                async with GrpcPeer(handler) as hub:
                    assert (await first_pulled(hub, 0)).batch.parcels
                await push_all(handler, "platform", [parcel_of(HANDLER, answer) for answer in answers])
                await until_settled(city, province)
            return set(seen)


def test_every_unique_key_carries_the_distribution_column() -> None:
    loose = set()
    for name, column in distributed().items():
        table = METADATA.tables[name]
        assert not table.c[column].nullable, name
        keys = [index.columns for index in table.indexes if index.unique]
        keys += [item.columns for item in table.constraints if isinstance(item, UniqueConstraint)]
        keys += [table.primary_key.columns] if table.primary_key.columns else []
        loose |= {f"{name} ({', '.join(key.keys())})" for key in keys if column not in key}
    assert loose == LOOSE_KEYS


def test_the_calls_name_every_table_once() -> None:
    lines = calls().splitlines()
    assert sorted(line.split("'")[1] for line in lines) == sorted(METADATA.tables)
    assert any("create_distributed_table('cases', 'home_region'" in line for line in lines)


async def test_every_hot_statement_names_the_distribution_column(stage: Stage) -> None:
    columns, seen = distributed(), await _statements(stage)
    loose = {(table, statement) for statement in seen for table in loose_in(statement, columns)}
    assert {table for table, _ in loose} == LOOSE_TABLES, loose
    assert all("k.stream_id = s.stream_id" in statement for _, statement in loose), loose
    crossing = {frozenset(found) for statement in seen if (found := crossing_in(statement, columns))}
    assert crossing == CROSSINGS
    # The run was a whole one: what writes state, log and numbers was among it.
    reached = " ".join(seen)
    for words in ("COPY cases", "UPDATE cases", "COPY inbox ", "COPY inbox_keys", "COPY outbox", "INTO parcels"):
        assert words in reached, words
