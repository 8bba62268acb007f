"""How a platform's software proves itself at the token endpoint and beside it.

Only the method it is registered with is taken. A secret is compared by its digest, an assertion is good once, a
certificate is compared by its thumbprint. Called by ``auth.oidc_provider.provider``.

Source: RFC 6749, section 2.3.1; RFC 7523; RFC 8705; OpenID Connect Core 1.0, section 9.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote_plus

from auth.oidc_provider.metadata import ASSERTION, ASSERTION_ALGORITHMS
from auth.oidc_provider.protocol import ProtocolRefused
from auth.tokens import PLAIN, SKEW_SECONDS, TokenReader, TokenRefused, Trust, issuer_named, replay_key
from exchange_db import sign_on
from exchange_db.session import Ledger
from exchange_db.sign_on import Client

#: Longest time an assertion may hold; it is remembered as used for as long.
_LONGEST_ASSERTION = 600
_ASSERTION_TYPES = (*PLAIN, "client-authentication+jwt")


class Credentials(NamedTuple):
    """What came with a request to prove who asks.

    ``authorization`` is the header's text, ``thumbprint`` the SHA-256 (hex) of the certificate the connection showed.
    """

    authorization: str = ""
    thumbprint: str = ""


def new_secret() -> tuple[str, bytes]:
    """Returns a client secret and what is kept of it: 256 random bits need no slow hash."""
    secret = secrets.token_urlsafe(32)
    return secret, secret_digest(secret)


def secret_digest(secret: str) -> bytes:
    """Returns what is kept of a client secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class ClientDesk:
    """Tells which client asks.

    Args:
        ledger: the hub's database.
        issuer: this provider, as an assertion must name it.
    """

    def __init__(self, ledger: Ledger, issuer: str) -> None:
        self._ledger = ledger
        self._audiences = (issuer, f"{issuer}/oidc/token", f"{issuer}/oidc/par")

    async def authenticate(self, parameters: Mapping[str, str], credentials: Credentials, moment: int) -> Client:
        """Returns the client that proved itself.

        Raises:
            ProtocolRefused: ``invalid_client``, the same whether it is unknown or wrong; ``invalid_request`` when it
                used two ways at once.
        """
        ways = [
            bool(credentials.authorization),
            "client_assertion" in parameters or "client_assertion_type" in parameters,
            "client_secret" in parameters,
        ]
        if sum(ways) > 1:
            raise ProtocolRefused("invalid_request", "more than one way of client authentication")
        if ways[0]:
            client_id, secret = _basic(credentials.authorization)
            if parameters.get("client_id", client_id) != client_id:
                raise _refused()
            client = await self._find(client_id)
            _require_secret(client, "client_secret_basic", secret)
        elif ways[1]:
            client = await self._asserted(parameters, moment)
        elif ways[2]:
            client = await self._find(parameters.get("client_id", ""))
            _require_secret(client, "client_secret_post", parameters["client_secret"])
        else:
            client = await self._find(parameters.get("client_id", ""))
            _require_certificate(client, credentials.thumbprint)
        assert client is not None  # noqa: S101 — each way refuses who is unknown
        return client

    async def _find(self, client_id: str) -> Client | None:
        async with self._ledger.watching() as session:
            return await sign_on.find(session, client_id)

    async def _asserted(self, parameters: Mapping[str, str], moment: int) -> Client:
        text = parameters.get("client_assertion", "")
        if parameters.get("client_assertion_type") != ASSERTION:
            raise ProtocolRefused("invalid_request", "unknown client_assertion_type")
        try:
            client_id = issuer_named(text)
            client = await self._find(client_id)
            if client is None or client.auth_method != "private_key_jwt":
                raise _refused()
            reader = TokenReader([Trust(client_id, ASSERTION_ALGORITHMS, client.public_keys)])
            claims = reader.read(
                text, issuer=client_id, audience=self._audiences, moment=moment, types=_ASSERTION_TYPES
            )
        except TokenRefused:
            raise _refused() from None
        if claims.get("sub") != client_id or parameters.get("client_id", client_id) != client_id:
            raise _refused()
        end_time = datetime.fromtimestamp(claims["exp"] + SKEW_SECONDS, UTC)
        now = datetime.fromtimestamp(moment / 1_000_000, UTC)
        if not isinstance(claims.get("jti"), str) or end_time - now > timedelta(seconds=_LONGEST_ASSERTION):
            raise _refused()
        async with self._ledger.write() as session:
            if not await sign_on.use(session, replay_key(text, claims), end_time):
                raise _refused()
        return client


def _basic(header: str) -> tuple[str, str]:
    """Reads id and secret; both are form-encoded before they are joined, so ``-`` may come as ``%2D``."""
    scheme, _, given = header.partition(" ")
    try:
        text = base64.b64decode(given.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise _refused() from None
    client_id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise _refused()
    return unquote_plus(client_id), unquote_plus(secret)


def _require_secret(client: Client | None, method: str, secret: str) -> None:
    # An unknown client costs the same time as a wrong secret.
    held = client.secret_digest if client and client.secret_digest else bytes(32)
    is_right = hmac.compare_digest(held, secret_digest(secret))
    if client is None or client.secret_digest is None or client.auth_method != method or not is_right:
        raise _refused()


def _require_certificate(client: Client | None, thumbprint: str) -> None:
    if client is None or client.auth_method != "tls_client_auth" or not client.thumbprint:
        raise _refused()
    if not hmac.compare_digest(client.thumbprint, thumbprint):
        raise _refused()


def _refused() -> ProtocolRefused:
    return ProtocolRefused("invalid_client", "the client did not prove itself", 401, is_challenged=True)
