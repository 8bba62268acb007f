"""Letters that are proposed about frequent problems: what a day's reports lead to, and how each proposal ends.

A problem is a class in a grid or at a unit of one region. Regions of the reader stand in every query. Called by
``hub.followup``; times are microseconds since 1970, 0 for none.
"""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from exchange_db.document_records import SubjectCase
from exchange_db.keys import PARTITION_COUNT
from exchange_db.ranges import within
from exchange_db.regions import Regions
from exchange_db.session import ReadSession, WriteSession


class Reported(NamedTuple):
    """A case of a day that may be part of a frequent problem; ``payload`` is its report as it came."""

    region: int
    issuer_id: str
    case_no: str
    class_key: str
    unit_code: str
    handler_id: str
    payload: bytes
    assignment_payload: bytes | None


class ProposalRow(Struct, frozen=True, kw_only=True):
    """A proposed letter. ``step`` counts from 0 inside its chain; ``letter_kind`` is a ``DocumentKind``."""

    region: int
    proposal_id: UUID
    chain_id: UUID
    step: int
    class_key: str
    place: str
    is_by_unit: bool
    day: date
    addressee_id: str
    unit_code: str
    unit_name: str
    cases: tuple[SubjectCase, ...]
    letter_kind: int
    days: int
    made_time: int
    state: str = "proposed"
    decided_time: int = 0
    decided_by: str = ""
    reason: str = ""
    document_id: str = ""
    deadline_time: int = 0
    ended_time: int = 0

    @property
    def problem(self) -> tuple[str, str]:
        """What it is about: class and place."""
        return (self.class_key, self.place)


class Pending(NamedTuple):
    """A letter that was sent, and the answer to it as it stands: state 0 for none."""

    proposal: ProposalRow
    answer_state: int
    answered_time: int
    is_withdrawn: bool


class ProposalFilter(NamedTuple):
    """What a list is narrowed to; ``after`` is (made_time, proposal_id) of the last row shown."""

    regions: Regions
    states: tuple[str, ...] = ()
    after: tuple[int, UUID] | None = None


_TIMES = ("made_time", "decided_time", "deadline_time", "ended_time")
_COLUMNS = ProposalRow.__struct_fields__


def _selected(table: str) -> str:
    return ", ".join(
        f"coalesce((extract(epoch FROM {table}.{name}) * 1000000)::bigint, 0)"
        if name in _TIMES
        else f"{table}.cases::text"
        if name == "cases"
        else f"{table}.{name}"
        for name in _COLUMNS
    )


def _moment(name: str) -> str:
    return f"'1970-01-01Z'::timestamptz + %({name})s * interval '1 microsecond'"


def _row(values: tuple[Any, ...]) -> ProposalRow:
    found = dict(zip(_COLUMNS, values, strict=True))
    found["cases"] = tuple(msgspec.json.decode(found["cases"], type=list[SubjectCase]))
    return ProposalRow(**found)


async def reported(
    session: ReadSession, regions: Regions, first_time: int, last_time: int, least: int
) -> list[Reported]:
    """Returns the cases reported in a span of time whose class came up often enough in their region.

    Void, merged and not accepted ones are left out.
    """
    partition = f"get_byte(uuid_send(c.case_id), 0) %% {PARTITION_COUNT}"
    cursor = await session.driver.execute(
        "WITH day AS MATERIALIZED (SELECT c.*, count(*) OVER (PARTITION BY c.region, c.class_key) AS times"  # noqa: S608 — constants
        f" FROM cases c WHERE {within('c.region', regions)} AND c.state NOT IN (3, 10, 12)"
        f" AND c.reported_time >= {_moment('first')} AND c.reported_time < {_moment('last')})"
        " SELECT c.region, c.issuer_id, c.case_no, c.class_key, c.unit_code, c.handler_id, i.payload, a.payload"
        f" FROM day c JOIN inbox i ON i.partition = {partition} AND i.inbox_id = c.report_inbox_id"
        f" LEFT JOIN inbox a ON c.assignment_inbox_id > 0 AND a.partition = {partition}"
        " AND a.inbox_id = c.assignment_inbox_id"
        " WHERE c.times >= %(least)s ORDER BY c.region, c.class_key, c.reported_time, c.case_id",
        {"first": first_time, "last": last_time, "least": least},
        binary=True,
    )
    return [Reported(*row) for row in await cursor.fetchall()]


async def add(session: WriteSession, rows: list[ProposalRow]) -> int:
    """Enters proposals; a step of a chain that is there already stays as it is. Returns how many are new."""
    count = 0
    for row in rows:
        values = asdict(row) | {"cases": msgspec.json.encode(row.cases).decode()}
        times = ", ".join(
            f"CASE WHEN %({name})s::bigint > 0 THEN {_moment(name)} END"
            if name in _TIMES
            else "%(cases)s::jsonb"
            if name == "cases"
            else f"%({name})s"
            for name in _COLUMNS
        )
        cursor = await session.driver.execute(
            f"INSERT INTO followup_proposals ({', '.join(_COLUMNS)}) VALUES ({times})"  # noqa: S608 — constants
            " ON CONFLICT (region, chain_id, step) DO NOTHING",
            values,
        )
        count += cursor.rowcount
    return count


