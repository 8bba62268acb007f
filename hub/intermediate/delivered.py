"""What the hub has written at a partner, row by row: kept behind the write-back, and written again where it is gone.

Confirmed parcels are turned into rows a second time, off the hot path, and what they wrote is kept as a hash.
"""

import json
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Any

from psycopg import AsyncConnection

from auth.permissions import speaks_for
from auth.principal import Principal
from connectors.wire import read_parcel
from exchange_db import outbox, partner_rows, pickups
from exchange_db.intermediate.partner import Partner, Row
from exchange_db.intermediate.schema import CODE_LIST, FIGURE, Column, ColumnKind
from exchange_db.intermediate.writing.targets import OURS, Item, Target
from exchange_db.outbox import Numbered
from exchange_db.partner_rows import Expected, Known
from exchange_db.peers import Peer
from exchange_db.records import FigureSheet, Violated
from exchange_db.session import Dedicated
from hub.intermediate.link_files import DatabaseLink, Manner
from hub.intermediate.marks import Standing
from hub.intermediate.translation import key_text
from hub.intermediate.writeback_rows import rows_for, sheet_of

_SOURCE = "balance/delivered"
_PARCELS = 1_000
_FIGURE = OURS[FIGURE.name]
#: What names a sheet of counts is the beginning of its rows' keys.
_SHEET_KEYS = 3


def content_of(columns: tuple[Column, ...], values: Row, engine: str) -> bytes:
    """Returns a hash of what a row of ours holds, the same for a row that was written and for that row read back."""
    held: list[Any] = []
    for column, value in zip(columns, values, strict=True):
        if column.name == "written_time" or value is None or value == "":
            held.append(None)
        elif column.kind is ColumnKind.TRUTH:
            held.append(bool(value))
        elif column.kind is ColumnKind.DECIMAL:
            held.append(float(value))
        elif column.kind is ColumnKind.TIME and engine == "sqlite":
            held.append(round(value / 1_000))  # it knows milliseconds
        else:
            held.append(value)
    return blake2b(repr(held).encode(errors="replace"), digest_size=16).digest()


