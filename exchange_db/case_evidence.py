"""The records of a case as they came, for showing to somebody else. Called by ``hub.evidence.casefile``."""

from typing import NamedTuple

from exchange_db.cases import CaseRow
from exchange_db.keys import partition_of
from exchange_db.session import ReadSession


class HeldRecord(NamedTuple):
    """A record of a case: who sent it, its place in their stream, its bytes and what became of it.

    Times are microseconds since 1970, 0 for not yet; ``state`` is a business state of ``exchange_db.receipts``.
    """

    sender_id: str
    stream: str
    stream_id: int
    sequence: int
    received_time: int
    payload: bytes
    state: int
    reason: str
    settled_time: int


_HELD = (
    "WITH held AS (SELECT DISTINCT inbox_id FROM case_sections WHERE home_region = %(home)s"
    " AND case_id = %(case_id)s::uuid UNION SELECT inbox_id FROM quarantine"
    " WHERE record_key = %(case_id)s::uuid AND stage = 'apply' AND inbox_id IS NOT NULL)"
    " SELECT s.sender_id, s.name, i.stream_id, i.sequence, (extract(epoch FROM i.received_time) * 1000000)::bigint,"
    " i.payload, coalesce(e.state, 2), coalesce(e.reason, ''),"
    " coalesce((extract(epoch FROM coalesce(e.settled_time, r.settled_time)) * 1000000)::bigint, 0)"
    " FROM held JOIN inbox i ON i.partition = %(partition)s AND i.inbox_id = held.inbox_id"
    " JOIN streams s USING (stream_id)"
    " LEFT JOIN receipt_exceptions e ON e.stream_id = i.stream_id AND e.sequence = i.sequence"
    " LEFT JOIN LATERAL (SELECT settled_time FROM receipts r WHERE r.partition = i.partition"
    " AND r.last_inbox_id >= i.inbox_id ORDER BY r.last_inbox_id LIMIT 1) r ON true ORDER BY i.inbox_id"
)


async def records_of(session: ReadSession, row: CaseRow) -> list[HeldRecord]:
    """Returns the records of a case that took effect or broke a rule of its life, in the order they came."""
    cursor = await session.driver.execute(
        _HELD,
        {"home": row.home_region, "case_id": row.case_id.hex(), "partition": partition_of(row.case_id)},
    )
    return [HeldRecord(*found) for found in await cursor.fetchall()]
