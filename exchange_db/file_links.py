"""Links that go by files: what was put into one, what the other side knows of our answers, and when files last went.

The numbers themselves are those of ``exchange_db.outbox`` and ``exchange_db.inbox``, whichever way a record goes; only
where the writing of files stands is kept here. Losing that costs a file twice, never a record. Called by ``hub.files``.
"""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from sqlalchemy import update

from exchange_db import outages
from exchange_db.outages import END, Direction
from exchange_db.records import Refused, Violation
from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.tables.peers import peers


class FileLink(NamedTuple):
    """How the writing of files stands: last number put into one, and what the newest said of the other direction."""

    exported_sequence: int
    told: str
    exported_time: datetime | None
    imported_time: datetime | None


class FileStream(NamedTuple):
    """A stream that came in files.

    ``answered_sequence`` and ``settled_sequence`` are up to where its sender has our verdicts and receipts, as it last
    said; ``known_sequence`` is the last number we know to have been sent.
    """

    stream_id: int
    name: str
    last_sequence: int
    answered_sequence: int
    settled_sequence: int
    known_sequence: int

    @property
    def is_missing(self) -> bool:
        """Whether numbers are known to have been sent that are not here."""
        return self.known_sequence > self.last_sequence


async def standing(session: HotSession, destination_id: int) -> FileLink:
    """Returns how the writing of files of a link stands; a link that never wrote one stands at 0."""
    await session.driver.execute(
        "INSERT INTO file_links (destination_id) VALUES (%s) ON CONFLICT DO NOTHING", (destination_id,)
    )
    cursor = await session.driver.execute(
        "SELECT exported_sequence, told, exported_time, imported_time FROM file_links WHERE destination_id = %s",
        (destination_id,),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — it was made a moment ago
    return FileLink(*row)


async def note_export(driver: AsyncConnection[Any], destination_id: int, sequence: int, told: str) -> None:
    """Records that a file was written, up to which number and what it said; a break of that direction is over."""
    await driver.execute(
        f"WITH ended AS ({END}), seen AS (UPDATE links SET contact_time = now(), failure_count = 0, retry_time = NULL"  # noqa: S608 — a constant
        " WHERE destination_id = %(id)s)"
        " UPDATE file_links SET exported_sequence = greatest(exported_sequence, %(sequence)s), told = %(told)s,"
        " exported_time = now() WHERE destination_id = %(id)s",
        {"id": destination_id, "sequence": sequence, "told": told, "direction": Direction.OUT.value},
    )


async def go_back(driver: AsyncConnection[Any], destination_id: int, sequence: int) -> None:
    """Has everything behind a number put into files once more."""
    await driver.execute(
        "UPDATE file_links SET exported_sequence = least(exported_sequence, %s) WHERE destination_id = %s",
        (sequence, destination_id),
    )


async def answer_again(driver: AsyncConnection[Any], destination_id: int) -> None:
    """Has the next look write a file, though it may have nothing to say that was not said: an answer was lost."""
    await driver.execute("UPDATE file_links SET told = '?' WHERE destination_id = %s", (destination_id,))


async def note_import(driver: AsyncConnection[Any], destination_id: int) -> None:
    """Records that a file of a neighbour was taken; a break of that direction is over."""
    await driver.execute(
        f"WITH ended AS ({END}), seen AS (UPDATE links SET heard_time = now() WHERE destination_id = %(id)s)"  # noqa: S608 — a constant
        " INSERT INTO file_links (destination_id, imported_time) VALUES (%(id)s, now())"
        " ON CONFLICT (destination_id) DO UPDATE SET imported_time = now()",
        {"id": destination_id, "direction": Direction.IN.value},
    )


async def note_trouble(driver: AsyncConnection[Any], destination_id: int, trouble: str) -> None:
    """Records in words what is wrong with the files of a link; an empty text says that nothing is any more."""
    await driver.execute(
        "UPDATE links SET trouble = %(told)s, trouble_time = CASE WHEN %(told)s = '' OR trouble = %(told)s"
        " THEN trouble_time ELSE now() END WHERE destination_id = %(id)s",
        {"id": destination_id, "told": trouble[:400]},
    )


async def note_stream(driver: AsyncConnection[Any], stream_id: int, answered: int, settled: int, known: int) -> None:
    """Records what a file said of its stream: verdicts and receipts its sender has, and the last number it sent."""
    await driver.execute(
        "INSERT INTO file_streams (stream_id, answered_sequence, settled_sequence, known_sequence)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (stream_id) DO UPDATE SET"
        " answered_sequence = greatest(file_streams.answered_sequence, excluded.answered_sequence),"
        " settled_sequence = greatest(file_streams.settled_sequence, excluded.settled_sequence),"
        " known_sequence = greatest(file_streams.known_sequence, excluded.known_sequence)",
        (stream_id, answered, settled, known),
    )


async def streams_of(session: HotSession, peer_id: str) -> list[FileStream]:
    """Returns the streams of a neighbour that came in files, by name."""
    cursor = await session.driver.execute(
        "SELECT s.stream_id, s.name, s.last_sequence, f.answered_sequence, f.settled_sequence, f.known_sequence"
        " FROM streams s JOIN file_streams f USING (stream_id) WHERE s.sender_id = %s ORDER BY s.name",
        (peer_id,),
    )
    return [FileStream(*row) for row in await cursor.fetchall()]


async def refused_in(driver: AsyncConnection[Any], stream_id: int, after: int, last: int) -> list[Refused]:
    """Returns what was refused at intake of the numbers behind ``after`` up to ``last``."""
    cursor = await driver.execute(
        "SELECT sequence, reason, field_path, message, message_zh FROM quarantine WHERE stage = 'intake'"
        " AND stream_id = %s AND sequence > %s AND sequence <= %s ORDER BY sequence",
        (stream_id, after, last),
    )
    return [Refused(row[0], Violation(*row[1:])) for row in await cursor.fetchall()]


async def known_in(driver: AsyncConnection[Any], stream_id: int, after: int, last: int) -> set[int]:
    """Returns the numbers behind ``after`` up to ``last`` whose records had come before under others."""
    cursor = await driver.execute(
        "SELECT g.sequence FROM generate_series(%(after)s::bigint + 1, %(last)s::bigint) g(sequence)"
        " WHERE NOT EXISTS (SELECT FROM inbox_keys k WHERE k.stream_id = %(stream)s AND k.sequence = g.sequence)"
        " AND NOT EXISTS (SELECT FROM quarantine q WHERE q.stage = 'intake' AND q.stream_id = %(stream)s"
        " AND q.sequence = g.sequence)",
        {"stream": stream_id, "after": after, "last": last},
    )
    return {row[0] for row in await cursor.fetchall()}


async def set_address(session: WriteSession, peer_id: str, destination_id: int, address: str) -> None:
    """Gives a link another medium by its address; what was broken or pausing on the one before is over."""
    await session.execute(update(peers).where(peers.c.peer_id == peer_id).values(address=address))
    for direction in (Direction.OUT, Direction.IN):
        await outages.end(session.driver, destination_id, direction)
    # A question that went by the other medium is asked again once the neighbour says that it knows canaries.
    await session.driver.execute("DELETE FROM canaries WHERE peer_id = %s", (peer_id,))
    await session.driver.execute(
        "UPDATE links SET failure_count = 0, retry_time = NULL, trouble = '' WHERE destination_id = %s",
        (destination_id,),
    )


async def last_files(session: HotSession | ReadSession, destination_id: int) -> tuple[datetime | None, datetime | None]:
    """Returns when a file of a link was last written and last taken."""
    cursor = await session.driver.execute(
        "SELECT exported_time, imported_time FROM file_links WHERE destination_id = %s", (destination_id,)
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else (None, None)
