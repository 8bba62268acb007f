"""Finding cases for people: by place, time, state, class and handler, or by words; newest report first, page by page.

What a question may read is bounded however large the ledger is. Without words the newest cases of each region are
taken from the index of region and time and merged; a filter that hits seldom is given up after ``DEPTH`` cases, and the
page says how far it has looked. With words it is the cases of one month after another (``exchange_db.case_texts``).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from exchange_db import cases
from exchange_db.case_texts import grams_of, month_of
from exchange_db.cases import CaseRow
from exchange_db.ranges import within
from exchange_db.regions import Regions
from exchange_db.session import ReadSession

#: Cases a question with a filter looks at for one page, and months a question with words does.
DEPTH, MOST_MONTHS = 20_000, 120
_LAST_ID = b"\xff" * 16
_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"
_MOMENT = "('1970-01-01Z'::timestamptz + %({})s * interval '1 microsecond')"


class Asked(NamedTuple):
    """What is looked for; empty means all. Times are microseconds since 1970, ``before_time`` is not included.

    ``class_code`` is the beginning of a class's digits. ``terms`` are of ``case_texts.terms_of``. ``after`` is where
    the page before ended: a reported_time and case_id.
    """

    regions: Regions
    state: int = 0
    handler_id: str = ""
    class_code: str = ""
    from_time: int = 0
    before_time: int = 0
    terms: tuple[str, ...] = ()
    after: tuple[int, bytes] | None = None


class Found(NamedTuple):
    """A page; ``after`` is where the next one begins, ``None`` at the end.

    ``is_cut``: nothing more was found as far as it was looked, and there is more to look at behind ``after``.
    """

    rows: list[CaseRow]
    after: tuple[int, bytes] | None
    is_cut: bool = False


class Key(NamedTuple):
    """A case and its place in the order."""

    home_region: int
    case_id: bytes
    reported_time: int


async def search(session: ReadSession, asked: Asked, size: int, now: int) -> Found:
    """Returns one page.

    Args:
        session: a transaction that reads.
        asked: what is looked for.
        size: most rows.
        now: the hub's clock; with words, months are looked through from here backwards.
    """
    keys, floor = await (_by_words(session, asked, size, now) if asked.terms else _by_place(session, asked, size))
    shown = keys[:size]
    rows = await _rows(session, shown)
    if len(keys) > size:
        return Found(rows, (shown[-1].reported_time, shown[-1].case_id))
    return Found(rows, (floor, _LAST_ID) if floor else None, is_cut=floor > 0)


async def _by_place(session: ReadSession, asked: Asked, size: int) -> tuple[list[Key], int]:
    """Returns the next keys, and down to which time they are complete where not all was looked at."""
    cursor = await session.driver.execute(*place_statement(asked, size + 1))
    found = await cursor.fetchall()
    return [Key(*row[:3]) for row in found if row[0] is not None], found[0][3] or 0


def place_statement(asked: Asked, limit: int) -> tuple[str, dict[str, Any]]:
    """Returns the statement that takes the newest cases of each region and merges them, and its values."""
    bounds, filters, values = _conditions(asked)
    inside, fits = within("region", asked.regions), " AND ".join(filters) or "true"
    first = f"(SELECT region FROM cases WHERE {inside} ORDER BY region LIMIT 1)"  # noqa: S608 — constants
    following = f"SELECT region FROM cases WHERE region > p.region AND {inside} ORDER BY region LIMIT 1"  # noqa: S608
    depth = f"(SELECT greatest(%(limit)s, {DEPTH:d} / greatest(count(*), 1)) FROM places)" if filters else "%(limit)s"  # noqa: S608
    statement = (
        f"WITH RECURSIVE places(region) AS ({first} UNION ALL SELECT ({following}) FROM places p"  # noqa: S608 — constants
        " WHERE p.region IS NOT NULL),"
        " taken AS MATERIALIZED (SELECT p.region, k.* FROM places p CROSS JOIN LATERAL ("
        f"SELECT c.home_region, c.case_id, c.reported_time, ({fits}) AS is_fit FROM cases c WHERE c.region = p.region"
        f"{''.join(f' AND {bound}' for bound in bounds)} ORDER BY c.reported_time DESC, c.case_id DESC"
        f" LIMIT {depth}) k WHERE p.region IS NOT NULL),"
        " bottom AS (SELECT max(b.lowest) AS lowest FROM (SELECT min(reported_time) AS lowest FROM taken"
        f" GROUP BY region HAVING count(*) >= {depth}) b{'' if filters else ' WHERE false'})"
        f" SELECT t.home_region, uuid_send(t.case_id), {_MICROSECONDS.format('t.reported_time')},"
        f" {_MICROSECONDS.format('b.lowest')} FROM bottom b LEFT JOIN LATERAL (SELECT * FROM taken WHERE is_fit"
        " AND (b.lowest IS NULL OR taken.reported_time > b.lowest)"
        " ORDER BY taken.reported_time DESC, taken.case_id DESC LIMIT %(limit)s) t ON true"
    )
    return statement, {**values, "limit": limit}


async def _by_words(session: ReadSession, asked: Asked, size: int, now: int) -> tuple[list[Key], int]:
    """Returns the next keys month by month, and where the months looked through begin when that is not the end."""
    newest = min(filter(None, (asked.before_time, asked.after[0] + 1 if asked.after else 0, now)))
    months = list(islice(_months(newest, asked.from_time), MOST_MONTHS))
    keys: list[Key] = []
    done, turn = 0, 1
    # A frequent word fills the page in its first month; for a rare one each turn takes twice as many.
    while done < len(months):
        named = [month for month, _ in months[done : done + turn]]
        cursor = await session.driver.execute(*words_statement(asked, named, size + 1 - len(keys)))
        keys += [Key(*row) for row in await cursor.fetchall()]
        if len(keys) > size:
            return keys, 0
        done, turn = done + turn, turn * 2
    return keys, months[-1][1] if len(months) == MOST_MONTHS else 0


def words_statement(asked: Asked, months: list[int], limit: int) -> tuple[str, dict[str, Any]]:
    """Returns the statement that looks some months through for words, and its values."""
    bounds, filters, values = _conditions(asked)
    conditions = ["t.grams @> m.grams::int[]", within("t.region", asked.regions), *bounds, *filters]
    # An array inside an array goes as its text.
    grams = [f"{{{','.join(map(str, grams_of(asked.terms, month)))}}}" for month in months]
    values |= {"grams": grams, "limit": limit}
    for number, term in enumerate(asked.terms):
        conditions.append(f"position(%(term{number})s IN t.words) > 0")
        values[f"term{number}"] = term
    statement = (
        f"SELECT k.home_region, uuid_send(k.case_id), {_MICROSECONDS.format('k.reported_time')}"  # noqa: S608 — constants
        " FROM unnest(%(grams)s::text[]) m(grams) CROSS JOIN LATERAL (SELECT c.home_region, c.case_id, c.reported_time"
        " FROM case_texts t JOIN cases c ON c.home_region = t.home_region AND c.case_id = t.case_id"
        f" WHERE {' AND '.join(conditions)} ORDER BY c.reported_time DESC, c.case_id DESC LIMIT %(limit)s) k"
        " ORDER BY k.reported_time DESC, k.case_id DESC LIMIT %(limit)s"
    )
    return statement, values


def _conditions(asked: Asked) -> tuple[list[str], list[str], dict[str, Any]]:
    """Returns bounds of time, filters on what changes in a case's life, and their values."""
    bounds, filters, values = [], [], dict[str, Any]()
    if asked.from_time:
        bounds.append(f"c.reported_time >= {_MOMENT.format('from')}")
        values["from"] = asked.from_time
    if asked.before_time:
        bounds.append(f"c.reported_time < {_MOMENT.format('before')}")
        values["before"] = asked.before_time
    if asked.after:
        bounds.append(f"(c.reported_time, c.case_id) < ({_MOMENT.format('after')}, %(after_id)s::uuid)")
        values |= {"after": asked.after[0], "after_id": asked.after[1].hex()}
    if asked.state:
        filters.append("c.state = %(state)s")
        values["state"] = asked.state
    if asked.handler_id:
        filters.append("c.handler_id = %(handler)s")
        values["handler"] = asked.handler_id
    if asked.class_code:
        filters.append("starts_with(split_part(c.class_key, '|', 3), %(class)s)")
        values["class"] = asked.class_code
    return bounds, filters, values


def _months(newest: int, oldest: int) -> Iterator[tuple[int, int]]:
    """Yields months from a time back to another, with the moment each begins; without another, without end."""
    month = month_of(newest)
    while month >= (month_of(oldest) if oldest else 197_001):
        yield month, _first_moment(month)
        month -= 1 if month % 100 > 1 else 89


def _first_moment(month: int) -> int:
    return int(datetime(month // 100, month % 100, 1, tzinfo=UTC).timestamp()) * 1_000_000


async def _rows(session: ReadSession, keys: list[Key]) -> list[CaseRow]:
    """Returns the cases of some keys, in their order."""
    if not keys:
        return []
    found = await cases.of_keys(session, [(key.home_region, key.case_id) for key in keys])
    order = {key.case_id: place for place, key in enumerate(keys)}
    return sorted(found, key=lambda row: order[row.case_id])
