"""Platforms hand in their lists of people: what a list can do, and what it cannot."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from auth.assertion import Assertion, SignOnRefused
from auth.person import Role
from auth.sessions import Limits, Sessions
from exchange_db import audit, people
from exchange_db.audit import Search
from exchange_db.people import PersonRow
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.sections.limits import LimitsPart
from hub.signon.lists import ListDesk
from hub.signon.people import PeopleDesk
from hub.signon.scim import Entry, ScimRefused
from tests.support.clock import FakeClock
from tests.support.people_lists import PROVINCE, USER, Platform, secret_for, upstream_of
from tests.support.sign_on_peers import PEERS, PINS, need_scim_tester
from tests.support.signed_on import console_of, let_in, place_for, register, surfer_for

CITY = 431200
COUNTY = "431221.platform"
UNIT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.fixture
async def platform(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Platform]:
    place = place_for(tmp_path / "console")
    await register(ledger, upstream_of(PROVINCE), upstream_of(COUNTY))
    secret = await secret_for(ledger, PROVINCE)
    async with console_of(ledger, place), surfer_for(place) as surfer, ClientSession() as http:
        yield Platform(ledger, http, f"{place.origin}/scim/v2", surfer.tls, secret)


_DOORS = Sessions(CITY, Limits(timedelta(minutes=30), timedelta(hours=10)))


async def _signed_on(ledger: Ledger, subject: str) -> str:
    now = datetime.now(UTC)
    told = Assertion(upstream_id=PROVINCE, subject=subject, region=CITY, auth_time=now)
    async with ledger.write() as session:
        return (await _DOORS.open(session, told, now)).token


async def _is_in(ledger: Ledger, token: str) -> bool:
    return await _DOORS.find(ledger, token, datetime.now(UTC)) is not None


async def _acts(ledger: Ledger, person: PersonRow) -> list[str]:
    async with ledger.read() as session:
        lines = await audit.search(session, Search(object=str(person.person_id)), limit=50)
    return [f"{line.actor} {line.action}" for line in reversed(lines)]


async def test_who_is_put_on_a_list_waits_without_any_right(platform: Platform) -> None:
    made = await platform.add(
        "zhangsan", externalId="sub-1", name={"familyName": "张", "givenName": "三"}, password="hidden",
        emails=[{"value": "z@example.cn"}], **{UNIT: {"department": "城管局"}},
    )  # fmt: skip
    assert made.status == 201
    user = made.body
    assert made.headers["Location"] == user["meta"]["location"] == f"{platform.base}/Users/{user['id']}"
    assert (user["userName"], user["externalId"], user["active"]) == ("zhangsan", "sub-1", True)
    assert user["name"] == {"familyName": "张", "givenName": "三"}
    assert not {"password", "emails"} & user.keys(), "what is not taken is not kept"
    assert (await platform.ask("GET", f"/Users/{user['id']}")).body == user
    person = await platform.person("sub-1")
    assert (person.name, person.unit, person.state, str(person.person_id)) == ("张三", "城管局", "waiting", user["id"])
    async with platform.ledger.read() as session:
        assert (await people.grants_of(session, [person.person_id]))[person.person_id] == ()
    assert await _acts(platform.ledger, person) == [f"peer:{PROVINCE} person.list"]


async def test_who_signed_on_before_is_the_same_person_and_keeps_their_rights(platform: Platform) -> None:
    token = await _signed_on(platform.ledger, "lisi")
    await let_in(platform.ledger, CITY, PROVINCE, "lisi", (Role.VIEWER, CITY))
    made = await platform.add("lisi")
    person = await platform.person("lisi")
    assert (made.body["id"], person.state) == (str(person.person_id), "admitted")
    assert await _is_in(platform.ledger, token)
    assert (await platform.add("lisi")).body["scimType"] == "uniqueness"
    assert (await platform.add("lisi", externalId="another")).status == 409


async def test_inactive_keeps_somebody_out_at_once_and_active_lets_nobody_in(platform: Platform) -> None:
    user_id = (await platform.add("wang")).body["id"]
    token = await _signed_on(platform.ledger, "wang")
    await let_in(platform.ledger, CITY, PROVINCE, "wang", (Role.VIEWER, CITY))
    assert await _is_in(platform.ledger, token)
    said = await platform.patch(user_id, {"op": "Replace", "path": "active", "value": False})
    assert (said.status, said.body["active"]) == (200, False)
    assert not await _is_in(platform.ledger, token)
    with pytest.raises(SignOnRefused, match="person_blocked"):
        await _signed_on(platform.ledger, "wang")
    person = await platform.person("wang")
    async with platform.ledger.write() as session:
        with pytest.raises(Violated, match="LISTED_OUT"):
            await PeopleDesk(CITY, "host:test").admit(session, person.person_id)
    assert (await platform.patch(user_id, {"op": "replace", "value": {"active": True}})).body["active"] is True
    assert (await platform.person("wang")).state == "waiting", "it takes another admission"
    await let_in(platform.ledger, CITY, PROVINCE, "wang")
    assert (await platform.person("wang")).state == "admitted"
    block = f"peer:{PROVINCE} person.block"
    assert (await _acts(platform.ledger, person)).count(block) == 1


async def test_a_list_brings_nobody_back_whom_this_hub_keeps_out(platform: Platform) -> None:
    user_id = (await platform.add("zhao")).body["id"]
    person = await platform.person("zhao")
    async with platform.ledger.write() as session:
        await PeopleDesk(CITY, "host:test").block(session, person.person_id)
    for active in (False, True):
        await platform.patch(user_id, {"op": "replace", "path": "active", "value": active})
        assert (await platform.person("zhao")).state == "blocked"
    await platform.ask("DELETE", f"/Users/{user_id}")
    assert (await platform.add("zhao")).status == 201
    assert (await platform.person("zhao")).state == "blocked"


async def test_who_is_taken_off_is_kept_out_and_never_erased(platform: Platform) -> None:
    user_id = (await platform.add("sun")).body["id"]
    token = await _signed_on(platform.ledger, "sun")
    assert (await platform.ask("DELETE", f"/Users/{user_id}")).status == 204
    assert not await _is_in(platform.ledger, token)
    assert (await platform.person("sun")).state == "blocked"
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"schemas": [USER], "userName": "sun"})):
        assert (await platform.ask(method, f"/Users/{user_id}", body)).status == 404
    assert (await platform.ask("GET", "/Users")).body["totalResults"] == 0
    again = await platform.add("sun")
    assert (again.status, again.body["id"]) == (201, user_id)
    assert (await platform.person("sun")).state == "waiting"


async def test_a_platform_reaches_its_own_list_alone(platform: Platform) -> None:
    county = platform.as_other(await secret_for(platform.ledger, COUNTY))
    user_id = (await platform.add("zhou")).body["id"]
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"schemas": [USER], "userName": "zhou"})):
        assert (await county.ask(method, f"/Users/{user_id}", body)).status == 404
    assert (await county.patch(user_id, {"op": "replace", "path": "active", "value": False})).status == 404
    assert (await county.ask("GET", "/Users")).body["Resources"] == []
    assert (await county.add("zhou", displayName="周")).status == 201
    assert (await platform.ask("GET", "/Users")).body["totalResults"] == 1
    assert ((await platform.person("zhou")).name, (await platform.person("zhou", COUNTY)).name) == ("zhou", "周")


@pytest.mark.parametrize("secret", ["", "x", "A" * 43, "é" * 43])
async def test_nobody_without_a_secret_is_told_anything(platform: Platform, secret: str) -> None:
    stranger = platform.as_other(secret.encode().decode("latin-1"))
    for method, path in [
        ("GET", "/Users"), ("GET", "/Schemas"), ("GET", "/ServiceProviderConfig"), ("GET", "/nothing"),
        ("POST", "/Users"), ("DELETE", "/Users/7"),
    ]:  # fmt: skip
        said = await stranger.ask(method, path)
        assert (said.status, said.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await platform.ask("GET", "/Users")).status == 200


async def test_a_secret_that_was_exchanged_or_whose_platform_is_gone_is_no_use(platform: Platform) -> None:
    fresh = platform.as_other(await secret_for(platform.ledger, PROVINCE))
    assert (await platform.ask("GET", "/Users")).status == 401
    assert (await fresh.ask("GET", "/Users")).status == 200
    async with platform.ledger.write() as session:
        await session.driver.execute("DELETE FROM upstreams WHERE upstream_id = %s", (PROVINCE,))
    assert (await fresh.ask("GET", "/Users")).status == 401


async def test_a_list_is_found_by_name_and_read_by_pages(platform: Platform) -> None:
    for number in range(5):
        await platform.add(f"user {number}", externalId=f"sub-{number}")
    page = (await platform.ask("GET", "/Users?startIndex=2&count=2")).body
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 2, 2)
    assert [user["userName"] for user in page["Resources"]] == ["user 1", "user 2"]
    assert (await platform.ask("GET", "/Users?count=0")).body["Resources"] == []
    for query, names in [
        ('userName eq "user 3"', ["user 3"]), ('EXTERNALID EQ "sub-4"', ["user 4"]), ('userName eq "user"', []),
        ('userName eq "x\\" or userName eq \\"user 1"', []), ("userName eq \"' OR 1=1 --\"", []),
        (f'id eq "{page["Resources"][0]["id"]}"', ["user 1"]), ('id eq "7"', []),
    ]:  # fmt: skip
        found = await platform.ask("GET", f"/Users?filter={query.replace(' ', '%20')}")
        assert [user["userName"] for user in found.body["Resources"]] == names, query
    for query in ("filter=userName%20co%20%22a%22", "filter=name", "filter=userName%20eq%20%22a%5Cu0000%22"):
        assert (await platform.ask("GET", f"/Users?{query}")).body["scimType"] == "invalidFilter"
    for query in ("count=x", "startIndex=1e3", "count=99999999999"):
        assert (await platform.ask("GET", f"/Users?{query}")).body["scimType"] == "invalidValue"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({}, "invalidValue"),
        ({"userName": ""}, "invalidValue"),
        ({"userName": " a"}, "invalidValue"),
        ({"userName": 7}, "invalidValue"),
        ({"userName": "a" * 201}, "invalidValue"),
        ({"userName": "a\u0000b"}, "invalidValue"),
        ({"userName": "a", "active": "False"}, "invalidValue"),
        ({"userName": "a", "name": "A"}, "invalidValue"),
        ({"userName": "a", "USERNAME": "b"}, "invalidSyntax"),
        ({"userName": "a", "schemas": []}, "invalidSyntax"),
    ],
)
async def test_a_user_that_is_none_is_refused(platform: Platform, told: dict[str, Any], kind: str) -> None:
    said = await platform.ask("POST", "/Users", {"schemas": [USER], **told})
    assert (said.status, said.body["scimType"]) == (400, kind)
    assert (await platform.add("a")).status == 201


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ({"op": "replace", "path": "userName", "value": "root"}, "mutability"),
        ({"op": "add", "path": "externalId", "value": "root"}, "mutability"),
        ({"op": "remove", "path": "externalId"}, "mutability"),
        ({"op": "replace", "path": "emails", "value": []}, "invalidPath"),
        ({"op": "replace", "path": 'name[type eq "x"]', "value": "a"}, "invalidPath"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "remove", "path": "active"}, "invalidValue"),
        ({"op": "replace", "path": "active", "value": "false"}, "invalidValue"),
        ({"op": "replace", "value": 7}, "invalidValue"),
        ({"op": "move", "path": "active", "value": True}, "invalidSyntax"),
        (7, "invalidSyntax"),
    ],
)
async def test_a_change_that_is_none_is_refused_and_changes_nothing(
    platform: Platform, operation: Any, kind: str
) -> None:
    user = (await platform.add("wu", externalId="sub", displayName="吴")).body
    good = {"op": "replace", "path": "displayName", "value": "五"}
    said = await platform.patch(user["id"], good, operation)
    assert (said.status, said.body["scimType"]) == (400, kind)
    assert (await platform.ask("GET", f"/Users/{user['id']}")).body == user
    assert (await platform.patch(user["id"], good)).body["displayName"] == "五"
    put = {"schemas": [USER], "userName": "other"}
    assert (await platform.ask("PUT", f"/Users/{user['id']}", put)).body["scimType"] == "mutability"


async def test_what_is_put_takes_the_place_of_all_but_the_names_and_the_state(platform: Platform) -> None:
    user = (await platform.add("zheng", externalId="sub", displayName="郑", active=False)).body
    put = {"schemas": [USER], "userName": "zheng", "name": {"formatted": "郑先生"}}
    now = (await platform.ask("PUT", f"/Users/{user['id']}", put)).body
    assert (now["externalId"], now["active"], now["name"]) == ("sub", False, {"formatted": "郑先生"})
    assert "displayName" not in now
    person = await platform.person("sub")
    assert (person.name, person.state) == ("郑先生", "blocked")


async def test_bodies_have_a_length_a_type_and_a_depth(platform: Platform) -> None:
    long = json.dumps({"schemas": [USER], "userName": "a", "x": "x" * 70_000}).encode()
    assert (await platform.ask("POST", "/Users", long)).status == 413
    assert (await platform.ask("POST", "/Users", b"[" * 60_000)).body["scimType"] == "invalidSyntax"
    assert (await platform.ask("POST", "/Users", b"\xff")).body["scimType"] == "invalidSyntax"
    good = {"schemas": [USER], "userName": "a"}
    assert (await platform.ask("POST", "/Users", good, **{"Content-Type": "text/plain"})).status == 415
    assert (await platform.ask("POST", "/Users", good, **{"Content-Encoding": "identity"})).status == 415
    assert (await platform.ask("POST", "/Users", good)).status == 201


async def test_a_list_has_a_length(ledger: Ledger) -> None:
    upstream = upstream_of(PROVINCE)
    await register(ledger, upstream)
    desk = ListDesk(ledger, FakeClock(system_clock()), most=2)
    rows = [await desk.add(upstream, Entry(name)) for name in ("a", "b")]
    with pytest.raises(ScimRefused, match="tooMany"):
        await desk.add(upstream, Entry("c"))
    await desk.take_off(upstream, str(rows[0].person_id))
    assert (await desk.add(upstream, Entry("c"))).user_name == "c"


async def test_a_platform_and_a_stranger_may_ask_so_often(ledger: Ledger, tmp_path: Path) -> None:
    place = place_for(tmp_path / "console")
    limits = LimitsPart(neighbour_calls_per_minute=3, failures_per_minute=2)
    place = place._replace(settings=place.settings.model_copy(update={"limits": limits}))
    await register(ledger, upstream_of(PROVINCE))
    secret = await secret_for(ledger, PROVINCE)
    async with (
        console_of(ledger, place, FakeClock(system_clock())),
        surfer_for(place) as surfer,
        ClientSession() as http,
    ):
        platform = Platform(ledger, http, f"{place.origin}/scim/v2", surfer.tls, secret)
        assert [(await platform.ask("GET", "/Users")).status for _ in range(4)] == [200, 200, 200, 429]
        assert int((await platform.ask("GET", "/Users")).headers["Retry-After"]) > 0
        stranger = platform.as_other("A" * 43)
        assert [(await stranger.ask("GET", "/Users")).status for _ in range(3)] == [401, 401, 429]


async def test_the_door_tells_what_it_can(platform: Platform) -> None:
    config = (await platform.ask("GET", "/ServiceProviderConfig")).body
    can = {name: config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag", "changePassword")}
    assert [name for name, is_so in can.items() if is_so] == ["patch", "filter"]
    schemas = (await platform.ask("GET", "/Schemas")).body["Resources"]
    assert {schema["id"] for schema in schemas} == {USER, UNIT}
    types = (await platform.ask("GET", "/ResourceTypes")).body["Resources"]
    for described in [*schemas, *types]:
        path = described["meta"]["location"].removeprefix(platform.base)
        assert (await platform.ask("GET", path)).body == described
    assert (await platform.ask("GET", "/Schemas/none")).status == 404
    assert (await platform.ask("GET", "/Schemas?filter=id")).status == 403
    assert (await platform.ask("GET", "/Groups")).status == 404
    assert (await platform.ask("POST", "/Users/.search", {})).status == 501


async def test_scim2_tester_finds_nothing_wrong(platform: Platform, tmp_path: Path) -> None:
    need_scim_tester()
    command = [str(PEERS / "python" / "bin" / "python"), str(PINS / "scim_checks.py"), platform.base]
    ran = await asyncio.to_thread(
        subprocess.run,
        [*command, str(tmp_path / "console" / "authority.pem")],
        input=platform.secret.encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    checks = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0, ran.stderr.decode()[-2_000:]
    assert len(checks) > 35
    wrong = [check for check in checks if check["status"] not in ("SUCCESS", "SKIPPED", "COMPLIANT")]
    # Stricter than RFC 7644, section 3.5.1: a name somebody is known by is not even added later.
    assert [check["name"] for check in wrong if "names a user is known by never change" in check["told"]] == [
        check["name"] for check in wrong
    ], wrong
    assert {check["name"] for check in wrong} <= {"object_replacement", "check_add_attribute"}
