"""Signing on and off: the page, the way to a platform and back, and what platforms post when somebody leaves there."""

import logging
import secrets
from collections.abc import Mapping
from uuid import UUID

from aiohttp import web
from multidict import MultiDictProxy

from auth.assertion import SignOnRefused
from auth.oidc_provider.answering import Resuming
from auth.sessions import Opened, is_token
from exchange_db.regions import PLATFORM_ID
from hub.console.browser import (
    BROWSER_COOKIE,
    ONWARD_COOKIE,
    SESSION_COOKIE,
    caller_of,
    drop_cookie,
    origin_of,
    safe_path,
    set_cookie,
)
from hub.console.pages import Pages
from hub.console.views.provider import ProviderView
from hub.request_keys import FOUND, TOKEN
from hub.sections.console import ConsolePart
from hub.signon.desk import SignOnDesk, Wish

logger = logging.getLogger(__name__)

_BROWSER_SECONDS = 86_400
_MOST_LOGOUT_BYTES = 16_384
_STATUS = {"too_busy": 503, "upstream_failed": 502, "upstream_unknown": 404, "no_wrapping_key": 503}


class SignOnView:
    """Pages and doors of sign-on.

    Args:
        desk: does it.
        pages: renders.
        part: where people reach the hub.
        provider: goes on with a platform's request once the person has signed on; ``None`` where nobody is provided to.
    """

    def __init__(self, desk: SignOnDesk, pages: Pages, part: ConsolePart, provider: ProviderView | None = None) -> None:
        self._provider = provider
        self._desk = desk
        self._pages = pages
        self._part = part

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/sso", self.page),
            web.post("/sso/local", self.sign_on_locally),
            web.get("/sso/to/{upstream}", self.begin),
            web.get("/sso/back/{upstream}", self.finish),
            web.post("/sso/back/{upstream}", self.take_cas_logout),
            web.post("/sso/backchannel/{upstream}", self.take_logout_token),
            web.post("/sso/logout", self.sign_off),
            web.get("/sso/bye", self.bye),
            web.get("/sso/me", self.me),
            web.post("/sso/link", self.link),
            web.post("/sso/unlink", self.unlink),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """Shows the platforms to sign on at, and the form of this host's administrators."""
        return await self._page(request, safe_path(request.query.get("return", "/")))

    async def sign_on_locally(self, request: web.Request) -> web.Response:
        """Takes an administrator of this host in."""
        form = await request.post()
        return_path = safe_path(str(form.get("return", "/")))
        name, password, code = (str(form.get(field, ""))[:300] for field in ("name", "password", "code"))
        try:
            opened = await self._desk.sign_on_locally(
                name, password, code, client=_client_of(request), replaced=_session_of(request)
            )
        except SignOnRefused as refused:
            return await self._page(request, return_path, refused.reason)
        # Not a redirect: browsers hold a form's whole chain of redirects against this page's form-action, and the
        # path may lead on to another platform.
        response = self._moving_on(request, return_path)
        self._keep(response, opened)
        return response

    async def begin(self, request: web.Request) -> web.Response:
        """Sends the browser to a platform."""
        browser = request.cookies.get(BROWSER_COOKIE, "")
        if not is_token(browser):
            browser = secrets.token_urlsafe(32)
        query = request.query
        max_age = query.get("max_age", "")
        wish = Wish(
            safe_path(query.get("return", "/")),
            int(max_age) if max_age.isascii() and max_age.isdecimal() and len(max_age) < 7 else None,
            query.get("acr", "")[:200],
            query["prompt"] if query.get("prompt") in {"none", "login"} else "",
        )
        try:
            where = await self._desk.begin(_upstream_of(request), browser, self._callback(request), wish)
        except SignOnRefused as refused:
            return self._refuse(request, refused)
        response = web.Response(status=303, headers={"Location": where})
        set_cookie(response, BROWSER_COOKIE, browser, seconds=_BROWSER_SECONDS)
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """Takes the browser back from a platform."""
        resuming: list[Resuming] = []

        def onward_of(return_path: str) -> Resuming | None:
            found = self._provider.resuming(return_path) if self._provider is not None else None
            resuming.extend([found] if found is not None else [])
            return found

        try:
            arrived = await self._desk.finish(
                _upstream_of(request),
                request.cookies.get(BROWSER_COOKIE, ""),
                self._callback(request),
                _once(request.query),
                client=_client_of(request),
                replaced=_session_of(request),
                onward_of=onward_of,
            )
        except SignOnRefused as refused:
            return self._refuse(request, refused)
        response = web.Response(status=303, headers={"Location": arrived.return_path})
        if arrived.opened is None:
            return response
        if self._provider is not None and resuming:
            # What is refused is told on a page of somebody who is signed on by now.
            request[TOKEN] = arrived.opened.token
            response = self._provider.gone_on(request, resuming[0], arrived.return_path)
        self._keep(response, arrived.opened)
        return response

    async def sign_off(self, request: web.Request) -> web.Response:
        """Ends the session here, and goes on to end it at the platform."""
        back = f"{origin_of(request, self._part)}/sso/bye"
        where = await self._desk.sign_off(request.cookies.get(SESSION_COOKIE, ""), back)
        response = self._moving_on(request, where or "/sso/bye")
        drop_cookie(response, SESSION_COOKIE)
        return response

    async def bye(self, request: web.Request) -> web.Response:
        """Says that the session has ended, or goes on to the platform that asked for it."""
        if onward := request.cookies.get(ONWARD_COOKIE, ""):
            # Set by this hub alone, for an address that was found registered.
            response = web.Response(status=303, headers={"Location": onward})
            drop_cookie(response, ONWARD_COOKIE)
            return response
        return self._pages.render(request, "bye.html", active="")

    async def me(self, request: web.Request) -> web.Response:
        """Shows who is signed on, how, and with which rights."""
        found = request[FOUND]
        return self._pages.render(
            request,
            "me.html",
            active="",
            found=found,
            linked=await self._desk.linked(found.person),
            upstreams=await self._desk.upstreams(),
        )

    async def link(self, request: web.Request) -> web.Response:
        """Goes to a platform to add an account there to the one that is signed on."""
        upstream_id = str((await request.post()).get("upstream", ""))
        if not PLATFORM_ID.match(upstream_id):
            raise web.HTTPNotFound
        browser = request.cookies.get(BROWSER_COOKIE, "")
        if not is_token(browser):
            browser = secrets.token_urlsafe(32)
        callback = f"{origin_of(request, self._part)}/sso/back/{upstream_id}"
        try:
            where = await self._desk.begin_link(upstream_id, browser, callback, request[TOKEN])
        except SignOnRefused as refused:
            return self._refuse(request, refused)
        response = self._moving_on(request, where)
        set_cookie(response, BROWSER_COOKIE, browser, seconds=_BROWSER_SECONDS)
        return response

    async def unlink(self, request: web.Request) -> web.Response:
        """Parts an account from the others of whoever is signed on."""
        try:
            person_id = UUID(str((await request.post()).get("person", "")))
        except ValueError:
            raise web.HTTPNotFound from None
        await self._desk.unlink(request[FOUND].person, person_id)
        return web.Response(status=303, headers={"Location": self._pages.presentation(request).url("/sso/me")})

    async def take_logout_token(self, request: web.Request) -> web.Response:
        """Takes an OpenID provider's word that somebody has left there (back-channel logout)."""
        try:
            form = await _small_form(request)
            await self._desk.take_logout_token(_upstream_of(request), form.get("logout_token", ""))
        except SignOnRefused as refused:
            logger.warning("logout token for %s: %s", request.match_info["upstream"], refused)
            status = 502 if refused.reason == "upstream_failed" else 400
            return web.json_response({"error": "invalid_request"}, status=status)
        return web.Response()

    async def take_cas_logout(self, request: web.Request) -> web.Response:
        """Takes a CAS server's word that a ticket's session is over."""
        try:
            form = await _small_form(request)
            caller = caller_of(request, self._part)
            await self._desk.take_cas_logout(_upstream_of(request), caller, form.get("logoutRequest", ""))
        except SignOnRefused as refused:
            logger.warning("logout post for %s: %s", request.match_info["upstream"], refused)
            return web.Response(status=400)
        return web.Response()

    async def _page(self, request: web.Request, return_path: str, reason: str = "") -> web.Response:
        browser = request.cookies.get(BROWSER_COOKIE, "")
        is_held = FOUND in request or is_token(browser)
        if not is_held:
            browser = secrets.token_urlsafe(32)
            request[TOKEN] = browser
        response = self._pages.render(
            request,
            "sign_on.html",
            active="",
            status=_STATUS.get(reason, 403) if reason else 200,
            upstreams=await self._desk.upstreams(),
            return_path=return_path,
            wish={name: request.query[name] for name in ("prompt", "max_age", "acr") if name in request.query},
            reason=reason,
        )
        if not is_held:
            set_cookie(response, BROWSER_COOKIE, browser, seconds=_BROWSER_SECONDS)
        return response

    def _callback(self, request: web.Request) -> str:
        return f"{origin_of(request, self._part)}/sso/back/{_upstream_of(request)}"

    def _refuse(self, request: web.Request, refused: SignOnRefused) -> web.Response:
        text = self._pages.presentation(request).word(refused.reason)
        return self._pages.refuse(request, _STATUS.get(refused.reason, 403), text)

    def _moving_on(self, request: web.Request, where: str) -> web.Response:
        return self._pages.render(request, "moving_on.html", active="", where=where)

    @staticmethod
    def _keep(response: web.StreamResponse, opened: Opened) -> None:
        set_cookie(response, SESSION_COOKIE, opened.token)


def _upstream_of(request: web.Request) -> str:
    upstream_id = request.match_info["upstream"]
    if not PLATFORM_ID.match(upstream_id):
        raise web.HTTPNotFound
    return upstream_id


def _session_of(request: web.Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "") if FOUND in request else ""


def _client_of(request: web.Request) -> str:
    return "".join(filter(str.isprintable, request.headers.get("User-Agent", "")))[:200]


def _once(query: Mapping[str, str]) -> dict[str, str]:
    """Returns the parameters of an answer; one that stands there twice is nobody's."""
    assert isinstance(query, MultiDictProxy)  # noqa: S101 — aiohttp gives nothing else
    return {name: query[name] for name in set(query) if len(query.getall(name)) == 1}


async def _small_form(request: web.Request) -> dict[str, str]:
    """Reads a machine's form; each field once and of bounded length.

    Raises:
        SignOnRefused: it is none, or too long.
    """
    if (request.content_length or 0) > _MOST_LOGOUT_BYTES:
        raise SignOnRefused("answer_refused", "too long")
    form = await request.post()
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    if len(texts) != len(form) or sum(map(len, texts.values())) > _MOST_LOGOUT_BYTES:
        raise SignOnRefused("answer_refused", "no plain form")
    return texts
