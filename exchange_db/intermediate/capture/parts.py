"""What capture is made of, and installing, showing and removing it, whatever the engine."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from exchange_db.intermediate.columns import read_columns
from exchange_db.intermediate.dialect import Dialect
from exchange_db.intermediate.partner import Partner

#: The key log, how far it was read (PostgreSQL), and the mark of the hub's own transactions (SQLite).
CHANGE_LOG: Final = "x_change_log"
READER: Final = "x_reader"
SESSION: Final = "x_session"
#: Name of the notification a sleeping reader is woken by.
CHANNEL: Final = "x_change"
#: Every trigger and function of capture begins so, and nothing else may.
PREFIX: Final = "x_log_"
#: Longest name of a table that appears as such in names of triggers; engines allow 63 bytes or 64 characters.
_LONGEST_NAME: Final = 40


class CaptureRefused(Exception):
    """Capture cannot be installed as asked; says why and what to do, in both languages."""


class Watched(NamedTuple):
    """A table whose changes are to be noted, and the columns that name a row of it."""

    table: str
    key: tuple[str, ...]


class Part(NamedTuple):
    """One thing capture is made of: ``name`` on ``table`` (empty for what all tables share).

    ``create`` makes it, or makes it anew, and does no harm twice.
    """

    name: str
    table: str
    create: tuple[str, ...]


class Standing(StrEnum):
    """How a part stands in the partner's database."""

    INSTALLED = "installed"
    MISSING = "missing"
    DIFFERS = "differs"
    DISABLED = "disabled"
    UNKNOWN = "unknown"  # there, and ours by its name, but of no table that is asked for

    @property
    def is_amiss(self) -> bool:
        """Whether installing again mends something."""
        return self in (Standing.MISSING, Standing.DIFFERS, Standing.DISABLED)


class Finding(NamedTuple):
    """A part, by its name and table, and how it stands."""

    name: str
    table: str
    standing: Standing


class Capture(Protocol):
    """What one engine installs."""

    def parts(self, tables: Sequence[Watched]) -> list[Part]:
        """Returns everything that is to be there, in the order it is made."""

    def script(self, parts: Sequence[Part]) -> list[str]:
        """Returns the statements that make these parts, with whatever keeps writers out meanwhile."""

    async def check(self, partner: Partner, tables: Sequence[Watched]) -> None:
        """Checks that the tables can be watched at all.

        Raises:
            CaptureRefused: one cannot; says which.
        """

    async def found(self, partner: Partner, tables: Sequence[Watched]) -> list[Finding]:
        """Returns how each part stands, and parts of other tables that are there."""

    async def removal(self, partner: Partner) -> list[str]:
        """Returns the statements that take away whatever is there of capture, and nothing else."""


def capture_of(dialect: Dialect) -> Capture:
    """Returns the capture of an engine."""
    # Each engine's module imports this one.
    from exchange_db.intermediate.capture.mariadb import MariadbCapture  # noqa: PLC0415
    from exchange_db.intermediate.capture.postgresql import PostgresqlCapture  # noqa: PLC0415
    from exchange_db.intermediate.capture.sqlite import SqliteCapture  # noqa: PLC0415

    if dialect.name == "postgresql":
        return PostgresqlCapture(dialect)
    return MariadbCapture(dialect) if dialect.name == "mariadb" else SqliteCapture(dialect)


async def show(partner: Partner, tables: Sequence[Watched]) -> list[Finding]:
    """Returns how each part of capture stands in the partner's database."""
    return await capture_of(partner.dialect).found(partner, tables)


async def install(partner: Partner, tables: Sequence[Watched]) -> list[Finding]:
    """Makes what is missing, altered or switched off, and leaves what is in order alone; returns what was not.

    Raises:
        CaptureRefused: a table cannot be watched; nothing was done.
    """
    capture = capture_of(partner.dialect)
    await capture.check(partner, tables)
    for watched in tables:
        await _require_key(partner, watched)
    found = await capture.found(partner, tables)
    amiss = {(one.name, one.table): one for one in found if one.standing.is_amiss}
    parts = [part for part in capture.parts(tables) if (part.name, part.table) in amiss]
    await partner.run_script(capture.script(parts))
    return list(amiss.values())


async def _require_key(partner: Partner, watched: Watched) -> None:
    # Not every engine looks into a trigger when it is made; the partner's own inserts would fail instead.
    there = await read_columns(partner, watched.table)
    absent = [name for name in watched.key if name not in there]
    if absent:
        raise CaptureRefused(
            f"{watched.table}：没有列 {'、'.join(absent)}，请改正链路文件中的 key。 / "
            f"has no column {', '.join(absent)}: correct the key in the link file"
        )


async def remove(partner: Partner) -> list[str]:
    """Takes capture away, of whatever tables; returns the statements that were run, none when nothing was there."""
    statements = await capture_of(partner.dialect).removal(partner)
    await partner.run_script(statements)
    return statements


def name_of(table: str) -> str:
    """Returns the name that stands for a table in names of triggers and functions, the same for ever."""
    if len(table.encode()) <= _LONGEST_NAME and table.isidentifier():
        return f"{PREFIX}{table}"
    return f"{PREFIX}{hashlib.sha256(table.encode()).hexdigest()[:16]}"


def no_table(table: str) -> CaptureRefused:
    """Returns what is said of a name that is not a table of the database."""
    return CaptureRefused(
        f"{table}：本库中没有这张表，或它是视图、外部表，不能安装触发器。请改用 capture = status 或 timestamp。 / "
        "is not a table of this database, and a view has no triggers: use capture = status or timestamp"
    )


def same(one: str, other: str) -> bool:
    """Tells whether two statements differ in nothing but space."""
    return "".join(one.split()) == "".join(other.split())
