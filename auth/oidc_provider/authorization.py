"""A platform asks who somebody is: its request is checked, the person is looked at, and a code is given.

There is no page of consent between registered platforms. What would narrow the answer and is not offered here is
refused, never passed over. Called by ``hub.signon.provider``.

Source: OpenID Connect Core 1.0, section 3.1.2; RFC 7636; RFC 9126; RFC 9207.
"""

import json
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

import msgspec

from auth.joint_acts import JointActs
from auth.oidc_provider.answering import Answered, Asking, Given, Giving, Kept, Resuming, SignInNeeded, give_all
from auth.oidc_provider.identity import identity_of, is_recent
from auth.oidc_provider.key_ring import KeyRing
from auth.oidc_provider.metadata import SCOPES
from auth.oidc_provider.protocol import (
    ProtocolRefused,
    ProviderTerms,
    RefusedToClient,
    aware,
    require_none_of,
    with_query,
)
from auth.person import Person
from auth.tokens import SKEW_SECONDS, TokenRefused
from exchange_db import sign_on, sign_on_grants
from exchange_db.audit_records import AuditEntry, person_actor
from exchange_db.session import HotSession, Ledger
from exchange_db.sign_on import Client
from exchange_db.sign_on_grants import Code, Grant, digest_of

_PUSHED = "urn:ietf:params:oauth:request_uri:"
_RESTRICTING = ("claims", "resource", "authorization_details", "registration", "dpop_jkt", "purpose")
_PROMPTS = frozenset({"none", "login", "select_account"})
#: Prompts that ask for a sign-on whoever is signed on.
_FORCING = frozenset({"login", "select_account"})
#: A SHA-256 in base64url.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_MOST_STATE = 2_048
_MOST_AGE = 10**9


