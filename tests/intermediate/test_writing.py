"""Rows written into a partner's database: guarded, repeatable, without echo, and only the refused ones left out."""

from itertools import permutations

import msgspec
import pytest

from connectors.table_rows import rows_of
from exchange_db.intermediate.partner import Partner, PartnerRefused, open_partner
from exchange_db.intermediate.schema import Column, ColumnKind
from exchange_db.intermediate.writing.given import Sheet, put_codes, put_sheet, remove_old
from exchange_db.intermediate.writing.session import WritingSession
from exchange_db.intermediate.writing.targets import OURS, Bad, Item, Target
from exchange_db.records import Record
from hub.intermediate.writeback_rows import sheet_of
from tests.support.builders import DAY, a_case, a_cell, a_report, a_sheet, an_action
from tests.support.clock import NOON
from tests.support.pickups import make_tables
from tests.support.postgres import Cluster

ZONE = "Asia/Shanghai"


@pytest.fixture
async def session(partner: Partner) -> WritingSession:
    """The hub's session at a partner with our tables, watched by triggers."""
    await make_tables(partner)
    opened = await WritingSession.open(partner, ZONE)
    for target in OURS.values():
        await opened.prepare(target)
    return opened


def _items(record: Record, sequence: int = 1) -> list[tuple[Target, Item]]:
    return [(OURS[row.table.name], Item(sequence, row.values)) for row in rows_of(record, NOON)]


async def _put(session: WritingSession, *records: Record) -> list[Bad]:
    """Writes records as one batch."""
    batch: dict[Target, list[Item]] = {}
    for sequence, record in enumerate(records, 1):
        for target, item in _items(record, sequence):
            batch.setdefault(target, []).append(item)
    async with session.transaction():
        return [bad for target, items in batch.items() for bad in await session.put(target, items)]


async def _addresses(partner: Partner) -> list[tuple[str, int, str]]:
    return [tuple(row) for row in await partner.fetch("SELECT case_no, revision, address FROM x_case ORDER BY case_no")]


async def test_the_newest_revision_holds_in_whatever_order_and_however_often_it_comes(session: WritingSession) -> None:
    versions = [a_case(report=a_report(revision, address=f"第{revision}版")) for revision in (1, 2, 3)]
    for order in permutations(versions):
        assert await _put(session, *order) == []
        assert await _addresses(session.partner) == [("2020-0001", 3, "第3版")]
    for one in versions:
        await _put(session, one)
    assert await _addresses(session.partner) == [("2020-0001", 3, "第3版")]
    assert await session.partner.fetch("SELECT count(*) FROM x_change_log") == [(0,)]


async def test_an_older_row_is_replaced_whole_and_a_newer_one_of_the_partner_stays(session: WritingSession) -> None:
    await _put(session, a_case(report=a_report(5, grid_code="431221100001001")), a_case("other"))
    await session.partner.execute("UPDATE x_case SET revision = 9 WHERE case_no = 'other'")
    await _put(
        session, a_case(report=a_report(6, grid_code="", found_time=NOON - DAY)), a_case("other", report=a_report(8))
    )
    assert await session.partner.fetch("SELECT case_no, revision, grid_code FROM x_case ORDER BY case_no") == [
        ("2020-0001", 6, None),
        ("other", 9, None),
    ]
    found = session.partner.dialect.time_as_number("found_time")
    assert await session.partner.fetch(f"SELECT {found} FROM x_case WHERE revision = 6") == [(NOON - DAY,)]


async def test_lines_of_a_story_are_written_once_and_never_change(session: WritingSession) -> None:
    await _put(session, a_case(actions=(an_action(1, opinion="先"), an_action(2))))
    await _put(session, a_case(actions=(an_action(1, opinion="后"), an_action(2), an_action(3))))
    rows = await session.partner.fetch("SELECT opinion FROM x_case_action ORDER BY action_id")
    assert rows == [("先",), ("已收到",), ("已收到",)]


async def test_what_the_partner_writes_is_logged_and_what_the_hub_writes_is_not(
    session: WritingSession, partner_url: str
) -> None:
    await _put(session, a_case())
    async with open_partner(partner_url) as vendor:
        await vendor.execute("UPDATE x_case SET address = 'x'")
    await _put(session, a_case(report=a_report(2)))
    assert await session.partner.fetch("SELECT table_name, op FROM x_change_log") == [("x_case", "U")]


#: The partner itself comes to take eight letters at most.
_NARROWED = {
    "postgresql": "ALTER TABLE x_case ALTER COLUMN address TYPE varchar(8)",
    "mariadb": "ALTER TABLE x_case MODIFY address varchar(8)",
    "sqlite": "CREATE TRIGGER narrow BEFORE INSERT ON x_case WHEN length(NEW.address) > 8"
    " BEGIN SELECT RAISE(ABORT, 'too long'); END",
}


