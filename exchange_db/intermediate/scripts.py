"""The scripts that make an intermediate database: for ``docs/sql``, for ``sanji intermediate script`` and ``install``.

A script can be run again without harm. Statements are kept apart until they are written, because drivers take one at
a time. ``python -m exchange_db.intermediate.scripts FOLDER`` writes them all.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from exchange_db.intermediate import schema
from exchange_db.intermediate.capture import Watched, capture_of
from exchange_db.intermediate.dialect import Dialect, comments, create_table
from exchange_db.intermediate.dialects.dameng import DamengDialect
from exchange_db.intermediate.dialects.mariadb import MariadbDialect
from exchange_db.intermediate.dialects.oracle import OracleDialect
from exchange_db.intermediate.dialects.postgresql import PostgresqlDialect
from exchange_db.intermediate.dialects.sqlite import SqliteDialect
from exchange_db.intermediate.dialects.sqlserver import SqlServerDialect
from exchange_db.intermediate.schema import Table

_ZONE: Final = "Asia/Shanghai"
#: Engines for which there is a script, and whether it was run on a real server.
DIALECTS: Final[dict[str, Dialect]] = {
    "postgresql": PostgresqlDialect(),
    "mariadb": MariadbDialect(_ZONE),
    "sqlite": SqliteDialect(_ZONE),
    "oracle": OracleDialect(_ZONE),
    "dameng": DamengDialect(_ZONE),
    "sqlserver": SqlServerDialect(_ZONE),
}
TESTED: Final = ("postgresql", "mariadb", "sqlite")

#: Tables whose rows partners write, and what names a row.
WATCHED: Final = tuple(Watched(table.name, table.key) for table in schema.SHARED)
_SUPERVISED: Final = (
    "issuer_id",
    "case_no",
    "handler_id",
    "unit_code",
    "unit_name",
    "deadline_time",
    "supervision_deadline_time",
    "revision",
)
_RECEIPT_INDEX: Final = "x_receipt_row"

#: First and last lines of a script, and what ends a statement.
_FRAMES: Final = {
    "postgresql": ("SET client_encoding = 'UTF8';\nSET client_min_messages = warning;\nBEGIN;", ";", "COMMIT;"),
    "mariadb": ("SET NAMES utf8mb4;", ";", ""),
    "sqlite": ("BEGIN;", ";", "COMMIT;"),
    "oracle": ("", ";", ""),
    "dameng": ("", ";", ""),
    "sqlserver": ("", "\nGO", ""),
}
_RUN: Final = {
    "postgresql": "psql -v ON_ERROR_STOP=1 -d 库名 -f postgresql.sql",
    "mariadb": "mariadb 库名 < mariadb.sql",
    "sqlite": "sqlite3 库文件 < sqlite.sql",
}


def tables_script(dialect: Dialect, tables: Sequence[Table]) -> list[str]:
    """Returns the statements that make tables with their meanings."""
    return [statement for table in tables for statement in (create_table(dialect, table), *comments(dialect, table))]


def views_script(dialect: Dialect) -> list[str]:
    """Returns the statements that make the view of supervised cases and the index of receipts."""
    quoted = dialect.quoted
    names = ", ".join(map(quoted, _SUPERVISED))
    view = dialect.words.view.format(name=quoted("x_supervise"))
    supervised = (
        f"{view} AS\nSELECT {names} FROM {quoted(schema.ASSIGNMENT.name)}"
        f" WHERE {quoted('is_supervised')} = {dialect.words.true}"
    )
    can_repeat = "IF NOT EXISTS " if dialect.name in TESTED else ""
    columns = ", ".join(map(quoted, ("table_name", "row_key")))
    return [
        supervised,
        f"CREATE INDEX {can_repeat}{quoted(_RECEIPT_INDEX)} ON {quoted(schema.RECEIPT.name)} ({columns})",
    ]


def whole_script(dialect: Dialect) -> list[str]:
    """Returns all statements for the manner ``ours``: tables, view, and capture where the engine's is built."""
    made = [*tables_script(dialect, list(schema.TABLES.values())), *views_script(dialect)]
    if dialect.name not in TESTED:
        return made
    capture = capture_of(dialect)
    return [*made, *capture.script(capture.parts(WATCHED))]


def as_file(dialect: Dialect, statements: Sequence[str] = ()) -> str:
    """Returns the text of a script for the engine's own command line; without statements that of ``whole_script``."""
    begin, end, finish = _FRAMES[dialect.name]
    lines = [
        f"-- 数据交换中间库（第 {schema.SCHEMA_VERSION} 版）：{dialect.name}",
        "-- 说明见 docs/intermediate-database.md；各列含义见注释。可重复执行。",
    ]
    if dialect.name in TESTED:
        lines.append(f"-- 执行：{_RUN[dialect.name]}")
    else:
        lines[1] = "-- 说明见 docs/intermediate-database.md；各列含义见注释。"
        lines.append("-- 未经测试：仅有表、视图与注释，没有变更捕获；枢纽尚不能连接此数据库。 / Untested, tables only.")
    body = "\n".join(f"{statement}{end}" for statement in _spaced(statements or whole_script(dialect)))
    return "\n".join(part for part in ("\n".join(lines), begin, body, finish) if part) + "\n"


def _spaced(statements: Sequence[str]) -> Iterator[str]:
    """Returns the statements with an empty line before each of several lines, and after it."""
    is_long = True
    for statement in statements:
        yield f"\n{statement}" if is_long or "\n" in statement else statement
        is_long = "\n" in statement


if __name__ == "__main__":
    for name, one in DIALECTS.items():
        (Path(sys.argv[1]) / f"{name}.sql").write_text(as_file(one), encoding="utf-8")
