"""The CAS face: where browsers and older platforms come. The rules are in ``auth.cas_server``."""

from aiohttp import web

from auth.cas_server import CasAnswer, CasDesk, CasSignInNeeded
from auth.oidc_provider.protocol import ProtocolRefused, parameters_of
from hub.clock import Clock
from hub.console.browser import SESSION_COOKIE, drop_cookie
from hub.console.pages import Pages
from hub.console.views.provider import refuse_browser
from hub.console.views.provider_requests import person_of, sign_in_path
from hub.signon.desk import SignOnDesk


class CasView:
    """The CAS server's addresses.

    Args:
        cas: the rules.
        desk: ends sessions.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, cas: CasDesk, desk: SignOnDesk, pages: Pages, clock: Clock) -> None:
        self._cas = cas
        self._desk = desk
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/cas/login", self.log_in),
            web.get("/cas/resume", self.resume),
            web.get("/cas/serviceValidate", self.validate),
            web.get("/cas/p3/serviceValidate", self.validate),
            web.get("/cas/logout", self.log_out),
        ]

    async def log_in(self, request: web.Request) -> web.Response:
        """Takes a platform's request to sign somebody on."""
        try:
            parameters = parameters_of(request.query.items())
            if "service" not in parameters:
                return _redirect("/sso/me")
            return self._go(await self._cas.log_in(parameters, person_of(request), self._clock()))
        except ProtocolRefused as refused:
            return refuse_browser(self._pages, request, refused)

    async def resume(self, request: web.Request) -> web.Response:
        """Goes on with such a request once the person has signed on."""
        try:
            parked = parameters_of(request.query.items()).get("request", "")
            return self._go(await self._cas.resume(parked, person_of(request), self._clock()))
        except ProtocolRefused as refused:
            return refuse_browser(self._pages, request, refused)

    async def validate(self, request: web.Request) -> web.Response:
        """Tells a platform whom a ticket stands for; CAS 2.0 knows no attributes."""
        try:
            parameters = parameters_of(request.query.items())
        except ProtocolRefused:
            parameters = {}
        has_attributes = request.path.startswith("/cas/p3/")
        told = await self._cas.validate(parameters, self._clock(), has_attributes=has_attributes)
        return web.Response(text=told, content_type="application/xml", charset="utf-8")

    async def log_out(self, request: web.Request) -> web.Response:
        """Signs somebody off and lets the browser go on to a registered address, or to our own page.

        Nobody is asked: the protocol has no question here, and what is lost is a session.
        """
        try:
            where = await self._cas.return_address(parameters_of(request.query.items()))
        except ProtocolRefused as refused:
            return refuse_browser(self._pages, request, refused)
        await self._desk.sign_off(request.cookies.get(SESSION_COOKIE, ""), "")
        response = _redirect(where or "/sso/bye")
        drop_cookie(response, SESSION_COOKIE)
        return response

    def _go(self, found: CasAnswer | CasSignInNeeded) -> web.Response:
        if isinstance(found, CasAnswer):
            return _redirect(found.location)
        return _redirect(sign_in_path("/cas/resume", found.parked, {"prompt": "login"} if found.is_forced else {}))


def _redirect(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})
