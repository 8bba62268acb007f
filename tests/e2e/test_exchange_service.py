"""ExchangeService as its callers meet it: pushing, pulling from any cursor, asking inside one's rights."""

import asyncio
import uuid
from typing import Any

import grpc
import pytest

from connectors.errors import CallRefused, ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, asked
from exchange_db.records import Case, HandlingState, ReportState
from protos.common.v1 import page_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1.receipt_pb2 import (
    BUSINESS_STATE_APPLIED,
    BUSINESS_STATE_PENDING,
    BUSINESS_STATE_QUARANTINED,
    OUTCOME_DUPLICATE,
    OUTCOME_DURABLE,
    OUTCOME_REFUSED,
)
from tests.support.builders import HOUR, a_handling, a_report, an_assignment
from tests.support.clock import NOON
from tests.support.parties import CITY_PLATFORM, COUNTY, OTHER_COUNTY, Party, Town, key_of, written_by
from tests.support.pushing import first_pulled, push_all
from tests.support.stages import rows, value


def _report(case_no: str, issuer_id: str = COUNTY, **changes: Any) -> Case:
    values: dict[str, Any] = {"state": ReportState.FILED, "region_code": issuer_id[:6], "authority_id": CITY_PLATFORM}
    return Case(issuer_id, case_no, report=a_report(**values | changes))


def _payload(origin_id: str, case: Case) -> bytes:
    return written_by(origin_id, case).SerializeToString(deterministic=True)


async def test_a_push_stream_answers_every_record_and_brings_the_receipts_back(town: Town) -> None:
    unknown = Case(COUNTY, "2020-NEVER", handling=a_handling(1, HandlingState.RECEIVED))
    payloads = [_payload(COUNTY, _report(f"2020-P{number}")) for number in range(8)]
    payloads[3:3] = [b"\xff\xff", _payload(COUNTY, unknown)]
    settled: list[exchange.ReceiptRange] = []
    async with GrpcPeer(town.county.target) as hub, hub.push("receipts", wants_receipts=True) as stream:
        assert stream.next_sequence == 1
        await stream.send(1, payloads[:6])
        await stream.send(7, payloads[6:])
        await stream.finish()
        answers = [answer async for answer in stream.answers()]
    verdicts = [answer.verdict for answer in answers if answer.verdict]
    settled = [answer.receipts for answer in answers if answer.receipts]
    outcomes = [outcome for verdict in verdicts for outcome in verdict.outcomes]
    assert outcomes == [OUTCOME_DURABLE] * 3 + [OUTCOME_REFUSED] + [OUTCOME_DURABLE] * 6
    assert [verdict.next_sequence for verdict in verdicts] == [7, 11]
    assert all(verdict.accepted_time > 0 for verdict in verdicts)
    assert [settled[0].first_sequence, settled[-1].last_sequence] == [1, 10]
    assert [later.first_sequence for later in settled[1:]] == [part.last_sequence + 1 for part in settled[:-1]]
    exceptions = [exception for part in settled for exception in part.exceptions]
    assert [(e.sequence, e.state, e.reason) for e in exceptions] == [(5, BUSINESS_STATE_QUARANTINED, "CASE_UNKNOWN")]
    async with (
        GrpcPeer(town.county.target) as hub,
        hub.push("receipts", receipts_after=4, wants_receipts=True) as again,
    ):
        assert again.next_sequence == 11
        later = await anext(answer.receipts async for answer in again.answers() if answer.receipts)
        assert (later.first_sequence, later.exceptions[0].sequence) == (5, 5)


