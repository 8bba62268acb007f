"""Signing on across tiers, in a real browser: up from a county to its city and province, and down from a province.

The county's CAS is django-cas-server, the province's platform an npm oidc-provider; the two hubs are ours.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import ECKey
from playwright.async_api import Browser, Page, async_playwright, expect

from auth.certificates import make_authority
from auth.person import Role
from connectors.sign_on import read_sign_on
from exchange_db import people, sign_on
from exchange_db.people import PersonRow
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from hub.clock import system_clock
from tests.support.filled import fill
from tests.support.postgres import Cluster
from tests.support.sign_on_peers import cas_server, need_django, need_node, openid_provider
from tests.support.signed_on import Place, console_of, let_in, place_for, register, until_none

_CHROMIUM = Path("/usr/bin/chromium")
COUNTY, CITY, PROVINCE, INSPECTORATE = "431221.platform", "431200.hub", "430000.hub", "430000.platform"
_HAS_CHROMIUM = _CHROMIUM.exists()


class Tier(NamedTuple):
    """A hub: its ledger and where its console is."""

    ledger: Ledger
    place: Place

    @property
    def origin(self) -> str:
        return self.place.origin

    @property
    def region(self) -> int:
        return self.place.settings.hub.region


class Country(NamedTuple):
    """The stage: two hubs, a county's CAS and a province's platform."""

    city: Tier
    province: Tier
    cas: str
    inspectorate: str


@pytest.fixture
def province_url(cluster: Cluster) -> Iterator[str]:
    """A second ledger."""
    with cluster.migrated() as url:
        yield url


@pytest.fixture
async def country(ledger: Ledger, province_url: str, tmp_path: Path) -> AsyncIterator[Country]:
    """Two hubs that know each other, and the platforms of others beside them."""
    if not _HAS_CHROMIUM:
        pytest.skip("needs chromium")
    need_django()
    need_node()
    signer = make_authority("for tests", datetime.now(UTC))
    async with AsyncExitStack() as stack:
        above = await stack.enter_async_context(Ledger(province_url, pool_size=2))
        city = Tier(ledger, place_for(tmp_path / "city", CITY, "怀化市枢纽", signer))
        province = Tier(above, place_for(tmp_path / "province", PROVINCE, "湖南省枢纽", signer, "127.0.0.2"))
        await fill(city.ledger, city.place.settings, system_clock)
        await fill(province.ledger, province.place.settings, system_clock)
        cas = await stack.enter_async_context(_cas(tmp_path, city))
        inspectorate = await stack.enter_async_context(_inspectorate(tmp_path, city))
        await _join(tmp_path, city, province)
        for tier in (city, province):
            await stack.enter_async_context(console_of(tier.ledger, tier.place))
        await _register_at_city(tmp_path, city, cas, inspectorate)
        yield Country(city, province, cas, inspectorate)


@pytest.fixture
async def page(country: Country) -> AsyncIterator[Page]:
    """A browser that takes the consoles' certificates for good, and runs scripts for those who need them."""
    async with async_playwright() as playwright:
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser: Browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        context = await browser.new_context(ignore_https_errors=True)
        yield await context.new_page()
        await browser.close()


