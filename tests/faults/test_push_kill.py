"""kill -9 of ``sanji push`` and of its hub at any moment: no case of the file is lost, none is there twice."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from connectors.county.refused_file import refused_path_of
from connectors.county.sheet_push import spool_path_of
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import RecordKind
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import COUNTY
from tests.support.sheets import (
    CYCLE,
    REFUSED,
    REPEATED,
    UNMAPPED,
    PushCommand,
    Pushed,
    fates_of,
    mapping_in,
    refused_rows,
    rows_of,
    rows_refused_of,
    write_sheet,
)
from tests.support.stages import logs_of, quick, rows, staged, until_settled, value

ROWS = 3_000
#: Kills of the pusher, the hub or both; a quarter of the rounds that other fault tests make.
ROUNDS = max(5, int(os.environ.get("SANJI_FAULT_ROUNDS") or "20") // 4)


async def _push_through(pushing: PushCommand, hub: StagedHub, chance: random.Random) -> Pushed | None:
    """Kills and starts again until the rounds are over or a push came to its end before its kill.

    Returns how the last push ended; ``None`` when it was killed after all its work was done.
    """
    for _ in range(ROUNDS):
        victims = chance.choice(("pusher", "pusher", "hub", "both"))
        process = pushing.start()
        await asyncio.sleep(chance.uniform(0.2, 3.0))
        if process.poll() is not None:
            return await pushing.end_of(process)
        if victims != "pusher":
            hub.kill()
        if victims == "hub":
            await asyncio.sleep(chance.uniform(0.0, 1.0))
        if process.poll() is None:
            process.kill()
        process.communicate()
        if victims != "pusher":
            hub.start()
            await hub.wait_until_open()
        if refused_path_of(pushing.sheet).exists() and not spool_path_of(pushing.sheet).exists():
            return None
    return await pushing.run()


@pytest.mark.timeout(600 + 10 * ROUNDS)
def test_every_row_has_its_one_end_however_often_the_push_is_killed(
    server: EmbeddedServer, chance: random.Random, tmp_path: Path
) -> None:
    with staged(server) as stage:
        asyncio.run(_prove(stage, chance, tmp_path))


async def _prove(stage: Stage, chance: random.Random, folder: Path) -> None:
    hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
    hub.start()
    await hub.wait_until_open()
    profile = await stage.add_platform(hub, COUNTY)
    sheet = write_sheet(folder / "cases.csv", rows_of("Z", ROWS))
    pushed = await _push_through(PushCommand(sheet, mapping_in(folder), profile), hub, chance)
    await until_settled(hub)

    assert refused_rows(sheet) == rows_refused_of("Z", ROWS), logs_of(hub)
    sent = {
        row["案件编号"]
        for number, row in enumerate(rows_of("Z", ROWS))
        if number % CYCLE not in (UNMAPPED, REFUSED, REPEATED)
    }
    # The hub's own sheets of counts are in the log as well.
    logged = rows(hub, "SELECT message_key FROM inbox WHERE record_kind = %s", RecordKind.CASE)
    assert len(logged) == len(set(logged)) == len(sent)
    cases = [row[0] for row in rows(hub, "SELECT case_no FROM cases")]
    assert len(cases) == len(set(cases)) == len(sent) - ROWS // CYCLE
    for stage_name, count in (("intake", ROWS // CYCLE), ("apply", ROWS // CYCLE)):
        assert value(hub, "SELECT count(*) FROM quarantine WHERE stage = %s", stage_name) == count
    if pushed is not None:
        told = {key: pushed.summary[key] for key in ("rows", "accepted", "refused")}
        assert (pushed.code, told) == (1, fates_of(ROWS)), pushed.told
        assert pushed.summary["pending_receipts"] == 0
        assert not spool_path_of(sheet).exists()