async def listing(session: ReadSession, wanted: ProposalFilter, limit: int) -> list[ProposalRow]:
    """Returns proposals, the newest first."""
    conditions, values = [within("p.region", wanted.regions)], dict[str, Any]()
    if wanted.states:
        conditions.append("p.state = ANY(%(states)s)")
        values["states"] = list(wanted.states)
    if wanted.after is not None:
        conditions.append(f"(p.made_time, p.proposal_id) < ({_moment('after')}, %(after_id)s)")
        values |= {"after": wanted.after[0], "after_id": wanted.after[1]}
    cursor = await session.driver.execute(
        f"SELECT {_selected('p')} FROM followup_proposals p WHERE {' AND '.join(conditions)}"  # noqa: S608 — constants
        f" ORDER BY p.made_time DESC, p.proposal_id DESC LIMIT {limit:d}",
        values,
    )
    return [_row(row) for row in await cursor.fetchall()]


async def find(
    session: ReadSession, proposal_id: UUID, regions: Regions, *, for_update: bool = False
) -> ProposalRow | None:
    """Returns one proposal inside the regions a reader may see; locked where it is about to change."""
    cursor = await session.driver.execute(
        f"SELECT {_selected('p')} FROM followup_proposals p"  # noqa: S608 — constants
        f" WHERE {within('p.region', regions)} AND p.proposal_id = %s{' FOR UPDATE' if for_update else ''}",
        (proposal_id,),
    )
    row = await cursor.fetchone()
    return _row(row) if row else None


async def chain(session: ReadSession, region: int, chain_id: UUID) -> list[ProposalRow]:
    """Returns the proposals of one chain, the first step first."""
    cursor = await session.driver.execute(
        f"SELECT {_selected('p')} FROM followup_proposals p"  # noqa: S608 — constants
        " WHERE p.region = %s AND p.chain_id = %s ORDER BY p.step",
        (region, chain_id),
    )
    return [_row(row) for row in await cursor.fetchall()]


async def since(session: ReadSession, regions: Regions, day: date) -> list[ProposalRow]:
    """Returns the proposals of a day and later, and those that are not over yet, oldest first."""
    cursor = await session.driver.execute(
        f"SELECT {_selected('p')} FROM followup_proposals p WHERE {within('p.region', regions)}"  # noqa: S608 — constants
        " AND (p.day >= %s OR p.state IN ('proposed', 'sent')) ORDER BY p.day, p.made_time, p.step",
        (day,),
    )
    return [_row(row) for row in await cursor.fetchall()]


async def pending(session: ReadSession, regions: Regions, issuer_id: str, home_region: int) -> list[Pending]:
    """Returns the letters that were sent and not answered in time, with the answers that have come since."""
    cursor = await session.driver.execute(
        f"SELECT {_selected('p')}, d.answer_state,"  # noqa: S608 — constants
        " coalesce((extract(epoch FROM d.answered_time) * 1000000)::bigint, 0), d.is_withdrawn"
        " FROM followup_proposals p JOIN documents d ON d.home_region = %s AND d.issuer_id = %s"
        " AND d.document_id = p.document_id"
        f" WHERE {within('p.region', regions)} AND p.state IN ('sent', 'unanswered') ORDER BY p.made_time, p.step",
        (home_region, issuer_id),
    )
    return [Pending(_row(row[: len(_COLUMNS)]), *row[len(_COLUMNS) :]) for row in await cursor.fetchall()]


async def save(session: WriteSession, row: ProposalRow) -> None:
    """Writes how a proposal stands now; what never changes is not written."""
    await session.driver.execute(
        "UPDATE followup_proposals SET state = %(state)s, decided_by = %(decided_by)s, reason = %(reason)s,"  # noqa: S608 — constants
        " addressee_id = %(addressee_id)s, document_id = %(document_id)s,"
        f" decided_time = CASE WHEN %(decided_time)s::bigint > 0 THEN {_moment('decided_time')} END,"
        f" deadline_time = CASE WHEN %(deadline_time)s::bigint > 0 THEN {_moment('deadline_time')} END,"
        f" ended_time = CASE WHEN %(ended_time)s::bigint > 0 THEN {_moment('ended_time')} END"
        " WHERE region = %(region)s AND proposal_id = %(proposal_id)s",
        {name: getattr(row, name) for name in _COLUMNS if name != "cases"},
    )


async def counts(session: ReadSession, regions: Regions) -> dict[str, int]:
    """Returns how many proposals stand in each state."""
    cursor = await session.driver.execute(
        f"SELECT state, count(*) FROM followup_proposals p WHERE {within('p.region', regions)} GROUP BY state"  # noqa: S608 — constants
    )
    return {state: int(count) for state, count in await cursor.fetchall()}
