"""Applies a mapping to rows: pure and deterministic, and what is uncertain is refused with what to do about it.

A mapped record has passed ``connectors.wire.read_parcel``, the check the hub makes, so nothing is refused there for its
form that was accepted here.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import msgspec

from connectors.mapping_model import Cell, Condition, Kind, Mapping, Section
from connectors.mapping_values import TimeUncertain, half_width, is_cut, tidy, undamaged
from connectors.sheets import EXTRA, SheetRow
from connectors.wire import read_parcel, write_parcel
from exchange_db.records import Assignment, Case, CodeKind, Component, Crs, Report, Violated, Violation

_NAMESPACE = UUID("5a0d7c2e-6c1f-5b8e-9f4a-3e1b7d20c9a1")
#: One encoder for all records: ``json.dumps`` would make one a record.
_CONTENT = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"))
_SECTIONS = ("report", "assignment", "handling", "verdict")
_LONGEST_SHOWN = 30
#: Stands for any value, also none, in the key of a table's entry.
_ANY = "*"
#: What a spreadsheet writes into a cell whose formula failed.
_FAILED_FORMULAS = frozenset(("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"))
#: Times a sheet can tell of, 1990 to 2200 in microseconds since 1970.
_EARLIEST_TIME, _LATEST_TIME = 631_152_000_000_000, 7_258_118_400_000_000


class MappedRow(NamedTuple):
    """What became of one row: a case or a component, or why it is refused."""

    number: int
    case: Case | None
    violation: Violation | None
    values: dict[str, str]
    component: Component | None = None

    @property
    def record(self) -> Case | Component | None:
        """What the row was made into."""
        return self.component if self.case is None else self.case


class Unmapped(NamedTuple):
    """A value no entry of a table stands for."""

    columns: str
    value: str
    table: str


def map_row(mapping: Mapping, row: SheetRow) -> MappedRow:
    """Makes a case or a component of a row; the same row and mapping always give the same."""
    try:
        record = _RowReading(mapping, row.values).record()
        _check(record)
    except Violated as refusal:
        return MappedRow(row.number, None, refusal.violation, row.values)
    if isinstance(record, Component):
        return MappedRow(row.number, None, None, row.values, record)
    return MappedRow(row.number, record, None, row.values)


def message_id_of(record: Case | Component) -> UUID:
    """Returns the message id of a record: a UUID of who it belongs to, its number and content, the same for ever.

    Fields that say nothing (empty, 0, false) do not count, so that fields added to the contract change no id.
    """
    content = {"component": _said(record)} if isinstance(record, Component) else _content_of(record)
    return uuid5(_NAMESPACE, _CONTENT.encode(content))


def _content_of(case: Case) -> dict[str, Any]:
    content: dict[str, Any] = {"issuer_id": case.issuer_id, "case_no": case.case_no}
    for name in _SECTIONS:
        section = getattr(case, name)
        if section is not None:
            content[name] = _said(section)
    if case.actions:
        content["actions"] = [_said(action) for action in case.actions]
    if case.attachments:
        content["attachments"] = [_said(attachment) for attachment in case.attachments]
    return content


def find_unmapped(mapping: Mapping, row: SheetRow) -> Iterator[Unmapped]:
    """Yields every value of a row that its table has no entry for, each once."""
    reading = _RowReading(mapping, row.values)
    found: set[Unmapped] = set()
    for section in mapping.sections:
        for cell in (section.state, *section.cells):
            if not cell.table:
                continue
            try:
                reading.text_of(cell)
            except _NotInTable as missing:
                found.add(Unmapped(" + ".join(cell.columns), missing.value, cell.table))
            except Violated:
                continue
    yield from sorted(found)


def _said(section: msgspec.Struct) -> dict[str, Any]:
    return {name: _plain(value) for name, value in msgspec.structs.asdict(section).items() if value}


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _said(value)
    return [_said(inner) for inner in value] if isinstance(value, tuple) else value


def _check(record: Case | Component) -> None:
    """Makes the hub's own check.

    Raises:
        Violated: as the hub would say it.
    """
    try:
        origin_id = record.issuer_id if isinstance(record, Case) else record.owner_id
        payload = write_parcel(message_id_of(record), origin_id, 1, record)
    except (ValueError, TypeError) as error:
        # A half of a surrogate pair, say: such a text has no bytes to be sent.
        raise Violated(
            "TEXT_INVALID" if isinstance(error, UnicodeError) else "FIELD_INVALID", _noun(record), error
        ) from None
    read_parcel(payload)


def _noun(record: Case | Component) -> str:
    return "case" if isinstance(record, Case) else "component"


class _NotInTable(Violated):
    def __init__(self, cell: Cell, value: str) -> None:
        super().__init__("VALUE_UNMAPPED", cell.field.path, f'[tables.{cell.table}] "{_short(value)}"')
        self.value = value


class _RowReading:
    """One row under a mapping."""

    def __init__(self, mapping: Mapping, values: dict[str, str]) -> None:
        self._mapping = mapping
        self._values = values

    def record(self) -> Case | Component:
        """Returns the case or the component.

        Raises:
            Violated: a value is missing, unmapped or cannot be read.
        """
        case_no = self._mapping.case_no
        if EXTRA in self._values:
            raise Violated("ROW_INVALID", "component" if case_no is None else "case", _short(self._values[EXTRA]))
        return self._component() if case_no is None else self._case(case_no)

    def _component(self) -> Component:
        component: Component | None = self._section(self._mapping.sections[0], None)
        if component is None:
            raise Violated("FIELD_MISSING", "component.state")
        return component

    def _case(self, number: Cell) -> Case:
        case_no = self._value_of(number)
        made: dict[str, Any] = {}
        for section in self._mapping.sections:
            record = self._section(section, made.get("report"))
            if record is not None:
                made[section.name] = record
        return Case(self._mapping.issuer_id, case_no, **made)

    def _section(self, section: Section, report: Report | None) -> Any:
        if not all(map(self._holds, section.conditions)) or not self.text_of(section.state):
            return None
        values: dict[str, Any] = {"state": self._value_of(section.state)}
        for cell in section.cells:
            values[cell.field.name] = self._value_of(cell)
            if cell.field.name == "class_code":
                values |= self._class_of(section, cell)
        if section.record is Assignment and "class_code" not in values:
            if report is None:
                raise Violated("FIELD_MISSING", "case.assignment.class_code.code")
            values |= {name: getattr(report, name) for name in ("standard_ref", "class_kind", "class_code")}
        if section.record in (Report, Component):
            self._place(values, "component" if section.record is Component else "case.report")
        if section.record is Component:
            values["owner_id"] = self._mapping.issuer_id
        values = {name: value for name, value in values.items() if value is not None}
        for cell in section.cells:
            if cell.field.is_required and cell.field.name not in values:
                raise Violated("FIELD_MISSING", cell.field.path)
        return section.record(**values)

    def _class_of(self, section: Section, cell: Cell) -> dict[str, Any]:
        entry = self._entry_of(cell) if cell.table else {}
        kind = entry.get("kind", section.class_kind)
        return {
            "standard_ref": entry.get("standard_ref", section.standard_ref),
            "class_kind": CodeKind[kind.upper()],
        }

    @staticmethod
    def _place(values: dict[str, Any], path: str) -> None:
        """Keeps a position only if the row has one; half a one is refused."""
        x, y = values.get("x"), values.get("y")
        if x is None and y is None:
            values["crs"] = Crs.NONE
            values.pop("x", None)
            values.pop("y", None)
        elif x is None or y is None:
            raise Violated("FIELD_MISSING", f"{path}.position.{'x' if x is None else 'y'}")
        elif not values.get("crs"):
            raise Violated("CRS_MISSING", f"{path}.position.crs")

    def _holds(self, condition: Condition) -> bool:
        text = self._normal(self._cell_text(condition.column, condition.column))
        if condition.among:
            return text in condition.among
        return bool(text) is condition.is_filled

    def _value_of(self, cell: Cell) -> Any:
        """Returns the value of a field, ``None`` for an empty one.

        Raises:
            Violated: there is a text, but it stands for no value.
        """
        text = self.text_of(cell)
        if not text:
            if cell is self._mapping.case_no:
                raise Violated("FIELD_MISSING", cell.field.path)
            return None
        try:
            value = cell.field.value(text, cell.formats, self._mapping.clock)
        except TimeUncertain:
            reason = "TIME_UNCERTAIN"
        except ValueError:
            reason = "DATE_INVALID" if cell.formats else _REASONS[cell.field.kind]
        else:
            if cell.field.kind is not Kind.TIME or not value or _EARLIEST_TIME <= value <= _LATEST_TIME:
                return value
            # Said here in the words of the sheet: the contract's check knows microseconds only.
            raise Violated("FIELD_INVALID", cell.field.path, f"{_shown(cell, text)} (1990–2200)")
        raise Violated(reason, cell.field.path, _shown(cell, text))

    def text_of(self, cell: Cell) -> str:
        """Returns the text a field is made of: joined, looked up, repaired; "" for none.

        Raises:
            Violated: a column is missing, a value has no entry, or digits are lost.
        """
        if not cell.columns:
            return cell.constant
        if cell.table:
            return self._entry_of(cell).get(cell.part, "")
        texts = [self._cell_text(column, cell.field.path) for column in cell.columns]
        if cell.field.kind is Kind.TEXT:
            joined = cell.separator.join(tidy(text) for text in texts if self._normal(text))
        else:
            parts = [self._repaired(cell, self._normal(text)) for text in texts]
            joined = cell.separator.join(parts) if any(parts) else ""
        return joined or cell.default or ""

    def _entry_of(self, cell: Cell) -> dict[str, str]:
        table = self._mapping.tables[cell.table]
        parts = [self._normal(self._cell_text(column, cell.field.path)) for column in cell.columns]
        value = half_width(cell.separator.join(parts)) if any(parts) else ""
        for key in _keys_of(parts, cell.separator) if value else ("",):
            if (entry := table.get(key)) is not None:
                return entry
        if cell.default is not None:
            return {cell.part: cell.default}
        if not value:
            return {}
        raise _NotInTable(cell, value)

    def _repaired(self, cell: Cell, text: str) -> str:
        if not (cell.is_whole_number or cell.width or (cell.field.kind is Kind.CODE and is_cut(text))):
            return text
        try:
            text = undamaged(text)
        except ValueError:
            raise Violated("NUMBER_INVALID", cell.field.path, f'{" + ".join(cell.columns)} "{_short(text)}"') from None
        return text.zfill(cell.width) if text.isascii() and text.isdigit() else text

    def _normal(self, text: str) -> str:
        normal = half_width(text)
        return "" if normal in self._mapping.empty_values else normal

    def _cell_text(self, column: str, path: str) -> str:
        try:
            text = self._values[column]
        except KeyError:
            raise Violated("COLUMN_MISSING", path, column) from None
        if text.strip() in _FAILED_FORMULAS:
            raise Violated("FIELD_INVALID", path, f'{column} "{text.strip()}"')
        return text


_REASONS = {
    Kind.INTEGER: "NUMBER_INVALID",
    Kind.NUMBER: "NUMBER_INVALID",
    Kind.STATE: "FIELD_INVALID",
    Kind.TRUTH: "FIELD_INVALID",
}


def _keys_of(parts: list[str], separator: str) -> Iterator[str]:
    """Yields what an entry for some columns may stand under, what says most first.

    That is the values as they are, as they were before a spreadsheet took them for numbers, and then any value for the
    last column, for the last two, and so on.
    """
    yield half_width(separator.join(parts))
    mended = [_undamaged_or_same(part) for part in parts]
    for known in range(len(parts), -1, -1):
        yield half_width(separator.join(mended[:known] + [_ANY] * (len(parts) - known)))


def _undamaged_or_same(text: str) -> str:
    try:
        return undamaged(text)
    except ValueError:
        return text


def _shown(cell: Cell, text: str) -> str:
    return f'{" + ".join(cell.columns)} "{_short(text)}"'


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
