"""Facts of cases for questions people put together themselves: one relation, read live or copied out by partition.

The relation ``facts`` has a row a case: codes, states and days, and for each counter how much the case counts. It has
no case number, position or text, so nobody can be found in it. What a counter means stands in
``exchange_db.counting_sql`` and nowhere else; engines that read copies only add up. Called by ``hub.questions``.
"""

from calendar import monthrange
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg import errors, sql

from exchange_db.counting import CountingRules
from exchange_db.counting_sql import days_of_case
from exchange_db.ranges import within
from exchange_db.records import COUNTERS
from exchange_db.regions import Regions, Subtree
from exchange_db.session import ReadSession

_LOCK = 0x53414E4A4933
#: Times whose day is a fact, by the name questions give them.
TIMES = {
    "reported": "reported_time",
    "accepted": "accepted_time",
    "filed": "filed_time",
    "dispatched": "dispatched_time",
    "deadline": "deadline_time",
    "close_requested": "close_requested_time",
    "closed": "closed_time",
}
#: From one time to another: microseconds, nothing where one of them is missing or they run backwards.
_DURATIONS = {
    "disposal_time": ("dispatched_time", "close_requested_time"),
    "closing_time": ("reported_time", "closed_time"),
}
_TEXTS = ("issuer_id", "handler_id", "authority_id", "unit_code", "grid_code", "source_code", "class_key")
_CODES = {"standard_ref": 1, "class_kind": 2, "class_code": 3}
_NUMBERS = ("region", "state", "appeal_state", "extension_count", "rework_count", "return_count")
_FLAGS = ("is_self_handled", "is_supervised", "is_ruled")
_DAYS = tuple(f"{name}_day" for name in TIMES)

#: Columns of the relation and their kinds: ``text``, ``int`` (32 bits) or ``bigint``. Durations alone may be NULL.
FACTS: dict[str, str] = {
    **dict.fromkeys((*_TEXTS, *_CODES), "text"),
    **dict.fromkeys((*_NUMBERS, *_FLAGS, *_DAYS, "reported_hour", "reported_weekday", *COUNTERS), "int"),
    **dict.fromkeys(_DURATIONS, "bigint"),
}


class Span(NamedTuple):
    """Days of one of ``TIMES``, as year*10000+month*100+day, both included."""

    time: str
    first_day: int
    last_day: int


class Part(NamedTuple):
    """Cases reported in one month (year*100+month) in one city (six digits), and a sum over all they say."""

    month: int
    city: int
    row_count: int
    row_sum: str


class QuestionTooSlow(Exception):
    """The answer was not there in time; nothing was changed."""


def version(rules: CountingRules) -> str:
    """Returns a name of how the facts are made; copies made otherwise cannot be asked together with these."""
    return sha256(_facts(rules, "true").encode()).hexdigest()[:16]


async def answer(
    session: ReadSession,
    statement: str,
    rules: CountingRules,
    regions: Regions,
    span: Span | None,
    seconds: float,
) -> list[tuple[Any, ...]]:
    """Answers one statement over the relation ``facts``, which holds no case outside ``regions``.

    Args:
        session: one consistent picture; read only, whatever the statement says.
        statement: a SELECT over ``facts`` without parameters, as ``hub.questions`` compiles it.
        rules: how cases are counted.
        regions: what the asker may see of what was asked for.
        span: narrows the cases before anything else is done.
        seconds: how long it may take.

    Raises:
        QuestionTooSlow: it takes longer.
    """
    await session.driver.execute(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000)):d}")
    try:
        cursor = await session.driver.execute(
            f"WITH facts AS ({_facts(rules, _where(rules, regions, span))}) {statement}".encode(),
            binary=True,  # asked for so, the driver sends one statement and no second one behind it
        )
        return await cursor.fetchall()
    except errors.QueryCanceled:
        raise QuestionTooSlow from None


async def try_alone(session: ReadSession) -> bool:
    """Tells whether nobody else copies facts of this ledger; holds until the session ends."""
    cursor = await session.driver.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,))
    row = await cursor.fetchone()
    return bool(row and row[0])


