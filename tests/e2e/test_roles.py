"""Several processes of the same role on one database share the work, take over from each other, and repeat nothing."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from bench.workload import HANDLER
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub, free_port
from tests.support.stages import rows, staged, until, value
from tests.support.storms import Storm

HOLDERS = "SELECT DISTINCT holder FROM leases WHERE name LIKE %s AND expires_time > now() ORDER BY 1"


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of this test's own."""
    with staged(server) as opened:
        yield opened


def _beside(stage: Stage, hub: StagedHub) -> StagedHub:
    """Returns a second machine of a hub: the same ledger and name, ports of its own."""
    port = free_port()
    settings_file = hub.folder / "second.toml"
    text = hub.settings_file.read_text(encoding="utf-8")
    settings_file.write_text(text.replace(f"\nport = {hub.port}\n", f"\nport = {port}\n"), encoding="utf-8")
    stage.hubs[f"{hub.folder.name} second"] = second = StagedHub(hub.folder, settings_file, hub.url, port)
    return second


async def test_two_of_each_role_apply_and_deliver_every_case_once(stage: Stage) -> None:
    storm = Storm(stage, random.Random(7))
    await storm.build()
    await storm.lay_out("intake", "apply", "deliver")
    second = _beside(stage, storm.city)
    for roles in ("intake,schedule", "apply,console", "deliver,schedule"):
        second.start(roles)
    await second.wait_until_open()
    handler = storm.pushers[HANDLER]
    handler.target = handler.target._replace(address=second.address)

    async def both_apply() -> bool:
        return len(rows(storm.city, HOLDERS, "apply/%")) == 4

    await until(both_apply, "four lanes of two processes")
    async with storm.blowing():
        for _ in range(4):
            await storm.wait_for(storm.write(100))
        (deliverer,) = [row[0] for row in rows(storm.city, HOLDERS, "deliver/%")]
        owner, roles = (storm.city, "deliver") if deliverer == "stage-deliver/deliver" else (second, "deliver,schedule")
        await asyncio.to_thread(owner.kill, roles)
        await asyncio.to_thread(storm.city.kill, "apply")
        marks = storm.write(100)
        await storm.wait_for(marks)
    await storm.prove()
    assert {row[0].partition("/")[0] for row in rows(storm.city, HOLDERS, "apply/%")} == {"stage-apply,console"}
    assert [row[0] for row in rows(storm.city, HOLDERS, "deliver/%")] != [deliverer]
    assert value(storm.city, "SELECT count(DISTINCT stream_id) FROM inbox WHERE record_kind = 1") == 2
