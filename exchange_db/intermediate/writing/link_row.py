"""The hub's row in ``x_link``: how far its rows and receipts reach, written in the same transaction as they are.

The partner's row is the truth: when its database is restored from a backup, rows and mark go back together.
"""

from typing import NamedTuple

from exchange_db.intermediate.dialect import placeholder
from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.schema import LINK, SCHEMA_VERSION


class Marks(NamedTuple):
    """Last number on the link whose rows are there, and last number of the partner's stream that was answered."""

    delivered_sequence: int = 0
    receipt_sequence: int = 0


async def read_marks(partner: Partner, link_id: str) -> Marks | None:
    """Returns how far the partner's database says it is; ``None`` where there is no row."""
    rows = await partner.fetch("SELECT delivered_sequence, receipt_sequence FROM x_link WHERE link_id = %s", (link_id,))
    return Marks(*rows[0]) if rows else None


async def enter(partner: Partner, link_id: str, hub_id: str, now: int) -> None:
    """Makes the row of a link, at its beginning."""
    values = (link_id, hub_id, 0, 0, now, None, SCHEMA_VERSION)
    names = ", ".join(map(partner.dialect.quoted, LINK.names))
    places = ", ".join(placeholder(partner.dialect, column) for column in LINK.columns)
    await partner.execute(f"INSERT INTO x_link ({names}) VALUES ({places})", values)  # noqa: S608 — our own names


async def move(partner: Partner, link_id: str, before: Marks, after: Marks, now: int) -> bool:
    """Moves the marks; tells whether they stood where this writer left them."""
    moved = await partner.execute(
        f"UPDATE x_link SET delivered_sequence = %s, receipt_sequence = %s, beat_time = {_time(partner)}"  # noqa: S608
        " WHERE link_id = %s AND delivered_sequence = %s AND receipt_sequence = %s",
        (*after, now, link_id, *before),
    )
    return moved == 1


async def beat(partner: Partner, link_id: str, now: int) -> None:
    """Leaves a sign of life."""
    await partner.execute(f"UPDATE x_link SET beat_time = {_time(partner)} WHERE link_id = %s", (now, link_id))  # noqa: S608 — our own names


async def set_delivered(partner: Partner, link_id: str, sequence: int) -> bool:
    """Sets the mark of delivery by hand, so that what lies behind it is sent again; tells whether there is a row."""
    rows = await partner.fetch("SELECT 1 FROM x_link WHERE link_id = %s", (link_id,))
    await partner.execute("UPDATE x_link SET delivered_sequence = %s WHERE link_id = %s", (sequence, link_id))
    return bool(rows)


def _time(partner: Partner) -> str:
    return partner.dialect.number_as_time("%s")
