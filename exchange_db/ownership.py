"""Rounds of ownership confirmation: what was asked, answered and agreed. Called by ``hub.components.rounds``."""

from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import ColumnElement, func, insert, literal, or_, select, update

from exchange_db.regions import Subtree
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.components import components
from exchange_db.tables.ownership import ownership_items as items
from exchange_db.tables.ownership import ownership_rounds as rounds

#: Roles a round can be about, as the columns of ``components`` are named.
ROLES = ("supervisor", "proprietor", "maintainer")


class ItemState(IntEnum):
    """How far an item has come; the numbers are stored.

    ASKED nobody has answered; CONFIRMED the unit says yes; PROPOSED the unit wants a change and the other side has
    not answered; DECLINED the other side said no; AGREED both want the change.
    """

    ASKED = 1
    CONFIRMED = 2
    PROPOSED = 3
    DECLINED = 4
    AGREED = 5


class Proposal(IntEnum):
    """What a unit wants changed; the numbers are stored. DISPUTE: it does not answer for the component at all."""

    NONE = 0
    DISPUTE = 1
    MOVE = 2
    HAND_OVER = 3


class Round(NamedTuple):
    """A round: which region and role it asks about. ``closed_time`` is ``None`` while answers are taken."""

    round_id: str
    title: str
    region: int
    role: str
    opened_by: str
    opened_time: datetime
    closed_time: datetime | None


class Item(Struct, frozen=True):
    """One component that one unit was asked about; fields are columns. Positions as in ``Component``."""

    home_region: int
    component_key: bytes
    round_id: str
    region: int
    owner_id: str
    component_id: str
    unit_code: str
    unit_name: str
    revision: int
    state: int = ItemState.ASKED
    proposal: int = Proposal.NONE
    reason: str = ""
    crs: int = 0
    x: float = 0.0
    y: float = 0.0
    to_unit_code: str = ""
    to_unit_name: str = ""
    answered_by: str = ""
    answered_time: datetime | None = None
    settled_by: str = ""
    settled_time: datetime | None = None
    settled_reason: str = ""


class UnitProgress(NamedTuple):
    """How far one unit has come: items by state, and how many of the agreed changes the component has by now."""

    unit_code: str
    unit_name: str
    asked: int
    confirmed: int
    proposed: int
    declined: int
    agreed: int
    carried_out: int

    @property
    def total(self) -> int:
        """All items of the unit."""
        return self.asked + self.confirmed + self.proposed + self.declined + self.agreed


_ITEM_COLUMNS = [items.c[name] for name in Item.__struct_fields__]
_ASKED_FIELDS = (
    "home_region", "component_key", "round_id", "region", "owner_id", "component_id", "unit_code", "unit_name",
    "revision",
)  # fmt: skip


async def open_round(session: WriteSession, asked: Round, regions: Subtree) -> int:
    """Opens a round and asks every unit that has the role of a component of some regions; returns how many items.

    Components in which nobody has the role, and removed ones, are left out.
    """
    await session.execute(
        insert(rounds).values(
            round_id=asked.round_id, title=asked.title, region=asked.region, role=asked.role, opened_by=asked.opened_by
        )
    )
    code, name = components.c[f"{asked.role}_code"], components.c[f"{asked.role}_name"]
    source = select(
        components.c.home_region,
        components.c.component_key,
        literal(asked.round_id),
        components.c.region,
        components.c.owner_id,
        components.c.component_id,
        code,
        name,
        components.c.revision,
    ).where(components.c.region.between(regions.first, regions.last), code != "", components.c.state != 5)
    await session.execute(insert(items).from_select(list(_ASKED_FIELDS), source))
    made = await session.execute(select(func.count()).where(items.c.round_id == asked.round_id))
    return int(made.scalar_one())


async def close_round(session: WriteSession, round_id: str) -> bool:
    """Ends a round; tells whether it was open."""
    done = await session.execute(
        update(rounds)
        .where(rounds.c.round_id == round_id, rounds.c.closed_time.is_(None))
        .values(closed_time=func.now())
    )
    return int(done.rowcount) == 1


async def find_round(session: ReadSession, round_id: str) -> Round | None:
    """Returns one round."""
    row = (await session.execute(select(rounds).where(rounds.c.round_id == round_id))).one_or_none()
    return Round(*row) if row else None


async def all_rounds(session: ReadSession) -> list[Round]:
    """Returns every round, newest first."""
    found = await session.execute(select(rounds).order_by(rounds.c.opened_time.desc(), rounds.c.round_id))
    return [Round(*row) for row in found]


class ItemFilter(NamedTuple):
    """Which items are wanted. ``party`` is a unit, asked or meant to take over, or the platform that keeps them."""

    round_id: str
    regions: Subtree
    party: str = ""
    state: ItemState | None = None
    after: tuple[str, bytes] | None = None


