"""Cases as they stand: loading the ones a run touches, writing them back in bulk, reading them for people.

``CaseRow`` is one row of ``cases``; its fields are the columns, in order. Called by ``hub.apply`` (load, save) and
``hub.rpc`` (find, list). Bulk writing needs the single writer that a partition guarantees: new rows go straight
into the table, changed ones through a stage.
"""

from enum import IntEnum
from functools import lru_cache
from operator import attrgetter
from struct import Struct as Packer
from typing import Any, NamedTuple

from msgspec import Struct
from psycopg import AsyncConnection

from exchange_db.bulk import (
    CopyTarget,
    KeyArray,
    KeyArrayDumper,
    as_array,
    copy_rows,
    copy_while_packing,
    pack_label,
    pack_text,
    pack_times,
)
from exchange_db.ranges import named_within, within
from exchange_db.records import Action
from exchange_db.regions import Regions
from exchange_db.session import POSTGRES_EPOCH, HotSession, ReadSession


class Section(IntEnum):
    """Sections of a case; the numbers are stored."""

    REPORT = 1
    ASSIGNMENT = 2
    HANDLING = 3
    VERDICT = 4
    #: Not a section: something time brought about, told by a hub.
    EVENT = 5


class CaseState(IntEnum):
    """State of a case in the neutral words; the numbers are stored."""

    REPORTED = 1
    VERIFYING = 2
    NOT_ACCEPTED = 3
    FILED = 4
    DISPATCHING = 5
    DISPOSING = 6
    DISPOSED = 7
    CHECKING = 8
    CLOSED = 9
    VOID = 10
    SUSPENDED = 11
    MERGED = 12
    DISPUTED = 13


class AppealState(IntEnum):
    """What became of the handling platform's appeal (申诉); the numbers are stored."""

    NONE = 0
    ASKED = 1
    UPHELD = 2
    REJECTED = 3


class CaseRow(Struct):
    """One case as it stands. Times are microseconds since 1970, 0 for none; section states are 0 while absent."""

    home_region: int
    case_id: bytes
    issuer_id: str
    case_no: str
    region: int = 0
    state: int = 0
    class_key: str = ""
    source_code: str = ""
    authority_id: str = ""
    handler_id: str = ""
    unit_code: str = ""
    grid_code: str = ""
    is_self_handled: bool = False
    is_supervised: bool = False
    is_ruled: bool = False
    extension_count: int = 0
    rework_count: int = 0
    return_count: int = 0
    check_levels: int = 0
    appeal_state: int = 0
    reported_time: int = 0
    deadline_time: int = 0
    dispatched_time: int = 0
    dispatched_on_time: int = 0
    close_requested_time: int = 0
    closed_time: int = 0
    suspended_time: int = 0
    suspended_until_time: int = 0
    resumed_deadline_time: int = 0
    request_time: int = 0
    accepted_time: int = 0
    verified_time: int = 0
    filed_time: int = 0
    check_sent_time: int = 0
    check_answered_time: int = 0
    report_state: int = 0
    assignment_state: int = 0
    handling_state: int = 0
    verdict_state: int = 0
    handling_round: int = 0
    verdict_round: int = 0
    report_revision: int = 0
    assignment_revision: int = 0
    handling_revision: int = 0
    verdict_revision: int = 0
    report_inbox_id: int = 0
    assignment_inbox_id: int = 0
    handling_inbox_id: int = 0
    verdict_inbox_id: int = 0
    crs: int = 0
    x: float = 0.0
    y: float = 0.0

    def section_inbox_ids(self) -> list[int]:
        """Returns the inbox rows that hold the sections in force, each once, rising."""
        ids = {self.report_inbox_id, self.assignment_inbox_id, self.handling_inbox_id, self.verdict_inbox_id}
        return sorted(ids - {0})


COLUMNS: tuple[str, ...] = CaseRow.__struct_fields__
_NAMES = ", ".join(COLUMNS)
_FIRST_TIME = COLUMNS.index("reported_time")
_LAST_TIME = COLUMNS.index("check_answered_time")

_HEAD = Packer(">h ii i16s")
_MIDDLE = Packer(">ii ih")
_FLAGS = Packer(">i? i? i? ih ih ih ih ih iq")
_TAIL = Packer(">ih ih ih ih ih ih ii ii ii ii iq iq iq iq ih id id")
_TIME_FIELDS = attrgetter(*COLUMNS[_FIRST_TIME + 1 : _LAST_TIME + 1])
_TAIL_FIELDS = attrgetter(*COLUMNS[COLUMNS.index("report_state") :])

