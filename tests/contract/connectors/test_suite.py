"""What every transport promises to whoever sends and fetches records by it. A new one is added to ``TRANSPORTS``."""

import asyncio
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from connectors.county.client import CountyClient, State
from connectors.errors import CallRefused, ConnectorError, CredentialsRefused, Unreachable
from connectors.transports.dialling import peer_at
from connectors.transports.grpc_peer import Answer
from connectors.wire import read_parcel, write_parcel
from exchange_db.records import Case, HandlingState, ReportState
from hub.demo.staging import free_port
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1.receipt_pb2 import (
    BUSINESS_STATE_QUARANTINED,
    OUTCOME_DUPLICATE,
    OUTCOME_DURABLE,
    OUTCOME_OUT_OF_ORDER,
    OUTCOME_REFUSED,
)
from tests.contract.connectors.conftest import Way
from tests.support.builders import CITY, COUNTY, a_case, a_handling, a_report
from tests.support.stages import change, until_value, value


def _payload(case: Case) -> bytes:
    return write_parcel(uuid.uuid4(), COUNTY, time.time_ns() // 1_000, case)


def _reported(way: Way, name: str, count: int = 1) -> list[bytes]:
    return [_payload(a_case(f"{way.transport}-{name}-{number}", report=_report())) for number in range(count)]


def _report(**changes: Any) -> Any:
    # The county's platform is its own authority here, so that it may file and dispatch without another one.
    values: dict[str, Any] = {"state": ReportState.FILED, "authority_id": COUNTY}
    return a_report(**values | changes)


async def _push(
    way: Way, stream: str, *batches: tuple[int, list[bytes]], wants_receipts: bool = False
) -> tuple[list[exchange.BatchVerdict], list[exchange.ReceiptRange]]:
    async with way.peer() as hub, hub.push(stream, wants_receipts=wants_receipts) as pushing:
        for first_sequence, payloads in batches:
            await pushing.send(first_sequence, payloads)
        await pushing.finish()
        answers: list[Answer] = [answer async for answer in pushing.answers()]
    return [a.verdict for a in answers if a.verdict], [a.receipts for a in answers if a.receipts]


async def _next_of(way: Way, stream: str) -> int:
    async with way.peer() as hub, hub.push(stream) as pushing:
        return pushing.next_sequence


async def test_what_is_delivered_is_durable_and_its_receipts_come_back(way: Way) -> None:
    payloads = _reported(way, "deliver", 5)
    verdicts, receipts = await _push(
        way, f"{way.transport}-deliver", (1, payloads[:2]), (3, payloads[2:]), wants_receipts=True
    )
    assert [list(verdict.outcomes) for verdict in verdicts] == [[OUTCOME_DURABLE] * 2, [OUTCOME_DURABLE] * 3]
    assert [verdict.first_sequence for verdict in verdicts] == [1, 3]
    assert [verdict.next_sequence for verdict in verdicts] == [3, 6]
    assert all(verdict.accepted_time > 0 for verdict in verdicts)
    assert [receipts[0].first_sequence, receipts[-1].last_sequence] == [1, 5]
    assert [item for part in receipts for item in part.exceptions] == []
    held = "SELECT count(*) FROM inbox WHERE payload = ANY(%s)"
    assert value(way.site.hub, held, payloads) == 5, "the hub keeps the very bytes, whichever way they came"


async def test_what_is_sent_again_happens_once(way: Way) -> None:
    stream, payloads = f"{way.transport}-repeat", _reported(way, "repeat", 3)
    await _push(way, stream, (1, payloads))
    assert await _next_of(way, stream) == 4
    again, _ = await _push(way, stream, (1, payloads))
    assert list(again[0].outcomes) == [OUTCOME_DUPLICATE] * 3
    elsewhere, _ = await _push(way, f"{stream}-2", (1, payloads))
    assert list(elsewhere[0].outcomes) == [OUTCOME_DUPLICATE] * 3
    assert [item.sequence for item in elsewhere[0].verdicts] == [1, 2, 3]
    other, _ = await _push(way, stream, (1, _reported(way, "repeat-other")))
    assert [(item.outcome, item.reason) for item in other[0].verdicts] == [(OUTCOME_REFUSED, "SEQUENCE_REUSED")]
    assert value(way.site.hub, "SELECT count(*) FROM inbox WHERE payload = ANY(%s)", payloads) == 3


async def test_a_refused_parcel_names_its_field_and_the_others_go_on(way: Way) -> None:
    wrong = a_case(f"{way.transport}-wrong", report=_report(region_code="431222"))
    payloads = _reported(way, "beside", 2)
    payloads.insert(1, _payload(wrong))
    (verdict,), receipts = await _push(way, f"{way.transport}-refuse", (1, payloads), wants_receipts=True)
    assert list(verdict.outcomes) == [OUTCOME_DURABLE, OUTCOME_REFUSED, OUTCOME_DURABLE]
    (told,) = verdict.verdicts
    assert (told.sequence, told.reason, told.field_path) == (2, "REGION_FORBIDDEN", "case.report.region_code")
    assert told.message
    assert told.message_zh
    assert receipts[-1].last_sequence == 3
    held = "SELECT count(*) FROM quarantine WHERE stage = 'intake' AND payload = %s"
    assert value(way.site.hub, held, payloads[1]) == 1


async def test_a_gap_is_not_taken_and_the_hub_says_where_to_go_on(way: Way) -> None:
    stream, payloads = f"{way.transport}-gap", _reported(way, "gap", 2)
    (verdict,), _ = await _push(way, stream, (5, payloads))
    assert list(verdict.outcomes) == [OUTCOME_OUT_OF_ORDER] * 2
    assert verdict.next_sequence == 1
    assert await _next_of(way, stream) == 1
    (verdict,), _ = await _push(way, stream, (verdict.next_sequence, payloads))
    assert list(verdict.outcomes) == [OUTCOME_DURABLE] * 2


async def test_what_breaks_a_rule_later_is_told_by_a_receipt(way: Way) -> None:
    unknown = a_case(f"{way.transport}-never", handling=a_handling(1, HandlingState.RECEIVED))
    payloads = [*_reported(way, "receipt"), _payload(unknown)]
    (verdict,), receipts = await _push(way, f"{way.transport}-receipt", (1, payloads), wants_receipts=True)
    assert list(verdict.outcomes) == [OUTCOME_DURABLE] * 2
    (exception,) = [item for part in receipts for item in part.exceptions]
    assert (exception.sequence, exception.state) == (2, BUSINESS_STATE_QUARANTINED)
    assert exception.reason == "CASE_UNKNOWN"
    assert exception.message_zh


async def _pulled(way: Way, after: int, batch_size: int = 500) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    async with way.peer() as hub:
        async for response in hub.pull(after, batch_size=batch_size, stop_when_empty=True):
            assert 1 <= len(response.batch.parcels) <= batch_size
            found += enumerate(response.batch.parcels, response.batch.first_sequence)
    return found


async def _lay_down(way: Way, name: str, count: int) -> None:
    """Has the city pass some cases to the county: it alone is a neighbour here, so the rows are laid down by hand."""
    payloads = _reported(way, name, count)
    await _push(way, f"{way.transport}-{name}", (1, payloads), wants_receipts=True)
    change(
        way.site.hub,
        "INSERT INTO outbox (destination_id, partition, position, inbox_id)"
        " SELECT (SELECT destination_id FROM peers WHERE peer_id = %s), i.partition, i.inbox_id * 16, i.inbox_id"
        " FROM inbox i WHERE i.payload = ANY(%s)",
        COUNTY,
        payloads,
    )


async def test_what_is_due_is_fetched_from_any_cursor(way: Way) -> None:
    before = len(await _pulled(way, 0))
    await _lay_down(way, "due", 7)
    everything = await _pulled(way, 0)
    assert [number for number, _ in everything] == list(range(1, before + 8))
    numbers = {read_parcel(payload).record.case_no for _, payload in everything[before:]}  # type: ignore[union-attr]
    assert numbers == {f"{way.transport}-due-{number}" for number in range(7)}
    assert await _pulled(way, before + 3) == everything[before + 3 :]
    assert await _pulled(way, before, batch_size=2) == everything[before:]
    async with way.peer() as hub:
        await hub.confirm(before + 7)
    acked = "SELECT acked_sequence FROM links JOIN peers USING (destination_id) WHERE peer_id = %s"
    assert value(way.site.hub, acked, COUNTY) == before + 7
    with pytest.raises(CallRefused) as ahead:
        await _pulled(way, before + 8)
    assert ahead.value.reason == "CURSOR_AHEAD"
    assert len(ahead.value.violations) == 1


async def test_who_waits_is_given_what_comes(way: Way) -> None:
    before = len(await _pulled(way, 0))

    async def first() -> int:
        async with way.peer() as hub:
            async for response in hub.pull(before):
                return response.batch.first_sequence
        raise AssertionError("the pull ended")

    waiting = asyncio.create_task(first())
    await _lay_down(way, "live", 1)
    assert await asyncio.wait_for(waiting, 15) == before + 1


async def _trouble(way: Way, **changes: Any) -> ConnectorError:
    with pytest.raises(ConnectorError) as trouble:
        async with peer_at(way.target._replace(**changes)) as hub, hub.push("trouble"):
            pass
    return trouble.value


async def test_a_hub_that_does_not_answer_is_unreachable(way: Way) -> None:
    trouble = await _trouble(way, address=f"127.0.0.1:{free_port()}")
    assert isinstance(trouble, Unreachable)


async def test_a_hub_that_is_not_the_one_pinned_gets_nothing(way: Way) -> None:
    for changes in ({"thumbprint": "0" * 64}, {"peer_id": "431300.hub"}):
        trouble = await _trouble(way, **changes)
        assert isinstance(trouble, CredentialsRefused)
        assert trouble.reason == "CERTIFICATE_UNKNOWN"


async def test_who_is_blocked_is_refused_on_the_next_call(way: Way) -> None:
    async with way.peer() as hub:
        change(way.site.hub, "UPDATE peers SET state = 'blocked' WHERE peer_id = %s", COUNTY)
        try:
            with pytest.raises(CredentialsRefused) as refused:
                await hub.confirm(0)
            assert refused.value.reason == "PEER_BLOCKED"
        finally:
            change(way.site.hub, "UPDATE peers SET state = 'active' WHERE peer_id = %s", COUNTY)
        async with hub.push("blocked") as pushing:
            assert pushing.next_sequence == 1


async def test_a_call_that_is_wrong_as_a_whole_is_refused_with_its_field(way: Way) -> None:
    with pytest.raises(CallRefused) as refused:
        async with way.peer() as hub, hub.push("Große Straße"):
            pass
    assert refused.value.reason == "STREAM_NAME_INVALID"
    assert refused.value.violations[0][0].endswith("stream")


async def test_a_county_client_reports_and_takes_its_assignments_by_its_profile(way: Way, tmp_path: Path) -> None:
    before = len(await _pulled(way, 0))
    case = a_case(f"{way.transport}-client", report=_report())
    stray = a_case(f"{way.transport}-client-2", handling=a_handling(1, HandlingState.RECEIVED))
    async with CountyClient(way.profile, tmp_path / "spool") as client:
        await client.report(case, stray)
        await asyncio.wait_for(client.flush(is_settled=True), 30)
        receipts = [receipt async for receipt in client.receipts(stop_when_empty=True)]
        assert [(r.case_no.removeprefix(way.transport), r.state) for r in receipts[:2]] == [
            ("-client", State.ACCEPTED),
            ("-client-2", State.ACCEPTED),
        ]
        assert {(r.case_no.removeprefix(way.transport), r.state) for r in receipts[2:]} == {
            ("-client", State.APPLIED),
            ("-client-2", State.QUARANTINED),
        }
        await _lay_down(way, "assigned", 2)
        taken = [found.case_no async for found in client.assignments(stop_when_empty=True)]
        assert len(taken) == before + 2
        assert set(taken[before:]) == {f"{way.transport}-assigned-{number}" for number in range(2)}
    await until_value(
        way.site.hub,
        before + 2,
        "SELECT acked_sequence FROM links JOIN peers USING (destination_id) WHERE peer_id = %s",
        COUNTY,
    )
    assert way.profile.hub_id == CITY
