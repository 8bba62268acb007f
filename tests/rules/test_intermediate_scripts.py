"""The intermediate database is told completely, and its scripts are drawn from the code."""

import pytest

from exchange_db.intermediate import meanings, schema, scripts
from tests.support.sources import ROOT


def test_every_table_and_column_has_its_meaning() -> None:
    assert meanings.TABLES.keys() == schema.TABLES.keys()
    for table in schema.TABLES.values():
        for column in table.columns:
            assert meanings.meaning_of(table, column), (table.name, column.name)


def test_no_meaning_is_left_over() -> None:
    everywhere = {column.name for table in schema.TABLES.values() for column in table.columns}
    assert meanings._ANYWHERE.keys() <= everywhere
    for name, columns in meanings._IN.items():
        assert columns.keys() <= set(schema.TABLES[name].names)


def test_every_word_of_a_state_has_its_meaning() -> None:
    kinds = {column.choices for table in schema.TABLES.values() for column in table.columns if column.choices}
    assert meanings.WORDS.keys() == kinds
    for kind, words in meanings.WORDS.items():
        assert list(words) == [name.lower() for name in kind.__members__]


@pytest.mark.parametrize("engine", scripts.DIALECTS)
def test_the_scripts_are_drawn_from_the_code(engine: str) -> None:
    written = (ROOT / "docs" / "sql" / f"{engine}.sql").read_text(encoding="utf-8")
    assert written == scripts.as_file(scripts.DIALECTS[engine]), "run `make docs`"


def test_no_script_is_left_over() -> None:
    assert {path.stem for path in (ROOT / "docs" / "sql").iterdir()} == scripts.DIALECTS.keys()


@pytest.mark.parametrize("engine", sorted(scripts.DIALECTS.keys() - scripts.TESTED))
def test_a_script_nobody_ran_says_so(engine: str) -> None:
    assert "未经测试" in scripts.as_file(scripts.DIALECTS[engine])
