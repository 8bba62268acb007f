"""Records as the rows of one partner: in our own tables, or in its own as its link file says.

What the partner itself has written, or may write, is left out: those rows are its own.
"""

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, Protocol

from connectors.table_rows import rows_of
from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import Row
from exchange_db.intermediate.schema import Column, ColumnKind
from exchange_db.intermediate.writing.given import Sheet
from exchange_db.intermediate.writing.targets import OURS, Target
from exchange_db.records import FigureSheet, Record, Violated
from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, Manner, TargetTable


class Rows(Protocol):
    """Makes the rows of one partner."""

    targets: tuple[Target, ...]
    has_sheets: bool

    def of(self, record: Record, now: int) -> Iterator[tuple[Target, Row]]:
        """Yields the rows a record fills.

        Raises:
            Violated: a value cannot be said in the partner's words; names the column.
        """


class OurRows:
    """Rows of our own tables. Sheets of counts are replaced whole, see ``sheet_of``.

    Args:
        link: its link file, which may leave tables out.
    """

    def __init__(self, link: DatabaseLink) -> None:
        self.targets = tuple(OURS[table.name] for table in schema.SHARED if link.exchanges(table))
        self.has_sheets = link.exchanges(schema.FIGURE)
        self._names = {target.table for target in self.targets}

    def of(self, record: Record, now: int) -> Iterator[tuple[Target, Row]]:
        """Yields the rows a record fills."""
        for row in rows_of(record, now):
            if row.table.name in self._names:
                yield OURS[row.table.name], row.values


class TheirRows:
    """Rows of a partner's own tables.

    Args:
        link: its link file.

    Raises:
        LinkFileInvalid: a target names a section or column that is not ours, or a key that is not filled.
    """

    has_sheets = False

    def __init__(self, link: DatabaseLink) -> None:
        self._ways: dict[str, list[_Way]] = {}
        for table in link.target:
            self._ways.setdefault(f"x_{table.section}", []).append(_Way(link, table))
        self.targets = tuple(way.target for ways in self._ways.values() for way in ways)

    def of(self, record: Record, now: int) -> Iterator[tuple[Target, Row]]:
        """Yields the rows a record fills.

        Raises:
            Violated: PARTNER_WORD_MISSING or FIELD_MISSING; names the partner's column.
        """
        for row in rows_of(record, now):
            for way in self._ways.get(row.table.name, ()):
                yield way.target, way.row(row.values)


class _Way:
    """From a row of ours to a row of one of the partner's tables."""

    def __init__(self, link: DatabaseLink, told: TargetTable) -> None:
        ours = schema.TABLES.get(f"x_{told.section}")
        if ours is None or ours.record is None:
            raise LinkFileInvalid(f"{link.peer}：target.section：没有 {told.section} / there is no such section")
        columns = {column.name: column for column in ours.columns}
        unknown = next((name for name in told.columns.values() if name not in columns), None)
        if unknown is not None:
            place = f"{link.peer}：target.columns：{unknown}"
            raise LinkFileInvalid(f"{place} 不是 x_{told.section} 的列 / is no column of x_{told.section}")
        self._table = told.name
        self._words = [(place, told.words[theirs]) for place, theirs in enumerate(told.columns) if theirs in told.words]
        self._constants = tuple(told.constants.values())
        places = [ours.names.index(name) for name in told.columns.values()]
        # A single place would give the bare value.
        self._take: Callable[[Row], Row] = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
        made = [
            columns[name]._replace(name=theirs, kind=ColumnKind.TEXT if theirs in told.words else columns[name].kind)
            for theirs, name in told.columns.items()
        ] + [Column(theirs, ColumnKind.TEXT) for theirs in told.constants]
        self._names = [column.name for column in made]
        missing = next((name for name in told.key if name not in self._names), None)
        if not told.key or missing is not None:
            place = f"{link.peer}：target.key：{missing or ''}"
            raise LinkFileInvalid(f"{place} 未填写 / is filled by no column or constant")
        self._keys = [self._names.index(name) for name in told.key]
        guard = next((theirs for theirs, name in told.columns.items() if name == "revision"), "")
        is_insert_only = ours.name in (schema.ACTION.name, schema.ATTACHMENT.name)
        self.target = Target(told.name, tuple(made), told.key, guard, is_insert_only)

    def row(self, values: Row) -> Row:
        """Returns the partner's row for a row of ours."""
        made: list[Any] = [*self._take(values), *self._constants]
        for place, words in self._words:
            word = made[place]
            if word is not None:
                try:
                    made[place] = words[str(word)]
                except KeyError:
                    raise Violated("PARTNER_WORD_MISSING", f"{self._table}.{self._names[place]}", word) from None
        for place in self._keys:
            if made[place] is None:
                raise Violated("FIELD_MISSING", f"{self._table}.{self._names[place]}")
        return tuple(made)


def rows_for(link: DatabaseLink) -> Rows:
    """Returns what makes the rows of a partner.

    Raises:
        LinkFileInvalid: its link file cannot be used.
    """
    return OurRows(link) if link.manner is Manner.OURS else TheirRows(link)


def sheet_of(record: FigureSheet, sequence: int, now: int) -> Sheet:
    """Returns a sheet of counts as rows."""
    rows = tuple(row.values for row in rows_of(record, now))
    return Sheet(sequence, record.reporter_id, f"{record.region:06d}", record.month, record.revision, rows)