async def test_one_record_can_be_pushed_with_and_without_waiting_for_its_receipt(town: Town) -> None:
    parcel = written_by(COUNTY, _report("2020-ONE"))
    at_once = await town.county.push_parcel(parcel, 0)
    assert at_once.verdict.outcome == OUTCOME_DURABLE
    assert at_once.receipt.state in (BUSINESS_STATE_PENDING, BUSINESS_STATE_APPLIED)
    waited = await town.county.push_parcel(parcel, 10_000)
    assert (waited.verdict.outcome, waited.receipt.state) == (OUTCOME_DUPLICATE, BUSINESS_STATE_APPLIED)
    many = await asyncio.gather(*(town.county.push(_report(f"2020-MANY{number}")) for number in range(20)))
    assert {answer.receipt.state for answer in many} == {BUSINESS_STATE_APPLIED}
    sequences = sorted(answer.verdict.sequence for answer in many)
    assert sequences == list(range(sequences[0], sequences[0] + 20))
    async with GrpcPeer(town.county.target) as hub:
        for request_id in (str(uuid.uuid4()), "no uuid", ""):
            with pytest.raises(CallRefused) as refused:
                await asked(hub.exchange.PushOne(exchange.PushOneRequest(request_id=request_id, parcel=parcel)))
            assert refused.value.reason == "REQUEST_ID_INVALID"
            assert refused.value.violations[0][0] == "request_id"


