"""A partner's database as the link, and everything around it breaking: both sides end up equal, every row answered.

Writers and a hub work all the while; in each round something is killed, cut off, emptied or installed again.
``make faults ROUNDS=200`` for more rounds; SANJI_FAULT_SEED replays a run's chance.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator

import pytest

from exchange_db.embedded import EmbeddedServer
from exchange_db.intermediate import capture
from exchange_db.intermediate.partner import PartnerError, open_partner
from hub.demo.mariadb import MARIADBD, mariadb_server
from hub.demo.staging import Stage
from tests.support.outages import SmallDisk, breakable, make_tablespace, small_disk
from tests.support.partner_servers import Killable, PartnerMariadb, PartnerPostgresql
from tests.support.pickups import WATCHED
from tests.support.row_storms import RowStorm
from tests.support.stages import change, staged
from tests.support.valve import Valve, valve_before

ROUNDS = int(os.environ.get("SANJI_FAULT_ROUNDS") or "8")
#: The hub runs as one process in the first half of the rounds, and as these in the second.
ROLES = ("intake,schedule", "apply", "deliver")
_EVERYTHING = 1 << 50
_TRUNCATE = "TRUNCATE x_component"


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of this test's own."""
    with staged(server) as opened:
        yield opened


@pytest.fixture
def postgresql() -> Iterator[PartnerPostgresql]:
    """A partner's PostgreSQL."""
    with breakable(PartnerPostgresql) as running:
        assert isinstance(running, PartnerPostgresql)
        yield running


@pytest.fixture
def mariadb() -> Iterator[PartnerMariadb]:
    """A partner's MariaDB."""
    if not MARIADBD.exists():
        pytest.skip("needs mariadb-server")
    with mariadb_server() as running, running.database() as name:
        yield PartnerMariadb(running, name)


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """A disk that can be filled up."""
    with small_disk(60) as mounted:
        yield mounted


class Havoc:
    """Breaks something about a storm, one thing a round.

    Args:
        storm: the storm, built.
        chance: decides what and when.
        partner: the partner's server.
        valve: of the line to it, if there is one.
    """

    def __init__(self, storm: RowStorm, chance: random.Random, partner: Killable, valve: Valve | None) -> None:
        self._storm = storm
        self._chance = chance
        self._partner = partner
        self._valve = valve
        self._due: list[Callable[[], Awaitable[None]]] = []

    async def round(self) -> None:
        """Does something bad, each thing once before any is done again."""
        self._storm.give()
        await asyncio.sleep(self._chance.random() * 0.6)
        if not self._due:
            self._due = [self._kill_hub, self._kill_hub, self._kill_partner, self._install_again]
            if self._valve is not None:
                self._due += [self._stop_the_line, self._cut_the_line, self._truncate]
            self._chance.shuffle(self._due)
        deed = self._due.pop()
        self._storm.mishaps.append(deed.__name__.strip("_"))
        await deed()

    async def _kill_hub(self) -> None:
        hub = self._storm.hub
        role = self._chance.choice(sorted(hub.processes))
        await asyncio.to_thread(hub.kill, role)
        self._storm.mishaps[-1] += f"/{role or 'all'}"
        hub.start(role)

    async def _kill_partner(self) -> None:
        await asyncio.to_thread(self._partner.kill)
        await asyncio.sleep(self._chance.random() * 0.5)
        await asyncio.to_thread(self._partner.resume)

    async def _install_again(self) -> None:
        async def install() -> None:
            async with open_partner(self._partner.address) as partner:
                await capture.install(partner, WATCHED)

        await asyncio.gather(install(), install())

    async def _truncate(self) -> None:
        try:
            async with open_partner(self._partner.address) as partner:
                await partner.execute("SET lock_timeout = '2s'")
                await partner.execute(_TRUNCATE)
        except PartnerError as error:
            self._storm.mishaps[-1] += f" ({error})"

    async def _stop_the_line(self) -> None:
        assert self._valve is not None
        self._valve.let_through(self._chance.randrange(30_000))
        await asyncio.sleep(self._chance.random() * 2)
        self._valve.let_through(_EVERYTHING)

    async def _cut_the_line(self) -> None:
        assert self._valve is not None
        self._valve.let_through(self._chance.randrange(30_000))
        await asyncio.sleep(self._chance.random() * 0.5)
        self._valve.cut()
        await asyncio.sleep(self._chance.random() * 0.5)
        self._valve.let_through(_EVERYTHING)


