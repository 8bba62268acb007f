"""What differs between database engines when tables are made, named and read; one module an engine in ``dialects``."""

from collections.abc import Sequence
from typing import Protocol

from exchange_db.intermediate.schema import Column, ColumnKind, Table


class Dialect(Protocol):
    """The SQL of one engine. Statements use ``%s`` for values."""

    name: str

    def quoted(self, name: str) -> str:
        """Returns a name of a table or column in quotes; a dot parts schema and table."""

    def type_of(self, column: Column) -> str:
        """Returns the engine's type for a column."""

    def time_as_number(self, expression: str) -> str:
        """Returns SQL that gives a time column as microseconds since 1970."""

    def number_as_time(self, expression: str) -> str:
        """Returns SQL that makes a time of microseconds since 1970."""

    def upsert(self, table: str, columns: Sequence[Column], key: Sequence[str], *, guard: str = "") -> str:
        """Returns a statement that inserts or replaces one row by its key, with a ``%s`` for each column.

        ``guard`` is a column: an existing row is replaced only where the new value of it is greater.
        """


def create_table(dialect: Dialect, table: Table) -> str:
    """Returns the statement that makes a table, if it is not there yet."""
    lines = [
        f"    {dialect.quoted(column.name)} {dialect.type_of(column)}{' NOT NULL' if column.name in table.key else ''}"
        for column in table.columns
    ]
    key = ", ".join(map(dialect.quoted, table.key))
    lines.append(f"    PRIMARY KEY ({key})")
    body = ",\n".join(lines)
    return f"CREATE TABLE IF NOT EXISTS {dialect.quoted(table.name)} (\n{body}\n)"


def placeholder(dialect: Dialect, column: Column) -> str:
    """Returns what stands for the value of a column in a statement."""
    return dialect.number_as_time("%s") if column.kind is ColumnKind.TIME else "%s"


def expression(dialect: Dialect, column: Column) -> str:
    """Returns the SQL that reads a column: its name, or for a time its number."""
    name = dialect.quoted(column.name)
    return dialect.time_as_number(name) if column.kind is ColumnKind.TIME else name


def upsert_on_conflict(dialect: Dialect, table: str, columns: Sequence[Column], key: Sequence[str], guard: str) -> str:
    """Returns ``INSERT … ON CONFLICT`` for engines that know it; see ``Dialect.upsert``."""
    quoted = dialect.quoted
    names = ", ".join(quoted(column.name) for column in columns)
    values = ", ".join(placeholder(dialect, column) for column in columns)
    changed = [quoted(column.name) for column in columns if column.name not in key]
    what = ", ".join(f"{name} = excluded.{name}" for name in changed)
    doing = f"UPDATE SET {what}" if changed else "NOTHING"
    if guard and changed:
        doing += f" WHERE excluded.{quoted(guard)} > coalesce({quoted(table)}.{quoted(guard)}, 0)"
    keys = ", ".join(map(quoted, key))
    return f"INSERT INTO {quoted(table)} ({names}) VALUES ({values}) ON CONFLICT ({keys}) DO {doing}"  # noqa: S608
