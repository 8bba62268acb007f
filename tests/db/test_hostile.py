"""Whatever bytes a neighbour sends are taken, refused or put aside; none of them stops the hub."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange_db import inbox
from exchange_db.inbox import Arrival
from exchange_db.records import Record
from exchange_db.session import Ledger
from hub.intake.validation import Gate
from protos.exchange.v1 import parcel_pb2
from tests.support import strategies
from tests.support.applied import apply_waiting
from tests.support.builders import COUNTY, a_case, a_payload, a_principal
from tests.support.clock import NOON

#: A clock so late that no time of a record is ahead of it.
LATE = 7_258_118_400_000_000


async def _take_and_apply(ledger: Ledger, payloads: list[bytes]) -> str:
    gate = Gate(a_principal("000000.hub"), 0)
    items = [gate.check(payload, LATE) for payload in payloads]
    async with ledger.dedicated() as connection, connection.transaction() as session:
        stream = await inbox.open_stream(session, "000000.hub", "hostile")
        arrival = Arrival(stream.stream_id, "000000.hub", "thumb-000000.hub", 0, items)
        (answer,) = await inbox.append(session, [arrival], NOON, is_careful=True)
    await apply_waiting(ledger)
    return answer.outcomes


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(strategies.cases | strategies.sheets, min_size=1, max_size=6))
async def test_every_record_that_keeps_the_contract_can_be_applied(ledger: Ledger, records: list[Record]) -> None:
    outcomes = await _take_and_apply(ledger, [a_payload(record) for record in records])
    assert set(outcomes) <= {"D", "R", "U"}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.just("a\0b"),
    path=st.sampled_from(
        ["origin_id", "message_id", "issuer_id", "case_no", "region_code", "source_code", "unit_code"]
    ),
)
async def test_no_text_in_any_field_stops_intake_or_apply(ledger: Ledger, text: str, path: str) -> None:
    message = parcel_pb2.Parcel.FromString(a_payload(a_case(issuer_id=COUNTY)))
    owner = {"issuer_id": message.case.key, "case_no": message.case.key, "unit_code": message.case.assignment}.get(
        path, message if path in ("origin_id", "message_id") else message.case.report
    )
    setattr(owner, path, text)
    outcomes = await _take_and_apply(ledger, [message.SerializeToString()])
    assert outcomes in {"D", "R", "U"}


async def test_bytes_with_every_value_are_kept_in_quarantine(ledger: Ledger) -> None:
    payloads = [bytes(range(256)), b"", b"\x00" * 10]
    assert await _take_and_apply(ledger, payloads) == "RRR"
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT payload FROM quarantine ORDER BY sequence")
        assert [row[0] for row in await cursor.fetchall()] == payloads
