"""Components as they stand and their history: loading the ones a run touches, writing them in bulk, reading them.

``ComponentRow`` is one row of ``components``; its fields are the columns, in order. Called by ``hub.apply`` (load,
save) and ``hub.components`` (find, listing, history). Bulk writing needs the single writer that a partition
guarantees: new rows go straight into the table, changed ones through a stage.
"""

from collections.abc import Callable
from datetime import datetime
from struct import Struct as Packer
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict, astuple

from exchange_db.bulk import (
    CopyTarget,
    KeyArray,
    as_array,
    copy_rows,
    copy_while_packing,
    pack_label,
    pack_text,
    pack_times,
)
from exchange_db.records import CodeKind, Component, ComponentState, Crs
from exchange_db.regions import Subtree, format_region, region_of
from exchange_db.session import POSTGRES_EPOCH, HotSession, ReadSession


class ComponentRow(Struct, frozen=True):
    """One component as it stands. Times are microseconds since 1970, 0 for none."""

    home_region: int
    component_key: bytes
    owner_id: str
    component_id: str
    id_scheme: str
    revision: int
    region: int
    area_code: str
    grid_code: str
    standard_ref: str
    class_code: str
    name: str
    state: int
    crs: int
    x: float
    y: float
    accuracy_class: str
    supervisor_code: str
    supervisor_name: str
    proprietor_code: str
    proprietor_name: str
    maintainer_code: str
    maintainer_name: str
    initial_time: int
    changed_time: int
    data_source: str
    note: str
    inbox_id: int


COLUMNS: tuple[str, ...] = ComponentRow.__struct_fields__
_TIMES = ("initial_time", "changed_time")
#: Columns that say something about the thing itself.
_SAYING = tuple(
    name
    for name in COLUMNS
    if name not in ("home_region", "component_key", "owner_id", "component_id", "revision", "inbox_id")
)
_SHORT, _WHOLE, _LONG, _FLOAT = Packer(">ih"), Packer(">ii"), Packer(">iq"), Packer(">id")
_KEY, _COUNT = Packer(">i16s"), Packer(">h")
#: Texts that are written anew with almost every component; all others come again and again.
_OWN_TEXTS = ("component_id", "note")


_BY_NAME: dict[str, Callable[[Any], bytes]] = {
    **dict.fromkeys(_TIMES, lambda value: pack_times((value,))),
    **dict.fromkeys(("state", "crs"), lambda value: _SHORT.pack(2, value)),
    **dict.fromkeys(_OWN_TEXTS, pack_text),
    "inbox_id": lambda value: _LONG.pack(8, value),
}
_BY_TYPE: dict[type, Callable[[Any], bytes]] = {
    int: lambda value: _WHOLE.pack(4, value),
    float: lambda value: _FLOAT.pack(8, value),
    bytes: lambda value: _KEY.pack(16, value),
    str: pack_label,
}
_PACKERS = tuple(_BY_NAME.get(name) or _BY_TYPE[kind] for name, kind in ComponentRow.__annotations__.items())
_HEAD = _COUNT.pack(len(COLUMNS))
_COMPONENTS = CopyTarget.of("components", COLUMNS)
_STAGE = CopyTarget.of("stage_components", COLUMNS)
_UPDATE = (
    f"UPDATE components c SET {', '.join(f'{name} = s.{name}' for name in COLUMNS[2:])}"  # noqa: S608 — constants
    " FROM stage_components s WHERE c.home_region = s.home_region AND c.component_key = s.component_key"
)
_CHANGES = CopyTarget.of(
    "component_changes",
    ("home_region", "component_key", "revision", "inbox_id", "origin_id", "changed_time", "fields"),
)
_CHANGE_ROW = Packer(">h ii i16s ii iq")


def row_of(component: Component, component_key: bytes, inbox_id: int) -> ComponentRow:
    """Returns the row of a record that came as ``inbox_id``."""
    values = asdict(component)
    region = int(values.pop("region_code"))
    del values["class_kind"]
    return ComponentRow(region_of(component.owner_id), component_key, region=region, inbox_id=inbox_id, **values)


