"""Pages of partners' rows that are kept unread: on disk here, and no records yet.

A page is written in the transaction that moves its source's position, and taken away in the one that appends what
became of it. Pages of a source are numbered in the order of reading. Their bytes lie in pieces that fit into a page of
the server's own, because that costs it a quarter of what one large value does.
"""

from struct import Struct as Packing
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from exchange_db.bulk import CopyTarget, copy_rows, pack_label
from exchange_db.intermediate.reading.packed import Form, PackedRows
from exchange_db.session import HotSession, WriteSession

_PIECE = 7_800
_BYTES = CopyTarget.of("pickup_bytes", ("peer_id", "source", "page_no", "part_no", "piece_no", "content"))
_FIELDS = Packing(">h")
_NUMBERS = Packing(">iq ii ii i")


class Kept(NamedTuple):
    """Pages that were kept one behind the other, up to ``last_no``; a later part holds what is newer."""

    last_no: int
    parts: list[PackedRows]


class Waiting(NamedTuple):
    """Pages of a source that are kept: rows, bytes, and since when, in microseconds since 1970 (0: none)."""

    row_count: int
    byte_count: int
    page_count: int
    oldest_time: int


class _Shape(Struct, frozen=True):
    """By which columns rows were read."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    fields: tuple[str, ...]


async def keep(session: HotSession | WriteSession, peer_id: str, source: str, parts: list[PackedRows]) -> None:
    """Writes the next page of a source; the caller moves the position in the same transaction."""
    pieces = []
    head = _FIELDS.pack(6) + pack_label(peer_id) + pack_label(source)
    for part_no, part in enumerate(parts):
        shape = msgspec.json.encode(_Shape(part.key, part.columns, part.fields)).decode()
        cursor = await session.driver.execute(
            "INSERT INTO pickup_pages (peer_id, source, page_no, part_no, table_name, form, shape, row_count,"
            " byte_count, kept_time) SELECT %(peer)s, %(source)s, coalesce(max(page_no), 0) + %(next)s, %(part)s,"
            " %(table)s, %(form)s, %(shape)s, %(rows)s, %(bytes)s, now() FROM pickup_pages"
            " WHERE peer_id = %(peer)s AND source = %(source)s RETURNING page_no",
            {
                "peer": peer_id, "source": source, "next": 0 if part_no else 1, "part": part_no, "table": part.table,
                "form": part.form, "shape": shape, "rows": part.row_count, "bytes": len(part.content),
            },
        )  # fmt: skip
        page_no = (await cursor.fetchall())[0][0]
        content = memoryview(part.content)
        for piece_no, start in enumerate(range(0, len(content), _PIECE)):
            piece = content[start : start + _PIECE]
            pieces.append(b"".join((head, _NUMBERS.pack(8, page_no, 4, part_no, 4, piece_no, len(piece)), piece)))
    await copy_rows(session.driver, _BYTES, pieces)


async def oldest(driver: AsyncConnection[Any], peer_id: str, source: str, most_rows: int) -> Kept | None:
    """Returns the pages of a source that were kept first, about so many rows of them but one at least, if there are."""
    cursor = await driver.execute(
        "SELECT page_no, part_no, table_name, form, shape, row_count, byte_count FROM (SELECT p.*,"
        " sum(row_count) OVER (ORDER BY page_no) AS row_total, min(page_no) OVER () AS first_no FROM pickup_pages p"
        " WHERE peer_id = %s AND source = %s) p WHERE row_total <= %s OR page_no = first_no ORDER BY page_no, part_no",
        (peer_id, source, most_rows),
    )
    found = await cursor.fetchall()
    if not found:
        return None
    last_no = found[-1][0]
    cursor = await driver.execute(
        "SELECT page_no, part_no, content FROM pickup_bytes WHERE peer_id = %s AND source = %s AND page_no <= %s"
        " ORDER BY page_no, part_no, piece_no",
        (peer_id, source, last_no),
        binary=True,
    )
    pieces: dict[tuple[int, int], list[bytes]] = {}
    for page_no, part_no, content in await cursor.fetchall():
        pieces.setdefault((page_no, part_no), []).append(content)
    parts = []
    for page_no, part_no, table, form, text, row_count, byte_count in found:
        shape = msgspec.json.decode(text, type=_Shape)
        content = b"".join(pieces.get((page_no, part_no), ()))
        if len(content) != byte_count:
            raise ValueError(f"{peer_id} {source} page {page_no}: {len(content)} bytes of {byte_count}")
        parts.append(PackedRows(table, shape.key, shape.columns, Form(form), row_count, content, shape.fields))
    return Kept(last_no, parts)


async def forget(session: HotSession | WriteSession, peer_id: str, source: str, last_no: int) -> None:
    """Takes pages away up to a number, in the transaction that appends what became of them."""
    for statement in (
        "DELETE FROM pickup_bytes WHERE peer_id = %s AND source = %s AND page_no <= %s",
        "DELETE FROM pickup_pages WHERE peer_id = %s AND source = %s AND page_no <= %s",
    ):
        await session.driver.execute(statement, (peer_id, source, last_no))


_WAITING = (
    "SELECT coalesce(sum(row_count), 0)::bigint, coalesce(sum(byte_count), 0)::bigint, count(DISTINCT page_no),"
    " coalesce((extract(epoch FROM min(kept_time)) * 1000000)::bigint, 0) FROM pickup_pages"
)


async def waiting(driver: AsyncConnection[Any], peer_id: str, source: str) -> Waiting:
    """Returns what of a source is kept."""
    cursor = await driver.execute(f"{_WAITING} WHERE peer_id = %s AND source = %s".encode(), (peer_id, source))
    found = await cursor.fetchone()
    return Waiting(*found) if found else Waiting(0, 0, 0, 0)


async def waiting_by_peer(driver: AsyncConnection[Any]) -> dict[str, Waiting]:
    """Returns what is kept of each partner that has something kept."""
    text = _WAITING.replace("SELECT ", "SELECT peer_id, ", 1)
    cursor = await driver.execute(f"{text} GROUP BY peer_id".encode())
    return {row[0]: Waiting(*row[1:]) for row in await cursor.fetchall()}


async def is_kept(driver: AsyncConnection[Any], peer_id: str, table: str) -> bool:
    """Tells whether rows of a table are kept."""
    cursor = await driver.execute(
        "SELECT 1 FROM pickup_pages WHERE peer_id = %s AND table_name = %s LIMIT 1", (peer_id, table)
    )
    return await cursor.fetchone() is not None
