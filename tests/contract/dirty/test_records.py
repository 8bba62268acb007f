"""Every dirty record has its one outcome, whichever way it comes: a stream, a single call, the county's client."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from connectors.county.client import CountyClient, State
from connectors.errors import CallRefused
from connectors.transports.grpc_peer import GrpcPeer, asked, translated
from exchange_db.records import Case, Violated
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2
from protos.exchange.v1 import receipt_pb2 as receipt
from tests.contract.dirty.conftest import Site
from tests.contract.dirty.dirt import DirtyRecord
from tests.contract.dirty.outcomes import Accepted, Held, Outcome, Refused, Stale
from tests.contract.dirty.records import RECORDS
from tests.support.builders import a_case, a_payload, a_report
from tests.support.stages import target_of, value

_STATES = {
    receipt.BUSINESS_STATE_QUARANTINED: "quarantined",
    receipt.BUSINESS_STATE_STALE: "stale",
}
Told = tuple[str, str, str]


def expected(outcome: Outcome) -> Told:
    """What became of it, the reason and the field."""
    if isinstance(outcome, Refused | Held):
        return ("refused" if isinstance(outcome, Refused) else "quarantined"), outcome.reason, outcome.path
    return ("stale" if isinstance(outcome, Stale) else "accepted"), "", ""


def field_of(case: Case, path: str) -> Any:
    section, _, field = path.partition(".")
    return getattr(getattr(case, section), field)


def check_kept(site: Site, prefix: str, dirt: tuple[DirtyRecord, ...]) -> None:
    """What was accepted is held as the corpus says; what was refused is not held."""
    held = site.held(prefix)
    for one in dirt:
        if isinstance(one.outcome, Accepted):
            case = held[one.number(prefix)]
            assert {path: field_of(case, path) for path in one.outcome.kept} == one.outcome.kept, one.name
        elif isinstance(one.outcome, Refused) and one.case_no == "{}":
            assert one.number(prefix) not in held, one.name


def test_no_name_stands_twice_and_every_outcome_occurs() -> None:
    names = [one.name for one in RECORDS]
    assert sorted(set(names)) == sorted(names)
    assert {type(one.outcome) for one in RECORDS} == {Accepted, Refused, Held, Stale}


async def test_every_dirty_record_of_a_stream_has_its_outcome(site: Site) -> None:
    parcels: list[tuple[str, bytes]] = []
    for one in RECORDS:
        parcels += [("", a_payload(case)) for case in one.cases_before("s")] + [(one.name, one.payload("s"))]
    told: dict[str, Told] = {name: ("accepted", "", "") for name, _ in parcels}
    async with GrpcPeer(target_of(site.profile)) as hub, hub.push("dirt", wants_receipts=True) as stream:
        for number, (_, payload) in enumerate(parcels, 1):
            await stream.send(number, [payload])
            # One at a time: the hub reads eight batches ahead, and together they could be larger than a message.
        await stream.finish()
        async for answer in stream.answers():
            for item in answer.verdict.verdicts if answer.verdict else ():
                assert item.outcome == receipt.OUTCOME_REFUSED
                assert item.message
                assert item.message_zh
                told[parcels[item.sequence - 1][0]] = ("refused", item.reason, item.field_path)
            for settled in answer.receipts.exceptions if answer.receipts else ():
                if settled.state in _STATES:
                    name = parcels[settled.sequence - 1][0]
                    told[name] = (_STATES[settled.state], settled.reason, settled.field_path)
    assert {name: outcome for name, outcome in told.items() if name} == {
        one.name: expected(one.outcome) for one in RECORDS
    }
    check_kept(site, "s", RECORDS)
    raw = {one.payload("s") for one in RECORDS if isinstance(one.outcome, Refused) and one.raw is not None}
    assert value(site.hub, "SELECT count(*) FROM quarantine WHERE payload = ANY(%s)", list(raw)) == len(raw)


async def test_every_dirty_record_of_a_single_call_has_its_outcome(site: Site) -> None:
    whole = tuple(one for one in RECORDS if one.raw is None)
    told: dict[str, Told] = {}
    async with GrpcPeer(target_of(site.profile)) as hub:

        async def push(payload: bytes) -> exchange.PushOneResponse:
            parcel = parcel_pb2.Parcel.FromString(payload)
            request = exchange.PushOneRequest(request_id=parcel.message_id, parcel=parcel, wait_milliseconds=10_000)
            return await asked(hub.exchange.PushOne(request, timeout=30.0))

        for one in whole:
            for case in one.cases_before("o"):
                await push(a_payload(case))
            answer = await push(one.payload("o"))
            verdict, settled = answer.verdict, answer.receipt
            if verdict.outcome == receipt.OUTCOME_REFUSED:
                told[one.name] = ("refused", verdict.reason, verdict.field_path)
            elif settled.state in _STATES:
                told[one.name] = (_STATES[settled.state], settled.reason, settled.field_path)
            else:
                assert settled.state == receipt.BUSINESS_STATE_APPLIED, one.name
                told[one.name] = ("accepted", "", "")
    assert told == {one.name: expected(one.outcome) for one in whole}
    check_kept(site, "o", whole)


@pytest.mark.parametrize("one", [one for one in RECORDS if one.raw], ids=lambda one: one.name)
async def test_bytes_that_are_no_message_end_a_single_call_without_harm(site: Site, one: DirtyRecord) -> None:
    target = target_of(site.profile)
    async with GrpcPeer(target) as hub:
        assert hub._channel is not None
        call = hub._channel.unary_unary(
            "/sanji.exchange.v1.ExchangeService/PushOne",
            request_serializer=bytes,
            response_deserializer=exchange.PushOneResponse.FromString,
        )
        content = one.raw or b""
        # Field 2 of the request, the parcel; its length takes one byte or two.
        length = (
            len(content).to_bytes(1) if len(content) < 128 else bytes([len(content) & 127 | 128, len(content) >> 7])
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"\x12" + length + content)
        error = translated(refused.value)
        assert isinstance(error, CallRefused), "not to be tried again"
        assert error.reason == "UNREADABLE"
        assert "DecodeError" not in str(error)
    assert "Traceback" not in "".join(log.read_text(errors="replace") for log in site.hub.folder.glob("*.log"))


async def test_every_dirty_case_of_the_client_has_its_outcome(site: Site, tmp_path: Path) -> None:
    made = tuple(one for one in RECORDS if one.raw is None and one.damage is None)
    told: dict[str, Told] = {one.name: ("accepted", "", "") for one in made}
    sent: dict[str, str] = {}
    async with CountyClient(site.profile, tmp_path / "spool") as client:
        for one in made:
            await client.report(*one.cases_before("c"))
            try:
                (message_id,) = await client.report(one.case("c"))
                sent[message_id] = one.name
            except Violated as violated:
                told[one.name] = ("refused", violated.violation.reason, violated.violation.field_path)
        await client.flush(is_settled=True)
        async for news in client.receipts(stop_when_empty=True):
            if news.message_id in sent and news.state in (State.REFUSED, State.QUARANTINED, State.STALE):
                violation = news.violation
                told[sent[news.message_id]] = (news.state.value, violation.reason, violation.field_path)
    assert told == {one.name: expected(one.outcome) for one in made}
    check_kept(site, "c", made)


async def test_ten_megabytes_are_refused_on_this_side_of_the_wire(site: Site, tmp_path: Path) -> None:
    async with CountyClient(site.profile, tmp_path / "spool") as client:
        with pytest.raises(Violated, match=r"FIELD_INVALID case\.report\.description") as refused:
            await client.report(a_case("huge", report=a_report(description="长" * 3_500_000)))
        assert len(refused.value.violation.message) < 200
        assert client.waiting_count == 0
