"""PostgreSQL from version 12, and the engines that speak like it: 人大金仓 (kingbase) and 瀚高 (highgo), untested."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Self

import psycopg
from sqlalchemy import make_url

from exchange_db.intermediate.dialect import COMMENT_ON, upsert_on_conflict
from exchange_db.intermediate.partner import PartnerRefused, PartnerUnreachable, Row, RowRefused
from exchange_db.intermediate.schema import Column, ColumnKind

_TYPES = {
    ColumnKind.LONG_TEXT: "text",
    ColumnKind.NUMBER: "integer",
    ColumnKind.LARGE_NUMBER: "bigint",
    ColumnKind.DECIMAL: "double precision",
    ColumnKind.TRUTH: "boolean",
    ColumnKind.TIME: "timestamptz(6)",
}
_CONNECT_SECONDS = 10
#: Classes of errors that a row causes: its data, a rule of the table, a trigger of the partner's.
_BY_A_ROW = ("22", "23", "P0001")
_COPIED_COLUMN = re.compile(r"^COPY .*, column (\S+)", re.MULTILINE)


class PostgresqlDialect:
    """The SQL of PostgreSQL."""

    name = "postgresql"
    words = COMMENT_ON

    def quoted(self, name: str) -> str:
        """Returns a name in double quotes."""
        return ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' for part in name.split("."))

    def type_of(self, column: Column) -> str:
        """Returns the type of a column; lengths count characters."""
        return f"varchar({column.length})" if column.kind is ColumnKind.TEXT else _TYPES[column.kind]

    def time_as_number(self, expression: str) -> str:
        """Returns SQL for microseconds since 1970."""
        return f"(extract(epoch FROM {expression}) * 1000000)::bigint"

    def number_as_time(self, expression: str) -> str:
        """Returns SQL for a time."""
        return f"('epoch'::timestamptz + {expression}::bigint * interval '1 microsecond')"

    def upsert(self, table: str, columns: Sequence[Column], key: Sequence[str], *, guard: str = "") -> str:
        """Returns ``INSERT … ON CONFLICT``."""
        return upsert_on_conflict(self, table, columns, key, guard)


class PostgresqlPartner:
    """A connection to PostgreSQL. ``driver`` is the raw one, for COPY and notifications."""

    def __init__(self, driver: psycopg.AsyncConnection[Row]) -> None:
        self.dialect = PostgresqlDialect()
        self.driver = driver

    @classmethod
    async def connect(cls, url: str, zone: str) -> Self:
        """Opens a connection whose session keeps the zone; see ``open_partner``."""
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with partner_errors():
            driver = await psycopg.AsyncConnection.connect(
                dsn,
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                prepare_threshold=3,
                # The server converts, so that it is the one to refuse what its own encoding lacks.
                client_encoding="utf8",
            )
            await driver.execute("SELECT set_config('timezone', %s, false)", (zone,))
        return cls(driver)

    async def fetch(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns all rows of a question."""
        with partner_errors():
            cursor = await self.driver.execute(statement, values or None)
            return await cursor.fetchall()

    async def fetch_binary(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Does the same with results in binary form: several times as fast for many rows."""
        with partner_errors():
            cursor = await self.driver.execute(statement, values or None, binary=True)
            return await cursor.fetchall()

    async def wait_for_notice(self, seconds: float) -> bool:
        """Waits for a notification on the channels listened to; tells whether one came."""
        with partner_errors():
            async for _ in self.driver.notifies(timeout=seconds, stop_after=1):
                return True
        return False

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Runs a statement and returns how many rows it touched."""
        with partner_errors():
            return (await self.driver.execute(statement, values or None)).rowcount

    async def run_together(self, statements: Sequence[str]) -> None:
        """Runs statements without values in one message, inside a transaction."""
        with partner_errors():
            await self.driver.execute("; ".join(statements).encode(), prepare=False)

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement for many rows in one pipeline."""
        with partner_errors():
            async with self.driver.cursor() as cursor:
                await cursor.executemany(statement, rows)

    async def run_script(self, script: Sequence[str]) -> None:
        """Runs statements in order, all or none."""
        async with self.transaction():
            for statement in script:
                await self.execute(statement)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Opens a transaction."""
        with partner_errors():
            async with self.driver.transaction():
                yield

    def snapshot(self) -> AbstractAsyncContextManager[None]:
        """Opens a transaction for reading one state."""
        return self.transaction()

    async def close(self) -> None:
        """Closes the connection."""
        await self.driver.close()


@contextmanager
def partner_errors() -> Iterator[None]:
    """Turns errors of the driver into the two of ``exchange_db.intermediate.partner``."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        # A server that answers with a code of its own about the statement or the login has been reached.
        state = getattr(error, "sqlstate", None) or ""
        if state.startswith(("28", "3D", "53100", "42")):
            raise PartnerRefused(str(error).strip()) from error
        raise PartnerUnreachable(str(error).strip()) from error
    except psycopg.Error as error:
        if (error.sqlstate or "").startswith(_BY_A_ROW):
            copied = _COPIED_COLUMN.search(error.diag.context or "")
            column = error.diag.column_name or (copied[1] if copied else "")
            raise RowRefused(error.diag.message_primary or str(error), column) from error
        raise PartnerRefused(str(error).strip()) from error
    except OSError as error:
        raise PartnerUnreachable(str(error)) from error
