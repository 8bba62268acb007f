"""One connection to a partner's database, whatever engine it is.

Errors of all engines become two: ``PartnerUnreachable`` (try again later) and ``PartnerRefused`` (the statement was
understood and refused; trying again will not help).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from exchange_db.intermediate.dialect import Dialect

Row = tuple[Any, ...]


class PartnerError(Exception):
    """A partner's database could not do what was asked."""


class PartnerUnreachable(PartnerError):
    """The partner's database does not answer or broke off; nothing is known of what was under way."""


class PartnerRefused(PartnerError):
    """The partner's database refused a statement: a table, column or right is missing, or a value does not fit."""


class RowRefused(PartnerRefused):
    """A row is the cause: a value does not fit its column, or breaks a rule of the table; others may be taken.

    ``column`` is the one at fault, empty where the engine does not say.
    """

    def __init__(self, told: str, column: str = "") -> None:
        super().__init__(told)
        self.column = column


class Partner(Protocol):
    """A connection on which every statement stands alone, but inside ``transaction``.

    Statements are written with ``%s`` for values, whatever the engine. Values in both directions are ``str``, ``int``,
    ``float``, ``bool``, ``bytes``, ``None``, and for times of ``exchange_db.intermediate.schema`` ``int`` microseconds
    since 1970 (see ``Dialect.time_as_number`` and ``Dialect.number_as_time``).
    """

    @property
    def dialect(self) -> Dialect:
        """The SQL of the engine."""

    async def fetch(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns all rows of a question."""

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Runs a statement and returns how many rows it touched, -1 when not known."""

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement for many rows, in the fastest way the engine has for that."""

    async def run_script(self, script: Sequence[str]) -> None:
        """Runs statements without values, in order; for making and removing things."""

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Opens a transaction, committed when the block ends well."""

    def snapshot(self) -> AbstractAsyncContextManager[None]:
        """Opens a transaction for reading one state of the database, which keeps no writer out."""

    async def close(self) -> None:
        """Closes the connection."""


@asynccontextmanager
async def open_partner(url: str, zone: str = "Asia/Shanghai") -> AsyncIterator[Partner]:
    """Yields a connection to the database a URL names.

    Args:
        url: ``postgresql://…``, ``mysql://…``, ``mariadb://…`` or ``sqlite:///file``.
        zone: time zone of times the engine keeps without one.

    Raises:
        PartnerUnreachable: it does not answer.
        PartnerRefused: it does not let us in, or no such engine is known.
    """
    partner = await _connect(url, zone)
    try:
        yield partner
    finally:
        await partner.close()


async def _connect(url: str, zone: str) -> Partner:
    # Each engine brings a driver; only the one that is needed is loaded.
    engine = engine_of(url)
    if engine == "postgresql":
        from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner  # noqa: PLC0415

        return await PostgresqlPartner.connect(url, zone)
    if engine == "mariadb":
        from exchange_db.intermediate.dialects.mariadb import MariadbPartner  # noqa: PLC0415

        return await MariadbPartner.connect(url, zone)
    from exchange_db.intermediate.dialects.sqlite import SqlitePartner  # noqa: PLC0415

    return await SqlitePartner.connect(url, zone)


_ENGINES = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "kingbase": "postgresql",
    "highgo": "postgresql",
    "mysql": "mariadb",
    "mariadb": "mariadb",
    "sqlite": "sqlite",
}


def engine_of(url: str) -> str:
    """Returns the dialect for a URL: ``postgresql``, ``mariadb`` or ``sqlite``.

    Raises:
        PartnerRefused: no such engine is known; says which are.
    """
    try:
        name = make_url(url).get_backend_name()
        return _ENGINES[name]
    except (ArgumentError, KeyError):
        known = ", ".join(_ENGINES)
        raise PartnerRefused(
            f"不认识的数据库地址，应以 {known} 之一开头 / no such engine, the URL must begin with one of {known}"
        ) from None
