"""Reading partners' databases, as the ledger knows it: positions, rows behind numbers, states of rows, pauses.

What a page of changes leaves here is written by ``note`` in the transaction that appends its records (see
``exchange_db.inbox.Arrival``): a crash loses both or neither.
"""

from collections.abc import Collection
from enum import StrEnum
from struct import Struct as Packing
from typing import Any, NamedTuple

import msgspec
from psycopg import AsyncConnection

from exchange_db import pickup_pages
from exchange_db.bulk import CopyTarget, copy_rows, pack_label, pack_text
from exchange_db.errors import LeaseLost
from exchange_db.session import HotSession, WriteSession

#: Name of the stream a partner's rows are numbered in.
STREAM = "database"

_ROWS = CopyTarget.of("pickup_rows", ("stream_id", "sequence", "table_name", "row_key", "revision"))
_ROW_HEAD = Packing(">h ii iq")
_REVISION = Packing(">ii")


#: What a row that is deleted is known by: the revision goes on in its next life, and nothing equals it.
GONE = b""


class PickedRow(NamedTuple):
    """A row behind the record with that ordinal in its arrival; ``row_key`` is a JSON array of texts.

    ``content_hash`` is what the row is known by when it is read again; a refused row has none, so that it is tried
    again when its partner writes it again. ``GONE`` for a row that is told to be deleted.
    """

    ordinal: int
    table_name: str
    row_key: str
    revision: int
    content_hash: bytes | None


class RowState(NamedTuple):
    """What a row held when it was last read: the revision it went on with, and a hash of its content."""

    revision: int
    content_hash: bytes


class Pickup(NamedTuple):
    """What goes into the ledger with an arrival of picked-up records.

    ``position`` is how far ``source`` is read with this arrival; ``None`` when more of the page follows, where the
    partner's own tables say what is read, or when the page had been kept before: then ``page_no`` is the last page
    that is done with this arrival (0: none).
    """

    peer_id: str
    source: str
    position: str | None
    rows: list[PickedRow]
    page_no: int = 0


class PauseReason(StrEnum):
    """Why a table is not read for now."""

    UNREADABLE = "unreadable"  # the partner's database refuses; read again by itself once it does not
    FLOOD = "flood"  # too many of its rows were refused; read again when somebody loads it
    DRIFTED = "drifted"  # its columns are others; read again once they are as before, or somebody accepts them


class Pause(NamedTuple):
    """A table that is not read for now; ``trouble`` says what happened, in both languages."""

    table_name: str
    reason: PauseReason
    trouble: str


async def note(
    session: HotSession | WriteSession, stream_id: int, first_sequence: int, pickup: Pickup, refused: Collection[int]
) -> None:
    """Writes what a pickup leaves; its records have the numbers from ``first_sequence`` on.

    Args:
        session: the transaction of the append.
        stream_id: their stream.
        first_sequence: number of the first.
        pickup: what is to be kept.
        refused: ordinals of records that were refused.
    """
    packed = []
    for row in pickup.rows:
        packed.append(
            _ROW_HEAD.pack(5, 4, stream_id, 8, first_sequence + row.ordinal)
            + pack_label(row.table_name)
            + pack_text(row.row_key)
            + _REVISION.pack(4, row.revision)
        )
    await copy_rows(session.driver, _ROWS, packed)
    known = [
        (row.table_name, row.row_key, row.revision, row.content_hash.hex())
        for row in pickup.rows
        if row.content_hash and row.ordinal not in refused
    ]
    if known:
        # As JSON, because the driver takes ten times as long to write arrays of texts.
        await session.driver.execute(
            "INSERT INTO pickup_states (peer_id, table_name, row_key, revision, content_hash)"
            " SELECT %s, r->>0, r->>1, (r->>2)::int, decode(r->>3, 'hex') FROM json_array_elements(%s::json) r"
            " ON CONFLICT (peer_id, table_name, row_key)"
            " DO UPDATE SET revision = excluded.revision, content_hash = excluded.content_hash",
            (pickup.peer_id, msgspec.json.encode(known).decode()),
        )
    gone = [(row.table_name, row.row_key) for row in pickup.rows if row.content_hash == GONE]
    if gone:
        await session.driver.execute(
            "UPDATE pickup_states s SET content_hash = '' FROM json_array_elements(%s::json) r"
            " WHERE s.peer_id = %s AND s.table_name = r->>0 AND s.row_key = r->>1",
            (msgspec.json.encode(gone).decode(), pickup.peer_id),
        )
    if pickup.position is not None:
        await save_position(session.driver, pickup.peer_id, pickup.source, pickup.position)
    if pickup.page_no:
        await pickup_pages.forget(session, pickup.peer_id, pickup.source, pickup.page_no)


