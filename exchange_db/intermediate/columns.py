"""The columns of a partner's table as its engine tells them: what a text may be there, and what changed since.

Read by ``drift`` (is the table still the one the link was made for?) and ``fitting`` (does this value go in there?).
"""

import re
from typing import Final

from msgspec import Struct

from exchange_db.intermediate.partner import Partner


class ColumnFacts(Struct, frozen=True, array_like=True):
    """One column of a partner's table.

    ``length`` is the most a text may have, 0 where nothing bounds it; in bytes of ``encoding`` if ``is_in_bytes``, in
    characters otherwise. ``encoding`` is Python's name of what the column can hold, empty for all of Unicode.
    ``is_left_out_well`` says that a row may be written without it.
    """

    name: str
    type: str
    length: int = 0
    is_in_bytes: bool = False
    encoding: str = ""
    is_nullable: bool = True
    is_left_out_well: bool = True


#: Encodings of engines that hold less than Unicode, by Python's names. MySQL calls cp1252 latin1.
_ENCODINGS: Final = {
    "EUC_CN": "gb2312",
    "LATIN1": "latin-1",
    "gbk": "gbk",
    "gb2312": "gb2312",
    "latin1": "cp1252",
    "ascii": "ascii",
    "utf8": "utf8mb3",
    "utf8mb3": "utf8mb3",
}
#: Types of MariaDB whose length is in bytes.
_BYTES: Final = frozenset({"tinytext", "text", "mediumtext", "longtext"})
_LENGTH: Final = re.compile(r"\A\s*([\w ]+?)\s*\(\s*(\d+)")


async def read_columns(partner: Partner, table: str) -> dict[str, ColumnFacts]:
    """Returns the columns of a table or view by name, none if there is no such table."""
    read = {"postgresql": _of_postgresql, "mariadb": _of_mariadb, "sqlite": _of_sqlite}[partner.dialect.name]
    return {column.name: column for column in await read(partner, table)}


async def _of_postgresql(partner: Partner, table: str) -> list[ColumnFacts]:
    rows = await partner.fetch(
        "SELECT a.attname::text, format_type(a.atttypid, NULL), a.atttypmod, a.attnotnull,"
        " a.atthasdef OR a.attidentity <> ''"
        " FROM pg_attribute a WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
        (partner.dialect.quoted(table),),
    )
    encoding = _ENCODINGS.get((await partner.fetch("SELECT current_setting('server_encoding')"))[0][0], "")
    return [
        ColumnFacts(
            name,
            kind,
            bound - 4 if bound > 4 and kind in ("character varying", "character") else 0,
            encoding=encoding if kind in ("character varying", "character", "text") else "",
            is_nullable=not is_required,
            is_left_out_well=not is_required or has_default,
        )
        for name, kind, bound, is_required, has_default in rows
    ]


async def _of_mariadb(partner: Partner, table: str) -> list[ColumnFacts]:
    rows = await partner.fetch(
        "SELECT column_name, data_type, character_maximum_length, character_set_name, is_nullable,"
        " column_default, extra FROM information_schema.columns WHERE table_schema = database() AND table_name = %s"
        " ORDER BY ordinal_position",
        (table,),
    )
    return [
        ColumnFacts(
            name,
            kind,
            int(length or 0),
            kind in _BYTES,
            _ENCODINGS.get(encoding or "", ""),
            nullable == "YES",
            nullable == "YES" or default is not None or "auto_increment" in extra,
        )
        for name, kind, length, encoding, nullable, default, extra in rows
    ]


async def _of_sqlite(partner: Partner, table: str) -> list[ColumnFacts]:
    rows = await partner.fetch(
        "SELECT name, type, \"notnull\", dflt_value IS NOT NULL OR (pk = 1 AND type = 'INTEGER')"
        " FROM pragma_table_info(%s) ORDER BY cid",
        (table,),
    )
    return [
        ColumnFacts(
            name,
            *_declared(kind),
            is_nullable=not is_required,
            is_left_out_well=not is_required or bool(has_default),
        )
        for name, kind, is_required, has_default in rows
    ]


def _declared(kind: str) -> tuple[str, int]:
    """Returns type and length as SQLite declares them; the engine itself enforces no length."""
    match = _LENGTH.match(kind)
    if match is None:
        return kind.upper(), 0
    return match[1].upper(), int(match[2]) if "CHAR" in match[1].upper() else 0