class Request(NamedTuple):
    """A request that was found in order."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    nonce: str
    challenge: str
    prompts: frozenset[str]
    max_age: int | None
    acr_values: tuple[str, ...]
    hint: str


class AuthorizationDesk:
    """Answers requests to sign somebody on.

    Args:
        ledger: the hub's database.
        keys: reads this hub's own tokens, where one is given as a hint.
        terms: what this provider goes by.
    """

    def __init__(self, ledger: Ledger, keys: KeyRing, terms: ProviderTerms) -> None:
        self._ledger = ledger
        self._keys = keys
        self._terms = terms
        self._giving = JointActs(ledger, give_all)

    async def push(self, client: Client, parameters: Mapping[str, str], moment: int) -> tuple[str, int]:
        """Takes a request that a platform hands in beforehand; returns its ``request_uri`` and seconds it is good.

        Raises:
            ProtocolRefused: it is not in order.
        """
        if "request_uri" in parameters:
            raise ProtocolRefused("invalid_request", "a pushed request names no request_uri")
        if parameters.get("client_id", client.client_id) != client.client_id:
            raise ProtocolRefused("invalid_request", "client_id is not the one that proved itself")
        hidden = {"client_secret", "client_assertion", "client_assertion_type"}
        asked = {name: value for name, value in parameters.items() if name not in hidden}
        try:
            self._checked(client, asked)
        except RefusedToClient as refused:
            raise ProtocolRefused(refused.error, refused.description) from None
        reference = secrets.token_urlsafe(32)
        await self._keep(reference, client, asked, moment, self._terms.pushed_seconds)
        return _PUSHED + reference, self._terms.pushed_seconds

    async def begin(self, parameters: Mapping[str, str], person: Person | None, moment: int) -> Answered | SignInNeeded:
        """Answers a request that came by the browser.

        Raises:
            RefusedToClient: the browser is to bring the refusal to the platform.
            ProtocolRefused: the platform or its address is not registered; the browser stays here.
        """
        prompts = frozenset(parameters.get("prompt", "").split())
        if person is None and "request_uri" not in parameters and "none" not in prompts:
            return await self._set_aside(parameters, prompts, moment)
        client, asked = await self._asked(parameters, moment)
        return await self._answer(self._checked(client, asked), asked, person, None, moment, self._giving.do)

    async def _set_aside(self, asked: Mapping[str, str], prompts: frozenset[str], moment: int) -> SignInNeeded:
        """Keeps a request of nobody in the look that finds its platform; one that is refused then is forgotten."""
        reference, now = secrets.token_urlsafe(32), aware(moment)
        is_forced = bool(prompts & _FORCING)
        kept = json.dumps({"asked": dict(asked), "session": "", "is_forced": is_forced})
        async with self._ledger.passing() as session:
            client = await sign_on_grants.keep_of_client(
                session, digest_of(f"parked {reference}"), asked.get("client_id", ""), asked.get("redirect_uri", ""),
                kept, now, now + timedelta(seconds=self._terms.parked_seconds),
            )  # fmt: skip
        return _sign_in(self._checked(_taken_directly(client), asked), reference, is_forced=is_forced)

    async def resume(self, parked: str, person: Person | None, moment: int) -> Answered | SignInNeeded:
        """Goes on with a request when the person comes back from the sign-in page.

        Raises:
            RefusedToClient, ProtocolRefused: as ``begin``.
        """
        # A code that is given for it is committed later and waits; so there are never two for one request.
        async with self._ledger.passing() as session:
            kept = await (await self._taking(session, parked, moment))()
        return await self._resumed(kept, person, moment, self._giving.do)

    def resuming(self, parked: str, moment: int) -> Resuming:
        """Does the same in the transaction that opens the person's session."""
        return Resuming(self._taking, self._resumed, parked, moment)

    async def _taking(self, session: HotSession, parked: str, moment: int) -> Asking:
        return await sign_on_grants.taking_with_client(session, digest_of(f"parked {parked}"), aware(moment))

    async def _resumed(
        self, kept: Kept | None, person: Person | None, moment: int, give: Giving
    ) -> Answered | SignInNeeded:
        if kept is None:
            raise ProtocolRefused("invalid_request", "this sign-on took too long, or was finished before")
        client, parameters, made_time = kept
        held = json.loads(parameters)
        parked_with = _Parked(held["session"], made_time.timestamp(), held["is_forced"])
        request = self._checked(client, held["asked"])
        return await self._answer(request, held["asked"], person, parked_with, moment, give)

    async def _asked(self, parameters: Mapping[str, str], moment: int) -> tuple[Client, dict[str, str]]:
        client_id, reference = parameters.get("client_id", ""), parameters.get("request_uri", "")
        if reference.startswith(_PUSHED):
            digest = digest_of(reference.removeprefix(_PUSHED))
            async with self._ledger.passing() as session:
                client, kept = await sign_on_grants.take_of_client(session, digest, client_id, aware(moment))
        else:
            kept = None
            async with self._ledger.watching() as looking:
                client = await sign_on.find(looking, client_id)
        if not reference:
            return _taken_directly(client), dict(parameters)
        client = _registered(client)
        if not reference.startswith(_PUSHED):
            raise ProtocolRefused("request_uri_not_supported", "only pushed requests are taken by reference")
        if kept is None:
            raise ProtocolRefused("invalid_request_uri", "this pushed request is unknown, used or over")
        return client, json.loads(kept)

    def _checked(self, client: Client, asked: Mapping[str, str]) -> Request:
        redirect_uri = asked.get("redirect_uri", "")
        if redirect_uri not in client.redirect_uris:
            raise ProtocolRefused("invalid_request", "this address of return is not registered")
        state = asked.get("state", "")[:_MOST_STATE]

        def refuse(error: str, description: str) -> RefusedToClient:
            return self._refusal(redirect_uri, state, error, description)

        try:
            require_none_of(asked, _RESTRICTING)
            return _read(client, redirect_uri, state, asked)
        except ProtocolRefused as refused:
            raise refuse(refused.error, refused.description) from None

    async def _answer(
        self,
        request: Request,
        asked: Mapping[str, str],
        person: Person | None,
        parked: "_Parked | None",
        moment: int,
        give: Giving,
    ) -> Answered | SignInNeeded:
        is_fresh = person is not None and _is_fresh(request, person, parked, moment)
        fits = person is not None and await self._fits_hint(request, person, moment)
        if person is not None and is_fresh and fits:
            return Answered(await self._give(request, person, moment, give))
        if "none" in request.prompts or (parked is not None and person is not None):
            raise self._refusal(request.redirect_uri, request.state, "login_required", "the person must sign on")
        is_forced = person is not None or bool(request.prompts & _FORCING)
        reference = secrets.token_urlsafe(32)
        kept = {
            "asked": dict(asked),
            "session": str(person.session_id) if person else "",
            "is_forced": is_forced,
        }
        await self._keep(f"parked {reference}", request.client, kept, moment, self._terms.parked_seconds)
        return _sign_in(request, reference, is_forced=is_forced)

    async def _fits_hint(self, request: Request, person: Person, moment: int) -> bool:
        if not request.hint:
            return True
        reader = await self._keys.reader(moment)
        try:
            claims = reader.read(
                request.hint,
                issuer=self._terms.issuer,
                audience=request.client.client_id,
                moment=moment,
                is_ended_taken=True,
            )
        except TokenRefused:
            raise self._refusal(
                request.redirect_uri, request.state, "invalid_request", "id_token_hint does not hold"
            ) from None
        return bool(claims.get("sub") == str(person.person_id))

    async def _give(self, request: Request, person: Person, moment: int, give: Giving) -> str:
        terms, client = self._terms, request.client
        identity = identity_of(person, client, terms.hub_id, terms.hub_region)
        code = secrets.token_urlsafe(32)
        now = aware(moment)
        grant = Grant(
            uuid4(), client.client_id, person.session_id, identity.sub, list(request.scopes),
            msgspec.json.encode(identity).decode(),
        )  # fmt: skip
        given = Code(
            digest_of(code), request.redirect_uri, request.challenge, request.nonce,
            now + timedelta(seconds=terms.code_seconds),
        )  # fmt: skip
        entry = AuditEntry(
            actor=person_actor(person.issuer_id, person.subject),
            action="person.sign-on",
            object=client.client_id,
            detail={"platform": client.platform_id, "scopes": list(request.scopes)},
        )
        await give(Given(grant, given, now, entry))
        answer = {"code": code, "iss": terms.issuer}
        if request.state:
            answer["state"] = request.state
        return with_query(request.redirect_uri, answer)

    async def _keep(
        self, reference: str, client: Client, content: Mapping[str, object], moment: int, seconds: int
    ) -> None:
        now = aware(moment)
        async with self._ledger.passing() as session:
            await sign_on_grants.keep_request(
                session, digest_of(reference), client.client_id, json.dumps(content), now,
                now + timedelta(seconds=seconds),
            )  # fmt: skip

    def _refusal(self, redirect_uri: str, state: str, error: str, description: str) -> RefusedToClient:
        answer = {"error": error, "error_description": description, "iss": self._terms.issuer}
        if state:
            answer["state"] = state
        return RefusedToClient(with_query(redirect_uri, answer), error, description)