async def move_position(
    session: HotSession | WriteSession, peer_id: str, source: str, before: str | None, after: str
) -> None:
    """Records how far a source is read, if it was read as far as ``before``.

    Raises:
        LeaseLost: it was not; somebody else reads it.
    """
    if before is None:
        statement = (
            "INSERT INTO pickup_positions (peer_id, source, position, saved_time)"
            " VALUES (%(peer)s, %(source)s, %(after)s, now()) ON CONFLICT DO NOTHING"
        )
    else:
        statement = (
            "UPDATE pickup_positions SET position = %(after)s, saved_time = now()"
            " WHERE peer_id = %(peer)s AND source = %(source)s AND position = %(before)s"
        )
    values = {"peer": peer_id, "source": source, "before": before, "after": after}
    cursor = await session.driver.execute(statement.encode(), values)
    if cursor.rowcount != 1:
        raise LeaseLost(source)


async def save_position(driver: AsyncConnection[Any], peer_id: str, source: str, position: str) -> None:
    """Records how far a source is read."""
    await driver.execute(
        "INSERT INTO pickup_positions (peer_id, source, position, saved_time) VALUES (%s, %s, %s, now())"
        " ON CONFLICT (peer_id, source) DO UPDATE SET position = excluded.position, saved_time = now()",
        (peer_id, source, position),
    )


async def position_of(driver: AsyncConnection[Any], peer_id: str, source: str) -> str | None:
    """Returns how far a source was read, ``None`` when it never was."""
    cursor = await driver.execute(
        "SELECT position FROM pickup_positions WHERE peer_id = %s AND source = %s", (peer_id, source)
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def positions_like(driver: AsyncConnection[Any], peer_id: str, prefix: str) -> dict[str, str]:
    """Returns positions of a partner by source, of those whose name begins so."""
    cursor = await driver.execute(
        "SELECT source, position FROM pickup_positions WHERE peer_id = %s AND starts_with(source, %s)",
        (peer_id, prefix),
    )
    return dict(await cursor.fetchall())


async def forget_position(driver: AsyncConnection[Any], peer_id: str, source: str) -> None:
    """Makes a source be read from its beginning again."""
    await driver.execute("DELETE FROM pickup_positions WHERE peer_id = %s AND source = %s", (peer_id, source))


async def states_of(
    driver: AsyncConnection[Any], peer_id: str, table_name: str, row_keys: list[str]
) -> dict[str, RowState]:
    """Returns what some rows of a table held when they were last read, by their keys."""
    cursor = await driver.execute(
        # An array is looked up in the index; for a function joined to it the planner may read the whole table.
        "SELECT row_key, revision, content_hash FROM pickup_states WHERE peer_id = %s AND table_name = %s"
        " AND row_key = ANY(ARRAY(SELECT json_array_elements_text(%s::json)))",
        (peer_id, table_name, msgspec.json.encode(row_keys).decode()),
        binary=True,
    )
    return {row[0]: RowState(row[1], row[2]) for row in await cursor.fetchall()}


async def pause(driver: AsyncConnection[Any], peer_id: str, paused: Pause) -> None:
    """Records that a table is not read for now; the first reason stays, but for the one that says most."""
    await driver.execute(
        "INSERT INTO pickup_pauses (peer_id, table_name, reason, trouble, paused_time) VALUES (%s, %s, %s, %s, now())"
        " ON CONFLICT (peer_id, table_name) DO UPDATE SET reason = excluded.reason, trouble = excluded.trouble"
        " WHERE excluded.reason = %s",
        (peer_id, *paused, PauseReason.DRIFTED),
    )


async def end_pause(driver: AsyncConnection[Any], peer_id: str, table_name: str) -> None:
    """Records that a table is read again."""
    await driver.execute("DELETE FROM pickup_pauses WHERE peer_id = %s AND table_name = %s", (peer_id, table_name))


async def pauses_of(driver: AsyncConnection[Any], peer_id: str) -> dict[str, Pause]:
    """Returns the tables of a partner that are not read for now, by name."""
    cursor = await driver.execute(
        "SELECT table_name, reason, trouble FROM pickup_pauses WHERE peer_id = %s", (peer_id,)
    )
    return {row[0]: Pause(row[0], PauseReason(row[1]), row[2]) for row in await cursor.fetchall()}