def component_of(row: ComponentRow) -> Component:
    """Returns the record a row was made of."""
    values = asdict(row)
    for name in ("home_region", "component_key", "inbox_id"):
        del values[name]
    values |= {"region_code": format_region(values.pop("region")), "class_kind": CodeKind.COMPONENT}
    values |= {"state": ComponentState(row.state), "crs": Crs(row.crs)}
    return Component(**values)


def changed_fields(before: ComponentRow, after: ComponentRow) -> str:
    """Returns the names of the columns that differ, joined by blanks."""
    return " ".join(name for name in _SAYING if getattr(before, name) != getattr(after, name))


async def load(session: HotSession, keys: list[tuple[int, bytes]]) -> dict[bytes, ComponentRow]:
    """Returns the known ones of the components named by (home_region, component_key), by component_key."""
    cursor = await session.driver.execute(
        f"SELECT c.home_region, uuid_send(c.component_key), {', '.join('c.' + name for name in COLUMNS[2:])}"  # noqa: S608
        " FROM unnest(%s::int[], %b::uuid[]) k(home_region, component_key)"
        " JOIN components c ON c.home_region = k.home_region AND c.component_key = k.component_key",
        (as_array(region for region, _ in keys), KeyArray([key for _, key in keys])),
        binary=True,
    )
    return {row[1]: _from_driver(row) for row in await cursor.fetchall()}


def _from_driver(row: tuple[Any, ...]) -> ComponentRow:
    values = dict(zip(COLUMNS, row, strict=True))
    for name in _TIMES:
        values[name] = values[name] + POSTGRES_EPOCH if values[name] is not None else 0
    return ComponentRow(**values)


def pack(row: ComponentRow) -> bytes:
    """Packs one row of ``components`` for binary COPY."""
    return _HEAD + b"".join([packer(value) for packer, value in zip(_PACKERS, astuple(row), strict=True)])


def pack_change(row: ComponentRow, fields: str) -> bytes:
    """Packs one row of ``component_changes`` for binary COPY; packed rows sort by their key."""
    packed = _CHANGE_ROW.pack(7, 4, row.home_region, 16, row.component_key, 4, row.revision, 8, row.inbox_id)
    return packed + pack_label(row.owner_id) + pack_times((row.changed_time,)) + pack_label(fields)


def _by_key(row: ComponentRow) -> tuple[int, bytes]:
    return (row.home_region, row.component_key)


async def save(session: HotSession, new: list[ComponentRow], changed: list[ComponentRow], changes: list[bytes]) -> None:
    """Writes components that are new to the ledger, components that were loaded and changed, and packed changes.

    Raises:
        psycopg.errors.UniqueViolation: another worker wrote one of the new components: the lease was lost.
    """
    driver = session.driver
    await copy_while_packing(driver, _COMPONENTS, map(pack, sorted(new, key=_by_key)))
    if changed:
        # Components seldom come, and change seldom: no stage is kept for them on every connection.
        await driver.execute("CREATE TEMP TABLE IF NOT EXISTS stage_components (LIKE components) ON COMMIT DELETE ROWS")
        await copy_while_packing(driver, _STAGE, map(pack, sorted(changed, key=_by_key)))
        await driver.execute(_UPDATE)
    await copy_rows(driver, _CHANGES, sorted(changes))


class ComponentChange(NamedTuple):
    """A revision that took effect: which, how it came, who wrote it, when, and the columns it changed."""

    revision: int
    inbox_id: int
    origin_id: str
    changed_time: datetime | None
    fields: tuple[str, ...]
    applied_time: datetime


async def history(session: ReadSession, home_region: int, component_key: bytes) -> list[ComponentChange]:
    """Returns the revisions of a component that took effect, oldest first."""
    cursor = await session.driver.execute(
        "SELECT revision, inbox_id, origin_id, changed_time, fields, applied_time FROM component_changes"
        " WHERE home_region = %s AND component_key = %s::uuid ORDER BY revision",
        (home_region, component_key.hex()),
    )
    return [
        ComponentChange(row[0], row[1], row[2], row[3], tuple(row[4].split()), row[5])
        for row in await cursor.fetchall()
    ]


