"""The connection to the ledger: one engine, and two kinds of session.

``Ledger.read`` and ``Ledger.write`` are the only places where a transaction begins and ends; every function of this
package takes the session and never commits. Called by the hub's use cases and by the command line.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection as DriverConnection
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryLoader
from sqlalchemy import URL, CursorResult, Executable, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from exchange_db.driver_pool import DriverPool

#: Microseconds between 1970-01-01 and PostgreSQL's own zero, 2000-01-01.
POSTGRES_EPOCH = 946_684_800_000_000


class ReadSession:
    """A transaction that reads. ``driver`` is the raw connection, for the hot path's COPY and arrays."""

    def __init__(self, connection: AsyncConnection, driver: "DriverConnection[tuple[Any, ...]]") -> None:
        self._connection = connection
        self.driver = driver

    async def execute(self, statement: Executable, values: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Runs one SQLAlchemy statement."""
        return await self._connection.execute(statement, values)


class WriteSession(ReadSession):
    """A transaction that may write."""


class Ledger:
    """The hub's database.

    Args:
        url: ``postgresql://…`` of a server of one's own or of the embedded one.
        pool_size: connections kept open; 0 opens one for every session. Those beyond are closed after use, which
            costs more than most of what they are opened for.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        pooling: dict[str, Any] = (
            {"pool_size": pool_size, "max_overflow": 8, "pool_pre_ping": False}
            if pool_size
            else {"poolclass": NullPool}
        )
        address, driving = sqlalchemy_url(url), {"prepare_threshold": 2, "connect_timeout": 10}
        self._engine: AsyncEngine = create_async_engine(address, connect_args=driving, **pooling)
        # Their connections are opened when they are first needed, by the few processes that need any.
        self._single = DriverPool(driver_url(url), pool_size, driving)
        self._unwaited = DriverPool(driver_url(url), pool_size, {**driving, "options": "-c synchronous_commit=off"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every pooled connection."""
        await self._engine.dispose()
        await self._single.close()
        await self._unwaited.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """Yields a session that reads one consistent picture."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with _given_up_when_lost(connection) as driver:
                yield ReadSession(connection, driver)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """Yields a session that is committed when the block ends well, and rolled back when it does not."""
        async with self._engine.begin() as connection, _given_up_when_lost(connection) as driver:
            yield WriteSession(connection, driver)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator["Dedicated"]:
        """Yields a pooled connection on which every statement stands alone: for one question, or for looking again."""
        async with self._single.lent() as driver:
            yield Dedicated(driver)

    @asynccontextmanager
    async def brisk(self, *, is_waited: bool = True) -> AsyncIterator["HotSession"]:
        """Yields a transaction without a statement builder, for what is done many times a second.

        Nothing waits for an answer before it is read, so what needs none goes to the server along with the next. It is
        committed when the block ends well, and rolled back when it does not.

        Args:
            is_waited: the commit waits for the disk. Whoever does not wait answers for a later commit that does, as
                with ``passing``, before anybody is told of what was done.

        Raises:
            psycopg.Error: a statement failed, also one whose answer nobody read, or the commit did.
        """
        pool = self._single if is_waited else self._unwaited
        async with pool.lent() as driver, _brisk(driver) as session:
            yield session

    @asynccontextmanager
    async def passing(self) -> AsyncIterator["HotSession"]:
        """Yields a pooled connection on which every statement stands alone and its commit does not wait for the disk.

        For what is under way and may be begun anew. What was committed so can be lost when the server ends badly, but
        only together with all that was committed after it: a later commit that waits brings everything before it to
        the disk. So whoever acts durably on what was used up here finds it used up afterwards as well.

        Source: PostgreSQL, Asynchronous Commit.
        """
        async with self._unwaited.lent() as driver:
            yield HotSession(driver)

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator["Dedicated"]:
        """Yields a connection of its own for one long worker; it is closed at the end, never pooled."""
        driver = await connect(self.url)
        try:
            yield Dedicated(driver)
        finally:
            await driver.close()


class HotSession:
    """A raw connection of the hot path: no statement builder."""

    def __init__(self, driver: "DriverConnection[tuple[Any, ...]]") -> None:
        self.driver = driver


class Dedicated(HotSession):
    """One raw connection that a worker keeps; ``transaction`` opens the next transaction on it."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[HotSession]:
        """Yields the next transaction, committed when the block ends well."""
        async with self.driver.transaction():
            yield HotSession(self.driver)


async def connect(url: str) -> "DriverConnection[tuple[Any, ...]]":
    """Opens one raw connection in autocommit for the hot path.

    Its binary results carry ``timestamptz`` as the number on the wire: microseconds since 2000-01-01 (see
    ``POSTGRES_EPOCH``), several times faster than making aware datetimes.
    """
    driver = await psycopg.AsyncConnection.connect(
        driver_url(url), autocommit=True, prepare_threshold=2, connect_timeout=10
    )
    driver.adapters.register_loader("timestamptz", Int8BinaryLoader)
    return driver


def driver_url(url: str) -> str:
    """Returns ``url`` in the form libpq reads."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def sqlalchemy_url(url: str) -> URL:
    """Returns ``url`` with the one driver this project uses."""
    return make_url(url).set(drivername="postgresql+psycopg")


@asynccontextmanager
async def _brisk(driver: "DriverConnection[tuple[Any, ...]]") -> AsyncIterator[HotSession]:
    """Yields a transaction whose statements travel together."""
    try:
        async with driver.pipeline():
            await driver.execute("BEGIN")
            yield HotSession(driver)
            ended = await driver.execute("COMMIT")
    except Exception:
        # Whatever else ends it leaves the connection in the transaction, and the pool closes such a one.
        if driver.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            await driver.execute("ROLLBACK")
        raise
    if ended.statusmessage != "COMMIT":
        # A statement failed and somebody went on regardless: the server has rolled back.
        raise psycopg.InternalError("the transaction could not be committed")


@asynccontextmanager
async def _given_up_when_lost(connection: AsyncConnection) -> "AsyncIterator[DriverConnection[tuple[Any, ...]]]":
    """Yields the driver of a pooled connection; one that was lost on the way is not put back."""
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)  # noqa: S101 — the URL names the driver
    try:
        yield driver
    except psycopg.OperationalError as error:
        if driver.broken:
            await connection.invalidate(error)
        raise
