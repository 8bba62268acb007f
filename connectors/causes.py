"""What a failure of a link is called in the availability ledger, and since when it lasts."""

from connectors.errors import CallRefused, ConnectorError, CredentialsRefused
from exchange_db.intermediate.partner import PartnerRefused
from exchange_db.reasons import REASONS

#: What gRPC says when an answer did not come in time.
_LATE = ("DEADLINE_EXCEEDED", "no answer")


def cause_of(error: Exception) -> str:
    """Returns the reason an outage is kept with: the neighbour's own where it gave one that is known here."""
    if isinstance(error, ConnectorError) and error.reason in REASONS:
        return error.reason
    return (
        "LINK_REFUSED" if isinstance(error, CredentialsRefused | CallRefused | PartnerRefused) else "LINK_UNREACHABLE"
    )


def waited_for(error: Exception, tried_seconds: float, timeout_seconds: float) -> float:
    """Returns how long an answer was waited for before a failure: the neighbour was away since then; 0 for not at all.

    Args:
        error: what happened.
        tried_seconds: how long the connection was tried or held.
        timeout_seconds: the longest wait for an answer.
    """
    is_late = isinstance(error, TimeoutError) or any(word in str(error) for word in _LATE)
    return min(tried_seconds, timeout_seconds) if is_late else 0.0
