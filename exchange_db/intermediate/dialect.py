"""What differs between database engines when tables are made, named and read; one module an engine in ``dialects``."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from exchange_db.intermediate import meanings
from exchange_db.intermediate.schema import Column, ColumnKind, Table


class DefinitionWords(NamedTuple):
    """How an engine says that a table or view is made, and what it means; doing it twice does no harm where it can.

    ``meaning`` is a text in Chinese, ``quoted_meaning`` the same as a literal. Where comments are statements of their
    own, ``about_table`` and ``about_column`` are they.
    """

    table: str = "CREATE TABLE IF NOT EXISTS {name}"
    view: str = "CREATE OR REPLACE VIEW {name}"
    column: str = "{definition},"
    options: str = ""
    about_table: str = ""
    about_column: str = ""
    true: str = "true"


#: For engines whose comments are statements.
COMMENT_ON: Final = DefinitionWords(
    about_table="COMMENT ON TABLE {table} IS {quoted_meaning}",
    about_column="COMMENT ON COLUMN {table}.{column} IS {quoted_meaning}",
)


class Dialect(Protocol):
    """The SQL of one engine. Statements use ``%s`` for values."""

    name: str
    words: "DefinitionWords"

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
    words = dialect.words
    lines = []
    for column in table.columns:
        must = " NOT NULL" if column.name in table.key else ""
        definition = f"    {dialect.quoted(column.name)} {dialect.type_of(column)}{must}"
        lines.append(words.column.format(definition=definition, **_told(meanings.meaning_of(table, column))))
    lines.append(f"    PRIMARY KEY ({', '.join(map(dialect.quoted, table.key))})")
    body = "\n".join(lines)
    options = words.options.format(**_told(meanings.TABLES[table.name]))
    return f"{words.table.format(name=dialect.quoted(table.name))} (\n{body}\n){options}"


def comments(dialect: Dialect, table: Table) -> list[str]:
    """Returns the statements that tell the meanings of a table and its columns; none where they stand in the table."""
    words, name = dialect.words, dialect.quoted(table.name)
    if not words.about_table:
        return []
    return [
        words.about_table.format(table=name, **_told(meanings.TABLES[table.name])),
        *(
            words.about_column.format(
                table=name, column=dialect.quoted(column.name), **_told(meanings.meaning_of(table, column))
            )
            for column in table.columns
        ),
    ]


def _told(meaning: str) -> dict[str, str]:
    return {"meaning": meaning, "quoted_meaning": literal(meaning)}


def literal(text: str) -> str:
    """Returns a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


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


class MergeWords(NamedTuple):
    """How an engine says ``MERGE``: a row of ``values``, and a replacement with and without a condition."""

    row: str
    guarded: str
    plain: str = "WHEN MATCHED THEN UPDATE SET {what}"


def upsert_by_merge(
    dialect: Dialect, words: MergeWords, table: str, columns: Sequence[Column], key: Sequence[str], guard: str
) -> str:
    """Returns ``MERGE`` for engines that know only that; see ``Dialect.upsert``."""
    quoted = dialect.quoted
    values = ", ".join(f"{placeholder(dialect, column)} AS {quoted(column.name)}" for column in columns)
    names = [quoted(column.name) for column in columns]
    matched = " AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in key)
    what = ", ".join(f"{quoted(column.name)} = s.{quoted(column.name)}" for column in columns if column.name not in key)
    parts = [f"MERGE INTO {quoted(table)} t USING ({words.row.format(values=values)}) s ON ({matched})"]
    if what:
        newer = f"s.{quoted(guard)} > coalesce(t.{quoted(guard)}, 0)"
        parts.append((words.guarded if guard else words.plain).format(what=what, newer=newer))
    taken = ", ".join(f"s.{name}" for name in names)
    parts.append(f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({taken})")  # noqa: S608
    return " ".join(parts)
