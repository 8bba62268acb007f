"""What the provider's addresses share: reading forms and credentials, and refusing software in its own language."""

import hashlib
import ssl
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from auth.oidc_provider.clients import Credentials
from auth.oidc_provider.protocol import ProtocolRefused, parameters_of
from auth.person import Person
from hub.request_keys import FOUND

#: Longest body of a request; the longest holds a delegated token and a client assertion.
_MOST_BYTES = 32_768
_FORM = "application/x-www-form-urlencoded"


async def form_of(request: web.Request) -> dict[str, str]:
    """Returns the parameters of a posted form.

    Raises:
        ProtocolRefused: ``invalid_request``: no form, too long, not UTF-8, or a parameter twice.
    """
    if request.content_type != _FORM or (request.content_length or 0) > _MOST_BYTES:
        raise ProtocolRefused("invalid_request", f"send a form ({_FORM}) of at most {_MOST_BYTES} bytes")
    content = await request.content.read(_MOST_BYTES + 1)
    while not request.content.at_eof() and len(content) <= _MOST_BYTES:
        content += await request.content.read(_MOST_BYTES + 1 - len(content))
    if len(content) > _MOST_BYTES:
        raise ProtocolRefused("invalid_request", f"send at most {_MOST_BYTES} bytes")
    try:
        pairs = parse_qsl(content.decode(), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise ProtocolRefused("invalid_request", "the form cannot be read") from None
    return parameters_of(pairs)


def credentials_of(request: web.Request) -> Credentials:
    """Returns what came with a request to prove who asks."""
    transport = request.transport
    connection = transport.get_extra_info("ssl_object") if transport is not None else None
    certificate = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLObject) else None
    thumbprint = hashlib.sha256(certificate).hexdigest() if certificate else ""
    return Credentials(request.headers.get("Authorization", ""), thumbprint)


def person_of(request: web.Request) -> Person | None:
    """Returns who is signed on. Whoever only passes by at this machine is nobody to other platforms."""
    found = request.get(FOUND)
    return found.person if found is not None else None


def refuse_machine(request: web.Request, refused: ProtocolRefused) -> web.Response:
    """Tells a platform's software what was wrong, as OAuth words it."""
    response = web.json_response(
        {"error": refused.error, "error_description": refused.description}, status=refused.status
    )
    if refused.is_challenged:
        scheme = "Bearer" if request.path == "/oidc/userinfo" else "Basic"
        response.headers["WWW-Authenticate"] = f'{scheme} realm="sanji", error="{refused.error}"'
    return response


def sign_in_path(path: str, parked: str, wish: Mapping[str, str]) -> str:
    """Returns where a browser signs on before it comes back to ``path`` with what was set aside."""
    return "/sso?" + urlencode({"return": f"{path}?" + urlencode({"request": parked}), **wish})
