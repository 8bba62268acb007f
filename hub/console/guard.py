"""What surrounds every page: whom it answers, what a browser may do with it, and errors in words."""

import logging
import uuid

import psycopg
import sqlalchemy.exc
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from exchange_db.errors import ExchangeDbError
from exchange_db.records import Violated
from hub.console.pages import Pages

logger = logging.getLogger(__name__)

#: A page loads its own style and nothing else, runs no script, and cannot be framed.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_NEAR = frozenset({"127.0.0.1", "localhost", "::1"})
_NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, ExchangeDbError, OSError)


def guard(pages: Pages) -> Middleware:
    """Returns the middleware.

    Only requests that name this machine are answered: a page elsewhere that points its own name at 127.0.0.1 gets
    nothing. Only reading is served.
    """

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        look = pages.presentation(request)
        response: web.StreamResponse
        if _host_of(request) not in _NEAR:
            response = pages.refuse(request, 421, look.word("host_forbidden"))
        else:
            try:
                response = await handler(request)
            except web.HTTPNotFound:
                response = pages.refuse(request, 404, look.word("not_found"))
            except web.HTTPException as error:
                response = pages.refuse(request, error.status, error.reason)
            except Violated as refused:
                violation = refused.violation
                text = violation.message_zh if look.language == "zh" else violation.message
                response = pages.refuse(request, 400, f"{look.field(violation.field_path)} · {text}")
            except _NO_DATABASE as error:
                logger.warning("console: database does not answer: %s", error)
                response = pages.refuse(request, 503, look.word("no_database"))
            except Exception:
                number = uuid.uuid4().hex[:12]
                logger.exception("console failed, log number %s", number)
                response = pages.refuse(request, 500, look.word("broken", number))
        response.headers.update(HEADERS)
        return response

    return guarded


def _host_of(request: web.Request) -> str:
    host = request.host
    return host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
