"""The registry of contacts: whom to turn to in which unit, and when they are on duty (D52).

Called by ``hub.alerts``. All is cut to regions.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from exchange_db.alert_records import Contact, ContactRole
from exchange_db.ranges import within
from exchange_db.regions import Regions
from exchange_db.session import HotSession, ReadSession, WriteSession

#: Most contacts that are read at once.
MOST = 10_000
_COLUMNS = "region, contact_id, name, unit, role, level, phone, mail, robot, duty_days, duty_from, duty_until"


async def listing(session: ReadSession | HotSession, regions: Regions, limit: int = MOST) -> list[Contact]:
    """Returns contacts by region, level and name."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM contacts WHERE {within('region', regions)}"  # noqa: S608 — constants
        " ORDER BY region, level, name, contact_id LIMIT %s",
        (limit,),
    )
    return [_contact(row) for row in await cursor.fetchall()]


async def find(session: ReadSession | HotSession, contact_id: UUID, regions: Regions) -> Contact | None:
    """Returns one contact inside regions."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM contacts WHERE {within('region', regions)} AND contact_id = %s",  # noqa: S608
        (contact_id,),
    )
    row = await cursor.fetchone()
    return _contact(row) if row else None


async def keep(session: WriteSession, contact: Contact, by: str, now: datetime) -> None:
    """Enters a contact, or changes the one of the same region and number."""
    fresh = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[2:])
    await session.driver.execute(
        f"INSERT INTO contacts ({_COLUMNS}, changed_by, changed_time)"  # noqa: S608 — constants
        f" VALUES ({', '.join(['%s'] * 14)}) ON CONFLICT (region, contact_id) DO UPDATE SET {fresh},"
        " changed_by = excluded.changed_by, changed_time = excluded.changed_time",
        (*msgspec.structs.astuple(contact), by, now),
    )


async def remove(session: WriteSession, contact: Contact) -> None:
    """Takes a contact out."""
    await session.driver.execute(
        "DELETE FROM contacts WHERE region = %s AND contact_id = %s", (contact.region, contact.contact_id)
    )


def _contact(row: tuple[Any, ...]) -> Contact:
    named = dict(zip(Contact.__struct_fields__, row, strict=True))
    return Contact(**{**named, "role": ContactRole(named["role"])})
