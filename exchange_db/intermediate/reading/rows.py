"""Reading rows by their keys, many at once, by index and never by walking through the table."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.partner import Partner, PartnerRefused
from exchange_db.intermediate.reading.pages import ChangedRow, Key, ReadTable, Values, as_text
from exchange_db.intermediate.schema import ATTACHMENT, SECTIONS

#: Keys in one statement on engines without arrays; SQLite bounds values, MariaDB the ranges it plans with.
_PIECE = 300


class Found(NamedTuple):
    """Rows as they stand, tables that cannot be read with what was said, and tables that are not followed."""

    rows: list[ChangedRow]
    unreadable: dict[str, str]
    passed: frozenset[str]


class RowReader:
    """Reads rows of some tables of one partner."""

    def __init__(self, partner: Partner, tables: dict[str, ReadTable]) -> None:
        self._partner = partner
        self._tables = tables
        self._statements: dict[str, str] = {}

    async def changed(self, keys: Sequence[tuple[str, Key]]) -> Found:
        """Returns rows by (table, key) in the order given, each once.

        Sections that evidence among them belongs to come last: a record cannot name evidence without its section.
        """
        wanted = {one: True for one in keys if one[0] in self._tables}
        for name, key in list(wanted):
            if name == ATTACHMENT.name and key and (section := SECTIONS.get(key[2])) is not None:
                wanted.setdefault((section.name, key[:2]), False)
        by_table: dict[str, list[Key]] = defaultdict(list)
        for name, key in wanted:
            if key:
                by_table[name].append(key)
        found: dict[str, dict[Key, Values]] = defaultdict(dict)
        unreadable: dict[str, str] = {}
        for name, some in by_table.items():
            try:
                async with self._alone():
                    found[name] = await self._read(self._tables[name], some)
            except PartnerRefused as refusal:
                unreadable[name] = str(refusal)
        rows = [
            ChangedRow(name, key, found[name][key] if key and key in found[name] else None)
            for name, key in wanted
            if name not in unreadable and (wanted[name, key] or key in found[name])
        ]
        return Found(rows, unreadable, frozenset(name for name, _ in keys) - self._tables.keys())

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Keeps a refused statement from ending the transaction around it, where the engine would do so."""
        if isinstance(self._partner, PostgresqlPartner):
            async with self._partner.transaction():
                yield
        else:
            yield

    async def _read(self, table: ReadTable, keys: list[Key]) -> dict[Key, Values]:
        if isinstance(self._partner, PostgresqlPartner):
            rows = await self._read_by_arrays(self._partner, table, keys)
        else:
            rows = []
            for start in range(0, len(keys), _PIECE):
                rows += await self._read_piece(table, keys[start : start + _PIECE])
        count = len(table.key)
        return {row[:count]: row[count:] for row in rows}

    async def _read_by_arrays(self, partner: PostgresqlPartner, table: ReadTable, keys: list[Key]) -> list[Values]:
        statement = self._statements.get(table.name)
        if statement is None:
            statement = self._statements[table.name] = await self._by_arrays(partner, table)
        return await partner.fetch_binary(statement, [list(column) for column in zip(*keys, strict=True)])

    async def _by_arrays(self, partner: PostgresqlPartner, table: ReadTable) -> str:
        """Returns the question for rows by arrays of keys, cast to the types of the columns so that the index serves.

        Raises:
            PartnerRefused: a column of the key is missing.
        """
        quoted = partner.dialect.quoted
        types = await column_types(partner, table.name)
        if missing := [column for column in table.key if column not in types]:
            raise PartnerRefused(f"{table.name}: {', '.join(missing)}")
        marks = [f"x_key_{number}" for number, _ in enumerate(table.key)]
        arrays = ", ".join("%s::text[]" for _ in marks)
        join = " AND ".join(
            f"t.{quoted(column)} = k.{mark}::{types[column]}" for column, mark in zip(table.key, marks, strict=True)
        )
        return (
            f"SELECT {', '.join(_selected(partner, table))} FROM unnest({arrays}) k({', '.join(marks)})"  # noqa: S608
            f" JOIN {quoted(table.name)} t ON {join}"
        )

    async def _read_piece(self, table: ReadTable, keys: list[Key]) -> list[Values]:
        quoted = self._partner.dialect.quoted
        by_start: dict[Key, list[str]] = defaultdict(list)
        for key in keys:
            by_start[key[:-1]].append(key[-1])
        parts, values = [], []
        for start, ends in by_start.items():
            equal = [f"{quoted(column)} = %s" for column in table.key[:-1]]
            among = f"{quoted(table.key[-1])} IN ({', '.join(['%s'] * len(ends))})"
            parts.append(f"({' AND '.join([*equal, among])})")
            values += [*start, *ends]
        return await self._partner.fetch(
            f"SELECT {', '.join(_selected(self._partner, table))} FROM {quoted(table.name)}"  # noqa: S608
            f" WHERE {' OR '.join(parts)}",
            values,
        )


async def column_types(partner: PostgresqlPartner, table: str) -> dict[str, str]:
    """Returns the type of each column of a table, without its length; nothing when there is no such table."""
    found = await partner.fetch(
        "SELECT attname::text, format_type(atttypid, -1) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        (partner.dialect.quoted(table),),
    )
    return dict(found)


def _selected(partner: Partner, table: ReadTable) -> list[str]:
    return [*(as_text(partner.dialect, column) for column in table.key), *table.expressions]
