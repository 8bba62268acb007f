"""Capture on PostgreSQL: triggers once a statement, which read the changed rows' keys from transition tables.

It costs a statement some ten microseconds and a bulk insert about a quarter; a trigger once a row costs more than
twice that. A notification is sent only when a reader has said that it sleeps, because notifications make commits wait
for one another.
"""

from collections.abc import Sequence

from exchange_db.intermediate.capture.parts import (
    CHANGE_LOG,
    CHANNEL,
    PREFIX,
    READER,
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

#: From 13 on a transaction's number has a type of its own; before, and on engines made of 12, it is a bigint.
_LOG = f"""DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 130000 THEN
        CREATE TABLE IF NOT EXISTS {CHANGE_LOG} (
            log_id bigserial PRIMARY KEY,
            tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
            table_name text NOT NULL,
            row_key text[] NOT NULL,
            op char(1) NOT NULL
        );
    ELSE
        CREATE TABLE IF NOT EXISTS {CHANGE_LOG} (
            log_id bigserial PRIMARY KEY,
            tx bigint NOT NULL DEFAULT txid_current(),
            table_name text NOT NULL,
            row_key text[] NOT NULL,
            op char(1) NOT NULL
        );
    END IF;
END
$$"""
_INDEX = f"CREATE INDEX IF NOT EXISTS {CHANGE_LOG}_tx ON {CHANGE_LOG} (tx, log_id)"
_READER = f"""CREATE TABLE IF NOT EXISTS {READER} (
    reader_id text PRIMARY KEY,
    is_asleep boolean NOT NULL,
    position text
)"""

#: What a function's search path is fixed to: its owner's rights must not reach what a caller puts in the way.
_PATH = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"
_PATIENCE = "SET LOCAL lock_timeout = '10s'"

_EVENTS = {
    "insert": "AFTER INSERT ON {table} REFERENCING NEW TABLE AS x_new",
    "update": "AFTER UPDATE ON {table} REFERENCING OLD TABLE AS x_old NEW TABLE AS x_new",
    "delete": "AFTER DELETE ON {table} REFERENCING OLD TABLE AS x_old",
    "truncate": "AFTER TRUNCATE ON {table}",
}


class PostgresqlCapture:
    """What is installed in PostgreSQL: the log, and for each table one function and four triggers."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def parts(self, tables: Sequence[Watched]) -> list[Part]:
        """Returns everything that is to be there."""
        parts = [
            Part(CHANGE_LOG, "", (_LOG, _INDEX)),
            Part(READER, "", (_READER,)),
        ]
        for watched in tables:
            name = name_of(watched.table)
            parts.append(Part(name, watched.table, (self._function(name, watched),)))
            parts += [self._trigger(name, watched.table, event) for event in _EVENTS]
        return parts

    def script(self, parts: Sequence[Part]) -> list[str]:
        """Returns the statements; they belong in one transaction."""
        return [_PATH, _PATIENCE, *(statement for part in parts for statement in part.create)] if parts else []

    def _function(self, name: str, watched: Watched) -> str:
        return (
            f"CREATE OR REPLACE FUNCTION {self._dialect.quoted(name)}() RETURNS trigger LANGUAGE plpgsql\n"
            f"SECURITY DEFINER SET search_path FROM CURRENT AS $x${self._body(watched)}$x$"
        )

    def _body(self, watched: Watched) -> str:
        key = f"ARRAY[{', '.join(f'r.{self._dialect.quoted(column)}::text' for column in watched.key)}]"
        table = literal(watched.table)

        def noted(op: str, rows: str) -> str:
            return f"INSERT INTO {CHANGE_LOG} (table_name, row_key, op) SELECT {table}, {key}, '{op}' FROM {rows} r;"

        return f"""
BEGIN
    IF current_setting('sanji.exchange', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        {noted("I", "x_new")}
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO {CHANGE_LOG} (table_name, row_key, op)
            SELECT {table}, gone.row_key, 'D'
            FROM (SELECT {key} FROM x_old r EXCEPT SELECT {key} FROM x_new r) AS gone (row_key);
        {noted("U", "x_new")}
    ELSIF TG_OP = 'DELETE' THEN
        {noted("D", "x_old")}
    ELSE
        INSERT INTO {CHANGE_LOG} (table_name, row_key, op) VALUES ({table}, '{{}}', 'T');
    END IF;
    IF FOUND AND EXISTS (SELECT FROM {READER} WHERE is_asleep) THEN
        PERFORM pg_notify('{CHANNEL}', '');
    END IF;
    RETURN NULL;
END
"""

    def _trigger(self, function: str, table: str, event: str) -> Part:
        quoted = self._dialect.quoted(table)
        name = f"{PREFIX}{event}"
        act = f"FOR EACH STATEMENT EXECUTE FUNCTION {self._dialect.quoted(function)}()"
        create = (
            f"DROP TRIGGER IF EXISTS {name} ON {quoted}",
            f"CREATE TRIGGER {name} {_EVENTS[event].format(table=quoted)}\n{act}",
        )
        return Part(name, table, create)

    async def check(self, partner: Partner, tables: Sequence[Watched]) -> None:
        """Checks that each is a table, for views and tables of other servers know no such triggers."""
        for watched in tables:
            quoted = self._dialect.quoted(watched.table)
            rows = await partner.fetch("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(%s)", (quoted,))
            if not rows or rows[0][0] not in ("r", "p"):
                raise no_table(watched.table)

    async def found(self, partner: Partner, tables: Sequence[Watched]) -> list[Finding]:
        """Returns how each part stands; functions are compared by their text, triggers by what they call."""
        rows = await partner.fetch(
            "SELECT proname::text, prosrc FROM pg_proc"
            " WHERE pronamespace = current_schema()::regnamespace AND starts_with(proname, %s)",
            (PREFIX,),
        )
        bodies: dict[str, str] = dict(rows)
        triggers = await self._triggers(partner)
        findings = []
        for name in (CHANGE_LOG, READER):
            there = (await partner.fetch("SELECT to_regclass(%s) IS NOT NULL", (name,)))[0][0]
            findings.append(Finding(name, "", Standing.INSTALLED if there else Standing.MISSING))
        for watched in tables:
            name = name_of(watched.table)
            body = bodies.pop(name, None)
            standing = Standing.MISSING if body is None else Standing.DIFFERS
            if body is not None and same(body, self._body(watched)):
                standing = Standing.INSTALLED
            findings.append(Finding(name, watched.table, standing))
            oid = await self._oid(partner, watched.table)
            for event in _EVENTS:
                trigger = triggers.pop((oid, f"{PREFIX}{event}"), None)
                findings.append(Finding(f"{PREFIX}{event}", watched.table, _standing_of(trigger, name)))
        findings += [Finding(name, "", Standing.UNKNOWN) for name in bodies]
        return [*findings, *(Finding(name, row[0], Standing.UNKNOWN) for (_, name), row in triggers.items())]

    async def _oid(self, partner: Partner, table: str) -> int:
        rows = await partner.fetch("SELECT coalesce(to_regclass(%s), 0)::oid", (self._dialect.quoted(table),))
        return int(rows[0][0])

    async def _triggers(self, partner: Partner) -> dict[tuple[int, str], tuple[str, str, str]]:
        """Returns table, function and switch of every trigger of capture, by the table's number and its name."""
        rows = await partner.fetch(
            "SELECT t.tgrelid, t.tgname::text, t.tgrelid::regclass::text, p.proname::text, t.tgenabled::text"
            " FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE starts_with(t.tgname, %s) AND p.pronamespace = current_schema()::regnamespace"
            " AND starts_with(p.proname, %s) AND NOT t.tgisinternal",
            (PREFIX, PREFIX),
        )
        return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}

    async def removal(self, partner: Partner) -> list[str]:
        """Returns the statements that drop the triggers, their functions and the log."""
        triggers = await self._triggers(partner)
        functions = await partner.fetch(
            "SELECT proname::text FROM pg_proc"
            " WHERE pronamespace = current_schema()::regnamespace AND starts_with(proname, %s) ORDER BY 1",
            (PREFIX,),
        )
        tables = [
            name for name in (CHANGE_LOG, READER)
            if (await partner.fetch("SELECT to_regclass(%s) IS NOT NULL", (name,)))[0][0]
        ]  # fmt: skip
        if not (triggers or functions or tables):
            return []
        return [
            _PATIENCE,
            *(f"DROP TRIGGER {name} ON {table}" for (_, name), (table, _, _) in triggers.items()),
            *(f"DROP FUNCTION {self._dialect.quoted(name)}()" for (name,) in functions),
            *(f"DROP TABLE {name}" for name in tables),
        ]


def _standing_of(trigger: tuple[str, str, str] | None, function: str) -> Standing:
    if trigger is None:
        return Standing.MISSING
    _, called, switch = trigger
    if switch not in ("O", "A"):
        return Standing.DISABLED
    return Standing.INSTALLED if called == function else Standing.DIFFERS
