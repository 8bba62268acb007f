"""Letting people in: admitting, granting, revoking, blocking, each with its audit entry in the same transaction.

Owns what may be granted to whom. A grant never reaches beyond this hub, nor beyond what the platform a person comes
through may speak for, and roles that exclude each other never meet. Called by the console and ``sanji people``.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from auth.permissions import narrowed_grants, require_compatible
from auth.person import Grant, Person, Role
from exchange_db import audit, people, people_lists, person_links, sessions, upstreams
from exchange_db.audit_records import AuditEntry, Value
from exchange_db.people import LOCAL, GrantRow, PersonRow
from exchange_db.records import Violated
from exchange_db.regions import format_region, region_of
from exchange_db.session import ReadSession, WriteSession
from hub.signon import links


class Listed(NamedTuple):
    """A person with their grants, and the other accounts they proved to be theirs."""

    person: PersonRow
    grants: tuple[GrantRow, ...]
    linked: tuple[PersonRow, ...]


async def listed(session: ReadSession, state: str | None = None) -> list[Listed]:
    """Returns people, those who wait first."""
    rows = await people.listing(session, state)
    ids = [row.person_id for row in rows]
    grants, linked = await people.grants_of(session, ids), await person_links.linked_with(session, ids)
    return [Listed(row, grants[row.person_id], linked[row.person_id]) for row in rows]


class PeopleDesk:
    """The desk that lets people in.

    Args:
        hub_region: the region of the hub.
        actor: who acts, as the audit names them.
        actor_id: who acts, when it is a person; nobody changes their own rights.
    """

    def __init__(self, hub_region: int, actor: str, actor_id: UUID | None = None) -> None:
        self._hub_region = hub_region
        self._actor = actor
        self._actor_id = actor_id

    async def admit(self, session: WriteSession, person_id: UUID) -> None:
        """Lets somebody in who waits or was blocked; they still have no right.

        Raises:
            Violated: PERSON_UNKNOWN, or LISTED_OUT.
        """
        person = await self._person(session, person_id)
        if await people_lists.is_out(session, person_id):
            raise Violated("LISTED_OUT", "person", person.name)
        if await people.set_state(session, person_id, "admitted"):
            await self._note(session, "person.admit", person)

    async def block(self, session: WriteSession, person_id: UUID) -> None:
        """Keeps somebody out and ends their sessions.

        Raises:
            Violated: PERSON_UNKNOWN, or OWN_RIGHTS.
        """
        person = await self._person(session, person_id)
        if await people.set_state(session, person_id, "blocked"):
            ended = await sessions.end_person(session, person_id)
            await self._note(session, "person.block", person, {"sessions": len(ended)})

    async def grant(self, session: WriteSession, person_id: UUID, role: Role, region: int, now: datetime) -> None:
        """Gives somebody a role in a region.

        Raises:
            Violated: PERSON_UNKNOWN, OWN_RIGHTS, GRANT_BEYOND, or ROLES_CONFLICT.
        """
        person = await self._person(session, person_id)
        await self._require_within(session, person, role, region)
        # Roles that exclude each other are kept apart between all accounts of a person.
        accounts = [person_id, *(row.person_id for row in await links.linked(session, person_id))]
        held = chain.from_iterable((await people.grants_of(session, accounts)).values())
        require_compatible([*(Grant(Role(grant.role), grant.region) for grant in held), Grant(role, region)])
        if await people.grant(session, person_id, role, region, granted_by=self._actor, now=now):
            await self._note(session, "person.grant", person, {"role": role, "region": format_region(region)})

    async def revoke(self, session: WriteSession, person_id: UUID, role: Role, region: int) -> None:
        """Takes a role in a region away.

        Raises:
            Violated: PERSON_UNKNOWN, OWN_RIGHTS, or GRANT_UNKNOWN.
        """
        person = await self._person(session, person_id)
        if not await people.revoke(session, person_id, role, region):
            raise Violated("GRANT_UNKNOWN", "role", f"{role} {format_region(region)}")
        await self._note(session, "person.revoke", person, {"role": role, "region": format_region(region)})

    async def unlink(self, session: WriteSession, person_id: UUID) -> None:
        """Parts somebody's account from their others.

        Raises:
            Violated: PERSON_UNKNOWN, OWN_RIGHTS, or LINK_UNKNOWN.
        """
        person = await self._person(session, person_id)
        await links.unlink(session, self._actor, person.person_id)

    async def _person(self, session: ReadSession, person_id: UUID) -> PersonRow:
        person = await people.of_id(session, person_id)
        if person is None:
            raise Violated("PERSON_UNKNOWN", "person", person_id)
        own = {self._actor_id}
        if self._actor_id is not None:
            own |= {row.person_id for row in await links.linked(session, self._actor_id)}
        if person_id in own:
            raise Violated("OWN_RIGHTS", "person", person.name)
        return person

    async def _require_within(self, session: ReadSession, person: PersonRow, role: Role, region: int) -> None:
        """A grant that would be narrowed away, or to less than it says, is refused rather than kept and not held to."""
        bound, roles = self._hub_region, frozenset(Role)
        if person.issuer_id != LOCAL:
            upstream = await upstreams.find(session, person.issuer_id)
            bound = region_of(person.issuer_id)
            roles = frozenset(map(Role, upstream.roles)) if upstream else frozenset()
        if role not in roles or Grant(role, region) not in narrowed_grants(
            [Grant(role, region)], bound, self._hub_region
        ):
            raise Violated("GRANT_BEYOND", "role", f"{role} {format_region(region)}")

    async def _note(
        self, session: WriteSession, action: str, person: PersonRow, detail: Mapping[str, Value] | None = None
    ) -> None:
        await audit.append(
            session,
            AuditEntry(
                actor=self._actor, action=action, object=str(person.person_id),
                detail={"issuer": person.issuer_id, **(detail or {})}, region=person.region,
            ),
        )  # fmt: skip


def desk_of(person: Person, hub_region: int) -> PeopleDesk:
    """Returns the desk as a person who signed on sits at it."""
    return PeopleDesk(hub_region, f"person:{person.issuer_id}/{person.subject}", person.person_id)
