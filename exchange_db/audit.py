"""Appending to the audit log, and reading it.

An append takes the row lock of ``audit_head`` and keeps it until the caller's transaction ends: numbers are gap-free
and in commit order. So append last, right before the end; who locks other rows after it makes others wait for them.
A failing append fails the act, because it is the same transaction. Called by every act that must be recorded.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection

from exchange_db import wakeups
from exchange_db.audit_hashes import Head, Node, beginning, digest_of, grown, leaf_hash
from exchange_db.audit_records import AuditEntry, AuditLine, content_of, storable
from exchange_db.session import HotSession, ReadSession

Session = HotSession | ReadSession

_LOCK = (
    "SELECT algorithm, size, chain_hash, edge, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    " FROM audit_head FOR UPDATE"
)
# Arrays go in binary (``%b``): as text they take the driver twice as long as all the hashing.
_APPEND = (
    "WITH head AS (UPDATE audit_head SET size = %s, chain_hash = %s, edge = %s),"
    " nodes AS (INSERT INTO audit_nodes (level, position, hash)"
    " SELECT * FROM unnest(%b::smallint[], %b::bigint[], %b::bytea[]))"
    " INSERT INTO audit_entries (number, recorded_time, actor, action, object, outcome, reason, region, content,"
    " leaf_hash, chain_hash)"
    " SELECT e.number, to_timestamp(0) + %s * interval '1 microsecond', e.actor, e.action, e.object, e.outcome,"
    " e.reason, e.region, e.content, e.leaf_hash, e.chain_hash"
    " FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::int[], %b::bytea[],"
    " %b::bytea[], %b::bytea[])"
    " e(number, actor, action, object, outcome, reason, region, content, leaf_hash, chain_hash)"
)
# One entry that completes no kept node, as most are when people act: a row of values costs half of what arrays do.
_APPEND_ONE = (
    "WITH head AS (UPDATE audit_head SET size = %s, chain_hash = %s, edge = %b)"
    " INSERT INTO audit_entries (recorded_time, number, actor, action, object, outcome, reason, region, content,"
    " leaf_hash, chain_hash)"
    " VALUES (to_timestamp(0) + %s * interval '1 microsecond', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_LINES = (
    "SELECT number, (extract(epoch FROM recorded_time) * 1000000)::bigint, actor, action, object, outcome, reason,"
    " region, content, leaf_hash, chain_hash FROM audit_entries"
)
_PIECE = 2_000
#: How far a line may lie from its place by time.
_NEAR_LINES = 1_000
#: After this many entries a checkpoint is due, however little time has passed.
CHECKPOINT_ENTRIES = 1_000


class Search(NamedTuple):
    """What is looked for; what is empty is not asked. Times are microseconds since 1970, the end excluded."""

    actor: str = ""
    action: str = ""
    object: str = ""
    outcome: str = ""
    begin_time: int = 0
    end_time: int = 0


async def append(session: Session, entry: AuditEntry) -> int:
    """Appends an entry in the caller's transaction and returns its number.

    Raises:
        ValueError: the entry is too long, or tells a fraction.
        psycopg.Error: the database refuses; the transaction cannot be committed any more.
    """
    return await append_all(session, [entry])


async def append_all(session: Session, entries: Sequence[AuditEntry]) -> int:
    """Appends entries in their order and returns the number of the first."""
    cursor = await session.driver.execute(_LOCK)
    head, now = _head(await cursor.fetchone())
    await session.driver.execute(*_appending(head, now, entries))
    if head.size // CHECKPOINT_ENTRIES != (head.size + len(entries)) // CHECKPOINT_ENTRIES:
        await session.driver.execute("SELECT pg_notify(%s, '')", (wakeups.AUDITED,))
    return head.size + 1


def append_now(connection: "Connection[Any]", entry: AuditEntry) -> int:
    """Does what ``append`` does on a plain connection: for migrations, which know no sessions."""
    head, now = _head(connection.execute(_LOCK).fetchone())
    connection.execute(*_appending(head, now, [entry]))
    return head.size + 1


async def head_of(session: Session) -> Head:
    """Returns the end of the log as it stands."""
    cursor = await session.driver.execute(_LOCK.removesuffix(" FOR UPDATE"))
    return _head(await cursor.fetchone())[0]


async def choose_algorithm(session: Session, algorithm: str) -> bool:
    """Settles the hash of a log that has no entry yet; tells whether the log has it now.

    Raises:
        ValueError: no such hash is known.
    """
    head = beginning(algorithm)
    cursor = await session.driver.execute(
        "UPDATE audit_head SET algorithm = %s, chain_hash = %s WHERE size = 0 AND algorithm <> %s",
        (algorithm, head.chain_hash, algorithm),
    )
    return bool(cursor.rowcount) or (await head_of(session)).algorithm == algorithm


async def lines(session: Session, first: int = 1, last: int | None = None) -> AsyncIterator[AuditLine]:
    """Yields the lines of the log in their order, from ``first`` to ``last``, both included."""
    while last is None or first <= last:
        cursor = await session.driver.execute(
            f"{_LINES} WHERE number >= %s AND number <= coalesce(%s, number) ORDER BY number LIMIT %s",
            (first, last, _PIECE),
        )
        rows = await cursor.fetchall()
        for row in rows:
            yield AuditLine(*row)
        if len(rows) < _PIECE:
            return
        first = rows[-1][0] + 1


async def number_at(session: Session, moment: int) -> int:
    """Returns the number of the first line recorded at a moment (microseconds since 1970) or later, by halving.

    One past the last where there is none yet. Lines that waited for each other may lie a little off.
    """
    low, high = 1, (await head_of(session)).size + 1
    while low < high:
        middle = (low + high) // 2
        cursor = await session.driver.execute(
            "SELECT (extract(epoch FROM recorded_time) * 1000000)::bigint FROM audit_entries WHERE number = %s",
            (middle,),
        )
        row = await cursor.fetchone()
        low, high = (middle + 1, high) if row is not None and row[0] < moment else (low, middle)
    return low


async def search(session: Session, wanted: Search, *, limit: int, before: int = 0) -> list[AuditLine]:
    """Returns the newest lines that fit, newest first; ``before`` is the number to go on below."""
    # Times have no index of their own: numbers are in their order, but for lines that waited for each other.
    if wanted.end_time:
        bound = await number_at(session, wanted.end_time) + _NEAR_LINES
        before = min(before, bound) if before else bound
    first = max(1, await number_at(session, wanted.begin_time) - _NEAR_LINES) if wanted.begin_time else 1
    conditions, values = ["true"], []
    for name in ("actor", "action", "object", "outcome"):
        if text := getattr(wanted, name):
            conditions.append(f"{name} = %s")
            values.append(text)
    for sign, moment in ((">=", wanted.begin_time), ("<", wanted.end_time)):
        if moment:
            conditions.append(f"recorded_time {sign} to_timestamp(0) + %s * interval '1 microsecond'")
            values.append(moment)
    if before:
        conditions.append("number < %s")
        values.append(before)
    if first > 1:
        conditions.append("number >= %s")
        values.append(first)
    cursor = await session.driver.execute(
        f"{_LINES} WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT %s", (*values, limit)
    )
    return [AuditLine(*row) for row in await cursor.fetchall()]


def _head(row: tuple[Any, ...] | None) -> tuple[Head, int]:
    assert row is not None  # noqa: S101 — the migration makes the row, and a trigger keeps it
    algorithm, size, chain, edge, now = row
    return Head(algorithm, size, chain, tuple(edge)), now


def _appending(head: Head, now: int, entries: Sequence[AuditEntry]) -> tuple[LiteralString, tuple[Any, ...]]:
    """Returns what appends entries, and its values."""
    digest = digest_of(head.algorithm)
    numbers = list(range(head.size + 1, head.size + 1 + len(entries)))
    contents = [content_of(entry, number, now) for number, entry in zip(numbers, entries, strict=True)]
    leaves = [leaf_hash(digest, content) for content in contents]
    after, chained, nodes = grown(head, leaves)
    end = (after.size, after.chain_hash, list(after.edge))
    texts = [
        (storable(one.actor), storable(one.action), storable(one.object), one.outcome, storable(one.reason), one.region)
        for one in entries
    ]
    rows = list(zip(numbers, *zip(*texts, strict=True), contents, leaves, chained, strict=True))
    if len(rows) == 1 and not nodes:
        return _APPEND_ONE, (*end, now, *rows[0])
    return _APPEND, (*end, *_columns(nodes), now, *map(list, zip(*rows, strict=True)))


def _columns(nodes: list[Node]) -> tuple[list[Any], ...]:
    return [node.level for node in nodes], [node.position for node in nodes], [node.hash for node in nodes]
