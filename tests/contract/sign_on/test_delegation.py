"""Delegation: a county acts at the city and on at the province for one person; every hop can be shown afterwards."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey

from auth.delegation import (
    RECEIPT_TYPE,
    TOKEN_TYPE,
    Receipt,
    digest_of,
    read_delegated,
    verify_chain,
)
from auth.oidc_provider.identity import Right
from auth.oidc_provider.metadata import EXCHANGE
from auth.tokens import SigningKey, TokenReader, TokenRefused, TokenSigner, Trust
from exchange_db import audit, sign_on
from exchange_db.session import Ledger
from exchange_db.sign_on import Client, TokenIssuer
from tests.support.postgres import Cluster
from tests.support.provider import ProvidingHub, a_client, providing_hub

ACCESS = "urn:ietf:params:oauth:token-type:access_token"
COUNTY, CITY, PROVINCE, NATION = "431221.hub", "431200.hub", "430000.hub", "000000.hub"


async def _exchange(hub: ProvidingHub, client: Client, token: str, audience: str, **more: str) -> tuple[int, Any]:
    form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS, "audience": audience}
    found: tuple[int, Any] = await hub.post("/oidc/token", form | more, client)
    return found


def _client(client_id: str, platform_id: str, audiences: list[str], region: int = 0) -> Client:
    return a_client(client_id, platform_id=platform_id, region=region, audiences=audiences)


async def _issuer(hub: ProvidingHub, hub_id: str) -> TokenIssuer:
    keys = (await (await hub.get("/oidc/keys")).json())["keys"]
    return TokenIssuer(hub.origin, hub_id, "ES256", msgspec.json.encode(keys).decode())


async def _trust(hub: ProvidingHub, *others: TokenIssuer) -> None:
    async with hub.ledger.write() as session:
        for other in others:
            await sign_on.keep_issuer(session, other)


def _reader(*issuers: TokenIssuer) -> TokenReader:
    return TokenReader([Trust(one.issuer, [one.algorithm], one.public_keys) for one in issuers])


class Line:
    """A county's, a city's and a province's hub, each knowing the others' keys."""

    def __init__(self, county: ProvidingHub, city: ProvidingHub, province: ProvidingHub) -> None:
        self.county, self.city, self.province = county, city, province
        self.issuers: list[TokenIssuer] = []
        self.at_county = _client("app", "431221.app", [CITY, "431221.app", "431222.hub"])
        self.at_city = _client("city", CITY, [PROVINCE, COUNTY, "431221.app"])
        self.at_province = _client("province", PROVINCE, [NATION, CITY])

    async def first(self, *grants: tuple[str, int]) -> str:
        """Returns the token with which the county's application acts at the city."""
        opened = await self.county.sign_in(grants=grants or (("operator", 431221), ("viewer", 431221)))
        held = await self.county.tokens(self.at_county, opened.token)
        status, told = await _exchange(self.county, self.at_county, held["access_token"], CITY)
        assert status == 200, told
        return str(told["access_token"])


@pytest.fixture
async def line(ledger: Ledger, cluster: Cluster, tmp_path: Path) -> AsyncIterator[Line]:
    """Three hubs in one line."""
    async with AsyncExitStack() as stack:
        hubs = []
        for number, hub_id in enumerate((COUNTY, CITY, PROVINCE)):
            own = ledger
            if number:
                own = await stack.enter_async_context(Ledger(stack.enter_context(cluster.migrated())))
            folder = tmp_path / hub_id
            hubs.append(await stack.enter_async_context(providing_hub(own, folder, hub_id=hub_id)))
        made = Line(*hubs)
        made.issuers = [await _issuer(hub, hub_id) for hub, hub_id in zip(hubs, (COUNTY, CITY, PROVINCE), strict=True)]
        await made.county.register(made.at_county)
        await made.city.register(made.at_city)
        await made.province.register(made.at_province)
        await _trust(made.city, made.issuers[0])
        await _trust(made.province, *made.issuers[:2])
        yield made


