"""A city's hub and a county's platform that sends it dirt."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from connectors.county.profile import Profile
from connectors.wire import read_parcel
from exchange_db.records import Case, Violated
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import CITY, COUNTY
from tests.support.stages import quick, rows, stage_server, staged


class Site(NamedTuple):
    """The hub, and the platform's way to it."""

    hub: StagedHub
    profile: Profile

    def held(self, prefix: str) -> dict[str, Case]:
        """Returns the last record the hub has taken of every case whose number begins so."""
        found: dict[str, Case] = {}
        for (payload,) in rows(self.hub, "SELECT payload FROM inbox ORDER BY inbox_id"):
            try:
                record = read_parcel(payload).record
            except Violated:
                continue
            if isinstance(record, Case) and record.case_no.startswith(prefix):
                found[record.case_no] = record
        return found


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        hub = await stage.add_hub(CITY, "怀化市枢纽", quick())
        hub.start()
        await hub.wait_until_open()
        return Site(hub, await stage.add_platform(hub, COUNTY))

    with stage_server() as server, staged(server) as stage:
        yield asyncio.run(build(stage))
