"""What a browser meets at a console that asks to sign on: cookies, forms, addresses, and an administrator's way in."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import pyotp
import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar
from yarl import URL

from auth.person import Role
from auth.sessions import form_token
from exchange_db import people
from exchange_db.people import LOCAL
from exchange_db.session import Ledger
from exchange_db.sign_on_records import CasUpstream
from hub.clock import system_clock
from hub.console.browser import BROWSER_COOKIE, SESSION_COOKIE, safe_path
from hub.signon.making import make_administrators
from hub.signon.people import PeopleDesk
from tests.support.clock import FakeClock
from tests.support.signed_on import console_of, let_in, place_for, register, surfer_for

PASSWORD = "correct horse battery"
COUNTY = "431221.platform"
REGION = 431200


class Door:
    """A console and one who knocks at it with a cookie jar of their own making."""

    def __init__(self, ledger: Ledger, origin: str, session: ClientSession, tls: Any, clock: FakeClock) -> None:
        self.ledger = ledger
        self.origin = origin
        self.clock = clock
        self.secret = ""
        self._session = session
        self._tls = tls

    async def ask(
        self, method: str, path: str, cookies: dict[str, str] | None = None, origin: str | None = "", **fields: str
    ) -> ClientResponse:
        """Asks once. ``origin`` is the header of a post: our own by default, ``None`` for none."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())}
        if method == "POST" and origin is not None:
            headers["Origin"] = origin or self.origin
        data = fields if method == "POST" else None
        async with self._session.request(
            method, self.origin + path, headers=headers, data=data, allow_redirects=False, ssl=self._tls
        ) as response:
            await response.read()
            return response

    async def signed_on(self, **changed: str) -> ClientResponse:
        """Signs the administrator on; each time with the code of another half minute."""
        self.clock.advance(seconds=30)
        browser = "b" * 43
        fields = {
            "name": "root",
            "password": PASSWORD,
            "code": pyotp.TOTP(self.secret).at(self.clock.now // 1_000_000),
            "form_token": form_token(browser),
        }
        return await self.ask("POST", "/sso/local", {BROWSER_COOKIE: browser}, **{**fields, **changed})

    async def token(self) -> str:
        """Returns a session of the administrator."""
        return (await self.signed_on()).cookies[SESSION_COOKIE].value


@pytest.fixture
async def door(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Door]:
    place = place_for(tmp_path / "console")
    clock = FakeClock(system_clock())
    administrators = make_administrators(place.settings)
    now = datetime.now(UTC)
    async with ledger.write() as session:
        made = await administrators.make(session, "root", PASSWORD, now)
        person, _ = await people.arrive(session, LOCAL, "root", name="root", unit="", region=REGION, now=now)
        desk = PeopleDesk(REGION, "host:test")
        await desk.admit(session, person.person_id)
        await desk.grant(session, person.person_id, Role.SECURITY_OFFICER, REGION, now)
    county = CasUpstream(
        upstream_id=COUNTY, name="<县>", roles=("viewer",), addresses=("127.0.0.1:9",), base="http://127.0.0.1:9/cas"
    )
    await register(ledger, county)
    async with (
        console_of(ledger, place, clock),
        surfer_for(place) as surfer,
        ClientSession(cookie_jar=DummyCookieJar()) as http,
    ):
        knocking = Door(ledger, place.origin, http, surfer.tls, clock)
        knocking.secret = made.secret
        yield knocking


def _require_guarded(cookie: Morsel[str]) -> None:
    assert cookie.key.startswith("__Host-")
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert not cookie["domain"]


async def test_nobody_is_sent_to_sign_on_and_comes_back_where_they_wanted(door: Door) -> None:
    for path in ("/", "/figures?from=2020-01", "/cases", "/quarantine", "/jobs", "/people", "/sso/me"):
        answer = await door.ask("GET", path)
        where = URL(answer.headers["Location"])
        assert (answer.status, where.path, where.query["return"]) == (303, "/sso", path)
    page = await door.ask("GET", "/sso?return=%2Ffigures%3Ffrom%3D2020-01")
    text = await page.text()
    assert "&lt;县&gt;" in text
    assert "/sso/to/431221.platform?return=%2Ffigures%3Ffrom%3D2020-01" in text
    _require_guarded(page.cookies[BROWSER_COOKIE])
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")
    for name in ("/healthz", "/metrics"):
        assert (await door.ask("GET", name)).status in (200, 503)


async def test_an_administrator_signs_on_with_a_session_that_is_new_each_time(door: Door) -> None:
    answer = await door.signed_on()
    assert answer.status == 200
    _require_guarded(answer.cookies[SESSION_COOKIE])
    first = answer.cookies[SESSION_COOKIE].value
    chosen = "x" * 43
    second = (await door.signed_on()).cookies[SESSION_COOKIE].value
    assert len({first, second, chosen}) == 3
    assert (await door.ask("GET", "/sso/me", {SESSION_COOKIE: second})).status == 200
    assert (await door.ask("GET", "/sso/me", {SESSION_COOKIE: chosen})).status == 303, "nobody fixes a session"


async def test_a_wrong_word_is_told_like_any_other(door: Door) -> None:
    for changed in ({"name": "nobody"}, {"password": "wrong"}, {"code": "000000"}):
        answer = await door.signed_on(**changed)
        assert (answer.status, "用户名、口令或动态口令不正确" in await answer.text()) == (403, True)
        assert SESSION_COOKIE not in answer.cookies


async def test_only_a_form_of_ours_in_this_browser_is_taken(door: Door) -> None:
    token = await door.token()
    held, good = {SESSION_COOKIE: token}, form_token(token)
    for origin, given in [
        ("https://evil.example", good),
        ("null", good),
        (None, good),
        (door.origin.replace("https", "http"), good),
        ("", ""),
        ("", form_token("c" * 43)),
    ]:
        for path in ("/sso/logout", "/people/block", "/sso/local"):
            answer = await door.ask("POST", path, held, origin, form_token=given, person="x")
            assert answer.status == 403, (path, origin, given)
    assert (await door.ask("GET", "/sso/me", held)).status == 200
    answer = await door.ask("POST", "/sso/logout", held, form_token=good)
    assert (answer.status, answer.cookies[SESSION_COOKIE].value) == (200, "")
    assert (await door.ask("GET", "/sso/me", held)).status == 303, "the session is over for whoever still holds it"


async def test_another_name_for_this_address_is_not_answered(door: Door) -> None:
    place = door.origin.removeprefix("https://")
    session, tls = door._session, door._tls
    for host, status in ((place, 303), ("evil.example", 421), ("127.0.0.1", 421), (f"{place}.evil.example", 421)):
        async with session.get(
            f"{door.origin}/figures", headers={"Host": host}, allow_redirects=False, ssl=tls
        ) as answer:
            assert answer.status == status, host


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/" + "x" * 3_000, "/票", "/a\nb", "\\"],
)
def test_nobody_is_sent_elsewhere(path: str) -> None:
    assert safe_path(path) == "/"
    assert safe_path("/figures?from=2020-01&a=//b") == "/figures?from=2020-01&a=//b"


