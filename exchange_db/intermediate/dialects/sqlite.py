"""SQLite, for a partner that fits into a file.

Times are text, ``YYYY-MM-DD HH:MM:SS.fff`` in the link's zone as its offset is today, to the millisecond. The driver
blocks, so it runs in a thread of its own.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from hashlib import blake2b
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import make_url

from exchange_db.intermediate.dialect import DefinitionWords, upsert_on_conflict
from exchange_db.intermediate.partner import PartnerRefused, PartnerUnreachable, Row, RowRefused
from exchange_db.intermediate.schema import Column, ColumnKind

_TYPES = {
    ColumnKind.LONG_TEXT: "TEXT",
    ColumnKind.NUMBER: "INTEGER",
    ColumnKind.LARGE_NUMBER: "INTEGER",
    ColumnKind.DECIMAL: "REAL",
    ColumnKind.TRUTH: "BOOLEAN",
    ColumnKind.TIME: "TEXT",
}
_BUSY_SECONDS = 10.0
_MARK = re.compile("%[s%]")
_NAMED_COLUMN = re.compile(r"failed: [^. ]+\.(\w+)|column \S+\.(\w+)")
T = TypeVar("T")


class SqliteDialect:
    """The SQL of SQLite.

    Args:
        zone: zone of times; what counts is its offset today.
    """

    name = "sqlite"
    words = DefinitionWords(view="CREATE VIEW IF NOT EXISTS {name}", column="{definition}, -- {meaning}")

    def __init__(self, zone: str) -> None:
        offset = datetime.now(ZoneInfo(zone)).utcoffset()
        assert offset is not None  # noqa: S101 — an aware time has one
        self._offset = int(offset.total_seconds())

    def quoted(self, name: str) -> str:
        """Returns a name in backticks: one in double quotes is read as a text where there is no such column."""
        return ".".join(f"`{part.replace('`', '``')}`" for part in name.split("."))

    def type_of(self, column: Column) -> str:
        """Returns the type of a column; the engine enforces no lengths, they are told to people."""
        return f"VARCHAR({column.length})" if column.kind is ColumnKind.TEXT else _TYPES[column.kind]

    def time_as_number(self, expression: str) -> str:
        """Returns SQL for microseconds since 1970."""
        seconds = f"(CAST(strftime('%%s', {expression}) AS INTEGER) - {self._offset})"
        return f"({seconds} * 1000000 + CAST(substr(strftime('%%f', {expression}), 4) AS INTEGER) * 1000)"

    def number_as_time(self, expression: str) -> str:
        """Returns SQL for a time."""
        moment = f"{expression} / 1000000.0 + {self._offset}"
        return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', {moment}, 'unixepoch')"

    def upsert(self, table: str, columns: Sequence[Column], key: Sequence[str], *, guard: str = "") -> str:
        """Returns ``INSERT … ON CONFLICT``."""
        return upsert_on_conflict(self, table, columns, key, guard)


class SqlitePartner:
    """A connection to a file."""

    def __init__(self, driver: sqlite3.Connection, thread: ThreadPoolExecutor, zone: str) -> None:
        self.dialect = SqliteDialect(zone)
        self._driver = driver
        self._thread = thread

    @classmethod
    async def connect(cls, url: str, zone: str) -> Self:
        """Opens a file, which must be there."""
        path = make_url(url).database or ""
        thread = ThreadPoolExecutor(1, "sqlite")
        try:
            with _errors():
                driver = await asyncio.get_running_loop().run_in_executor(thread, _open, path)
        except BaseException:
            thread.shutdown()
            raise
        return cls(driver, thread, zone)

    async def _run(self, act: Callable[[], T]) -> T:
        with _errors():
            return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def fetch(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns all rows of a question."""
        sql = _native(statement)
        return await self._run(lambda: self._driver.execute(sql, tuple(values)).fetchall())

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Runs a statement and returns how many rows it touched."""
        sql = _native(statement)
        return await self._run(lambda: self._driver.execute(sql, tuple(values)).rowcount)

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement for many rows."""
        sql = _native(statement)
        await self._run(lambda: self._driver.executemany(sql, rows))

    async def run_script(self, script: Sequence[str]) -> None:
        """Runs statements in order, all or none."""
        async with self.transaction():
            for statement in script:
                await self.execute(statement)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Opens a transaction; it has the file to itself until it ends."""
        await self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            await self.execute("ROLLBACK")
            raise
        await self.execute("COMMIT")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """Opens a transaction for reading one state; others write meanwhile."""
        await self.execute("BEGIN")
        try:
            yield
        finally:
            await self.execute("COMMIT")

    async def close(self) -> None:
        """Closes the file."""
        await self._run(self._driver.close)
        self._thread.shutdown()


def _open(path: str) -> sqlite3.Connection:
    driver = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    driver.execute("PRAGMA journal_mode = WAL")
    driver.execute("PRAGMA synchronous = FULL")
    driver.create_function("sanji_digest", -1, _digest_of, deterministic=True)
    return driver


def _digest_of(*values: object) -> int:
    # 44 bits: the engine refuses a sum beyond 63, which half a million rows stay below.
    return int.from_bytes(blake2b(repr(values).encode(errors="replace"), digest_size=6).digest()) >> 4


def _native(statement: str) -> str:
    """Returns a statement with the engine's own marks for values."""
    return _MARK.sub(lambda mark: "?" if mark[0] == "%s" else "%", statement)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        told = str(error)
        if "locked" in told or "unable to open" in told or "disk I/O" in told:
            raise PartnerUnreachable(told) from error
        raise PartnerRefused(told) from error
    except (sqlite3.IntegrityError, sqlite3.DataError) as error:
        column = _NAMED_COLUMN.search(str(error))
        raise RowRefused(str(error), (column[1] or column[2]) if column else "") from error
    except sqlite3.Error as error:
        raise PartnerRefused(str(error)) from error