async def _pull(party: Party, after: int, batch_size: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    async with GrpcPeer(party.target) as hub:
        async for response in hub.pull(after, batch_size=batch_size, stop_when_empty=True):
            assert len(response.batch.parcels) <= batch_size
            found += enumerate(response.batch.parcels, response.batch.first_sequence)
    return found


async def test_what_is_due_can_be_pulled_again_from_any_cursor_for_ever(town: Town) -> None:
    cases = [_report(f"2020-DUE{number:02d}", OTHER_COUNTY) for number in range(30)]
    assignments = [Case(OTHER_COUNTY, case.case_no, assignment=an_assignment(handler_id=COUNTY)) for case in cases]
    await push_all(town.other_county.target, "due", [_payload(OTHER_COUNTY, case) for case in cases])
    await push_all(town.city_platform.target, "due", [_payload(CITY_PLATFORM, case) for case in assignments])
    for case in (cases[-1], cases[0]):
        await town.county.until_pulled(case.case_no, "assignment")
    everything = await _pull(town.county, 0, 500)
    assert [sequence for sequence, _ in everything] == list(range(1, len(everything) + 1))
    assert len(everything) >= 60
    for after in (0, 1, 17, len(everything) - 1, len(everything)):
        for size in (1, 7, 500) if after > 20 else (500,):
            assert await _pull(town.county, after, size) == everything[after:]
    # A cursor that goes back takes nothing back: what was confirmed once stays confirmed.
    acked = "SELECT acked_sequence FROM links JOIN peers USING (destination_id) WHERE peer_id = %s"
    assert value(town.city, acked, COUNTY) == len(everything)
    with pytest.raises(CallRefused) as refused:
        await _pull(town.county, len(everything) + 1, 500)
    assert refused.value.reason == "CURSOR_AHEAD"
    async with GrpcPeer(town.county.target) as hub:
        waiting = asyncio.create_task(first_pulled(hub, len(everything)))
        await town.other_county.push(_report("2020-LIVE", OTHER_COUNTY))
        await town.city_platform.push(Case(OTHER_COUNTY, "2020-LIVE", assignment=an_assignment(handler_id=COUNTY)))
        came = await asyncio.wait_for(waiting, 20)
    assert came.batch.first_sequence == len(everything) + 1


async def _numbers(party: Party, **wanted: object) -> list[str]:
    """Returns the case numbers of a whole list, page by page."""
    found: list[str] = []
    token = ""
    while True:
        page = page_pb2.Page(size=4, token=token)
        answer = await party.listing(page=page, **wanted)
        assert len(answer.cases) <= 4
        found += [case.key.case_no for case in answer.cases]
        token = answer.next_page_token
        if not token:
            return found


async def test_lists_are_filtered_paged_and_end_at_the_callers_rights(town: Town) -> None:
    # A year of its own keeps the cases of other tests out.
    start = NOON + 4 * 366 * 24 * HOUR - 1_000 * 24 * HOUR
    for number in range(9):
        await town.county.push(_report(f"L-{number}", reported_time=start + number * HOUR))
    for number in range(3):
        await town.other_county.push(_report(f"M-{number}", OTHER_COUNTY, reported_time=start + number * HOUR))
    await town.city_platform.push(Case(COUNTY, "L-4", assignment=an_assignment(handler_id=COUNTY)))
    year = {"reported_from_time": start, "reported_before_time": start + 24 * HOUR}
    own = [f"L-{number}" for number in range(8, -1, -1)]
    assert await _numbers(town.county, **year) == own
    assert await _numbers(town.other_county, **year) == ["M-2", "M-1", "M-0"]
    assert sorted(await _numbers(town.city_platform, **year)) == sorted([*own, "M-0", "M-1", "M-2"])
    assert await _numbers(town.county, region_code="431222", **year) == []
    assert await _numbers(town.city_platform, region_code="431222", **year) == ["M-2", "M-1", "M-0"]
    assert await _numbers(town.county, state="disposing", **year) == ["L-4"]
    assert await _numbers(town.county, handler_id=COUNTY, **year) == ["L-4"]
    assert await _numbers(town.county, **year | {"reported_before_time": start + 2 * HOUR}) == ["L-1", "L-0"]
    line = (await town.county.listing(state="disposing", **year)).cases[0]
    assert (line.region_code, line.state, line.handler_id, line.unit_code) == ("431221", "disposing", COUNTY, "hw01")
    for wrong, path in (
        ({"state": "lost"}, "state"),
        ({"region_code": "4312"}, "region_code"),
        ({"page": page_pb2.Page(token="forged")}, "page.token"),
        ({"page": page_pb2.Page(size=1_001)}, "page.size"),
    ):
        with pytest.raises(CallRefused) as refused:
            await town.county.listing(**wrong)
        assert refused.value.violations[0][0] == path


async def test_a_county_learns_nothing_about_another_countys_case_from_any_tier(town: Town) -> None:
    secret = _report("2020-SECRET", OTHER_COUNTY)
    await town.other_county.push(secret)
    assert (await town.other_county.case(secret)).case.report.description
    for ask in (town.county.case, town.county.trace):
        with pytest.raises(ConnectorError, match="没有该案件") as refused:
            await ask(secret)
        assert refused.value.reason == "CASE_NOT_FOUND"
    nobody = Case("x", "y")
    with pytest.raises(CallRefused) as invalid:
        await town.county.case(nobody)
    assert invalid.value.violations[0][0] == "key.issuer_id"
    assert key_of(secret).issuer_id == OTHER_COUNTY


async def test_a_platform_speaks_in_its_own_name_and_about_its_own_region_only(town: Town) -> None:
    for case, origin_id, reason, path in (
        (_report("2020-X"), OTHER_COUNTY, "ORIGIN_FORBIDDEN", "origin_id"),
        (_report("2020-X", COUNTY, region_code="431222"), COUNTY, "REGION_FORBIDDEN", "case.report.region_code"),
    ):
        answer = await town.county.push_parcel(written_by(origin_id, case), 0)
        assert (answer.verdict.outcome, answer.verdict.reason) == (OUTCOME_REFUSED, reason)
        assert answer.verdict.field_path == path
    assert rows(town.city, "SELECT 1 FROM cases WHERE case_no = '2020-X'") == []


async def test_a_stream_must_be_opened_and_named_rightly(town: Town) -> None:
    async with GrpcPeer(town.county.target) as hub:
        for name in ("", "Grüße", "x" * 61, "a b"):
            with pytest.raises(CallRefused) as refused:
                async with hub.push(name):
                    raise AssertionError("opened")
            assert (refused.value.reason, refused.value.violations[0][0]) == ("STREAM_NAME_INVALID", "opening.stream")
        call = hub.exchange.Push()
        await call.write(exchange.PushRequest())
        with pytest.raises(grpc.aio.AioRpcError, match="Push 的第一条消息必须是 opening") as unopened:
            await call.read()
        assert unopened.value.code() is grpc.StatusCode.INVALID_ARGUMENT
