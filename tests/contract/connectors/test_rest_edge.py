"""The REST edge against whoever means ill, and against whoever makes a mistake."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.json_wire import json_of_parcel
from connectors.transports import signing
from exchange_db import peers, shared_secrets
from exchange_db.link_states import neighbours
from exchange_db.peers import NewPeer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.federation.shared_secret import give_secret
from hub.rest import bodies, guard
from tests.support.applied import apply_waiting
from tests.support.builders import CITY, COUNTY, OTHER_COUNTY, a_case, a_payload, a_report
from tests.support.clock import NOON, FakeClock
from tests.support.rest import NEVER, SECRET, Answered, Caller, enter, rest_edge
from tests.support.stages import until

PARCELS = "/v1/parcels"


@pytest.fixture
async def caller(ledger: Ledger, clock: FakeClock) -> AsyncIterator[Caller]:
    """The county's platform, known by its secret."""
    await enter(ledger)
    async with rest_edge(ledger, clock) as calling:
        yield calling


def _parcel(case_no: str = "R-1", **changes: Any) -> dict[str, Any]:
    return json_of_parcel(a_payload(a_case(case_no, report=a_report(**changes))))


async def _count(ledger: Ledger, table: str) -> int:
    async with ledger.read() as session:
        cursor = await session.driver.execute(f"SELECT count(*) FROM {table}".encode())
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


def _check_signed(answer: Answered, nonce: str, *, secret: str = SECRET) -> None:
    text = signing.answer_text(COUNTY, answer.status, answer.headers[signing.TIME], nonce, answer.body)
    assert signing.is_signed(secret, text, answer.headers[signing.SIGN])


async def test_a_call_and_its_answer_are_signed_and_belong_together(caller: Caller) -> None:
    headers = caller.signed("GET", "/v1/whoami")
    answer = await caller.send("GET", "/v1/whoami", b"", headers)
    assert (answer.status, answer.value) == (200, {"peer_id": COUNTY, "time": str(NOON)})
    _check_signed(answer, headers[signing.NONCE])
    with pytest.raises(AssertionError):
        _check_signed(answer, "another-nonce-000000")


