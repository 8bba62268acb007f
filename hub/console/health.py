"""How well a link does, from what the ledger knows of it. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from exchange_db.peers import LinkState

_SLOW = timedelta(minutes=2)
_QUIET = timedelta(minutes=10)
_BROKEN_AFTER = 3
#: Days before the end of a certificate from which it is shown as a warning.
CERTIFICATE_DAYS = 30


class Health(StrEnum):
    """Health of a link, best first; the values are keys of the catalogue."""

    GOOD = "good"
    QUIET = "quiet"
    UNKNOWN = "unknown"
    STRAINED = "strained"
    BROKEN = "broken_link"
    UNCONFIRMED = "unconfirmed"
    BLOCKED = "blocked"


def health_of(link: LinkState, now: datetime) -> Health:
    """Judges one link: parcels that wait make silence a fault, without them it is only silence."""
    if link.peer.state == "waiting":
        return Health.UNCONFIRMED
    if link.peer.state != "active":
        return Health.BLOCKED
    if link.peer.certificate_end_time <= now or link.failure_count >= _BROKEN_AFTER:
        return Health.BROKEN
    silence = now - link.contact_time if link.contact_time else None
    if link.failure_count or (link.waiting_count and (silence is None or silence > _SLOW)):
        return Health.STRAINED
    if silence is None:
        return Health.UNKNOWN
    return Health.QUIET if silence > _QUIET else Health.GOOD


def certificate_days(link: LinkState, now: datetime) -> int:
    """Returns the whole days a neighbour's certificate is still good for; negative when it has ended."""
    return (link.peer.certificate_end_time - now) // timedelta(days=1)
