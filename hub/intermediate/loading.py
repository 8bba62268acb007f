"""Loading: having the rows of a partner's table read once more, asked for by people or after a table was unreadable.

The order lies in the ledger beside the positions, with how far it is carried out. The worker that reads the source
carries it out whenever it has nothing newer to read, a piece at a time, so a load never gets in the way of live
changes, and one that broke off goes on where it was.
"""

from typing import Any

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from exchange_db import pickups
from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import Partner, PartnerRefused
from exchange_db.intermediate.reading import refilling
from exchange_db.intermediate.reading.pages import ReadTable
from exchange_db.intermediate.reading.refilling import Filter, Piece
from exchange_db.intermediate.reading.time_column import position_at
from hub.intermediate.link_files import Capture, DatabaseLink, Manner
from hub.intermediate.sources import Source

_PREFIX = "load/"
_PIECE = 5_000


class Load(Struct, frozen=True):
    """An order: ``table`` with rows of ``region`` (digits a region code begins with), and how far it is.

    ``since`` is a time as the partner's time column has it. ``total`` is -1 before the first piece; ``trouble`` says
    why the partner's database refused to do it.
    """

    table: str
    region: str = ""
    since: str = ""
    after: tuple[str, ...] | None = None
    count: int = 0
    total: int = -1
    trouble: str = ""


def tables_for(link: DatabaseLink, *, has_region: bool, has_time: bool) -> list[str]:
    """Returns the tables of a link that can be loaded whole, by region, or from a time on."""
    if link.manner is Manner.OURS:
        return [
            table.name
            for table in schema.SHARED
            if link.exchanges(table) and not has_time and (not has_region or "region_code" in table.names)
        ]
    return [
        one.name
        for one in link.source
        if not has_region and (not has_time or (one.capture or link.capture) is Capture.TIMESTAMP)
    ]


class SourceChanged(Exception):
    """A source must be opened anew, from another position."""


async def order(driver: AsyncConnection[Any], peer_id: str, load: Load) -> None:
    """Orders a load in place of an unfinished one, and ends a pause of the table."""
    # In this order: whoever sees rows of the load knows that the table is followed again.
    await pickups.end_pause(driver, peer_id, load.table)
    await _save(driver, peer_id, load)


async def loads_of(driver: AsyncConnection[Any], peer_id: str) -> dict[str, Load]:
    """Returns the loads of a partner that are not done, by table."""
    found = await pickups.positions_like(driver, peer_id, _PREFIX)
    loads = [msgspec.json.decode(text, type=Load) for text in found.values()]
    return {load.table: load for load in loads}


async def carry_on(driver: AsyncConnection[Any], peer_id: str, source: Source, partner: Partner) -> bool:
    """Does the next piece of an unfinished load of a source; tells whether there was one.

    Raises:
        SourceChanged: the source begins anew.
        PartnerUnreachable: the partner's database does not answer.
    """
    loads = await loads_of(driver, peer_id)
    load = next((loads[name] for name in source.tables if name in loads and not loads[name].trouble), None)
    if load is None:
        return False
    try:
        await _do(driver, peer_id, source, partner, load)
    except PartnerRefused as refusal:
        await _save(driver, peer_id, msgspec.structs.replace(load, trouble=str(refusal)))
    return True


async def _do(driver: AsyncConnection[Any], peer_id: str, source: Source, partner: Partner, load: Load) -> None:
    table = source.followed[load.table].table
    if source.spec is not None and source.capture is Capture.TIMESTAMP:
        await pickups.forget_position(driver, peer_id, f"{_PREFIX}{load.table}")
        await pickups.save_position(driver, peer_id, source.name, position_at(load.since))
        raise SourceChanged(source.name)
    which = Filter(load.after, load.region, is_shared=source.followed[load.table].mapping is None)
    total = load.total if load.total >= 0 else await refilling.row_count(partner, table, which)
    piece = await _piece(source, partner, table, which)
    if piece.last is None:
        await pickups.forget_position(driver, peer_id, f"{_PREFIX}{load.table}")
    else:
        done = msgspec.structs.replace(load, after=piece.last, count=load.count + piece.row_count, total=total)
        await _save(driver, peer_id, done)


async def _piece(source: Source, partner: Partner, table: ReadTable, which: Filter) -> Piece:
    if source.capture is Capture.LOG:
        return await refilling.announce(partner, table, which, _PIECE)
    if source.spec is None:
        return await refilling.refill(partner, table, which, _PIECE)
    return await refilling.renew(partner, table, source.status(), which, _PIECE)


async def _save(driver: AsyncConnection[Any], peer_id: str, load: Load) -> None:
    await pickups.save_position(driver, peer_id, f"{_PREFIX}{load.table}", msgspec.json.encode(load).decode())
