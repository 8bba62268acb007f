"""Transactions whose statements travel together end like all others: wholly or not at all."""

import psycopg
import pytest

from exchange_db.session import HotSession, Ledger


async def _count(session: HotSession) -> int:
    row = await (await session.driver.execute("SELECT count(*) FROM used_tokens")).fetchone()
    assert row is not None
    return int(row[0])


async def _use(session: HotSession, key: bytes) -> None:
    await session.driver.execute("INSERT INTO used_tokens (replay_key, end_time) VALUES (%s, now())", (key,))


async def _kept(ledger: Ledger) -> int:
    async with ledger.watching() as looking:
        return await _count(looking)


async def test_what_is_done_stays_when_the_block_ends_well_and_goes_when_it_does_not(ledger: Ledger) -> None:
    async with ledger.brisk() as session:
        await _use(session, b"1")
        assert await _count(session) == 1
        await _use(session, b"2")
    assert await _kept(ledger) == 2

    with pytest.raises(LookupError):
        async with ledger.brisk() as session:
            await _use(session, b"3")
            raise LookupError
    assert await _kept(ledger) == 2


async def test_a_statement_that_fails_fails_all_of_them_whether_or_not_its_answer_is_read(ledger: Ledger) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with ledger.brisk() as session:
            await _use(session, b"1")
            await _use(session, b"1")
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with ledger.brisk() as session:
            await _use(session, b"1")
            await _use(session, b"1")
            await _count(session)
    assert await _kept(ledger) == 0


async def test_who_goes_on_regardless_of_a_failure_is_not_told_that_it_is_done(ledger: Ledger) -> None:
    with pytest.raises(psycopg.Error):
        async with ledger.brisk() as session:
            await _use(session, b"1")
            await _use(session, b"1")
            try:
                await _count(session)
            except psycopg.Error:
                await session.driver.execute("SELECT 1")
    assert await _kept(ledger) == 0
    async with ledger.brisk() as session:
        await _use(session, b"1")
    assert await _kept(ledger) == 1


async def test_a_connection_the_server_ended_is_not_lent_again(ledger: Ledger) -> None:
    async with ledger.watching() as looking:
        row = await (await looking.driver.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    async with ledger.read() as other:
        await other.driver.execute("SELECT pg_terminate_backend(%s)", (row[0],))
    with pytest.raises(psycopg.OperationalError):
        await _kept(ledger)
    assert await _kept(ledger) == 0
