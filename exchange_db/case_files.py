"""The evidence a case names, for people: what is held here, what has not come, what lies elsewhere."""

from typing import NamedTuple

from exchange_db.cases import CaseRow
from exchange_db.session import ReadSession

#: Most files shown of one case.
MOST = 200


class CaseFile(NamedTuple):
    """A file: ``state`` is ``held``, ``missing``, ``elsewhere`` or ``corrupt``; time in microseconds, 0 for none.

    ``sniffed_type`` is what the bytes are, empty where they are not held.
    """

    digest: str
    section: int
    kind: int
    size_bytes: int
    sniffed_type: str
    captured_time: int
    state: str


async def files_of(session: ReadSession, row: CaseRow, digest: str = "") -> list[CaseFile]:
    """Returns the files of a case by section and time, or the one with a digest (64 hex digits)."""
    cursor = await session.driver.execute(
        "SELECT DISTINCT ON (r.digest) encode(r.digest, 'hex'), r.section, r.kind, r.size_bytes,"
        " coalesce(a.sniffed_type, ''), coalesce((extract(epoch FROM r.captured_time) * 1000000)::bigint, 0),"
        " CASE WHEN r.state = 'held' AND a.state IS DISTINCT FROM 'held' THEN coalesce(a.state, 'missing')"
        " ELSE r.state END FROM attachment_refs r LEFT JOIN attachments a USING (digest)"
        " WHERE r.home_region = %s AND r.case_id = %s::uuid AND (%s::text = '' OR r.digest = decode(%s, 'hex'))"
        " ORDER BY r.digest, r.state = 'held' DESC, r.section LIMIT %s",
        (row.home_region, row.case_id.hex(), digest, digest, MOST),
    )
    found = [CaseFile(*one) for one in await cursor.fetchall()]
    return sorted(found, key=lambda one: (one.section, one.captured_time, one.digest))
