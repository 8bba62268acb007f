"""The log: what is taken in, in which order, and what is answered to repeats."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from exchange_db import inbox, months
from exchange_db.inbox import Answer, Arrival, Entry, Refusal, Stream
from exchange_db.keys import PARTITION_COUNT, partition_of
from exchange_db.records import Violated
from exchange_db.session import Ledger
from tests.support.builders import COUNTY, OTHER_COUNTY, a_case, a_case_no_in, an_entry
from tests.support.clock import NOON, at

Items = list[Entry | Refusal]


async def _stream(ledger: Ledger, sender_id: str = COUNTY, name: str = "cases") -> Stream:
    async with ledger.write() as session:
        return await inbox.open_stream(session, sender_id, name)


async def _append(
    ledger: Ledger, stream: Stream, first: int, items: Items, *, now: int = NOON, is_careful: bool = False
) -> Answer:
    async with ledger.write() as session:
        arrival = Arrival(stream.stream_id, COUNTY, "thumb", first, items)
        return (await inbox.append(session, [arrival], now, is_careful=is_careful))[0]


async def _counts(ledger: Ledger, stream: Stream) -> tuple[int, int, int, int]:
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT last_sequence, accepted_count, refused_count, duplicate_count FROM streams WHERE stream_id = %s",
            (stream.stream_id,),
        )
        row = await cursor.fetchone()
    assert row is not None
    return (row[0], row[1], row[2], row[3])


async def _logged(ledger: Ledger) -> list[tuple[int, int, bytes]]:
    """Everything in the log as (inbox_id, sequence, payload), by id."""
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT inbox_id, sequence, payload FROM inbox ORDER BY inbox_id")
        return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


def _refusal(payload: bytes = b"bad") -> Refusal:
    return Refusal(Violated("FIELD_MISSING", "origin_id").violation, COUNTY, payload)


async def test_a_stream_is_made_once_and_found_again(ledger: Ledger) -> None:
    first = await _stream(ledger)
    assert first.last_sequence == 0
    assert await _stream(ledger) == first
    assert (await _stream(ledger, OTHER_COUNTY)).stream_id != first.stream_id


async def test_new_records_are_durable_and_keep_their_bytes(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    entries: Items = [an_entry(), an_entry(), an_entry()]
    answer = await _append(ledger, stream, 1, entries)
    assert answer == Answer("DDD", {}, 4)
    logged = await _logged(ledger)
    assert [(sequence, payload) for _, sequence, payload in logged] == [
        (number, entry.payload) for number, entry in enumerate(entries, 1)
    ]
    assert (await _stream(ledger)).last_sequence == 3


async def test_a_repeat_gets_its_first_answer_and_is_not_logged_again(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    items: Items = [an_entry(), _refusal(), an_entry()]
    first = await _append(ledger, stream, 1, items)
    again = await _append(ledger, stream, 1, items)
    assert first.outcomes == "DRD"
    assert again.outcomes == "URU"
    assert again.violations == first.violations
    assert again.next_sequence == first.next_sequence == 4
    assert len(await _logged(ledger)) == 2


async def test_a_record_accepted_once_stays_accepted_when_it_would_be_refused_today(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    entry = an_entry()
    await _append(ledger, stream, 1, [entry])
    assert (await _append(ledger, stream, 1, [_refusal(entry.payload)])).outcomes == "U"


async def test_a_batch_may_begin_with_repeats_and_go_on_with_new_records(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    known: Items = [an_entry(), an_entry()]
    await _append(ledger, stream, 1, known)
    answer = await _append(ledger, stream, 2, [known[1], an_entry(), _refusal()])
    assert answer.outcomes == "UDR"
    assert answer.next_sequence == 5
    assert await _counts(ledger, stream) == (4, 3, 1, 0)


async def test_a_gap_is_answered_out_of_order_and_nothing_is_taken(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    await _append(ledger, stream, 1, [an_entry()])
    answer = await _append(ledger, stream, 3, [an_entry(), an_entry()])
    assert answer == Answer("OO", {}, 2)
    assert len(await _logged(ledger)) == 1


async def test_number_zero_stands_for_the_next_one(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    await _append(ledger, stream, 1, [an_entry(), an_entry()])
    assert await _append(ledger, stream, 0, [an_entry()]) == Answer("D", {}, 4)


async def test_a_number_used_for_another_content_is_refused_by_name(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    await _append(ledger, stream, 1, [an_entry(), _refusal(b"one")])
    answer = await _append(ledger, stream, 1, [an_entry(), _refusal(b"two")])
    assert answer.outcomes == "RR"
    assert {violation.reason for violation in answer.violations.values()} == {"SEQUENCE_REUSED"}
    assert len(await _logged(ledger)) == 1


async def test_a_number_used_for_a_duplicate_is_not_silently_used_for_another_content(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    entry = an_entry()
    await _append(ledger, stream, 1, [entry])
    assert (await _append(ledger, stream, 2, [entry], is_careful=True)).outcomes == "U"
    assert (await _append(ledger, stream, 2, [entry])).outcomes == "U"
    for other in (an_entry(), _refusal()):
        answer = await _append(ledger, stream, 2, [other])
        assert answer.outcomes == "R"
        assert answer.violations[0].reason == "SEQUENCE_REUSED"


async def test_a_known_message_under_another_number_raises_and_is_a_duplicate_when_looked_at(ledger: Ledger) -> None:
    stream, other = await _stream(ledger), await _stream(ledger, name="again")
    entry = an_entry()
    await _append(ledger, stream, 1, [entry])
    with pytest.raises(psycopg.errors.UniqueViolation):
        await _append(ledger, other, 1, [an_entry(), entry])
    assert (await _stream(ledger, name="again")).last_sequence == 0
    answer = await _append(ledger, other, 1, [an_entry(), entry, an_entry()], is_careful=True)
    assert answer == Answer("DUD", {}, 4)
    assert await _counts(ledger, other) == (3, 2, 0, 1)


async def test_a_message_twice_in_one_batch_is_taken_once(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    entry = an_entry()
    with pytest.raises(psycopg.errors.UniqueViolation):
        await _append(ledger, stream, 1, [entry, entry])
    assert (await _append(ledger, stream, 1, [entry, entry], is_careful=True)).outcomes == "DU"


async def test_a_message_id_used_for_another_content_is_refused_and_kept(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    message_id = UUID(int=7)
    await _append(ledger, stream, 1, [an_entry(a_case("one"), message_id=message_id)])
    other = an_entry(a_case("two"), message_id=message_id)
    answer = await _append(ledger, stream, 2, [other], is_careful=True)
    assert answer.outcomes == "R"
    assert answer.violations[0].reason == "MESSAGE_ID_REUSED"
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT stage, sequence, reason, payload FROM quarantine")
        assert await cursor.fetchall() == [("intake", 2, "MESSAGE_ID_REUSED", other.payload)]


async def test_the_same_message_id_of_two_platforms_are_two_messages(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    ours = an_entry(a_case("one"), message_id=UUID(int=7))
    theirs = an_entry(a_case("one", OTHER_COUNTY), message_id=UUID(int=7))
    assert (await _append(ledger, stream, 1, [ours, theirs])).outcomes == "DD"


async def test_refused_records_use_up_their_number_and_lie_in_quarantine(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    answer = await _append(ledger, stream, 1, [an_entry(), _refusal(b"\x00\xff"), an_entry()])
    assert answer.violations[1].field_path == "origin_id"
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT stream_id, sequence, peer_id, origin_id, reason, payload, resolution FROM quarantine"
        )
        assert await cursor.fetchall() == [(stream.stream_id, 2, COUNTY, COUNTY, "FIELD_MISSING", b"\x00\xff", "open")]


async def test_the_proof_of_a_stream_adds_up(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    known = an_entry()
    await _append(ledger, stream, 1, [known, _refusal(), an_entry()])
    await _append(ledger, stream, 4, [known, _refusal(b"x"), an_entry(), an_entry()], is_careful=True)
    await _append(ledger, stream, 2, [_refusal()])
    await _append(ledger, stream, 99, [an_entry()])
    last, accepted, refused, duplicate = await _counts(ledger, stream)
    assert (last, accepted, refused, duplicate) == (7, 4, 2, 1)
    assert last == accepted + refused + duplicate


async def test_batches_of_several_streams_are_answered_in_their_order(ledger: Ledger) -> None:
    one, two = await _stream(ledger), await _stream(ledger, OTHER_COUNTY)
    first: Items = [an_entry(), an_entry()]
    async with ledger.write() as session:
        answers = await inbox.append(
            session,
            [
                Arrival(one.stream_id, COUNTY, "", 1, first),
                Arrival(two.stream_id, OTHER_COUNTY, "", 1, [an_entry()]),
                Arrival(one.stream_id, COUNTY, "", 2, [first[1], an_entry()]),
            ],
            NOON,
        )
    assert [answer.outcomes for answer in answers] == ["DD", "D", "UD"]
    assert await _counts(ledger, one) == (3, 3, 0, 0)


async def test_an_append_that_is_rolled_back_leaves_nothing(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    with pytest.raises(RuntimeError):
        async with ledger.write() as session:
            await inbox.append(session, [Arrival(stream.stream_id, COUNTY, "", 1, [an_entry()])], NOON)
            raise RuntimeError
    assert await _logged(ledger) == []
    assert (await _append(ledger, stream, 1, [an_entry()])).outcomes == "D"


async def test_ids_rise_in_commit_order_with_many_writers(ledger: Ledger, database_url: str) -> None:
    """A reader that always goes on behind the last id it saw must see every record, while others write."""
    writers, batches, size = 4, 6, 5
    seen: list[int] = []
    is_done = asyncio.Event()

    async def write(number: int) -> None:
        stream = await _stream(ledger, f"43122{number}.platform")
        for batch in range(batches):
            await _append(ledger, stream, batch * size + 1, [an_entry() for _ in range(size)])

    async def read() -> None:
        async with Ledger(database_url, pool_size=1) as reading:
            while True:
                is_last = is_done.is_set()
                async with reading.read() as session:
                    cursor = await session.driver.execute(
                        "SELECT inbox_id FROM inbox WHERE inbox_id > %s ORDER BY inbox_id", (max(seen, default=0),)
                    )
                    seen.extend(row[0] for row in await cursor.fetchall())
                if is_last:
                    return

    reader = asyncio.create_task(read())
    await asyncio.gather(*map(write, range(writers)))
    is_done.set()
    await reader
    assert len(seen) == writers * batches * size
    assert seen == [inbox_id for inbox_id, _, _ in await _logged(ledger)]


async def test_two_senders_of_the_same_batch_take_it_once(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    items: Items = [an_entry() for _ in range(20)]
    answers = await asyncio.gather(*(_append(ledger, stream, 1, items) for _ in range(3)))
    assert sorted(answer.outcomes for answer in answers) == ["D" * 20, "U" * 20, "U" * 20]
    assert await _counts(ledger, stream) == (20, 20, 0, 0)


async def test_a_record_lies_in_the_partition_of_its_key(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    entries: Items = [an_entry() for _ in range(40)]
    await _append(ledger, stream, 1, entries)
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT partition, uuid_send(record_key) FROM inbox", binary=True)
        rows = await cursor.fetchall()
    assert all(partition == partition_of(key) for partition, key in rows)


async def test_runs_are_read_in_order_behind_each_cursor(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    numbers = [a_case_no_in(3), a_case_no_in(5)]
    entries = [an_entry(a_case(numbers[index % 2])) for index in range(10)]
    await _append(ledger, stream, 1, [*entries])
    everything = dict.fromkeys(range(PARTITION_COUNT), 0)
    async with ledger.dedicated() as connection:
        rows = await inbox.fetch_runs(connection, everything, 100)
        assert len(rows) == 10
        for partition, expected in ((3, [1, 3, 5, 7, 9]), (5, [2, 4, 6, 8, 10])):
            run = [row for row in rows if row.partition == partition]
            assert [row.sequence for row in run] == expected
            assert [row.inbox_id for row in run] == sorted(row.inbox_id for row in run)
        first = [row for row in rows if row.partition == 3][:2]
        rest = await inbox.fetch_runs(connection, {3: first[-1].inbox_id}, 2)
        assert [row.sequence for row in rest] == [5, 7]
        assert rest[0].facts == entries[4].facts
        assert await inbox.payloads(connection, rest[:1]) == {rest[0].inbox_id: entries[4].payload}
        assert await inbox.fetch_runs(connection, {4: 0}, 100) == []


async def test_each_month_has_its_table_and_ids_keep_rising_over_the_turn(ledger: Ledger) -> None:
    june, july = at("2020-06-30T23:59:59"), at("2020-07-01T00:00:01")
    async with ledger.write() as session:
        await months.ensure(session, june)
        await months.ensure(session, june)
    stream = await _stream(ledger)
    await _append(ledger, stream, 1, [an_entry()], now=june)
    await _append(ledger, stream, 2, [an_entry()], now=july)
    await _append(ledger, stream, 3, [an_entry()], now=june)
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT tableoid::regclass::text FROM inbox ORDER BY inbox_id")
        tables = [row[0] for row in await cursor.fetchall()]
    assert tables == ["inbox_2020_06", "inbox_2020_07", "inbox_2020_07"]
    assert [sequence for _, sequence, _ in await _logged(ledger)] == [1, 2, 3]


async def test_a_month_that_began_without_a_table_is_no_obstacle(ledger: Ledger) -> None:
    stream = await _stream(ledger)
    await _append(ledger, stream, 1, [an_entry()], now=NOON)
    async with ledger.write() as session:
        await months.ensure(session, NOON)
    assert (await _append(ledger, stream, 2, [an_entry()], now=NOON)).outcomes == "D"
    assert len(await _logged(ledger)) == 2
