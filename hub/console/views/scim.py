"""The door at which platforms hand in their lists of people (SCIM 2.0), below ``/scim/v2``.

Owns what HTTP asks for: the secret, how often, how long a body may be, statuses, and errors as SCIM writes them. What
an entry does is ``hub.signon.lists``.

Source: RFC 7644.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web

from exchange_db.people_lists import ListedRow
from exchange_db.sign_on_records import AnyUpstream
from hub.console.browser import caller_of, origin_of
from hub.sections.console import ConsolePart
from hub.signon.lists import ListDesk
from hub.signon.scim import (
    MOST_RESULTS,
    ScimRefused,
    as_list,
    as_user,
    cut,
    read_filter,
    read_json,
    read_patch,
    read_user,
)
from hub.signon.scim_schemas import provider_config, resource_types, schemas
from hub.throttle import RateLimited, Throttle

logger = logging.getLogger(__name__)

_TYPE = "application/scim+json"
_MOST_BYTES = 64 * 1024
_LONGEST_NUMBER = 9
#: What is said beside the words of SCIM, by status.
_TOLD = {
    401: ("请出示本枢纽发给贵平台的名单密钥", "show the secret this hub gave your platform for its list"),
    404: ("没有这个资源", "there is no such resource"),
    413: (f"请求超过 {_MOST_BYTES} 字节", f"more than {_MOST_BYTES} bytes"),
    415: ("请以不压缩的 application/scim+json 提交", "send application/scim+json, not compressed"),
    501: ("本枢纽不提供该项功能", "this hub does not offer it"),
    429: ("请求过于频繁", "too many requests"),
}
#: Serves a platform's request.
Serve = Callable[[web.Request, AnyUpstream], Awaitable[web.Response]]


class ScimView:
    """The door.

    Args:
        desk: does it.
        part: where platforms reach the hub.
        throttles: how often a platform may call, and how often an address may call without being believed.
    """

    def __init__(self, desk: ListDesk, part: ConsolePart, throttles: tuple[Throttle, Throttle]) -> None:
        self._desk = desk
        self._part = part
        self._calls, self._failures = throttles

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        one, kind = "/scim/v2/Users/{id}", self._described
        return [
            web.get("/scim/v2/ServiceProviderConfig", self._guarded(kind(lambda base, _: provider_config(base)))),
            web.get("/scim/v2/ResourceTypes", self._guarded(kind(lambda base, _: as_list(resource_types(base))))),
            web.get(
                "/scim/v2/ResourceTypes/{id}", self._guarded(kind(lambda base, key: _one(resource_types(base), key)))
            ),
            web.get("/scim/v2/Schemas", self._guarded(kind(lambda base, _: as_list(schemas(base))))),
            web.get("/scim/v2/Schemas/{id}", self._guarded(kind(lambda base, key: _one(schemas(base), key)))),
            web.get("/scim/v2/Users", self._guarded(self._listing)),
            web.post("/scim/v2/Users", self._guarded(self._add)),
            web.get(one, self._guarded(self._show)),
            web.put(one, self._guarded(self._put)),
            web.patch(one, self._guarded(self._patch)),
            web.delete(one, self._guarded(self._take_off)),
            web.get("/scim/v2/{rest:.*}", self._guarded(self._nothing)),
            web.post("/scim/v2/.search", self._guarded(self._not_offered)),
            web.post("/scim/v2/Users/.search", self._guarded(self._not_offered)),
        ]

    def _guarded(self, serve: Serve) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Lets a platform in that shows its secret, as often as it may come; errors become those of SCIM."""

        async def guarded(request: web.Request) -> web.Response:
            try:
                upstream = await self._platform(request)
                self._calls.admit(upstream.upstream_id)
                return await serve(request, upstream)
            except RateLimited as limited:
                response = _answer(ScimRefused(429).as_body(_TOLD[429]), 429)
                response.headers["Retry-After"] = str(limited.retry_seconds)
                return response
            except ScimRefused as refused:
                response = _answer(refused.as_body(None if refused.kind else _TOLD.get(refused.status)), refused.status)
                if refused.status == 401:
                    response.headers["WWW-Authenticate"] = "Bearer"
                return response

        return guarded

    async def _platform(self, request: web.Request) -> AnyUpstream:
        caller = caller_of(request, self._part)
        self._failures.require_room(caller)
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        upstream = await self._desk.platform_of(secret) if scheme.lower() == "bearer" else None
        if upstream is None:
            self._failures.count(caller)
            logger.warning("list of people: %s shows no secret of ours", caller)
            raise ScimRefused(401)
        return upstream

    def _described(self, describe: Callable[[str, str], Mapping[str, Any]]) -> Serve:
        async def described(request: web.Request, _: AnyUpstream) -> web.Response:
            if "filter" in request.query:
                # RFC 7644, section 4: what describes the service is not filtered.
                return _answer(ScimRefused(403).as_body(), 403)
            return _answer(describe(self._base(request), unquote(request.match_info.get("id", ""))))

        return described

    async def _listing(self, request: web.Request, upstream: AnyUpstream) -> web.Response:
        query = request.query
        start, count = _number(query, "startIndex", 1), _number(query, "count", MOST_RESULTS)
        page = await self._desk.page(upstream, read_filter(query.get("filter", "")), start, count)
        return _answer(as_list([self._user(request, row) for row in page.rows], page.total, page.start))

    async def _show(self, request: web.Request, upstream: AnyUpstream) -> web.Response:
        return _answer(self._user(request, await self._desk.find(upstream, request.match_info["id"])))

    async def _add(self, request: web.Request, upstream: AnyUpstream) -> web.Response:
        row = await self._desk.add(upstream, read_user(await _body(request)))
        response = _answer(self._user(request, row), 201)
        response.headers["Location"] = f"{self._base(request)}/Users/{row.person_id}"
        return response

    async def _put(self, request: web.Request, upstream: AnyUpstream) -> web.Response:
        body = await _body(request)
        row = await self._desk.change(upstream, request.match_info["id"], lambda before: read_user(body, before))
        return _answer(self._user(request, row))

    async def _patch(self, request: web.Request, upstream: AnyUpstream) -> web.Response:
        body = await _body(request)
        row = await self._desk.change(upstream, request.match_info["id"], lambda before: read_patch(body, before))
        return _answer(self._user(request, row))

    async def _take_off(self, request: web.Request, upstream: AnyUpstream) -> web.Response:
        await self._desk.take_off(upstream, request.match_info["id"])
        return web.Response(status=204)

    async def _nothing(self, request: web.Request, upstream: AnyUpstream) -> web.Response:  # noqa: ARG002 — a Serve
        raise ScimRefused(404)

    async def _not_offered(self, request: web.Request, upstream: AnyUpstream) -> web.Response:  # noqa: ARG002 — a Serve
        raise ScimRefused(501)

    def _user(self, request: web.Request, row: ListedRow) -> dict[str, Any]:
        query = request.query
        user = as_user(row, self._base(request))
        return cut(user, query.get("attributes", ""), query.get("excludedAttributes", ""))

    def _base(self, request: web.Request) -> str:
        return f"{origin_of(request, self._part)}/scim/v2"


def _answer(body: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type=_TYPE)


def _one(resources: list[dict[str, Any]], key: str) -> dict[str, Any]:
    for resource in resources:
        if resource["id"] == key:
            return resource
    raise ScimRefused(404)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > _LONGEST_NUMBER:
        raise ScimRefused(400, "invalidValue", name)
    return int(text)


async def _body(request: web.Request) -> dict[str, Any]:
    """Reads a body of bounded length.

    Raises:
        ScimRefused: too long, compressed, of another type, or no JSON object.
    """
    if request.content_type not in (_TYPE, "application/json") or request.headers.get("Content-Encoding"):
        raise ScimRefused(415)
    body = b""
    async for piece in request.content.iter_chunked(_MOST_BYTES):
        body += piece
        if len(body) > _MOST_BYTES:
            raise ScimRefused(413)
    return read_json(body)
