"""Signing off: a platform asks for it through the browser, and every platform is told behind it.

Who must be told is found from the sessions that are gone, however they ended, so idle time, a blocked person and a
sign-off at another platform are told alike. A platform that does not answer is told again for a day. Called by
``hub.signon``.

Source: OpenID Connect RP-Initiated Logout 1.0; OpenID Connect Back-Channel Logout 1.0; CAS Protocol 3.0, section 2.3.3.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from auth.cas_server import logout_notice
from auth.oidc_provider.identity import session_name
from auth.oidc_provider.key_ring import KeyRing
from auth.oidc_provider.protocol import ProtocolRefused, ProviderTerms, aware, seconds, with_query
from auth.person import Person
from auth.tokens import TokenRefused
from exchange_db import sign_on, sign_on_logouts
from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from exchange_db.sign_on_logouts import Notice

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TOKEN_SECONDS = 120
#: How long a process may take to send what it took, before another one tries.
_HOLD = timedelta(seconds=60)
_FIRST_PAUSE, _LONGEST_PAUSE = 2, 600


class SignOff(NamedTuple):
    """What a platform's request to sign off comes to.

    ``is_asked`` wants the person to say yes first; ``location`` is where the browser goes then, empty for this hub's
    own page.
    """

    is_asked: bool
    location: str


class Message(NamedTuple):
    """A notice as it is to be posted: form fields for an address."""

    notice: Notice
    form: dict[str, str]


class LogoutDesk:
    """Answers requests to sign off, and says whom to tell.

    Args:
        ledger: the hub's database.
        keys: signs logout tokens and reads ID tokens.
        terms: what this provider goes by.
    """

    def __init__(self, ledger: Ledger, keys: KeyRing, terms: ProviderTerms) -> None:
        self._ledger = ledger
        self._keys = keys
        self._terms = terms

    async def asked(self, parameters: Mapping[str, str], person: Person | None, moment: int) -> SignOff:
        """Tells what to do about a request to sign off.

        Raises:
            ProtocolRefused: the hint does not hold, or the address of return is not registered; the browser stays here.
        """
        client, subject, sid = await self._hinted(parameters, moment)
        address = parameters.get("post_logout_redirect_uri", "")
        if address and (client is None or address not in client.post_logout_uris):
            raise ProtocolRefused("invalid_request", "this address of return is not registered for signing off")
        state = parameters.get("state", "")
        location = with_query(address, {"state": state} if state else {}) if address else ""
        is_own = (
            person is not None
            and client is not None
            and subject == str(person.person_id)
            and sid == session_name(person.session_id, client.client_id)
        )
        return SignOff(person is not None and not is_own, location)

    async def note_ended(self, moment: int) -> int:
        """Looks for sessions that are gone, and notes who must be told; returns how many."""
        now = aware(moment)
        async with self._ledger.write() as session:
            return await sign_on_logouts.note_ended(session, now, now + timedelta(seconds=self._terms.logout_seconds))

    async def messages(self, moment: int) -> list[Message]:
        """Returns what is to be posted now. Each is held for a minute; then another process may take it."""
        async with self._ledger.write() as session:
            notices = await sign_on_logouts.due(session, aware(moment), _HOLD)
            clients = {one: await sign_on.find(session, one) for one in {notice.client_id for notice in notices}}
        made = []
        for notice in notices:
            client = clients[notice.client_id]
            if client is None:
                continue
            if notice.ticket:
                made.append(Message(notice, {"logoutRequest": logout_notice(notice.ticket, aware(moment))}))
            else:
                made.append(Message(notice, {"logout_token": await self._logout_token(client, notice, moment)}))
        return made

    async def taken(self, notice: Notice) -> None:
        """Notes that a platform took its notice."""
        async with self._ledger.write() as session:
            await sign_on_logouts.told(session, notice.logout_id)

    async def not_taken(self, notice: Notice, moment: int) -> None:
        """Notes that a platform did not; it is told again, after ever longer pauses."""
        pause = min(_FIRST_PAUSE * 2 ** min(notice.try_count - 1, 12), _LONGEST_PAUSE)
        async with self._ledger.write() as session:
            await sign_on_logouts.put_off(session, notice.logout_id, aware(moment) + timedelta(seconds=pause))

    async def _hinted(self, parameters: Mapping[str, str], moment: int) -> tuple[Client | None, str, str]:
        """Returns the client, the person and the session that an ID token given as a hint names."""
        hint, client_id = parameters.get("id_token_hint", ""), parameters.get("client_id", "")
        subject = sid = ""
        if hint:
            reader = await self._keys.reader(moment)
            try:
                claims = reader.read_for_anybody(
                    hint, issuer=self._terms.issuer, moment=moment, types=("jwt",), is_ended_taken=True
                )
            except TokenRefused:
                raise ProtocolRefused("invalid_request", "id_token_hint does not hold") from None
            if client_id and claims.get("aud") != client_id:
                raise ProtocolRefused("invalid_request", "id_token_hint is of another platform")
            client_id, subject, sid = str(claims.get("aud")), str(claims.get("sub")), str(claims.get("sid"))
        async with self._ledger.read() as session:
            return await sign_on.find(session, client_id) if client_id else None, subject, sid

    async def _logout_token(self, client: Client, notice: Notice, moment: int) -> str:
        signer = await self._keys.signer(client.algorithm, moment)
        claims = {
            "iss": self._terms.issuer,
            "aud": client.client_id,
            "iat": seconds(moment),
            "exp": seconds(moment) + _TOKEN_SECONDS,
            "jti": secrets.token_urlsafe(16),
            "sub": notice.subject,
            "sid": session_name(notice.session_id, client.client_id),
            "events": {_EVENT: {}},
        }
        return signer.sign(claims, "logout+jwt")
