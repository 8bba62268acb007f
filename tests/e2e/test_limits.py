"""The limits of the contract: each is enforced, told with reason and field in two languages, and sinks nobody else."""

import re
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from msgspec import structs

from connectors.errors import CallRefused
from connectors.transports.grpc_peer import GrpcPeer, translated
from exchange_db.records import Case, FigureCell, ReportState
from hub.clock import system_clock
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import exchange_service_pb2_grpc as exchange_grpc
from protos.exchange.v1 import parcel_pb2
from protos.exchange.v1.receipt_pb2 import OUTCOME_DURABLE, OUTCOME_REFUSED
from tests.support.builders import a_cell, a_payload, a_report, a_sheet, an_action
from tests.support.parties import CITY_PLATFORM, COUNTY, Town, written_by
from tests.support.pushing import first_verdict
from tests.support.stages import rows

_CHINESE = re.compile(r"[一-鿿]")
_SECOND = 1_000_000


def _case(case_no: str, **changes: Any) -> Case:
    values: dict[str, Any] = {"state": ReportState.FILED, "authority_id": CITY_PLATFORM}
    return Case(COUNTY, case_no, report=a_report(**values | changes))


def _payload(case: Case, **changes: Any) -> bytes:
    parcel = written_by(COUNTY, case)
    for name, text in changes.items():
        setattr(parcel, name, text)
    return parcel.SerializeToString()


def _with_actions(case: Case, count: int) -> Case:
    return structs.replace(case, actions=tuple(an_action(number) for number in range(1, count + 1)))


def _cells(count: int) -> tuple[FigureCell, ...]:
    return tuple(a_cell(f"u{number}") for number in range(count))


def _damaged() -> dict[str, tuple[bytes, str, str]]:
    """Returns records that break one limit each, with the reason and the field expected."""
    now = system_clock()
    return {
        "noise": (b"\x0a\xff\xff", "UNREADABLE", ""),
        "empty": (b"", "FIELD_MISSING", "message_id"),
        "no-record": (_no_record(), "RECORD_MISSING", ""),
        "id": (_payload(_case("D-1"), message_id="7"), "FIELD_INVALID", "message_id"),
        "origin": (_payload(_case("D-2"), origin_id="county"), "PLATFORM_ID_INVALID", "origin_id"),
        "written-ahead": (_payload(_case("D-3"), created_time=now + 360 * _SECOND), "CLOCK_SKEW", "created_time"),
        "reported-ahead": (
            _payload(_case("D-4", reported_time=now + 360 * _SECOND)),
            "CLOCK_SKEW",
            "case.report.reported_time",
        ),
        "description": (_payload(_case("D-5", description="长" * 4_001)), "FIELD_INVALID", "case.report.description"),
        "case-no": (_payload(_case("9" * 65)), "FIELD_INVALID", "case.key.case_no"),
        "control": (_payload(_case("D-6", address="a\x07b")), "TEXT_INVALID", "case.report.address"),
        "standard": (
            _payload(_case("D-7", standard_ref="")),
            "STANDARD_REF_MISSING",
            "case.report.class_code.standard_ref",
        ),
        "actions": (_payload(_with_actions(_case("D-8"), 51)), "FIELD_INVALID", "case.actions"),
        "cells": (
            a_payload(a_sheet(*_cells(20_001), reporter_id=COUNTY), created_time=now),
            "FIELD_INVALID",
            "figure_sheet.cells",
        ),
    }


def _no_record() -> bytes:
    parcel = written_by(COUNTY, _case("D-0"))
    parcel.ClearField("case")
    return parcel.SerializeToString()


async def test_each_bad_record_is_refused_alone_with_reason_field_and_both_languages(town: Town) -> None:
    damaged = _damaged()
    good = [_payload(_case(f"GOOD-{number}")) for number in range(len(damaged))]
    mixed = [payload for pair in zip(good, (bad for bad, _, _ in damaged.values()), strict=True) for payload in pair]
    async with GrpcPeer(town.county.target) as hub, hub.push("limits") as stream:
        await stream.send(1, mixed)
        verdict = await first_verdict(stream)
    assert list(verdict.outcomes) == [OUTCOME_DURABLE, OUTCOME_REFUSED] * len(damaged)
    told = {name: (item.reason, item.field_path) for name, item in zip(damaged, verdict.verdicts, strict=True)}
    assert told == {name: (reason, path) for name, (_, reason, path) in damaged.items()}
    for item in verdict.verdicts:
        assert item.message
        assert not _CHINESE.search(item.message.replace("长", ""))
        assert _CHINESE.search(item.message_zh)
    held = rows(
        town.city,
        "SELECT payload, reason FROM quarantine JOIN streams USING (stream_id) WHERE name = 'limits' ORDER BY sequence",
    )
    assert held == [(bad, reason) for bad, reason, _ in damaged.values()]


