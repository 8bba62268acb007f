"""The cases behind a number, newest report first, page by page: those of a period that fit a condition.

A period's cases are mostly reported in it or shortly before, so they are looked for from its end backwards, one span of
time after another (``exchange_db.case_search``). What was reported after the end and counts all the same is a slip of a
clock; it comes last, so that nobody looks through all that is newer for it. Called by ``hub.statistics.reading``.
"""

from typing import Any, Final, NamedTuple

from exchange_db.case_search import Asked, Found, Key, by_place, rows_of
from exchange_db.regions import Regions
from exchange_db.session import ReadSession

_DAY: Final = 86_400_000_000
#: How long after its end a period's cases may be reported (``exchange_db.counting_sql.condition_of``).
_SLIP: Final = 31 * _DAY
#: About how many cases are tried for one page.
_DEPTH: Final = 20_000


class Wanted(NamedTuple):
    """Cases of some regions that fit a condition, SQL over ``cases`` made of constants, with its values.

    ``end_time`` is the end of the period in microseconds since 1970, ``after`` where the page before ended.
    """

    regions: Regions
    condition: str
    values: dict[str, Any]
    end_time: int
    after: tuple[int, bytes] | None = None


async def members(session: ReadSession, wanted: Wanted, size: int, *, is_bounded: bool) -> Found:
    """Returns one page.

    Args:
        session: a transaction that reads.
        wanted: what is looked for.
        size: most rows.
        is_bounded: give up after some ten thousand cases that do not fit and say how far it was looked; otherwise a
            page is full unless there are no more.
    """
    depth = _DEPTH if is_bounded else 0
    late = Asked(
        wanted.regions,
        from_time=wanted.end_time,
        before_time=wanted.end_time + _SLIP,
        after=wanted.after if wanted.after and wanted.after[0] >= wanted.end_time else None,
        condition=wanted.condition,
        values=wanted.values,
    )
    keys: list[Key] = []
    floor = None
    if late.after is None:
        due = late._replace(from_time=0, before_time=wanted.end_time, after=wanted.after)
        keys, floor = await by_place(session, due, size, wanted.end_time, depth)
    if floor is None and len(keys) <= size:
        more, floor = await by_place(session, late, size - len(keys), wanted.end_time, depth)
        keys += more
    shown = keys[:size]
    rows = await rows_of(session, shown)
    if len(keys) > size:
        return Found(rows, (shown[-1].reported_time, shown[-1].case_id))
    return Found(rows, floor, is_cut=floor is not None)
