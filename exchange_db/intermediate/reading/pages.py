"""What readers of a partner's database give: pages of changed rows; and what is asked of a table."""

from typing import Any, NamedTuple, Protocol

from exchange_db.intermediate.dialect import Dialect, expression
from exchange_db.intermediate.schema import Table

Key = tuple[str, ...]
Values = tuple[Any, ...]

_TEXT_TYPES = {"postgresql": "text", "mariadb": "char", "sqlite": "text"}


class ReadTable(NamedTuple):
    """A table that is read: ``columns`` are what a row's values are called, ``expressions`` the SQL of them."""

    name: str
    key: Key
    columns: tuple[str, ...]
    expressions: tuple[str, ...]

    @classmethod
    def ours(cls, dialect: Dialect, table: Table) -> "ReadTable":
        """Returns one of the tables of ``exchange_db.intermediate.schema``."""
        return cls(table.name, table.key, table.names, tuple(expression(dialect, one) for one in table.columns))

    @classmethod
    def theirs(cls, dialect: Dialect, name: str, key: Key, columns: Key) -> "ReadTable":
        """Returns a table of the partner's own, whose values are read as text."""
        return cls(name, key, columns, tuple(as_text(dialect, column) for column in columns))


class ChangedRow(NamedTuple):
    """A row as it stands: ``values`` is ``None`` when it is gone. An empty key: the whole table was emptied."""

    table: str
    key: Key
    values: Values | None


class Page(NamedTuple):
    """Changed rows in the order of their first change, and how far the source is read with them.

    ``change_count`` changes were read for them; when it is what was asked for, more may wait. Missing are rows of
    tables that could not be read: ``unreadable`` maps them to what the database said; and of tables that are not
    followed: ``passed``. ``is_asked``: the partner waits for an answer to each row, also to unchanged ones.
    """

    rows: list[ChangedRow]
    position: str | None
    change_count: int
    unreadable: dict[str, str]
    passed: frozenset[str]
    is_asked: bool = False


class Reader(Protocol):
    """Reads one source of a partner; pages are settled in the order they were given.

    ``is_restored``: when it was opened, the partner's database was an older one than that which was read last.
    """

    source: str
    is_restored: bool

    async def page(self, limit: int) -> Page | None:
        """Returns what changed behind the last page, at most ``limit`` changes; ``None`` when nothing did.

        Raises:
            PartnerUnreachable, PartnerRefused: the source as a whole cannot be read.
        """

    async def settle(self) -> None:
        """Tells the partner's database that the oldest page given is on the hub's disk."""

    async def rest(self, seconds: float) -> None:
        """Returns after a time without changes, earlier where the database announces one."""


def probe(dialect: Dialect, table: ReadTable) -> str:
    """Returns a question that is refused where the table cannot be read."""
    selected = [*(as_text(dialect, column) for column in table.key), *table.expressions]
    return f"SELECT {', '.join(selected)} FROM {dialect.quoted(table.name)} WHERE 1 = 0"  # noqa: S608


def as_text(dialect: Dialect, column: str) -> str:
    """Returns the SQL of a column's value as text, whatever its type."""
    return f"CAST({dialect.quoted(column)} AS {_TEXT_TYPES[dialect.name]})"
