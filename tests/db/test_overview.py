"""The overview's reads: the same numbers as the registry's, bounded, without payloads."""

from datetime import UTC, datetime

from exchange_db import link_lags, link_states, overview
from exchange_db.keys import case_key
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.settings import HubPart, Settings
from tests.support.builders import CITY, COUNTY, PROVINCE
from tests.support.filled import fill


async def test_what_is_shown_of_a_filled_ledger_is_what_is_in_it(ledger: Ledger) -> None:
    await fill(ledger, Settings(hub=HubPart(id=CITY, name="怀化")), system_clock)
    async with ledger.watching() as connection:
        await link_lags.count_next(connection.driver)
    async with ledger.read() as session:
        found = await link_states.neighbours(session, None, datetime.now(UTC))
        assert {one.peer.peer_id: one.outgoing.lag_records > 0 for one in found if one.peer.state == "active"} == {
            PROVINCE: True,
            COUNTY: True,
            "431222.platform": False,
            "431223.platform": False,
            "431225.platform": False,
        }
        log = await overview.log_state(session)
        assert (log.waiting_count, log.oldest_time) == (0, None)
        streams = await overview.streams(session)
        assert all(s.last_sequence == s.accepted_count + s.refused_count + s.duplicate_count for s in streams)
        held = await overview.held(session, resolution="open", limit=100)
        assert [row.quarantine_id for row in held] == [5, 4, 3, 2, 1]
        assert {row.payload for row in held} == {b""}
        assert len(await overview.held(session, limit=2)) == 2
        (of_case,) = await overview.held(session, record_key=case_key(COUNTY, "2020-0101"), limit=9)
        assert of_case.reason == "SECTION_FORBIDDEN"