async def listing(session: ReadSession, wanted: ItemFilter, limit: int) -> list[Item]:
    """Returns items by unit and key; ``after`` is (unit_code, component_key) of the last one shown."""
    query = select(*_ITEM_COLUMNS).where(
        items.c.round_id == wanted.round_id, items.c.region.between(wanted.regions.first, wanted.regions.last)
    )
    if wanted.party:
        query = query.where(
            or_(
                items.c.unit_code == wanted.party,
                items.c.to_unit_code == wanted.party,
                items.c.owner_id == wanted.party,
            )
        )
    if wanted.state is not None:
        query = query.where(items.c.state == int(wanted.state))
    if wanted.after:
        unit_code, key = wanted.after
        query = query.where(
            or_(
                items.c.unit_code > unit_code,
                (items.c.unit_code == unit_code) & (items.c.component_key > _uuid(key)),
            )
        )
    found = await session.execute(query.order_by(items.c.unit_code, items.c.component_key).limit(limit))
    return [_item(row) for row in found]


async def locked(session: WriteSession, round_id: str, home_region: int, component_key: bytes) -> Item | None:
    """Returns one item, locked until the transaction ends."""
    query = select(*_ITEM_COLUMNS).where(*_is_item(round_id, home_region, component_key)).with_for_update()
    row = (await session.execute(query)).one_or_none()
    return _item(row) if row else None


async def put(session: WriteSession, item: Item) -> None:
    """Writes what became of an item."""
    values = {name: value for name, value in asdict(item).items() if name not in _ASKED_FIELDS}
    await session.execute(
        update(items).where(*_is_item(item.round_id, item.home_region, item.component_key)).values(values)
    )


async def progress(session: ReadSession, asked: Round, regions: Subtree) -> list[UnitProgress]:
    """Returns how far each unit has come, by code."""

    def counted(state: ItemState) -> ColumnElement[int]:
        return func.count().filter(items.c.state == int(state))

    carried_out = func.count().filter(items.c.carried_out_time.is_not(None))
    query = (
        select(
            items.c.unit_code,
            func.max(items.c.unit_name),
            *(counted(state) for state in ItemState),
            carried_out,
        )
        .where(items.c.round_id == asked.round_id, items.c.region.between(regions.first, regions.last))
        .group_by(items.c.unit_code)
        .order_by(items.c.unit_code)
    )
    return [UnitProgress(*row) for row in await session.execute(query)]


async def note_carried_out(session: WriteSession, asked: Round) -> int:
    """Notes the agreed changes that components show by now; returns how many more there are of them."""
    done = await session.execute(
        update(items)
        .where(
            items.c.round_id == asked.round_id,
            items.c.state == int(ItemState.AGREED),
            items.c.carried_out_time.is_(None),
            _same_component(),
            _is_carried_out(asked.role),
        )
        .values(carried_out_time=func.now())
    )
    return int(done.rowcount)


async def agreed_items(session: ReadSession, asked: Round, owner_id: str, limit: int) -> list[Item]:
    """Returns agreed changes a keeper has not carried out yet."""
    query = (
        select(*_ITEM_COLUMNS)
        .where(
            items.c.round_id == asked.round_id,
            items.c.owner_id == owner_id,
            items.c.state == int(ItemState.AGREED),
            items.c.carried_out_time.is_(None),
        )
        .order_by(items.c.unit_code, items.c.component_key)
        .limit(limit)
    )
    return [_item(row) for row in await session.execute(query)]


async def confirm_rest(session: WriteSession, round_id: str, unit_code: str, regions: Subtree, answered_by: str) -> int:
    """Confirms whatever a unit was asked about and has not answered; returns how many."""
    done = await session.execute(
        update(items)
        .where(
            items.c.round_id == round_id,
            items.c.unit_code == unit_code,
            items.c.state == int(ItemState.ASKED),
            items.c.region.between(regions.first, regions.last),
        )
        .values(state=int(ItemState.CONFIRMED), answered_by=answered_by, answered_time=func.now())
    )
    return int(done.rowcount)


def _is_carried_out(role: str) -> ColumnElement[bool]:
    is_moved = (components.c.crs == items.c.crs) & (components.c.x == items.c.x) & (components.c.y == items.c.y)
    is_handed_over = components.c[f"{role}_code"] == items.c.to_unit_code
    is_move = items.c.proposal == int(Proposal.MOVE)
    return or_(is_move & is_moved, ~is_move & is_handed_over)


def _same_component() -> ColumnElement[bool]:
    return (components.c.home_region == items.c.home_region) & (components.c.component_key == items.c.component_key)


def _is_item(round_id: str, home_region: int, component_key: bytes) -> tuple[ColumnElement[bool], ...]:
    return (
        items.c.home_region == home_region,
        items.c.component_key == _uuid(component_key),
        items.c.round_id == round_id,
    )


def _uuid(key: bytes) -> Any:
    return UUID(bytes=key)


def _item(row: Any) -> Item:
    values = dict(zip(Item.__struct_fields__, row, strict=True))
    return Item(**values | {"component_key": values["component_key"].bytes})
