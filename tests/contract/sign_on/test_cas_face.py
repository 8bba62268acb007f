"""The CAS face: tickets that are good once, for one address, asked about by a client of others and by our own."""

import asyncio
import json
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest

from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from tests.support.clock import FakeClock
from tests.support.provider import ProvidingHub, a_client, answered, providing_hub
from tests.support.sign_on_peers import PEERS, need_django

SERVICE = "http://127.0.0.1:9/old/app?from=hub"
_CAS = {"cas": "http://www.yale.edu/tp/cas"}
#: Asks about a ticket with the client that django-cas-server brings along (python-cas of its lineage).
_ASK = """
import json, sys
from cas_server.cas import CASClient
from django.conf import settings
settings.configure(CAS_FEDERATE=False)
version, server, service, ticket, renew = sys.argv[1:]
client = CASClient(version=version, server_url=server, service_url=service, renew=renew == "1")
print(json.dumps(client.verify_ticket(ticket)[:2]))
"""


@pytest.fixture
async def old(hub: ProvidingHub) -> Client:
    """An older platform that speaks CAS."""
    return await hub.register(
        a_client("old", auth_method="none", secret_digest=None, redirect_uris=[], cas_services=[SERVICE])
    )


async def _ticket(hub: ProvidingHub, token: str, service: str = SERVICE, **more: str) -> str:
    response = await hub.get("/cas/login?" + urlencode({"service": service} | more), token)
    assert response.status == 303, await response.text()
    assert response.headers["Location"].startswith("http://127.0.0.1:9/old/app?from=hub&ticket=ST-")
    return answered(response)["ticket"]


async def _asked(hub: ProvidingHub, ticket: str, path: str = "/cas/p3/serviceValidate", **more: str) -> ET.Element:
    response = await hub.get(f"{path}?" + urlencode({"service": SERVICE, "ticket": ticket} | more))
    assert response.status == 200
    assert response.content_type == "application/xml"
    return ET.fromstring(await response.text())


def _code(answer: ET.Element) -> str | None:
    found = answer.find("cas:authenticationFailure", _CAS)
    assert (found is None) != (answer.find("cas:authenticationSuccess", _CAS) is None)
    return None if found is None else found.get("code")


async def test_an_older_platform_signs_somebody_on(hub: ProvidingHub, old: Client) -> None:
    opened = await hub.sign_in(grants=(("viewer", 431200), ("operator", 431200)), acr="otp")
    ticket = await _ticket(hub, opened.token)
    answer = await _asked(hub, ticket)
    assert answer.findtext(".//cas:user", namespaces=_CAS) == str(opened.person.person_id)
    assert answer.findtext(".//cas:name", namespaces=_CAS) == "张三"
    assert answer.findtext(".//cas:region", namespaces=_CAS) == "431200"
    assert [one.text for one in answer.findall(".//cas:grant", _CAS)] == ["operator@431200", "viewer@431200"]
    second = await _asked(hub, await _ticket(hub, opened.token), "/cas/serviceValidate")
    assert second.findtext(".//cas:user", namespaces=_CAS) == str(opened.person.person_id)
    assert second.find(".//cas:attributes", _CAS) is None


@pytest.mark.parametrize("version", ["2", "3"])
async def test_a_client_of_others_reads_our_answers(hub: ProvidingHub, old: Client, version: str) -> None:
    need_django()
    opened = await hub.sign_in()

    # This client leaves the path of CAS 3.0 to whoever names the server.
    server = f"{hub.origin}/cas/p3/" if version == "3" else f"{hub.origin}/cas/"

    async def verified(ticket: str, renew: str = "0") -> list[object]:
        process = await asyncio.create_subprocess_exec(
            str(PEERS / "python" / "bin" / "python"), "-c", _ASK, version, server, SERVICE, ticket, renew,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, errors.decode()
        found: list[object] = json.loads(output)
        return found

    ticket = await _ticket(hub, opened.token)
    user, attributes = await verified(ticket)
    assert user == str(opened.person.person_id)
    if version == "3":
        assert isinstance(attributes, dict)
        assert attributes["name"] == "张三"
    assert (await verified(ticket))[0] is None
    assert (await verified(await _ticket(hub, opened.token), renew="1"))[0] is None


async def test_a_ticket_is_good_once_and_for_one_address(hub: ProvidingHub, old: Client) -> None:
    opened = await hub.sign_in()
    ticket = await _ticket(hub, opened.token)
    assert _code(await _asked(hub, ticket)) is None
    assert _code(await _asked(hub, ticket)) == "INVALID_TICKET"
    ticket = await _ticket(hub, opened.token)
    assert _code(await _asked(hub, ticket, service="http://127.0.0.1:9/other")) == "INVALID_SERVICE"
    # Asked about wrongly, it is spent.
    assert _code(await _asked(hub, ticket)) == "INVALID_TICKET"
    ticket = await _ticket(hub, opened.token)
    found = await asyncio.gather(*(_asked(hub, ticket) for _ in range(20)))
    assert sum(_code(answer) is None for answer in found) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ticket": "ST-guessed"}, "INVALID_TICKET"),
        ({"ticket": "PT-proxy"}, "INVALID_TICKET_SPEC"),
        ({"ticket": "TGT-1"}, "INVALID_TICKET_SPEC"),
        ({"ticket": ""}, "INVALID_REQUEST"),
        ({"service": ""}, "INVALID_REQUEST"),
        ({"pgtUrl": "https://evil.example"}, "INVALID_REQUEST"),
        ({"format": "JSON"}, "INVALID_REQUEST"),
        ({"ticket": 'ST-"/><cas:user>x</cas:user>'}, "INVALID_TICKET"),
    ],
)
async def test_what_is_no_rightful_question(hub: ProvidingHub, old: Client, changes: dict[str, str], code: str) -> None:
    opened = await hub.sign_in()
    ticket = await _ticket(hub, opened.token)
    assert _code(await _asked(hub, **{"ticket": ticket} | changes)) == code
    assert _code(await _asked(hub, await _ticket(hub, opened.token))) is None


