"""A connection to a partner does the same on every engine: values, times, upserts, transactions, errors."""

import pytest

from connectors.table_rows import TableRow, case_of, rows_of, section_of
from exchange_db.intermediate import schema
from exchange_db.intermediate.dialect import create_table, expression
from exchange_db.intermediate.partner import Partner, PartnerRefused, PartnerUnreachable, open_partner
from exchange_db.records import Violated
from tests.support.builders import a_case, a_handling, a_report, a_verdict, an_action, an_assignment

TIME = 1_577_808_000_123_000


async def _make(partner: Partner) -> None:
    await partner.run_script([create_table(partner.dialect, table) for table in schema.TABLES.values()])


async def test_a_row_is_read_back_as_it_was_written(partner: Partner) -> None:
    await _make(partner)
    case = a_case(
        report=a_report(),
        assignment=an_assignment(),
        handling=a_handling(),
        verdict=a_verdict(),
        actions=(an_action(action_time=TIME),),
    )
    for row in rows_of(case, TIME):
        await partner.execute(partner.dialect.upsert(row.table.name, row.table.columns, row.table.key), row.values)
    parts = []
    for table in (*schema.SECTIONS.values(), schema.ACTION):
        columns = ", ".join(expression(partner.dialect, column) for column in table.columns)
        for values in await partner.fetch(f"SELECT {columns} FROM {partner.dialect.quoted(table.name)}"):
            assert values[-1] == TIME
            parts.append((table, section_of(TableRow(table, values), 1)))
    assert case_of(case.issuer_id, case.case_no, parts) == case


async def test_an_older_version_never_replaces_a_newer_one(partner: Partner) -> None:
    await _make(partner)
    table = schema.LINK
    statement = partner.dialect.upsert(table.name, table.columns, table.key, guard="delivered_sequence")
    for sequence, hub in ((5, "new"), (4, "old"), (5, "same")):
        await partner.execute(statement, ("a", hub, sequence, 0, None, None, 1))
    assert await partner.fetch("SELECT hub_id, delivered_sequence FROM x_link") == [("new", 5)]


async def test_a_transaction_that_fails_leaves_nothing(partner: Partner) -> None:
    await _make(partner)
    table = schema.LINK
    statement = partner.dialect.upsert(table.name, table.columns, table.key)
    with pytest.raises(RuntimeError):
        async with partner.transaction():
            await partner.execute_many(statement, [("a", "h", 1, 0, TIME, None, 1), ("b", "h", 1, 0, TIME, None, 1)])
            raise RuntimeError
    assert await partner.fetch("SELECT * FROM x_link") == []


async def test_what_is_wrong_with_a_statement_is_told(partner: Partner) -> None:
    with pytest.raises(PartnerRefused, match="x_nothing"):
        await partner.fetch("SELECT * FROM x_nothing")


@pytest.mark.parametrize(
    "url", ["postgresql://127.0.0.1:1/nobody", "mysql://127.0.0.1:1/nobody", "sqlite:////nowhere/file.db"]
)
async def test_a_database_that_does_not_answer_is_unreachable(url: str) -> None:
    with pytest.raises(PartnerUnreachable):
        async with open_partner(url):
            pass


@pytest.mark.parametrize("url", ["oracle://host/db", "nonsense", ""])
async def test_an_unknown_engine_is_named(url: str) -> None:
    with pytest.raises(PartnerRefused, match=r"postgresql, .*sqlite"):
        async with open_partner(url):
            pass


def test_what_is_wrong_with_a_row_names_its_column() -> None:
    row = next(row for row in rows_of(a_case(), TIME) if row.table is schema.CASE)

    def changed(**changes: object) -> TableRow:
        values = dict(zip(schema.CASE.names, row.values, strict=True)) | changes
        return TableRow(schema.CASE, tuple(values.values()))

    for changes, reason, path in (
        ({"region_code": None}, "FIELD_MISSING", "x_case.region_code"),
        ({"state": "finished"}, "FIELD_INVALID", "x_case.state"),
        ({"reported_time": 5}, "FIELD_INVALID", "x_case.reported_time"),
        ({"description": "x" * 4001}, "FIELD_INVALID", "x_case.description"),
    ):
        with pytest.raises(Violated) as refused:
            section_of(changed(**changes), 1)
        assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, path)
    assert section_of(changed(revision=None), 7).revision == 7
