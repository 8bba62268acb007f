"""Who is calling by REST: a signature with the secret they share with the hub, a clock, and a nonce used once.

A call is believed only after all of it was checked, its body included; the registry is asked on every call. The
answers to a caller who is known are signed too.
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
import sqlalchemy.exc
from aiohttp import web
from aiohttp.typedefs import Handler

from auth.permissions import require_neighbour
from auth.principal import Principal
from connectors.transports import message_signatures, signing
from exchange_db import shared_secrets
from exchange_db.errors import ExchangeDbError
from exchange_db.records import Violated
from exchange_db.regions import PLATFORM_ID
from exchange_db.session import Ledger
from exchange_db.shared_secrets import Credential
from hub.clock import Clock
from hub.doors import REST_DOORS, Who, carries_records, place
from hub.log_context import begin_request, concern
from hub.rest import answers, bodies
from hub.rest.message_guard import MessageGuard
from hub.throttle import RateLimited, Throttle

logger = logging.getLogger(__name__)

#: Calls of one neighbour that are served at once.
MAX_CALLS = 8
_NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, ExchangeDbError, OSError)
_NONCE = re.compile(r"[A-Za-z0-9_.-]{16,64}\Z")
_SIGNATURE = re.compile(r"[0-9a-f]{64}\Z")
_SECONDS = re.compile(r"[0-9]{1,11}\Z")
_STATUSES = {
    "CALL_SIGNATURE_INVALID": 401,
    "MESSAGE_SIGNATURE_INVALID": 401,
    "MESSAGE_SIGNATURE_REQUIRED": 401,
    "ALGORITHM_UNSUPPORTED": 401,
    "REQUEST_TIME_INVALID": 401,
    "NONCE_REUSED": 401,
    "SECRET_EXPIRED": 401,
    "CERTIFICATE_EXPIRED": 401,
    "PEER_BLOCKED": 403,
    "PEER_WAITING": 403,
    "PERSONAL_DATA_REFUSED": 403,
    "ORIGIN_FORBIDDEN": 403,
    "REGION_FORBIDDEN": 403,
    "ENDPOINT_UNKNOWN": 404,
    "MESSAGE_NOT_FOUND": 404,
    "SURVEY_UNKNOWN": 404,
    "CURSOR_AHEAD": 409,
    "BODY_TOO_LARGE": 413,
    "TOO_MANY_CALLS": 429,
    "INTERNAL": 500,
    "DATABASE_UNAVAILABLE": 503,
    "LINK_PAUSED": 503,
}


class Call(NamedTuple):
    """A call that is believed: who makes it, what it asks, and its body unpacked."""

    caller: Principal
    query: dict[str, str]
    body: bytes
    #: Algorithm of the caller's own signing key, where the call was signed with one.
    signed_with: tuple[str, ...] = ()


Serve = Callable[[Call], Awaitable[dict[str, Any]]]


class _Seal(NamedTuple):
    """What the answer to a known caller is signed with; without a secret it is not, and the certificate stands for it.

    ``signed_with`` says how the call was signed where no secret is shared.
    """

    app_id: str
    secret: str
    nonce: str
    moment: int
    signed_with: tuple[str, ...] = ()


class RestGuard:
    """Authenticates calls, answers errors, signs answers.

    Args:
        ledger: the hub's database, which holds registry, secrets, keys and nonces.
        clock: the hub's clock.
        calls: how often a neighbour may call.
        failures: how often an address may call without being believed.
        hub_id: name of this hub: a call signed with a key is signed for it.
    """

    def __init__(self, ledger: Ledger, clock: Clock, calls: Throttle, failures: Throttle, hub_id: str) -> None:
        self._messages = MessageGuard(ledger, clock, hub_id)
        self._ledger = ledger
        self._clock = clock
        self._calls = calls
        self._failures = failures
        self._open: Counter[str] = Counter()

    def guarded(self, serve: Serve) -> Handler:
        """Returns the handler of a call that only known neighbours may make."""

        async def handle(request: web.Request) -> web.StreamResponse:
            seal: _Seal | None = None
            number = begin_request()
            try:
                credential, seal, body = await self._counted(request)
                concern(link=credential.peer.peer_id)
                self._calls.admit(credential.peer.peer_id)
                await self._admit(credential, seal.nonce, seal.moment)
                return self._answer(200, await self._serve(serve, request, credential, body, seal.signed_with), seal)
            except RateLimited as limited:
                response = self._answer(429, answers.error(limited.violation), seal)
                response.headers["Retry-After"] = str(limited.retry_seconds)
                return response
            except Violated as violated:
                violation = violated.violation
                return self._answer(_STATUSES.get(violation.reason, 400), answers.error(violation), seal)
            except _NO_DATABASE as error:
                logger.warning("call failed, database does not answer: %s", error)
                return self._answer(503, answers.error(Violated("DATABASE_UNAVAILABLE").violation), seal)
            except Exception:
                logger.exception("call failed, log number %s", number)
                return self._answer(500, answers.error(Violated("INTERNAL", value=number).violation), seal)

        return handle

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """Tells anybody that the hub is up and what its clock says."""
        return self._answer(200, {"status": "ok", "time": str(self._clock())}, None)

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """Answers what is no call of this interface."""
        violation = Violated("ENDPOINT_UNKNOWN", value=f"{request.method} {request.path}").violation
        return self._answer(404, answers.error(violation), None)

    async def _counted(self, request: web.Request) -> tuple[Credential, _Seal, bytes]:
        """Listens to an address as long as not too many of its calls were no good."""
        address = request.remote or ""
        self._failures.require_room(address)
        try:
            return await self._believed(request)
        except Violated:
            self._failures.count(address)
            raise

    async def _believed(self, request: web.Request) -> tuple[Credential, _Seal, bytes]:
        """Returns whose call it is, once its signature fits, and its body as it was sent."""
        headers = request.headers
        if message_signatures.SIGNATURE_INPUT in headers:
            named = await self._messages.believed(request)
            return named.credential, _Seal("", "", named.nonce, named.created, named.signed_with), named.body
        app_id, nonce, moment = (_header(request, name) for name in (signing.APP, signing.NONCE, signing.TIME))
        if _header(request, signing.ALG) != signing.ALGORITHM:
            raise Violated("ALGORITHM_UNSUPPORTED", signing.ALG, headers[signing.ALG])
        if not _NONCE.match(nonce):
            raise Violated("FIELD_INVALID", signing.NONCE, nonce)
        now = self._clock() // 1_000_000
        if not _SECONDS.match(moment) or abs(int(moment) - now) > signing.WINDOW_SECONDS:
            raise Violated("REQUEST_TIME_INVALID", signing.TIME, now)
        signature = _header(request, signing.SIGN)
        credential = await self._credential_of(app_id)
        # Who has no secret here is refused before the body is read; names are no secret.
        if credential is None or not _SIGNATURE.match(signature):
            raise Violated("CALL_SIGNATURE_INVALID", signing.SIGN)
        body = await bodies.read_wire(request)
        text = signing.request_text(app_id, request.method, request.raw_path, moment, nonce, body)
        if not signing.is_signed(credential.secret, text, signature):
            raise Violated("CALL_SIGNATURE_INVALID", signing.SIGN)
        await self._messages.require_none(app_id)
        return credential, _Seal(app_id, credential.secret, nonce, int(moment)), body

    async def _credential_of(self, app_id: str) -> Credential | None:
        if not PLATFORM_ID.match(app_id):
            return None
        async with self._ledger.watching() as connection:
            return await shared_secrets.of_peer(connection, app_id)

    async def _admit(self, credential: Credential, nonce: str, moment: int) -> None:
        """Lets in who is welcome, once for each nonce."""
        now = self._clock()
        today = datetime.fromtimestamp(now / 1_000_000, UTC)
        peer = credential.peer
        if peer.state != "active":
            raise Violated(peer.refusal)
        if credential.end_time <= today:
            raise Violated("SECRET_EXPIRED")
        if peer.certificate_end_time <= today:
            raise Violated("CERTIFICATE_EXPIRED")
        # Twice the window, because clocks of several processes of a hub may differ.
        end_time = datetime.fromtimestamp(moment + 2 * signing.WINDOW_SECONDS, UTC)
        async with self._ledger.watching() as connection:
            if not await shared_secrets.use_nonce(connection, peer.peer_id, nonce, end_time):
                raise Violated("NONCE_REUSED", signing.NONCE)
            await shared_secrets.note_call(connection, peer.destination_id, moment * 1_000 - now // 1_000)

    async def _serve(
        self, serve: Serve, request: web.Request, credential: Credential, body: bytes, signed_with: tuple[str, ...]
    ) -> dict[str, Any]:
        peer = credential.peer
        if self._open[peer.peer_id] >= MAX_CALLS:
            raise Violated("TOO_MANY_CALLS", value=MAX_CALLS)
        self._open[peer.peer_id] += 1
        try:
            plain = bodies.unpacked(body, request.headers.get("Content-Encoding", ""))
            caller = Principal(
                peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint
            )
            door = REST_DOORS[place_of(request.match_info.route)]
            if peer.is_paused and carries_records(door):
                raise Violated("LINK_PAUSED")
            assert not isinstance(door.who, Who)  # noqa: S101 — what everybody may call is not guarded
            require_neighbour(caller, door.who)
            query = dict(request.query)
            if len(query) < len(request.query):
                raise Violated("ARGUMENT_INVALID", "query", "an argument twice")
            return await serve(Call(caller, query, plain, signed_with))
        finally:
            self._open[peer.peer_id] -= 1

    def _answer(self, status: int, value: dict[str, Any], seal: _Seal | None) -> web.Response:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        response = web.Response(status=status, body=body, content_type="application/json")
        if seal is not None and seal.secret:
            moment = str(self._clock() // 1_000_000)
            text = signing.answer_text(seal.app_id, status, moment, seal.nonce, body)
            response.headers[signing.TIME] = moment
            response.headers[signing.SIGN] = signing.signature_of(seal.secret, text)
        return response


def place_of(route: web.AbstractRoute) -> str:
    """Returns the name of a route among the doors."""
    return place(route.method, route.resource.canonical if route.resource is not None else "")


def _header(request: web.Request, name: str) -> str:
    value = request.headers.get(name, "")
    if not value:
        raise Violated("FIELD_MISSING", name)
    return value
