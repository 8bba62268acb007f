"""Searching the log for evidence that cases name, behind the apply and with cursors of its own.

Apply does nothing for evidence: a parcel never waits for a photo. What was applied is looked through here, and what it
names is put into ``attachment_refs``, where it is missing until its bytes have come. ``hub.evidence.finding`` calls.
"""

from typing import NamedTuple

from exchange_db.attachment_records import NamedFile
from exchange_db.keys import case_key
from exchange_db.records import RecordKind
from exchange_db.regions import region_of
from exchange_db.session import HotSession, WriteSession

Session = HotSession | WriteSession

#: How the digest of an attachment begins in a serialized parcel: field 2, text, 64 long. Cheap to look for on the
#: server, and a parcel that holds it by chance is only looked at for nothing.
_DIGEST_BEGINS = b"\x12\x40"
#: Kinds of records that name evidence.
_NAMING = [int(RecordKind.CASE), int(RecordKind.DOCUMENT)]
#: Sections that took effect.
_SECTIONS = (
    "(SELECT home_region, case_id, section, inbox_id FROM case_sections"
    " UNION ALL SELECT home_region, document_key, section, inbox_id FROM document_sections)"
)


class SearchedRow(NamedTuple):
    """An applied row of the log; ``payload`` is ``None`` where no evidence can be in it."""

    partition: int
    inbox_id: int
    sender_id: str
    payload: bytes | None


class FoundRef(NamedTuple):
    """Evidence that a section names; the section came from ``sender_id`` in the row ``inbox_id``.

    ``is_wanted`` tells whether its bytes are missed here, or may stay where they are.
    """

    inbox_id: int
    sender_id: str
    issuer_id: str
    case_no: str
    ref: NamedFile
    is_wanted: bool


async def applied_rows(session: Session, limit: int) -> list[SearchedRow]:
    """Returns the next rows of the log that were applied and not looked through, in order inside a partition.

    Args:
        session: any session.
        limit: most rows of one partition.
    """
    cursor = await session.driver.execute(
        "SELECT i.partition, i.inbox_id, s.sender_id, i.payload FROM attachment_cursors c JOIN partitions p"
        " USING (partition) CROSS JOIN LATERAL (SELECT partition, inbox_id, stream_id,"
        " CASE WHEN record_kind = ANY(%s) AND position(%s::bytea IN payload) > 0 THEN payload END AS payload"
        " FROM inbox WHERE inbox.partition = c.partition AND inbox.inbox_id > c.cursor_id"
        " AND inbox.inbox_id <= p.cursor_id ORDER BY inbox.inbox_id LIMIT %s) i"
        " JOIN streams s USING (stream_id) WHERE p.cursor_id > c.cursor_id ORDER BY i.partition, i.inbox_id",
        (_NAMING, _DIGEST_BEGINS, limit),
        binary=True,
    )
    return [SearchedRow(*row) for row in await cursor.fetchall()]


async def add_refs(session: Session, found: list[FoundRef], now: int) -> int:
    """Enters what sections name, as far as the sections took effect; returns how many references are new."""
    if not found:
        return 0
    columns = list(
        zip(
            *(
                (
                    region_of(item.issuer_id), case_key(item.issuer_id, item.case_no).hex(),
                    item.ref.section, item.inbox_id, bytes.fromhex(item.ref.digest), item.issuer_id,
                    item.case_no, int(item.ref.kind), item.ref.size_bytes, item.ref.media_type,
                    item.ref.captured_time, item.sender_id, "missing" if item.is_wanted else "elsewhere",
                )
                for item in found
            ),
            strict=True,
        )
    )  # fmt: skip
    cursor = await session.driver.execute(
        "INSERT INTO attachment_refs (home_region, case_id, digest, section, issuer_id, case_no, kind, size_bytes,"  # noqa: S608 — constants
        " media_type, captured_time, sender_id, state, found_time)"
        " SELECT n.home, n.case_id, n.digest, n.section, n.issuer_id, n.case_no, n.kind, n.size, n.media_type,"
        " CASE WHEN n.captured > 0 THEN '1970-01-01Z'::timestamptz + n.captured * interval '1 microsecond' END,"
        " n.sender_id, n.state, '1970-01-01Z'::timestamptz + %s * interval '1 microsecond'"
        " FROM unnest(%s::int[], %s::uuid[], %s::smallint[], %s::bigint[], %s::bytea[], %s::text[], %s::text[],"
        " %s::smallint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[])"
        " n(home, case_id, section, inbox_id, digest, issuer_id, case_no, kind, size, media_type, captured,"
        f" sender_id, state) JOIN {_SECTIONS} s ON s.home_region = n.home AND s.case_id = n.case_id"
        " AND s.section = n.section AND s.inbox_id = n.inbox_id ON CONFLICT DO NOTHING",
        (now, *map(list, columns)),
    )
    return cursor.rowcount


async def move_cursors(session: Session, cursors: dict[int, int]) -> None:
    """Notes how far each partition was looked through; a cursor never goes back."""
    await session.driver.execute(
        "UPDATE attachment_cursors c SET cursor_id = m.cursor_id FROM unnest(%s::smallint[], %s::bigint[])"
        " m(partition, cursor_id) WHERE c.partition = m.partition AND c.cursor_id < m.cursor_id",
        (list(cursors), list(cursors.values())),
    )


async def hold_what_came_ahead(session: Session) -> int:
    """Marks references as held whose bytes were handed in for their case before or meanwhile; returns how many."""
    cursor = await session.driver.execute(
        "UPDATE attachment_refs r SET state = 'held', trouble = '' FROM attachment_refs h WHERE r.state = 'missing'"
        " AND h.home_region = r.home_region AND h.case_id = r.case_id AND h.digest = r.digest AND h.state = 'held'"
    )
    return cursor.rowcount
