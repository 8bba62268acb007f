"""The statements this process sends to PostgreSQL, and whether they name the column a table is distributed by."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlglot
from psycopg import sql
from sqlglot import exp

_COPY = re.compile(r"COPY (\w+) \(([^)]*)\)")


@contextmanager
def noted() -> Iterator[set[str]]:
    """Yields the texts of all statements sent until the block ends, also those of COPY and of SQLAlchemy."""
    seen: set[str] = set()
    execute, executemany, copy = psycopg.AsyncCursor.execute, psycopg.AsyncCursor.executemany, psycopg.AsyncCursor.copy

    def note(cursor: Any, query: Any) -> None:
        if isinstance(query, sql.Composable):
            query = query.as_string(cursor)
        seen.add(" ".join((query.decode() if isinstance(query, bytes) else str(query)).split()))

    async def noted_execute(self: Any, query: Any, *values: Any, **options: Any) -> Any:
        note(self, query)
        return await execute(self, query, *values, **options)

    async def noted_executemany(self: Any, query: Any, *values: Any, **options: Any) -> Any:
        note(self, query)
        return await executemany(self, query, *values, **options)

    def noted_copy(self: Any, statement: Any, *values: Any, **options: Any) -> Any:
        note(self, statement)
        return copy(self, statement, *values, **options)

    changed: Any = psycopg.AsyncCursor
    changed.execute, changed.executemany, changed.copy = noted_execute, noted_executemany, noted_copy
    try:
        yield seen
    finally:
        changed.execute, changed.executemany, changed.copy = execute, executemany, copy


def loose_in(statement: str, columns: Mapping[str, str]) -> set[str]:
    """Returns the distributed tables that a statement reaches without naming their column beside them.

    A condition counts in WHERE, ON and USING of the same SELECT; rows that are written name the column in their list.

    Args:
        statement: as it was sent.
        columns: table to distribution column.
    """
    if (copied := _COPY.match(statement)) is not None:
        table, listed = copied[1], copied[2].replace(" ", "").split(",")
        return {table} if table in columns and columns[table] not in listed else set()
    return {
        table.name
        for table in _parsed(statement).find_all(exp.Table)
        if table.name in columns and not _is_named(table, columns[table.name])
    }


def crossing_in(statement: str, columns: Mapping[str, str]) -> set[str]:
    """Returns the distributed tables of a statement when they lie by different columns, so that servers must talk."""
    if _COPY.match(statement):
        return set()
    tables = {table.name for table in _parsed(statement).find_all(exp.Table) if table.name in columns}
    return tables if len({columns[table] for table in tables}) > 1 else set()


def _parsed(statement: str) -> exp.Expr:
    text = re.sub(r"%(\(\w+\))?[sbt]", "NULL", statement).replace("%%", "%")
    return sqlglot.parse_one(text, dialect="postgres")


def _is_named(table: exp.Table, column: str) -> bool:
    scope = table.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Insert)
    if isinstance(scope, exp.Insert):
        written = table.find_ancestor(exp.Schema)
        return written is not None and any(item.name == column for item in written.expressions)
    if scope is None:
        return True
    shown = {"", table.alias or table.name}
    for condition in (scope.args.get("where"), *scope.find_all(exp.Join)):
        if condition is None:
            continue
        if any(item.name == column for item in condition.args.get("using") or ()):
            return True
        if any(item.name == column and item.table in shown for item in condition.find_all(exp.Column)):
            return True
    return False