async def test_a_county_user_walks_up_and_leaves_everywhere(country: Country, page: Page) -> None:
    city, province = country.city, country.province

    # Up into the city: known, but without rights.
    await page.goto(f"{city.origin}/figures")
    await page.get_by_role("link", name="中方县平台").click()
    await _fill_cas(page)
    await expect(page.get_by_role("alert")).to_contain_text("张三 尚未获得授权")
    zhang = await let_in(city.ledger, city.region, COUNTY, "zhang", (Role.VIEWER, 431221))

    # Its own region and nothing else.
    await page.goto(f"{city.origin}/figures?from=2020-01&to=2020-12")
    await expect(page.get_by_role("textbox", name="行政区划代码")).to_have_value("431221")
    for path, status in (("/figures?region=431222", 400), ("/jobs", 403), ("/people", 403), ("/sso/me", 200)):
        assert await _status(page, city.origin + path) == status, path

    # On to the province, without another word: the city says who this is.
    await page.goto(f"{province.origin}/figures")
    await page.get_by_role("link", name="怀化市枢纽").click()
    await expect(page.get_by_role("alert")).to_contain_text("张三 尚未获得授权")
    known = await _waiting(province)
    assert (known.issuer_id, known.region, known.subject) == (CITY, 431221, str(zhang.person_id))
    await let_in(province.ledger, province.region, CITY, known.subject, (Role.VIEWER, 431221))
    await page.goto(f"{province.origin}/figures?from=2020-01&to=2020-12")
    await expect(page.get_by_role("textbox", name="行政区划代码")).to_have_value("431221")
    for path, status in (("/figures?region=430000", 400), ("/jobs", 403), ("/people", 403)):
        assert await _status(page, province.origin + path) == status, path
    await page.goto(f"{province.origin}/sso/me")
    await expect(page.locator("main")).to_contain_text("431200.hub")
    await expect(page.locator("main")).to_contain_text("431221.platform")

    # Off at the province: at the city and at the county as well, and back to where it began.
    await page.get_by_role("button", name="退出").click()
    await page.wait_for_url(f"{province.origin}/sso/bye*")
    await until_none(province.ledger, known)
    await until_none(city.ledger, zhang)
    for tier in (city, province):
        await page.goto(f"{tier.origin}/figures")
        assert urlsplit(page.url).path == "/sso"
    await page.goto(f"{city.origin}/sso/to/{COUNTY}")
    await expect(page.get_by_label("Password")).to_be_visible()


async def test_leaving_the_county_ends_what_it_opened_above(country: Country, page: Page) -> None:
    city, province = country.city, country.province
    await page.goto(f"{city.origin}/sso/to/{COUNTY}")
    await _fill_cas(page)
    zhang = await let_in(city.ledger, city.region, COUNTY, "zhang", (Role.VIEWER, 431221))
    await page.goto(f"{province.origin}/sso/to/{CITY}")
    known = await _waiting(province)
    await page.goto(f"{country.cas}/logout")
    await until_none(city.ledger, zhang)
    await until_none(province.ledger, known)
    await page.goto(f"{province.origin}/figures")
    assert urlsplit(page.url).path == "/sso"


async def test_an_inspector_looks_into_a_city_and_changes_nothing(country: Country, page: Page) -> None:
    city = country.city
    await page.goto(f"{city.origin}/figures")
    await page.get_by_role("link", name="湖南省平台").click()
    await page.locator("input[name=login]").fill("li")
    await page.locator("input[name=password]").fill("any")
    await page.get_by_role("button").first.click()
    await page.get_by_role("button").first.click()
    await expect(page.get_by_role("alert")).to_contain_text("李督查 尚未获得授权")
    await let_in(city.ledger, city.region, INSPECTORATE, "li", (Role.VIEWER, city.region))
    await page.goto(f"{city.origin}/figures?from=2020-01&to=2020-12")
    await expect(page.get_by_role("textbox", name="行政区划代码")).to_have_value("431200")
    assert await _status(page, f"{city.origin}/jobs") == 200
    assert await _status(page, f"{city.origin}/people") == 403
    posted = await page.request.post(
        f"{city.origin}/people/block", form={"person": "x"}, headers={"Origin": city.origin}
    )
    assert posted.status == 403
    with pytest.raises(Exception, match="GRANT_BEYOND"):
        await let_in(city.ledger, city.region, INSPECTORATE, "li", (Role.OPERATOR, city.region))
    await page.goto(f"{city.origin}/figures")
    await page.get_by_role("button", name="退出").click()
    await page.wait_for_url(lambda url: url.startswith(country.inspectorate))
    await page.get_by_role("button", name="Yes").click()
    await page.wait_for_url(f"{city.origin}/sso/bye**")
    await page.goto(f"{city.origin}/sso/to/{INSPECTORATE}")
    await expect(page.locator("input[name=login]")).to_be_visible()