async def test_three_hops_are_shown_one_by_one(line: Line) -> None:
    first = await line.first()
    status, told = await _exchange(line.city, line.at_city, first, PROVINCE)
    assert status == 200, told
    assert told["issued_token_type"] == ACCESS
    second = told["access_token"]
    status, told = await _exchange(line.province, line.at_province, second, NATION)
    assert status == 200, told
    third = told["access_token"]
    moment = line.county.clock()
    reader = _reader(*line.issuers)
    read = read_delegated(third, reader, NATION, moment)
    assert read.last.act == {"sub": PROVINCE, "act": {"sub": CITY, "act": {"sub": "431221.app"}}}
    assert (read.last.origin, read.last.region) == (COUNTY, "431221")
    assert [receipt.iss for receipt in read.receipts] == [hub.origin for hub in (line.county, line.city, line.province)]
    assert set(read.last.grants) == {Right("operator", "431221"), Right("viewer", "431221")}
    assert read.last.exp <= read.receipts[0].exp
    # Kept by an auditor, it can still be shown when it has ended.
    late = moment + 10_000_000_000
    assert verify_chain(third, reader, late).last == read.last
    with pytest.raises(TokenRefused, match="ended"):
        read_delegated(third, reader, NATION, late)
    # Without the key of one hub on the way nothing of it is believed.
    for missing in range(3):
        known = [issuer for number, issuer in enumerate(line.issuers) if number != missing]
        with pytest.raises(TokenRefused):
            read_delegated(third, _reader(*known), NATION, moment)


async def test_a_fourth_hop_is_one_too_many(line: Line) -> None:
    """The province hands on inside itself first, so that the nation would be the fourth to act."""
    inside = await line.province.register(_client("inside", "430000.inside", [NATION]))
    at_province = await line.province.register(_client("gate", PROVINCE, ["430000.inside"]))
    status, told = await _exchange(line.city, line.at_city, await line.first(), PROVINCE)
    assert status == 200
    status, told = await _exchange(line.province, at_province, told["access_token"], "430000.inside")
    assert status == 200
    status, told = await _exchange(line.province, inside, told["access_token"], NATION)
    assert (status, told["error"]) == (400, "invalid_grant")


async def test_a_delegated_token_is_for_its_audience_alone(line: Line) -> None:
    first = await line.first()
    stranger = await line.city.register(_client("stranger", "430000.other", [PROVINCE]))
    status, told = await _exchange(line.city, stranger, first, PROVINCE)
    assert (status, told["error"]) == (400, "invalid_grant")
    # Of another hub's opaque token, of an ID token, of a receipt, of nothing.
    opened = await line.city.sign_in()
    held = await line.city.tokens(line.at_city, opened.token)
    receipt = read_delegated(first, _reader(line.issuers[0]), CITY, line.city.clock()).texts[0]
    for token in (held["id_token"], receipt, first[:-8] + "AAAAAAAA", "x", ""):
        status, told = await _exchange(line.city, line.at_city, token, PROVINCE)
        assert (status, told["error"]) == (400, "invalid_grant")
    status, told = await _exchange(line.city, stranger, held["access_token"], PROVINCE)
    assert status == 400
    assert (await _exchange(line.city, line.at_city, held["access_token"], PROVINCE))[0] == 200
    assert (await _exchange(line.city, line.at_city, first, PROVINCE))[0] == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resource": "https://x.example"}, "invalid_request"),
        ({"scope": "openid"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS}, "invalid_request"),
        ({"claims": "{}"}, "invalid_request"),
        ({"authorization_details": "[]"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"audience": "440000.hub"}, "invalid_target"),
        ({"audience": ""}, "invalid_target"),
        ({"audience": "https://province.example"}, "invalid_target"),
    ],
)
async def test_what_of_an_exchange_is_not_offered(line: Line, changes: dict[str, str], error: str) -> None:
    first = await line.first()
    form = {"audience": PROVINCE} | changes
    status, told = await _exchange(line.city, line.at_city, first, form.pop("audience"), **form)
    assert (status, told["error"]) == (400, error)
    assert (await _exchange(line.city, line.at_city, first, PROVINCE))[0] == 200


