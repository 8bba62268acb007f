"""Records put aside: seen with reason and bytes, resolved once."""

from typing import Any

from exchange_db import quarantine
from exchange_db.keys import case_key
from exchange_db.quarantine import Held
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from tests.support.builders import CITY, COUNTY

KEY = case_key(COUNTY, "2020-0001")


def _held(sequence: int = 1, reason: str = "CASE_UNKNOWN", **changes: Any) -> Held:
    values: dict[str, Any] = {
        "stage": "apply",
        "stream_id": 1,
        "destination_id": None,
        "sequence": sequence,
        "inbox_id": 17,
        "peer_id": CITY,
        "origin_id": COUNTY,
        "record_key": KEY,
        "region": 431221,
        "violation": Violated(reason, "case.key.case_no", "2020-0001").violation,
        "payload": bytes(range(256)),
    }
    return Held(**values | changes)


async def _hold(ledger: Ledger, *held: Held) -> None:
    async with ledger.dedicated() as connection, connection.transaction() as session:
        await quarantine.hold(session, list(held))


async def test_a_record_is_kept_with_its_reason_in_both_languages_and_its_bytes(ledger: Ledger) -> None:
    await _hold(ledger, _held())
    async with ledger.read() as session:
        (row,) = await quarantine.listing(session)
        assert await quarantine.find(session, row.quarantine_id) == row
        assert await quarantine.find(session, row.quarantine_id + 1) is None
    assert (row.stage, row.peer_id, row.origin_id, row.region) == ("apply", CITY, COUNTY, 431221)
    assert (row.reason, row.field_path, row.resolution) == ("CASE_UNKNOWN", "case.key.case_no", "open")
    assert row.payload == bytes(range(256))
    assert "report" in row.message
    assert "上报" in row.message_zh


async def test_records_are_listed_newest_first_and_only_those_a_reader_may_see(ledger: Ledger) -> None:
    await _hold(ledger, _held(1), _held(2, region=431222), _held(3, region=None, record_key=None))
    async with ledger.read() as session:
        assert [row.sequence for row in await quarantine.listing(session)] == [3, 2, 1]
        assert [row.sequence for row in await quarantine.listing(session, limit=2)] == [3, 2]
        assert [row.sequence for row in await quarantine.listing(session, visible=subtree(431221))] == [1]


async def test_the_records_of_one_case_are_found_oldest_first(ledger: Ledger) -> None:
    await _hold(ledger, _held(1), _held(2, record_key=case_key(COUNTY, "other")), _held(3))
    async with ledger.read() as session:
        assert [row.sequence for row in await quarantine.of_record(session, KEY)] == [1, 3]


async def test_a_record_is_resolved_once_and_may_be_opened_again(ledger: Ledger) -> None:
    await _hold(ledger, _held())
    async with ledger.write() as session:
        (row,) = await quarantine.listing(session)
        assert await quarantine.resolve(session, row.quarantine_id, "discarded", "li.wei")
        assert not await quarantine.resolve(session, row.quarantine_id, "replayed", "wang.fang")
        assert await quarantine.listing(session) == []
        assert [found.resolution for found in await quarantine.listing(session, resolution="discarded")] == [
            "discarded"
        ]
        await quarantine.reopen(session, row.quarantine_id)
        assert await quarantine.listing(session) == [row]


async def test_open_records_are_counted_by_reason(ledger: Ledger) -> None:
    await _hold(ledger, _held(1), _held(2), _held(3, "FIELD_MISSING"))
    async with ledger.write() as session:
        row = (await quarantine.listing(session))[-1]
        await quarantine.resolve(session, row.quarantine_id, "discarded", "li.wei")
    async with ledger.read() as session:
        assert await quarantine.counts(session) == {"CASE_UNKNOWN": 1, "FIELD_MISSING": 1}


async def test_holding_nothing_is_no_work(ledger: Ledger) -> None:
    await _hold(ledger)
    async with ledger.read() as session:
        assert await quarantine.listing(session) == []
