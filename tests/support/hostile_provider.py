"""An OpenID provider that misbehaves as it is told to: discovery, keys, PAR and tokens, on a port of this machine."""

import base64
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc.jwk import ECKey

from auth.tokens import SigningKey, TokenSigner

CLIENT_ID = "431200.hub"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class HostileProvider:
    """The provider.

    ``claims`` changes an ID token's claims, ``key`` signs, ``published`` are the keys it shows; ``key_fetches`` counts
    how often they were asked for, ``token_requests`` keeps the fields of calls for tokens.
    """

    def __init__(self) -> None:
        self.issuer = ""
        self.key = make_key("one")
        self.published = [self.key]
        self.claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.metadata: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}
        self.key_fetches = 0
        self.keys_fail = False
        self.token_requests: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    def authorize(self, where: str, subject: str = "li", **changed: str) -> dict[str, str]:
        """Does what the provider's page would: takes the browser's request and returns what it is sent back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}
        code = f"code-{len(self._codes)}"
        self._codes[code] = {**asked, "subject": subject}
        return {"code": code, "state": asked["state"], "iss": self.issuer, **changed}

    def sign(self, claims: dict[str, Any], kind: str = "JWT", key: ECKey | None = None) -> str:
        """Signs claims."""
        used = key or self.key
        return TokenSigner(SigningKey(str(used.kid), "ES256", used)).sign(claims, kind)

    def logout_token(self, kind: str = "logout+jwt", key: ECKey | None = None, **changed: Any) -> str:
        """Returns a logout token; a claim that is changed to ``None`` is left out."""
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "jti": f"jti-{time.monotonic_ns()}",
            "sid": "sid-li", "sub": "li", "events": {LOGOUT: {}}, **changed,
        }  # fmt: skip
        return self.sign({name: value for name, value in claims.items() if value is not None}, kind, key)

    def application(self) -> web.Application:
        """Returns its routes."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._metadata),
                web.get("/jwks", self._keys),
                web.post("/token", self._token),
            ]
        )
        return application

    async def _metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "authorization_response_iss_parameter_supported": True,
                **self.metadata,
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        self.key_fetches += 1
        if self.keys_fail:
            return web.Response(status=500)
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.published]})

    async def _token(self, request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        self.token_requests.append(fields)
        asked = self._codes.pop(fields.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(fields.get("code_verifier", "").encode()).digest())
        if asked is None or asked["code_challenge"] != challenge.decode().rstrip("="):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "sub": asked["subject"], "iat": now, "exp": now + 300,
            "auth_time": now, "nonce": asked["nonce"], "sid": f"sid-{asked['subject']}", "name": "李",
        }  # fmt: skip
        claims = {name: value for name, value in self.claims(claims).items() if value is not None}
        given = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": self.sign(claims)}
        return web.json_response({**given, **self.answer})


def make_key(key_id: str) -> ECKey:
    """Makes a key of that id."""
    return ECKey.generate_key("P-256", {"kid": key_id, "use": "sig", "alg": "ES256"})


@asynccontextmanager
async def hostile_provider() -> AsyncIterator[HostileProvider]:
    """Serves one."""
    provider = HostileProvider()
    runner = web.AppRunner(provider.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
