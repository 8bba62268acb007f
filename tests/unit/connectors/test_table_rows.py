"""Rows of our tables and back: nothing is lost, and the quick way of reading a row says what the careful one says."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.table_rows import TableRow, case_of, rows_of, section_of
from exchange_db.intermediate.schema import ColumnKind
from exchange_db.records import Case, Component, Violated
from tests.support import strategies

_TEXTS = st.text(max_size=30)
_NUMBERS = st.integers(-(2**63), 2**63 - 1)
#: What an engine may give for a column, whatever the rules say.
_VALUES = {
    ColumnKind.TEXT: _TEXTS,
    ColumnKind.LONG_TEXT: _TEXTS,
    ColumnKind.NUMBER: _NUMBERS | st.integers(-1, 3),
    ColumnKind.LARGE_NUMBER: _NUMBERS,
    ColumnKind.DECIMAL: st.floats(),
    ColumnKind.TRUTH: st.booleans() | st.integers(0, 2),
    ColumnKind.TIME: _NUMBERS | st.integers(-1, 3),
}


def _outcome(row: TableRow) -> Any:
    try:
        return section_of(row, 7)
    except Violated as refused:
        return refused.violation


def _slow(row: TableRow) -> TableRow:
    """Returns the same row with its words written so that they have to be looked at one by one."""
    values = [
        f" {value}" if column.choices is not None and isinstance(value, str) and value else value
        for column, value in zip(row.table.columns, row.values, strict=True)
    ]
    return TableRow(row.table, tuple(values))


@given(record=strategies.cases | strategies.components)
def test_rows_become_the_record_they_came_from(record: Case | Component) -> None:
    rows = rows_of(record, 1)
    found = [(row.table, section_of(row, 7)) for row in rows]
    if isinstance(record, Component):
        assert [part for _, part in found] == [record]
    else:
        assert case_of(record.issuer_id, record.case_no, found) == record


@given(record=strategies.cases | strategies.components, data=st.data())
def test_a_damaged_row_is_told_the_same_on_both_ways(record: Case | Component, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows_of(record, 1)))
    places = [place for place, column in enumerate(row.table.columns) if column.choices is None]
    place = data.draw(st.sampled_from(places))
    value = data.draw(st.none() | _VALUES[row.table.columns[place].kind])
    damaged = row._replace(values=(*row.values[:place], value, *row.values[place + 1 :]))
    assert repr(_outcome(damaged)) == repr(_outcome(_slow(damaged)))