_CASES = CopyTarget.of("cases", COLUMNS)
_STAGE = CopyTarget.of("stage_cases", COLUMNS)
_UPDATE = (
    f"UPDATE cases c SET {', '.join(f'{name} = s.{name}' for name in COLUMNS[4:])}"  # noqa: S608 — constants
    " FROM stage_cases s WHERE c.home_region = s.home_region AND c.case_id = s.case_id"
)
_SECTIONS = CopyTarget.of(
    "case_sections",
    ("home_region", "case_id", "section", "inbox_id", "revision", "state", "step_time", "origin_id"),
)
_SECTION_ROW = Packer(">h ii i16s ih iq ii ih iq")
_ACTION_COLUMNS = (
    "home_region", "case_id", "action_id", "action_time", "kind", "platform_id", "actor_ref", "opinion",
)  # fmt: skip
_ACTIONS = CopyTarget.of("case_actions", _ACTION_COLUMNS)
_ACTION_STAGE = CopyTarget.of("stage_actions", _ACTION_COLUMNS)
_ACTION_ROW = Packer(">h ii i16s i16s iq")


class ActionRow(NamedTuple):
    """An action of a case."""

    home_region: int
    case_id: bytes
    action: Action


async def prepare(driver: AsyncConnection[Any]) -> None:
    """Makes the stages a worker's connection needs, and pins its plans to the keys; once after connecting."""
    driver.adapters.register_dumper(KeyArray, KeyArrayDumper)
    await driver.execute("SET enable_hashjoin = off")
    await driver.execute("SET enable_mergejoin = off")
    await driver.execute("CREATE TEMP TABLE IF NOT EXISTS stage_cases (LIKE cases) ON COMMIT DELETE ROWS")
    await driver.execute("CREATE TEMP TABLE IF NOT EXISTS stage_actions (LIKE case_actions) ON COMMIT DELETE ROWS")


async def load(session: HotSession, keys: list[tuple[int, bytes]]) -> dict[bytes, CaseRow]:
    """Returns the known ones of the cases named by (home_region, case_id), by case_id."""
    cursor = await session.driver.execute(
        f"SELECT c.home_region, uuid_send(c.case_id), {', '.join('c.' + name for name in COLUMNS[2:])}"  # noqa: S608
        " FROM unnest(%s::int[], %b::uuid[]) k(home_region, case_id)"
        " JOIN cases c ON c.home_region = k.home_region AND c.case_id = k.case_id",
        (as_array(region for region, _ in keys), KeyArray([case_id for _, case_id in keys])),
        binary=True,
    )
    return {row[1]: _from_driver(row) for row in await cursor.fetchall()}


def _from_driver(row: tuple[Any, ...]) -> CaseRow:
    times = [time + POSTGRES_EPOCH if time is not None else 0 for time in row[_FIRST_TIME : _LAST_TIME + 1]]
    return CaseRow(*row[:_FIRST_TIME], *times, *row[_LAST_TIME + 1 :])


def pack(row: CaseRow) -> bytes:
    """Packs one row of ``cases`` for binary COPY."""
    return b"".join(
        (
            _HEAD.pack(len(COLUMNS), 4, row.home_region, 16, row.case_id),
            pack_label(row.issuer_id),
            pack_text(row.case_no),
            _MIDDLE.pack(4, row.region, 2, row.state),
            _pack_labels(row.class_key, row.source_code, row.authority_id, row.handler_id, row.unit_code),
            pack_label(row.grid_code),
            _FLAGS.pack(
                1, row.is_self_handled, 1, row.is_supervised, 1, row.is_ruled, 2, row.extension_count,
                2, row.rework_count, 2, row.return_count, 2, row.check_levels, 2, row.appeal_state,
                8, row.reported_time - POSTGRES_EPOCH,
            ),
            pack_times(_TIME_FIELDS(row)),
            _pack_tail(row),
        )
    )  # fmt: skip


@lru_cache(maxsize=65_536)
def _pack_labels(*labels: str) -> bytes:
    """Packs texts that come together again and again."""
    return b"".join(map(pack_text, labels))


def _pack_tail(row: CaseRow) -> bytes:
    (a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q, r) = _TAIL_FIELDS(row)
    return _TAIL.pack(
        2, a, 2, b, 2, c, 2, d, 2, e, 2, f, 4, g, 4, h, 4, i, 4, j, 8, k, 8, m, 8, n, 8, o, 2, p, 8, q, 8, r
    )  # fmt: skip


def _by_key(row: CaseRow) -> tuple[int, bytes]:
    return (row.home_region, row.case_id)


async def save(session: HotSession, new: list[CaseRow], changed: list[CaseRow]) -> None:
    """Writes cases that are new to the ledger and cases that were loaded and changed.

    Raises:
        psycopg.errors.UniqueViolation: another worker wrote one of the new cases: the lease was lost.
    """
    driver = session.driver
    await copy_while_packing(driver, _CASES, map(pack, sorted(new, key=_by_key)))
    if changed:
        await copy_while_packing(driver, _STAGE, map(pack, sorted(changed, key=_by_key)))
        await driver.execute(_UPDATE)


class SectionStep(NamedTuple):
    """A section that took effect: the state of the case after it, and when the step was taken."""

    section: Section
    revision: int
    state: int
    step_time: int


