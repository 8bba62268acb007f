"""This hub as a CAS 3.0 server, for older platforms that speak nothing else.

A ticket is for one registered address, good once and for seconds. No proxy tickets, no passwords: who somebody is
comes from this hub's own session. Called by ``hub.signon.cas``.

Source: CAS Protocol 3.0 Specification, sections 2.1 to 2.8 and appendix A.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from xml.sax.saxutils import escape

import msgspec

from auth.oidc_provider.identity import Identity, identity_of
from auth.oidc_provider.protocol import ProtocolRefused, ProviderTerms, aware, with_query
from auth.person import Person
from auth.tokens import SKEW_SECONDS
from exchange_db import cas_tickets, sign_on, sign_on_grants
from exchange_db.audit import append
from exchange_db.audit_records import AuditEntry, peer_actor, person_actor
from exchange_db.cas_tickets import Ticket
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from exchange_db.sign_on_grants import digest_of

_NAMESPACE = "http://www.yale.edu/tp/cas"
#: Longest time between a ticket and the platform's question about it.
TICKET_SECONDS = 30


class CasAnswer(NamedTuple):
    """The browser goes back to the platform; without a ticket when nobody is signed on and it only asked."""

    location: str


class CasSignInNeeded(NamedTuple):
    """The person must sign in here first, and comes back with ``parked``; ``origin`` is where the browser ends up."""

    parked: str
    is_forced: bool
    origin: str


class CasDesk:
    """Gives tickets and says whom they stand for.

    Args:
        ledger: the hub's database.
        terms: what this hub goes by as a provider.
    """

    def __init__(self, ledger: Ledger, terms: ProviderTerms) -> None:
        self._ledger = ledger
        self._terms = terms

    async def log_in(
        self, parameters: Mapping[str, str], person: Person | None, moment: int
    ) -> CasAnswer | CasSignInNeeded:
        """Answers a request to sign somebody on.

        Args:
            parameters: ``service``, ``renew``, ``gateway``.
            person: who is signed on here.
            moment: microseconds since 1970.

        Raises:
            ProtocolRefused: the address is not registered, or the answer is wanted in a way that is not offered; the
                browser stays here.
        """
        service = parameters.get("service", "")
        client = await self._client_of(service)
        if parameters.get("method", "GET") != "GET":
            raise ProtocolRefused("INVALID_REQUEST", "only method=GET is supported")
        # Only "true" is told by the specification; whatever else a platform writes means that it wants it.
        wants_renewal = _is_set(parameters, "renew")
        if _is_set(parameters, "gateway") and not wants_renewal and person is None:
            return CasAnswer(service)
        if person is not None and not wants_renewal:
            return await self._give(client, service, person, moment, is_renewed=False)
        reference = secrets.token_urlsafe(32)
        kept = {
            "service": service,
            "session": str(person.session_id) if person else "",
            "is_forced": wants_renewal,
        }
        now = aware(moment)
        async with self._ledger.passing() as session:
            await sign_on_grants.keep_request(
                session, digest_of(f"cas {reference}"), client.client_id, json.dumps(kept), now,
                now + timedelta(seconds=self._terms.parked_seconds),
            )  # fmt: skip
        return CasSignInNeeded(reference, wants_renewal, "/".join(service.split("/")[:3]))

    async def resume(self, parked: str, person: Person | None, moment: int) -> CasAnswer:
        """Goes on when the person comes back from the sign-in page.

        Raises:
            ProtocolRefused: nobody signed on, or not anew where that was wanted, or it took too long.
        """
        async with self._ledger.passing() as session:
            kept = await sign_on_grants.take_request(session, digest_of(f"cas {parked}"), aware(moment))
        if kept is None:
            raise ProtocolRefused("INVALID_REQUEST", "this sign-on took too long, or was finished before")
        held = json.loads(kept[1])
        client = await self._client_of(held["service"])
        is_renewed = (
            person is not None
            and str(person.session_id) != held["session"]
            and person.auth_time >= kept[2] - timedelta(seconds=SKEW_SECONDS)
        )
        if person is None or (held["is_forced"] and not is_renewed):
            raise ProtocolRefused("INVALID_REQUEST", "the person must sign on anew")
        return await self._give(client, held["service"], person, moment, is_renewed=is_renewed)

    async def _client_of(self, service: str) -> Client:
        async with self._ledger.watching() as session:
            client = await sign_on.of_service(session, service) if service else None
        if client is None:
            raise ProtocolRefused("INVALID_SERVICE", "this address of a platform is not registered")
        return client

    async def _give(self, client: Client, service: str, person: Person, moment: int, *, is_renewed: bool) -> CasAnswer:
        identity = identity_of(person, client, self._terms.hub_id, self._terms.hub_region)
        ticket = f"ST-{secrets.token_urlsafe(32)}"
        given = Ticket(
            client.client_id, person.session_id, service, msgspec.json.encode(identity).decode(), is_renewed,
            aware(moment) + timedelta(seconds=TICKET_SECONDS),
        )  # fmt: skip
        entry = AuditEntry(
            actor=person_actor(person.issuer_id, person.subject),
            action="person.sign-on",
            object=client.client_id,
            detail={"platform": client.platform_id, "protocol": "CAS"},
        )
        async with self._ledger.write() as session:
            await cas_tickets.give(session, ticket, given)
            await append(session, entry)
        return CasAnswer(with_query(service, {"ticket": ticket}))

    async def validate(self, parameters: Mapping[str, str], moment: int, *, has_attributes: bool) -> str:
        """Returns the answer to a platform that asks whom a ticket stands for, as XML. The ticket is used up."""
        ticket, service = parameters.get("ticket", ""), parameters.get("service", "")
        for is_wrong, code, description in (
            (not ticket or not service, "INVALID_REQUEST", "ticket and service are required"),
            ("pgtUrl" in parameters, "INVALID_REQUEST", "pgtUrl is not supported: no proxy tickets are given"),
            (parameters.get("format", "XML").upper() != "XML", "INVALID_REQUEST", "only format=XML is supported"),
            (not ticket.startswith("ST-"), "INVALID_TICKET_SPEC", "not a service ticket"),
        ):
            if is_wrong:
                return _failure(code, description)
        async with self._ledger.write() as session:
            found = await cas_tickets.use(session, ticket, aware(moment))
            is_right = found is not None and found.service == service
            if found is not None and not is_right:
                await append(
                    session,
                    AuditEntry(
                        actor=peer_actor(found.client_id),
                        action="ticket.validate",
                        object=found.client_id,
                        outcome="refused",
                        reason="OTHER_SERVICE",
                    ),
                )
        if found is None:
            return _failure("INVALID_TICKET", "the ticket is unknown, used or over")
        if not is_right:
            return _failure("INVALID_SERVICE", "the ticket was given for another address")
        if _is_set(parameters, "renew") and not found.is_renewed:
            return _failure("INVALID_TICKET", "the ticket does not come from a sign-on made for it")
        identity = msgspec.json.decode(found.identity, type=Identity)
        return _success(identity, is_renewed=found.is_renewed, has_attributes=has_attributes)

    async def return_address(self, parameters: Mapping[str, str]) -> str:
        """Returns where the browser may go after a sign-off: a registered address, or nowhere."""
        service = parameters.get("service", "") or parameters.get("url", "")
        if not service:
            return ""
        async with self._ledger.read() as session:
            return service if await sign_on.of_service(session, service) else ""


def _is_set(parameters: Mapping[str, str], name: str) -> bool:
    return parameters.get(name, "false") != "false"


def logout_notice(ticket: str, now: datetime) -> str:
    """Returns what a platform is posted when the session behind a ticket has ended."""
    return (
        '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
        f' ID="LR-{secrets.token_hex(16)}" Version="2.0" IssueInstant="{now:%Y-%m-%dT%H:%M:%SZ}">'
        '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>'
        f"<samlp:SessionIndex>{escape(ticket)}</samlp:SessionIndex></samlp:LogoutRequest>"
    )


def _success(identity: Identity, *, is_renewed: bool, has_attributes: bool) -> str:
    attributes = ""
    if has_attributes:
        at = datetime.fromtimestamp(identity.auth_time, UTC)
        pairs = [
            ("authenticationDate", at.isoformat()),
            ("longTermAuthenticationRequestTokenUsed", "false"),
            ("isFromNewLogin", str(is_renewed).lower()),
            ("name", identity.name),
            ("unit", identity.unit),
            ("region", identity.region),
            ("platform", identity.platform),
            *(("hop", hop.platform_id) for hop in identity.hops),
            *(("grant", f"{right.role}@{right.region}") for right in identity.grants),
        ]
        told = "".join(f"<cas:{name}>{_text(value)}</cas:{name}>" for name, value in pairs if value)
        attributes = f"<cas:attributes>{told}</cas:attributes>"
    user = f"<cas:user>{_text(identity.sub)}</cas:user>"
    return _response(f"<cas:authenticationSuccess>{user}{attributes}</cas:authenticationSuccess>")


def _failure(code: str, description: str) -> str:
    told = _text(description)
    return _response(f'<cas:authenticationFailure code="{code}">{told}</cas:authenticationFailure>')


def _response(content: str) -> str:
    return f'<cas:serviceResponse xmlns:cas="{_NAMESPACE}">{content}</cas:serviceResponse>'


def _text(text: str) -> str:
    """Returns a text for XML; what XML cannot hold becomes �."""
    return escape("".join(letter if letter.isprintable() else "�" for letter in text))
