"""How often an address may ask, before anybody looks at who it is: sessions, passwords and codes cost work."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hub.console.browser import caller_of
from hub.sections.console import ConsolePart
from hub.throttle import Throttle


def pace(part: ConsolePart, calls: Throttle) -> Middleware:
    """Returns the middleware. It stands before the one that finds out who is signed on."""

    @web.middleware
    async def paced(request: web.Request, handler: Handler) -> web.StreamResponse:
        calls.admit(caller_of(request, part))
        return await handler(request)

    return paced
