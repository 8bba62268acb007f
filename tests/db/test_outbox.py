"""What goes out: numbered without gap, in order inside a partition, by one dispatcher at a time."""

import asyncio

import msgspec
import pytest

from exchange_db import inbox, links, outbox
from exchange_db.errors import LeaseLost
from exchange_db.inbox import Arrival
from exchange_db.keys import partition_of
from exchange_db.outbox import Numbered
from exchange_db.session import Ledger
from tests.support.builders import COUNTY, OTHER_COUNTY, PROVINCE, an_entry
from tests.support.clock import NOON
from tests.support.neighbours import enrolled

SENDER = OTHER_COUNTY


async def _logged(ledger: Ledger, count: int, record_key: bytes = b"") -> list[tuple[int, int, bytes]]:
    """Appends records and returns (partition, inbox_id, payload) in the order of the log."""
    async with ledger.write() as session:
        stream = await inbox.open_stream(session, SENDER, "cases")
        entries = [an_entry() for _ in range(count)]
        if record_key:
            entries = [msgspec.structs.replace(entry, record_key=record_key) for entry in entries]
        await inbox.append(session, [Arrival(stream.stream_id, SENDER, "", 0, list(entries))], NOON)
    keys = {entry.payload: entry.record_key for entry in entries}
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT inbox_id, payload FROM inbox ORDER BY inbox_id", binary=True)
        return [(partition_of(keys[row[1]]), row[0], row[1]) for row in await cursor.fetchall() if row[1] in keys]


async def _lay_down(ledger: Ledger, destination_id: int, rows: list[tuple[int, int, bytes]]) -> None:
    entries = [outbox.pack_entry(destination_id, partition, inbox_id, 0, inbox_id) for partition, inbox_id, _ in rows]
    async with ledger.dedicated() as connection, connection.transaction() as session:
        await outbox.add(session, entries)


async def _number(ledger: Ledger, destination_id: int, limit: int = 1_000) -> int:
    async with ledger.dedicated() as connection:
        due = await outbox.due(connection.driver, destination_id, limit)
        if not due.entries:
            return 0
        return len(await outbox.number(connection.driver, due))


async def _numbered(ledger: Ledger, destination_id: int, after: int = 0, limit: int = 1_000) -> list[Numbered]:
    async with ledger.dedicated() as connection:
        return await outbox.fetch(connection.driver, destination_id, after, limit)