def pack_section(home_region: int, case_id: bytes, inbox_id: int, step: SectionStep, origin_id: str) -> bytes:
    """Packs one row of ``case_sections`` for binary COPY; packed rows sort by their key."""
    section, revision, state, step_time = step
    packed = _SECTION_ROW.pack(
        8, 4, home_region, 16, case_id, 2, section, 8, inbox_id, 4, revision, 2, state, 8, step_time - POSTGRES_EPOCH
    )
    return packed + pack_label(origin_id)


async def add_sections(session: HotSession, rows: list[bytes]) -> None:
    """Appends packed sections that took effect."""
    await copy_rows(session.driver, _SECTIONS, sorted(rows))


async def add_actions(session: HotSession, rows: list[ActionRow]) -> None:
    """Unites actions with those known already, by action_id."""
    if not rows:
        return
    packed = [
        b"".join(
            (
                _ACTION_ROW.pack(
                    8, 4, home, 16, case_id, 16, bytes.fromhex(action.action_id.replace("-", "")),
                    8, action.action_time - POSTGRES_EPOCH,
                ),
                pack_text(action.kind),
                pack_text(action.platform_id),
                pack_text(action.actor_ref),
                pack_text(action.opinion),
            )
        )
        for home, case_id, action in rows
    ]  # fmt: skip
    await copy_rows(session.driver, _ACTION_STAGE, packed)
    await session.driver.execute(
        "INSERT INTO case_actions SELECT * FROM stage_actions ORDER BY home_region, case_id, action_id"
        " ON CONFLICT DO NOTHING"
    )


async def find(session: ReadSession, home_region: int, case_id: bytes, visible: Regions) -> CaseRow | None:
    """Returns one case inside the regions a reader may see, or one that somebody in them was given to handle."""
    rows = await _select(
        session,
        "home_region = %(home)s AND case_id = %(case_id)s::uuid"
        f" AND ({within('region', visible)} OR {named_within('handler_id', visible)})",
        {"home": home_region, "case_id": case_id.hex()},
        limit=1,
    )
    return rows[0] if rows else None


async def of_keys(session: ReadSession, keys: list[tuple[int, bytes]]) -> list[CaseRow]:
    """Returns the known ones of the cases named by (home_region, case_id), for people; in any order."""
    return await _select(
        session,
        "(home_region, case_id) IN (SELECT * FROM unnest(%(homes)s::int[], %(ids)s::uuid[]))",
        {"homes": [home for home, _ in keys], "ids": [case_id.hex() for _, case_id in keys]},
        limit=len(keys),
    )


class CaseFilter(NamedTuple):
    """What a list of cases is narrowed to. ``after`` is the (reported_time, case_id) of the last row shown."""

    regions: Regions
    state: int = 0
    handler_id: str = ""
    reported_from_time: int = 0
    reported_before_time: int = 0
    after: tuple[int, bytes] | None = None


async def listing(session: ReadSession, wanted: CaseFilter, limit: int) -> list[CaseRow]:
    """Returns cases, newest report first."""
    conditions = [within("region", wanted.regions)]
    values: dict[str, Any] = {}
    if wanted.state:
        conditions.append("state = %(state)s")
        values["state"] = wanted.state
    if wanted.handler_id:
        conditions.append("handler_id = %(handler)s")
        values["handler"] = wanted.handler_id
    for bound, sign in ((wanted.reported_from_time, ">="), (wanted.reported_before_time, "<")):
        if bound:
            name = "from" if sign == ">=" else "before"
            conditions.append(f"reported_time {sign} to_timestamp(%({name})s / 1000000.0)")
            values[name] = bound
    if wanted.after:
        conditions.append(
            "(reported_time, case_id) < ('1970-01-01Z'::timestamptz + %(after)s * interval '1 microsecond',"
            " %(after_id)s::uuid)"
        )
        values |= {"after": wanted.after[0], "after_id": wanted.after[1].hex()}
    return await _select(
        session, " AND ".join(conditions), values, limit, order="ORDER BY reported_time DESC, case_id DESC"
    )


async def _select(
    session: ReadSession, condition: str, values: dict[str, Any], limit: int, order: str = ""
) -> list[CaseRow]:
    microseconds = ", ".join(
        f"(extract(epoch FROM {name}) * 1000000)::bigint - {POSTGRES_EPOCH}"
        for name in COLUMNS[_FIRST_TIME : _LAST_TIME + 1]
    )
    cursor = await session.driver.execute(
        f"SELECT home_region, uuid_send(case_id), {', '.join(COLUMNS[2:_FIRST_TIME])}, {microseconds},"  # noqa: S608
        f" {', '.join(COLUMNS[_LAST_TIME + 1 :])} FROM cases WHERE {condition} {order} LIMIT {limit:d}",
        values,
        binary=True,
    )
    return [_from_driver(row) for row in await cursor.fetchall()]