class Box(NamedTuple):
    """A rectangle in one reference system, borders included."""

    crs: Crs
    first_x: float
    first_y: float
    last_x: float
    last_y: float


class ComponentFilter(NamedTuple):
    """What a list of components is narrowed to; empty means all.

    ``unit_code`` may stand in any of the three roles. ``class_code`` is a class or the beginning of one. ``boxes``
    are one rectangle in each reference system; a component without one in its own is left out. ``after`` is the
    (region, component_key) of the last row shown.
    """

    regions: Subtree
    standard_ref: str = ""
    class_code: str = ""
    unit_code: str = ""
    state: ComponentState | None = None
    boxes: tuple[Box, ...] = ()
    after: tuple[int, bytes] | None = None


_EPOCH_OF = "(extract(epoch FROM {0}) * 1000000)::bigint - %(zero)s"
_SELECTED = ", ".join(
    "uuid_send(component_key)" if name == "component_key" else _EPOCH_OF.format(name) if name in _TIMES else name
    for name in COLUMNS
)


async def listing(session: ReadSession, wanted: ComponentFilter, limit: int) -> list[ComponentRow]:
    """Returns components by region and key."""
    conditions, values = _conditions(wanted)
    cursor = await session.driver.execute(
        f"SELECT {_SELECTED} FROM components WHERE {' AND '.join(conditions)}"  # noqa: S608 — constants
        f" ORDER BY region, component_key LIMIT {limit:d}",
        values,
        binary=True,
    )
    return [_from_driver(row) for row in await cursor.fetchall()]


def _conditions(wanted: ComponentFilter) -> tuple[list[str], dict[str, Any]]:
    conditions = ["region BETWEEN %(first)s AND %(last)s"]
    values: dict[str, Any] = {"first": wanted.regions.first, "last": wanted.regions.last, "zero": POSTGRES_EPOCH}
    if wanted.standard_ref:
        conditions.append("standard_ref = %(standard)s")
        values["standard"] = wanted.standard_ref
    if wanted.class_code:
        conditions.append("starts_with(class_code, %(class)s)")
        values["class"] = wanted.class_code
    if wanted.unit_code:
        conditions.append("%(unit)s IN (supervisor_code, proprietor_code, maintainer_code)")
        values["unit"] = wanted.unit_code
    if wanted.state is not None:
        conditions.append("state = %(state)s")
        values["state"] = int(wanted.state)
    if wanted.boxes:
        places = []
        for box in wanted.boxes:
            name = box.crs.name.lower()
            places.append(
                f"(crs = {box.crs:d} AND x BETWEEN %({name}_x)s AND %({name}_x_last)s"
                f" AND y BETWEEN %({name}_y)s AND %({name}_y_last)s)"
            )
            values |= {f"{name}_x": box.first_x, f"{name}_x_last": box.last_x}
            values |= {f"{name}_y": box.first_y, f"{name}_y_last": box.last_y}
        conditions.append(f"({' OR '.join(places)})")
    if wanted.after:
        conditions.append("(region, component_key) > (%(after)s, %(after_key)s::uuid)")
        values |= {"after": wanted.after[0], "after_key": wanted.after[1].hex()}
    return conditions, values


async def find(session: ReadSession, home_region: int, component_key: bytes, visible: Subtree) -> ComponentRow | None:
    """Returns one component inside the regions a reader may see."""
    cursor = await session.driver.execute(
        f"SELECT {_SELECTED} FROM components WHERE home_region = %(home)s AND component_key = %(key)s::uuid"  # noqa: S608
        " AND region BETWEEN %(first)s AND %(last)s",
        {
            "home": home_region,
            "key": component_key.hex(),
            "first": visible.first,
            "last": visible.last,
            "zero": POSTGRES_EPOCH,
        },
        binary=True,
    )
    row = await cursor.fetchone()
    return _from_driver(row) if row else None
