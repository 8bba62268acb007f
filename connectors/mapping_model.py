"""What a mapping is made of, and the fields of a case it can fill.

The catalogue of fields is drawn from ``exchange_db.records``, so that a field added there can be mapped at once.
"""

from enum import IntEnum, StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from connectors.mapping_values import Clock, half_width, minutes, moment, number, truth, whole_number
from exchange_db.records import Assignment, CheckVerdict, Handling, Report
from exchange_db.regions import region_of

#: Parts of the entries of a table, by their normal form; a plain entry has the parts "" and "code".
Table = dict[str, dict[str, str]]

#: Sections of a case and their records.
RECORDS: dict[str, type[Any]] = {
    "report": Report,
    "assignment": Assignment,
    "handling": Handling,
    "verdict": CheckVerdict,
}
_FREE_TEXTS = {
    "address",
    "campaign",
    "description",
    "local_unit_name",
    "reason",
    "result",
    "source_original",
    "unit_name",
}
_PATHS = {"class_code": "class_code.code", "crs": "position.crs", "x": "position.x", "y": "position.y"}
_PLATFORMS = ("authority_id", "handler_id")
_MOST = 2_147_483_647


class Kind(StrEnum):
    """How the text of a cell becomes the value of a field."""

    TEXT = "text"  # as written
    CODE = "code"  # half-width, single blanks
    INTEGER = "integer"
    NUMBER = "number"
    TRUTH = "truth"
    TIME = "time"
    STATE = "state"  # name of an enum's member


class Field(Struct, frozen=True):
    """One field of the contract.

    ``limits`` is the type in the record, ``choices`` the enum of a state; ``is_required`` says the contract wants it.
    """

    name: str
    path: str
    kind: Kind
    limits: Any
    choices: type[IntEnum] | None = None
    is_required: bool = False

    def value(self, text: str, formats: tuple[str, ...], clock: Clock) -> Any:
        """Returns the value a text stands for.

        Raises:
            ValueError: it stands for none.
        """
        if self.kind in (Kind.TEXT, Kind.CODE):
            return text
        if self.kind is Kind.TIME:
            return moment(text, formats, clock)
        if self.kind is Kind.NUMBER:
            return number(text)
        if self.kind is Kind.TRUTH:
            return truth(text)
        if self.choices is not None:
            return _member(self.choices, text)
        whole = minutes(moment(text, formats, clock)) if formats else whole_number(text)
        if not -_MOST <= whole <= _MOST:
            raise ValueError(text)
        return whole

    def problem_of(self, text: str, formats: tuple[str, ...], clock: Clock) -> str:
        """Returns why the contract would refuse a constant or an entry of a table, "" when it would not."""
        try:
            value = self.value(text, formats, clock)
            msgspec.convert(value, self.limits)
            if self.name in _PLATFORMS:
                region_of(text)
        except msgspec.ValidationError as error:
            return str(error)
        except ValueError as error:
            if self.choices is not None:
                return f"one of {', '.join(self.choices.__members__)}"
            return str(error) if self.name in _PLATFORMS else f"not of the kind {self.kind}"
        if self.kind is Kind.CODE and half_width(text) != text:
            return "write codes in half width, without blanks around"
        if self.name == "region_code" and not (len(text) == 6 and text.isascii() and text.isdigit()):
            return "a region code has six digits (GB/T 2260)"
        return ""


class Cell(Struct, frozen=True):
    """Where the value of a field comes from: a constant, or columns that are joined and perhaps looked up.

    ``formats`` are those of times, or of a revision made of a time; ``width`` is the digits of a code that lost its
    leading zeros.
    """

    field: Field
    constant: str = ""
    columns: tuple[str, ...] = ()
    separator: str = "/"
    table: str = ""
    part: str = ""
    default: str | None = None
    formats: tuple[str, ...] = ()
    width: int = 0
    is_whole_number: bool = False


class Condition(Struct, frozen=True):
    """What must hold of a row for a section to be made: a column has one of some values, or has any or none."""

    column: str
    among: frozenset[str] = frozenset()
    is_filled: bool = True


class Section(Struct, frozen=True):
    """How one section of a case is made; it is left out when a condition fails or its state is empty."""

    name: str
    record: type[Any]
    state: Cell
    cells: tuple[Cell, ...]
    conditions: tuple[Condition, ...] = ()
    standard_ref: str = ""
    class_kind: str = ""


class Mapping(Struct, frozen=True):
    """How the rows of a sheet become cases.

    ``digest`` is the SHA-256 of the file in hex; ``encoding`` is what ``sheets.read_rows`` takes.
    """

    issuer_id: str
    digest: str
    encoding: str
    clock: Clock
    empty_values: frozenset[str]
    tables: dict[str, Table]
    case_no: Cell
    sections: tuple[Section, ...]

    def columns(self) -> tuple[str, ...]:
        """Returns every column the mapping reads, in the order of the file."""
        cells = [self.case_no, *(cell for section in self.sections for cell in (section.state, *section.cells))]
        names = [name for cell in cells for name in cell.columns]
        names += [condition.column for section in self.sections for condition in section.conditions]
        return tuple(dict.fromkeys(names))


def _member(choices: type[IntEnum], text: str) -> IntEnum:
    try:
        return choices[text.upper()]
    except KeyError:
        raise ValueError(text) from None


def _kind_of(name: str, kind: Any) -> Kind:
    if isinstance(kind, msgspec.inspect.EnumType):
        return Kind.STATE
    if isinstance(kind, msgspec.inspect.BoolType):
        return Kind.TRUTH
    if isinstance(kind, msgspec.inspect.FloatType):
        return Kind.NUMBER
    if isinstance(kind, msgspec.inspect.IntType):
        return Kind.TIME if name.endswith("_time") else Kind.INTEGER
    return Kind.TEXT if name in _FREE_TEXTS else Kind.CODE


#: What one cell of a sheet can hold; requests, decisions and links between cases travel by contract only.
_CELLS = (
    msgspec.inspect.StrType,
    msgspec.inspect.IntType,
    msgspec.inspect.FloatType,
    msgspec.inspect.BoolType,
    msgspec.inspect.EnumType,
)


def _fields_of(section: str, record: type[Any]) -> dict[str, Field]:
    info = msgspec.inspect.type_info(record)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101 — sections are structs
    types = {name: record.__annotations__[name] for name in record.__struct_fields__}
    fields = {
        field.name: Field(
            field.name,
            f"case.{section}.{_PATHS.get(field.name, field.name)}",
            _kind_of(field.name, field.type),
            types[field.name],
            field.type.cls if isinstance(field.type, msgspec.inspect.EnumType) else None,  # type: ignore[arg-type]
            field.required,
        )
        for field in info.fields
        if isinstance(field.type, _CELLS)
    }
    for name in ("standard_ref", "class_kind"):
        fields.pop(name, None)
    return fields


#: Fields by section and name.
FIELDS: dict[str, dict[str, Field]] = {section: _fields_of(section, record) for section, record in RECORDS.items()}
CASE_NO = Field("case_no", "case.key.case_no", Kind.CODE, str, None, is_required=True)
