"""Who is at the keyboard: looks the session up before a page is shown, and sends to sign-on who has none.

Sets ``PERSON``, ``FOUND`` and ``TOKEN`` of ``hub.request_keys``. Does not decide what the person may see: that is
``hub.console.admission``, which stands behind it.
"""

from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from auth.sessions import Found, Sessions
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.admission import anybody, place_of
from hub.console.browser import BROWSER_COOKIE, LIVE_HEADER, SESSION_COOKIE, is_own_form
from hub.console.pages import Pages
from hub.doors import PAGE_DOORS, Who
from hub.request_keys import FOUND, PERSON, TOKEN
from hub.settings import Settings

#: Posts that come from machines or carry their own proof, not from forms of ours.
_MACHINES = ("/sso/back/", "/sso/backchannel/", "/oidc/", "/cas/", "/scim/")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def sign_on_guard(ledger: Ledger, doors: Sessions, pages: Pages, settings: Settings, clock: Clock) -> Middleware:
    """Returns the middleware."""
    part = settings.console
    passer_by = anybody(settings.hub.region) if part.open_on_loopback else None

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        look = pages.presentation(request)
        moment = datetime.fromtimestamp(clock() / 1_000_000, UTC)
        # A page that reads itself anew is not somebody at the keyboard: it does not keep a session from ending.
        is_used = request.path != "/live" and LIVE_HEADER not in request.headers
        found = await doors.find(ledger, request.cookies.get(SESSION_COOKIE, ""), moment, is_used=is_used)
        request[TOKEN] = request.cookies.get(SESSION_COOKIE if found else BROWSER_COOKIE, "")
        if found is not None:
            request[FOUND], request[PERSON] = found, found.person
        elif passer_by is not None:
            request[PERSON] = passer_by
        place = place_of(request.match_info.route)
        if place is None:
            return await handler(request)
        if request.method not in _READING and not request.path.startswith(_MACHINES):
            form = await request.post()
            if not is_own_form(request, part, request[TOKEN], str(form.get("form_token", ""))):
                return pages.refuse(request, 403, look.word("form_refused"))
        who = PAGE_DOORS[place].who
        if who in (Who.PEOPLE, Who.SIGNED_ON) and PERSON not in request and request.method in _READING:
            raise web.HTTPSeeOther(look.url("/sso", **{"return": request.path_qs}))
        if who is Who.PEOPLE and found is not None and not _has_rights(found):
            return pages.refuse(request, 403, look.word("waiting_for_approval", found.person.name))
        return await handler(request)

    return guarded


def _has_rights(found: Found) -> bool:
    return found.state == "admitted" and bool(found.person.grants)