async def test_at_the_limit_everything_is_taken(town: Town) -> None:
    now = system_clock()
    payloads = [
        _payload(_with_actions(_case("EDGE-1", description="长" * 4_000), 50)),
        _payload(_case("EDGE-2", reported_time=now + 240 * _SECOND), created_time=now + 240 * _SECOND),
        _payload(_case("9" * 64)),
    ]
    async with GrpcPeer(town.county.target) as hub, hub.push("edge") as stream:
        await stream.send(1, payloads)
        assert list((await first_verdict(stream)).outcomes) == [OUTCOME_DURABLE] * 3
        many = [_payload(_case(f"FULL-{number}")) for number in range(2_000)]
        await stream.send(4, many)
        assert list((await first_verdict(stream)).outcomes) == [OUTCOME_DURABLE] * 2_000


def _details(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.BadRequest]:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert status is not None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(bad)
    return info, bad


@pytest.mark.parametrize(
    ("first_sequence", "count", "reason", "path"),
    [
        (1, 2_001, "BATCH_TOO_LARGE", "batch.parcels"),
        (1, 0, "BATCH_TOO_LARGE", "batch.parcels"),
        (0, 1, "FIELD_MISSING", "batch.first_sequence"),
    ],
)
async def test_a_batch_beyond_the_limits_ends_the_call_and_is_not_taken(
    town: Town, first_sequence: int, count: int, reason: str, path: str
) -> None:
    async with GrpcPeer(town.county.target) as hub:
        call = hub.exchange.Push()
        await call.write(exchange.PushRequest(opening=exchange.PushOpening(stream="broad")))
        opened = await call.read()
        assert isinstance(opened, exchange.PushResponse)
        assert opened.opened.next_sequence == 1
        batch = parcel_pb2.Batch(first_sequence=first_sequence, parcels=[b"x"] * count)
        await call.write(exchange.PushRequest(batch=batch))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    info, bad = _details(refused.value)
    assert (info.reason, info.domain) == (reason, "sanji")
    (violation,) = bad.field_violations
    assert violation.field == path
    assert re.search(r"[A-Za-z]{3}", violation.description)
    assert _CHINESE.search(violation.description)
    assert rows(town.city, "SELECT last_sequence, refused_count FROM streams WHERE name = 'broad'") == [(0, 0)]


async def test_a_message_beyond_four_mebibytes_is_refused_and_the_hub_goes_on(town: Town) -> None:
    target = town.county.target
    credentials = grpc.ssl_channel_credentials(
        target.authority.read_bytes(), target.key.read_bytes(), target.certificate.read_bytes()
    )
    options = [("grpc.ssl_target_name_override", target.peer_id), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.secure_channel(target.address, credentials, options=options) as channel:
        stub = exchange_grpc.ExchangeServiceStub(channel)
        call = stub.Push()
        await call.write(exchange.PushRequest(opening=exchange.PushOpening(stream="huge")))
        await call.read()
        batch = parcel_pb2.Batch(first_sequence=1, parcels=[bytes(4 * 1024 * 1024)])
        await call.write(exchange.PushRequest(batch=batch))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        parcel = parcel_pb2.Parcel(message_id="x" * 5 * 1024 * 1024)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.PushOne(exchange.PushOneRequest(request_id="1", parcel=parcel))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert isinstance(translated(refused.value), CallRefused), "not to be tried again"
    assert rows(town.city, "SELECT last_sequence FROM streams WHERE name = 'huge'") == [(0,)]
    assert (await town.county.push(_case("AFTER-HUGE"))).verdict.outcome == OUTCOME_DURABLE
