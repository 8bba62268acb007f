"""Having rows read once more, piece by piece in the order of the key, while live changes go on.

Keys are put into the partner's own key log, or statuses back to new. The rows are then read as they stand when their
turn comes, so a change that is made meanwhile is never undone by the loading.
"""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from exchange_db.intermediate.capture import CHANGE_LOG
from exchange_db.intermediate.columns import read_columns
from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.reading.pages import Key, ReadTable, as_text
from exchange_db.intermediate.reading.pgoutput import PREFIX
from exchange_db.intermediate.reading.status_column import StatusColumn, behind_key, key_values

#: Keys in the log that are told one by one.
_MOST_WAITING = 100_000


class Piece(NamedTuple):
    """How many rows a piece had, and the key of the last; ``None`` when none was left."""

    row_count: int
    last: Key | None


class Filter(NamedTuple):
    """Which rows: those behind a key, and those whose ``region_code`` begins so.

    ``is_shared``: the hub writes into the table too; its rows carry the time and are left out.
    """

    after: Key | None = None
    region: str = ""
    is_shared: bool = False

    def conditions(self, quoted: Callable[[str], str], names: list[str]) -> tuple[str, list[object]]:
        """Returns the SQL of it and its values; ``names`` are the columns of the key."""
        conditions, values = ["1 = 1"], list[object]()
        if self.after is not None:
            conditions.append(behind_key(names))
            values += key_values(self.after)
        if self.region:
            conditions.append(f"{quoted('region_code')} LIKE %s")
            values.append(f"{self.region}%")
        if self.is_shared:
            conditions.append(f"{quoted('written_time')} IS NULL")
        return " AND ".join(conditions), values


async def refill(partner: Partner, table: ReadTable, which: Filter, size: int) -> Piece:
    """Puts the next keys of a table into the key log, at most ``size``."""
    keys = await _keys(partner, table, which, size)
    if keys:
        await put_again(partner, table, keys)
    return Piece(len(keys), keys[-1] if keys else None)


async def announce(partner: Partner, table: ReadTable, which: Filter, size: int) -> Piece:
    """Puts the next keys of a table into the database's own log, at most ``size``, as a message of ours."""
    keys = await _keys(partner, table, which, size)
    if keys:
        told = json.dumps([(table.name, key) for key in keys], ensure_ascii=False)
        await partner.fetch("SELECT pg_logical_emit_message(true, %s, %s)", (PREFIX, told))
    return Piece(len(keys), keys[-1] if keys else None)


async def renew(partner: Partner, table: ReadTable, status: StatusColumn, which: Filter, size: int) -> Piece:
    """Marks the next rows of a table as new, at most ``size``."""
    quoted = partner.dialect.quoted
    keys = await _keys(partner, table, which, size)
    if keys:
        equal = " AND ".join(f"{quoted(column)} = %s" for column in table.key)
        async with partner.transaction():
            await partner.execute_many(
                f"UPDATE {quoted(table.name)} SET {quoted(status.name)} = %s WHERE {equal}",  # noqa: S608
                [(status.new, *key) for key in keys],
            )
    return Piece(len(keys), keys[-1] if keys else None)


async def _keys(partner: Partner, table: ReadTable, which: Filter, size: int) -> list[Key]:
    quoted = partner.dialect.quoted
    names = [quoted(column) for column in table.key]
    where, values = which.conditions(quoted, names)
    return await partner.fetch(
        f"SELECT {', '.join(as_text(partner.dialect, column) for column in table.key)}"  # noqa: S608
        f" FROM {quoted(table.name)} WHERE {where} ORDER BY {', '.join(names)} LIMIT %s",
        (*values, size),
    )


async def row_count(partner: Partner, table: ReadTable, which: Filter) -> int:
    """Returns how many rows there are to be read."""
    quoted = partner.dialect.quoted
    where, values = which.conditions(quoted, [quoted(column) for column in table.key])
    rows = await partner.fetch(f"SELECT count(*) FROM {quoted(table.name)} WHERE {where}", values)  # noqa: S608
    return int(rows[0][0])


async def put_again(partner: Partner, table: ReadTable, keys: Sequence[Key]) -> None:
    """Puts some keys into the key log."""
    is_array = partner.dialect.name == "postgresql"
    async with partner.transaction():
        await partner.execute_many(
            f"INSERT INTO {CHANGE_LOG} (table_name, row_key, op) VALUES (%s, %s, 'U')",  # noqa: S608 — constant
            [(table.name, list(key) if is_array else json.dumps(key, ensure_ascii=False)) for key in keys],
        )


async def has_log(partner: Partner) -> bool:
    """Tells whether there is a key log."""
    return bool(await read_columns(partner, CHANGE_LOG))


async def waiting(partner: Partner, table: ReadTable) -> set[Key]:
    """Returns the keys of a table that lie in the key log; those that were read and not taken away yet as well."""
    rows = await partner.fetch(
        f"SELECT DISTINCT row_key FROM {CHANGE_LOG} WHERE table_name = %s LIMIT {_MOST_WAITING}",  # noqa: S608
        (table.name,),
    )
    is_array = partner.dialect.name == "postgresql"
    return {tuple(map(str, key if is_array else json.loads(key))) for (key,) in rows}
