"""What the figures still owe after an upgrade, and reading into the cases what older software left in the log alone.

Called by ``hub.statistics``.
"""

from typing import NamedTuple
from uuid import UUID

from exchange_db.keys import partition_of
from exchange_db.session import HotSession, ReadSession

#: Cases lack times and grids that the log holds.
REFILL = "refill"
#: Counters and days begin with nothing; all cases must be counted anew.
RECOUNT = "recount"
_MOMENT = "CASE WHEN %({0})s::bigint > 0 THEN '1970-01-01Z'::timestamptz + %({0})s * interval '1 microsecond' END"
_TIMES = ("accepted_time", "verified_time", "filed_time", "check_sent_time", "check_answered_time")


class Unfilled(NamedTuple):
    """A case without the newer facts, and the bytes of the report and the verdict in force."""

    home_region: int
    case_id: bytes
    report_inbox_id: int
    verdict_inbox_id: int
    report_payload: bytes | None
    verdict_payload: bytes | None


class Filling(NamedTuple):
    """The newer facts of a case; times are microseconds since 1970, 0 for none."""

    case: Unfilled
    grid_code: str
    accepted_time: int
    verified_time: int
    filed_time: int
    check_sent_time: int
    check_answered_time: int


async def duties(session: ReadSession) -> set[str]:
    """Returns what is owed."""
    cursor = await session.driver.execute("SELECT duty FROM figure_duties")
    return {row[0] for row in await cursor.fetchall()}


async def settle(session: ReadSession, duty: str) -> None:
    """Strikes a duty off."""
    await session.driver.execute("DELETE FROM figure_duties WHERE duty = %s", (duty,))


async def unfilled(session: ReadSession, after: tuple[int, bytes], limit: int) -> list[Unfilled]:
    """Returns the next cases, by key, that lack all newer facts; most of them have some in the log."""
    cursor = await session.driver.execute(
        "SELECT home_region, uuid_send(case_id), report_inbox_id, verdict_inbox_id FROM cases"  # noqa: S608 — constants
        " WHERE (home_region, case_id) > (%s, %s) AND grid_code = ''"
        f" AND {' AND '.join(f'{name} IS NULL' for name in _TIMES)} ORDER BY home_region, case_id LIMIT %s",
        (after[0], UUID(bytes=after[1]), limit),
    )
    rows = await cursor.fetchall()
    places = [(partition_of(bytes(row[1])), inbox_id) for row in rows for inbox_id in (row[2], row[3]) if inbox_id]
    cursor = await session.driver.execute(
        "SELECT i.inbox_id, i.payload FROM unnest(%s::smallint[], %s::bigint[]) r(partition, inbox_id)"
        " JOIN inbox i USING (partition, inbox_id)",
        ([place[0] for place in places], [place[1] for place in places]),
    )
    payloads = {row[0]: bytes(row[1]) for row in await cursor.fetchall()}
    return [Unfilled(row[0], bytes(row[1]), row[2], row[3], payloads.get(row[2]), payloads.get(row[3])) for row in rows]


async def fill(session: ReadSession | HotSession, found: list[Filling]) -> None:
    """Writes newer facts into cases that still stand as they were read."""
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            f"UPDATE cases SET grid_code = %(grid_code)s,"  # noqa: S608 — constants
            f" {', '.join(f'{name} = {_MOMENT.format(name)}' for name in _TIMES)}"
            " WHERE home_region = %(home)s AND case_id = %(case)s"
            " AND (report_inbox_id, verdict_inbox_id) = (%(report)s, %(verdict)s)",
            [
                {
                    "home": one.case.home_region, "case": UUID(bytes=one.case.case_id),
                    "report": one.case.report_inbox_id, "verdict": one.case.verdict_inbox_id,
                    "grid_code": one.grid_code, **{name: getattr(one, name) for name in _TIMES},
                }
                for one in found
            ],
        )  # fmt: skip
