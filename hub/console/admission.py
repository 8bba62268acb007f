"""Whether a page may be shown to whoever asks: the right its door declares, before anything else is done.

Owns no decision (``auth.permissions``) and no table (``hub.doors``). A view finds the regions its right reaches in
``request[REGIONS]`` and puts them into its SQL.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from auth.permissions import require_place
from auth.person import Grant, Person, Role
from exchange_db.records import Violated
from exchange_db.regions import Subtree
from hub.doors import PAGE_DOORS, Door, Who, place, require_declared
from hub.request_keys import PERSON, REGIONS
from hub.throttle import Throttle

NEAR = frozenset({"127.0.0.1", "localhost", "::1"})
#: What a proxy adds; a request with one of them comes from elsewhere, however near the proxy is.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def anybody(hub_region: int) -> Person:
    """Returns who reads the console of a hub without sign-on: somebody at this machine, a viewer of all it holds."""
    moment = datetime.fromtimestamp(0, UTC)
    grants = (Grant(Role.VIEWER, hub_region),)
    return Person(UUID(int=0), "local", "", "", "", hub_region, grants, UUID(int=0), moment)


def admission(hub_region: int, pages_asked: Throttle) -> Middleware:
    """Returns the middleware. It stands after the one that finds out who is signed on.

    Args:
        hub_region: region of the hub.
        pages_asked: how often a person may ask for a page.
    """

    @web.middleware
    async def admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (person := request.get(PERSON)) is not None:
            pages_asked.admit(str(person.person_id))
        entered = place_of(request.match_info.route)
        if entered is not None:
            request[REGIONS] = _regions(request, PAGE_DOORS[entered], hub_region)
        return await handler(request)

    return admitted


def require_doors(application: web.Application) -> None:
    """Checks that every route of the console has its door.

    Raises:
        DoorUndeclared: one has none.
    """
    require_declared(places(application), PAGE_DOORS)


def places(application: web.Application) -> Iterable[str]:
    """Returns the names under which an application's routes stand among the doors."""
    return sorted({name for route in application.router.routes() if (name := place_of(route)) is not None})


def place_of(route: web.AbstractRoute) -> str | None:
    """Returns the name of a route among the doors; ``None`` for what leads nowhere and is answered with 404 or 405."""
    if route.resource is None:
        return None
    return place(route.method, route.resource.canonical)


def _regions(request: web.Request, door: Door, hub_region: int) -> tuple[Subtree, ...]:
    person: Person | None = request.get(PERSON)
    if door.who is Who.EVERYBODY or (door.who is Who.MACHINE and _is_near(request)):
        return ()
    if door.who is Who.SIGNED_ON:
        if person is None:
            raise Violated("SIGN_ON_REQUIRED")
        return ()
    return require_place(person, door.action, door.kind, hub_region)


def _is_near(request: web.Request) -> bool:
    return (
        request.remote in NEAR and host_of(request) in NEAR and not any(name in request.headers for name in _FORWARDED)
    )


def host_of(request: web.Request) -> str:
    """Returns the name a request gives this server, without the port."""
    host = request.host
    return host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
