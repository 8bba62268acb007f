"""Oracle from 12.2: its tables and statements only. **Untested**: no server was at hand, and no connection is built.

Names in small letters are given in large ones, as the engine keeps names that nobody quotes. Empty text is NULL there.
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from exchange_db.intermediate.dialect import COMMENT_ON, MergeWords, upsert_by_merge
from exchange_db.intermediate.schema import Column, ColumnKind

_TYPES = {
    ColumnKind.LONG_TEXT: "CLOB",
    ColumnKind.NUMBER: "NUMBER(10)",
    ColumnKind.LARGE_NUMBER: "NUMBER(19)",
    ColumnKind.DECIMAL: "BINARY_DOUBLE",
    ColumnKind.TRUTH: "NUMBER(1)",
    ColumnKind.TIME: "TIMESTAMP(6)",
}
_MERGE = MergeWords("SELECT {values} FROM DUAL", "WHEN MATCHED THEN UPDATE SET {what} WHERE {newer}")


class OracleDialect:
    """The SQL of Oracle.

    Args:
        zone: zone of times; what counts is its offset today.
    """

    name = "oracle"
    words = COMMENT_ON._replace(table="CREATE TABLE {name}", true="1")

    def __init__(self, zone: str) -> None:
        offset = datetime.now(ZoneInfo(zone)).utcoffset()
        assert offset is not None  # noqa: S101 — an aware time has one
        self._offset = int(offset.total_seconds())

    def quoted(self, name: str) -> str:
        """Returns a name in double quotes."""
        kept = name.upper() if name.islower() else name
        return ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' for part in kept.split("."))

    def type_of(self, column: Column) -> str:
        """Returns the type of a column; lengths count characters."""
        return f"VARCHAR2({column.length} CHAR)" if column.kind is ColumnKind.TEXT else _TYPES[column.kind]

    def time_as_number(self, expression: str) -> str:
        """Returns SQL for microseconds since 1970."""
        days = f"(TRUNC({expression}, 'MI') - DATE '1970-01-01')"
        return f"((({days} * 86400) + EXTRACT(SECOND FROM {expression}) - {self._offset}) * 1000000)"

    def number_as_time(self, expression: str) -> str:
        """Returns SQL for a time."""
        seconds = f"{expression} / 1000000 + {self._offset}"
        return f"(TIMESTAMP '1970-01-01 00:00:00' + NUMTODSINTERVAL({seconds}, 'SECOND'))"

    def upsert(self, table: str, columns: Sequence[Column], key: Sequence[str], *, guard: str = "") -> str:
        """Returns ``MERGE``."""
        return upsert_by_merge(self, _MERGE, table, columns, key, guard)
