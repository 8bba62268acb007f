"""What surrounds every page: whom it answers, what a browser may do with it, and errors in words."""

import logging
from urllib.parse import urlsplit

import psycopg
import sqlalchemy.exc
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from exchange_db.errors import ExchangeDbError
from exchange_db.records import Violated
from hub.console.admission import NEAR, host_of
from hub.console.browser import is_near
from hub.console.pages import Pages
from hub.console.presentation import Presentation
from hub.log_context import begin_request
from hub.sections.console import ConsolePart
from hub.throttle import RateLimited

logger = logging.getLogger(__name__)

#: A page loads style, scripts and pictures of this hub and nothing else, runs no script written into it, asks nobody
#: else, and cannot be framed.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers then post our own forms as coming from "null".
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: What monitoring on this machine reads, under whatever name people know the hub by.
MONITORING = frozenset({"/livez", "/readyz", "/healthz", "/healthz/deep", "/metrics"})
#: Where software asks and reads JSON, whatever is wrong.
_FOR_SOFTWARE = frozenset({"/oidc/par", "/oidc/token", "/oidc/userinfo", "/oidc/introspect", "/oidc/revoke"})
#: Status to OAuth's word for it and what is told.
_OAUTH = {
    429: ("temporarily_unavailable", "too many requests, see Retry-After"),
    500: ("server_error", "something broke here"),
    503: ("temporarily_unavailable", "the database does not answer"),
}
_NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, ExchangeDbError, OSError)


def guard(pages: Pages, part: ConsolePart) -> Middleware:
    """Returns the middleware.

    Only requests that name the address people use are answered, or this machine where no other is set: a page
    elsewhere that points its own name here gets nothing.
    """

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        look, number = pages.presentation(request), begin_request()
        response: web.StreamResponse
        if not _is_answered(request, part):
            response = _refusal(pages, request, 421, look.word("host_forbidden"))
        else:
            try:
                response = await handler(request)
            except web.HTTPNotFound:
                response = _refusal(pages, request, 404, look.word("not_found"))
            except web.HTTPRedirection as redirection:
                response = web.Response(
                    status=redirection.status, headers={"Location": redirection.headers["Location"]}
                )
            except web.HTTPException as error:
                response = _refusal(pages, request, error.status, error.reason)
            except Violated as refused:
                response = _refused(pages, request, refused)
            except _NO_DATABASE as error:
                response = _refusal(pages, request, 503, _told(error, look))
            except Exception:
                logger.exception("console failed, log number %s", number)
                response = _refusal(pages, request, 500, look.word("broken", number))
        if not response.prepared:
            # A stream of events has sent its head, with these in it.
            _surround(response, part)
        return response

    return guarded


def _told(error: Exception, look: Presentation) -> str:
    """Says what does not answer: a file that is named, or else the database."""
    if isinstance(error, OSError) and error.filename is not None:
        logger.warning("console: a file cannot be used: %s", error)
        return look.word("no_file", error.filename)
    logger.warning("console: database does not answer: %s", error)
    return look.word("no_database")


def _surround(response: web.StreamResponse, part: ConsolePart) -> None:
    if part.scheme == "https" or part.origin.startswith("https:"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    # Style and scripts say themselves how long they are good for.
    response.headers.update({**HEADERS, "Cache-Control": response.headers.get("Cache-Control", "no-store")})


def _refusal(pages: Pages, request: web.Request, status: int, text: str) -> web.Response:
    """Tells people on a page, and software as OAuth words it."""
    if request.path not in _FOR_SOFTWARE:
        return pages.refuse(request, status, text)
    error, told = _OAUTH.get(status, ("invalid_request", "not answered here"))
    return web.json_response({"error": error, "error_description": told}, status=status)


def _refused(pages: Pages, request: web.Request, refused: Violated) -> web.Response:
    look, violation = pages.presentation(request), refused.violation
    text = violation.message_zh if look.language == "zh" else violation.message
    status = {"SIGN_ON_REQUIRED": 401, "RIGHT_MISSING": 403, "RATE_LIMITED": 429}.get(violation.reason, 400)
    told = f"{look.field(violation.field_path)} · {text}" if violation.field_path else text
    response = _refusal(pages, request, status, told)
    if isinstance(refused, RateLimited):
        response.headers["Retry-After"] = str(refused.retry_seconds)
    return response


def _is_answered(request: web.Request, part: ConsolePart) -> bool:
    is_own_name = host_of(request) in NEAR
    if not part.origin:
        return is_own_name
    if request.host == urlsplit(part.origin).netloc:
        return True
    return is_own_name and request.path in MONITORING and is_near(request.remote or "")
