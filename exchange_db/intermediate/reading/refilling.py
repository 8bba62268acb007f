"""Putting keys into a partner's key log once more, piece by piece in the order of the key.

The pick-up then reads them like changes, so a change that is made meanwhile is always applied after the loading: the
row is read as it stands when its turn comes.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from exchange_db.intermediate.capture import CHANGE_LOG
from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.reading.pages import Key, as_text
from exchange_db.intermediate.reading.status_column import behind_key, key_values


class Piece(NamedTuple):
    """How many keys were put into the log, and the last of them; ``None`` when none was left."""

    key_count: int
    last: Key | None


async def refill(
    partner: Partner, table: str, key: Sequence[str], after: Key | None, size: int, *, region: str = ""
) -> Piece:
    """Puts the next keys of a table into the key log.

    Args:
        partner: a connection.
        table: the table.
        key: its key columns.
        after: the last key of the piece before; ``None`` to begin.
        size: most keys.
        region: only rows whose ``region_code`` begins so; "" for all.
    """
    quoted = partner.dialect.quoted
    names = [quoted(column) for column in key]
    conditions, values = ["1 = 1"], list[object]()
    if after is not None:
        conditions.append(behind_key(names))
        values += key_values(after)
    if region:
        conditions.append(f"{quoted('region_code')} LIKE %s")
        values.append(f"{region}%")
    keys = await partner.fetch(
        f"SELECT {', '.join(as_text(partner.dialect, column) for column in key)} FROM {quoted(table)}"  # noqa: S608
        f" WHERE {' AND '.join(conditions)} ORDER BY {', '.join(names)} LIMIT %s",
        (*values, size),
    )
    await enter(partner, table, keys)
    return Piece(len(keys), keys[-1] if keys else None)


async def enter(partner: Partner, table: str, keys: Sequence[Key]) -> None:
    """Puts some keys into the key log."""
    if not keys:
        return
    is_array = partner.dialect.name == "postgresql"
    async with partner.transaction():
        await partner.execute_many(
            f"INSERT INTO {CHANGE_LOG} (table_name, row_key, op) VALUES (%s, %s, 'U')",  # noqa: S608 — constant
            [(table, list(key) if is_array else json.dumps(key, ensure_ascii=False)) for key in keys],
        )


async def waiting_count(partner: Partner) -> int:
    """Returns how many changes lie in the key log, read or not."""
    return int((await partner.fetch(f"SELECT count(*) FROM {CHANGE_LOG}"))[0][0])  # noqa: S608 — constant


async def row_count(partner: Partner, table: str) -> int:
    """Returns how many rows a table has."""
    return int((await partner.fetch(f"SELECT count(*) FROM {partner.dialect.quoted(table)}"))[0][0])  # noqa: S608
