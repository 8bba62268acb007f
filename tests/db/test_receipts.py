"""Business receipts: a frontier that rises, and the exceptions by name."""

from exchange_db import inbox, quarantine, receipts
from exchange_db.inbox import Arrival, Entry, InboxRow, Refusal, Stream
from exchange_db.keys import PARTITION_COUNT
from exchange_db.quarantine import Held
from exchange_db.receipts import APPLIED, PENDING, QUARANTINED, STALE, Exceptional, Run, SettledRange
from exchange_db.records import Violated, Violation
from exchange_db.session import Ledger
from tests.support.builders import COUNTY, an_entry
from tests.support.clock import NOON

NONE = Violation("", "", "", "")


async def _append(ledger: Ledger, *items: Entry | Refusal, is_careful: bool = False) -> Stream:
    async with ledger.write() as session:
        stream = await inbox.open_stream(session, COUNTY, "cases")
        await inbox.append(
            session, [Arrival(stream.stream_id, COUNTY, "", 0, list(items))], NOON, is_careful=is_careful
        )
    return stream


async def _waiting(ledger: Ledger) -> list[InboxRow]:
    async with ledger.dedicated() as connection:
        cursor = await connection.driver.execute("SELECT partition, cursor_id FROM partitions")
        return await inbox.fetch_runs(connection, dict(await cursor.fetchall()), 1_000)


async def _settle(ledger: Ledger, rows: list[InboxRow], exceptions: list[Exceptional] | None = None) -> bool:
    """Settles rows as apply does, each partition from its cursor on."""
    async with ledger.dedicated() as connection, connection.transaction() as session:
        cursor = await session.driver.execute("SELECT partition, cursor_id FROM partitions")
        cursors = dict(await cursor.fetchall())
        runs = []
        for partition in sorted({row.partition for row in rows}):
            ids = [row.inbox_id for row in rows if row.partition == partition]
            runs.append(Run(partition, cursors[partition], min(ids), max(ids)))
        return await receipts.settle(session, runs, exceptions or [])


async def _range(ledger: Ledger, stream: Stream, after: int = 0, limit: int = 5_000) -> SettledRange | None:
    async with ledger.dedicated() as connection:
        return await receipts.settled_range(connection.driver, stream.stream_id, after, limit)


def _refusal() -> Refusal:
    return Refusal(Violated("FIELD_MISSING", "origin_id").violation, COUNTY, b"bad")


async def test_nothing_is_settled_before_it_is_applied(ledger: Ledger) -> None:
    stream = await _append(ledger, an_entry(), an_entry())
    assert await _range(ledger, stream) is None


async def test_an_unknown_stream_has_no_receipts(ledger: Ledger) -> None:
    assert await _range(ledger, Stream(99, 0)) is None


async def test_the_frontier_stops_before_the_first_open_number(ledger: Ledger) -> None:
    stream = await _append(ledger, *(an_entry() for _ in range(12)))
    rows = sorted(await _waiting(ledger), key=lambda row: row.sequence)
    blocker = next(row for row in rows if row.sequence == 5)
    done = [row for row in rows if row.partition != blocker.partition]
    assert await _settle(ledger, done)
    first_open = min(row.sequence for row in rows if row.partition == blocker.partition)
    settled = await _range(ledger, stream)
    if first_open == 1:
        assert settled is None
    else:
        assert settled == SettledRange(1, first_open - 1, [])
    assert await _settle(ledger, [row for row in rows if row.partition == blocker.partition])
    assert await _range(ledger, stream) == SettledRange(1, 12, [])
    assert await _range(ledger, stream, after=7) == SettledRange(8, 12, [])
    assert await _range(ledger, stream, after=12) is None


async def test_refused_numbers_and_duplicates_are_settled_by_their_answer(ledger: Ledger) -> None:
    known = an_entry()
    stream = await _append(ledger, _refusal(), known, _refusal(), _refusal())
    await _append(ledger, known, _refusal(), is_careful=True)
    assert await _range(ledger, stream, after=0) == SettledRange(1, 1, [])
    await _settle(ledger, await _waiting(ledger))
    settled = await _range(ledger, stream)
    assert settled is not None
    assert (settled.first, settled.last) == (1, 6)
    assert [(sequence, state) for sequence, state, _, _ in settled.exceptions] == [(5, STALE)]


