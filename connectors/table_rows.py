"""Rows of the intermediate database's own tables ↔ records.

A row is a tuple in the order of the table's columns (``exchange_db.intermediate.schema``); times are microseconds
since 1970, ``None`` where there is none. Rows come from outside: what is wrong with one is a ``Violated`` that names
the column by its place in the contract, and the record it becomes is checked once more with the contract itself.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import msgspec

from exchange_db.attachment_records import AttachmentRef
from exchange_db.canary_records import CanaryRecord
from exchange_db.document_records import Document
from exchange_db.evaluation_shapes import EvaluationRecord
from exchange_db.intermediate import schema
from exchange_db.intermediate.schema import SECTIONS, Column, ColumnKind, Table
from exchange_db.records import (
    FIRST_COUNTERS,
    Action,
    Case,
    CaseLink,
    Component,
    Decision,
    FigureSheet,
    Milestone,
    Record,
    Request,
    Violated,
)

Row = tuple[Any, ...]

#: Values inside a record by the name of their field; each is flattened into columns that begin with it.
_INNER: dict[str, type[Any]] = {
    "continues": CaseLink,
    "decision": Decision,
    "duplicate_of": CaseLink,
    "request": Request,
    "appeal_decision": Decision,
}
#: Fields that are not one column: those, and lists.
_NESTED = {*_INNER, "milestones"}


class TableRow(NamedTuple):
    """A row and the table it belongs to."""

    table: Table
    values: Row


def rows_of(record: Record, written_time: int) -> list[TableRow]:
    """Returns the rows a record fills, sections first; ``written_time`` is the hub's clock.

    Raises:
        Violated: DOCUMENT_UNDELIVERABLE or EVALUATION_UNDELIVERABLE, the tables hold none.
    """
    if isinstance(record, Component):
        return [_row(schema.COMPONENT, record, (), written_time)]
    if isinstance(record, FigureSheet):
        return list(_figure_rows(record, written_time))
    if isinstance(record, Document):
        raise Violated("DOCUMENT_UNDELIVERABLE", "document")
    if isinstance(record, EvaluationRecord):
        raise Violated("EVALUATION_UNDELIVERABLE", "evaluation")
    if isinstance(record, CanaryRecord):
        return []
    key = (record.issuer_id, record.case_no)
    rows = [
        _row(table, section, key, written_time)
        for name, table in SECTIONS.items()
        if (section := getattr(record, name)) is not None
    ]
    rows += [_row(schema.ACTION, action, key, written_time) for action in record.actions]
    rows += [_row(schema.ATTACHMENT, ref, key, written_time) for ref in record.attachments]
    return rows


class _RowMaker:
    """Makes rows of one table from its records. ``perf``: the plain fields are taken all at once, in C."""

    def __init__(self, table: Table) -> None:
        assert table.record is not None  # noqa: S101 — asked for tables of records only
        fields = set(table.record.__struct_fields__)
        self._places = {name: place for place, name in enumerate(table.names)}
        self._empty: list[Any] = [None] * len(table.columns)
        #: Columns of the key that are the case's, not the record's own.
        self._given = [self._places[name] for name in table.key if name not in fields]
        plain = [name for name in table.names if name in fields and name not in _NESTED]
        self._plain = [self._places[name] for name in plain]
        self._take: Callable[[Any], Row] = attrgetter(*plain)
        self._nested = [name for name in table.record.__struct_fields__ if name in _NESTED]
        self._words = [
            (self._places[column.name], {None: None} | {one: one.name.lower() for one in column.choices})
            for column in table.columns
            if column.choices is not None
        ]
        blank = (ColumnKind.TEXT, ColumnKind.LONG_TEXT, ColumnKind.TIME)
        self._blank = [self._places[column.name] for column in table.columns if column.kind in blank]

    def row(self, record: Any, key: tuple[str, ...], written_time: int) -> Row:
        """Returns the row of a record; ``key`` are the columns of the key that are not its own."""
        values = self._empty.copy()
        for place, value in zip(self._plain, self._take(record), strict=True):
            values[place] = value
        for place, value in zip(self._given, key, strict=True):
            values[place] = value
        for name in self._nested:
            value = getattr(record, name)
            if value:
                self._flatten(name, value, values)
        for place, words in self._words:
            values[place] = words[values[place]]
        for place in self._blank:
            if not values[place]:
                values[place] = None
        values[-1] = written_time
        return tuple(values)

    def _flatten(self, name: str, value: Any, values: list[Any]) -> None:
        if isinstance(value, tuple):
            values[self._places[name]] = json.dumps([msgspec.structs.asdict(one) for one in value])
            return
        for field in value.__struct_fields__:
            values[self._places[_column_of(field, f"{name}_")]] = getattr(value, field)


_MAKERS = {table.name: _RowMaker(table) for table in schema.SHARED}


def _row(table: Table, record: Any, key: tuple[str, ...], written_time: int) -> TableRow:
    return TableRow(table, _MAKERS[table.name].row(record, key, written_time))


def _figure_rows(sheet: FigureSheet, written_time: int) -> Iterator[TableRow]:
    for cell in sheet.cells:
        values = {
            "reporter_id": sheet.reporter_id,
            "region_code": f"{sheet.region:06d}",
            "month": sheet.month,
            # An engine that takes empty text for none could not hold it in a key.
            "unit_code": cell.unit_code or "-",
            "class_key": cell.class_key or "-",
            "source_code": cell.source_code or "-",
            "revision": sheet.revision,
            "definition_ref": sheet.definition_ref,
            "cutoff_time": sheet.cutoff_time,
            "written_time": written_time,
            **{f"{name}_count": getattr(cell.counts, name) for name in FIRST_COUNTERS},
        }
        yield TableRow(schema.FIGURE, tuple(values[column.name] for column in schema.FIGURE.columns))


def section_of(row: TableRow, revision: int) -> Any:
    """Returns the section, action, attachment or component of a row.

    Args:
        row: from outside.
        revision: what the record's revision is where the row names none.

    Raises:
        Violated: FIELD_MISSING or FIELD_INVALID; names the column.
    """
    record: Any = row.table.record
    found = _READERS[row.table.name].read(row.values, revision)
    if found is not None:
        return found
    columns = _columns_of(row.table)
    given = dict(zip(columns, row.values, strict=True))
    # A partner's own numbering holds; without one the hub's counts.
    if "revision" in record.__struct_fields__:
        given["revision"] = given["revision"] or revision
    return _built(record, columns, given, "", row.table.name)


class _RowReader:
    """Reads rows in which nothing is unusual. ``perf``: the fields are taken all at once, and checked in C."""

    def __init__(self, table: Table) -> None:
        record: Any = table.record
        columns = _columns_of(table)
        fields = [field for field in msgspec.inspect.type_info(record).fields if field.name not in _NESTED]  # type: ignore[attr-defined]
        places = [table.names.index(field.name) for field in fields]
        self._record = record
        self._take = itemgetter(*places)
        names = [field.name for field in fields]
        #: What stands for an empty value; where one is required, none does. Words have theirs in their own table.
        self._defaults = [
            None if field.required or columns[field.name].choices is not None else field.default for field in fields
        ]
        self._revision = names.index("revision") if "revision" in names else None
        self._words = [
            (number, {word: one.value for one in choices for word in (one.name.lower(), one.name)} | {None: 0})
            for number, name in enumerate(names)
            if (choices := columns[name].choices) is not None
        ]
        self._truths = [number for number, name in enumerate(names) if columns[name].kind is ColumnKind.TRUTH]
        nested = [
            number
            for number, name in enumerate(table.names)
            if name not in names and name not in table.key and name != "written_time"
        ]
        self._take_nested = itemgetter(*nested, nested[0]) if nested else None

    def read(self, row: Row, revision: int) -> Any:
        """Returns the record of a row; ``None`` if it has to be looked at column by column."""
        if self._take_nested is not None and any(self._take_nested(row)):
            return None
        values = [
            default if value is None or value == "" else value
            for value, default in zip(self._take(row), self._defaults, strict=True)
        ]
        if self._revision is not None:
            values[self._revision] = values[self._revision] or revision
        try:
            for number, words in self._words:
                values[number] = words[values[number]]
            for number in self._truths:
                values[number] = bool(values[number])
            return msgspec.convert(values, self._record)
        except (KeyError, TypeError, msgspec.ValidationError):
            return None


def _built(record: Any, columns: dict[str, Column], given: dict[str, Any], prefix: str, path: str) -> Any:
    values: dict[str, Any] = {}
    for field, name, is_required, inner in _places(record, prefix):
        if inner:
            if any(given[column] not in (None, "", 0) for column in _beginning(path, inner)):
                values[field] = _built(_INNER[field], columns, given, inner, path)
            continue
        value = given[name]
        if value is None or value == "":
            if is_required:
                raise Violated("FIELD_MISSING", f"{path}.{name}")
            continue
        values[field] = _taken(columns[name], value, path)
    made = record(**values)
    try:
        # The constructor checks nothing; read as a list, the record is checked field by field.
        return msgspec.convert(msgspec.structs.astuple(made), record)
    except msgspec.ValidationError as error:
        told, _, place = str(error).partition(" - at `$[")
        name = record.__struct_fields__[int(place.partition("]")[0] or 0)]
        value = values.get(name)
        raise Violated("FIELD_INVALID", f"{path}.{_column_of(name, prefix)}", f"{value!r:.40} ({told})") from None


class _Place(NamedTuple):
    """Where a field of a record stands; ``inner`` is what the columns of a value inside it begin with."""

    field: str
    column: str
    is_required: bool
    inner: str


@cache
def _places(record: type[Any], prefix: str) -> tuple[_Place, ...]:
    info = msgspec.inspect.type_info(record)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101 — records are structs
    return tuple(
        _Place(
            field.name, _column_of(field.name, prefix), field.required, f"{field.name}_" if field.name in _INNER else ""
        )
        for field in info.fields
    )


@cache
def _beginning(table: str, begin: str) -> tuple[str, ...]:
    return tuple(name for name in schema.TABLES[table].names if name.startswith(begin))


@cache
def _columns_of(table: Table) -> dict[str, Column]:
    return {column.name: column for column in table.columns}


_READERS = {table.name: _RowReader(table) for table in schema.SHARED}


def _column_of(field: str, prefix: str) -> str:
    """Returns the column a field stands in: ``request_time`` of a request is not called ``request_request_time``."""
    return field if field.startswith(prefix) else f"{prefix}{field}"


def _taken(column: Column, value: Any, table: str) -> Any:
    if column.choices is not None:
        try:
            return column.choices[str(value).strip().upper()]
        except KeyError:
            known = ", ".join(name.lower() for name in column.choices.__members__)
            raise Violated("FIELD_INVALID", f"{table}.{column.name}", f"{value!r:.40} ({known})") from None
    if column.kind is ColumnKind.TRUTH:
        return bool(value)
    if column.name == "milestones":
        return _milestones(value, f"{table}.{column.name}")
    return value


def _milestones(text: str, path: str) -> tuple[Milestone, ...]:
    try:
        found = msgspec.json.decode(text, type=list[dict[str, Any]])
        return tuple(
            msgspec.convert((one["name"], one["deadline_time"], one.get("reached_time", 0)), Milestone) for one in found
        )
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError) as error:
        raise Violated("FIELD_INVALID", path, f"{text!r:.40} ({error})") from None


def case_of(issuer_id: str, case_no: str, parts: Iterable[tuple[Table, Any]]) -> Case:
    """Returns one case of the sections, actions and attachments that came with it."""
    sections: dict[str, Any] = {}
    actions: list[Action] = []
    attachments: list[AttachmentRef] = []
    names = {table.name: name for name, table in SECTIONS.items()}
    for table, part in parts:
        if isinstance(part, Action):
            actions.append(part)
        elif isinstance(part, AttachmentRef):
            attachments.append(part)
        else:
            sections[names[table.name]] = part
    return Case(issuer_id, case_no, **sections, actions=tuple(actions), attachments=tuple(attachments))
