"""Tables only the hub writes: sheets of counts, codes in force, receipts; and the removal of what is old."""

from collections.abc import Sequence
from typing import NamedTuple

from exchange_db.intermediate import schema
from exchange_db.intermediate.dialect import expression, placeholder
from exchange_db.intermediate.partner import Row
from exchange_db.intermediate.schema import Column, ColumnKind, Table
from exchange_db.intermediate.writing.session import WritingSession
from exchange_db.intermediate.writing.targets import OURS, Bad, Item, Target

#: Rows that are taken away in one transaction.
_REMOVED_ROWS = 1_000

#: A receipt that is only noted as taken never replaces a later one.
_SETTLED = Target(schema.RECEIPT.name, schema.RECEIPT.columns, schema.RECEIPT.key)
_TAKEN = _SETTLED._replace(is_insert_only=True)


class Sheet(NamedTuple):
    """The rows of one sheet of counts: all there is of a reporter, region and month."""

    sequence: int
    reporter_id: str
    region_code: str
    month: int
    revision: int
    rows: tuple[Row, ...]


async def put_sheet(session: WritingSession, sheet: Sheet) -> list[Bad]:
    """Replaces a sheet by one with a higher revision, inside a transaction."""
    which = "reporter_id = %s AND region_code = %s AND month = %s"
    key = (sheet.reporter_id, sheet.region_code, sheet.month)
    held = await session.partner.fetch(f"SELECT max(revision) FROM x_figure WHERE {which}", key)  # noqa: S608
    if (held[0][0] or 0) > sheet.revision:
        return []
    bad = await session.put(OURS["x_figure"], [Item(sheet.sequence, row) for row in sheet.rows])
    await session.partner.execute(f"DELETE FROM x_figure WHERE {which} AND revision < %s", (*key, sheet.revision))  # noqa: S608
    return bad


async def put_codes(session: WritingSession, rows: list[Row], now: int) -> int:
    """Brings ``x_code_list`` to the codes in force; one that is no longer among them stays and is marked.

    Args:
        session: at the partner.
        rows: (standard_ref, class_kind, code, name, parent_code) of every code in force.
        now: the hub's clock.

    Returns:
        How many rows changed.
    """
    table = schema.CODE_LIST
    width = len(table.columns) - 1
    names = ", ".join(map(session.partner.dialect.quoted, table.names[:width]))
    async with session.transaction():
        found = await session.partner.fetch(f"SELECT {names} FROM x_code_list")  # noqa: S608 — our own names
        held = {row[:3]: (*row[: width - 1], bool(row[width - 1])) for row in found}
        wanted = {row[:3]: (*row, True) for row in rows}
        wanted |= {key: (*row[: width - 1], False) for key, row in held.items() if key not in wanted}
        changed = [Item(0, (*row, now)) for key, row in wanted.items() if held.get(key) != row]
        if changed:
            await session.put(OURS[table.name], changed)
    return len(changed)


async def put_receipts(session: WritingSession, rows: Sequence[Row], *, is_settled: bool) -> None:
    """Writes receipts, inside a transaction."""
    await session.put(_SETTLED if is_settled else _TAKEN, [Item(0, row) for row in rows])


async def prepare_given(session: WritingSession, tables: Sequence[Table], *, has_receipts: bool) -> None:
    """Looks at the tables that are written here.

    Raises:
        PartnerRefused: one is not as it must be.
    """
    for table in tables:
        await session.prepare(OURS[table.name])
    if has_receipts:
        await session.prepare(_SETTLED)
        await session.prepare(_TAKEN)


async def remove_old(session: WritingSession, before: int, tables: Sequence[Table] = schema.SHARED) -> int:
    """Takes away receipts settled and rows the hub wrote before a moment, in small transactions.

    ``written_time`` is the hub's: a partner leaves it empty in rows of its own, and those are never touched.

    Returns:
        How many rows were taken away.
    """
    count = await _remove(session, schema.RECEIPT, "settled_time", before)
    for table in tables:
        count += await _remove(session, table, "written_time", before)
    return count


async def _remove(session: WritingSession, table: Table, column: str, before: int) -> int:
    dialect = session.partner.dialect
    time = Column(column, ColumnKind.TIME)
    keys = [next(one for one in table.columns if one.name == name) for name in table.key]
    asked = (
        f"SELECT {', '.join(expression(dialect, key) for key in keys)} FROM {table.name}"  # noqa: S608 — our own names
        f" WHERE {column} < {placeholder(dialect, time)} LIMIT {_REMOVED_ROWS}"
    )
    which = " AND ".join(f"{dialect.quoted(name)} = %s" for name in table.key)
    removing = f"DELETE FROM {table.name} WHERE {which} AND {column} < {placeholder(dialect, time)}"  # noqa: S608
    count = 0
    while True:
        async with session.transaction():
            found = await session.partner.fetch(asked, (before,))
            if found:
                await session.partner.execute_many(removing, [(*key, before) for key in found])
        count += len(found)
        if len(found) < _REMOVED_ROWS:
            return count
