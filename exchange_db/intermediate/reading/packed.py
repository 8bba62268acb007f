"""Changed rows as bytes: as the partner's database gave them, to be kept unread and become rows again later.

Two forms. ``RECORDS`` is what PostgreSQL's ``record_send`` writes, row behind row: the number of fields, and of each
its type, its length and its bytes; ``fields`` names them.
``ROWS`` is MessagePack of keys and values, for rows that are gone and for pages that were read row by row.

Source: ``record_send`` in PostgreSQL's src/backend/utils/adt/rowtypes.c, the same in every version from 12 on.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from struct import Struct as Packing
from typing import Any, NamedTuple

import msgspec

from exchange_db.intermediate.reading.pages import ChangedRow, Key, Page, ReadTable, Values
from exchange_db.session import POSTGRES_EPOCH


class Form(StrEnum):
    """How bytes are read."""

    RECORDS = "records"
    ROWS = "rows"


class PackedRows(NamedTuple):
    """Rows of one table; ``key`` and ``columns`` are those of the ``ReadTable`` they were read by.

    ``fields`` are the names of a record's fields in order, where that is the form.
    ``row_count`` counts changes: a row that changed twice may be there twice, each time as it stood when it was read.
    """

    table: str
    key: Key
    columns: tuple[str, ...]
    form: Form
    row_count: int
    content: bytes
    fields: tuple[str, ...] = ()


class PackedPage(NamedTuple):
    """A page that was not read; ``is_full`` when more may wait behind it. The other fields are those of ``Page``."""

    parts: list[PackedRows]
    position: str | None
    change_count: int
    is_full: bool
    unreadable: dict[str, str]
    passed: frozenset[str]


_COUNT = Packing(">i")
_FIELD = Packing(">Ii")
_NUMBER = {2: Packing(">h"), 4: Packing(">i"), 8: Packing(">q")}
_FLOAT = {4: Packing(">f"), 8: Packing(">d")}
_ENCODER = msgspec.msgpack.Encoder()
_ROWS = msgspec.msgpack.Decoder(list[tuple[tuple[str, ...], tuple[Any, ...] | None]])


def pack_page(page: Page, tables: dict[str, ReadTable], *, is_full: bool) -> PackedPage:
    """Returns a page that was read row by row as bytes."""
    by_table: dict[str, list[tuple[Key, Values | None]]] = {}
    for row in page.rows:
        by_table.setdefault(row.table, []).append((row.key, row.values))
    parts = [
        PackedRows(name, tables[name].key, tables[name].columns, Form.ROWS, len(rows), _ENCODER.encode(rows))
        for name, rows in by_table.items()
    ]
    return PackedPage(parts, page.position, page.change_count, is_full, page.unreadable, page.passed)


def pack_gone(table: ReadTable, keys: list[Key]) -> PackedRows:
    """Returns rows that are gone as bytes."""
    content = _ENCODER.encode([(key, None) for key in keys])
    return PackedRows(table.name, table.key, table.columns, Form.ROWS, len(keys), content)


def unpack(part: PackedRows) -> list[ChangedRow]:
    """Returns the rows, each once.

    Raises:
        ValueError, msgspec.DecodeError: the bytes are not what they should be.
    """
    if part.form is Form.ROWS:
        return [ChangedRow(part.table, key, values) for key, values in _ROWS.decode(part.content)]
    key_places = [part.fields.index(name) for name in part.key]
    places = [part.fields.index(name) for name in part.columns]
    rows: dict[Key, Values] = {}
    for fields in _records(part.content):
        rows[tuple([fields[place] for place in key_places])] = tuple([fields[place] for place in places])
    return [ChangedRow(part.table, key, values) for key, values in rows.items()]


def _records(content: bytes) -> Iterator[list[Any]]:
    place, end = 0, len(content)
    read_field = _FIELD.unpack_from
    while place < end:
        (count,) = _COUNT.unpack_from(content, place)
        place += 4
        fields: list[Any] = []
        for _ in range(count):
            kind, length = read_field(content, place)
            place += 8
            if length < 0:
                fields.append(None)
                continue
            data = content[place : place + length]
            place += length
            fields.append(_text(data) if kind in _TEXTS else _READERS[kind](data))
        yield fields
    if place != end:
        raise ValueError(f"{place - end} bytes are missing")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        # A database that knows no encoding; the row is refused by what it is found to hold.
        return data.decode(errors="surrogateescape")


def _number(data: bytes) -> int:
    number: int = _NUMBER[len(data)].unpack(data)[0]
    return number


def _float(data: bytes) -> float:
    number: float = _FLOAT[len(data)].unpack(data)[0]
    return number


def _moment(data: bytes) -> int:
    return _number(data) + POSTGRES_EPOCH


#: Types by the numbers they have in every PostgreSQL; these are ``name``, ``text``, ``bpchar`` and ``varchar``.
_TEXTS = frozenset({19, 25, 1042, 1043})
_READERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda data: data != b"\0",
    20: _number,
    21: _number,
    23: _number,
    700: _float,
    701: _float,
    1184: _moment,
}
#: The same types as ``format_type`` calls them, without a length: others are read row by row.
PLAIN_TYPES = frozenset(
    {
        "name", "text", "character", "character varying", "boolean", "bigint", "smallint", "integer", "real",
        "double precision",
    }
)  # fmt: skip
