"""What a platform is told about a person: never more than the person may, nor more than the platform may.

Called by the OpenID provider and the CAS face.
"""

import hashlib
import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from auth.oidc_provider.metadata import CLAIMS
from auth.permissions import narrowed_grants
from auth.person import Grant, Hop, Person
from exchange_db.people import LOCAL
from exchange_db.regions import format_region
from exchange_db.sign_on import Client


class Right(Struct, frozen=True):
    """A role in a region and below, as tokens tell it."""

    role: str
    region: str


class Identity(Struct, frozen=True, kw_only=True):
    """A person as one platform is told of them; ``auth_time`` is seconds since 1970.

    ``platform`` is where they are known as who they are, ``hops`` the platforms they came through, nearest first.
    """

    sub: str
    platform: str
    name: str
    unit: str
    region: str
    auth_time: int
    acr: str = ""
    hops: tuple[Hop, ...] = ()
    grants: tuple[Right, ...] = ()

    def claims(self, scopes: Collection[str]) -> dict[str, Any]:
        """Returns what is told under some scopes."""
        everything = msgspec.to_builtins(self)
        told = {name for scope in scopes for name in CLAIMS.get(scope, ())}
        return {name: value for name, value in everything.items() if name in told and value != ""}


def identity_of(person: Person, client: Client, hub_id: str, hub_region: int) -> Identity:
    """Returns what a platform is told: rights are those of the person, of the hub and of the platform at once."""
    is_local = person.issuer_id == LOCAL
    came_through = () if is_local else (Hop(person.issuer_id, person.subject), *person.hops)
    return Identity(
        sub=str(person.person_id),
        platform=came_through[-1].platform_id if came_through else hub_id,
        name=person.name,
        unit=person.unit,
        region=format_region(person.region),
        auth_time=int(person.auth_time.timestamp()),
        acr=person.acr,
        hops=came_through,
        grants=bounded(person.grants, client, hub_region),
    )


def bounded(grants: Collection[Grant], client: Client, hub_region: int) -> tuple[Right, ...]:
    """Returns what is left of grants for a platform: in its region, and only roles it may have."""
    left = narrowed_grants(grants, hub_region, client.region)
    return tuple(Right(grant.role.value, format_region(grant.region)) for grant in left if grant.role in client.roles)


def session_name(session_id: uuid.UUID, client_id: str) -> str:
    """Returns the ``sid`` a platform knows a session by; two platforms cannot compare theirs."""
    return hashlib.sha256(f"sid\0{session_id}\0{client_id}".encode()).hexdigest()[:32]


def is_recent(auth_time: datetime, moment: datetime, most_seconds: int) -> bool:
    """Tells whether a sign-on is no older than asked, in whole seconds."""
    return int(moment.timestamp()) - int(auth_time.timestamp()) <= most_seconds