async def parts(session: ReadSession, rules: CountingRules) -> list[Part]:
    """Returns all partitions; a sum differs as soon as any case of the partition was changed, moved or added."""
    day = _day("reported_time", rules)
    cursor = await session.driver.execute(
        f"SELECT {day} / 100, region / 100 * 100, count(*),"  # noqa: S608 — made of constants and checked rules
        " sum(hash_record_extended(c, 0)::numeric)::text FROM cases c GROUP BY 1, 2 ORDER BY 1, 2".encode()
    )
    return [Part(*row) for row in await cursor.fetchall()]


async def copy_out(session: ReadSession, part: Part, rules: CountingRules) -> AsyncIterator[bytes]:
    """Yields the facts of one partition as CSV with a head; empty texts are quoted, missing durations are not."""
    first = part.month * 100
    where = _where(rules, Subtree(part.city, part.city + 99), Span("reported", first + 1, first + 31))
    text = (
        f"COPY (SELECT {', '.join(FACTS)} FROM ({_facts(rules, where)}) f"  # noqa: S608 — the same
        " ORDER BY region, reported_day, unit_code, class_key)"
        f" TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE ({', '.join((*_TEXTS, *_CODES))}))"
    )
    async with session.driver.cursor() as cursor, cursor.copy(text.encode()) as copy:
        async for piece in copy:
            yield bytes(piece)


def _facts(rules: CountingRules, where: str) -> str:
    columns = [*_TEXTS, *(f"split_part(class_key, '|', {part:d}) AS {name}" for name, part in _CODES.items())]
    columns += [f"{name}::int AS {name}" for name in (*_NUMBERS, *_FLAGS)]
    columns += [f"{_day(column, rules)} AS {name}_day" for name, column in TIMES.items()]
    local = _local("reported_time", rules)
    columns += [f"date_part('{part}', {local})::int AS reported_{name}" for name, part in _CLOCK.items()]
    columns += _amounts(rules)
    columns += [
        f"CASE WHEN {last} >= {first} THEN (extract(epoch FROM {last} - {first}) * 1000000)::bigint END AS {name}"
        for name, (first, last) in _DURATIONS.items()
    ]
    return f"SELECT {', '.join(columns)} FROM cases WHERE {where}"  # noqa: S608 — the same


_CLOCK = {"hour": "hour", "weekday": "isodow"}


def _where(rules: CountingRules, regions: Regions, span: Span | None) -> str:
    """Returns the condition on cases; of the days the bounds stand on the column itself, where its index helps."""
    inside = within("region", regions)
    if span is None:
        return inside
    column = TIMES[span.time]
    opening, closing = (">=", "<") if rules.is_midnight_next_month else (">", "<=")
    return (
        f"{inside} AND {column} {opening} {_instant(span.first_day, 0, rules)}"
        f" AND {column} {closing} {_instant(span.last_day, 1, rules)}"
    )


def _instant(day: int, days_later: int, rules: CountingRules) -> str:
    """Returns the beginning of a day in the hub's zone as SQL; a day past the end of its month is the last one."""
    year, month = day // 10_000, day // 100 % 100
    local = datetime(year, month, min(day % 100, monthrange(year, month)[1]), tzinfo=ZoneInfo(rules.zone))
    return f"'{(local + timedelta(days=days_later)).isoformat()}'::timestamptz"


def _local(column: str, rules: CountingRules) -> str:
    moment = column if rules.is_midnight_next_month else f"({column} - interval '1 microsecond')"
    return f"({moment} AT TIME ZONE {_quoted(rules.zone)})"


def _day(column: str, rules: CountingRules) -> str:
    local = _local(column, rules)
    parts_ = " + ".join(
        f"date_part('{part}', {local})::int * {factor}"
        for part, factor in (("year", 10_000), ("month", 100), ("day", 1))
    )
    return f"coalesce({parts_}, 0)"


def _amounts(rules: CountingRules) -> list[str]:
    """Returns how much a case counts for each counter, whatever the day it counts on."""
    made = {}
    for day in days_of_case(rules):
        for counter, condition in day.counters.items():
            amount = f"({condition})" if counter == "reworked" else f"CASE WHEN {condition} THEN 1 END"
            counts = f"({day.moment}) IS NOT NULL AND ({day.guard})"
            made[counter] = f"coalesce(CASE WHEN {counts} THEN {amount} END, 0)::int AS {counter}"
    return [made[counter] for counter in COUNTERS]


def _quoted(text: str) -> str:
    return sql.Literal(text).as_string()