async def test_no_platform_is_on_the_way_twice(line: Line) -> None:
    first = await line.first()
    # Back to where it began, and to the platform that acts.
    for audience in (COUNTY, "431221.app"):
        status, told = await _exchange(line.city, line.at_city, first, audience)
        assert (status, told["error"]) == (400, "invalid_grant")
    status, told = await _exchange(line.city, line.at_city, first, PROVINCE)
    assert status == 200
    status, told = await _exchange(line.province, line.at_province, told["access_token"], CITY)
    assert (status, told["error"]) == (400, "invalid_grant")


async def test_an_inspector_only_looks_where_the_token_leads(line: Line) -> None:
    opened = await line.city.sign_in(grants=(("operator", 431200),))
    held = await line.city.tokens(line.at_city, opened.token)
    app = await line.city.register(_client("inspection", "431200.app", [COUNTY]))
    held = await line.city.tokens(app, opened.token)
    status, told = await _exchange(line.city, app, held["access_token"], COUNTY)
    assert status == 200
    read = read_delegated(told["access_token"], _reader(line.issuers[1]), COUNTY, line.city.clock())
    assert read.last.grants == (Right("viewer", "431221"),)


async def test_a_token_ends_with_what_it_was_made_from(line: Line) -> None:
    opened = await line.county.sign_in()
    held = await line.county.tokens(line.at_county, opened.token)
    own = await line.county.register(_client("county", "431221.app2", [CITY]))
    status, told = await _exchange(line.county, line.at_county, held["access_token"], CITY)
    assert status == 200
    status, looked = await line.county.post("/oidc/introspect", {"token": told["access_token"]}, line.at_county)
    assert looked["active"]
    assert (await line.county.post("/oidc/introspect", {"token": told["access_token"]}, own))[1] == {"active": False}
    await line.county.sign_out(opened.token)
    status, looked = await line.county.post("/oidc/introspect", {"token": told["access_token"]}, line.at_county)
    assert looked == {"active": False}
    assert (await _exchange(line.county, line.at_county, held["access_token"], CITY))[0] == 400


async def test_every_exchange_is_written_down(line: Line) -> None:
    first = await line.first()
    await _exchange(line.city, line.at_city, first, PROVINCE)
    await _exchange(line.city, line.at_city, "x", PROVINCE)
    async with line.city.ledger.read() as session:
        found = [one async for one in audit.lines(session) if one.action == "token.exchange"]
    assert [(one.actor, one.outcome) for one in found] == [(f"peer:{CITY}", "done"), (f"peer:{CITY}", "refused")]


# ---- Chains that hubs with good keys forge.

KEYS = {name: ECKey.generate_key("P-256", {"kid": name}) for name in ("county", "city")}
ISSUERS = {name: f"https://{name}.example" for name in KEYS}
READER = TokenReader([Trust(ISSUERS[name], ["ES256"], [key.as_dict(private=False)]) for name, key in KEYS.items()])
NOW = 1_700_000_000
FIRST = Receipt(
    iss=ISSUERS["county"], aud=CITY, sub="zhang", origin=COUNTY, jti="1", iat=NOW, exp=NOW + 300,
    act={"sub": "431221.app"}, grants=(Right("viewer", "431221"),), region="431221", auth_time=NOW - 60,
)  # fmt: skip
SECOND = msgspec.structs.replace(
    FIRST, iss=ISSUERS["city"], aud=PROVINCE, jti="2", iat=NOW + 10, act={"sub": CITY, "act": FIRST.act}
)


def _signed(name: str, receipt: Receipt, kind: str = RECEIPT_TYPE, **more: Any) -> str:
    claims = msgspec.to_builtins(receipt) | more
    return TokenSigner(SigningKey(name, "ES256", KEYS[name])).sign(claims, kind)


def _forged(second: Receipt = SECOND, first: Receipt = FIRST, **token: Any) -> str:
    text = _signed("county", first)
    second = msgspec.structs.replace(second, prior=second.prior or digest_of(text))
    chain = [text, _signed("city", second)]
    return _signed("city", second, TOKEN_TYPE, **({"chain": chain} | token))


def _with(**changes: Any) -> Receipt:
    return msgspec.structs.replace(SECOND, **changes)


