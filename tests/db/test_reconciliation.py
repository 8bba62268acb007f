"""Marks of a link in the ledger: made once, summed up by hour, looked at again, explained, put back, counted."""

import pytest

from auth.masking import masked_text
from auth.principal import Principal
from connectors.veiling import veiled
from connectors.wire import mark_of
from exchange_db import inbox, link_days, link_records, links, marking, outbox
from exchange_db.inbox import Answer, Entry
from exchange_db.keys import PARTITION_COUNT
from exchange_db.marking import Way
from exchange_db.marks import Cells, Mark, MarkRef, Standing, cells_of, day_of, digest_of, hours_of
from exchange_db.peers import Peer
from exchange_db.records import Refused, Violation
from exchange_db.seal_records import RESEND_STREAM, Seal, Sealed
from exchange_db.session import Ledger
from hub.intake.validation import Gate
from hub.reconciliation.folding import MarkFold
from hub.reconciliation.repairing import RepairDesk
from hub.reconciliation.side import LedgerSide
from hub.sections.personal import PersonalPart
from hub.veil import Veil
from tests.support.applied import take_in
from tests.support.builders import CITY, COUNTY, OTHER_COUNTY, PROVINCE, a_case, a_payload, a_principal, a_report
from tests.support.clock import NOON
from tests.support.neighbours import enrolled

CITY_REGION = 431200
_VEIL = Veil("431200.hub", PersonalPart())
DAY = day_of(NOON)
HOUR = 3_600_000_000


def _payloads(count: int, prefix: str = "R", origin_id: str = COUNTY) -> list[bytes]:
    """Cases of one day, a quarter of an hour apart."""
    return [
        a_payload(
            a_case(f"{prefix}-{n}", origin_id, report=a_report(region_code=origin_id[:6])),
            created_time=NOON - 8 * HOUR + n * HOUR // 4,
        )
        for n in range(count)
    ]


def _marks(payloads: list[bytes]) -> list[Mark]:
    return [mark for payload in payloads if (mark := mark_of(payload)) is not None]


def _refs(payloads: list[bytes]) -> list[MarkRef]:
    return [MarkRef(mark.message_key, mark.created_time) for mark in _marks(payloads)]


def _sender(peer: Peer) -> Principal:
    return a_principal(peer.peer_id, relation=peer.relation, destination_id=peer.destination_id)


async def _received(ledger: Ledger, peer: Peer, payloads: list[bytes]) -> Way:
    answer = await take_in(ledger, payloads, sender=_sender(peer))
    assert set(answer.outcomes) <= {"D", "U"}
    await MarkFold(ledger).run()
    return Way(peer.destination_id, is_sent=False)


async def _lay_down(ledger: Ledger, destination_id: int) -> None:
    """Owes everything in the log to a destination."""
    async with ledger.dedicated() as connection, connection.transaction() as session:
        cursor = await session.driver.execute(
            "SELECT partition, inbox_id FROM inbox i WHERE NOT EXISTS (SELECT FROM outbox o"
            " WHERE o.inbox_id = i.inbox_id AND o.destination_id = %s) ORDER BY inbox_id",
            (destination_id,),
        )
        rows = await cursor.fetchall()
        await outbox.add(session, [outbox.pack_entry(destination_id, home, row, 0, row) for home, row in rows])


async def _deliver(ledger: Ledger, destination_id: int, limit: int, *, is_answered: bool = True) -> None:
    async with ledger.dedicated() as connection:
        due = await outbox.due(connection.driver, destination_id, PARTITION_COUNT * 8 * 100)
        numbered = await outbox.number(connection.driver, due._replace(entries=due.entries[:limit]))
        if is_answered:
            await links.confirm(connection.driver, destination_id, numbered[-1].sequence)


async def _change(ledger: Ledger, statement: str, *values: object) -> None:
    async with ledger.watching() as connection:
        await connection.driver.execute(statement.encode(), values)


async def _days(ledger: Ledger, way: Way) -> Cells:
    return await LedgerSide(ledger, way).days(19700101, 22001231)


