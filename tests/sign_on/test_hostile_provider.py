"""Providers, browsers and tokens that misbehave: each is refused, and beside it the rightful one passes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from auth.assertion import SignOnRefused
from auth.sessions import Limits, Opened, Sessions
from exchange_db import people
from exchange_db.session import Ledger
from exchange_db.sign_on_records import OidcUpstream
from hub.clock import system_clock
from hub.sections.console import ConsolePart
from hub.settings import HubPart, Settings
from hub.signon.desk import Arrived, SignOnDesk, Wish
from hub.signon.making import make_desk
from tests.support.builders import CITY
from tests.support.clock import FakeClock
from tests.support.hostile_provider import CLIENT_ID, LOGOUT, HostileProvider, hostile_provider, make_key
from tests.support.signed_on import count_sessions, register

UPSTREAM = "430000.platform"
CALLBACK = f"https://hub.example/sso/back/{UPSTREAM}"
BROWSER, OTHER_BROWSER = "b" * 43, "c" * 43


class Scene(NamedTuple):
    """A desk, and a provider it takes people from."""

    ledger: Ledger
    desk: SignOnDesk
    provider: HostileProvider
    clock: FakeClock

    async def begin(self, wish: Wish | None = None) -> str:
        return await self.desk.begin(UPSTREAM, BROWSER, CALLBACK, wish or Wish())

    async def finish(self, answer: dict[str, str], browser: str = BROWSER) -> Arrived:
        return await self.desk.finish(UPSTREAM, browser, CALLBACK, answer, client="", replaced="")

    async def sign_on(self, wish: Wish | None = None) -> Arrived:
        return await self.finish(self.provider.authorize(await self.begin(wish)))


def _profile(provider: HostileProvider, folder: Path, **changed: Any) -> OidcUpstream:
    (folder / "secret").write_text("a secret for tests")
    values: dict[str, Any] = {
        "upstream_id": UPSTREAM, "name": "省平台", "addresses": (provider.issuer.removeprefix("http://"),),
        "issuer": provider.issuer, "client_id": CLIENT_ID, "secret": str(folder / "secret"),
    }  # fmt: skip
    return OidcUpstream(**(values | changed))


@pytest.fixture
async def scene(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Scene]:
    clock = FakeClock(system_clock())
    settings = Settings(hub=HubPart(id=CITY, name="市"), console=ConsolePart(wrapping_key=tmp_path / "none"))
    doors = Sessions(settings.hub.region, Limits(timedelta(minutes=30), timedelta(hours=10)))
    async with hostile_provider() as provider:
        await register(ledger, _profile(provider, tmp_path))
        desk = make_desk(settings, ledger, clock, doors)
        yield Scene(ledger, desk, provider, clock)
        await desk.close()


def _opened(arrived: Arrived) -> Opened:
    assert arrived.opened is not None
    return arrived.opened


async def _is_refused(act: Awaitable[object]) -> bool:
    try:
        await act
    except SignOnRefused:
        return True
    return False


async def _session_count(ledger: Ledger, subject: str = "li") -> int:
    async with ledger.read() as session:
        person = await people.of_identity(session, UPSTREAM, subject)
        return 0 if person is None else await count_sessions(session, person.person_id)


async def test_the_rightful_sign_on_passes(scene: Scene) -> None:
    arrived = await scene.sign_on(Wish("/figures"))
    assert (_opened(arrived).person.subject, arrived.return_path) == ("li", "/figures")
    assert await _session_count(scene.ledger) == 1


_BAD_CLAIMS: list[dict[str, Any]] = [
    {"iss": "https://another.example"},
    {"aud": "another"},
    {"aud": [CLIENT_ID, "another"]},
    {"aud": [CLIENT_ID, "another"], "azp": "another"},
    {"nonce": "another"},
    {"nonce": None},
    {"exp": 1},
    {"exp": int(time.time()) - 120},
    {"exp": str(int(time.time()) + 300)},
    {"iat": int(time.time()) + 6_000, "exp": int(time.time()) + 6_300},
    {"iat": None},
    {"sub": ""},
    {"sub": None},
    {"sub": "x" * 256},
    {"sub": "li\n"},
    {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
]


async def test_an_id_token_with_one_wrong_claim_is_refused(scene: Scene) -> None:
    taken = []
    for change in _BAD_CLAIMS:
        scene.provider.claims = lambda claims, change=change: {**claims, **change}  # type: ignore[misc]
        if not await _is_refused(scene.sign_on()):
            taken.append(change)
    assert taken == []
    assert await _session_count(scene.ledger) == 0
    scene.provider.claims = lambda claims: claims
    await scene.sign_on()
    assert await _session_count(scene.ledger) == 1


_MEDDLED: list[dict[str, str]] = [
    {"iss": "https://another.example"},
    {"iss": ""},
    {"code": ""},
    {"code": "of another sign-on"},
    {"error": "access_denied"},
]


async def test_an_answer_that_was_meddled_with_is_refused(scene: Scene) -> None:
    for change in _MEDDLED:
        answer = {**scene.provider.authorize(await scene.begin()), **change}
        assert await _is_refused(scene.finish(answer)), change
    assert await _session_count(scene.ledger) == 0


async def test_an_answer_without_its_issuer_is_refused_where_the_provider_says_it_sends_one(scene: Scene) -> None:
    answer = scene.provider.authorize(await scene.begin())
    del answer["iss"]
    with pytest.raises(SignOnRefused, match="iss"):
        await scene.finish(answer)


async def test_a_state_is_good_once_and_for_its_browser_only(scene: Scene) -> None:
    answer = scene.provider.authorize(await scene.begin())
    with pytest.raises(SignOnRefused, match="flow_unknown"):
        await scene.finish(answer, OTHER_BROWSER)
    with pytest.raises(SignOnRefused, match="flow_unknown"):
        await scene.finish({**answer, "state": "d" * 43})
    await scene.finish(answer)
    with pytest.raises(SignOnRefused, match="flow_unknown"):
        await scene.finish(answer)
    assert await _session_count(scene.ledger) == 1


async def test_of_fifty_answers_at_once_one_passes(scene: Scene) -> None:
    answer = scene.provider.authorize(await scene.begin())
    done = await asyncio.gather(*(scene.finish(answer) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(one, Arrived) for one in done) == 1
    assert all(isinstance(one, Arrived | SignOnRefused) for one in done)
    assert await _session_count(scene.ledger) == 1


async def test_a_code_of_another_sign_on_is_refused(scene: Scene) -> None:
    """The code is bound to the PKCE verifier of the sign-on it was given in."""
    stolen = scene.provider.authorize(await scene.begin(), subject="victim")
    own = scene.provider.authorize(await scene.begin())
    with pytest.raises(SignOnRefused, match="invalid_grant"):
        await scene.finish({**own, "code": stolen["code"]})
    assert await _session_count(scene.ledger, "victim") == 0


async def test_a_sign_on_that_took_too_long_is_refused(scene: Scene) -> None:
    answer = scene.provider.authorize(await scene.begin())
    scene.clock.advance(minutes=11)
    with pytest.raises(SignOnRefused, match="flow_unknown"):
        await scene.finish(answer)


async def test_a_key_of_another_under_the_same_name_is_refused(scene: Scene) -> None:
    scene.provider.key = make_key("one")
    with pytest.raises(SignOnRefused, match="token"):
        await scene.sign_on()
    scene.provider.key = scene.provider.published[0]
    await scene.sign_on()


async def test_a_new_key_is_learnt_and_unknown_ones_are_asked_for_once_a_minute(scene: Scene) -> None:
    await scene.sign_on()
    assert scene.provider.key_fetches == 1
    for number in range(20):
        with pytest.raises(SignOnRefused):
            await scene.desk.take_logout_token(UPSTREAM, scene.provider.logout_token(key=make_key(f"no-{number}")))
    assert scene.provider.key_fetches == 1, "keys were fetched within this minute"
    scene.provider.key = make_key("two")
    scene.provider.published = [scene.provider.key, *scene.provider.published]
    scene.clock.advance(seconds=61)
    await scene.sign_on()
    assert scene.provider.key_fetches == 2


async def test_known_keys_stay_when_they_cannot_be_fetched(scene: Scene) -> None:
    await scene.sign_on()
    scene.provider.keys_fail = True
    scene.clock.advance(hours=2)
    scene.provider.claims = lambda claims: {**claims, "exp": claims["exp"] + 7_200, "iat": claims["iat"] + 7_200}
    await scene.sign_on()
    assert scene.provider.key_fetches == 2


_ASTRAY: list[dict[str, Any]] = [
    {"issuer": "https://another.example"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"authorization_endpoint": "http://10.0.0.1/auth"},
    {"token_endpoint": "file:///etc/passwd"},
    {"jwks_uri": ""},
    {"jwks_uri": None},
]


async def test_metadata_that_lead_astray_are_refused(scene: Scene) -> None:
    for metadata in _ASTRAY:
        scene.provider.metadata = metadata
        with pytest.raises(SignOnRefused, match="upstream_failed"):
            await scene.begin()
    scene.provider.metadata = {}
    await scene.sign_on()


async def test_a_sign_on_older_than_wished_or_weaker_is_refused(scene: Scene) -> None:
    scene.provider.claims = lambda claims: {**claims, "auth_time": claims["auth_time"] - 200}
    with pytest.raises(SignOnRefused, match="sign_on_too_old"):
        await scene.sign_on(Wish(max_age=60))
    scene.provider.claims = lambda claims: {**claims, "auth_time": None}
    with pytest.raises(SignOnRefused, match="sign_on_too_old"):
        await scene.sign_on(Wish(max_age=60))
    scene.provider.claims = lambda claims: {**claims, "acr": "one"}
    with pytest.raises(SignOnRefused, match="sign_on_too_weak"):
        await scene.sign_on(Wish(acr="two three"))
    scene.provider.claims = lambda claims: {**claims, "acr": "three"}
    await scene.sign_on(Wish(max_age=60, acr="two three"))


async def test_a_name_that_another_has_links_nobody(scene: Scene) -> None:
    first = await scene.sign_on()
    async with scene.ledger.write() as session:
        await people.set_state(session, _opened(first).person.person_id, "admitted")
    scene.provider.claims = lambda claims: {**claims, "sub": "other", "name": "李", "email": "li@example.com"}
    second = await scene.sign_on()
    assert _opened(second).person.person_id != _opened(first).person.person_id
    assert (_opened(second).person.state, _opened(second).is_first) == ("waiting", True)


async def test_who_is_blocked_gets_no_session(scene: Scene) -> None:
    arrived = await scene.sign_on()
    async with scene.ledger.write() as session:
        await people.set_state(session, _opened(arrived).person.person_id, "blocked")
    with pytest.raises(SignOnRefused, match="person_blocked"):
        await scene.sign_on()


_BAD_LOGOUTS: dict[str, Callable[[HostileProvider], str]] = {
    "wrong audience": lambda op: op.logout_token(aud="another"),
    "wrong issuer": lambda op: op.logout_token(iss="https://another.example"),
    "no event": lambda op: op.logout_token(events={}),
    "another event": lambda op: op.logout_token(events={"http://schemas.openid.net/event/other": {}}),
    "with a nonce": lambda op: op.logout_token(nonce="x"),
    "neither sid nor sub": lambda op: op.logout_token(sid=None, sub=None),
    "no id": lambda op: op.logout_token(jti=None),
    "ended": lambda op: op.logout_token(exp=int(time.time()) - 120, iat=int(time.time()) - 240),
    "old": lambda op: op.logout_token(iat=int(time.time()) - 400),
    "another key": lambda op: op.logout_token(key=make_key("one")),
    "an ID token's type": lambda op: op.logout_token("JWT"),
    "an ID token": lambda op: op.sign(
        {"iss": op.issuer, "aud": CLIENT_ID, "iat": int(time.time()), "exp": int(time.time()) + 60, "sub": "li"}
    ),
    "unsigned": lambda op: f"eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCJ9.{op.logout_token().split('.')[1]}.",
    "nothing": lambda op: "",
    "event not an object": lambda op: op.logout_token(events={LOGOUT: True}),
}


async def test_a_logout_token_that_does_not_hold_ends_nothing(scene: Scene) -> None:
    await scene.sign_on()
    for name, make in _BAD_LOGOUTS.items():
        assert await _is_refused(scene.desk.take_logout_token(UPSTREAM, make(scene.provider))), name
    assert await _session_count(scene.ledger) == 1
    assert len(await scene.desk.take_logout_token(UPSTREAM, scene.provider.logout_token())) == 1
    assert await _session_count(scene.ledger) == 0


async def test_a_logout_token_is_good_once(scene: Scene) -> None:
    await scene.sign_on()
    token = scene.provider.logout_token(sid=None)
    assert len(await scene.desk.take_logout_token(UPSTREAM, token)) == 1
    await scene.sign_on()
    with pytest.raises(SignOnRefused, match="before"):
        await scene.desk.take_logout_token(UPSTREAM, token)
    assert await _session_count(scene.ledger) == 1


async def test_a_logout_ends_that_session_and_no_other(scene: Scene) -> None:
    await scene.sign_on()
    scene.provider.claims = lambda claims: {**claims, "sid": "another"}
    await scene.sign_on()
    answer = scene.provider.authorize(await scene.begin(), subject="wang")
    await scene.finish(answer)
    await scene.desk.take_logout_token(UPSTREAM, scene.provider.logout_token())
    assert (await _session_count(scene.ledger), await _session_count(scene.ledger, "wang")) == (1, 1)