FORGED: dict[str, str] = {
    "another person": _forged(_with(sub="li")),
    "another origin": _forged(_with(origin="431222.hub")),
    "another region": _forged(_with(region="431222")),
    "a later sign-on": _forged(_with(auth_time=NOW)),
    "a stronger sign-on": _forged(_with(acr="otp")),
    "a further role": _forged(_with(grants=(Right("viewer", "431221"), Right("operator", "431221")))),
    "a wider region": _forged(_with(grants=(Right("viewer", "431200"),))),
    "a neighbour's region": _forged(_with(grants=(Right("viewer", "431222"),))),
    "a longer life": _forged(_with(exp=NOW + 301)),
    "an actor left out": _forged(_with(act={"sub": CITY})),
    "an actor put in": _forged(_with(act={"sub": CITY, "act": {"sub": "431221.x", "act": FIRST.act}})),
    "another actor": _forged(_with(act={"sub": "430000.other", "act": FIRST.act})),
    "another first actor": _forged(_with(act={"sub": CITY, "act": {"sub": "431221.other"}})),
    "an actor with more": _forged(_with(act={"sub": CITY, "may": 1, "act": FIRST.act})),
    "an actor without a name": _forged(_with(act={"sub": "city", "act": FIRST.act})),
    "back to the origin": _forged(_with(aud=COUNTY)),
    "back to an actor": _forged(_with(aud="431221.app")),
    "another receipt before": _forged(_with(prior="00" * 32)),
    "no receipts": _forged(chain=[]),
    "no chain": _forged(chain=None),
    "receipts left out": _forged(chain=[_signed("city", _with(prior=digest_of(_signed("county", FIRST))))]),
    "a receipt in the wrong place": _forged(chain=[_signed("city", SECOND), _signed("county", FIRST)]),
    "four receipts": _forged(chain=[_signed("county", FIRST)] * 4),
    "a receipt that is a token": _forged(chain=[_signed("county", FIRST, TOKEN_TYPE), _signed("city", SECOND)]),
    "a receipt signed by another": _forged(chain=[_signed("city", FIRST), _signed("city", SECOND)]),
    "a token that is a receipt": _signed("city", SECOND),
    "a token with other rights than its receipt": _forged(grants=[{"role": "operator", "region": "431221"}]),
    "a role that is a number": _forged(grants=[{"role": 5, "region": "431221"}]),
    "a region of letters": _forged(grants=[{"role": "viewer", "region": "４３１２２１"}]),
    "a claim more": _forged(grants=None),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_chain_that_does_not_hold_is_refused(name: str) -> None:
    with pytest.raises(TokenRefused):
        read_delegated(FORGED[name], READER, PROVINCE, (NOW + 20) * 1_000_000)


def test_the_chain_that_holds_is_read() -> None:
    read = read_delegated(_forged(), READER, PROVINCE, (NOW + 20) * 1_000_000)
    assert read.last.actors == (CITY, "431221.app")
    with pytest.raises(TokenRefused, match="audience"):
        read_delegated(_forged(), READER, NATION, (NOW + 20) * 1_000_000)


async def test_a_hub_cannot_speak_for_the_tier_above_it(line: Line) -> None:
    rogue = TokenIssuer(
        ISSUERS["county"], "431222.hub", "ES256",
        msgspec.json.encode([KEYS["county"].as_dict(private=False)]).decode(),
    )  # fmt: skip
    await _trust(line.city, rogue)
    now = line.city.clock() // 1_000_000

    async def handed_in(**changes: Any) -> int:
        rightful: dict[str, Any] = {
            "iat": now, "exp": now + 60, "origin": "431222.hub", "region": "431222", "act": {"sub": "431222.app"},
            "grants": (Right("viewer", "431222"),),
        }  # fmt: skip
        receipt = msgspec.structs.replace(FIRST, **rightful | changes)
        text = _signed("county", receipt, TOKEN_TYPE, chain=[_signed("county", receipt)])
        return (await _exchange(line.city, line.at_city, text, PROVINCE))[0]

    assert await handed_in() == 200
    for region in ("431200", "430000", "000000", "431221"):
        assert await handed_in(grants=(Right("viewer", region),)) == 400
    # Nor in the name of another hub.
    assert await handed_in(origin=COUNTY) == 400