def _registered(client: Client | None) -> Client:
    if client is None or not client.redirect_uris:
        raise ProtocolRefused("invalid_request", "this platform is not registered")
    return client


def _taken_directly(client: Client | None) -> Client:
    """Returns a client that may bring its request by the browser."""
    client = _registered(client)
    if client.needs_pushed:
        raise ProtocolRefused("invalid_request", "this platform must push its requests")
    return client


def _sign_in(request: Request, reference: str, *, is_forced: bool) -> SignInNeeded:
    origin = "/".join(request.redirect_uri.split("/")[:3])
    return SignInNeeded(reference, is_forced, request.max_age, request.acr_values, origin)


class _Parked(NamedTuple):
    """How things stood when a request was set aside."""

    session_id: str
    made_seconds: float
    is_forced: bool


def _is_fresh(request: Request, person: Person, parked: _Parked | None, moment: int) -> bool:
    """Tells whether a person proved who they are as lately as the platform wants."""
    now = aware(moment)
    if parked is None:
        # An age of 0 asks for a sign-on now, also in the second of the one before.
        if request.prompts & _FORCING or request.max_age == 0:
            return False
        # A way of signing on is asked for once; the platform reads in ``acr`` what came of it.
        if request.acr_values and person.acr not in request.acr_values and "none" not in request.prompts:
            return False
        return request.max_age is None or is_recent(person.auth_time, now, request.max_age)
    # They were sent to the sign-in page: they come back in another session, and its sign-on is later than that.
    if parked.is_forced and str(person.session_id) == parked.session_id:
        return False
    if parked.is_forced and person.auth_time.timestamp() < int(parked.made_seconds) - SKEW_SECONDS:
        return False
    return request.max_age is None or is_recent(person.auth_time, now, request.max_age + SKEW_SECONDS)


def _read(client: Client, redirect_uri: str, state: str, asked: Mapping[str, str]) -> Request:
    """Reads what is left once the address of return is known to be the platform's own."""
    if "request" in asked:
        raise ProtocolRefused("request_not_supported", "push the request instead")
    if asked.get("response_type") != "code":
        raise ProtocolRefused("unsupported_response_type", "only response_type=code")
    if asked.get("response_mode", "query") != "query":
        raise ProtocolRefused("invalid_request", "only response_mode=query")
    wanted = asked.get("scope", "").split()
    if "openid" not in wanted:
        raise ProtocolRefused("invalid_scope", "scope must hold openid")
    if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.match(asked.get("code_challenge", "")):
        raise ProtocolRefused("invalid_request", "code_challenge with S256 is required")
    if len(asked.get("state", "")) > _MOST_STATE or len(asked.get("nonce", "")) > _MOST_STATE:
        raise ProtocolRefused("invalid_request", "state or nonce is too long")
    prompts = frozenset(asked.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise ProtocolRefused("invalid_request", "this prompt is not supported")
    scopes = tuple(name for name in SCOPES if name in wanted and name in client.scopes)
    return Request(
        client, redirect_uri, scopes, state, asked.get("nonce", ""), asked["code_challenge"], prompts,
        _max_age(asked.get("max_age")), tuple(asked.get("acr_values", "").split()), asked.get("id_token_hint", ""),
    )  # fmt: skip


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 11) or int(text) > _MOST_AGE:
        raise ProtocolRefused("invalid_request", "max_age must be a number of seconds")
    return int(text)