async def _blow(storm: RowStorm, havoc: Havoc) -> None:
    async with storm.blowing(), storm.comparing():
        for number in range(ROUNDS):
            if number == ROUNDS // 2:
                await storm.lay_out(*ROLES)
            await havoc.round()
    await storm.settle()
    await storm.prove()
    await storm.prove_balanced()
    assert storm.committed["kept"] > 5 * ROUNDS, storm.committed


@pytest.mark.timeout(600 + 15 * ROUNDS)
async def test_a_postgresql_and_its_hub_broken_at_random_end_up_equal(
    stage: Stage, chance: random.Random, postgresql: PartnerPostgresql
) -> None:
    async with valve_before(postgresql.port) as valve:
        valve.let_through(_EVERYTHING)
        storm = RowStorm(stage, chance, postgresql.address)
        await storm.build(postgresql.address_at(valve.port))
        await _blow(storm, Havoc(storm, chance, postgresql, valve))


@pytest.mark.timeout(600 + 15 * ROUNDS)
async def test_a_mariadb_and_its_hub_broken_at_random_end_up_equal(
    stage: Stage, chance: random.Random, mariadb: PartnerMariadb
) -> None:
    storm = RowStorm(stage, chance, mariadb.address)
    await storm.build()
    await _blow(storm, Havoc(storm, chance, mariadb, None))


async def test_a_partner_put_back_to_a_backup_is_noticed_and_nothing_it_writes_is_passed_over(
    stage: Stage, chance: random.Random, postgresql: PartnerPostgresql
) -> None:
    storm = RowStorm(stage, chance, postgresql.address)
    await storm.build()
    async with storm.blowing():
        storm.give()
        await asyncio.sleep(0.5 + chance.random())
        await asyncio.to_thread(postgresql.back_up)
        storm.give()
        await asyncio.sleep(0.5 + chance.random())
    await storm.settle()
    known = await storm.rows_there()
    number = await _transaction_number(postgresql)
    await asyncio.to_thread(storm.hub.stop)
    await asyncio.to_thread(postgresql.kill)
    await asyncio.to_thread(postgresql.go_back)
    await asyncio.to_thread(postgresql.resume)
    lost = known - await storm.rows_there()

    # The partner works on before the hub is there again, and gives out numbers which the hub has read already.
    async def is_beyond() -> bool:
        return await _transaction_number(postgresql) > number + 10

    await storm.write_until(is_beyond)
    storm.hub.start()
    await storm.settle()
    await storm.prove(lost)
    log = (storm.hub.folder / "hub.log").read_text()
    assert "the partner's database was restored" in log
    assert "went back to number" in log


async def _transaction_number(postgresql: PartnerPostgresql) -> int:
    async with open_partner(postgresql.address) as partner:
        found = await partner.fetch("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    number: int = found[0][0]
    return number


async def test_a_place_ahead_of_its_rows_is_caught(
    stage: Stage, chance: random.Random, postgresql: PartnerPostgresql
) -> None:
    """A deliberate mistake: what these tests compare must show it."""
    storm = RowStorm(stage, chance, postgresql.address)
    await storm.build()
    async with storm.blowing():
        storm.give()
        await asyncio.sleep(1)
    await storm.settle()
    await asyncio.to_thread(storm.hub.stop)
    number = await _transaction_number(postgresql)

    async def has_written() -> bool:
        return await _transaction_number(postgresql) > number + 20

    await storm.write_until(has_written)
    ahead = await _transaction_number(postgresql)
    position = f'["{ahead}:{ahead}:", null, "0", 0, 1000]'
    change(storm.hub, "UPDATE pickup_positions SET position = %s WHERE source = 'key_log'", position)
    async with open_partner(postgresql.address) as partner:
        await partner.execute("UPDATE x_reader SET position = %s", (position,))
    storm.hub.start()
    await storm.settle()
    with pytest.raises(AssertionError, match="x_c"):
        await storm.prove()


async def test_a_partner_whose_disk_is_full_goes_on_when_there_is_space_again(
    disk: SmallDisk, stage: Stage, chance: random.Random, postgresql: PartnerPostgresql
) -> None:
    make_tablespace(postgresql, disk, "small")
    postgresql.make_database()
    storm = RowStorm(stage, chance, postgresql.address)
    await storm.build()
    async with storm.blowing():
        for _ in range(2):
            storm.give()
            await asyncio.sleep(chance.random() * 0.5)
            disk.fill(chance.randrange(100_000))
            for _ in range(10):
                storm.give()
                await asyncio.sleep(0.1)
                disk.fill()
            disk.relieve()
        await asyncio.sleep(0.5)
    assert storm.committed["broken"] > 0
    await storm.settle()
    await storm.prove()
    await storm.prove_balanced()
