"""MariaDB from 10.6 and MySQL from 8.

Times are ``datetime(6)`` without a zone, read as the fixed offset the link's zone has today: China has kept +08:00
since 1992. Texts are ``utf8mb4``.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import asyncmy
from asyncmy import errors
from sqlalchemy import make_url

from exchange_db.intermediate.dialect import DefinitionWords, placeholder
from exchange_db.intermediate.partner import PartnerRefused, PartnerUnreachable, Row, RowRefused
from exchange_db.intermediate.schema import Column, ColumnKind

_TYPES = {
    ColumnKind.LONG_TEXT: "longtext",
    ColumnKind.NUMBER: "int",
    ColumnKind.LARGE_NUMBER: "bigint",
    ColumnKind.DECIMAL: "double",
    ColumnKind.TRUTH: "boolean",
    ColumnKind.TIME: "datetime(6)",
}
_CONNECT_SECONDS = 10
_ENCODING = "utf8mb4"
#: Of every table of ours: letters of another size are other letters.
TABLE_OPTIONS = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
#: Errors with numbers of the client (2000–2999) mean that the server was not reached or broke off; of the server's own,
#: these: a row or table changed meanwhile, too many connections, shutdown, lock wait, deadlock, killed.
_PASSING = frozenset({1020, 1040, 1053, 1077, 1203, 1205, 1213, 1317, 1412, 1927})
#: Errors that a row causes: NULL, a repeated key, a value out of range, too long, of another type or character set, a
#: missing default, a foreign key, a check, a trigger of the partner's.
_BY_A_ROW = frozenset(
    {1048, 1062, 1264, 1265, 1292, 1364, 1366, 1406, 1411, 1451, 1452, 1557, 1586, 1644, 1690, 3819, 4025}
)
_NAMED_COLUMN = re.compile(r"(?:[Cc]olumn|Field) (?:'|(?:`[^`]*`\.)*`)([^'`]+)['`]")


class MariadbDialect:
    """The SQL of MariaDB and MySQL.

    Args:
        zone: zone of times; what counts is its offset today.
    """

    name = "mariadb"
    words = DefinitionWords(
        column="{definition} COMMENT {quoted_meaning},", options=f" {TABLE_OPTIONS} COMMENT={{quoted_meaning}}"
    )

    def __init__(self, zone: str) -> None:
        offset = datetime.now(ZoneInfo(zone)).utcoffset()
        assert offset is not None  # noqa: S101 — an aware time has one
        self._epoch = (datetime(1970, 1, 1) + offset).strftime("'%Y-%m-%d %H:%M:%S.000000'")  # noqa: DTZ001 — local

    def quoted(self, name: str) -> str:
        """Returns a name in backticks."""
        return ".".join(f"`{part.replace('`', '``')}`" for part in name.split("."))

    def type_of(self, column: Column) -> str:
        """Returns the type of a column; lengths count characters."""
        return f"varchar({column.length})" if column.kind is ColumnKind.TEXT else _TYPES[column.kind]

    def time_as_number(self, expression: str) -> str:
        """Returns SQL for microseconds since 1970."""
        return f"timestampdiff(MICROSECOND, {self._epoch}, {expression})"

    def number_as_time(self, expression: str) -> str:
        """Returns SQL for a time."""
        return f"timestampadd(MICROSECOND, {expression}, {self._epoch})"

    def upsert(self, table: str, columns: Sequence[Column], key: Sequence[str], *, guard: str = "") -> str:
        """Returns ``INSERT … ON DUPLICATE KEY UPDATE``."""
        names = ", ".join(self.quoted(column.name) for column in columns)
        values = ", ".join(placeholder(self, column) for column in columns)
        # Assignments are made in order, so the guard's own column comes last.
        changed = sorted((column.name for column in columns if column.name not in key), key=lambda name: name == guard)
        newer = f"VALUES({self.quoted(guard)}) > coalesce({self.quoted(guard)}, 0)" if guard else ""
        what = ", ".join(self._assignment(name, newer) for name in changed or key)
        return f"INSERT INTO {self.quoted(table)} ({names}) VALUES ({values}) ON DUPLICATE KEY UPDATE {what}"  # noqa: S608

    def _assignment(self, name: str, newer: str) -> str:
        column = self.quoted(name)
        return f"{column} = if({newer}, VALUES({column}), {column})" if newer else f"{column} = VALUES({column})"


class MariadbPartner:
    """A connection to MariaDB or MySQL. ``driver`` is the raw one."""

    def __init__(self, driver: Any, zone: str) -> None:
        self.dialect = MariadbDialect(zone)
        self.driver = driver

    @classmethod
    async def connect(cls, url: str, zone: str) -> Self:
        """Opens a connection; ``?unix_socket=`` in the URL takes a socket instead of host and port."""
        parts = make_url(url)
        where: dict[str, Any] = {"host": parts.host or "127.0.0.1", "port": parts.port or 3306}
        if "unix_socket" in parts.query:
            where = {"unix_socket": parts.query["unix_socket"]}
        with _errors():
            driver = await asyncmy.connect(
                **where,
                user=parts.username or "root",
                password=str(parts.password or ""),
                database=parts.database,
                charset=_ENCODING,
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                # What does not fit is refused, never cut; empty text stays what it is. That something is there
                # already, or is not, is no warning.
                init_command="SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE',"
                " sql_notes = 0",
            )
        return cls(driver, zone)

    async def fetch(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns all rows of a question."""
        with _errors():
            async with self.driver.cursor() as cursor:
                await cursor.execute(statement, tuple(values) or None)
                return list(await cursor.fetchall())

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Runs a statement and returns how many rows it touched."""
        with _errors():
            async with self.driver.cursor() as cursor:
                return int(await cursor.execute(statement, tuple(values) or None))

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement for many rows; inserts become one statement of many rows."""
        with _errors():
            async with self.driver.cursor() as cursor:
                await cursor.executemany(statement, rows)

    async def run_script(self, script: Sequence[str]) -> None:
        """Runs statements in order; this engine commits each definition of a table by itself."""
        for statement in script:
            await self.execute(statement)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Opens a transaction."""
        with _errors():
            await self.driver.begin()
            try:
                yield
            except Exception:
                await self.driver.rollback()
                raise
            except BaseException:
                # Given up in the middle of an answer: nothing can be said on this connection any more.
                self.driver.close()
                raise
            await self.driver.commit()

    def snapshot(self) -> AbstractAsyncContextManager[None]:
        """Opens a transaction for reading one state."""
        return self.transaction()

    async def close(self) -> None:
        """Closes the connection."""
        self.driver.close()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except errors.MySQLError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # A cancelled read closes the connection, and rolling back on it fails: that must not hide the cancelling,
            # or whoever cancels waits for ever.
            raise asyncio.CancelledError from error
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        told = " ".join(str(part) for part in error.args)
        if number in _PASSING or 2000 <= number < 3000 or isinstance(error, errors.InterfaceError):
            raise PartnerUnreachable(told) from error
        if number in _BY_A_ROW:
            column = _NAMED_COLUMN.search(told)
            raise RowRefused(told, column[1] if column else "") from error
        raise PartnerRefused(told) from error
    except UnicodeEncodeError as error:  # a name or password the driver cannot say
        raise PartnerRefused(str(error)) from error
    except (OSError, TimeoutError, EOFError) as error:
        raise PartnerUnreachable(str(error)) from error
