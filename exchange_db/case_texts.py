"""Words of cases and searching them: pairs of letters in an index of PostgreSQL's own, a month at a time.

A *gram* is two letters that stand side by side, with the month the case was reported in, as a number of 32 bits. Two
letters are the most common length of a Chinese word, and trigrams know none that short. The month bounds what a search
reads: however frequent a word is, only one month's cases with it are looked at for a page. Numbers may meet by chance,
so the words themselves decide. Written by ``hub.apply.wording``, read by ``exchange_db.case_search``.

Decision 0036.
"""

import unicodedata
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from exchange_db.keys import case_key
from exchange_db.records import RecordKind
from exchange_db.regions import region_of
from exchange_db.session import ReadSession, WriteSession

#: Letters of a text that are searched, and of all a person asks for.
MOST_LETTERS, MOST_ASKED = 400, 60
_BREAK = "\n"
_PUT = (
    "INSERT INTO case_texts (home_region, case_id, region, reported_time, words, grams)"
    " SELECT home, case_id, region, '1970-01-01Z'::timestamptz + time * interval '1 microsecond', words, grams::int[]"
    " FROM unnest(%s::int[], %s::uuid[], %s::int[], %s::bigint[], %s::text[], %s::text[])"
    " n(home, case_id, region, time, words, grams) ORDER BY home, case_id"
    " ON CONFLICT (home_region, case_id) DO UPDATE SET region = excluded.region,"
    " reported_time = excluded.reported_time, words = excluded.words, grams = excluded.grams"
)


class WordsRow(NamedTuple):
    """An applied row of the log; its ``payload`` may bring words."""

    partition: int
    inbox_id: int
    payload: bytes


class Words(NamedTuple):
    """Words of a case as the row ``inbox_id`` brought them, masked."""

    issuer_id: str
    case_no: str
    inbox_id: int
    texts: tuple[str, ...]


def plain(text: str) -> str:
    """Returns a text as it is compared: wide letters narrow, capitals small, one blank for many."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def terms_of(asked: str) -> list[str]:
    """Returns the words somebody asks for, all of which must be there; those of one letter cannot be looked up."""
    return [term for term in plain(asked[:MOST_ASKED]).split(" ") if len(term) > 1]


def grams_of(texts: Iterable[str], month: int) -> list[int]:
    """Returns the pairs of letters of some texts for one month (202006), each once."""
    pairs = {text[place : place + 2] for text in texts for place in range(len(text) - 1)}
    return sorted(zlib.crc32(pair.encode(), month) - 2**31 for pair in pairs)


def month_of(time: int) -> int:
    """Returns the month of a time in microseconds since 1970, in UTC, as 202006."""
    moment = datetime.fromtimestamp(time / 1_000_000, UTC)
    return moment.year * 100 + moment.month


async def applied_rows(session: ReadSession, limit: int) -> list[WordsRow]:
    """Returns the next applied case records that were not read for words, in order inside a partition.

    Args:
        session: any transaction.
        limit: most rows of one partition.
    """
    cursor = await session.driver.execute(
        "SELECT i.partition, i.inbox_id, i.payload FROM case_text_cursors c JOIN partitions p USING (partition)"
        " CROSS JOIN LATERAL (SELECT partition, inbox_id, CASE WHEN record_kind = %s THEN payload ELSE ''::bytea END"
        " AS payload FROM inbox WHERE inbox.partition = c.partition AND inbox.inbox_id > c.cursor_id"
        " AND inbox.inbox_id <= p.cursor_id ORDER BY inbox.inbox_id LIMIT %s) i"
        " WHERE p.cursor_id > c.cursor_id ORDER BY i.partition, i.inbox_id",
        (int(RecordKind.CASE), limit),
        binary=True,
    )
    return [WordsRow(*row) for row in await cursor.fetchall()]


async def put(session: WriteSession, found: list[Words]) -> int:
    """Enters words of reports that are in force; returns how many cases got new ones."""
    if not found:
        return 0
    keys = [(region_of(one.issuer_id), case_key(one.issuer_id, one.case_no).hex()) for one in found]
    homes, ids = map(list, zip(*keys, strict=True))
    cursor = await session.driver.execute(
        "SELECT n.place, c.region, (extract(epoch FROM c.reported_time) * 1000000)::bigint"
        " FROM unnest(%s::int[], %s::int[], %s::uuid[], %s::bigint[]) n(place, home, case_id, inbox_id)"
        " JOIN cases c ON c.home_region = n.home AND c.case_id = n.case_id AND c.report_inbox_id = n.inbox_id",
        (list(range(len(found))), homes, ids, [one.inbox_id for one in found]),
    )
    rows = [_row(keys[place], found[place], region, time) for place, region, time in await cursor.fetchall()]
    if rows:
        await session.driver.execute(_PUT, list(map(list, zip(*rows, strict=True))))
    return len(rows)


def _row(key: tuple[int, str], said: Words, region: int, time: int) -> tuple[int, str, int, int, str, str]:
    """Returns a row as ``_PUT`` takes it; an array inside an array goes as its text."""
    texts = [plain(text[:MOST_LETTERS]) for text in (said.case_no, *said.texts)]
    grams = ",".join(map(str, grams_of(texts, month_of(time))))
    return (*key, region, time, _BREAK.join(texts), f"{{{grams}}}")


async def move_cursors(session: WriteSession, cursors: dict[int, int]) -> None:
    """Notes how far each partition was read; a cursor never goes back."""
    await session.driver.execute(
        "UPDATE case_text_cursors c SET cursor_id = m.cursor_id FROM unnest(%s::smallint[], %s::bigint[])"
        " m(partition, cursor_id) WHERE c.partition = m.partition AND c.cursor_id < m.cursor_id",
        (list(cursors), list(cursors.values())),
    )


async def waiting(session: ReadSession) -> bool:
    """Tells whether something that was applied is not searchable yet."""
    cursor = await session.driver.execute(
        "SELECT EXISTS (SELECT FROM case_text_cursors c JOIN partitions p USING (partition)"
        " WHERE p.cursor_id > c.cursor_id)"
    )
    return bool((await cursor.fetchone() or (False,))[0])


async def words_of(session: ReadSession, keys: list[tuple[int, bytes]]) -> dict[bytes, list[str]]:
    """Returns number, description and address of the cases named by (home_region, case_id), masked, by case_id."""
    cursor = await session.driver.execute(
        "SELECT uuid_send(case_id), words FROM case_texts WHERE (home_region, case_id) IN"
        " (SELECT * FROM unnest(%s::int[], %s::uuid[]))",
        ([home for home, _ in keys], [case_id.hex() for _, case_id in keys]),
        binary=True,
    )
    return {case_id: words.split(_BREAK) for case_id, words in await cursor.fetchall()}