async def test_a_platform_nobody_registered_or_that_is_silent_is_told_so(door: Door) -> None:
    assert (await door.ask("GET", "/sso/to/430000.platform")).status == 404
    assert (await door.ask("GET", "/sso/to/..%2f..")).status == 404
    answer = await door.ask("GET", f"/sso/to/{COUNTY}")
    assert answer.status == 303
    assert answer.headers["Location"].startswith("http://127.0.0.1:9/cas/login?service=https%3A%2F%2F127.0.0.1")
    browser = answer.cookies[BROWSER_COOKIE].value
    state = answer.headers["Location"].rpartition("%3D")[2]
    back = await door.ask("GET", f"/sso/back/{COUNTY}?state={state}&ticket=ST-1", {BROWSER_COOKIE: browser})
    assert (back.status, "无响应" in await back.text()) == (502, True)
    again = await door.ask("GET", f"/sso/back/{COUNTY}?state={state}&ticket=ST-1", {BROWSER_COOKIE: browser})
    assert (again.status, "重新登录" in await again.text()) == (403, True)


async def test_a_parameter_that_comes_twice_is_nobodys(door: Door) -> None:
    answer = await door.ask("GET", f"/sso/to/{COUNTY}")
    browser, state = answer.cookies[BROWSER_COOKIE].value, answer.headers["Location"].rpartition("%3D")[2]
    back = await door.ask("GET", f"/sso/back/{COUNTY}?state={state}&ticket=ST-1&ticket=ST-2", {BROWSER_COOKIE: browser})
    assert (back.status, "未确认您的身份" in await back.text()) == (403, True)


