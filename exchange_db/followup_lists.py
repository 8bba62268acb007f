"""Lists of cases somebody must look at: overdue, reworked, disputed, from above, suspended, wrongly sent, alike.

Each list is a condition on cases as they stand, read along the index on region and time of report, which never
change; no index stands on anything a list asks for. Regions of the reader stand in every query. Called by
``hub.followup``.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from exchange_db.cases import CaseState
from exchange_db.ranges import within
from exchange_db.records import HandlingState
from exchange_db.regions import Regions
from exchange_db.session import ReadSession, WriteSession


class Selector(StrEnum):
    """A list."""

    OVERDUE = "overdue"
    REOPENED = "reopened"
    DISPUTED = "disputed"
    UPPER_TIER = "upper-tier"
    SUSPENDED = "suspended"
    SUSPENSION_ENDING = "suspension-ending"
    UNSENT = "unsent"
    RETURNED = "returned"
    MISDISPATCHED = "misdispatched"


class ListRules(NamedTuple):
    """What the lists depend on: the hub's clock, and settings of its tenant.

    Args:
        now: microseconds since 1970.
        horizon_days: cases reported longer ago are left out.
        unsent_minutes: how long a filed case may wait for its dispatch.
        ending_days: how long before its end a suspension is listed.
        upper_sources: sources that stand for a task from above.
        upper_regions: home regions that lie above the hub's.
        responsible: region to the platforms that may be given its cases, as JSON; others go by their own region.
    """

    now: int
    horizon_days: int
    unsent_minutes: int
    ending_days: int
    upper_sources: tuple[str, ...]
    upper_regions: tuple[int, ...]
    responsible: str = "{}"


class Listed(NamedTuple):
    """A case in a list, and since when it belongs there; times are microseconds since 1970, 0 for none."""

    home_region: int
    case_id: bytes
    issuer_id: str
    case_no: str
    region: int
    state: int
    class_key: str
    source_code: str
    authority_id: str
    handler_id: str
    unit_code: str
    is_supervised: bool
    reported_time: int
    deadline_time: int
    since_time: int
    until_time: int
    rework_count: int
    return_count: int
    assignment_inbox_id: int


class Place(NamedTuple):
    """Where a page begins: the last case shown."""

    region: int
    reported_time: int
    case_id: bytes


class Pair(NamedTuple):
    """Two cases that may be one problem; the first was reported earlier. ``metres`` is about right."""

    region: int
    class_key: str
    first_case_id: bytes
    first_issuer_id: str
    first_case_no: str
    first_time: int
    second_case_id: bytes
    second_issuer_id: str
    second_case_no: str
    second_time: int
    metres: float


_S = CaseState
_OPEN = ", ".join(
    str(int(state)) for state in (_S.FILED, _S.DISPATCHING, _S.DISPOSING, _S.DISPOSED, _S.CHECKING, _S.DISPUTED)
)
_NOT_OVER = ", ".join(
    str(int(state)) for state in CaseState if state not in (_S.CLOSED, _S.VOID, _S.MERGED, _S.NOT_ACCEPTED)
)
_NOW = "('1970-01-01Z'::timestamptz + %(now)s * interval '1 microsecond')"
#: A platform answers for its own region and what lies below it, unless a list names others for the region.
_HANDLER_REGION = "left(c.handler_id, 6)::int"
_ANSWERS_FOR = (
    f"CASE WHEN %(responsible)s::jsonb ? lpad(c.region::text, 6, '0')"
    " THEN %(responsible)s::jsonb -> lpad(c.region::text, 6, '0') ? c.handler_id"
    f" ELSE {_HANDLER_REGION} IN (c.region, c.region / 100 * 100, c.region / 10000 * 10000, 0) END"
)
_FROM_ABOVE = "(c.source_code = ANY(%(upper_sources)s) OR c.home_region = ANY(%(upper_regions)s))"
_WAITS_LONG = f"c.reported_time < {_NOW} - %(unsent_minutes)s * interval '1 minute'"
#: List to its condition and the moment since which a case belongs there.
CONDITIONS: Mapping[Selector, tuple[str, str]] = MappingProxyType(
    {
        Selector.OVERDUE: (f"c.state IN ({_OPEN}) AND c.deadline_time < {_NOW}", "c.deadline_time"),
        Selector.REOPENED: (f"c.rework_count > 0 AND c.state IN ({_NOT_OVER})", "c.dispatched_time"),
        Selector.DISPUTED: (f"c.state = {_S.DISPUTED:d}", "c.dispatched_time"),
        Selector.UPPER_TIER: (
            f"c.state IN ({_NOT_OVER}) AND {_FROM_ABOVE}",
            "c.reported_time",
        ),
        Selector.SUSPENDED: (f"c.state = {_S.SUSPENDED:d}", "c.suspended_time"),
        Selector.SUSPENSION_ENDING: (
            f"c.state = {_S.SUSPENDED:d} AND c.suspended_until_time < {_NOW} + %(ending_days)s * interval '1 day'",
            "c.suspended_time",
        ),
        Selector.UNSENT: (
            f"c.state IN ({_S.FILED:d}, {_S.DISPATCHING:d}) AND {_WAITS_LONG}",
            "c.reported_time",
        ),
        Selector.RETURNED: (
            f"(c.return_count > 0 OR c.handling_state = {HandlingState.RETURNED:d}) AND c.state IN ({_NOT_OVER})",
            "c.dispatched_time",
        ),
        Selector.MISDISPATCHED: (
            f"c.handler_id <> '' AND c.state IN ({_NOT_OVER}) AND NOT ({_ANSWERS_FOR})",
            "c.dispatched_time",
        ),
    }
)


def _microseconds(name: str) -> str:
    return f"coalesce((extract(epoch FROM {name}) * 1000000)::bigint, 0)"


def _values(rules: ListRules) -> dict[str, Any]:
    return rules._asdict() | {
        "upper_sources": list(rules.upper_sources),
        "upper_regions": list(rules.upper_regions),
    }


def _condition(selector: Selector, regions: Regions) -> str:
    return (
        f"{within('c.region', regions)} AND c.reported_time >= {_NOW} - %(horizon_days)s * interval '1 day'"
        f" AND {CONDITIONS[selector][0]}"
    )


def listing_query(selector: Selector, regions: Regions, after: Place | None, limit: int) -> str:
    """Returns the query of one page; its plan is measured."""
    since = CONDITIONS[selector][1]
    page = (
        " AND (c.region, c.reported_time, c.case_id) > (%(after_region)s, '1970-01-01Z'::timestamptz"
        " + %(after_time)s * interval '1 microsecond', %(after_id)s::uuid)"
        if after is not None
        else ""
    )
    return (
        "SELECT c.home_region, uuid_send(c.case_id), c.issuer_id, c.case_no, c.region, c.state, c.class_key,"  # noqa: S608 — constants
        " c.source_code, c.authority_id, c.handler_id, c.unit_code, c.is_supervised,"
        f" {_microseconds('c.reported_time')}, {_microseconds('c.deadline_time')}, {_microseconds(since)},"
        f" {_microseconds('c.suspended_until_time')}, c.rework_count, c.return_count, c.assignment_inbox_id"
        f" FROM cases c WHERE {_condition(selector, regions)}{page}"
        f" ORDER BY c.region, c.reported_time, c.case_id LIMIT {limit:d}"
    )


async def listing(
    session: ReadSession, selector: Selector, regions: Regions, rules: ListRules, after: Place | None, limit: int
) -> list[Listed]:
    """Returns one page of a list, by region and time of report."""
    values = _values(rules)
    if after is not None:
        values |= {"after_region": after.region, "after_time": after.reported_time, "after_id": after.case_id.hex()}
    cursor = await session.driver.execute(listing_query(selector, regions, after, limit), values, binary=True)
    return [Listed(*row) for row in await cursor.fetchall()]


async def counts(session: ReadSession, regions: Regions, rules: ListRules) -> dict[Selector, int]:
    """Returns how many cases stand in each list, counted in one pass."""
    counted = ", ".join(f"count(*) FILTER (WHERE {CONDITIONS[selector][0]})" for selector in Selector)
    cursor = await session.driver.execute(
        f"SELECT {counted} FROM cases c WHERE {within('c.region', regions)}"  # noqa: S608 — constants
        f" AND c.reported_time >= {_NOW} - %(horizon_days)s * interval '1 day' AND c.state IN ({_NOT_OVER})",
        _values(rules),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — counts give a row
    return {selector: int(count) for selector, count in zip(Selector, row, strict=True)}


#: Metres between two positions of one system: degrees on a sphere, or metres on the city's plane.
_METRES = (
    "CASE WHEN c.crs = 5 THEN sqrt((a.x - c.x) ^ 2 + (a.y - c.y) ^ 2)"
    " ELSE 111320 * sqrt(((a.x - c.x) * cos(radians(c.y))) ^ 2 + (a.y - c.y) ^ 2) END"
)


async def duplicates(
    session: ReadSession, regions: Regions, first_time: int, hours: int, metres: float, limit: int
) -> list[Pair]:
    """Returns pairs of open cases of one class that lie near each other in place and time, newest first.

    Pairs that were looked at and cleared are left out, and so is what was merged, voided or not accepted.

    Args:
        session: any session that reads.
        regions: regions of the reader.
        first_time: the later case of a pair was not reported before this moment, microseconds since 1970.
        hours: most hours between the two reports.
        metres: most metres between the two places.
        limit: most pairs.
    """
    gone = f"{_S.NOT_ACCEPTED:d}, {_S.VOID:d}, {_S.MERGED:d}"
    cursor = await session.driver.execute(
        "SELECT c.region, c.class_key, uuid_send(a.case_id), a.issuer_id, a.case_no,"  # noqa: S608 — constants
        f" {_microseconds('a.reported_time')},"
        f" uuid_send(c.case_id), c.issuer_id, c.case_no, {_microseconds('c.reported_time')}, ({_METRES})::float8"
        " FROM cases c JOIN cases a ON a.region = c.region AND a.class_key = c.class_key AND a.crs = c.crs"
        " AND a.reported_time BETWEEN c.reported_time - %(hours)s * interval '1 hour' AND c.reported_time"
        " AND (a.reported_time, a.case_id) < (c.reported_time, c.case_id)"
        f" WHERE {within('c.region', regions)} AND c.crs > 0 AND c.state NOT IN ({gone}) AND a.state NOT IN ({gone})"
        " AND c.reported_time >= '1970-01-01Z'::timestamptz + %(first)s * interval '1 microsecond'"
        f" AND {_METRES} <= %(metres)s AND NOT EXISTS (SELECT FROM followup_cleared_pairs k WHERE k.region = c.region"
        " AND k.first_case_id = a.case_id AND k.second_case_id = c.case_id)"
        f" ORDER BY c.reported_time DESC, c.case_id, a.reported_time, a.case_id LIMIT {limit:d}",
        {"hours": hours, "metres": metres, "first": first_time},
        binary=True,
    )
    return [Pair(*row) for row in await cursor.fetchall()]


async def clear_pair(session: WriteSession, pair: Pair, cleared_by: str, reason: str) -> bool:
    """Notes that somebody judged a pair not to be one problem; tells whether it is new."""
    cursor = await session.driver.execute(
        "INSERT INTO followup_cleared_pairs (region, first_case_id, second_case_id, cleared_by, reason)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (pair.region, UUID(bytes=pair.first_case_id), UUID(bytes=pair.second_case_id), cleared_by, reason),
    )
    return cursor.rowcount == 1
