"""Puts a sheet's rows into a spool, to go out in files: for platforms without a program and without a line.

Called by ``sanji files add``. What is added twice is known at the hub, by the ids that come from the content.
"""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

from connectors.county.exchange_book import ExchangeBook
from connectors.county.packing import pack
from connectors.county.spool import Item, Spool
from connectors.mapping import map_row
from connectors.mapping_model import Mapping
from connectors.sheets import read_rows
from exchange_db.records import Violation

_CHUNK = 500


class Added(NamedTuple):
    """How many rows are in the spool, and which are not: (row, why)."""

    row_count: int
    unmapped: list[tuple[int, Violation]]


def add_sheet(path: Path, mapping: Mapping, platform_id: str, spool: Spool, book: ExchangeBook) -> Added:
    """Adds the rows that can be mapped.

    Raises:
        SheetInvalid: the file cannot be read; nothing was added.
        SpoolInvalid: the disk is full or broken.
    """
    for _ in read_rows(path, mapping.encoding):
        pass
    rows, count, unmapped = read_rows(path, mapping.encoding), 0, []
    while chunk := list(islice(rows, _CHUNK)):
        items = []
        for row in chunk:
            mapped = map_row(mapping, row)
            if mapped.record is not None:
                items.append(Item(*pack(platform_id, mapped.record)))
            elif mapped.violation is not None:
                unmapped.append((row.number, mapped.violation))
        spool.write(items)
        book.note([item.payload for item in items], is_sent=True)
        count += len(items)
    return Added(count, unmapped)
