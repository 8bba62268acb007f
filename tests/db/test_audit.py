"""The audit log in the ledger: numbers without gap, nothing changed afterwards, and an act fails with its entry."""

import asyncio

import psycopg
import pytest

from exchange_db import audit
from exchange_db.audit_hashes import root_of
from exchange_db.audit_records import AuditEntry, AuditLine, host_actor
from exchange_db.session import Ledger, ReadSession, connect

_ENTRY = AuditEntry(actor=host_actor("zhang"), action="peer.block", object="431221.platform", detail={"was": "active"})
_KEPT = ("audit_entries", "audit_nodes", "audit_checkpoints", "audit_countersignatures", "audit_witnessed")


async def _all(session: ReadSession) -> list[AuditLine]:
    return [line async for line in audit.lines(session)]


async def test_an_entry_is_kept_with_its_number_and_time(ledger: Ledger) -> None:
    async with ledger.write() as session:
        assert await audit.append(session, _ENTRY) == 1
        assert await audit.append_all(session, [_ENTRY, _ENTRY]) == 2
    async with ledger.read() as session:
        found = await _all(session)
        head = await audit.head_of(session)
    assert [line.number for line in found] == [1, 2, 3]
    assert found[0].actor == "host:zhang"
    assert b'"number":1' in found[0].content
    assert head.size == 3
    assert head.chain_hash == found[-1].chain_hash


async def test_an_act_that_is_rolled_back_leaves_no_entry_and_no_gap(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError):
        async with ledger.write() as session:
            await audit.append(session, _ENTRY)
            raise RuntimeError
    async with ledger.write() as session:
        assert await audit.append(session, _ENTRY) == 1


async def test_writers_at_once_get_numbers_without_gap(ledger: Ledger) -> None:
    async def write(count: int) -> None:
        for _ in range(count):
            async with ledger.write() as session:
                await audit.append(session, _ENTRY)

    await asyncio.gather(*[write(20) for _ in range(6)])
    async with ledger.read() as session:
        assert [line.number for line in await _all(session)] == list(range(1, 121))


async def test_the_edge_of_the_tree_is_the_same_however_entries_came(ledger: Ledger) -> None:
    async with ledger.write() as session:
        await audit.append_all(session, [_ENTRY] * 700)
        for _ in range(30):
            await audit.append(session, _ENTRY)
    async with ledger.read() as session:
        head = await audit.head_of(session)
        cursor = await session.driver.execute("SELECT level, position FROM audit_nodes ORDER BY 1, 2")
        assert await cursor.fetchall() == [(8, 0), (8, 1), (9, 0)]
    assert len(root_of(head)) == 32
    assert head.size == 730


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", _KEPT)
async def test_nothing_is_changed_or_deleted_even_by_the_owner(ledger: Ledger, table: str, statement: str) -> None:
    async with ledger.write() as session:
        await audit.append_all(session, [_ENTRY] * 256)
        for other in _KEPT[2:]:
            await session.driver.execute(_ROWS[other])
    column = "hash" if table == "audit_nodes" else "content"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only ever added to"):
        async with ledger.write() as session:
            await session.driver.execute(statement.format(table, column, column))


_ROWS = {
    "audit_checkpoints": "INSERT INTO audit_checkpoints VALUES (1, '', '', '', now())",
    "audit_countersignatures": "INSERT INTO audit_countersignatures VALUES ('430000.hub', 1, '', '', '')",
    "audit_witnessed": "INSERT INTO audit_witnessed VALUES ('430000.hub', 1, '', true, '', '', '', now())",
}


async def test_the_head_goes_forward_only(ledger: Ledger) -> None:
    async with ledger.write() as session:
        await audit.append_all(session, [_ENTRY] * 3)
    for statement in ("UPDATE audit_head SET size = 2", "DELETE FROM audit_head", "TRUNCATE audit_head"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with ledger.write() as session:
                await session.driver.execute(statement)
    async with ledger.write() as session:
        assert await audit.append(session, _ENTRY) == 4


async def test_the_hash_is_settled_with_the_first_entry(ledger: Ledger) -> None:
    async with ledger.write() as session:
        assert await audit.choose_algorithm(session, "SHA-256")
        await audit.append(session, _ENTRY)
        assert not await audit.choose_algorithm(session, "SM3")
        assert (await audit.head_of(session)).algorithm == "SHA-256"


async def test_texts_of_unknown_origin_are_kept_and_break_nothing(ledger: Ledger) -> None:
    odd = AuditEntry(actor="host:a\0b", action="x.y", object="\ud800\r\n\x1b[31m", detail={"名": "…" * 9_000})
    async with ledger.write() as session:
        await audit.append(session, odd)
    async with ledger.read() as session:
        (line,) = await _all(session)
    assert line.actor == "host:a�b"
    assert line.object == "?\r\n\x1b[31m"
    assert b"\n" not in line.content
    with pytest.raises(ValueError, match="whole numbers"):
        async with ledger.write() as session:
            await audit.append(session, AuditEntry(actor="a", action="b", detail={"x": 1.5}))  # type: ignore[dict-item]


async def test_entries_are_found_by_what_they_tell(ledger: Ledger) -> None:
    other = AuditEntry(actor="hub:431200.hub", action="hub.start", outcome="failed")
    async with ledger.write() as session:
        await audit.append_all(session, [_ENTRY, other, _ENTRY])
    async with ledger.read() as session:
        found = await audit.search(session, audit.Search(action="peer.block"), limit=10)
        assert [line.number for line in found] == [3, 1]
        found = await audit.search(session, audit.Search(action="peer.block"), limit=10, before=3)
        assert [line.number for line in found] == [1]
        assert await audit.search(session, audit.Search(actor="nobody"), limit=10) == []
        (last,) = await audit.search(session, audit.Search(outcome="failed"), limit=10)
        assert last.number == 2
        later = audit.Search(begin_time=last.recorded_time + 1)
        assert await audit.search(session, later, limit=10) == []


async def test_an_append_works_on_a_raw_connection_too(ledger: Ledger) -> None:
    async with ledger.dedicated() as connection, connection.transaction() as session:
        assert await audit.append(session, _ENTRY) == 1
    driver = await connect(ledger.url)
    await driver.close()
