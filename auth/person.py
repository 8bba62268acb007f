"""Who is at the keyboard: a person who signed on, and the rights a hub gave them.

Owns the shape only. Where a person comes from is ``auth.sessions``, what they may do is ``auth.permissions``.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from exchange_db.regions import Tier, tier_of


class Role(StrEnum):
    """What a person does here. A role holds in one region and below it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    STANDARDS_PUBLISHER = "standards_publisher"
    EVALUATOR = "evaluator"
    SECURITY_OFFICER = "security_officer"
    AUDITOR = "auditor"


class Grant(msgspec.Struct, frozen=True, order=True):
    """A role in a region and everything below it."""

    role: Role
    region: int

    @property
    def tier(self) -> Tier:
        """Tier of the region the role is held in."""
        return tier_of(self.region)


class Hop(msgspec.Struct, frozen=True):
    """A platform through which a sign-on came, nearest first; at most three of them."""

    platform_id: str
    subject: str


class Person(msgspec.Struct, frozen=True):
    """A person during one request.

    ``(issuer_id, subject)`` is the identity: the platform that signed them on (``local`` for administrators of this
    host) and its name for them. Everything else is an attribute and never a key. ``grants`` are already narrowed to
    what the platform they came through may speak for.
    """

    person_id: UUID
    issuer_id: str
    subject: str
    name: str
    unit: str
    region: int
    grants: tuple[Grant, ...]
    session_id: UUID
    auth_time: datetime
    acr: str = ""
    hops: tuple[Hop, ...] = ()
