"""SQL Server from 2016: its tables and statements only. **Untested**: no server was at hand, no connection is built."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from exchange_db.intermediate.dialect import DefinitionWords, MergeWords, upsert_by_merge
from exchange_db.intermediate.schema import Column, ColumnKind

_TYPES = {
    ColumnKind.LONG_TEXT: "nvarchar(max)",
    ColumnKind.NUMBER: "int",
    ColumnKind.LARGE_NUMBER: "bigint",
    ColumnKind.DECIMAL: "float(53)",
    ColumnKind.TRUTH: "bit",
    ColumnKind.TIME: "datetime2(6)",
}
_COMMENT = "EXEC sp_addextendedproperty N'MS_Description', N{quoted_meaning}, N'SCHEMA', N'dbo', N'TABLE', {table}"
_MERGE = MergeWords("SELECT {values}", "WHEN MATCHED AND {newer} THEN UPDATE SET {what}")


class SqlServerDialect:
    """The SQL of SQL Server.

    Args:
        zone: zone of times; what counts is its offset today.
    """

    name = "sqlserver"
    words = DefinitionWords(
        table="CREATE TABLE {name}",
        view="CREATE OR ALTER VIEW {name}",
        about_table=_COMMENT,
        about_column=f"{_COMMENT}, N'COLUMN', {{column}}",
        true="1",
    )

    def __init__(self, zone: str) -> None:
        offset = datetime.now(ZoneInfo(zone)).utcoffset()
        assert offset is not None  # noqa: S101 — an aware time has one
        self._epoch = (datetime(1970, 1, 1) + offset).strftime("'%Y-%m-%dT%H:%M:%S'")  # noqa: DTZ001 — local

    def quoted(self, name: str) -> str:
        """Returns a name in square brackets."""
        return ".".join(f"[{part.replace(']', ']]')}]" for part in name.split("."))

    def type_of(self, column: Column) -> str:
        """Returns the type of a column; lengths count pairs of bytes, which is characters but for rare ones."""
        return f"nvarchar({column.length})" if column.kind is ColumnKind.TEXT else _TYPES[column.kind]

    def time_as_number(self, expression: str) -> str:
        """Returns SQL for microseconds since 1970."""
        return f"DATEDIFF_BIG(MICROSECOND, {self._epoch}, {expression})"

    def number_as_time(self, expression: str) -> str:
        """Returns SQL for a time; a step of the engine holds 32 bits, so it takes two."""
        minutes = f"DATEADD(MINUTE, {expression} / 60000000, CAST({self._epoch} AS datetime2(6)))"
        return f"DATEADD(MICROSECOND, {expression} % 60000000, {minutes})"

    def upsert(self, table: str, columns: Sequence[Column], key: Sequence[str], *, guard: str = "") -> str:
        """Returns ``MERGE``, which here ends in a semicolon."""
        return f"{upsert_by_merge(self, _MERGE, table, columns, key, guard)};"
