"""Who the parties of a proposal are, and what they may do at this moment.

Rights are read from the ledger each time, so a right that was taken away between a decision and its execution counts.
A user of the hub's own machine who can read its keys could do anything; ``approvals.host_users`` names those who may.
"""

from datetime import UTC, datetime
from uuid import UUID

from auth.approvals import May, Party
from auth.permissions import may, narrowed_grants
from auth.person import Grant, Person, Role
from auth.roles import Action, Kind
from exchange_db import people
from exchange_db.audit_records import host_actor, person_actor
from exchange_db.people import LOCAL, PersonRow
from exchange_db.regions import region_of
from exchange_db.session import ReadSession
from hub.sections.audit import ApprovalsPart

_HOST = host_actor("")


def host_party(user: str, names: tuple[str, ...], part: ApprovalsPart) -> Party:
    """Returns a user of the hub's machine; ``names`` are all they go by now."""
    every = tuple(host_actor(name) for name in (user, *names))
    return Party(host_actor(user), "", _joined(every, part), every)


def person_party(
    person: PersonRow | Person,
    part: ApprovalsPart,
    login_names: tuple[str, ...] = (),
    linked: tuple[PersonRow, ...] = (),
) -> Party:
    """Returns a person who signed on, with the names they came through and the machine's user at the keyboard.

    ``linked`` are their other accounts.
    """
    actor = person_actor(person.issuer_id, person.subject)
    hops = person.hops if isinstance(person, Person) else ()
    others = [(hop.platform_id, hop.subject) for hop in hops] + [(row.issuer_id, row.subject) for row in linked]
    names = (actor, *(person_actor(*other) for other in others))
    return Party(actor, str(person.person_id), _joined(names, part), tuple(map(host_actor, login_names)))


async def rights_of(session: ReadSession, hub_region: int, part: ApprovalsPart, *parties: Party) -> May:
    """Returns what tells whether one of these parties may do something now."""
    known: dict[str, Person] = {}
    for party in parties:
        if party.person_id:
            person = await _person(session, UUID(party.person_id), hub_region)
            if person is not None:
                known[party.person_id] = person

    def allows(party: Party, action: Action, kind: Kind, region: int) -> bool:
        if party.person_id:
            return may(known.get(party.person_id), action, kind, region)
        users = {name.removeprefix(_HOST) for name in party.login_names}
        return party.actor.startswith(_HOST) and (not part.host_users or bool(users & set(part.host_users)))

    return allows


async def _person(session: ReadSession, person_id: UUID, hub_region: int) -> Person | None:
    """Returns an admitted person with what they hold here now; none for anybody else."""
    row = await people.of_id(session, person_id)
    if row is None or row.state != "admitted":
        return None
    grants = [
        Grant(Role(one.role), one.region) for one in (await people.grants_of(session, [person_id])).get(person_id, ())
    ]
    bound = hub_region if row.issuer_id == LOCAL else region_of(row.issuer_id)
    moment = datetime.now(UTC)
    return Person(
        row.person_id, row.issuer_id, row.subject, row.name, row.unit, row.region,
        narrowed_grants(grants, bound, hub_region), row.person_id, moment,
    )  # fmt: skip


def _joined(names: tuple[str, ...], part: ApprovalsPart) -> tuple[str, ...]:
    """Adds the names the settings say are of the same person."""
    found = set(names)
    for group in part.same_person:
        if found & set(group):
            found |= set(group)
    return tuple(sorted(found))
