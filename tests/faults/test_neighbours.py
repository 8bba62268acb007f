"""A neighbour that is dead or hangs: the others feel nothing, and after its return it catches up completely, in order.

A city delivers every case up to its province and down to the hub of the county that handles it; the county is the one
that fails.
"""

import asyncio
import random
import ssl
from collections.abc import Iterator

import pytest
from msgspec import structs

from bench.workload import ISSUER, case_of
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case
from hub.demo.staging import Stage
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1.receipt_pb2 import OUTCOME_DURABLE
from tests.support.pushing import key_of, parcel_of, push_all
from tests.support.silence import MOODS, silent
from tests.support.stages import (
    change,
    logs_of,
    proof_of,
    quick,
    rows,
    staged,
    target_of,
    until,
    until_settled,
    until_value,
)

LINK = (
    "SELECT failure_count, acked_sequence, trouble FROM links JOIN peers USING (destination_id)"
    " WHERE peer_id = '431221.hub'"
)
#: A neighbour's parcels in the order of their numbers, as they left and as they came.
LEFT = (
    "SELECT i.message_key::text FROM parcels p JOIN peers USING (destination_id)"
    " JOIN inbox i USING (partition, inbox_id) WHERE peer_id = %s ORDER BY p.sequence"
)
CAME = (
    "SELECT message_key::text FROM inbox JOIN streams USING (stream_id) WHERE sender_id = %s AND name = 'link'"
    " ORDER BY inbox_id"
)
REVISIONS = "SELECT case_no, assignment_revision FROM cases ORDER BY case_no"


class Town:
    """The city, its province, and the county that fails."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.written: list[Case] = []

    async def build(self) -> None:
        """Makes the hubs and joins them; the county stays switched off."""
        settings = quick(answer_timeout=1.0)
        self.province = await self._stage.add_hub("430000.hub", "湖南省枢纽", settings)
        self.city = await self._stage.add_hub("431200.hub", "怀化市枢纽", settings)
        self.county = await self._stage.add_hub("431221.hub", "中方县枢纽", settings)
        for hub in (self.province, self.city):
            hub.start()
            await hub.wait_until_open()
        await self._stage.join(self.province, self.city)
        await self._stage.join(self.city, self.county)
        self.platform = target_of(await self._stage.add_platform(self.city, ISSUER))

    async def write(self, count: int) -> None:
        """Pushes new cases, and a further revision of the assignment of those that were there before."""
        newest = {case.case_no: case.assignment for case in self.written if case.assignment}
        cases = [case_of(number) for number in range(len(newest), len(newest) + count)]
        for case_no, assignment in newest.items():
            later = structs.replace(assignment, revision=assignment.revision + 1, is_supervised=True)
            cases.append(Case(ISSUER, case_no, assignment=later))
        outcomes = await push_all(self.platform, "platform", [parcel_of(ISSUER, case) for case in cases])
        assert set(outcomes) == {OUTCOME_DURABLE}
        self.written += cases

    async def until_province_has_all(self) -> None:
        """Returns when the neighbour that is well has everything that was written."""
        wanted = len(self.written)
        await until_value(self.province, wanted, "SELECT count(*) FROM inbox WHERE record_kind = 1")

    async def until_trouble(self, words: str) -> None:
        """Returns when the city says this of the county, after more failures in a row than there were."""
        before = rows(self.city, LINK)[0][0]

        async def is_noticed() -> bool:
            failures, _, trouble = rows(self.city, LINK)[0]
            return failures > before and words in trouble

        try:
            await until(is_noticed, f"the words {words}")
        except AssertionError as error:
            raise AssertionError(f"{error}; {rows(self.city, LINK)}; {logs_of(self.city)}") from None


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of this test's own."""
    with staged(server) as opened:
        yield opened


#: What the city says of a neighbour that is silent from some point on.
WORDS = {
    "dead": "111",
    "tcp": "no answer",
    "tls": "no answer in time",
    "opening": "no answer in time",
    "verdict": "未及时应答",
}


async def test_a_dead_or_hanging_neighbour_costs_the_others_nothing_and_catches_up(
    stage: Stage, chance: random.Random
) -> None:
    town = Town(stage)
    await town.build()
    for mood in chance.sample(MOODS, len(MOODS)):
        async with silent(town.county, mood) as callers:
            await town.write(100)
            await town.until_province_has_all()
            await town.until_trouble(WORDS[mood])
            assert callers.count > 0
        await town.until_trouble(WORDS["dead"])
    await _restart_while_backed_off(town)
    assert rows(town.city, LINK)[0][1] == 0
    await _catch_up(town)


async def _restart_while_backed_off(town: Town) -> None:
    """A pause outlives the process: after a kill the city does not dial before its end, and still serves others."""
    change(town.city, "UPDATE links SET retry_time = now() + interval '1 hour' WHERE failure_count > 0")
    before = rows(town.city, LINK)
    town.city.kill()
    async with silent(town.county, "tcp") as callers:
        town.city.start()
        await town.city.wait_until_open()
        await town.write(100)
        await town.until_province_has_all()
        assert callers.count == 0
    assert rows(town.city, LINK) == before


async def _catch_up(town: Town) -> None:
    """The county's own sign of life ends the pause of an hour."""
    town.county.start()
    await town.county.wait_until_open()
    await until_settled(town.city, town.province, town.county)
    ways = [(town.city, town.province), (town.city, town.county)]
    proof = await proof_of(ways, town.city, town.province, town.county)
    assert proof._replace(stream_count=0, unsettled_links=0) == (0, 0, 0, 0, 0, [])
    keys = [key_of(ISSUER, case) for case in town.written]
    for hub in (town.county, town.province):
        came = [row[0] for row in rows(hub, CAME, "431200.hub")]
        assert came == [row[0] for row in rows(town.city, LEFT, hub.folder.name)][: len(came)]
        assert set(keys) <= set(came)
        assert rows(hub, REVISIONS) == rows(town.city, REVISIONS)
    assert {revision for _, revision in rows(town.city, REVISIONS)} == {1, 2, 3, 4, 5}


async def test_callers_that_hang_do_not_keep_others_waiting(stage: Stage) -> None:
    """Connections without TLS, without a call, without an opening, and streams whose answers nobody reads."""
    town = Town(stage)
    await town.build()
    host, _, port = town.city.address.rpartition(":")
    context = ssl.create_default_context(cafile=str(town.platform.authority))
    context.load_cert_chain(town.platform.certificate, town.platform.key)
    context.set_alpn_protocols(["h2"])
    writers = []
    for _ in range(40):
        writers.append((await asyncio.open_connection(host, int(port)))[1])
        name = town.platform.peer_id
        writers.append((await asyncio.open_connection(host, int(port), ssl=context, server_hostname=name))[1])
    async with GrpcPeer(town.platform) as hub:
        calls = [hub.exchange.Push() for _ in range(40)]
        for number, call in enumerate(calls[20:]):
            opening = exchange.PushOpening(stream=f"hanging-{number}", wants_receipts=number % 2 == 0)
            await call.write(exchange.PushRequest(opening=opening))
        await town.write(50)
        await town.until_province_has_all()
        for call in calls:
            call.cancel()
    for writer in writers:
        writer.transport.abort()