async def _fill_cas(page: Page) -> None:
    await page.get_by_label("Username").fill("zhang")
    await page.get_by_label("Password").fill("pw")
    await page.get_by_role("button", name="Login").click()


async def _status(page: Page, url: str) -> int:
    response = await page.goto(url)
    assert response is not None
    return response.status


async def _waiting(tier: Tier) -> PersonRow:
    async with tier.ledger.read() as session:
        [person] = await people.listing(session, "waiting")
    return person


def _cas(folder: Path, city: Tier):  # type: ignore[no-untyped-def]  # noqa: ANN202 — a context manager of the support
    return cas_server(
        folder,
        [f"{city.origin}/sso/back/{COUNTY}", f"{city.origin}/sso/bye"],
        user="zhang",
        password="pw",
        attributes={"name": "张三", "org": "中方县城管局", "region": "431221"},
        authority=str(city.place.authority),
    )


def _inspectorate(folder: Path, city: Tier):  # type: ignore[no-untyped-def]  # noqa: ANN202 — the same
    client = {
        "client_id": CITY,
        "client_secret": "for tests only, and long enough",
        "token_endpoint_auth_method": "client_secret_basic",
        "redirect_uris": [f"{city.origin}/sso/back/{INSPECTORATE}"],
        "post_logout_redirect_uris": [f"{city.origin}/sso/bye"],
        "id_token_signed_response_alg": "ES256",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    }
    users = {"li": {"name": "李督查", "org": "督查处", "region": "430000"}}
    return openid_provider(folder, clients=[client], users=users, authority=str(city.place.authority))


async def _register_at_city(folder: Path, city: Tier, cas: str, inspectorate: str) -> None:
    (folder / "inspectorate.secret").write_text("for tests only, and long enough")
    county = f"""
        leaf = "county/egova"
        upstream_id = "{COUNTY}"
        name = "中方县平台"
        base = "{cas}"
        addresses = ["{urlsplit(cas).netloc}"]
        logout_addresses = ["127.0.0.1"]
    """
    above = f"""
        leaf = "province/front_end"
        upstream_id = "{INSPECTORATE}"
        name = "湖南省平台"
        issuer = "{inspectorate}"
        client_id = "{CITY}"
        secret = "inspectorate.secret"
        addresses = ["{urlsplit(inspectorate).netloc}"]
    """
    for name, text in (("county.toml", county), ("above.toml", above)):
        (folder / name).write_text(text, encoding="utf-8")
        await register(city.ledger, read_sign_on(folder / name))


async def _join(folder: Path, city: Tier, province: Tier) -> None:
    """Has the province's hub take people the city's hub signs on."""
    key = ECKey.generate_key("P-256", {"kid": "province-1", "use": "sig", "alg": "ES256"})
    (folder / "province.key").write_bytes(key.as_pem(private=True))
    client = Client(
        client_id=PROVINCE,
        platform_id=PROVINCE,
        name="湖南省枢纽",
        auth_method="private_key_jwt",
        region=430000,
        jwks=f"[{_as_json(key)}]",
        redirect_uris=[f"{province.origin}/sso/back/{CITY}"],
        post_logout_uris=[f"{province.origin}/sso/bye"],
        logout_uri=f"{province.origin}/sso/backchannel/{CITY}",
        scopes=["openid", "profile", "rights"],
        roles=["viewer", "evaluator", "auditor"],
        needs_pushed=True,
    )
    async with city.ledger.write() as session:
        assert await sign_on.add(session, client)
    text = f"""
        leaf = "province/hub"
        upstream_id = "{CITY}"
        name = "怀化市枢纽"
        issuer = "{city.origin}"
        client_id = "{PROVINCE}"
        key = "province.key"
        key_id = "province-1"
        authority = "city/authority.pem"
        addresses = ["{urlsplit(city.origin).netloc}"]
    """
    (folder / "city.toml").write_text(text, encoding="utf-8")
    await register(province.ledger, read_sign_on(folder / "city.toml"))


def _as_json(key: ECKey) -> str:
    import json

    return json.dumps(dict(key.as_dict(private=False)))
