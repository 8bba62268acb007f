"""Capture on SQLite: triggers once a row. ``REPLACE`` is seen as an insert of its key only."""

from collections.abc import Sequence

from exchange_db.intermediate.capture.parts import (
    CHANGE_LOG,
    PREFIX,
    SESSION,
    Finding,
    Part,
    Standing,
    Watched,
    name_of,
    no_table,
    same,
)
from exchange_db.intermediate.dialect import Dialect, literal
from exchange_db.intermediate.partner import Partner

_LOG = f"""CREATE TABLE IF NOT EXISTS {CHANGE_LOG} (
    log_id INTEGER PRIMARY KEY AUTOINCREMENT,
    table_name TEXT NOT NULL,
    row_key TEXT NOT NULL,
    op TEXT NOT NULL
)"""
_SESSION = (
    f"CREATE TABLE IF NOT EXISTS {SESSION} (is_exchange BOOLEAN NOT NULL)",
    f"INSERT INTO {SESSION} SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM {SESSION})",
)
_SHARED = (CHANGE_LOG, SESSION)
_EVENTS = ("insert", "update", "delete")


class SqliteCapture:
    """What is installed in SQLite: the log, the mark of the hub's transactions, and three triggers for each table."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def parts(self, tables: Sequence[Watched]) -> list[Part]:
        """Returns everything that is to be there."""
        parts = [Part(CHANGE_LOG, "", (_LOG,)), Part(SESSION, "", _SESSION)]
        for watched in tables:
            for event in _EVENTS:
                name = f"{name_of(watched.table)}_{event}"
                create = (
                    f"DROP TRIGGER IF EXISTS {self._dialect.quoted(name)}",
                    self._definition(name, watched, event),
                )
                parts.append(Part(name, watched.table, create))
        return parts

    def script(self, parts: Sequence[Part]) -> list[str]:
        """Returns the statements; they belong in one transaction."""
        return [statement for part in parts for statement in part.create]

    def _definition(self, name: str, watched: Watched, event: str) -> str:
        table = self._dialect.quoted(watched.table)

        def noted(row: str, op: str, condition: str = "") -> str:
            key = ", ".join(f"CAST({row}.{self._dialect.quoted(column)} AS TEXT)" for column in watched.key)
            values = f"SELECT {literal(watched.table)}, json_array({key}), '{op}'{condition}"
            return f"    INSERT INTO {CHANGE_LOG} (table_name, row_key, op) {values};"

        if event == "insert":
            lines = [noted("NEW", "I")]
        elif event == "delete":
            lines = [noted("OLD", "D")]
        else:
            equal = " AND ".join(f"OLD.{column} IS NEW.{column}" for column in map(self._dialect.quoted, watched.key))
            lines = [noted("OLD", "D", f" WHERE NOT ({equal})"), noted("NEW", "U")]
        body = "\n".join(lines)
        return (
            f"CREATE TRIGGER {self._dialect.quoted(name)} AFTER {event.upper()} ON {table} FOR EACH ROW\n"
            f"WHEN NOT EXISTS (SELECT 1 FROM {SESSION} WHERE is_exchange)\nBEGIN\n{body}\nEND"
        )

    async def check(self, partner: Partner, tables: Sequence[Watched]) -> None:
        """Checks that each is a table."""
        there = await self._named(partner, "table")
        for watched in tables:
            if watched.table not in there:
                raise no_table(watched.table)

    async def found(self, partner: Partner, tables: Sequence[Watched]) -> list[Finding]:
        """Returns how each part stands; triggers are compared by their text."""
        there = await self._named(partner, "table")
        findings = [Finding(name, "", Standing.INSTALLED if name in there else Standing.MISSING) for name in _SHARED]
        triggers = {name: row for name, row in (await self._named(partner, "trigger")).items() if _is_ours(name)}
        for watched in tables:
            for event in _EVENTS:
                name = f"{name_of(watched.table)}_{event}"
                _, body = triggers.pop(name, ("", None))
                standing = Standing.MISSING if body is None else Standing.DIFFERS
                if body is not None and same(body, self._definition(name, watched, event)):
                    standing = Standing.INSTALLED
                findings.append(Finding(name, watched.table, standing))
        return [*findings, *(Finding(name, table, Standing.UNKNOWN) for name, (table, _) in triggers.items())]

    async def _named(self, partner: Partner, kind: str) -> dict[str, tuple[str, str]]:
        """Returns table and text of everything of a kind, by name."""
        rows = await partner.fetch("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = %s", (kind,))
        return {name: (table, text) for name, table, text in rows}

    async def removal(self, partner: Partner) -> list[str]:
        """Returns the statements that drop the triggers and the tables of capture."""
        triggers = await self._named(partner, "trigger")
        tables = await self._named(partner, "table")
        return [
            *(f"DROP TRIGGER {self._dialect.quoted(name)}" for name in triggers if _is_ours(name)),
            *(f"DROP TABLE {name}" for name in _SHARED if name in tables),
        ]


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX)
