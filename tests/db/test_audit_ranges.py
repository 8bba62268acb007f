"""Verifying some lines of a log, finding lines by time, and how far hubs have signed each other's logs."""

from pathlib import Path

import pytest

from auth.audit_chain import Broken
from exchange_db import audit, audit_checkpoints
from exchange_db.records import Violated
from exchange_db.session import HotSession, Ledger
from hub.audit.verifying import MOST_LINES, verify_range
from tests.db.test_audit_verify import _filled
from tests.support.audit_logs import AUTHORITY, CITY, PROVINCE
from tests.support.clock import FakeClock

_SIZE = 520


async def _broken(session: HotSession, first: int, last: int) -> Broken | None:
    return (await verify_range(session, CITY, AUTHORITY.certificate, first, last)).broken


async def test_ranges_are_in_order_and_name_the_line_that_is_not(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    await _filled(ledger, tmp_path, clock)
    async with ledger.dedicated() as connection, connection.driver.transaction(force_rollback=True):
        session = HotSession(connection.driver)
        for first, last in ((1, _SIZE), (1, 1), (2, 2), (255, 258), (300, 300), (301, _SIZE), (_SIZE, _SIZE)):
            verified = await verify_range(session, CITY, AUTHORITY.certificate, first, last)
            assert verified.broken is None, (first, last)
        whole = await verify_range(session, CITY, AUTHORITY.certificate, 1, MOST_LINES)
        assert (whole.entry_count, whole.checkpoint_count, whole.witness_ids) == (_SIZE, 2 * 2, (PROVINCE,))
        with pytest.raises(Violated, match="RANGE_TOO_LONG"):
            await verify_range(session, CITY, AUTHORITY.certificate, 1, MOST_LINES + 1)
        await session.driver.execute("SET LOCAL session_replication_role = replica")
        await session.driver.execute("UPDATE audit_entries SET actor = 'host:wang' WHERE number = 400")
        changed = await _broken(session, 350, 450)
        assert changed is not None
        assert changed.number == 400
        assert await _broken(session, 1, 399) is None
        assert await _broken(session, 401, _SIZE) is None, "what is before is believed"
        await session.driver.execute("UPDATE audit_nodes SET hash = set_byte(hash, 3, 0) WHERE level = 8")
        node = await _broken(session, 1, 300)
        assert node is not None
        assert node.number == 1
        await session.driver.execute("DELETE FROM audit_entries WHERE number > 510")
        cut = await _broken(session, 505, _SIZE)
        assert cut is not None
        assert cut.number == 511


async def test_lines_are_found_by_time_and_hubs_by_how_far_they_signed(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    await _filled(ledger, tmp_path, clock)
    async with ledger.read() as session:
        lines = [line async for line in audit.lines(session)]
        assert await audit.number_at(session, lines[0].recorded_time) == 1
        assert await audit.number_at(session, lines[-1].recorded_time + 1) == _SIZE + 1
        later = lines[300].recorded_time
        found = await audit.search(session, audit.Search(begin_time=later), limit=1_000)
        assert {line.number for line in found} == {line.number for line in lines if line.recorded_time >= later}
        earlier = await audit.search(session, audit.Search(end_time=later), limit=1_000)
        assert len(found) + len(earlier) == _SIZE
        # Only hubs of the registry are witnesses: the province is none here.
        assert await audit_checkpoints.mutual_states(session, 10) == []
