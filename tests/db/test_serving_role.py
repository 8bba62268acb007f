"""The database role that serves: it appends and works, and cannot change the audit log, not even its triggers."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from exchange_db import audit, migrate, months, serving_role
from exchange_db.audit_records import AuditEntry, host_actor
from exchange_db.session import Ledger, driver_url
from hub.clock import system_clock
from tests.support.audit_logs import an_entry
from tests.support.neighbours import enrolled

_ROLE = "sanji_serve_of_a_test"
_GRANT = AuditEntry(actor=host_actor("root"), action="database.grant", object=_ROLE)


@pytest.fixture
def serving_url(database_url: str) -> Iterator[str]:
    """URL of a fresh ledger as the role that serves."""
    with psycopg.connect(driver_url(database_url), autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(_ROLE)))
        try:
            serving_role.grant(database_url, _ROLE, _GRANT)
            yield make_url(database_url).set(username=_ROLE).render_as_string(hide_password=False)
        finally:
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(_ROLE)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(_ROLE)))


async def test_it_serves(serving_url: str) -> None:
    migrate.upgrade(serving_url)
    async with Ledger(serving_url, pool_size=0) as ledger:
        async with ledger.write() as session:
            await months.ensure(session, system_clock(), 30)
            assert await audit.append(session, an_entry(1)) == 2
        await enrolled(ledger, "431221.platform")
        async with ledger.read() as session:
            assert [line.action async for line in audit.lines(session)] == ["database.grant", "peer.block"]


@pytest.mark.parametrize("table", serving_role.KEPT)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET {} = {}",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "DROP TRIGGER kept ON {}",
        "DROP TABLE {}",
        "SET session_replication_role = replica",
    ],
)
async def test_it_cannot_change_the_log(serving_url: str, table: str, statement: str) -> None:
    column = {"audit_nodes": "hash"}.get(table, "content")
    async with Ledger(serving_url, pool_size=0) as ledger:
        async with ledger.write() as session:
            await audit.append(session, an_entry(1))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with ledger.write() as session:
                await session.driver.execute(statement.format(table, column, column))


async def test_what_it_may_not_is_not_what_it_needs(serving_url: str) -> None:
    async with Ledger(serving_url, pool_size=0) as ledger:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with ledger.write() as session:
                await session.driver.execute("CREATE TABLE mine (x int)")
        for month in ("2020_1", "x'; DROP TABLE peers; --"):
            with pytest.raises(psycopg.errors.RaiseException):
                async with ledger.write() as session:
                    await session.driver.execute("SELECT make_inbox_month(1, 2, %s)", (month,))
