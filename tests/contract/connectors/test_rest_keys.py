"""Calls by REST signed with a platform's own key, at the edge of a hub."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from auth.batch_keys import Algorithm, SigningKey
from connectors.json_wire import json_of_parcel
from connectors.transports.message_signatures import MessageKey, signed_headers
from exchange_db import peers, seals
from exchange_db.seal_records import BatchKey
from exchange_db.session import Ledger
from tests.support.builders import COUNTY, a_case, a_report
from tests.support.clock import NOON, FakeClock
from tests.support.pushing import parcel_of
from tests.support.rest import HUB, NEVER, Answered, Caller, enter, rest_edge

KEY = SigningKey.generate(Algorithm.SM2_SM3)
BEGIN = datetime.fromtimestamp(NOON / 1_000_000, UTC) - timedelta(days=1)
TAKE = "/v1/parcels?stream=keyed"
ABOUT = {"Content-Type": "application/json"}


async def _register(ledger: Ledger, *required: str, end_time: datetime = NEVER) -> None:
    await enter(ledger)
    key = BatchKey(COUNTY, KEY.public.key_id, KEY.algorithm, KEY.public.der, BEGIN, end_time, b"")
    async with ledger.write() as session:
        await seals.add_key(session, key)
        await seals.require(session, COUNTY, required)


def _body(number: int) -> bytes:
    payload = parcel_of(COUNTY, a_case(case_no=f"K-{number}", report=a_report()), NOON)
    return json.dumps({"first_sequence": "0", "parcels": [json_of_parcel(payload)]}).encode()


async def _ask(caller: Caller, clock: FakeClock, body: bytes, nonce: str = "0123456789abcdef") -> Answered:
    key = MessageKey(COUNTY, KEY.public.key_id, KEY.algorithm, KEY.sign)
    headers = signed_headers(key, HUB, "POST", TAKE, body, nonce=nonce, now=clock() // 1_000_000, headers=ABOUT)
    return await caller.send("POST", TAKE, body, headers)


async def test_a_call_signed_with_a_key_is_taken_once(ledger: Ledger) -> None:
    clock = FakeClock()
    await _register(ledger, "SM2-SM3")
    async with rest_edge(ledger, clock) as caller:
        taken = await _ask(caller, clock, _body(1))
        assert (taken.status, taken.value["outcomes"]) == (200, ["OUTCOME_DURABLE"])
        again = await _ask(caller, clock, _body(1))
        assert (again.status, again.reason) == (401, "NONCE_REUSED")
        other = await _ask(caller, clock, _body(2), "fedcba9876543210")
        assert other.status == 200


async def test_a_link_that_demands_signatures_takes_no_secret(ledger: Ledger) -> None:
    clock = FakeClock()
    await _register(ledger, "SM2-SM3")
    async with rest_edge(ledger, clock) as caller:
        refused = await caller.ask("GET", "/v1/whoami")
        assert (refused.status, refused.reason) == (401, "MESSAGE_SIGNATURE_REQUIRED")
        await _register(ledger)
        assert (await caller.ask("GET", "/v1/whoami")).status == 200


async def test_where_both_are_demanded_one_signature_is_not_enough(ledger: Ledger) -> None:
    clock = FakeClock()
    await _register(ledger, "ES256", "SM2-SM3")
    async with rest_edge(ledger, clock) as caller:
        refused = await _ask(caller, clock, _body(1))
        assert (refused.status, refused.reason) == (400, "BATCH_UNSIGNED")


@pytest.mark.parametrize("why", ["ended", "withdrawn", "unknown", "blocked", "changed"])
async def test_a_key_or_platform_that_is_not_welcome_is_refused(ledger: Ledger, why: str) -> None:
    clock = FakeClock()
    await _register(ledger, "SM2-SM3")
    async with rest_edge(ledger, clock) as caller:
        assert (await _ask(caller, clock, _body(1))).status == 200
        if why == "ended":
            await _register(ledger, "SM2-SM3", end_time=BEGIN + timedelta(hours=1))
        async with ledger.write() as session:
            if why == "withdrawn":
                await seals.withdraw_key(session, COUNTY, KEY.public.key_id, BEGIN)
            if why == "unknown":
                await session.driver.execute("DELETE FROM batch_keys")
            if why == "blocked":
                await peers.set_state(session, COUNTY, "blocked")
        if why == "changed":
            key = MessageKey(COUNTY, KEY.public.key_id, KEY.algorithm, KEY.sign)
            now = clock() // 1_000_000
            headers = signed_headers(key, HUB, "POST", TAKE, _body(2), nonce="f" * 16, now=now, headers=ABOUT)
            refused = await caller.send("POST", TAKE, _body(3), headers)
        else:
            refused = await _ask(caller, clock, _body(2), "fedcba9876543210")
    reason = "PEER_BLOCKED" if why == "blocked" else "MESSAGE_SIGNATURE_INVALID"
    assert (refused.status, refused.reason) == (403 if why == "blocked" else 401, reason)
