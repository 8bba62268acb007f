"""Two accounts of one person: who proves both has them linked, and nobody else and nothing else links any."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from auth.assertion import Assertion, SignOnRefused
from auth.person import Role
from auth.sessions import Limits, Sessions
from exchange_db import audit, people
from exchange_db.audit import Search
from exchange_db.people import PersonRow
from exchange_db.records import Violated
from exchange_db.session import Ledger
from exchange_db.sign_on_records import OidcUpstream
from hub.approvals.rights import person_party
from hub.clock import system_clock
from hub.sections.audit import ApprovalsPart
from hub.sections.console import ConsolePart
from hub.settings import HubPart, Settings
from hub.signon import links
from hub.signon.desk import SignOnDesk, Wish
from hub.signon.making import make_desk
from hub.signon.people import PeopleDesk, listed
from tests.support.builders import CITY
from tests.support.clock import FakeClock
from tests.support.hostile_provider import CLIENT_ID, HostileProvider, hostile_provider
from tests.support.signed_on import let_in, register

UPSTREAM, HOME = "430000.platform", "431200.platform"
CALLBACK = f"https://hub.example/sso/back/{UPSTREAM}"
BROWSER, OTHER_BROWSER = "b" * 43, "c" * 43
REGION = 431200


class Scene(NamedTuple):
    """A desk with a provider, and people who signed on elsewhere already."""

    ledger: Ledger
    desk: SignOnDesk
    doors: Sessions
    provider: HostileProvider
    clock: FakeClock

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock() / 1_000_000, UTC)

    async def signed_on(self, subject: str, **changed: Any) -> str:
        told = {"upstream_id": HOME, "subject": subject, "region": REGION, "auth_time": self.now, **changed}
        async with self.ledger.write() as session:
            return (await self.doors.open(session, Assertion(**told), self.now)).token

    async def begin(self, token: str) -> str:
        return await self.desk.begin_link(UPSTREAM, BROWSER, CALLBACK, token)

    async def finish(self, answer: dict[str, str], token: str, browser: str = BROWSER) -> None:
        arrived = await self.desk.finish(UPSTREAM, browser, CALLBACK, answer, client="", replaced=token)
        assert (arrived.opened, arrived.return_path) == (None, "/sso/me"), "the session stays the one it was"

    async def link(self, token: str, subject: str) -> None:
        await self.finish(self.provider.authorize(await self.begin(token), subject), token)

    async def person(self, subject: str, issuer_id: str = HOME) -> PersonRow:
        async with self.ledger.read() as session:
            found = await people.of_identity(session, issuer_id, subject)
        assert found is not None
        return found

    async def linked(self, person_id: UUID) -> list[str]:
        async with self.ledger.read() as session:
            return [f"{row.issuer_id}/{row.subject}" for row in await links.linked(session, person_id)]

    async def acts(self, action: str) -> list[str]:
        async with self.ledger.read() as session:
            lines = await audit.search(session, Search(action=action), limit=50)
        return [f"{line.actor} {line.outcome} {line.reason}".strip() for line in reversed(lines)]


@pytest.fixture
async def scene(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Scene]:
    clock = FakeClock(system_clock())
    settings = Settings(hub=HubPart(id=CITY, name="市"), console=ConsolePart(wrapping_key=tmp_path / "none"))
    doors = Sessions(settings.hub.region, Limits(timedelta(minutes=30), timedelta(hours=10)))
    (tmp_path / "secret").write_text("a secret for tests")
    async with hostile_provider() as provider:
        roles = ("viewer", "operator", "auditor", "security_officer")
        told: dict[str, Any] = {
            "name": "平台", "addresses": (provider.issuer.removeprefix("http://"),), "issuer": provider.issuer,
            "client_id": CLIENT_ID, "secret": str(tmp_path / "secret"), "roles": roles,
        }  # fmt: skip
        await register(ledger, *(OidcUpstream(upstream_id=name, **told) for name in (UPSTREAM, HOME)))
        provider.claims = lambda claims: {**claims, "auth_time": int(time.time())}
        desk = make_desk(settings, ledger, clock, doors)
        yield Scene(ledger, desk, doors, provider, clock)
        await desk.close()


async def test_who_signs_on_at_both_platforms_has_the_accounts_linked_and_keeps_the_rights_apart(scene: Scene) -> None:
    token = await scene.signed_on("li")
    await let_in(scene.ledger, REGION, HOME, "li", (Role.VIEWER, REGION))
    await scene.link(token, "li.wei")
    own, other = await scene.person("li"), await scene.person("li.wei", UPSTREAM)
    assert await scene.linked(own.person_id) == [f"{UPSTREAM}/li.wei"]
    assert await scene.linked(other.person_id) == [f"{HOME}/li"]
    assert other.state == "waiting"
    async with scene.ledger.read() as session:
        rows = await listed(session)
        assert (await people.grants_of(session, [other.person_id]))[other.person_id] == ()
    shown = {entry.person.person_id: [row.subject for row in entry.linked] for entry in rows}
    assert shown == {own.person_id: ["li.wei"], other.person_id: ["li"]}
    assert await scene.acts("person.link") == [f"person:{HOME}/li done"]
    async with scene.ledger.write() as session:
        await links.unlink_own(session, own, other.person_id)
    assert await scene.linked(own.person_id) == await scene.linked(other.person_id) == []
    assert await scene.acts("person.unlink") == [f"person:{HOME}/li done"]


async def test_three_accounts_are_one_persons_and_one_can_leave(scene: Scene) -> None:
    token = await scene.signed_on("li")
    for subject in ("one", "two"):
        await scene.link(token, subject)
    one = await scene.person("one", UPSTREAM)
    assert await scene.linked(one.person_id) == [f"{UPSTREAM}/two", f"{HOME}/li"]
    async with scene.ledger.write() as session:
        await PeopleDesk(REGION, "host:test").unlink(session, one.person_id)
        with pytest.raises(Violated, match="LINK_UNKNOWN"):
            await PeopleDesk(REGION, "host:test").unlink(session, one.person_id)
    assert await scene.linked((await scene.person("li")).person_id) == [f"{UPSTREAM}/two"]


async def test_a_proof_serves_the_session_and_browser_it_was_begun_in_and_once(scene: Scene) -> None:
    token, stranger = await scene.signed_on("li"), await scene.signed_on("wang")
    for held in (stranger, "", "x" * 43):
        answer = scene.provider.authorize(await scene.begin(token), "li.wei")
        for again in (held, token):
            with pytest.raises(SignOnRefused, match="flow_unknown"):
                await scene.finish(answer, again)
    answer = scene.provider.authorize(await scene.begin(token), "li.wei")
    with pytest.raises(SignOnRefused, match="flow_unknown"):
        await scene.finish(answer, token, OTHER_BROWSER)
    for subject in ("li", "wang"):
        assert await scene.linked((await scene.person(subject)).person_id) == []
    await scene.link(token, "li.wei")
    assert await scene.linked((await scene.person("wang")).person_id) == []


async def test_a_proof_is_of_the_account_that_signed_on_and_of_no_other_there(scene: Scene) -> None:
    token = await scene.signed_on("li")
    mine = scene.provider.authorize(await scene.begin(token), "li.wei")
    theirs = scene.provider.authorize(await scene.begin(token), "another")
    with pytest.raises(SignOnRefused):
        await scene.finish({**mine, "code": theirs["code"]}, token)
    assert await scene.linked((await scene.person("li")).person_id) == []
    await scene.link(token, "li.wei")
    assert await scene.linked((await scene.person("li")).person_id) == [f"{UPSTREAM}/li.wei"]


async def test_both_sign_ons_must_be_fresh(scene: Scene) -> None:
    old = await scene.signed_on("li", auth_time=scene.now - timedelta(minutes=6))
    with pytest.raises(SignOnRefused, match="link_not_fresh"):
        await scene.begin(old)
    token = await scene.signed_on("li")
    scene.provider.claims = lambda claims: {**claims, "auth_time": int(time.time()) - 120}
    with pytest.raises(SignOnRefused, match="link_not_fresh"):
        await scene.link(token, "li.wei")
    scene.provider.claims = lambda claims: {**claims, "auth_time": int(time.time())}
    await scene.link(token, "li.wei")


async def test_equal_names_link_nothing(scene: Scene) -> None:
    await scene.signed_on("li", name="李伟", unit="城管局")
    same = {"name": "李伟", "email": "li@example.cn", "phone_number": "13800000000"}
    scene.provider.claims = lambda claims: {**claims, **same, "auth_time": int(time.time())}
    answer = scene.provider.authorize(await scene.desk.begin(UPSTREAM, BROWSER, CALLBACK, Wish()), "li")
    await scene.desk.finish(UPSTREAM, BROWSER, CALLBACK, answer, client="", replaced="")
    own, other = await scene.person("li"), await scene.person("li", UPSTREAM)
    assert own.person_id != other.person_id
    assert await scene.linked(own.person_id) == []


async def test_what_is_blocked_the_same_or_excludes_each_other_is_not_linked(scene: Scene) -> None:
    token = await scene.signed_on("li")
    await let_in(scene.ledger, REGION, HOME, "li", (Role.SECURITY_OFFICER, REGION))
    for subject in ("blocked", "auditor"):
        await scene.signed_on(subject, upstream_id=UPSTREAM)
        await let_in(scene.ledger, REGION, UPSTREAM, subject, (Role.AUDITOR, REGION))
    async with scene.ledger.write() as session:
        desk = PeopleDesk(REGION, "host:test")
        await desk.block(session, (await scene.person("blocked", UPSTREAM)).person_id)
    for subject, reason in (("blocked", "person_blocked"), ("auditor", "link_conflict")):
        with pytest.raises(SignOnRefused, match=reason):
            await scene.link(token, subject)
    assert await scene.linked((await scene.person("li")).person_id) == []
    here = await scene.signed_on("self", upstream_id=UPSTREAM)
    with pytest.raises(SignOnRefused, match="link_same"):
        await scene.link(here, "self")
    for number in range(5):
        await scene.link(token, f"account {number}")
    with pytest.raises(SignOnRefused, match="link_too_many"):
        await scene.link(token, "account 6")


async def test_linked_accounts_do_nothing_together_that_one_person_may_not(scene: Scene) -> None:
    token = await scene.signed_on("li")
    await let_in(scene.ledger, REGION, HOME, "li", (Role.SECURITY_OFFICER, REGION))
    await scene.link(token, "li.wei")
    own, other = await scene.person("li"), await scene.person("li.wei", UPSTREAM)
    async with scene.ledger.write() as session:
        with pytest.raises(Violated, match="OWN_RIGHTS"):
            await PeopleDesk(REGION, "person:li", own.person_id).admit(session, other.person_id)
        desk = PeopleDesk(REGION, "host:test")
        with pytest.raises(Violated, match="ROLES_CONFLICT"):
            await desk.grant(session, other.person_id, Role.AUDITOR, REGION, scene.now)
        await desk.unlink(session, other.person_id)
        await desk.grant(session, other.person_id, Role.AUDITOR, REGION, scene.now)
    party = person_party(own, ApprovalsPart(), linked=(other,))
    assert f"person:{UPSTREAM}/li.wei" in party.names


async def test_nobody_parts_accounts_of_another(scene: Scene) -> None:
    await scene.link(await scene.signed_on("li"), "li.wei")
    await scene.signed_on("wang")
    other = await scene.person("li.wei", UPSTREAM)
    async with scene.ledger.write() as session:
        with pytest.raises(Violated, match="LINK_UNKNOWN"):
            await links.unlink_own(session, await scene.person("wang"), other.person_id)
    assert await scene.linked(other.person_id) == [f"{HOME}/li"]
