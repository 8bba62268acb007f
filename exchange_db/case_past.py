"""What the log holds of cases up to an earlier moment: which cases changed since, and the records they had by then.

A moment of the log is a cursor for each partition. Called by ``hub.apply.replaying``.
"""

from collections.abc import Iterable, Sequence

from exchange_db.bulk import as_array
from exchange_db.inbox import InboxRow
from exchange_db.keys import partition_of
from exchange_db.records import RecordKind
from exchange_db.session import HotSession, ReadSession

Session = ReadSession | HotSession


async def keys_between(session: Session, since: Sequence[int], until: Sequence[int]) -> list[bytes]:
    """Returns the keys of cases that have records after one moment and up to another, by key."""
    cursor = await session.driver.execute(
        "SELECT DISTINCT uuid_send(i.record_key) FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY"
        " c(since, until, place) JOIN inbox i ON i.partition = c.place - 1 AND i.inbox_id > c.since"
        " AND i.inbox_id <= c.until WHERE i.record_kind = %s ORDER BY 1",
        (as_array(since), as_array(until), int(RecordKind.CASE)),
        binary=True,
    )
    return [row[0] for row in await cursor.fetchall()]


async def homes_of(session: Session, keys: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """Returns the cases among some keys as (home_region, case_id).

    There are few regions cases come from, so each is looked into by its key.
    """
    cursor = await session.driver.execute(
        "WITH RECURSIVE homes(home_region) AS ((SELECT min(home_region) FROM cases) UNION ALL"
        " SELECT (SELECT min(c.home_region) FROM cases c WHERE c.home_region > homes.home_region) FROM homes"
        " WHERE homes.home_region IS NOT NULL)"
        " SELECT c.home_region, uuid_send(c.case_id) FROM homes CROSS JOIN unnest(%s::uuid[]) k(case_id)"
        " JOIN cases c ON c.home_region = homes.home_region AND c.case_id = k.case_id ORDER BY 2",
        ([key.hex() for key in keys],),
        binary=True,
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def records_until(session: Session, keys: Sequence[tuple[int, bytes]], cursors: Sequence[int]) -> list[InboxRow]:
    """Returns the records of some cases that had taken effect at a moment, in the order of the log."""
    cursor = await session.driver.execute(
        "SELECT r.partition, r.inbox_id, i.stream_id, i.sequence, uuid_send(r.case_id), i.facts FROM ("
        "SELECT DISTINCT s.case_id, s.inbox_id, k.partition"
        " FROM unnest(%s::int[], %s::uuid[], %s::smallint[], %s::bigint[])"
        " k(home_region, case_id, partition, cursor_id)"
        " JOIN case_sections s ON s.home_region = k.home_region AND s.case_id = k.case_id"
        " AND s.inbox_id <= k.cursor_id) r"
        " JOIN inbox i ON i.partition = r.partition AND i.inbox_id = r.inbox_id ORDER BY 2",
        (
            as_array(home for home, _ in keys),
            [key.hex() for _, key in keys],
            as_array(partition_of(key) for _, key in keys),
            as_array(cursors[partition_of(key)] for _, key in keys),
        ),
        binary=True,
    )
    return [InboxRow(*row) for row in await cursor.fetchall()]