async def test_a_repeat_of_what_is_held_is_told_as_held_until_it_is_resolved(ledger: Ledger) -> None:
    entry = an_entry()
    stream = await _append(ledger, entry)
    (row,) = await _waiting(ledger)
    violation = Violated("CASE_UNKNOWN", "case.key.case_no", "2020-0001").violation
    async with ledger.dedicated() as connection, connection.transaction() as session:
        held = Held(
            "apply", row.stream_id, None, row.sequence, row.inbox_id, COUNTY, COUNTY, None, None, violation, b""
        )
        await quarantine.hold(session, [held])
    await _settle(ledger, [row], [Exceptional(row.stream_id, row.sequence, QUARANTINED, violation)])
    await _append(ledger, entry, is_careful=True)
    async with ledger.write() as writing:
        (open_row,) = await quarantine.listing(writing)
        assert await quarantine.resolve(writing, open_row.quarantine_id, "replayed", "tester")
    await _append(ledger, entry, is_careful=True)
    settled = await _range(ledger, stream)
    assert settled is not None
    assert [(sequence, state, why) for sequence, state, why, _ in settled.exceptions] == [
        (1, QUARANTINED, violation),
        (2, QUARANTINED, violation),
        (3, STALE, NONE),
    ]


async def test_a_stream_of_refusals_only_is_settled(ledger: Ledger) -> None:
    stream = await _append(ledger, _refusal(), _refusal())
    assert await _range(ledger, stream) == SettledRange(1, 2, [])


async def test_long_streams_are_told_in_pieces_that_join(ledger: Ledger) -> None:
    items = [_refusal() if number % 4 == 0 else an_entry() for number in range(40)]
    stream = await _append(ledger, *items)
    await _settle(ledger, await _waiting(ledger))
    after, pieces = 0, 0
    while settled := await _range(ledger, stream, after, limit=7):
        assert settled.first == after + 1
        after, pieces = settled.last, pieces + 1
    assert after == 40
    assert pieces > 3


async def test_exceptions_come_with_their_reason(ledger: Ledger) -> None:
    stream = await _append(ledger, an_entry(), an_entry(), an_entry())
    violation = Violated("SECTION_FORBIDDEN", "case.assignment", "431200.hub").violation
    rows = await _waiting(ledger)
    await _settle(
        ledger,
        rows,
        [Exceptional(stream.stream_id, 2, QUARANTINED, violation), Exceptional(stream.stream_id, 3, STALE, NONE)],
    )
    settled = await _range(ledger, stream)
    assert settled is not None
    assert [found[:3] for found in settled.exceptions] == [(2, QUARANTINED, violation), (3, STALE, NONE)]


async def test_a_cursor_that_was_moved_by_another_worker_is_told(ledger: Ledger) -> None:
    await _append(ledger, *(an_entry() for _ in range(6)))
    rows = await _waiting(ledger)
    assert await _settle(ledger, rows)
    stale = [Run(rows[0].partition, 0, rows[0].inbox_id, rows[0].inbox_id)]
    async with ledger.dedicated() as connection, connection.transaction() as session:
        assert not await receipts.settle(session, stale, [])


async def test_every_partition_has_its_cursor(ledger: Ledger) -> None:
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT partition, cursor_id FROM partitions ORDER BY partition")
        assert await cursor.fetchall() == [(partition, 0) for partition in range(PARTITION_COUNT)]


async def test_one_message_is_followed_from_pending_to_applied(ledger: Ledger) -> None:
    entry = an_entry()
    stream = await _append(ledger, entry)
    async with ledger.dedicated() as connection:
        found = await receipts.of_message(connection.driver, entry.message_key)
        assert found is not None
        assert (found.state, found.settled_time) == (PENDING, None)
        assert await receipts.of_message(connection.driver, bytes(16)) is None
        await _settle(ledger, await _waiting(ledger), [])
        found = await receipts.of_message(connection.driver, entry.message_key)
        assert found is not None
        assert found.state == APPLIED
        assert found.settled_time is not None
    assert await _range(ledger, stream) == SettledRange(1, 1, [])
