"""Every way in, knocked at as nobody and as everybody who has no business there, and once as who has.

The list is made from the descriptors of what is served and from the routers, never by hand: a new rpc, call or page is
swept by itself, and one without a declared right does not get this far, because the hub does not start.
"""

import asyncio
import itertools
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from auth.certificates import Certified, issue, make_authority
from auth.person import Role
from auth.roles import HUB_WIDE, RIGHTS, TIERS, Neighbour
from exchange_db.regions import Tier, tier_of
from exchange_db.session import Ledger
from hub.console.admission import places
from hub.doors import PAGE_DOORS, REST_DOORS, RPC_DOORS, Door, Who
from hub.rpc import server as rpc_server
from hub.sections.limits import LimitsPart
from tests.support.builders import COUNTY
from tests.support.clock import FakeClock
from tests.support.consoles import Seat, console_at
from tests.support.parties import PROVINCE, Town
from tests.support.people import a_person
from tests.support.rest import enter, rest_edge
from tests.support.stages import change, target_between
from tests.support.strangers import NOW, channel_to

_SERVED = (*rpc_server._SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
_CLOSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
_HUB, _BELOW, _BESIDE, _ABOVE = 431200, 431221, 431300, 430000


def _methods() -> dict[str, MethodDescriptor]:
    pool = descriptor_pool.Default()
    services = [pool.FindServiceByName(name) for name in _SERVED]
    return {f"/{service.full_name}/{method.name}": method for service in services for method in service.methods}


METHODS = _methods()


#: What gRPC's client says now and then (one stream of 300, loaded machine) instead of the status that came: it was
#: still writing when the server had refused already.
_STATUS_LOST = "Internal error from Core"


async def _knock(channel: grpc.aio.Channel, way: str, **fields: Any) -> tuple[grpc.StatusCode, str, Any]:
    """Makes a call until its answer is known; returns status, reason and the first answer."""
    while (answer := await _knock_once(channel, way, **fields))[1] == _STATUS_LOST:
        pass
    return answer


async def _knock_once(channel: grpc.aio.Channel, way: str, **fields: Any) -> tuple[grpc.StatusCode, str, Any]:
    """Makes a call. Silence for a second is an open stream: let in."""
    method = METHODS[way]
    request = message_factory.GetMessageClass(method.input_type)(**fields)
    read = message_factory.GetMessageClass(method.output_type).FromString
    many = channel.stream_stream if method.client_streaming else channel.unary_stream
    is_streaming = method.client_streaming or method.server_streaming
    serve: Any = many if is_streaming else channel.unary_unary
    calling = serve(way, request_serializer=lambda message: message.SerializeToString(), response_deserializer=read)
    try:
        if not is_streaming:
            return grpc.StatusCode.OK, "", await calling(request, timeout=10.0)
        call = calling(iter([request]) if method.client_streaming else request, timeout=1.5)
        return grpc.StatusCode.OK, "", await call.read()
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and is_streaming:
            return grpc.StatusCode.OK, "", None
        return error.code(), _reason_of(error) or _status_lost(error), None


def _reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def _status_lost(error: grpc.aio.AioRpcError) -> str:
    return _STATUS_LOST if error.details() == _STATUS_LOST else ""


def _authority(town: Town) -> Certified:
    folder = town.stage.folder
    return Certified((folder / "authority.pem").read_bytes(), (folder / "authority.key").read_bytes())


def _named(way: str, neighbour: Neighbour, town: Town) -> dict[str, Any]:
    """Who says hello must give their own name; what is swept is the door before that."""
    names = {Neighbour.CHILD_PLATFORM: town.county.platform_id, Neighbour.PARENT_HUB: PROVINCE}
    return {"peer_id": names[neighbour]} if way.endswith("/Hello") else {}


def test_every_rpc_is_listed_with_its_right() -> None:
    listed = {way: f"{RPC_DOORS[way].action} {RPC_DOORS[way].kind}" for way in METHODS}
    assert listed.keys() == RPC_DOORS.keys()
    assert len(listed) >= 38
    assert all(listed.values())


async def test_a_certificate_of_another_authority_does_not_even_connect(town: Town) -> None:
    async with channel_to(town.county.target, issue(make_authority("别的机构", NOW), COUNTY, NOW)) as channel:
        with suppress(asyncio.TimeoutError):
            status, _, _ = await asyncio.wait_for(_knock(channel, "/grpc.health.v1.Health/Check"), 5)
            assert status is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("way", METHODS)
async def test_an_rpc_is_closed_to_strangers_and_open_to_who_has_its_right(town: Town, way: str) -> None:
    door = RPC_DOORS[way]
    stranger = issue(_authority(town), COUNTY, NOW)
    async with channel_to(town.county.target, stranger) as channel:
        status, reason, _ = await _knock(channel, way)
    if door.who is Who.EVERYBODY:
        assert (status, reason) == (grpc.StatusCode.PERMISSION_DENIED, "INVITATION_INVALID"), door.note
        return
    assert (status, reason) == (grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_UNKNOWN")
    assert not isinstance(door.who, Who)
    callers = {
        Neighbour.CHILD_PLATFORM: town.county.target,
        Neighbour.PARENT_HUB: target_between(town.province, town.city),
    }
    for neighbour, target in callers.items():
        async with channel_to(target) as channel:
            status, reason, _ = await _knock(channel, way, **_named(way, neighbour, town))
        if neighbour in door.who:
            assert status not in _CLOSED, f"{neighbour} is welcome here, and was told {reason}"
        else:
            assert (status, reason) == (grpc.StatusCode.PERMISSION_DENIED, "ORIGIN_FORBIDDEN")


@pytest.mark.parametrize("way", [way for way, door in RPC_DOORS.items() if not isinstance(door.who, Who)])
async def test_an_rpc_is_closed_to_a_neighbour_that_was_blocked(town: Town, way: str) -> None:
    entry = "UPDATE peers SET state = %s WHERE peer_id = %s"
    peer_id = town.other_county.platform_id
    async with channel_to(town.other_county.target) as channel:
        change(town.city, entry, "blocked", peer_id)
        try:
            status, reason, _ = await _knock(channel, way)
        finally:
            change(town.city, entry, "active", peer_id)
        assert (status, reason) == (grpc.StatusCode.PERMISSION_DENIED, "PEER_BLOCKED")
        status, reason, _ = await _knock(channel, way)
    who = RPC_DOORS[way].who
    assert not isinstance(who, Who)
    if Neighbour.CHILD_PLATFORM in who and not way.endswith("/Hello"):
        assert status not in _CLOSED, reason


_BY_REGION = [way for way, method in METHODS.items() if "region_code" in method.input_type.fields_by_name]
#: What else a question needs to be one.
_WHOLE: dict[str, dict[str, Any]] = {
    "/sanji.statistics.v1.StatisticsService/GetFigures": {"first_month": 202001, "last_month": 202012},
    "/sanji.statistics.v1.StatisticsService/ListFigureCases": {"month": 202006, "counter": "total"},
    "/sanji.statistics.v1.StatisticsService/GetFiguresAsOf": {"period": "2020-06", "as_of": "2099-12-31"},
    "/sanji.statistics.v1.StatisticsService/GetCompleteness": {"first_month": 202001, "last_month": 202012},
    "/sanji.standards.v1.StandardsService/ComputeDeadline": {
        "start_time": 1_577_836_800_000_000,
        "limit_text": "4工作时",
    },
}


@pytest.mark.parametrize("way", _BY_REGION)
async def test_a_question_about_another_region_is_refused_or_answered_with_nothing(town: Town, way: str) -> None:
    async with channel_to(town.county.target) as channel:
        for region in ("431222", "431300", "440000"):
            status, reason, answer = await _knock(channel, way, region_code=region, **_WHOLE.get(way, {}))
            is_empty = answer is not None and not answer.ListFields()
            assert is_empty or (status, reason) == (grpc.StatusCode.PERMISSION_DENIED, "REGION_FORBIDDEN"), region
        status, reason, _ = await _knock(channel, way, region_code="431221", **_WHOLE.get(way, {}))
    assert status not in _CLOSED, reason


async def test_every_rest_call_is_closed_to_strangers_and_open_to_a_platform(ledger: Ledger) -> None:
    clock = FakeClock()
    await enter(ledger)
    await enter(ledger, "431222.platform", "6b" * 32)
    await _block(ledger, "431222.platform")
    swept = []
    async with rest_edge(ledger, clock) as caller:
        for way, door in REST_DOORS.items():
            method, _, path = way.replace("*", "GET").replace("{rest}", "nothing").partition(" ")
            body: dict[str, list[object]] | None = {"parcels": []} if method == "POST" else None
            unsigned = await caller.send(method, path, b"", {})
            stranger = await caller.ask(method, path, body, app_id="431299.platform")
            forged = await caller.ask(method, path, body, secret="7c" * 32)
            blocked = await caller.ask(method, path, body, app_id="431222.platform", secret="6b" * 32)
            rightful = await caller.ask(method, path, body)
            swept.append(way)
            if door.who is Who.EVERYBODY:
                assert {answer.status for answer in (unsigned, stranger, forged, rightful)} <= {200, 404}
                assert "case" not in unsigned.value
                continue
            assert (unsigned.status, unsigned.reason) == (400, "FIELD_MISSING")
            assert (stranger.status, stranger.reason) == (401, "CALL_SIGNATURE_INVALID")
            assert (forged.status, forged.reason) == (401, "CALL_SIGNATURE_INVALID")
            assert (blocked.status, blocked.reason) == (403, "PEER_BLOCKED")
            assert rightful.status not in (401, 403)
    assert swept == list(REST_DOORS)


async def _block(ledger: Ledger, peer_id: str) -> None:
    async with ledger.write() as session:
        await session.driver.execute("UPDATE peers SET state = 'blocked' WHERE peer_id = %s", (peer_id,))


def _is_held(role: Role, region: int, door: Door) -> bool:
    """Reads the table of rights by hand: does the role, held there, open the door of the city's hub?"""
    if door.who is Who.SIGNED_ON:
        return True
    is_theirs = door.action in RIGHTS[role].get(door.kind, frozenset())
    counts = tier_of(region) in TIERS.get((door.action, door.kind), frozenset(Tier))
    return is_theirs and counts and (door.kind not in HUB_WIDE or region in (_HUB, _ABOVE))


_WORDS = {"act": "block", "step": "close", "deed": "pause"}


def _filled(way: str) -> str:
    """Returns a way in with something in the place of each variable of its path."""
    return re.sub(r"\{(\w+)\}", lambda match: _WORDS.get(match[1], "7"), way)


async def test_every_page_is_closed_to_every_wrong_role_and_open_to_the_right_ones(
    ledger: Ledger, tmp_path: Path
) -> None:
    seat = Seat(None)
    swept = {}
    limits = LimitsPart(person_calls_per_minute=1_000_000, address_calls_per_minute=1_000_000)
    async with console_at(ledger, seat, limits, tmp_path) as (console, ask):
        for way in places(console.application()):
            door = PAGE_DOORS[way]
            method, _, path = _filled(way).partition(" ")
            path = "/static/console.css" if path == "/static" else path
            forwarded = {"X-Forwarded-For": "203.0.113.9"}
            swept[way] = f"{door.action} {door.kind}"
            seat.person = None
            status, _ = await ask(path, method, forwarded)
            if door.who is Who.EVERYBODY:
                assert status < 500 or status == 503, door.note
                continue
            assert status == 401, f"nobody came in at {way}"
            for role, region in itertools.product(Role, (_HUB, _BELOW, _BESIDE, _ABOVE)):
                seat.person = a_person((role, region))
                status, _ = await ask(path, method, forwarded)
                is_in, is_held = status not in (401, 403), _is_held(role, region, door)
                # Behind some doors the right in the hub's own region is wanted too.
                is_further = region not in (_HUB, _ABOVE) and "the hub's own region" in door.note
                assert is_in is is_held or (is_further and not is_in), f"{way} as {role} of {region}"
    assert swept.keys() == PAGE_DOORS.keys()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
async def test_a_page_is_not_opened_by_another_method(ledger: Ledger, method: str) -> None:
    async with console_at(ledger, Seat(a_person((Role.OPERATOR, _HUB)))) as (console, ask):
        for way in places(console.application()):
            if f"{method} {way.partition(' ')[2]}" in PAGE_DOORS:
                continue
            path = _filled(way).partition(" ")[2]
            assert (await ask(path, method))[0] in (401, 403, 404, 405), f"{method} {path}"
        assert (await ask("/cases"))[0] == 200
