"""Every connector that ships, on captured rows: rows in → records, a dispatched case → rows out.

One file a connector lies in ``leaves``: ``rows`` by table as the partner's database gives them, ``records`` as they
must become, ``written`` the rows that an assignment (or, for the nation, a sheet of figures) must become there.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.leaves import leaves
from connectors.wire import read_parcel
from exchange_db.intermediate.dialect import Dialect
from exchange_db.intermediate.dialects.mariadb import MariadbDialect
from exchange_db.intermediate.dialects.postgresql import PostgresqlDialect
from exchange_db.intermediate.dialects.sqlite import SqliteDialect
from exchange_db.intermediate.reading.pages import ChangedRow
from hub.intermediate.link_files import DatabaseLink, read_link
from hub.intermediate.sources import sources_of
from hub.intermediate.translation import Translation
from hub.intermediate.writeback_rows import rows_for, sheet_of
from tests.support.builders import a_case, a_sheet, an_assignment
from tests.support.clock import NOON

_CAPTURED = Path(__file__).parent / "leaves"


@pytest.fixture(autouse=True)
def _passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for tier in ("COUNTY", "PROVINCE", "NATIONAL"):
        monkeypatch.setenv(f"SANJI_{tier}_PASSWORD", "x")


def _dialect(link: DatabaseLink) -> Dialect:
    if link.engine == "postgresql":
        return PostgresqlDialect()
    return MariadbDialect(link.zone) if link.engine == "mariadb" else SqliteDialect(link.zone)


def _records(link: DatabaseLink, rows: dict[str, list[dict[str, Any]]]) -> list[Any]:
    """Returns the records rows become, as JSON."""
    found = []
    for source in sources_of(link, _dialect(link)):
        changed = [
            ChangedRow(name, tuple(row[column] for column in one.table.key), tuple(map(row.get, one.table.columns)))
            for name, one in source.followed.items()
            for row in rows.get(name, [])
        ]
        for item in Translation(link.peer, source.followed, {}).translate(changed).items:
            assert isinstance(item, bytes), item
            found.append(msgspec.to_builtins(read_parcel(item).record))
    return found


def _written(link: DatabaseLink) -> dict[str, list[Any]]:
    """Returns the rows of a dispatched case and of a sheet by table, as JSON."""
    rows = rows_for(link)
    written: dict[str, list[Any]] = {}
    for target, values in rows.of(a_case("c1", assignment=an_assignment()), NOON):
        names = [column.name for column in target.columns]
        told = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        written.setdefault(target.table, []).append(told)
    if rows.has_sheets:
        written["x_figure"] = [list(row) for row in sheet_of(a_sheet(), 1, NOON).rows]
    return written


@pytest.mark.parametrize("name", leaves())
def test_captured_rows_become_the_same_records_and_records_the_same_rows(name: str) -> None:
    link = read_link(leaves()[name].folder / "link.toml")
    assert link is not None
    captured = json.loads((_CAPTURED / f"{name.replace('/', '-')}.json").read_text(encoding="utf-8"))
    read = {table for source in sources_of(link, _dialect(link)) for table in source.followed}
    assert not read or captured["rows"].keys() & read, "no rows are captured of any table that is read"
    assert json.loads(json.dumps(_records(link, captured["rows"]))) == captured["records"]
    assert json.loads(json.dumps(_written(link))) == captured["written"]