@pytest.mark.parametrize(
    "service",
    [
        SERVICE + "&x=1",
        SERVICE.replace("old", "old/../evil"),
        SERVICE.replace("127.0.0.1", "localhost"),
        SERVICE.replace("http:", "https:"),
        SERVICE.replace("//", "//user@"),
        SERVICE.replace(":9", ":10"),
        SERVICE.upper(),
        "//evil.example",
        "javascript:alert(1)",
    ],
)
async def test_no_ticket_for_an_address_that_is_not_registered(hub: ProvidingHub, old: Client, service: str) -> None:
    opened = await hub.sign_in()
    for more in ({}, {"gateway": "true"}, {"renew": "true"}):
        response = await hub.get("/cas/login?" + urlencode({"service": service} | more), opened.token)
        assert response.status == 400
        assert "Location" not in response.headers
    response = await hub.get("/cas/logout?" + urlencode({"service": service}))
    assert response.headers["Location"] == "/sso/bye"
    response = await hub.get("/cas/logout?" + urlencode({"service": SERVICE}))
    assert response.headers["Location"] == SERVICE


async def test_renew_and_gateway(hub: ProvidingHub, old: Client) -> None:
    opened = await hub.sign_in()
    # Nobody is signed on: a platform that only asks gets its browser back, one that wants somebody the sign-in page.
    response = await hub.get("/cas/login?" + urlencode({"service": SERVICE, "gateway": "true"}))
    assert response.headers["Location"] == SERVICE
    response = await hub.get("/cas/login?" + urlencode({"service": SERVICE}))
    page = parse_qs(urlsplit(response.headers["Location"]).query)
    back = await hub.get(page["return"][0], opened.token)
    assert _code(await _asked(hub, answered(back)["ticket"], renew="true")) is None
    # A silent ticket is none for a platform that wants a fresh sign-on.
    assert _code(await _asked(hub, await _ticket(hub, opened.token), renew="true")) == "INVALID_TICKET"
    response = await hub.get("/cas/login?" + urlencode({"service": SERVICE, "renew": "true"}), opened.token)
    page = parse_qs(urlsplit(response.headers["Location"]).query)
    assert page["prompt"] == ["login"]
    assert (await hub.get(page["return"][0], opened.token)).status == 400
    response = await hub.get("/cas/login?" + urlencode({"service": SERVICE, "renew": "true"}), opened.token)
    page = parse_qs(urlsplit(response.headers["Location"]).query)
    anew = await hub.sign_in(replaced=opened.token)
    back = await hub.get(page["return"][0], anew.token)
    assert _code(await _asked(hub, answered(back)["ticket"], renew="true")) is None


async def test_a_ticket_ends_soon_and_with_its_session(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    async with providing_hub(ledger, tmp_path, clock=clock) as hub:
        await hub.register(
            a_client("old", auth_method="none", secret_digest=None, redirect_uris=[], cas_services=[SERVICE])
        )
        opened = await hub.sign_in()
        ticket = await _ticket(hub, opened.token)
        clock.advance(seconds=30)
        assert _code(await _asked(hub, ticket)) == "INVALID_TICKET"
        ticket = await _ticket(hub, opened.token)
        clock.advance(seconds=29)
        assert _code(await _asked(hub, ticket)) is None
        ticket = await _ticket(hub, opened.token)
        await hub.sign_out(opened.token)
        assert _code(await _asked(hub, ticket)) == "INVALID_TICKET"
