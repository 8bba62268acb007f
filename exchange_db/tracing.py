"""Where a case stands here: its sections' bytes, when each came and took effect, and how far it was passed on."""

from datetime import datetime
from typing import NamedTuple

from exchange_db.cases import CaseRow, Section
from exchange_db.keys import partition_of
from exchange_db.records import Action
from exchange_db.session import ReadSession

_SECTIONS = (Section.REPORT, Section.ASSIGNMENT, Section.HANDLING, Section.VERDICT)


class SectionTrail(NamedTuple):
    """The revision in force of one section: who wrote it, how it came, when it was taken in and took effect."""

    section: int
    revision: int
    origin_id: str
    sender_id: str
    stream: str
    sequence: int
    accepted_time: datetime
    applied_time: datetime | None
    inbox_id: int


class DeliveryTrail(NamedTuple):
    """An inbox row on its way to a neighbour; ``sequence`` is 0 while it has no number."""

    peer_id: str
    inbox_id: int
    sequence: int
    is_acked: bool
    is_settled: bool
    is_refused: bool
    accepted_time: datetime | None


async def payloads(session: ReadSession, row: CaseRow) -> dict[int, bytes]:
    """Returns the bytes of the inbox rows that hold a case's sections, by inbox_id."""
    cursor = await session.driver.execute(
        "SELECT inbox_id, payload FROM inbox WHERE partition = %s AND inbox_id = ANY(%s)",
        (partition_of(row.case_id), row.section_inbox_ids()),
        binary=True,
    )
    return dict(await cursor.fetchall())


async def actions(session: ReadSession, row: CaseRow) -> list[Action]:
    """Returns the story of a case, oldest first."""
    cursor = await session.driver.execute(
        "SELECT action_id::text, kind, platform_id, (extract(epoch FROM action_time) * 1000000)::bigint, actor_ref,"
        " opinion FROM case_actions WHERE home_region = %s AND case_id = %s::uuid ORDER BY action_time, action_id",
        (row.home_region, row.case_id.hex()),
    )
    return [Action(*found) for found in await cursor.fetchall()]


async def sections(session: ReadSession, row: CaseRow) -> list[SectionTrail]:
    """Returns the trail of the sections in force."""
    held = {section: getattr(row, f"{section.name.lower()}_inbox_id") for section in _SECTIONS}
    in_force = {section: inbox_id for section, inbox_id in held.items() if inbox_id}
    cursor = await session.driver.execute(
        "SELECT s.section, s.revision, s.origin_id, st.sender_id, st.name, i.sequence, i.received_time,"
        " (SELECT r.settled_time FROM receipts r WHERE r.partition = i.partition AND r.last_inbox_id >= i.inbox_id"
        " ORDER BY r.last_inbox_id LIMIT 1), i.inbox_id"
        " FROM case_sections s JOIN inbox i ON i.partition = %(partition)s AND i.inbox_id = s.inbox_id"
        " JOIN streams st ON st.stream_id = i.stream_id"
        " JOIN unnest(%(sections)s::smallint[], %(ids)s::bigint[]) f(section, inbox_id)"
        " ON f.section = s.section AND f.inbox_id = s.inbox_id"
        " WHERE s.home_region = %(home)s AND s.case_id = %(case_id)s::uuid ORDER BY s.section",
        {
            "partition": partition_of(row.case_id),
            "home": row.home_region,
            "case_id": row.case_id.hex(),
            "sections": list(map(int, in_force)),
            "ids": list(in_force.values()),
        },
    )
    return [SectionTrail(*found) for found in await cursor.fetchall()]


class StepTrail(NamedTuple):
    """One revision or event that took effect; times in microseconds since 1970."""

    section: int
    revision: int
    origin_id: str
    state: int
    step_time: int


async def steps(session: ReadSession, row: CaseRow) -> list[StepTrail]:
    """Returns every step of a case that took effect, in order."""
    cursor = await session.driver.execute(
        "SELECT section, revision, origin_id, state, (extract(epoch FROM step_time) * 1000000)::bigint"
        " FROM case_sections WHERE home_region = %s AND case_id = %s::uuid ORDER BY inbox_id, section",
        (row.home_region, row.case_id.hex()),
    )
    return [StepTrail(*found) for found in await cursor.fetchall()]


async def deliveries(session: ReadSession, row: CaseRow) -> list[DeliveryTrail]:
    """Returns how far the sections in force were passed on, by neighbour and number."""
    cursor = await session.driver.execute(
        "SELECT p.peer_id, o.inbox_id, coalesce(min(n.sequence), 0),"
        " coalesce(min(n.sequence) <= l.acked_sequence, false),"
        " coalesce(min(n.sequence) <= l.receipted_sequence, false),"
        " bool_or(q.quarantine_id IS NOT NULL), min(d.accepted_time)"
        " FROM outbox o JOIN peers p USING (destination_id) JOIN links l USING (destination_id)"
        " LEFT JOIN parcels n ON n.partition = o.partition AND n.inbox_id = o.inbox_id"
        " AND n.destination_id = o.destination_id"
        " LEFT JOIN LATERAL (SELECT d.accepted_time FROM deliveries d WHERE d.destination_id = o.destination_id"
        " AND d.last_sequence >= n.sequence ORDER BY d.last_sequence LIMIT 1) d ON true"
        " LEFT JOIN quarantine q ON q.stage = 'delivery' AND q.destination_id = o.destination_id"
        " AND q.inbox_id = o.inbox_id"
        " WHERE o.partition = %(partition)s AND o.inbox_id = ANY(%(ids)s) AND o.position >= %(first)s"
        " AND o.destination_id IN (SELECT destination_id FROM peers)"
        " GROUP BY p.peer_id, o.inbox_id, l.acked_sequence, l.receipted_sequence ORDER BY 1, 3",
        {
            "partition": partition_of(row.case_id),
            "ids": row.section_inbox_ids(),
            "first": min(row.section_inbox_ids()) * 16,
        },
    )
    return [DeliveryTrail(*found) for found in await cursor.fetchall()]
