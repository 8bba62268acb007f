"""The tables a partner sees in the intermediate database: business tables drawn from the records, and control tables.

A section of a case is a table of its own, because it has one writing owner: the partner writes the rows of the
sections it owns, the hub writes the others. Column names are those of the record; a value inside a value is flattened
(``request_time`` of a handling's request), lists of steps are JSON text. Empty text and NULL mean the same; an absent
time is NULL. States and kinds are the small letters of their names (``filed``, ``dispatched``).

The meanings of columns in Chinese are in ``exchange_db.intermediate.meanings``.
"""

from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from exchange_db.attachment_records import AttachmentRef
from exchange_db.records import (
    FIRST_COUNTERS,
    Action,
    Assignment,
    CheckVerdict,
    Component,
    Handling,
    Report,
)


class ColumnKind(StrEnum):
    """What a column holds; a dialect says how it stores that."""

    TEXT = "text"  # ``length`` characters
    LONG_TEXT = "long_text"
    NUMBER = "number"  # a whole number of 32 bits
    LARGE_NUMBER = "large_number"  # of 64 bits
    DECIMAL = "decimal"  # a binary fraction, for positions
    TRUTH = "truth"
    TIME = "time"  # to the microsecond


class Column(NamedTuple):
    """One column. ``length`` is in characters, 0 where it has none; ``choices`` are the words a state may be."""

    name: str
    kind: ColumnKind
    length: int = 0
    is_required: bool = False
    choices: type[IntEnum] | None = None


