"""Signing on at a CAS server: tickets, its answers in XML, and its logout.

A ticket is asked back about at once, with the address it was made for. Logout comes as an unsigned post that anybody
could send, so it is taken only from the server's own addresses, and only ends the session that came with that ticket.

Source: CAS Protocol 3.0 specification (2.3 logout, 2.5 serviceValidate, 2.8 p3/serviceValidate, appendix A).
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from auth.assertion import Assertion, SignOnRefused, UpstreamFailed, attribute, require_subject
from auth.cas_answers import read_answer, read_logout_request
from auth.egress import Egress
from auth.upstream_client import Asked
from exchange_db.sign_on_records import CasUpstream

#: Service tickets only: a proxy's ticket would say that a machine acts for the person.
_TICKET = re.compile(r"ST-[A-Za-z0-9._-]{1,250}\Z")


class CasClient:
    """One CAS server.

    Args:
        profile: how it is registered.
        egress: calls it.
    """

    def __init__(self, profile: CasUpstream, egress: Egress) -> None:
        self._profile = profile
        self._egress = egress
        self._base = profile.base.rstrip("/")

    async def begin(self, asked: Asked) -> str:
        """See ``auth.upstream_client``."""
        if asked.acr:
            raise SignOnRefused("sign_on_too_weak", "CAS cannot tell how somebody signed on")
        parameters = {"service": _service(asked)}
        if asked.prompt == "none":
            parameters["gateway"] = "true"
        elif _is_renewed(asked) or asked.prompt == "login":
            parameters["renew"] = "true"
        return f"{self._base}/login?{urlencode(parameters)}"

    async def finish(self, asked: Asked, answer: Mapping[str, str], now: datetime) -> Assertion:
        """See ``auth.upstream_client``."""
        ticket = answer.get("ticket", "")
        if not ticket:
            raise SignOnRefused("upstream_refused", "no ticket")
        if not _TICKET.match(ticket):
            raise SignOnRefused("answer_refused", "not a service ticket")
        parameters = {"service": _service(asked), "ticket": ticket}
        if _is_renewed(asked):
            parameters["renew"] = "true"
        path = "p3/serviceValidate" if self._profile.version == 3 else "serviceValidate"
        told = await self._egress.fetch("GET", f"{self._base}/{path}?{urlencode(parameters)}")
        if told.status != 200:
            raise UpstreamFailed("upstream_failed", f"{path}: {told.status}")
        read = read_answer(told.body)
        profile, attributes = self._profile, read.attributes
        return Assertion(
            upstream_id=profile.upstream_id,
            subject=require_subject(read.user),
            name=attribute(attributes.get(profile.name_claim, [])),
            unit=attribute(attributes.get(profile.unit_claim, [])) if profile.unit_claim else "",
            region=profile.told_region(attribute(attributes.get(profile.region_claim, []))),
            auth_time=now if _is_renewed(asked) else _told_time(attributes, now),
            upstream_session=ticket,
        )

    async def leave(self, id_token: str, back: str) -> str | None:  # noqa: ARG002 — CAS has none
        """See ``auth.upstream_client``."""
        return f"{self._base}/logout?{urlencode({'service': back})}"

    async def close(self) -> None:
        """Closes what is open."""
        await self._egress.close()

    def read_logout(self, address: str, request: str) -> str:
        """Returns the ticket whose session a logout post ends.

        Raises:
            SignOnRefused: the post is from elsewhere, or is not what a CAS server sends.
        """
        try:
            caller = ipaddress.ip_address(address)
        except ValueError:
            raise SignOnRefused("answer_refused", "logout from no address") from None
        if not any(caller in ipaddress.ip_network(text) for text in self._profile.logout_addresses):
            raise SignOnRefused("answer_refused", f"logout from {caller}")
        ticket = read_logout_request(request.encode())
        if not _TICKET.match(ticket):
            raise SignOnRefused("answer_refused", "logout without a ticket")
        return ticket


def _service(asked: Asked) -> str:
    """The address the ticket is for; ``state`` in it comes back with the browser."""
    return f"{asked.callback}?{urlencode({'state': asked.state})}"


def _is_renewed(asked: Asked) -> bool:
    """CAS does not say how old a sign-on is, so who wants a fresh one gets a new one."""
    return asked.max_age is not None


def _told_time(attributes: Mapping[str, list[str]], now: datetime) -> datetime:
    """Returns when the person signed on there, as far as the server tells."""
    told = attribute(attributes.get("authenticationDate", []))
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return now
    return min(now, moment if moment.tzinfo else moment.replace(tzinfo=UTC))
