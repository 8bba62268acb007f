"""The desk where people sign on and off: flows, sessions and the audit together.

Owns the order of things: what is taken out once, what is written in one transaction with its audit entry. What an
answer must look like is known by the clients in ``auth``; what a browser sees by ``hub.console.views.sign_on``.
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from auth.assertion import Assertion, SignOnRefused
from auth.cas_client import CasClient
from auth.local_administrators import LocalAdministrators
from auth.oidc_client import OidcClient
from auth.person import Person
from auth.sessions import Opened, Sessions, digest_of, is_token
from auth.upstream_client import Asked, UpstreamClient
from exchange_db import audit, sessions, upstreams
from exchange_db.audit_records import AuditEntry, peer_actor, person_actor
from exchange_db.people import LOCAL, PersonRow
from exchange_db.session import HotSession, Ledger
from exchange_db.sessions import Flow
from exchange_db.sign_on_records import AnyUpstream
from hub.clock import Clock
from hub.signon import links

logger = logging.getLogger(__name__)

#: How long somebody may take to sign on at their platform.
FLOW_TIME = timedelta(minutes=10)
#: How long a logout token is remembered: longer than one holds.
_LOGOUT_MEMORY = timedelta(hours=1)


class Wish(NamedTuple):
    """How somebody wants to sign on: where they go afterwards, how fresh and how strong it must be."""

    return_path: str = "/"
    max_age: int | None = None
    acr: str = ""
    prompt: str = ""


class Arrived(NamedTuple):
    """Somebody has signed on; ``opened`` is ``None`` when it added an account to the session they hold."""

    opened: Opened | None
    return_path: str


class Onward(Protocol):
    """What somebody signs on for, done in the transaction that opens their session."""

    async def ask(self, session: HotSession) -> None:
        """Asks the ledger for what is needed; the answer is not waited for."""

    async def answer(self, session: HotSession, person: Person) -> Sequence[AuditEntry]:
        """Does it; returns what is to be recorded."""


class SignOnDesk:
    """The desk of one hub.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
        doors: opens and finds sessions.
        administrators_of: gives those of this host; ``None`` while there is no key to unwrap their secrets with.
        client_of: makes what speaks to a platform.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        doors: Sessions,
        administrators_of: Callable[[], LocalAdministrators | None],
        client_of: Callable[[AnyUpstream], UpstreamClient],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._doors = doors
        self._administrators_of = administrators_of
        self._administrators: LocalAdministrators | None = None
        self._client_of = client_of
        self._clients: dict[str, tuple[AnyUpstream, UpstreamClient]] = {}

    async def linked(self, person: Person) -> tuple[PersonRow, ...]:
        """Returns the other accounts of somebody."""
        async with self._ledger.read() as session:
            return await links.linked(session, person.person_id)

    async def unlink(self, person: Person, person_id: UUID) -> None:
        """Parts an account from the others of the person who asks.

        Raises:
            Violated: LINK_UNKNOWN: it is not theirs.
        """
        async with self._ledger.write() as session:
            await links.unlink_own(session, person, person_id)

    async def upstreams(self) -> list[AnyUpstream]:
        """Returns the platforms people can choose."""
        async with self._ledger.read() as session:
            return await upstreams.listing(session)

    async def begin_link(self, upstream_id: str, browser: str, callback: str, token: str) -> str:
        """Begins a sign-on that adds an account to the session a browser holds; returns where the browser goes.

        Raises:
            SignOnRefused: as ``begin``; no session, or not signed on a moment ago.
        """
        async with self._ledger.read() as session:
            await links.require_fresh(session, self._doors, token, self._now())
        wish = Wish("/sso/me", int(links.LINK_TIME.total_seconds()), prompt="login")
        return await self.begin(upstream_id, browser, callback, wish, linked=digest_of(token))

    async def begin(
        self, upstream_id: str, browser: str, callback: str, wish: Wish, *, linked: bytes | None = None
    ) -> str:
        """Begins a sign-on and returns where the browser goes.

        Args:
            upstream_id: the platform.
            browser: a secret only this browser holds.
            callback: where the platform sends it back to.
            wish: what it is for.
            linked: digest of the session an account is added to.

        Raises:
            SignOnRefused: no such platform, or it cannot be asked.
        """
        asked = Asked(
            callback, secrets.token_urlsafe(32), secrets.token_urlsafe(24), secrets.token_urlsafe(48),
            wish.max_age, wish.acr, wish.prompt,
        )  # fmt: skip
        now = self._now()
        async with self._ledger.passing() as session:
            upstream = await sessions.begin(
                session,
                Flow(
                    digest_of(asked.state), upstream_id, digest_of(browser), asked.nonce, asked.verifier,
                    wish.return_path, wish.max_age, wish.acr, now, now + FLOW_TIME, linked,
                ),
            )  # fmt: skip
        client = await self._speaker(upstream_id, upstream)
        return await client.begin(asked)

    async def finish(
        self,
        upstream_id: str,
        browser: str,
        callback: str,
        answer: Mapping[str, str],
        *,
        client: str,
        replaced: str,
        onward_of: Callable[[str], Onward | None] = lambda _: None,
    ) -> Arrived:
        """Takes somebody in who comes back from their platform.

        Args:
            upstream_id: the platform, as the address names it.
            browser: the secret of the browser that came.
            callback: the address it came to, without the answer.
            answer: what it brought, each parameter once.
            client: what the browser calls itself.
            replaced: the session it held until now.
            onward_of: says for the path somebody goes on to what is done there at once.

        Raises:
            SignOnRefused: the sign-on does not hold; nothing was opened.
        """
        now, state = self._now(), answer.get("state", "")
        flow, upstream = await self._taken(state, browser)
        if flow is None or flow.upstream_id != upstream_id or flow.end_time <= now:
            raise SignOnRefused("flow_unknown", "state unknown, used, too old, or another browser's")
        asked = Asked(callback, state, flow.nonce, flow.verifier, flow.max_age, flow.acr)
        try:
            speaker = await self._speaker(upstream_id, upstream)
            assertion = await speaker.finish(asked, answer, now)
            if flow.linked_session is not None:
                async with self._ledger.write() as session:
                    await links.link(session, self._doors, flow, replaced, assertion, now)
                return Arrived(None, flow.return_path)
            opened = await self._open(assertion, client, replaced, onward_of(flow.return_path))
            return Arrived(opened, flow.return_path)
        except SignOnRefused as refused:
            await self._note_refusal(peer_actor(upstream_id), upstream_id, refused)
            raise

    async def sign_on_locally(self, name: str, password: str, code: str, *, client: str, replaced: str) -> Opened:
        """Takes an administrator of this host in.

        Raises:
            SignOnRefused: wrong, locked, too busy, or the wrapping key is not there.
        """
        # Looked for when it is needed: the first administrator is made while the hub runs.
        self._administrators = self._administrators or self._administrators_of()
        if self._administrators is None:
            raise SignOnRefused("no_wrapping_key", "console.wrapping_key cannot be used")
        try:
            assertion = await self._administrators.sign_on(self._ledger, name, password, code, self._now())
            return await self._open(assertion, client, replaced, None)
        except SignOnRefused as refused:
            # What was typed as a name is not written down: it may be a password in the wrong field.
            await self._note_refusal(f"person:{LOCAL}/?", LOCAL, refused)
            raise

    async def sign_off(self, token: str, back: str) -> str | None:
        """Ends a session and returns where the browser goes to sign off at its platform as well."""
        if not is_token(token):
            return None
        async with self._ledger.write() as session:
            held = await sessions.find(session, digest_of(token))
            if held is None:
                return None
            row, person = held
            await sessions.end(session, row.session_digest)
            await audit.append(
                session,
                AuditEntry(
                    actor=person_actor(person.issuer_id, person.subject), action="person.sign_off",
                    object=str(row.session_id),
                ),
            )  # fmt: skip
        if person.issuer_id == LOCAL:
            return None
        try:
            client = await self._client(person.issuer_id)
            return await client.leave(row.id_token, back)
        except SignOnRefused as refused:
            logger.warning("signing off at %s: %s", person.issuer_id, refused)
            return None

    async def take_logout_token(self, upstream_id: str, token: str) -> list[UUID]:
        """Ends what an OpenID provider says is over (back-channel logout).

        Raises:
            SignOnRefused: no such platform, or the token does not hold or was used.
        """
        client = await self._client(upstream_id)
        if not isinstance(client, OidcClient):
            raise SignOnRefused("answer_refused", "not an OpenID platform")
        now = self._now()
        order = await client.read_logout_token(token, now)
        async with self._ledger.write() as session:
            if not await sessions.use_logout_token(session, upstream_id, order.token_id, now + _LOGOUT_MEMORY):
                raise SignOnRefused("answer_refused", "logout token used before")
            if order.upstream_session:
                ended = await sessions.end_upstream_session(session, upstream_id, order.upstream_session)
            else:
                ended = await sessions.end_subject(session, upstream_id, order.subject)
            await audit.append(session, _told_to_end(upstream_id, ended))
        return ended

    async def take_cas_logout(self, upstream_id: str, address: str, request: str) -> list[UUID]:
        """Ends the session a CAS server names by its ticket.

        Raises:
            SignOnRefused: not a CAS platform, not from its address, or not a logout request.
        """
        client = await self._client(upstream_id)
        if not isinstance(client, CasClient):
            raise SignOnRefused("answer_refused", "not a CAS platform")
        ticket = client.read_logout(address, request)
        async with self._ledger.write() as session:
            ended = await sessions.end_upstream_session(session, upstream_id, ticket)
            # A ticket we do not hold is not written down: nothing happened, and anybody there could fill the log.
            if ended:
                await audit.append(session, _told_to_end(upstream_id, ended))
        return ended

    async def close(self) -> None:
        """Closes the connections to platforms."""
        for _, client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _open(self, assertion: Assertion, client: str, replaced: str, onward: Onward | None) -> Opened:
        async with self._ledger.brisk() as session:
            if onward is not None:
                await onward.ask(session)
            opened = await self._doors.open(session, assertion, self._now(), client=client, replaced=replaced)
            entries = [
                AuditEntry(
                    actor=person_actor(assertion.upstream_id, assertion.subject),
                    action="person.sign_on",
                    object=str(opened.person.person_id),
                    detail={
                        "acr": assertion.acr,
                        "hops": [hop.platform_id for hop in assertion.hops],
                        "is_first": opened.is_first,
                    },
                    region=assertion.region,
                )
            ]
            if onward is not None and opened.found is not None:
                entries += await onward.answer(session, opened.found.person)
            await audit.append_all(session, entries)
        return opened

    async def _note_refusal(self, actor: str, upstream_id: str, refused: SignOnRefused) -> None:
        logger.warning("sign-on through %s refused: %s", upstream_id, refused)
        async with self._ledger.write() as session:
            await audit.append(
                session,
                AuditEntry(
                    actor=actor, action="person.sign_on", object=upstream_id, outcome="refused",
                    reason=refused.reason.upper(), detail={"detail": refused.detail[:200]},
                ),
            )  # fmt: skip

    async def _taken(self, state: str, browser: str) -> tuple[Flow | None, AnyUpstream | None]:
        if not is_token(state) or not is_token(browser):
            return None, None
        # Whatever is opened for it is committed later and waits; so nothing is opened twice for one sign-on.
        async with self._ledger.passing() as session:
            return await sessions.take(session, digest_of(state), digest_of(browser)) or (None, None)

    async def _client(self, upstream_id: str) -> UpstreamClient:
        """Returns what speaks to a platform."""
        async with self._ledger.watching() as session:
            upstream = await upstreams.find(session, upstream_id)
        return await self._speaker(upstream_id, upstream)

    async def _speaker(self, upstream_id: str, upstream: AnyUpstream | None) -> UpstreamClient:
        """Returns what speaks to a platform as it is registered; what it learnt is kept until the profile changes."""
        known = self._clients.get(upstream_id)
        if known is not None and known[0] == upstream:
            return known[1]
        if known is not None:
            del self._clients[upstream_id]
            await known[1].close()
        if upstream is None:
            raise SignOnRefused("upstream_unknown", upstream_id[:64])
        client = self._client_of(upstream)
        self._clients[upstream_id] = (upstream, client)
        return client

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def _told_to_end(upstream_id: str, ended: list[UUID]) -> AuditEntry:
    return AuditEntry(
        actor=peer_actor(upstream_id),
        action="session.end",
        object=upstream_id,
        detail={"sessions": [str(session_id) for session_id in ended]},
    )