class Table(NamedTuple):
    """One table; ``key`` are the first of its columns. ``record`` is what a row of it becomes, ``None`` for control."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    record: type[Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)


#: Texts longer than this are stored without a limit of their own.
_LONGEST_TEXT: Final = 400
#: Lengths of texts that the records bound by their form, not by a number.
_LENGTHS: Final = {"region_code": 6, "action_id": 36, "digest": 64, "section": 20, "issuer_id": 64}


def _column(name: str, kind: Any, *, is_required: bool) -> Column:
    if isinstance(kind, msgspec.inspect.EnumType):
        return Column(name, ColumnKind.TEXT, 20, is_required, kind.cls)  # type: ignore[arg-type]
    if isinstance(kind, msgspec.inspect.StrType | msgspec.inspect.LiteralType):
        length = getattr(kind, "max_length", None) or _LENGTHS.get(name, 64)
        return Column(name, ColumnKind.TEXT if length <= _LONGEST_TEXT else ColumnKind.LONG_TEXT, length, is_required)
    return Column(name, _number_kind(name, kind), is_required=is_required)


def _number_kind(name: str, kind: Any) -> ColumnKind:
    if isinstance(kind, msgspec.inspect.BoolType):
        return ColumnKind.TRUTH
    if isinstance(kind, msgspec.inspect.FloatType):
        return ColumnKind.DECIMAL
    if name.endswith("_time"):
        return ColumnKind.TIME
    return ColumnKind.LARGE_NUMBER if name == "size_bytes" else ColumnKind.NUMBER


def _columns(record: type[Any], prefix: str = "") -> list[Column]:
    """Returns the columns of a record; those of a value inside it carry the name of its field."""
    info = msgspec.inspect.type_info(record)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101 — records are structs
    columns: list[Column] = []
    for field in info.fields:
        inner = _inner_of(field.type)
        if inner is not None:
            columns += _columns(inner, f"{field.name}_")
        elif isinstance(field.type, msgspec.inspect.VarTupleType):
            columns.append(Column(field.name, ColumnKind.LONG_TEXT, 4000))
        else:
            name = field.name if field.name.startswith(prefix) else f"{prefix}{field.name}"
            # The revision may be left to the hub, which counts the changes it sees.
            is_required = field.required and not prefix and field.name != "revision"
            columns.append(_column(name, field.type, is_required=is_required))
    return columns


def _inner_of(kind: Any) -> type[Any] | None:
    if not isinstance(kind, msgspec.inspect.UnionType):
        return None
    return next(one.cls for one in kind.types if isinstance(one, msgspec.inspect.StructType))


def _business(name: str, key: tuple[str, ...], record: type[Any]) -> Table:
    columns = {column.name: column for column in _columns(record)}
    firsts = [columns.pop(one, Column(one, ColumnKind.TEXT, 64))._replace(is_required=True) for one in key]
    written = Column("written_time", ColumnKind.TIME)
    return Table(name, key, (*firsts, *columns.values(), written), record)


_CASE_KEY: Final = ("issuer_id", "case_no")

CASE: Final = _business("x_case", _CASE_KEY, Report)
ASSIGNMENT: Final = _business("x_assignment", _CASE_KEY, Assignment)
HANDLING: Final = _business("x_handling", _CASE_KEY, Handling)
VERDICT: Final = _business("x_verdict", _CASE_KEY, CheckVerdict)
ACTION: Final = _business("x_case_action", (*_CASE_KEY, "action_id"), Action)
ATTACHMENT: Final = _business("x_attachment_ref", (*_CASE_KEY, "section", "digest"), AttachmentRef)
COMPONENT: Final = _business("x_component", ("owner_id", "component_id"), Component)

#: Counts as the sheets of figures carry them, by the counters of the first version, so that tables which partners have
#: made stay as they are; the hub writes them, nobody else.
FIGURE: Final = Table(
    "x_figure",
    ("reporter_id", "region_code", "month", "unit_code", "class_key", "source_code"),
    (
        Column("reporter_id", ColumnKind.TEXT, 64, is_required=True),
        Column("region_code", ColumnKind.TEXT, 6, is_required=True),
        Column("month", ColumnKind.NUMBER, is_required=True),
        Column("unit_code", ColumnKind.TEXT, 40, is_required=True),
        Column("class_key", ColumnKind.TEXT, 64, is_required=True),
        Column("source_code", ColumnKind.TEXT, 40, is_required=True),
        Column("revision", ColumnKind.LARGE_NUMBER, is_required=True),
        Column("definition_ref", ColumnKind.TEXT, 60, is_required=True),
        Column("cutoff_time", ColumnKind.TIME, is_required=True),
        *(Column(f"{name}_count", ColumnKind.LARGE_NUMBER, is_required=True) for name in FIRST_COUNTERS),
        Column("written_time", ColumnKind.TIME),
    ),
)

#: Codes in force, as releases of standards give them; the hub writes them, nobody else.
CODE_LIST: Final = Table(
    "x_code_list",
    ("standard_ref", "class_kind", "code"),
    (
        Column("standard_ref", ColumnKind.TEXT, 40, is_required=True),
        Column("class_kind", ColumnKind.TEXT, 20, is_required=True),
        Column("code", ColumnKind.TEXT, 20, is_required=True),
        Column("name", ColumnKind.TEXT, 100, is_required=True),
        Column("parent_code", ColumnKind.TEXT, 20),
        Column("is_in_force", ColumnKind.TRUTH),
        Column("written_time", ColumnKind.TIME),
    ),
)

#: Answers to rows the partner wrote: one row a version of a row that was taken, newest last. Rows of one case that were
#: read together are one record and share a ``receipt_id``.
#: ``state``: ``taken`` (on the hub's disk), ``applied`` (took effect), ``duplicate`` or ``refused``.
RECEIPT: Final = Table(
    "x_receipt",
    ("receipt_id", "table_name", "row_key"),
    (
        Column("receipt_id", ColumnKind.LARGE_NUMBER, is_required=True),
        Column("table_name", ColumnKind.TEXT, 64, is_required=True),
        Column("row_key", ColumnKind.TEXT, 400, is_required=True),
        Column("revision", ColumnKind.NUMBER),
        Column("state", ColumnKind.TEXT, 20, is_required=True),
        Column("reason", ColumnKind.TEXT, 60),
        Column("field_path", ColumnKind.TEXT, 200),
        Column("message", ColumnKind.LONG_TEXT, 1000),
        Column("taken_time", ColumnKind.TIME),
        Column("settled_time", ColumnKind.TIME),
    ),
)

#: One row: the hub's side of the link. ``delivered_sequence`` is the last number on the link whose rows are here, in
#: the same transaction as those rows; ``beat_time`` is the hub's sign of life, ``partner_time`` the partner's.
LINK: Final = Table(
    "x_link",
    ("link_id",),
    (
        Column("link_id", ColumnKind.TEXT, 64, is_required=True),
        Column("hub_id", ColumnKind.TEXT, 64, is_required=True),
        Column("delivered_sequence", ColumnKind.LARGE_NUMBER, is_required=True),
        Column("receipt_sequence", ColumnKind.LARGE_NUMBER, is_required=True),
        Column("beat_time", ColumnKind.TIME),
        Column("partner_time", ColumnKind.TIME),
        Column("schema_version", ColumnKind.NUMBER, is_required=True),
    ),
)

#: What both sides hold of one day, table and direction; compared and signed off daily.
RECONCILE: Final = Table(
    "x_reconcile",
    ("day", "table_name", "direction"),
    (
        Column("day", ColumnKind.TEXT, 10, is_required=True),
        Column("table_name", ColumnKind.TEXT, 40, is_required=True),
        Column("direction", ColumnKind.TEXT, 4, is_required=True),
        Column("hub_count", ColumnKind.LARGE_NUMBER),
        Column("hub_hash", ColumnKind.TEXT, 32),
        Column("partner_count", ColumnKind.LARGE_NUMBER),
        Column("partner_hash", ColumnKind.TEXT, 32),
        Column("state", ColumnKind.TEXT, 20),
        Column("compared_time", ColumnKind.TIME),
    ),
)

#: Sections of a case by the table that holds them, in the order of the life cycle.
SECTIONS: Final = {"report": CASE, "assignment": ASSIGNMENT, "handling": HANDLING, "verdict": VERDICT}
#: Tables the partner and the hub write, each the rows they own.
SHARED: Final = (CASE, ASSIGNMENT, HANDLING, VERDICT, ACTION, ATTACHMENT, COMPONENT)
#: Tables only the hub writes.
GIVEN: Final = (FIGURE, CODE_LIST, RECEIPT, LINK, RECONCILE)
TABLES: Final = {table.name: table for table in (*SHARED, *GIVEN)}
#: Version of all this; rises with every change a partner can see.
SCHEMA_VERSION: Final = 1
