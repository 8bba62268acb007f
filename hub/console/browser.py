"""What browsers hold and say: cookies, the address people use, forms, and where a browser may be sent. Pure.

The ``__Host-`` prefix makes browsers take a cookie only over TLS (or from this machine itself), for this host alone.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from auth.sessions import is_form_token
from hub.sections.console import ConsolePart

SESSION_COOKIE = "__Host-sanji"
BROWSER_COOKIE = "__Host-sanji-browser"
#: Where the browser goes once it has signed off at the platform its person came from.
ONWARD_COOKIE = "__Host-sanji-onward"
#: What colours somebody chose for this browser.
LOOK_COOKIE = "__Host-sanji-look"
#: Set by a page that reads itself anew (``static/live.js``).
LIVE_HEADER = "Sanji-Live"
_MOST_PATH = 2_000


def set_cookie(response: web.StreamResponse, name: str, value: str, *, seconds: int | None = None) -> None:
    """Gives the browser something to hold: unreadable for scripts, never sent along by other sites' forms."""
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="Lax")


def drop_cookie(response: web.StreamResponse, name: str) -> None:
    """Makes the browser forget something."""
    response.set_cookie(name, "", max_age=0, path="/", secure=True, httponly=True, samesite="Lax")


def origin_of(request: web.Request, part: ConsolePart) -> str:
    """Returns the address people use. Without a setting it is what was asked for, which the guard has checked."""
    return part.origin or f"{part.scheme}://{request.host}"


def is_own_form(request: web.Request, part: ConsolePart, token: str, given: str) -> bool:
    """Tells whether a post is of a form of ours, in the browser that holds ``token``."""
    origin = request.headers.get("Origin")
    return origin == origin_of(request, part) and bool(token) and is_form_token(token, given)


def safe_path(text: str) -> str:
    """Returns a path of this site to go on to; the front page for anything that could lead elsewhere."""
    parts = urlsplit(text) if len(text) <= _MOST_PATH and text.isprintable() and text.isascii() else None
    if parts is None or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    return text if not (parts.scheme or parts.netloc) else "/"


def caller_of(request: web.Request, part: ConsolePart) -> str:
    """Returns the address that calls: behind a proxy on this machine, the one the proxy saw."""
    remote = request.remote or ""
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if part.is_behind_proxy and is_near(remote) and forwarded:
        return forwarded[-1].rpartition(",")[2].strip()
    return remote


def is_near(address: str) -> bool:
    """Tells whether an address is this machine's."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
