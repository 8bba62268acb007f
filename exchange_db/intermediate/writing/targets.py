"""What is written where: a table as it is written, and the rows of a batch, each with its number on the link."""

from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import Any, NamedTuple

from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import Row
from exchange_db.intermediate.schema import Column, Table


class Target(NamedTuple):
    """A table of a partner and the columns that are written.

    ``guard`` is the column a row must be newer in to replace another; without one the last row holds.
    ``is_insert_only``: rows never change, one that is there stays.
    """

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    guard: str = ""
    is_insert_only: bool = False


class Item(NamedTuple):
    """A row and the number on the link of the parcel it came from."""

    sequence: int
    values: Row


class Bad(NamedTuple):
    """A row that is not taken: which, the column at fault if known, and what is said about it."""

    item: Item
    table: str
    column: str
    told: str


#: Lines of a story and names of evidence never change.
_UNCHANGING = (schema.ACTION, schema.ATTACHMENT)


def target_of(table: Table) -> Target:
    """Returns how one of our own tables is written."""
    if table in _UNCHANGING:
        return Target(table.name, table.columns, table.key, is_insert_only=True)
    return Target(table.name, table.columns, table.key, "revision" if "revision" in table.names else "")


#: How our own tables are written, by name.
OURS = {table.name: target_of(table) for table in (*schema.SHARED, schema.FIGURE, schema.CODE_LIST)}


def newest(target: Target, items: list[Item]) -> list[Item]:
    """Returns one row a key, the newest, sorted by key: locks are always asked for in the same order."""
    names = [column.name for column in target.columns]
    key_of: Callable[[Row], Hashable] = itemgetter(*(names.index(name) for name in target.key))
    kept: dict[Any, Item] = {}
    if target.guard:
        at = names.index(target.guard)
        for item in items:
            key = key_of(item.values)
            if key not in kept or item.values[at] > kept[key].values[at]:
                kept[key] = item
    else:
        # The first of rows that never change, the last of others.
        for item in items[::-1] if target.is_insert_only else items:
            kept[key_of(item.values)] = item
    return [kept[key] for key in sorted(kept)]
