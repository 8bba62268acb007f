"""Signing on by a ticket in the address.

The platform sends the browser back with a one-time ticket, and the hub asks it, with a signed call, whose that is.
How a platform does this in detail is data (``TicketUpstream``).

Source: provincial sign-on rules of this form (DB37 and DB36 series; one-time 票据, signed call from server to server).
"""

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from auth.assertion import Assertion, SignOnRefused, UpstreamFailed, attribute, require_subject
from auth.egress import Egress
from auth.upstream_client import Asked
from exchange_db.sign_on_records import TicketUpstream

_TICKET = re.compile(r"[A-Za-z0-9._~+/=-]+\Z")
_LEAST_SECRET = 16


class TicketClient:
    """One platform with tickets.

    Args:
        profile: how it is registered.
        egress: calls it.
        clock: microseconds since 1970.
    """

    def __init__(self, profile: TicketUpstream, egress: Egress, clock: Callable[[], int]) -> None:
        self._profile = profile
        self._egress = egress
        self._clock = clock

    async def begin(self, asked: Asked) -> str:
        """See ``auth.upstream_client``."""
        if asked.prompt == "none" or asked.max_age is not None:
            raise SignOnRefused("sign_on_too_old", "tickets cannot be asked to be fresh or silent")
        callback = f"{asked.callback}?{urlencode({'state': asked.state})}"
        return self._profile.enter.replace("{callback}", quote(callback, safe=""))

    async def finish(self, asked: Asked, answer: Mapping[str, str], now: datetime) -> Assertion:
        """See ``auth.upstream_client``."""
        profile = self._profile
        ticket = answer.get(profile.ticket_parameter, "")
        if not ticket:
            raise SignOnRefused("upstream_refused", "no ticket")
        if len(ticket) > profile.most_ticket_characters or not _TICKET.match(ticket):
            raise SignOnRefused("answer_refused", "not a ticket")
        told = await self._exchanged(ticket)
        if str(value_at(told, profile.success_path)) != profile.success_value:
            raise SignOnRefused("upstream_refused", "the platform does not know the ticket")
        acr = attribute(value_at(told, profile.acr_claim)) if profile.acr_claim else ""
        if asked.acr and acr not in asked.acr.split():
            raise SignOnRefused("sign_on_too_weak", f"level {acr}")
        subject = value_at(told, profile.subject_claim)
        if isinstance(subject, int) and not isinstance(subject, bool):
            subject = str(subject)
        return Assertion(
            upstream_id=profile.upstream_id,
            subject=require_subject(subject),
            name=attribute(value_at(told, profile.name_claim)),
            unit=attribute(value_at(told, profile.unit_claim)) if profile.unit_claim else "",
            region=profile.told_region(value_at(told, profile.region_claim)),
            auth_time=self._told_time(told, now),
            acr=acr,
            upstream_session=ticket,
        )

    async def leave(self, id_token: str, back: str) -> str | None:  # noqa: ARG002 — tickets have none
        """See ``auth.upstream_client``."""
        return self._profile.leave.replace("{callback}", quote(back, safe="")) or None

    async def close(self) -> None:
        """Closes what is open."""
        await self._egress.close()

    async def _exchanged(self, ticket: str) -> dict[str, object]:
        """Asks whose a ticket is."""
        profile, microseconds = self._profile, self._clock()
        stamp = str(microseconds // (1_000 if profile.is_time_in_ms else 1_000_000))
        values = {"app": profile.app, "ticket": ticket, "time": stamp, "nonce": secrets.token_hex(16)}
        values["signature"] = signature_of(profile.algorithm, self._secret(), filled(profile.signed_text, values))
        fields = {name: filled(text, values) for name, text in profile.fields.items()}
        if profile.method == "GET":
            joint = "&" if "?" in profile.exchange else "?"
            answer = await self._egress.fetch("GET", f"{profile.exchange}{joint}{urlencode(fields)}")
        elif profile.body == "json":
            headers = {"Content-Type": "application/json"}
            answer = await self._egress.fetch(
                "POST", profile.exchange, body=msgspec.json.encode(fields), headers=headers
            )
        else:
            answer = await self._egress.fetch("POST", profile.exchange, data=fields)
        if answer.status != 200:
            raise UpstreamFailed("upstream_failed", f"exchange: {answer.status}")
        return answer.read_object()

    def _secret(self) -> bytes:
        try:
            secret = Path(self._profile.secret).read_bytes().strip()
        except OSError as error:
            raise UpstreamFailed("upstream_failed", f"secret: {error.strerror}") from None
        if len(secret) < _LEAST_SECRET:
            raise UpstreamFailed("upstream_failed", "secret: too short")
        return secret

    def _told_time(self, told: Mapping[str, object], now: datetime) -> datetime:
        seconds = value_at(told, self._profile.auth_time_claim) if self._profile.auth_time_claim else None
        if not isinstance(seconds, int) or isinstance(seconds, bool):
            return now
        if seconds > 100_000_000_000:
            seconds //= 1_000
        return min(now, datetime.fromtimestamp(seconds, UTC)) if 0 < seconds < 100_000_000_000 else now


def signature_of(algorithm: str, secret: bytes, text: str) -> str:
    """Returns the HMAC of a text in hex: with SM3 (``hmac-sm3``) or SHA-256 (``hmac-sha256``)."""
    code = HMAC(secret, hashes.SM3() if algorithm == "hmac-sm3" else hashes.SHA256())
    code.update(text.encode())
    return code.finalize().hex()


def filled(template: str, values: Mapping[str, str]) -> str:
    """Fills the places of a template, once: what is filled in is not looked at again."""
    return re.sub(r"\{([a-z]+)\}", lambda match: values.get(match[1], match[0]), template)


def value_at(told: Mapping[str, object], path: str) -> object:
    """Returns what stands at a path of names; ``None`` when nothing does."""
    value: object = told
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value
