"""Capture on MariaDB and MySQL: triggers once a row.

No trigger of these engines sees ``TRUNCATE``, nor rows that a foreign key deletes or changes in its wake; the daily
reconciliation finds those. Each trigger is one statement, so the scripts need no other delimiter.
"""

from collections.abc import Sequence
from itertools import groupby

from exchange_db.intermediate.capture.parts import (
    CHANGE_LOG,
    PREFIX,
    CaptureRefused,
    Finding,
    Part,
    Standing,
    Watched,
    name_of,
    no_table,
    same,
)
from exchange_db.intermediate.dialect import Dialect, literal
from exchange_db.intermediate.dialects.mariadb import TABLE_OPTIONS
from exchange_db.intermediate.partner import Partner

_LONGEST_KEY = 700
_LOG = f"""CREATE TABLE IF NOT EXISTS {CHANGE_LOG} (
    log_id bigint AUTO_INCREMENT PRIMARY KEY,
    table_name varchar(64) NOT NULL,
    row_key varchar({_LONGEST_KEY}) NOT NULL,
    op char(1) NOT NULL
) {TABLE_OPTIONS}"""
_EVENTS = ("insert", "update", "delete")


class MariadbCapture:
    """What is installed in MariaDB or MySQL: the log, and for each table three triggers."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def parts(self, tables: Sequence[Watched]) -> list[Part]:
        """Returns everything that is to be there."""
        parts = [Part(CHANGE_LOG, "", (_LOG,))]
        for watched in tables:
            for event in _EVENTS:
                name = f"{name_of(watched.table)}_{event}"
                on = f"AFTER {event.upper()} ON {self._dialect.quoted(watched.table)} FOR EACH ROW"
                create = (
                    f"DROP TRIGGER IF EXISTS {self._dialect.quoted(name)}",
                    f"CREATE TRIGGER {self._dialect.quoted(name)} {on}\n{self._body(watched, event)}",
                )
                parts.append(Part(name, watched.table, create))
        return parts

    def script(self, parts: Sequence[Part]) -> list[str]:
        """Returns the statements; between a trigger's end and its successor no row of its table can be written."""
        statements: list[str] = []
        for table, group in groupby(parts, key=lambda part: part.table):
            creates = [statement for part in group for statement in part.create]
            if table:
                creates = [f"LOCK TABLES {self._dialect.quoted(table)} WRITE", *creates, "UNLOCK TABLES"]
            statements += creates
        return statements

    def _body(self, watched: Watched, event: str) -> str:
        ours = "@sanji_exchange IS NULL"
        table = literal(watched.table)

        def chosen(row: str, op: str, condition: str) -> str:
            return f"SELECT {table}, {self._key(watched, row)}, '{op}' FROM DUAL WHERE {condition}"

        if event == "insert":
            rows = chosen("NEW", "I", ours)
        elif event == "delete":
            rows = chosen("OLD", "D", ours)
        else:
            equal = " AND ".join(
                f"BINARY OLD.{column} <=> BINARY NEW.{column}" for column in map(self._dialect.quoted, watched.key)
            )
            rows = f"{chosen('OLD', 'D', f'{ours} AND NOT ({equal})')}\nUNION ALL {chosen('NEW', 'U', ours)}"
        return f"INSERT INTO {CHANGE_LOG} (table_name, row_key, op)\n{rows}"

    def _key(self, watched: Watched, row: str) -> str:
        # The encoding is named because a trigger otherwise keeps that of the session which made it.
        values = (f"CAST({row}.{self._dialect.quoted(column)} AS CHAR CHARACTER SET utf8mb4)" for column in watched.key)
        return f"JSON_ARRAY({', '.join(values)})"

    async def check(self, partner: Partner, tables: Sequence[Watched]) -> None:
        """Checks that each is a table of this database, and that its keys fit into the log."""
        for watched in tables:
            rows = await partner.fetch(
                "SELECT c.column_name, coalesce(c.character_maximum_length, 40) FROM information_schema.columns c"
                " JOIN information_schema.tables t USING (table_schema, table_name)"
                " WHERE table_schema = database() AND table_name = %s AND t.table_type = 'BASE TABLE'",
                (watched.table,),
            )
            columns: dict[str, int] = {name: int(length) for name, length in rows}
            if not columns:
                raise no_table(watched.table)
            # The vendor's own insert would fail on a key that does not fit.
            if sum(columns.get(column, 0) + 3 for column in watched.key) > _LONGEST_KEY:
                raise CaptureRefused(
                    f"{watched.table}：主键各列长度之和超过 {_LONGEST_KEY} 个字符，请选用较短的唯一键。 / "
                    f"its key may be longer than {_LONGEST_KEY} characters; name a shorter unique key"
                )

    async def found(self, partner: Partner, tables: Sequence[Watched]) -> list[Finding]:
        """Returns how each part stands; triggers are compared by their text."""
        there = {row[0] for row in await partner.fetch("SHOW TABLES")}
        findings = [Finding(CHANGE_LOG, "", Standing.INSTALLED if CHANGE_LOG in there else Standing.MISSING)]
        triggers = await self._triggers(partner)
        for watched in tables:
            for event in _EVENTS:
                name = f"{name_of(watched.table)}_{event}"
                table, body = triggers.pop(name, ("", None))
                standing = Standing.MISSING if body is None else Standing.DIFFERS
                if body is not None and table == watched.table and same(body, self._body(watched, event)):
                    standing = Standing.INSTALLED
                findings.append(Finding(name, watched.table, standing))
        return [*findings, *(Finding(name, table, Standing.UNKNOWN) for name, (table, _) in triggers.items())]

    async def _triggers(self, partner: Partner) -> dict[str, tuple[str, str]]:
        """Returns table and text of every trigger of capture, by its name."""
        rows = await partner.fetch(
            "SELECT trigger_name, event_object_table, action_statement FROM information_schema.triggers"
            " WHERE trigger_schema = database() AND left(trigger_name, %s) = %s",
            (len(PREFIX), PREFIX),
        )
        return {name: (table, body) for name, table, body in rows}

    async def removal(self, partner: Partner) -> list[str]:
        """Returns the statements that drop the triggers and the log."""
        there = {row[0] for row in await partner.fetch("SHOW TABLES")}
        return [
            *(f"DROP TRIGGER IF EXISTS {self._dialect.quoted(name)}" for name in await self._triggers(partner)),
            *(f"DROP TABLE {name}" for name in (CHANGE_LOG,) if name in there),
        ]
