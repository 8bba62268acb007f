"""What the audit log holds: an entry as an act gives it, and the line it becomes.

Owns shapes and the one form of an entry's bytes. The arithmetic of the chain is ``exchange_db.audit_hashes``, the
tables are ``exchange_db.audit``, verifying is ``auth.audit_chain``. Called by everything that does what must be
recorded.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

#: ``begun``: an act of several transactions has started; its end is an entry of its own.
Outcome = Literal["begun", "done", "refused", "failed"]
#: What an entry may tell besides. No fractions: two programs write them differently.
Value = str | int | bool | None | Sequence[str]
#: Most bytes of a line; what an act tells besides is cut before it is refused for its length.
MAX_LINE_BYTES = 32 * 1024
_MOST_LETTERS = 4_000


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One act, by whom and on what, and how it ended. Number and time are given when it is appended.

    Args:
        actor: who; made with ``host_actor``, ``person_actor``, ``peer_actor`` or ``hub_actor``.
        action: what, as a noun and a verb in lower case: ``peer.block``, ``case.unmask``.
        object: on what: a name or number of this hub, never personal data.
        outcome: how it ended.
        reason: reason code of a refusal or failure, in upper case; empty when it was done.
        detail: what else must be known later, by name; no secrets and no personal data.
        region: six digits of the region it was about; 0 for none.
    """

    actor: str
    action: str
    object: str = ""
    outcome: Outcome = "done"
    reason: str = ""
    detail: Mapping[str, Value] = {}
    region: int = 0


class AuditLine(NamedTuple):
    """A row of the log. ``content`` is what was hashed; the texts beside it repeat what is searched for.

    ``recorded_time`` is microseconds since 1970; hashes are 32 bytes.
    """

    number: int
    recorded_time: int
    actor: str
    action: str
    object: str
    outcome: str
    reason: str
    region: int
    content: bytes
    leaf_hash: bytes
    chain_hash: bytes


class SignedBytes(NamedTuple):
    """Content with its signature; ``certificates`` is PEM, the signer's first."""

    content: bytes
    signature: bytes
    certificates: bytes


def host_actor(user: str) -> str:
    """Names somebody at the hub's own machine."""
    return f"host:{user}"


def person_actor(issuer_id: str, subject: str) -> str:
    """Names a person who signed on, by the platform that signed them on and its name for them."""
    return f"person:{issuer_id}/{subject}"


def peer_actor(peer_id: str) -> str:
    """Names a neighbour, by the certificate or secret it called with."""
    return f"peer:{peer_id}"


def hub_actor(hub_id: str) -> str:
    """Names the hub itself, for what it does without being told."""
    return f"hub:{hub_id}"


def content_of(entry: AuditEntry, number: int, recorded_time: int) -> bytes:
    """Returns the one form of an entry's bytes: JSON with sorted keys, without blanks, in UTF-8.

    Raises:
        ValueError: the entry is too long, or tells a fraction.
    """
    told = {
        "action": storable(entry.action),
        "actor": storable(entry.actor),
        "detail": {storable(name): _value(value) for name, value in entry.detail.items()},
        "number": number,
        "object": storable(entry.object),
        "outcome": entry.outcome,
        "reason": storable(entry.reason),
        "region": f"{entry.region:06d}",
        "time": written_time(recorded_time),
    }
    content = msgspec.json.encode(told, order="sorted")
    if len(content) > MAX_LINE_BYTES:
        raise ValueError(f"an audit entry of {len(content)} bytes; at most {MAX_LINE_BYTES} are kept")
    return content


def written_time(moment: int) -> str:
    """Returns microseconds since 1970 as an entry has them: ``2026-11-21T02:00:00.000000Z``."""
    whole = datetime.fromtimestamp(moment // 1_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{moment % 1_000_000:06d}Z"


def storable(text: str) -> str:
    """Returns a text of unknown origin as it is stored: no NUL, nothing UTF-8 does not know, not without end."""
    kept = text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + "…"
    if kept.isascii() and "\0" not in kept:
        return kept
    return kept.replace("\0", "�").encode("utf-8", "replace").decode()


def _value(value: Value) -> Value:
    if isinstance(value, str):
        return storable(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, list | tuple):
        return [storable(one) for one in value]
    raise ValueError(f"an audit entry tells texts, whole numbers, yes and no, not {type(value).__name__}")
