"""The statements for engines that no server is at hand for, at least as text: every mark of a value is there, once."""

import pytest

from exchange_db.intermediate import schema
from exchange_db.intermediate.scripts import DIALECTS, TESTED


@pytest.mark.parametrize("engine", sorted(DIALECTS.keys() - set(TESTED)))
def test_an_upsert_has_a_mark_for_each_column_and_keeps_newer_rows(engine: str) -> None:
    dialect, table = DIALECTS[engine], schema.LINK
    statement = dialect.upsert(table.name, table.columns, table.key, guard="delivered_sequence")
    name = dialect.quoted("delivered_sequence")
    assert statement.startswith(f"MERGE INTO {dialect.quoted(table.name)} t USING (SELECT ")
    assert f"s.{name} > coalesce(t.{name}, 0)" in statement
    assert f"{dialect.quoted('link_id')} = s.{dialect.quoted('link_id')}," not in statement.partition("UPDATE SET")[2]
    # SQL Server makes a time in two steps, and says its value twice.
    marks = {"sqlserver": 2}.get(engine, 1) * 2 + len(table.columns) - 2
    assert statement.count("%s") == marks