async def test_each_record_is_marked_once_and_summed_by_hour_and_day(ledger: Ledger) -> None:
    county, other = await enrolled(ledger, COUNTY), await enrolled(ledger, OTHER_COUNTY)
    payloads = _payloads(30)
    for part in (payloads[:10], payloads[:12], payloads[12:]):
        way = await _received(ledger, county, part)
    await _received(ledger, other, _payloads(3, "S", OTHER_COUNTY))
    assert await MarkFold(ledger).run() == 0
    side, marks = LedgerSide(ledger, way), _marks(payloads)
    assert await side.hours(DAY) == cells_of(marks, lambda mark: mark.created_time // HOUR)
    assert await _days(ledger, way) == cells_of(marks, lambda mark: day_of(mark.created_time))
    hour = marks[0].created_time // HOUR
    inside = [mark for mark in marks if mark.created_time // HOUR == hour]
    assert await side.buckets(hour) == cells_of(inside, lambda mark: mark.message_key[0])
    assert await side.marks(hour, -1) == inside
    assert await side.marks(hour, inside[1].message_key[0]) == [
        mark for mark in inside if mark.message_key[0] == inside[1].message_key[0]
    ]
    async with ledger.read() as session:
        assert await marking.marks(session, way, hour, -1, inside[1], 1) == inside[2:3]
    assert set(hours_of(DAY)) >= {place for place, _ in await side.hours(DAY)}


async def test_the_sender_marks_what_is_due_and_says_where_it_stands(ledger: Ledger) -> None:
    county, province = await enrolled(ledger, COUNTY), await enrolled(ledger, PROVINCE, "parent")
    payloads = _payloads(5)
    await _received(ledger, county, payloads)
    await _lay_down(ledger, province.destination_id)
    await _deliver(ledger, province.destination_id, 3)
    await _deliver(ledger, province.destination_id, 1, is_answered=False)
    async with ledger.dedicated() as connection, connection.transaction() as session:
        refusal = Refused(2, Violation("REGION_FORBIDDEN", "", "", ""))
        await links.hold_refused(session, province.destination_id, PROVINCE, [refusal])
    await MarkFold(ledger).run()
    way = Way(province.destination_id, is_sent=True)
    assert await _days(ledger, way) == cells_of(_marks(payloads), lambda mark: day_of(mark.created_time))
    strange = _marks(_payloads(1, "X"))
    standings = await LedgerSide(ledger, way).standings([*_marks(payloads), *strange])
    assert standings == [
        Standing.DELIVERED, Standing.REFUSED, Standing.DELIVERED, Standing.SENT, Standing.WAITING, Standing.UNKNOWN,
    ]  # fmt: skip
    async with ledger.write() as session:
        figures = await link_days.count_sent(session, way, DAY)
    assert figures[:4] == (5, 2, 1, 0)
    assert figures.transit_p95_ms is not None
    await _change(ledger, "DELETE FROM parcels WHERE sequence = 2")
    async with ledger.write() as session:
        assert (await link_days.count_sent(session, way, DAY)).gap_count == 1


async def test_a_recount_sees_what_is_gone_or_changed_and_what_came_back(ledger: Ledger) -> None:
    county = await enrolled(ledger, COUNTY)
    payloads = _payloads(6)
    way = await _received(ledger, county, payloads)
    side, before = LedgerSide(ledger, way), await _days(ledger, way)
    assert await side.recount([DAY]) == 0
    lost, changed = (mark.message_key.hex() for mark in _marks(payloads)[:2])
    await _change(ledger, "CREATE TABLE kept AS SELECT * FROM inbox")
    await _change(ledger, "DELETE FROM inbox WHERE message_key = %s::uuid", lost)
    await _change(ledger, "UPDATE inbox SET payload = payload || 'x' WHERE message_key = %s::uuid", changed)
    assert await _days(ledger, way) == before
    assert await side.recount([DAY]) == 2
    assert await _days(ledger, way) == cells_of(_marks(payloads[2:]), lambda mark: day_of(mark.created_time))
    assert (await side.standings(_marks(payloads)))[:3] == [Standing.LOST, Standing.DAMAGED, Standing.HELD]
    await _change(ledger, "DELETE FROM inbox")
    await _change(ledger, "INSERT INTO inbox SELECT * FROM kept")
    assert await side.recount([DAY]) == 0
    assert await _days(ledger, way) == before


async def test_what_came_from_somebody_else_first_is_held_all_the_same(ledger: Ledger) -> None:
    county, province = await enrolled(ledger, COUNTY), await enrolled(ledger, PROVINCE, "parent")
    payloads = _payloads(2)
    await _received(ledger, county, payloads)
    way = Way(province.destination_id, is_sent=False)
    assert await _days(ledger, way) == {}
    assert await LedgerSide(ledger, way).standings(_marks(payloads)) == [Standing.HELD, Standing.HELD]
    assert await _days(ledger, way) == cells_of(_marks(payloads), lambda mark: day_of(mark.created_time))


class Desk:
    """Takes records in as the intake desk does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.answer = Answer("", {}, 0)
        self.taken: list[bytes] = []

    def check(self, sender: Principal, payload: bytes) -> Entry | inbox.Refusal:
        return Gate(sender, CITY_REGION).check(payload, NOON)

    async def take(
        self, sender: Principal, stream_id: int, first_sequence: int, payloads: list[bytes], sealed: Sealed
    ) -> "Desk":
        self.taken += payloads
        self.answer = await take_in(self._ledger, payloads, sender=sender)
        return self


async def test_what_is_sealed_is_handed_in_whole_because_the_seal_is_over_all_of_it(ledger: Ledger) -> None:
    county = await enrolled(ledger, COUNTY)
    payloads = _payloads(3)
    way = await _received(ledger, county, payloads)
    await _change(ledger, "DELETE FROM inbox WHERE message_key = %s::uuid", _marks(payloads)[0].message_key.hex())
    await LedgerSide(ledger, way).recount([DAY])
    desk = Desk(ledger)
    sealed = Sealed(RESEND_STREAM, [Seal(b"statement", b"signature")])
    outcomes = await RepairDesk(ledger, desk.check, desk.take, _VEIL).take_again(_sender(county), payloads[:2], sealed)
    assert (outcomes, desk.taken) == ("DU", payloads[:2])


@pytest.mark.parametrize("has_key", [True, False])
async def test_a_lost_record_comes_back_to_its_place_and_nothing_else_does(ledger: Ledger, has_key: bool) -> None:
    county = await enrolled(ledger, COUNTY)
    payloads = _payloads(3)
    way = await _received(ledger, county, payloads)
    async with ledger.read() as session:
        places = await link_records.found_in_log(session, _refs(payloads))
    key = _marks(payloads)[0].message_key.hex()
    await _change(ledger, "DELETE FROM inbox WHERE message_key = %s::uuid", key)
    if not has_key:
        await _change(ledger, "DELETE FROM inbox_keys WHERE message_key = %s::uuid", key)
    await LedgerSide(ledger, way).recount([DAY])
    desk = Desk(ledger)
    repair = RepairDesk(ledger, desk.check, desk.take, _VEIL)
    assert await repair.take_again(_sender(county), [payloads[0], payloads[1]], Sealed(RESEND_STREAM, [])) == "DU"
    assert desk.taken == [payloads[1]]
    async with ledger.read() as session:
        assert sorted(await link_records.found_in_log(session, _refs(payloads))) == sorted(places)
    assert await _days(ledger, way) == cells_of(_marks(payloads), lambda mark: day_of(mark.created_time))


async def test_other_bytes_or_another_sender_never_come_to_a_lost_place(ledger: Ledger) -> None:
    county = await enrolled(ledger, COUNTY)
    payloads = _payloads(1)
    way = await _received(ledger, county, payloads)
    (mark,) = _marks(payloads)
    await _change(ledger, "DELETE FROM inbox")
    await LedgerSide(ledger, way).recount([DAY])
    desk = Desk(ledger)
    entry = desk.check(_sender(county), payloads[0])
    assert isinstance(entry, Entry)
    forged = Entry(entry.message_key, entry.kind, entry.record_key, entry.region, entry.facts, payloads[0] + b"\x00")
    elsewhere = Way(way.destination_id + 1, is_sent=False)
    async with ledger.write() as session:
        assert not await link_records.restore(
            session, way, COUNTY, mark._replace(digest=digest_of(forged.payload)), forged
        )
        assert not await link_records.restore(session, elsewhere, COUNTY, mark, entry)
        assert await link_records.restore(session, way, COUNTY, mark, entry)


async def test_a_record_that_was_masked_on_its_way_is_the_same_record_to_both_sides(ledger: Ledger) -> None:
    city = await enrolled(ledger, CITY)
    report = a_report(region_code="431221", description="王先生 13812345678")
    original = a_payload(a_case("M-1", COUNTY, report=report), COUNTY)
    shown = veiled(original, CITY, masked_text)
    way = await _received(ledger, city, [shown])
    side = LedgerSide(ledger, way)
    assert await side.recount([DAY]) == 0
    assert await _days(ledger, way) == cells_of(_marks([original]), lambda mark: day_of(mark.created_time))
    # Lost here, it comes back to its place in the form it was sent in.
    await _change(ledger, "DELETE FROM inbox")
    assert await side.recount([DAY]) == 1
    desk = Desk(ledger)
    repair = RepairDesk(ledger, desk.check, desk.take, _VEIL)
    assert await repair.take_again(_sender(city), [shown], Sealed(RESEND_STREAM, [])) == "D"
    assert (desk.taken, await side.recount([DAY])) == ([], 0)


async def test_a_neighbour_gets_the_bytes_of_what_is_owed_to_it_alone(ledger: Ledger) -> None:
    county, province = await enrolled(ledger, COUNTY), await enrolled(ledger, PROVINCE, "parent")
    payloads = _payloads(3)
    await _received(ledger, county, payloads)
    await _lay_down(ledger, province.destination_id)
    await MarkFold(ledger).run()
    async with ledger.read() as session:
        for way, owed in ((Way(province.destination_id, True), payloads), (Way(county.destination_id, True), [])):
            assert await link_records.payloads(session, way, _refs(payloads), 1_000_000) == owed
        way = Way(province.destination_id, True)
        assert await link_records.payloads(session, way, _refs(payloads), len(payloads[0]) + 1) == payloads[:1]
    await _change(ledger, "UPDATE inbox SET payload = 'x' WHERE inbox_id = (SELECT min(inbox_id) FROM inbox)")
    async with ledger.read() as session:
        assert await link_records.payloads(session, way, _refs(payloads), 1_000_000) == payloads[1:]


async def test_figures_of_what_came_know_its_gaps(ledger: Ledger) -> None:
    county = await enrolled(ledger, COUNTY)
    payloads = _payloads(6)
    way = await _received(ledger, county, payloads)
    await take_in(ledger, [*payloads[:1], b"\xff"], sender=_sender(county))
    async with ledger.write() as session:
        figures = await link_days.count_received(session, way, DAY)
        assert figures[:4] == (6, 6, 0, 0)
        await link_days.keep_figures(session, way, DAY, figures, NOON)
        await link_days.note_compared(session, way, DAY, 8, 2, NOON, "431221.platform")
        (kept,) = await link_days.listing(session, COUNTY)
        assert await link_days.latest(session) == [kept]
        assert (kept.own_count, kept.other_count, kept.coverage, kept.difference_count) == (6, 8, 0.75, 2)
        await session.driver.execute("DELETE FROM inbox_keys WHERE sequence = 3")
        assert (await link_days.count_received(session, way, DAY)).gap_count == 1


async def test_differences_are_kept_until_they_are_settled(ledger: Ledger) -> None:
    county = await enrolled(ledger, COUNTY)
    way = Way(county.destination_id, is_sent=False)
    one, two = b"1" * 16, b"2" * 16
    async with ledger.write() as session:
        await link_days.note_differences(
            session, way, DAY, [(one, 1, "lost", ""), (two, 1, "refused", "")], {one}, NOON
        )
        await link_days.note_differences(session, way, DAY, [(two, 1, "refused", "")], set(), NOON + HOUR)
        (open_one,) = await link_days.differences(session, is_open=True)
        assert (open_one.message_key, open_one.cause) == (two, "refused")
        await link_days.note_differences(session, way, DAY, [], set(), NOON + HOUR)
        found = await link_days.differences(session, COUNTY, day=DAY)
        assert {item.message_key: item.resent_time is not None for item in found} == {one: True, two: False}
        assert all(item.settled_time for item in found)
