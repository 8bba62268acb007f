"""Platforms above and below sign people on here: where the browser comes, and where their software asks.

Only reads requests and writes answers; the rules are in ``auth.oidc_provider``. A refusal goes to a platform's address
only when that address was found registered; otherwise it is a page here.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qsl

from aiohttp import web

from auth.oidc_provider.answering import Answered, Resuming, SignInNeeded
from auth.oidc_provider.metadata import EXCHANGE, discovery
from auth.oidc_provider.protocol import ProtocolRefused, RefusedToClient, parameters_of, require_none_of
from auth.oidc_provider.provider import Provider
from exchange_db.sign_on import Client
from hub.clock import Clock
from hub.console.browser import ONWARD_COOKIE, SESSION_COOKIE, drop_cookie, is_own_form, origin_of, set_cookie
from hub.console.pages import Pages
from hub.console.views.provider_requests import credentials_of, form_of, person_of, refuse_machine, sign_in_path
from hub.request_keys import TOKEN
from hub.sections.console import ConsolePart
from hub.signon.desk import SignOnDesk

#: Where a request goes on that was set aside.
RESUME_PATH = "/oidc/resume"
#: How long readers may keep the published keys; new ones are published a day before they sign.
_KEYS_SECONDS = int(timedelta(hours=1).total_seconds())
#: How long the way over the platform a person came from may take at a sign-off.
_ONWARD_SECONDS = 300
_Machine = Callable[[web.Request], Awaitable[web.Response]]


class ProviderView:
    """The OpenID provider's addresses.

    Args:
        provider: the rules.
        desk: ends sessions.
        pages: renders.
        part: where people reach the hub.
        clock: the hub's clock.
    """

    def __init__(self, provider: Provider, desk: SignOnDesk, pages: Pages, part: ConsolePart, clock: Clock) -> None:
        self._provider = provider
        self._desk = desk
        self._pages = pages
        self._part = part
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/.well-known/openid-configuration", self.metadata),
            web.get("/oidc/keys", self.keys),
            web.get("/oidc/authorize", self.authorize),
            web.post("/oidc/authorize", self.authorize),
            web.get(RESUME_PATH, self.resume),
            web.get("/oidc/logout", self.sign_off),
            web.post("/oidc/logout", self.sign_off),
            web.post("/oidc/logout/yes", self.sign_off_after_all),
            web.post("/oidc/par", self._for_machines(self.push)),
            web.post("/oidc/token", self._for_machines(self.token)),
            web.get("/oidc/userinfo", self._for_machines(self.user_information)),
            web.post("/oidc/userinfo", self._for_machines(self.user_information)),
            web.post("/oidc/introspect", self._for_machines(self.introspect)),
            web.post("/oidc/revoke", self._for_machines(self.revoke)),
        ]

    async def metadata(self, _: web.Request) -> web.Response:
        """Says what this provider offers."""
        return web.json_response(discovery(self._provider.terms.issuer))

    async def keys(self, _: web.Request) -> web.Response:
        """Publishes what tokens are signed with."""
        published = await self._provider.keys.published(self._clock())
        return web.json_response({"keys": published}, headers={"Cache-Control": f"max-age={_KEYS_SECONDS}"})

    async def authorize(self, request: web.Request) -> web.Response:
        """Takes a platform's request to sign somebody on."""
        desk = self._provider.authorization
        try:
            parameters = await form_of(request) if request.method == "POST" else parameters_of(request.query.items())
            return self._go(await desk.begin(parameters, person_of(request), self._clock()))
        except ProtocolRefused as refused:
            return self._refuse(request, refused)

    async def resume(self, request: web.Request) -> web.Response:
        """Goes on with such a request once the person has signed on."""
        try:
            parked = parameters_of(request.query.items()).get("request", "")
            return self._go(await self._provider.authorization.resume(parked, person_of(request), self._clock()))
        except ProtocolRefused as refused:
            return self._refuse(request, refused)

    def resuming(self, return_path: str) -> Resuming | None:
        """Returns what goes on with such a request at once, where somebody would come back for it."""
        path, _, query = return_path.partition("?")
        if path != RESUME_PATH:
            return None
        parked = dict(parse_qsl(query, keep_blank_values=True)).get("request", "")
        return self._provider.authorization.resuming(parked, self._clock())

    def gone_on(self, request: web.Request, resuming: Resuming, return_path: str) -> web.Response:
        """Returns where the browser goes then; by way of that address when there was no answer yet."""
        found = resuming.outcome
        if isinstance(found, ProtocolRefused):
            return self._refuse(request, found)
        return _redirect(return_path) if found is None else self._go(found)

    async def sign_off(self, request: web.Request) -> web.Response:
        """Takes a platform's request to sign somebody off; asks the person when it may not be theirs."""
        try:
            parameters = await form_of(request) if request.method == "POST" else parameters_of(request.query.items())
            found = await self._provider.logout.asked(parameters, person_of(request), self._clock())
        except ProtocolRefused as refused:
            return self._refuse(request, refused)
        if found.is_asked:
            return self._pages.render(request, "sign_off.html", active="", parameters=parameters)
        return await self._signed_off(request, found.location)

    async def sign_off_after_all(self, request: web.Request) -> web.Response:
        """Signs somebody off who said yes on our own page."""
        try:
            parameters = await form_of(request)
            if not is_own_form(request, self._part, request[TOKEN], parameters.pop("form_token", "")):
                return self._pages.refuse(request, 403, self._pages.presentation(request).word("form_refused"))
            found = await self._provider.logout.asked(parameters, person_of(request), self._clock())
        except ProtocolRefused as refused:
            return self._refuse(request, refused)
        return await self._signed_off(request, found.location)

    async def push(self, request: web.Request) -> web.Response:
        """Takes a request that a platform hands in before it sends the browser."""
        client, parameters = await self._client(request)
        reference, lifetime = await self._provider.authorization.push(client, parameters, self._clock())
        return web.json_response({"request_uri": reference, "expires_in": lifetime}, status=201)

    async def token(self, request: web.Request) -> web.Response:
        """Gives tokens for a code or for another token."""
        client, parameters = await self._client(request)
        kind = parameters.get("grant_type", "")
        if kind == "authorization_code":
            desk = self._provider.tokens
            return web.json_response(await desk.redeem(client, parameters, credentials_of(request), self._clock()))
        if kind == EXCHANGE:
            return web.json_response(await self._provider.exchange.exchange(client, parameters, self._clock()))
        raise ProtocolRefused("unsupported_grant_type", "only authorization_code and token exchange")

    async def user_information(self, request: web.Request) -> web.Response:
        """Tells who an access token is about. The token comes in the header, never in the address."""
        scheme, _, access = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or "access_token" in request.query:
            raise ProtocolRefused("invalid_token", "an access token is required", 401, is_challenged=True)
        thumbprint = credentials_of(request).thumbprint
        told = await self._provider.tokens.user_information(access.strip(), thumbprint, self._clock())
        return web.json_response(told)

    async def introspect(self, request: web.Request) -> web.Response:
        """Tells a platform whether a token holds."""
        client, parameters = await self._client(request)
        return web.json_response(
            await self._provider.tokens.introspect(client, parameters.get("token", ""), self._clock())
        )

    async def revoke(self, request: web.Request) -> web.Response:
        """Takes a token back."""
        client, parameters = await self._client(request)
        if parameters.get("token_type_hint", "access_token") != "access_token":
            raise ProtocolRefused("unsupported_token_type", "only access tokens are given")
        await self._provider.tokens.revoke(client, parameters.get("token", ""), self._clock())
        return web.Response()

    async def _client(self, request: web.Request) -> tuple[Client, dict[str, str]]:
        parameters = await form_of(request)
        if request.query:
            raise ProtocolRefused("invalid_request", "parameters belong into the body")
        require_none_of(parameters, ("dpop_jkt",))
        client = await self._provider.clients.authenticate(parameters, credentials_of(request), self._clock())
        return client, parameters

    def _for_machines(self, handler: _Machine) -> _Machine:
        async def answered(request: web.Request) -> web.Response:
            try:
                return await handler(request)
            except ProtocolRefused as refused:
                return refuse_machine(request, refused)

        return answered

    def _go(self, found: Answered | SignInNeeded) -> web.Response:
        if isinstance(found, Answered):
            return _redirect(found.location)
        wish: dict[str, str] = {}
        if found.is_forced:
            wish["prompt"] = "login"
        if found.max_age is not None:
            wish["max_age"] = str(found.max_age)
        if found.acr_values:
            wish["acr"] = " ".join(found.acr_values)
        return _redirect(sign_in_path(RESUME_PATH, found.parked, wish))

    def _refuse(self, request: web.Request, refused: ProtocolRefused) -> web.Response:
        if isinstance(refused, RefusedToClient):
            return _redirect(refused.location)
        return refuse_browser(self._pages, request, refused)

    async def _signed_off(self, request: web.Request, location: str) -> web.Response:
        """Ends the session, then goes to the platform it came from, and at last to the one that asked."""
        back = f"{origin_of(request, self._part)}/sso/bye"
        upstream = await self._desk.sign_off(request.cookies.get(SESSION_COOKIE, ""), back)
        where = upstream or location or "/sso/bye"
        response = self._pages.render(request, "moving_on.html", active="", where=where)
        if not upstream and location:
            response = _redirect(location)
        elif upstream and location:
            set_cookie(response, ONWARD_COOKIE, location, seconds=_ONWARD_SECONDS)
        drop_cookie(response, SESSION_COOKIE)
        return response


def refuse_browser(pages: Pages, request: web.Request, refused: ProtocolRefused) -> web.Response:
    """Shows a refusal here; the browser goes nowhere."""
    return pages.refuse(
        request, refused.status, pages.presentation(request).word("provider_refused", refused.description)
    )


def _redirect(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})