class Delivered:
    """The rows written at one partner.

    Args:
        connection: to the ledger.
        peer: the partner.
        link: its link file.
        hub_region: region of this hub.
    """

    def __init__(self, connection: Dedicated, peer: Peer, link: DatabaseLink, hub_region: int) -> None:
        self._driver = connection.driver
        self._peer = peer
        self._engine = link.engine
        self._is_ours = link.manner is Manner.OURS
        self._rows = rows_for(link)
        self._partner = Principal(
            peer.peer_id, peer.region, peer.kind, peer.relation, peer.destination_id, peer.thumbprint
        )
        self._hub_region = hub_region

    @property
    def targets(self) -> tuple[Target, ...]:
        """The tables that are written."""
        return (*self._rows.targets, _FIGURE) if self._rows.has_sheets else self._rows.targets

    async def fold(self, now: int) -> int:
        """Keeps what was confirmed since the last time; returns up to which number."""
        driver, peer = self._driver, self._peer
        position = int(await pickups.position_of(driver, peer.peer_id, _SOURCE) or 0)
        acked = (await outbox.progress(driver, peer.destination_id)).acked_sequence
        while position < acked:
            parcels = await outbox.fetch(driver, peer.destination_id, position, _PARCELS)
            if not parcels:
                break
            # Behind what is confirmed, a row may not be there yet.
            confirmed = [parcel for parcel in parcels if parcel.sequence <= acked]
            rows = [
                Expected(
                    target.table, self._key_of(target, item.values), _version_of(target, item),
                    item.sequence, self._content(target, item.values),
                )
                for parcel in confirmed
                for target, item in self._items(parcel, now)
            ]  # fmt: skip
            position = confirmed[-1].sequence if confirmed else acked
            async with driver.transaction():
                await partner_rows.expect(driver, peer.peer_id, rows, now)
                for sheet in {_sheet_of(row.row_key) for row in rows if row.table_name == _FIGURE.table}:
                    await partner_rows.forget_older(driver, peer.peer_id, _FIGURE.table, sheet)
                await pickups.save_position(driver, peer.peer_id, _SOURCE, str(position))
        return position

    def _items(self, parcel: Numbered, now: int) -> list[tuple[Target, Item]]:
        read = read_parcel(parcel.payload)
        if speaks_for(self._partner, read.origin_id, self._hub_region):
            return []
        if isinstance(read.record, FigureSheet):
            rows = sheet_of(read.record, parcel.sequence, now).rows if self._rows.has_sheets else ()
            return [(_FIGURE, Item(parcel.sequence, row)) for row in rows]
        try:
            return [(target, Item(parcel.sequence, row)) for target, row in self._rows.of(read.record, now)]
        except Violated:  # held back when it was due
            return []

    def _key_of(self, target: Target, values: Row) -> str:
        names = [column.name for column in target.columns]
        return key_text(tuple(str(values[names.index(name)]) for name in target.key))

    def _content(self, target: Target, values: Row) -> bytes | None:
        return content_of(target.columns, values, self._engine) if self._is_ours else None

    async def write_again(self, standing: Standing, target: Target, rows: Collection[Known], now: int) -> set[str]:
        """Writes rows of a table again as they were sent last; returns the keys of those that are there now.

        Raises:
            MarkMoved: the write-back is at work there; nothing was written.
        """
        items: dict[str, Item] = {}
        for row in rows:
            for parcel in await outbox.fetch(self._driver, self._peer.destination_id, row.sequence - 1, 1):
                for made, item in self._items(parcel, now):
                    if made == target and self._key_of(target, item.values) == row.row_key:
                        items[row.row_key] = item
        names = [column.name for column in target.columns]
        places = [names.index(name) for name in target.key]
        async with standing.advancing():
            # A row that stands there with the same revision, or a higher one, would not be replaced.
            partner = standing.session.partner
            keys = [tuple(item.values[place] for place in places) for item in items.values()]
            await partner.execute_many(_delete(partner, target), keys)
            bad = await standing.session.put(target, list(items.values()))
        refused = {self._key_of(target, one.item.values) for one in bad}
        return items.keys() - refused


async def expect_codes(driver: AsyncConnection[Row], peer_id: str, codes: Sequence[Row], engine: str, now: int) -> None:
    """Keeps the codes in force as what the hub wrote last; one that is no longer among them is nobody's concern."""
    table = CODE_LIST.name
    wanted = {key_text(row[:3]): content_of(CODE_LIST.columns, (*row, True, now), engine) for row in codes}
    known = await partner_rows.sent_rows(driver, peer_id, table)
    await partner_rows.forget(driver, peer_id, table, [key for key in known if key not in wanted])
    changed = [
        Expected(table, key, now, 0, content)
        for key, content in wanted.items()
        if key not in known or known[key].content_hash != content
    ]
    await partner_rows.expect(driver, peer_id, changed, now)


def _sheet_of(row_key: str) -> str:
    """Returns with what the keys of all rows of a sheet begin."""
    return key_text(tuple(json.loads(row_key)[:_SHEET_KEYS])).removesuffix("]")


def _version_of(target: Target, item: Item) -> int:
    """Returns by what the write-back decides which of two rows holds."""
    if target.is_insert_only:
        return -item.sequence
    if target.guard:
        names = [column.name for column in target.columns]
        return int(item.values[names.index(target.guard)] or 0)
    return item.sequence


def _delete(partner: Partner, target: Target) -> str:
    quoted = partner.dialect.quoted
    equal = " AND ".join(f"{quoted(column)} = %s" for column in target.key)
    return f"DELETE FROM {quoted(target.table)} WHERE {equal}"  # noqa: S608