async def test_refused_rows_are_found_and_the_others_are_written(session: WritingSession) -> None:
    partner = session.partner
    await partner.execute(_NARROWED[partner.dialect.name])
    # What is known of the columns is from before, so the engine itself is asked by halves.
    places = {n: "太长的地址超过八个字" if n in (3, 17) else "短" for n in range(20)}
    records = [a_case(f"c{n:02}", report=a_report(address=place)) for n, place in places.items()]
    bad = await _put(session, *records)
    assert sorted((one.item.sequence, one.table) for one in bad) == [(4, "x_case"), (18, "x_case")]
    assert all(one.told for one in bad)
    assert len(await _addresses(partner)) == 18
    if partner.dialect.name == "sqlite":
        return
    # Known from the start, the column is named before the engine is asked.
    fresh = await WritingSession.open(partner, ZONE)
    await fresh.prepare(OURS["x_case"])
    bad = await _put(fresh, *records)
    assert [(one.item.sequence, one.column) for one in bad] == [(4, "address"), (18, "address")]
    assert bad[0].told.startswith("10 > 8")


async def test_a_table_without_a_column_and_one_with_a_column_nobody_fills_are_named(session: WritingSession) -> None:
    partner = session.partner
    await partner.execute("ALTER TABLE x_verdict DROP COLUMN reason")
    fresh = WritingSession(partner, ZONE)
    with pytest.raises(PartnerRefused, match=r"x_verdict.*reason"):
        await fresh.prepare(OURS["x_verdict"])
    with pytest.raises(PartnerRefused, match="x_nothing"):
        await fresh.prepare(Target("x_nothing", (Column("a", ColumnKind.TEXT),), ("a",)))


async def test_a_sheet_is_replaced_whole_by_a_higher_revision(session: WritingSession) -> None:
    async def put(revision: int, *units: str) -> None:
        sheet: Sheet = sheet_of(
            msgspec.structs.replace(a_sheet(revision=revision), cells=tuple(map(a_cell, units))), revision, NOON
        )
        async with session.transaction():
            assert await put_sheet(session, sheet) == []

    await put(1, "u1", "u2")
    await put(3, "u2", "u3")
    await put(2, "u1")
    rows = await session.partner.fetch("SELECT unit_code, revision FROM x_figure ORDER BY unit_code")
    assert rows == [("u2", 3), ("u3", 3)]
    await put(4)
    assert await session.partner.fetch("SELECT count(*) FROM x_figure") == [(0,)]


async def test_codes_in_force_are_brought_up_to_date_and_old_ones_marked(session: WritingSession) -> None:
    first = [("GB", "event", "01", "市容", None), ("GB", "event", "0101", "垃圾", "01")]
    assert await put_codes(session, first, NOON) == 2
    assert await put_codes(session, first, NOON) == 0
    assert await put_codes(session, [first[0], ("GB", "event", "0102", "积水", "01")], NOON) == 2
    rows = await session.partner.fetch("SELECT code, is_in_force FROM x_code_list ORDER BY code")
    assert [(code, bool(is_in)) for code, is_in in rows] == [("01", True), ("0101", False), ("0102", True)]


async def test_old_rows_of_the_hub_are_taken_away_and_those_of_the_partner_stay(session: WritingSession) -> None:
    await _put(session, a_case("old"), a_case("own"))
    await session.partner.execute("UPDATE x_case SET written_time = NULL WHERE case_no = 'own'")
    assert await remove_old(session, NOON) == 0
    assert await remove_old(session, NOON + 1_000_000) == 1
    assert [row[0] for row in await _addresses(session.partner)] == ["own"]
    assert await session.partner.fetch("SELECT count(*) FROM x_change_log WHERE op = 'D'") == [(0,)]


@pytest.mark.parametrize("text", ["𠮷野家", "龘😀"])
async def test_a_character_the_column_cannot_hold_is_named_with_its_column(mariadb_url: str, text: str) -> None:
    async with open_partner(mariadb_url) as partner:
        await make_tables(partner)
        await partner.execute("ALTER TABLE x_case MODIFY address varchar(400) CHARACTER SET gbk")
        session = await WritingSession.open(partner, ZONE)
        await session.prepare(OURS["x_case"])
        bad = await _put(session, a_case("good"), a_case("bad", report=a_report(address=text)))
        assert [(one.item.sequence, one.column) for one in bad] == [(2, "address")]
        assert text[0] in bad[0].told or text[1] in bad[0].told
        assert [row[0] for row in await _addresses(partner)] == ["good"]


async def test_a_database_with_fewer_characters_names_the_column_too(cluster: Cluster) -> None:
    with cluster._database("TEMPLATE template0 ENCODING 'EUC_CN' LC_COLLATE 'C' LC_CTYPE 'C'") as url:
        async with open_partner(url) as partner:
            await make_tables(partner)
            session = await WritingSession.open(partner, ZONE)
            await session.prepare(OURS["x_case"])
            bad = await _put(session, a_case("good"), a_case("bad", report=a_report(address="镕基路")))
            assert [(one.item.sequence, one.column) for one in bad] == [(2, "address")]
            assert [row[0] for row in await _addresses(partner)] == ["good"]