async def test_entries_are_numbered_from_one_without_gap_and_carry_their_bytes(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent")
    rows = await _logged(ledger, 30)
    await _lay_down(ledger, peer.destination_id, rows)
    assert await _number(ledger, peer.destination_id) == 30
    assert await _number(ledger, peer.destination_id) == 0
    parcels = await _numbered(ledger, peer.destination_id)
    assert [parcel.sequence for parcel in parcels] == list(range(1, 31))
    assert [parcel.payload for parcel in parcels] == [payload for _, _, payload in rows]


async def test_numbers_go_on_where_they_ended(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent")
    for expected in (5, 7):
        rows = await _logged(ledger, expected)
        await _lay_down(ledger, peer.destination_id, rows)
        assert await _number(ledger, peer.destination_id) == expected
    parcels = await _numbered(ledger, peer.destination_id, after=4, limit=3)
    assert [parcel.sequence for parcel in parcels] == [5, 6, 7]
    async with ledger.dedicated() as connection:
        assert (await outbox.progress(connection.driver, peer.destination_id)).last_sequence == 12


async def test_small_steps_miss_nothing_and_keep_the_order_inside_each_partition(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent")
    rows = await _logged(ledger, 60)
    late, early = rows[::2], rows[1::2]
    await _lay_down(ledger, peer.destination_id, [row for row in early if row[0] % 2])
    await _lay_down(ledger, peer.destination_id, [row for row in late if row[0] % 2 == 0])
    while await _number(ledger, peer.destination_id, limit=8):
        pass
    expected = [row for row in early if row[0] % 2] + [row for row in late if row[0] % 2 == 0]
    parcels = await _numbered(ledger, peer.destination_id)
    assert [parcel.sequence for parcel in parcels] == list(range(1, len(expected) + 1))
    assert {parcel.payload for parcel in parcels} == {payload for _, _, payload in expected}
    for partition in {row[0] for row in expected}:
        mine = {payload for at, _, payload in expected if at == partition}
        in_order = [payload for at, _, payload in sorted(expected, key=lambda row: row[1]) if at == partition]
        assert [parcel.payload for parcel in parcels if parcel.payload in mine] == in_order


async def test_older_sections_for_a_new_party_go_before_the_record_that_made_it_one(ledger: Ledger) -> None:
    peer = await enrolled(ledger, COUNTY)
    (first, second, third) = await _logged(ledger, 3, record_key=bytes(16))
    partition, cause = third[0], third[1]
    entries = [
        outbox.pack_entry(peer.destination_id, partition, cause, ordinal, inbox_id)
        for ordinal, inbox_id in enumerate((second[1], cause))
    ]
    async with ledger.dedicated() as connection, connection.transaction() as session:
        await outbox.add(session, entries[::-1])
    await _number(ledger, peer.destination_id)
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT inbox_id FROM parcels ORDER BY sequence")
        assert [row[0] for row in await cursor.fetchall()] == [second[1], cause]
    assert first[1] < second[1] < cause


async def test_destinations_are_numbered_apart(ledger: Ledger) -> None:
    one, two = await enrolled(ledger, PROVINCE, "parent"), await enrolled(ledger, COUNTY)
    rows = await _logged(ledger, 4)
    await _lay_down(ledger, one.destination_id, rows)
    await _lay_down(ledger, two.destination_id, rows[2:])
    await _number(ledger, one.destination_id)
    await _number(ledger, two.destination_id)
    assert [parcel.sequence for parcel in await _numbered(ledger, one.destination_id)] == [1, 2, 3, 4]
    assert [parcel.sequence for parcel in await _numbered(ledger, two.destination_id)] == [1, 2]


async def test_two_dispatchers_at_once_lose_nothing_and_number_nothing_twice(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent")
    rows = await _logged(ledger, 40)
    await _lay_down(ledger, peer.destination_id, rows)
    async with ledger.dedicated() as one, ledger.dedicated() as two:
        with pytest.raises(LeaseLost):
            async with two.transaction() as second:
                async with one.transaction() as first:
                    due = await outbox.due(one.driver, peer.destination_id, 80)
                    assert await outbox.number(first.driver, due)
                    waiting = asyncio.create_task(outbox.number(second.driver, due))
                    while await _is_waiting(ledger) == 0:  # noqa: ASYNC110 — only the server knows
                        await asyncio.sleep(0.01)
                await waiting
    while await _number(ledger, peer.destination_id, 80):
        pass
    parcels = await _numbered(ledger, peer.destination_id)
    assert [parcel.sequence for parcel in parcels] == list(range(1, 41))
    assert len({parcel.payload for parcel in parcels}) == 40


async def _is_waiting(ledger: Ledger) -> int:
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN"
            " (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_a_link_that_is_gone_is_a_lost_lease(ledger: Ledger) -> None:
    with pytest.raises(LeaseLost):
        await _number(ledger, 999)


async def test_a_message_is_filled_up_to_its_limit_but_never_empty() -> None:
    parcels = [Numbered(1, bytes(50)), Numbered(2, bytes(30)), Numbered(3, bytes(30))]
    assert outbox.fitting(parcels, 10) == parcels[:1]
    assert outbox.fitting(parcels, 100) == parcels[:2]
    assert outbox.fitting(parcels, 1_000) == parcels
    assert outbox.fitting([], 10) == []


async def test_confirmations_move_forward_only_and_leave_a_receipt_a_batch(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent")
    async with ledger.dedicated() as connection:
        for sequence in (10, 25, 10, 25):
            await links.confirm(connection.driver, peer.destination_id, sequence)
        for sequence in (20, 5):
            await links.settle(connection.driver, peer.destination_id, sequence)
        progress = await outbox.progress(connection.driver, peer.destination_id)
        cursor = await connection.driver.execute(
            "SELECT first_sequence, last_sequence FROM deliveries ORDER BY last_sequence"
        )
        assert await cursor.fetchall() == [(1, 10), (11, 25)]
    assert (progress.acked_sequence, progress.receipted_sequence) == (25, 20)
