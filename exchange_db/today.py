"""What the overview tells of today and of what waits for people: kept sums and bounded counts, never a scan of cases.

Called by ``hub.console``.
"""

from typing import NamedTuple
from uuid import UUID

from exchange_db.ranges import within
from exchange_db.regions import Regions
from exchange_db.session import ReadSession

#: Where counting what is open in quarantine stops.
COUNTED_HELD = 10_000


class DayCounts(NamedTuple):
    """What was done with cases on one day, as far as it is folded: a few seconds late."""

    reported: int
    filed: int
    dispatched: int
    disposed: int
    closed: int


class HeldReason(NamedTuple):
    """How many records are open in quarantine for one reason, counted up to ``COUNTED_HELD`` in all."""

    reason: str
    record_count: int


class OpenProposal(NamedTuple):
    """A sensitive operation that waits for a second person."""

    proposal_id: UUID
    operation: str
    object: str
    proposer: str


async def day_counts(session: ReadSession, day: int, regions: Regions) -> DayCounts:
    """Returns the sums of one day's figures.

    Args:
        session: any transaction.
        day: year * 10000 + month * 100 + day.
        regions: what the reader may see.
    """
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in DayCounts._fields)
    cursor = await session.driver.execute(
        f"SELECT {sums} FROM figure_days WHERE day = %s AND {within('region', regions)}",  # noqa: S608 — constants
        (day,),
    )
    row = await cursor.fetchone()
    return DayCounts(*(row or (0,) * len(DayCounts._fields)))


async def held_reasons(session: ReadSession, visible: Regions | None) -> list[HeldReason]:
    """Returns what is open in quarantine by reason, most first."""
    condition = "true" if visible is None else within("region", visible)
    cursor = await session.driver.execute(
        "SELECT reason, count(*) FROM (SELECT reason FROM quarantine WHERE resolution = 'open'"  # noqa: S608 — constants
        f" AND {condition} ORDER BY quarantine_id DESC LIMIT %s) held GROUP BY reason ORDER BY 2 DESC, 1",
        (COUNTED_HELD,),
    )
    return [HeldReason(*row) for row in await cursor.fetchall()]


async def open_proposals(session: ReadSession, limit: int) -> list[OpenProposal]:
    """Returns the newest operations that wait for a second person."""
    cursor = await session.driver.execute(
        "SELECT proposal_id, operation, object, proposer FROM proposals WHERE state = 'open' AND expires_time > now()"
        " ORDER BY made_time DESC LIMIT %s",
        (limit,),
    )
    return [OpenProposal(*row) for row in await cursor.fetchall()]