async def test_a_call_that_is_sent_again_by_somebody_else_is_refused(
    caller: Caller, ledger: Ledger, clock: FakeClock
) -> None:
    body = json.dumps({"parcels": [_parcel()]}).encode()
    headers = caller.signed("POST", PARCELS, body)
    assert (await caller.send("POST", PARCELS, body, headers)).status == 200
    for _ in range(2):
        again = await caller.send("POST", PARCELS, body, headers)
        assert (again.status, again.reason) == (401, "NONCE_REUSED")
        _check_signed(again, headers[signing.NONCE])
    # The hub was started again, or another process of it is asked: the nonce lies in the ledger.
    async with rest_edge(ledger, clock) as other:
        again = await other.send("POST", PARCELS, body, headers)
        assert again.reason == "NONCE_REUSED"
    both = caller.signed("GET", "/v1/whoami")
    answers = await asyncio.gather(*(caller.send("GET", "/v1/whoami", b"", both) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 5
    assert await _count(ledger, "inbox") == 1


async def test_nothing_of_a_call_can_be_altered(caller: Caller, ledger: Ledger) -> None:
    body = json.dumps({"parcels": [_parcel()]}).encode()
    target = f"{PARCELS}?stream=a"
    headers = caller.signed("POST", target, body)

    async def refused(method: str, path: str, content: bytes, **changes: str) -> None:
        answer = await caller.send(method, path, content, headers | changes)
        assert (answer.status, answer.reason) == (401, "CALL_SIGNATURE_INVALID"), (method, path, changes)
        assert signing.SIGN not in answer.headers

    await refused("POST", target, body.replace(b"R-1", b"R-2"))
    await refused("POST", target, gzip.compress(body))
    await refused("POST", f"{PARCELS}?stream=b", body)
    await refused("POST", PARCELS, body)
    await refused("GET", target, body)
    await refused("POST", target, body, **{signing.NONCE: "0123456789abcdef"})
    await refused("POST", target, body, **{signing.TIME: str(NOON // 1_000_000 + 1)})
    await refused("POST", target, body, **{signing.SIGN: "0" * 64})
    await refused("POST", target, body, **{signing.SIGN: headers[signing.SIGN].upper()})
    await refused("POST", target, body, **{signing.SIGN: "ü"})
    assert await _count(ledger, "inbox") == 0
    assert await _count(ledger, "used_nonces") == 0, "who is not believed writes nothing"
    assert (await caller.send("POST", target, body, headers)).status == 200


async def test_only_who_is_known_by_this_secret_is_believed(caller: Caller, ledger: Ledger) -> None:
    await enter(ledger, OTHER_COUNTY, "77" * 32)
    for app_id, secret in (
        ("431299.platform", SECRET),
        (COUNTY, "77" * 32),
        (OTHER_COUNTY, SECRET),
        ("'; DROP TABLE peers", SECRET),
        ("ü", SECRET),
    ):
        headers = caller.signed("GET", "/v1/whoami", app_id="x", secret=secret) | {signing.APP: app_id}
        text = signing.request_text(app_id, "GET", "/v1/whoami", headers[signing.TIME], headers[signing.NONCE], b"")
        answer = await caller.send(
            "GET", "/v1/whoami", b"", headers | {signing.SIGN: signing.signature_of(secret, text)}
        )
        assert (answer.status, answer.reason) == (401, "CALL_SIGNATURE_INVALID"), app_id
    async with ledger.write() as session:
        # Registered, but without a secret: an empty one is none.
        await session.driver.execute("DELETE FROM shared_secrets WHERE peer_id = %s", (OTHER_COUNTY,))
    answer = await caller.ask("GET", "/v1/whoami", app_id=OTHER_COUNTY, secret="")
    assert answer.reason == "CALL_SIGNATURE_INVALID"


async def test_a_call_from_another_time_is_refused_and_told_the_hubs_clock(caller: Caller) -> None:
    for seconds in (-301, 301, 10**9):
        late = str(NOON // 1_000_000 + seconds)
        answer = await caller.ask("GET", "/v1/whoami", **{signing.TIME: late})
        assert (answer.status, answer.reason) == (401, "REQUEST_TIME_INVALID")
        assert str(NOON // 1_000_000) in answer.value["message_zh"]


async def test_a_call_at_the_edge_of_the_window_is_taken_and_its_skew_noted(caller: Caller, ledger: Ledger) -> None:
    for seconds in (-300, 300):
        moment = str(NOON // 1_000_000 + seconds)
        assert (await caller.ask("GET", "/v1/whoami", **{signing.TIME: moment})).status == 200
    async with ledger.read() as session:
        (link,) = await neighbours(session, None, datetime.now(UTC))
    assert link.outgoing.clock_skew_ms == 300_000
    assert link.outgoing.last_success_time is not None


async def test_a_nonce_has_its_form(caller: Caller) -> None:
    for nonce in ("short", "x" * 65, "with space 000000", "nonce\u00fc0000000000000"):
        headers = caller.signed("GET", "/v1/whoami") | {signing.NONCE: nonce}
        answer = await caller.send("GET", "/v1/whoami", b"", headers)
        assert (answer.status, answer.reason, answer.value["field_path"]) == (400, "FIELD_INVALID", signing.NONCE)


async def test_a_header_that_is_missing_is_named(caller: Caller) -> None:
    for name in (signing.APP, signing.ALG, signing.TIME, signing.NONCE, signing.SIGN):
        headers = caller.signed("GET", "/v1/whoami")
        del headers[name]
        answer = await caller.send("GET", "/v1/whoami", b"", headers)
        assert (answer.status, answer.reason, answer.value["field_path"]) == (400, "FIELD_MISSING", name)


async def test_other_algorithms_are_refused_by_name(caller: Caller) -> None:
    answer = await caller.send("GET", "/v1/whoami", b"", caller.signed("GET", "/v1/whoami") | {signing.ALG: "HMAC-SM3"})
    assert (answer.status, answer.reason) == (401, "ALGORITHM_UNSUPPORTED")


async def test_nonces_are_forgotten_when_their_calls_are_too_old(
    caller: Caller, ledger: Ledger, clock: FakeClock
) -> None:
    headers = caller.signed("GET", "/v1/whoami")
    assert (await caller.send("GET", "/v1/whoami", b"", headers)).status == 200

    async def forget() -> int:
        async with ledger.write() as session:
            return await shared_secrets.forget_nonces(session, datetime.fromtimestamp(clock() / 1_000_000, UTC))

    clock.advance(seconds=599)
    assert await forget() == 0
    clock.advance(seconds=2)
    assert await forget() == 1
    assert (await caller.send("GET", "/v1/whoami", b"", headers)).reason == "REQUEST_TIME_INVALID"


async def test_who_is_blocked_or_expired_is_refused_at_once(caller: Caller, ledger: Ledger) -> None:
    past = datetime.fromtimestamp(NOON / 1_000_000 - 1, UTC)
    async with ledger.write() as session:
        await peers.set_state(session, COUNTY, "blocked")
    blocked = await caller.ask("POST", PARCELS, {"parcels": [_parcel()]})
    assert (blocked.status, blocked.reason) == (403, "PEER_BLOCKED")
    async with ledger.write() as session:
        await peers.set_state(session, COUNTY, "active")
        await shared_secrets.keep(session, COUNTY, SECRET, past)
    assert (await caller.ask("GET", "/v1/whoami")).reason == "SECRET_EXPIRED"
    async with ledger.write() as session:
        await shared_secrets.keep(session, COUNTY, "11" * 32, NEVER)
    assert (await caller.ask("GET", "/v1/whoami")).reason == "CALL_SIGNATURE_INVALID"
    assert (await caller.ask("GET", "/v1/whoami", secret="11" * 32)).status == 200
    assert await _count(ledger, "inbox") == 0


async def test_a_new_secret_ends_no_block_and_hubs_get_none(caller: Caller, ledger: Ledger) -> None:
    async with ledger.write() as session:
        await peers.set_state(session, COUNTY, "blocked")
        secret, _ = await give_secret(session, COUNTY, "", hub_region=431200, days=1, now=NEVER)
        await peers.enrol(session, NewPeer(CITY, CITY, 431200, "hub", "child", "", "ab" * 32, NEVER))
        with pytest.raises(Violated, match="PLATFORM_ID_INVALID"):
            await give_secret(session, CITY, "", hub_region=431200, days=1, now=NEVER)
        with pytest.raises(Violated, match="REGION_FORBIDDEN"):
            await give_secret(session, "440100.platform", "", hub_region=431200, days=1, now=NEVER)
    assert (await caller.ask("GET", "/v1/whoami", secret=secret)).reason == "PEER_BLOCKED"


async def test_a_platform_that_joined_with_a_certificate_keeps_it(caller: Caller, ledger: Ledger) -> None:
    async with ledger.write() as session:
        await peers.enrol(session, NewPeer(OTHER_COUNTY, "旧名", 431222, "platform", "child", "", "cd" * 32, NEVER))
        secret, _ = await give_secret(session, OTHER_COUNTY, "新名", hub_region=431200, days=1, now=NEVER)
    async with ledger.read() as session:
        peer = await peers.by_id(session, OTHER_COUNTY)
    assert peer is not None
    assert (peer.thumbprint, peer.name, peer.certificate_end_time) == ("cd" * 32, "旧名", NEVER)
    assert (await caller.ask("GET", "/v1/whoami", app_id=OTHER_COUNTY, secret=secret)).status == 200


async def test_who_is_blocked_while_waiting_gets_nothing(caller: Caller, ledger: Ledger) -> None:
    waiting = asyncio.create_task(caller.ask("GET", "/v1/parcels?after=0&wait=20"))
    await until(lambda: _count(ledger, "used_nonces"), "the call")
    assert (await caller.ask("POST", PARCELS, {"parcels": [_parcel()]})).status == 200
    async with ledger.write() as session:
        await peers.set_state(session, COUNTY, "blocked")
        await session.driver.execute(
            "INSERT INTO outbox (destination_id, partition, position, inbox_id)"
            " SELECT p.destination_id, i.partition, i.inbox_id * 16, i.inbox_id FROM inbox i, peers p"
        )
    answer = await waiting
    assert (answer.status, answer.reason) == (403, "PEER_BLOCKED")


async def test_a_hub_that_stops_answers_who_waits(ledger: Ledger, clock: FakeClock) -> None:
    await enter(ledger)
    async with rest_edge(ledger, clock) as calling:
        waiting = asyncio.create_task(calling.ask("GET", "/v1/parcels?after=0&wait=20"))
        await until(lambda: _count(ledger, "used_nonces"), "the call")
    answer = await asyncio.wait_for(waiting, 5)
    assert (answer.status, answer.value["parcels"]) == (200, [])


async def test_no_body_makes_the_hub_swell(caller: Caller) -> None:
    bomb = gzip.compress(b" " * (bodies.MAX_BYTES + 1))
    assert len(bomb) < 20_000
    packed = {"Content-Encoding": "gzip"}
    plain = json.dumps({"parcels": [_parcel()]}).encode()
    for body, headers, status, reason in (
        (bomb, packed, 413, "BODY_TOO_LARGE"),
        (b" " * (bodies.MAX_WIRE_BYTES + 1), {}, 413, "BODY_TOO_LARGE"),
        (gzip.compress(plain) + gzip.compress(plain), packed, 400, "BODY_UNREADABLE"),
        (gzip.compress(plain)[:-1], packed, 400, "BODY_UNREADABLE"),
        (plain, packed, 400, "BODY_UNREADABLE"),
        (plain, {"Content-Encoding": "br"}, 400, "BODY_UNREADABLE"),
        (gzip.compress(plain), packed, 200, ""),
    ):
        answer = await caller.send("POST", PARCELS, body, caller.signed("POST", PARCELS, body) | headers)
        assert (answer.status, answer.reason) == (status, reason)


async def test_a_batch_that_cannot_be_read_is_refused_as_a_whole(caller: Caller) -> None:
    for body, reason, path in (
        (b"", "JSON_INVALID", ""),
        (b"\xff", "JSON_INVALID", ""),
        (b"[]", "JSON_INVALID", ""),
        (b'{"parcels": 3}', "JSON_INVALID", ""),
        (b'{"parcels": ' + b"[" * 50_000, "JSON_INVALID", ""),
        (b'{"parcels": [{"origin_id": "\\ud800"}]}', "JSON_INVALID", ""),
        (b'{"parcels": [{}], "batch": 1}', "JSON_INVALID", ""),
        (b'{"parcels": [{}], "first_sequence": "x"}', "JSON_INVALID", ""),
        (b'{"parcels": [{}], "first_sequence": -1}', "FIELD_INVALID", "first_sequence"),
        (b'{"parcels": []}', "BATCH_TOO_LARGE", "parcels"),
        (b'{"parcels": [' + b"1," * 2_000 + b"1]}", "BATCH_TOO_LARGE", "parcels"),
    ):
        answer = await caller.send("POST", PARCELS, body, caller.signed("POST", PARCELS, body))
        assert (answer.status, answer.reason, answer.value["field_path"]) == (400, reason, path), body[:40]
        assert answer.value["message_zh"]


async def test_a_parcel_that_cannot_be_read_is_refused_alone_and_kept(caller: Caller, ledger: Ledger) -> None:
    wrong = [
        {"origin_id": COUNTY, "cases": {}},
        {"case": {"report": {"position": {"crs": "CRS_MOON"}}}},
        {"case": {"actions": [{}, {"opinion": 7}]}},
        7,
        {"case": {}},
    ]
    body = json.dumps({"first_sequence": 1, "parcels": [_parcel("R-1"), *wrong, _parcel("R-2")]}).encode()
    answer = await caller.send("POST", PARCELS, body, caller.signed("POST", PARCELS, body))
    outcomes = [outcome.removeprefix("OUTCOME_") for outcome in answer.value["outcomes"]]
    assert outcomes == ["DURABLE", *["REFUSED"] * 5, "DURABLE"]
    assert [(item["sequence"], item["reason"], item["field_path"]) for item in answer.value["verdicts"]] == [
        ("2", "FIELD_UNKNOWN", "cases"),
        ("3", "FIELD_INVALID", "case.report.position.crs"),
        ("4", "FIELD_INVALID", "case.actions.opinion"),
        ("5", "JSON_INVALID", ""),
        ("6", "FIELD_MISSING", "message_id"),
    ]
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT payload, origin_id FROM quarantine ORDER BY sequence")
        kept = await cursor.fetchall()
    assert [json.loads(payload) for payload, _ in kept[:4]] == wrong[:4]
    assert kept[0][1] == COUNTY
    again = await caller.send("POST", PARCELS, body, caller.signed("POST", PARCELS, body))
    assert again.value["outcomes"] == ["OUTCOME_DUPLICATE", *["OUTCOME_REFUSED"] * 5, "OUTCOME_DUPLICATE"]


async def test_rights_are_those_of_every_transport(caller: Caller) -> None:
    foreign = _parcel("R-1") | {"origin_id": OTHER_COUNTY}
    elsewhere = _parcel("R-2", region_code="431222")
    answer = await caller.ask("POST", PARCELS, {"parcels": [foreign, elsewhere]})
    assert [(item["reason"], item["field_path"]) for item in answer.value["verdicts"]] == [
        ("ORIGIN_FORBIDDEN", "origin_id"),
        ("REGION_FORBIDDEN", "case.report.region_code"),
    ]


async def test_who_does_not_number_is_numbered_and_asks_by_message(caller: Caller, ledger: Ledger) -> None:
    parcel = _parcel()
    first = (await caller.ask("POST", PARCELS, {"parcels": [parcel]})).value
    again = (await caller.ask("POST", PARCELS, {"parcels": [parcel]})).value
    assert (first["first_sequence"], first["outcomes"]) == ("1", ["OUTCOME_DURABLE"])
    assert (again["first_sequence"], again["outcomes"]) == ("2", ["OUTCOME_DUPLICATE"])
    target = f"/v1/receipts?message_id={parcel['message_id']}"
    pending = await caller.ask("GET", target)
    assert pending.value["receipt"]["state"] == "BUSINESS_STATE_PENDING"
    await apply_waiting(ledger)
    settled = (await caller.ask("GET", f"{target}&wait=5")).value["receipt"]
    assert settled["state"] == "BUSINESS_STATE_APPLIED"
    assert int(settled["settled_time"]) > 0
    other = await caller.ask("GET", f"{target}&origin_id={CITY}")
    assert (other.status, other.reason) == (403, "ORIGIN_FORBIDDEN")
    unknown = await caller.ask("GET", "/v1/receipts?message_id=00000000-0000-4000-8000-000000000000")
    assert (unknown.status, unknown.reason) == (404, "MESSAGE_NOT_FOUND")


async def test_an_argument_that_does_not_fit_is_named(caller: Caller) -> None:
    for target, path in (
        ("/v1/parcels?after=-1", "after"),
        ("/v1/parcels?after=%D9%A1", "after"),
        ("/v1/parcels?after=99999999999999999999", "after"),
        ("/v1/parcels?limit=0", "limit"),
        ("/v1/parcels?limit=2001", "limit"),
        ("/v1/parcels?wait=26", "wait"),
        ("/v1/parcels?from=1", "from"),
        ("/v1/parcels?after=0&after=1", "query"),
        ("/v1/receipts?message_id=7", "message_id"),
        ("/v1/whoami?x=1", "x"),
    ):
        answer = await caller.ask("GET", target)
        assert (answer.status, answer.reason, answer.value["field_path"]) == (400, "ARGUMENT_INVALID", path), target


async def test_what_is_no_call_is_told_and_health_needs_no_secret(caller: Caller) -> None:
    for method, path in (("GET", "/"), ("DELETE", PARCELS), ("GET", "/v1/parcels/1"), ("HEAD", "/v1/health")):
        answer = await caller.send(method, path, b"", {})
        assert answer.status == 404
        assert method == "HEAD" or answer.reason == "ENDPOINT_UNKNOWN"
    healthy = await caller.send("GET", "/v1/health", b"", {})
    assert (healthy.status, healthy.value) == (200, {"status": "ok", "time": str(NOON)})


async def test_a_platform_has_so_many_calls_open_and_no_more(caller: Caller) -> None:
    waiting = [asyncio.create_task(caller.ask("GET", "/v1/parcels?after=0&wait=2")) for _ in range(guard.MAX_CALLS + 2)]
    answers = await asyncio.gather(*waiting)
    assert sorted(answer.status for answer in answers) == [200] * guard.MAX_CALLS + [429] * 2
    assert (await caller.ask("GET", "/v1/whoami")).status == 200
