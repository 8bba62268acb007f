"""Sessions of people: how long they hold, what ends them, and what is left of rights on the way."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from auth.assertion import Assertion, SignOnRefused
from auth.person import Grant, Hop, Role
from auth.sessions import Limits, Sessions, digest_of, form_token, is_form_token, is_token
from exchange_db import people, sessions
from exchange_db.people import LOCAL
from exchange_db.session import HotSession, Ledger, ReadSession
from exchange_db.sign_on_records import CasUpstream
from hub.signon.people import PeopleDesk
from tests.support.signed_on import count_sessions, register

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CITY, COUNTY = 431200, "431221.platform"
_DOORS = Sessions(CITY, Limits(timedelta(minutes=30), timedelta(hours=10)))


def _county(upstream_id: str = COUNTY, roles: Sequence[str] = ("viewer", "operator")) -> CasUpstream:
    return CasUpstream(
        upstream_id=upstream_id, name="县", roles=tuple(roles), addresses=("10.0.0.1:443",), base="https://cas.example"
    )


def _assertion(**changed: object) -> Assertion:
    values = {"upstream_id": COUNTY, "subject": "zhang", "region": 431221, "auth_time": NOW, "upstream_session": "ST-1"}
    return Assertion(**{**values, **changed})  # type: ignore[arg-type]


async def _signed_on(
    ledger: Ledger, *grants: tuple[Role, int], now: datetime = NOW, replaced: str = "", **changed: object
) -> str:
    async with ledger.write() as session:
        opened = await _DOORS.open(session, _assertion(**changed), now, replaced=replaced)
        await people.set_state(session, opened.person.person_id, "admitted")
        for role, region in grants:
            await people.grant(session, opened.person.person_id, role, region, granted_by="test", now=now)
    return opened.token


async def _grants(ledger: Ledger, token: str, now: datetime = NOW) -> tuple[Grant, ...] | None:
    found = await _DOORS.find(ledger, token, now)
    return None if found is None else found.person.grants


async def test_a_session_holds_while_it_is_used_and_never_longer_than_its_end(ledger: Ledger) -> None:
    await register(ledger, _county())
    token = await _signed_on(ledger, (Role.VIEWER, 431221))
    assert await _grants(ledger, token, NOW + timedelta(minutes=29)) == (Grant(Role.VIEWER, 431221),)
    assert await _grants(ledger, token, NOW + timedelta(minutes=58)) is not None
    assert await _grants(ledger, token, NOW + timedelta(minutes=89)) is None
    other = await _signed_on(ledger)
    for minutes in range(0, 600, 25):
        assert await _grants(ledger, other, NOW + timedelta(minutes=minutes)) is not None
    assert await _grants(ledger, other, NOW + timedelta(hours=10)) is None


async def test_what_the_ledger_holds_signs_nobody_on(ledger: Ledger) -> None:
    await register(ledger, _county())
    token = await _signed_on(ledger)
    async with ledger.read() as session:
        held = await sessions.find(session, digest_of(token))
        assert held is not None
        cursor = await session.driver.execute("SELECT s::text FROM sessions s")
        [(row,)] = await cursor.fetchall()
    assert token not in row
    assert await _grants(ledger, held[0].session_digest.hex()[:43]) is None
    assert await _grants(ledger, token) is not None


async def test_signing_on_again_gives_a_new_session_and_ends_the_one_before(ledger: Ledger) -> None:
    await register(ledger, _county())
    first = await _signed_on(ledger)
    second = await _signed_on(ledger, replaced=first)
    assert first != second
    assert await _grants(ledger, first) is None
    assert await _grants(ledger, second) is not None


async def test_rights_reach_no_further_than_person_platform_and_hub(ledger: Ledger) -> None:
    await register(ledger, _county(), _county("430000.platform"), _county("431200.other", ("viewer",)))
    for upstream, hops, granted, left in [
        (COUNTY, (), (Role.VIEWER, 431221), (Role.VIEWER, 431221)),
        (COUNTY, (), (Role.VIEWER, CITY), (Role.VIEWER, 431221)),
        (COUNTY, (), (Role.VIEWER, 431222), None),
        (COUNTY, (), (Role.AUDITOR, 431221), None),
        ("431200.other", (), (Role.OPERATOR, CITY), None),
        ("431200.other", ("431221.platform",), (Role.VIEWER, CITY), (Role.VIEWER, 431221)),
        ("431200.other", ("431221.platform", "431222.platform"), (Role.VIEWER, CITY), None),
        ("430000.platform", (), (Role.VIEWER, 430000), (Role.VIEWER, CITY)),
        ("430000.platform", (), (Role.OPERATOR, CITY), (Role.VIEWER, CITY)),
    ]:
        token = await _signed_on(
            ledger, granted, upstream_id=upstream, subject=f"{upstream}{hops}{granted}",
            hops=tuple(Hop(platform, "x") for platform in hops),
        )  # fmt: skip
        expected = () if left is None else (Grant(*left),)
        assert await _grants(ledger, token) == expected, (upstream, hops, granted)


async def test_a_platform_that_is_taken_out_takes_its_sessions_along(ledger: Ledger) -> None:
    await register(ledger, _county())
    token = await _signed_on(ledger)
    async with ledger.write() as session:
        await session.driver.execute("DELETE FROM upstreams")
    assert await _grants(ledger, token) is None
    await register(ledger, _county())
    assert await _grants(ledger, token) is not None


async def test_who_waits_or_is_blocked_has_nothing(ledger: Ledger) -> None:
    await register(ledger, _county())
    token = await _signed_on(ledger, (Role.VIEWER, 431221))
    async with ledger.write() as session:
        await session.driver.execute("UPDATE people SET state = 'waiting'")
    assert await _grants(ledger, token) == ()
    async with ledger.write() as session:
        person = await people.of_identity(session, COUNTY, "zhang")
        assert person is not None
        await PeopleDesk(CITY, "host:test").block(session, person.person_id)
        assert await count_sessions(session, person.person_id) == 0
    assert await _grants(ledger, token) is None
    async with ledger.write() as session:
        with pytest.raises(SignOnRefused, match="person_blocked"):
            await _DOORS.open(session, _assertion(), NOW)


async def test_more_platforms_on_the_way_than_tiers_are_refused(ledger: Ledger) -> None:
    hops = tuple(Hop(f"{region}.hub", "x") for region in ("431200", "430000", "000000", "431221"))
    async with ledger.write() as session:
        with pytest.raises(SignOnRefused):
            await _DOORS.open(session, _assertion(hops=hops), NOW)
        assert (await _DOORS.open(session, _assertion(hops=hops[:3]), NOW)).token


async def test_what_is_over_is_removed_and_nothing_else(ledger: Ledger) -> None:
    await register(ledger, _county())
    token = await _signed_on(ledger)
    async with ledger.write() as session:
        assert await sessions.forget(session, NOW + timedelta(minutes=29), NOW - timedelta(minutes=1)) == 0
    assert await _grants(ledger, token) is not None
    async with ledger.write() as session:
        assert await sessions.forget(session, NOW + timedelta(hours=10), NOW - timedelta(minutes=1)) == 1


async def test_an_end_of_one_platforms_session_is_not_anothers(ledger: Ledger) -> None:
    await register(ledger, _county(), _county("431222.platform"))
    token = await _signed_on(ledger)
    async with ledger.write() as session:
        assert await sessions.end_upstream_session(session, "431222.platform", "ST-1") == []
        assert await sessions.end_subject(session, "431222.platform", "zhang") == []
    assert await _grants(ledger, token) is not None
    async with ledger.write() as session:
        assert len(await sessions.end_upstream_session(session, COUNTY, "ST-1")) == 1
    assert await _grants(ledger, token) is None


async def test_an_administrator_of_the_host_needs_no_platform(ledger: Ledger) -> None:
    token = await _signed_on(ledger, (Role.SECURITY_OFFICER, CITY), upstream_id=LOCAL, subject="root", region=CITY)
    assert await _grants(ledger, token) == (Grant(Role.SECURITY_OFFICER, CITY),)


def test_a_form_belongs_to_one_session() -> None:
    mine, other = "a" * 43, "b" * 43
    assert is_form_token(mine, form_token(mine))
    assert not is_form_token(mine, form_token(other))
    assert not is_form_token(mine, "")
    assert not is_form_token(mine, "\ud800票")


def test_only_what_this_hub_makes_is_looked_up() -> None:
    assert is_token("A-_9" + "a" * 39)
    for text in ("", "a" * 42, "a" * 44, "票" * 43, "a" * 42 + "/", "a" * 42 + " "):
        assert not is_token(text)


async def test_only_what_may_be_begun_anew_is_committed_without_waiting(ledger: Ledger) -> None:
    async def setting(session: HotSession | ReadSession) -> str:
        row = await (await session.driver.execute("SHOW synchronous_commit")).fetchone()
        assert row is not None
        return str(row[0])

    async with ledger.passing() as passing, ledger.watching() as watching, ledger.write() as writing:
        assert [await setting(session) for session in (passing, watching, writing)] == ["off", "on", "on"]
    async with ledger.brisk() as waited, ledger.brisk(is_waited=False) as unwaited:
        assert [await setting(session) for session in (waited, unwaited)] == ["on", "off"]
