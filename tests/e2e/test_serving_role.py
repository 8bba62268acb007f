"""A whole hub as the database role that only serves: it takes in, applies, delivers and signs people on."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pytest
from aiohttp import ClientSession, DummyCookieJar
from psycopg import sql
from sqlalchemy import make_url

from auth.assertion import Assertion
from auth.oidc_provider.clients import new_secret
from auth.sessions import Limits, Sessions
from connectors.county.client import CountyClient
from connectors.county.profile import Profile
from exchange_db import people, serving_role, sign_on
from exchange_db.audit_records import AuditEntry, host_actor
from exchange_db.embedded import EmbeddedServer
from exchange_db.people import LOCAL
from exchange_db.session import Ledger, driver_url
from exchange_db.sign_on import Client
from hub.console.browser import SESSION_COOKIE
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import a_case
from tests.support.stages import quick, staged, until_settled, value

_ROLE = "sanji_serve_of_a_hub"
_BACK = "http://127.0.0.1:9/back"


class Site(NamedTuple):
    """A province, a city whose processes connect as the role that serves, and a platform."""

    city: StagedHub
    serving_url: str
    platform: Profile
    origin: str


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        province = await stage.add_hub("430000.hub", "湖南省枢纽", quick())
        city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
        with psycopg.connect(driver_url(city.url), autocommit=True) as owner:
            owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(_ROLE)))
        entry = AuditEntry(actor=host_actor("root"), action="database.grant", object=_ROLE)
        serving_role.grant(city.url, _ROLE, entry)
        serving_url = make_url(city.url).set(username=_ROLE).render_as_string(hide_password=False)
        origin = f"http://127.0.0.1:{city.settings.console.port}"
        text = city.settings_file.read_text(encoding="utf-8").replace(city.url, serving_url)
        text = text.replace("open_on_loopback = true", f'origin = "{origin}"')
        city.settings_file.write_text(text, encoding="utf-8")
        for hub in (province, city):
            hub.start()
            await hub.wait_until_open()
        await stage.join(province, city)
        platform = await stage.add_platform(city, "431221.platform")
        return Site(city, serving_url, platform, origin)

    with staged(server) as stage:
        made = asyncio.run(build(stage))
        yield made
        made.city.stop()
        with psycopg.connect(driver_url(made.city.url), autocommit=True) as owner:
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(_ROLE)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(_ROLE)))


async def test_a_hub_works_as_the_role_that_serves_and_cannot_touch_its_audit_log(site: Site, tmp_path: Path) -> None:
    async with CountyClient(site.platform, tmp_path / "spool") as client:
        await client.report(a_case("R-1"), a_case("R-2"))
        await client.flush(is_settled=True)
    await until_settled(site.city)
    assert value(site.city, "SELECT count(*) FROM cases WHERE case_no LIKE 'R-%%'") == 2
    # At least the two cases went on to the province; what the hub itself has to say may be there too.
    assert value(site.city, "SELECT acked_sequence FROM links WHERE last_sequence > 0") >= 2

    claims = await _signed_on(site)
    assert (claims["name"], claims["platform"]) == ("张三", "431200.hub")
    used = "SELECT string_agg(DISTINCT usename, ' ') FROM pg_stat_activity WHERE datname = current_database()"
    assert _ROLE in value(site.city, used)

    with psycopg.connect(driver_url(site.serving_url), autocommit=True) as hub:
        for statement in ("DELETE FROM audit_entries", "UPDATE audit_entries SET actor = ''", "TRUNCATE audit_entries"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                hub.execute(statement.encode())


async def _signed_on(site: Site) -> dict[str, str]:
    """Signs somebody who holds a session on for a platform; returns what it is told."""
    secret, digest = new_secret()
    now, region = datetime.now(UTC), site.city.settings.hub.region
    doors = Sessions(region, Limits(timedelta(minutes=30), timedelta(hours=10)))
    said = Assertion(upstream_id=LOCAL, subject="zhang", name="张三", region=region, auth_time=now)
    async with Ledger(site.serving_url, pool_size=0) as ledger, ledger.write() as session:
        client = Client("app", "430000.app", "app", "client_secret_post", 430000, digest, redirect_uris=[_BACK])
        await sign_on.add(session, client._replace(scopes=("openid", "profile", "rights"), roles=("viewer",)))
        opened = await doors.open(session, said, now)
        await people.set_state(session, opened.person.person_id, "admitted")
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": "app", "redirect_uri": _BACK, "response_type": "code", "scope": "openid profile rights",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        headers = {"Cookie": f"{SESSION_COOKIE}={opened.token}"}
        where = f"{site.origin}/oidc/authorize?{urlencode(asked)}"
        async with http.get(where, headers=headers, allow_redirects=False) as answer:
            code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": _BACK, "code_verifier": verifier,
            "client_id": "app", "client_secret": secret,
        }  # fmt: skip
        async with http.post(f"{site.origin}/oidc/token", data=form) as answer:
            access = (await answer.json())["access_token"]
        bearer = {"Authorization": f"Bearer {access}"}
        async with http.get(f"{site.origin}/oidc/userinfo", headers=bearer) as answer:
            told: dict[str, str] = await answer.json()
            return told
