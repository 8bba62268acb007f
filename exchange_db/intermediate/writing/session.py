"""The hub's own session at a partner's database: one writer, marked as the hub's so that triggers do not log it.

Everything written goes through ``transaction`` and ``put``; tasks of one link take turns. A transaction never waits
for anything but the partner's database, and the engine is told to give up on locks and on a session left open.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, Self

from exchange_db.intermediate.columns import ColumnFacts, read_columns
from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.fitting import trouble_of
from exchange_db.intermediate.partner import Partner, PartnerRefused, Row, RowRefused
from exchange_db.intermediate.writing.many import ManyWriter
from exchange_db.intermediate.writing.stage import StageWriter
from exchange_db.intermediate.writing.targets import Bad, Item, Target, newest

#: Longest wait for a lock, and longest life of a statement or of a transaction that was left open.
LOCK_SECONDS, STATEMENT_SECONDS = 10, 60

_OPENING = {
    "postgresql": (
        "SELECT set_config('sanji.exchange', 'on', false)",
        f"SET lock_timeout = '{LOCK_SECONDS}s'",
        f"SET statement_timeout = '{STATEMENT_SECONDS}s'",
        f"SET idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s'",
    ),
    "mariadb": ("SET @sanji_exchange = 1", f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}"),
    "sqlite": (),
}
#: Rules that wait for the commit would refuse a whole batch there: each row is judged at once.
_BEGINNING = {"postgresql": ("SET CONSTRAINTS ALL IMMEDIATE",), "mariadb": (), "sqlite": ()}


class RowWriter(Protocol):
    """Writes many rows in the fastest way an engine has."""

    async def prepare(self, target: Target, known: dict[str, ColumnFacts]) -> None:
        """Gets ready for a target; ``known`` are the columns of its table."""

    def begin(self) -> None:
        """Is called at the start of each transaction."""

    async def write(self, target: Target, rows: list[Row]) -> None:
        """Writes rows with keys of their own."""


class WritingSession:
    """Writes at one partner.

    Args:
        partner: a connection of its own.
        zone: zone of times the engine keeps without one.
    """

    def __init__(self, partner: Partner, zone: str) -> None:
        self.partner = partner
        self._writer: RowWriter = (
            StageWriter(partner) if isinstance(partner, PostgresqlPartner) else ManyWriter(partner, zone)
        )
        self._known: dict[Target, dict[str, ColumnFacts]] = {}
        #: Whether this transaction has a mark to go back to.
        self._has_piece = False
        self._turn = asyncio.Lock()
        #: SQLite has no variables of a session: there a row of a table says whose transaction it is.
        self._has_mark = False

    @classmethod
    async def open(cls, partner: Partner, zone: str) -> Self:
        """Marks a connection as the hub's and sets its limits.

        Raises:
            PartnerUnreachable, PartnerRefused: as any statement.
        """
        session = cls(partner, zone)
        for statement in _OPENING[partner.dialect.name]:
            await partner.execute(statement)
        session._has_mark = partner.dialect.name == "sqlite" and await has_table(partner, "x_session")
        return session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Opens a transaction of the hub's own, one at a time."""
        async with self._turn, self.partner.transaction():
            self._writer.begin()
            self._has_piece = False
            if self._has_mark:
                await self.partner.execute("UPDATE x_session SET is_exchange = 1")
            yield
            if self._has_mark:
                await self.partner.execute("UPDATE x_session SET is_exchange = 0")

    async def prepare(self, target: Target) -> None:
        """Looks at the table of a target, once; not inside a transaction.

        Raises:
            PartnerRefused: the table is not as it must be; says what is missing.
        """
        # A paused table is looked at while others are written: two questions at once would mix up their answers.
        async with self._turn:
            await self._prepare(target)

    async def _prepare(self, target: Target) -> None:
        if target not in self._known:
            known = await read_columns(self.partner, target.table)
            _require_columns(target, known)
            await self._writer.prepare(target, known)
            self._known[target] = known

    async def put(self, target: Target, items: list[Item]) -> list[Bad]:
        """Writes the newest row of each key, inside a transaction.

        Returns:
            The rows that were refused; all others are written.

        Raises:
            PartnerUnreachable, PartnerRefused: nothing of the transaction can stand.
        """
        rows = newest(target, items)
        try:
            await self._try(target, rows)
        except RowRefused:
            fitting, bad = self._sifted(target, rows)
            return bad + await self._split(target, fitting)
        return []

    async def _try(self, target: Target, items: list[Item]) -> None:
        if not items:
            return
        await self._begin_piece()
        try:
            await self._writer.write(target, [item.values for item in items])
        except RowRefused:
            await self.partner.execute("ROLLBACK TO SAVEPOINT piece")
            raise

    async def _begin_piece(self) -> None:
        """Marks where to go back to; the last mark ends with the transaction. ``perf``: one way there and back."""
        before = ("RELEASE SAVEPOINT piece",) if self._has_piece else _BEGINNING[self.partner.dialect.name]
        statements = (*before, "SAVEPOINT piece")
        self._has_piece = True
        if isinstance(self.partner, PostgresqlPartner):
            await self.partner.run_together(statements)
            return
        for statement in statements:
            await self.partner.execute(statement)

    def _sifted(self, target: Target, items: list[Item]) -> tuple[list[Item], list[Bad]]:
        """Parts the rows that fit their columns, as far as is known, from those that do not."""
        fitting, bad = [], []
        checked = [(column.name, self._known[target][column.name]) for column in target.columns]
        for item in items:
            told = (
                Bad(item, target.table, name, why)
                for (name, known), value in zip(checked, item.values, strict=True)
                if (why := trouble_of(known, value))
            )
            found = next(told, None)
            if found is None:
                fitting.append(item)
            else:
                bad.append(found)
        return fitting, bad

    async def _split(self, target: Target, items: list[Item]) -> list[Bad]:
        """Writes rows in halves and halves of halves until each refused one stands alone."""
        try:
            await self._try(target, items)
        except RowRefused as error:
            if len(items) > 1:
                middle = len(items) // 2
                return await self._split(target, items[:middle]) + await self._split(target, items[middle:])
            return [Bad(items[0], target.table, error.column, str(error))]
        return []


def _require_columns(target: Target, known: dict[str, ColumnFacts]) -> None:
    table = target.table
    if not known:
        raise PartnerRefused(f"没有表 {table} / there is no table {table}")
    written = {column.name for column in target.columns}
    missing = sorted(written - known.keys())
    if missing:
        raise PartnerRefused(f"表 {table} 没有列 {missing[0]} / the table {table} has no column {missing[0]}")
    for name, facts in known.items():
        if name not in written and not facts.is_left_out_well:
            raise PartnerRefused(
                f"{table}.{name} 必填，但枢纽不写此列，请设默认值 / must be filled, but the hub does not write it:"
                " give it a default"
            )


async def has_table(partner: Partner, name: str) -> bool:
    """Tells whether a table is there that we may read."""
    try:
        await partner.fetch(f"SELECT 1 FROM {partner.dialect.quoted(name)} WHERE 1 = 0")  # noqa: S608 — quoted
    except PartnerRefused:
        return False
    return True
