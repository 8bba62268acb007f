"""The outcomes dirty input can have; each is one of these, on every way in."""

from typing import Any, NamedTuple


class Accepted(NamedTuple):
    """It is taken. ``note`` says as what; ``kept`` maps fields, ``section.field``, to the values the hub then holds."""

    note: str
    kept: dict[str, Any] = {}  # noqa: RUF012 — never changed


class Refused(NamedTuple):
    """It is not taken: the reason, the field at fault, and what the page adds to that."""

    reason: str
    path: str
    note: str = ""


class Held(NamedTuple):
    """It is taken, breaks a rule of the life cycle and lies in the hub's quarantine."""

    reason: str
    path: str
    note: str = ""


class Stale(NamedTuple):
    """It is taken and changes nothing."""

    note: str


Outcome = Accepted | Refused | Held | Stale


def told(outcome: Outcome) -> str:
    """Returns an outcome in the words of the page."""
    if isinstance(outcome, Accepted):
        return f"accepted: {outcome.note}"
    if isinstance(outcome, Stale):
        return f"accepted, changes nothing (stale): {outcome.note}"
    verb = "refused" if isinstance(outcome, Refused) else "quarantined"
    where = f" at `{outcome.path}`" if outcome.path else ""
    return f"{verb}: `{outcome.reason}`{where}" + (f"; {outcome.note}" if outcome.note else "")