async def test_the_officer_lets_people_in_and_nobody_else_does(door: Door) -> None:
    async with door.ledger.write() as session:
        person, _ = await people.arrive(
            session, COUNTY, "zhang", name="<张三>", unit="", region=431221, now=datetime.now(UTC)
        )
    token = await door.token()
    held, form = {SESSION_COOKIE: token}, form_token(token)
    page = await door.ask("GET", "/people", held)
    assert (page.status, "&lt;张三&gt;" in await page.text(), "待批准" in await page.text()) == (200, True, True)

    async def act(name: str, **fields: str) -> int:
        values = {"person": str(person.person_id), **fields}
        return (await door.ask("POST", f"/people/{name}", held, form_token=form, **values)).status

    assert await act("admit") == 303
    assert await act("grant", role="viewer", region="431221") == 303
    assert await act("grant", role="viewer", region="431222") == 400, "not the county's"
    assert await act("grant", role="auditor", region="431221") == 400, "not a role of that platform"
    assert await act("grant", role="king", region="431221") == 400
    assert await act("grant", role="viewer", region="x") == 400
    assert await act("block", person="no id") == 400
    async with door.ledger.read() as reading:
        root = await people.of_identity(reading, LOCAL, "root")
    assert root is not None
    assert await act("block", person=str(root.person_id)) == 400, "nobody blocks themselves"
    assert await act("grant", person=str(root.person_id), role="auditor", region="431200") == 400
    assert await act("revoke", role="viewer", region="431221") == 303
    assert await act("revoke", role="viewer", region="431221") == 400
    assert await act("block") == 303
    assert await act("fly") == 404
    async with door.ledger.read() as reading:
        cursor = await reading.driver.execute("SELECT action FROM audit_entries ORDER BY number")
        acts = [row[0] for row in await cursor.fetchall()]
    assert acts[-4:] == ["person.admit", "person.grant", "person.revoke", "person.block"]


async def test_roles_that_exclude_each_other_are_not_given_to_one(door: Door) -> None:
    async with door.ledger.write() as session:
        await people.arrive(session, COUNTY, "li", name="李", unit="", region=431221, now=datetime.now(UTC))
    with pytest.raises(Exception, match="GRANT_BEYOND"):
        await let_in(door.ledger, REGION, COUNTY, "li", (Role.SECURITY_OFFICER, 431221))
    with pytest.raises(Exception, match="ROLES_CONFLICT"):
        await let_in(door.ledger, REGION, LOCAL, "root", (Role.AUDITOR, REGION))


async def test_an_account_is_linked_from_ones_own_page_by_a_form_of_ours_after_a_fresh_sign_on(door: Door) -> None:
    token = await door.token()
    held: dict[str, str] = {SESSION_COOKIE: token}
    form: dict[str, str] = {"form_token": form_token(token)}
    assert "/sso/link" in await (await door.ask("GET", "/sso/me", held)).text()
    page = await door.ask("POST", "/sso/link", held, upstream=COUNTY, **form)
    assert (page.status, "renew=true" in await page.text()) == (200, True)
    _require_guarded(page.cookies[BROWSER_COOKIE])
    assert (await door.ask("POST", "/sso/link", held, upstream=COUNTY)).status == 403
    assert (await door.ask("POST", "/sso/link", None, "", upstream=COUNTY, **form)).status == 403
    assert (await door.ask("POST", "/sso/link", held, upstream="nobody", **form)).status == 404
    somebody = "00000000-0000-4000-8000-000000000000"
    assert (await door.ask("POST", "/sso/unlink", held, person=somebody, **form)).status == 400
    door.clock.advance(seconds=301)
    late = await door.ask("POST", "/sso/link", held, upstream=COUNTY, **form)
    assert (late.status, "五分钟" in await late.text()) == (403, True)
