"""Finding cases for people: by place, time, state, class and handler, or by words; newest report first, page by page.

What a question may read is bounded however large the ledger is. Without words the newest cases of each region are
taken from the index of region and time and merged; with a filter it is one span of time after another, each as long as
the one before makes likely to do, and a filter that hits seldom is given up after some ``DEPTH`` cases: the page says
how far it has looked. With words it is the cases of one month after another (``exchange_db.case_texts``).
``exchange_db.case_members`` finds the cases behind a number the same way.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from exchange_db import cases
from exchange_db.case_texts import grams_of, month_of
from exchange_db.cases import CaseRow
from exchange_db.ranges import within
from exchange_db.regions import Regions
from exchange_db.session import ReadSession

#: Cases a question with a filter looks at for one page, and months a question with words does.
DEPTH, MOST_MONTHS = 20_000, 120
#: The first span a filter is tried on, in microseconds; how many cases the next is to have, and how much longer it is.
_FIRST_SPAN, _STEP, _LEAST_GROWTH, _MOST_GROWTH = 6 * 3_600_000_000, 8_000, 2, 32
_FIRST_ID, _LAST_ID = bytes(16), b"\xff" * 16
_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"
_MOMENT = "('1970-01-01Z'::timestamptz + %({})s * interval '1 microsecond')"

_PLACES = "places AS MATERIALIZED (SELECT unnest(%(places)s::int[]) AS place)"
#: Aliases of a region's newest cases: ``c``, of a region of ``p``.
_NEWEST = "FROM cases c WHERE c.region = p.place{bounds} ORDER BY c.reported_time DESC, c.case_id DESC LIMIT {limit}"


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
    condition: str = ""
    values: Mapping[str, Any] = MappingProxyType({})


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
    if asked.terms:
        keys, month = await _by_words(session, asked, size, now)
        floor = (month, _LAST_ID) if month else None
    else:
        keys, floor = await by_place(session, asked, size, now, DEPTH)
    shown = keys[:size]
    rows = await rows_of(session, shown)
    if len(keys) > size:
        return Found(rows, (shown[-1].reported_time, shown[-1].case_id))
    return Found(rows, floor, is_cut=floor is not None)


async def by_place(
    session: ReadSession, asked: Asked, size: int, now: int, depth: int = 0
) -> tuple[list[Key], tuple[int, bytes] | None]:
    """Returns the next keys, up to one more than ``size``, and down to where they are complete if not to the end.

    Args:
        session: a transaction that reads.
        asked: what is looked for; terms are left out.
        size: most rows of a page.
        now: the hub's clock; where nothing else is asked for, spans begin here.
        depth: about how many cases a filter is tried on; 0 for all there are.
    """
    cursor = await session.driver.execute(places_statement(asked.regions))
    places = [row[0] for row in await cursor.fetchall()]
    if not any((asked.state, asked.handler_id, asked.class_code, asked.condition)):
        cursor = await session.driver.execute(*newest_statement(asked, places, size + 1))
        return [Key(*row) for row in await cursor.fetchall()], None
    keys: list[Key] = []
    low = min(filter(None, (asked.before_time, asked.after[0] if asked.after else 0))) if _is_begun(asked) else now
    span, looked, after = _FIRST_SPAN, 0, asked.after
    while True:
        low = max(low - span, asked.from_time, 0)
        statement = span_statement(asked._replace(from_time=low, after=after), places, size + 1 - len(keys))
        found = await (await session.driver.execute(*statement)).fetchall()
        keys += [Key(*row[:3]) for row in found if row[0] is not None]
        count, has_more, bottom_time, bottom_id = found[0][3:]
        after = (low, _FIRST_ID) if bottom_id is None else (bottom_time, bottom_id)
        if len(keys) > size or (bottom_id is None and (low == asked.from_time or not has_more)):
            return keys, None
        looked += count
        if depth and looked >= depth:
            return keys, after
        low = after[0]
        span *= max(_LEAST_GROWTH, min(_MOST_GROWTH, _STEP // max(count, 1)))


def _is_begun(asked: Asked) -> bool:
    return bool(asked.before_time or asked.after)


def places_statement(regions: Regions) -> str:
    """Returns the statement that lists the regions with cases, from step to step along the index."""
    inside = within("region", regions)
    return (
        f"WITH RECURSIVE walked(place) AS ((SELECT region FROM cases WHERE {inside} ORDER BY region LIMIT 1)"  # noqa: S608
        f" UNION ALL SELECT (SELECT region FROM cases WHERE region > w.place AND {inside} ORDER BY region LIMIT 1)"
        " FROM walked w WHERE w.place IS NOT NULL) SELECT place FROM walked WHERE place IS NOT NULL"
    )


def newest_statement(asked: Asked, places: list[int], limit: int) -> tuple[str, dict[str, Any]]:
    """Returns the statement of the newest cases of some regions, without filters, and its values.

    A few of each region tell, from the index alone, how old the oldest on the page is; older ones are not read.
    """
    bounds, _, values = _conditions(asked)
    few = _NEWEST.format(bounds="".join(f" AND {bound}" for bound in bounds), limit="%(few)s")
    bounds.append("c.reported_time >= coalesce((SELECT lowest FROM line), '-infinity')")
    page = _NEWEST.format(bounds="".join(f" AND {bound}" for bound in bounds), limit="%(limit)s")
    statement = (
        f"WITH {_PLACES}, line AS MATERIALIZED (SELECT few.reported_time AS lowest FROM places p CROSS JOIN LATERAL"  # noqa: S608
        f" (SELECT c.reported_time {few}) few ORDER BY 1 DESC OFFSET %(limit)s - 1 LIMIT 1)"
        f" SELECT k.home_region, uuid_send(k.case_id), {_MICROSECONDS.format('k.reported_time')}"
        f" FROM places p CROSS JOIN LATERAL (SELECT c.home_region, c.case_id, c.reported_time {page}) k"
        " ORDER BY k.reported_time DESC, k.case_id DESC LIMIT %(limit)s"
    )
    return statement, {**values, "places": places, "limit": limit, "few": 1 + 2 * limit // max(len(places), 1)}


def span_statement(asked: Asked, places: list[int], limit: int) -> tuple[str, dict[str, Any]]:
    """Returns the statement that tries filters on all cases of a span of time, and its values.

    Its rows are keys, and with each how many cases it looked at, whether there are cases before the span, and where a
    region had more than are looked at: from there on down nothing is known. Without a key one row tells the same.
    """
    bounds, filters, values = _conditions(asked)
    taken = _NEWEST.format(bounds="".join(f" AND {bound}" for bound in bounds), limit="%(most)s")
    statement = (
        f"WITH {_PLACES}, taken AS MATERIALIZED (SELECT p.place, k.* FROM places p CROSS JOIN LATERAL ("  # noqa: S608
        f"SELECT c.home_region, c.case_id, c.reported_time, ({' AND '.join(filters)}) AS is_fit {taken}) k),"
        " bottom AS (SELECT b.* FROM (SELECT place FROM taken GROUP BY place HAVING count(*) >= %(most)s) full_one"
        " CROSS JOIN LATERAL (SELECT reported_time, case_id FROM taken WHERE taken.place = full_one.place"
        " ORDER BY reported_time, case_id LIMIT 1) b ORDER BY b.reported_time DESC, b.case_id DESC LIMIT 1)"
        f" SELECT t.home_region, uuid_send(t.case_id), {_MICROSECONDS.format('t.reported_time')}, s.*,"
        f" {_MICROSECONDS.format('b.reported_time')}, uuid_send(b.case_id)"
        " FROM (SELECT (SELECT count(*) FROM taken), EXISTS (SELECT FROM places p WHERE EXISTS (SELECT FROM cases c"
        f" WHERE c.region = p.place AND c.reported_time < {_MOMENT.format('from')}))) s"
        " LEFT JOIN bottom b ON true LEFT JOIN LATERAL (SELECT * FROM taken WHERE is_fit AND (b.case_id IS NULL"
        " OR (taken.reported_time, taken.case_id) >= (b.reported_time, b.case_id))"
        " ORDER BY taken.reported_time DESC, taken.case_id DESC LIMIT %(limit)s) t ON true"
        " ORDER BY t.reported_time DESC, t.case_id DESC"
    )
    return statement, {"from": 0, **values, "places": places, "limit": limit, "most": DEPTH}


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
    """Returns the statement that looks some months through for words, and its values.

    ``perf``: without a filter the words' own rows say all; a frequent word's cases are not read one by one.
    """
    bounds, filters, values = _conditions(asked)
    texts = "case_texts t JOIN cases c ON c.home_region = t.home_region AND c.case_id = t.case_id"
    source, t = (texts, "t") if filters else ("case_texts c", "c")
    conditions = [f"{t}.grams @> m.grams::int[]", within(f"{t}.region", asked.regions), *bounds, *filters]
    # An array inside an array goes as its text.
    grams = [f"{{{','.join(map(str, grams_of(asked.terms, month)))}}}" for month in months]
    values |= {"grams": grams, "limit": limit}
    for number, term in enumerate(asked.terms):
        conditions.append(f"position(%(term{number})s IN {t}.words) > 0")
        values[f"term{number}"] = term
    statement = (
        f"SELECT k.home_region, uuid_send(k.case_id), {_MICROSECONDS.format('k.reported_time')}"  # noqa: S608 — constants
        " FROM unnest(%(grams)s::text[]) m(grams) CROSS JOIN LATERAL (SELECT c.home_region, c.case_id, c.reported_time"
        f" FROM {source} WHERE {' AND '.join(conditions)}"
        " ORDER BY c.reported_time DESC, c.case_id DESC LIMIT %(limit)s) k"
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
    if asked.condition:
        filters.append(f"({asked.condition})")
        values |= asked.values
    return bounds, filters, values


def _months(newest: int, oldest: int) -> Iterator[tuple[int, int]]:
    """Yields months from a time back to another, with the moment each begins; without another, without end."""
    month = month_of(newest)
    while month >= (month_of(oldest) if oldest else 197_001):
        yield month, _first_moment(month)
        month -= 1 if month % 100 > 1 else 89


def _first_moment(month: int) -> int:
    return int(datetime(month // 100, month % 100, 1, tzinfo=UTC).timestamp()) * 1_000_000


async def rows_of(session: ReadSession, keys: list[Key]) -> list[CaseRow]:
    """Returns the cases of some keys, in their order."""
    if not keys:
        return []
    found = await cases.of_keys(session, [(key.home_region, key.case_id) for key in keys])
    order = {key.case_id: place for place, key in enumerate(keys)}
    return sorted(found, key=lambda row: order[row.case_id])
