"""The audit log over three tiers: acts are recorded, neighbours countersign, and every manipulation is named."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from exchange_db.audit_hashes import beginning
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from tests.support.commands import sanji
from tests.support.stages import quick, rows, staged, until_value, value

#: Three hubs start, and commands are processes of their own.

NATION, PROVINCE, CITY = "000000.hub", "430000.hub", "431200.hub"
SETTINGS = quick() + "\n[audit]\ncheckpoint_seconds = 1\n"
_SIGNED = "SELECT count(*) > 0 FROM audit_countersignatures WHERE size >= %s"


class Line(NamedTuple):
    """Nation, province and city, joined."""

    stage: Stage
    nation: StagedHub
    province: StagedHub
    city: StagedHub


@pytest.fixture(scope="module")
def line(server: EmbeddedServer) -> Iterator[Line]:
    """Three hubs whose logs were countersigned at least once."""
    with staged(server) as stage:

        async def build() -> Line:
            hubs = [await stage.add_hub(name, name, SETTINGS) for name in (NATION, PROVINCE, CITY)]
            for hub in hubs:
                hub.start()
            await asyncio.gather(*(hub.wait_until_open() for hub in hubs))
            for above, below in ((hubs[0], hubs[1]), (hubs[1], hubs[2])):
                await stage.join(above, below)
            for hub in hubs:
                await until_value(hub, True, _SIGNED, 1)
            return Line(stage, *hubs)

        yield asyncio.run(build())


async def test_an_act_is_recorded_countersigned_and_verified(line: Line, tmp_path: Path) -> None:
    city, config = line.city, ("--config", line.city.settings_file)
    assert (await sanji("peers", "block", PROVINCE, *config)).code == 0
    assert (await sanji("peers", "unblock", PROVINCE, *config)).code == 0
    ((number, actor),) = rows(
        city,
        "SELECT max(number), max(actor) FROM audit_entries WHERE action = 'peer.unblock' AND object = %s",
        PROVINCE,
    )
    assert actor.startswith("host:")
    await until_value(city, True, _SIGNED, number)
    told = await sanji("audit", "verify", *config)
    assert told.code == 0, told.told
    assert PROVINCE in told.told


async def test_an_export_is_verified_elsewhere_with_the_neighbours_checkpoint(line: Line, tmp_path: Path) -> None:
    city, config = line.city, ("--config", line.city.settings_file)
    export, witnessed = tmp_path / "log.jsonl", tmp_path / "witnessed.json"
    # In this order: what the neighbour sees after the export is not in it.
    given = await sanji("audit", "witnessed", CITY, "--out", witnessed, "--config", line.province.settings_file)
    assert given.code == 0, given.told
    assert (await sanji("audit", "export", export, *config)).code == 0
    authority = line.stage.folder / "authority.pem"
    offline = ("audit", "verify", "--file", export, "--authority", authority, "--checkpoint", witnessed)
    assert (await sanji(*offline)).code == 0
    content = export.read_bytes()
    export.write_bytes(content.replace(b"hub.start", b"hub.stare", 1))
    forged = await sanji(*offline)
    assert forged.code == 1
    (number,) = rows(city, "SELECT min(number) FROM audit_entries WHERE action = 'hub.start'")[0]
    assert f"第 {number} 条" in forged.told


async def test_every_neighbour_holds_the_others_log(line: Line) -> None:
    for hub, witnesses in ((line.nation, 1), (line.province, 2), (line.city, 1)):
        await until_value(hub, witnesses, "SELECT count(DISTINCT peer_id) FROM audit_countersignatures")
        await until_value(hub, witnesses, "SELECT count(DISTINCT peer_id) FROM audit_witnessed WHERE is_signed")
        assert value(hub, "SELECT count(*) FROM audit_witnessed WHERE NOT is_signed") == 0


async def test_a_hub_whose_log_was_cut_does_not_start_and_its_neighbour_refuses(line: Line) -> None:
    """Last, because the city's log stays cut."""
    city = line.city
    city.stop()
    with psycopg.connect(city.url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit_entries WHERE number = (SELECT max(number) FROM audit_entries)")
    served = await sanji("serve", "--config", city.settings_file)
    assert served.code == 1
    assert "audit verify" in served.told
    # Who can change the rows can take the checkpoints away as well: then only the neighbour knows.
    with psycopg.connect(city.url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("TRUNCATE audit_checkpoints, audit_countersignatures, audit_entries, audit_nodes")
        begun = beginning("SM3").chain_hash
        connection.execute("UPDATE audit_head SET size = 0, edge = '{}', chain_hash = %s", (begun,))
    city.start()
    await city.wait_until_open()
    refused = "SELECT count(*) > 0 FROM audit_entries WHERE action = 'audit.countersign' AND object = %s"
    await until_value(line.province, True, refused, CITY)
    ((outcome, reason),) = rows(
        line.province, "SELECT DISTINCT outcome, reason FROM audit_entries WHERE action = 'audit.countersign'"
    )
    assert (outcome, reason) == ("refused", "CHECKPOINT_INCONSISTENT")
