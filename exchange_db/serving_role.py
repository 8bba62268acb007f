"""Rights of the database role that serves: everything a hub needs, and nothing that would change its audit log.

Called by ``sanji database grant``, as the owner of the tables. A hub that connects as this role can add to the audit
log and cannot update, delete or truncate what is there, nor drop the triggers that refuse it to everybody. It protects
from a hub that was taken over and from mistakes, not from the owner of the tables or the server's administrator: those
can drop the triggers, and are found by the chain and the checkpoints neighbours hold.
"""

import psycopg
from psycopg import sql

from exchange_db.audit import append_now
from exchange_db.audit_records import AuditEntry
from exchange_db.session import driver_url
from exchange_db.tables import METADATA

#: Tables that are only ever added to.
KEPT = (
    "audit_checkpoints",
    "audit_countersignatures",
    "audit_entries",
    "audit_nodes",
    "audit_witnessed",
    "proposal_decisions",
)
_HEAD = "audit_head"


def grant(url: str, role: str, entry: AuditEntry) -> None:
    """Gives a role that exists already its rights, and takes away any it had beyond them. Harmless twice.

    The act is recorded with ``entry`` in the same transaction.

    Raises:
        psycopg.Error: there is no such role, or the one who asks does not own the tables.
    """
    name = sql.Identifier(role)
    with psycopg.connect(driver_url(url)) as connection:
        for statement in _statements(name):
            connection.execute(statement)
        append_now(connection, entry)


def _statements(role: sql.Identifier) -> list[sql.Composed]:
    tables = sorted(METADATA.tables)
    ordinary = [table for table in tables if table not in (*KEPT, _HEAD)]
    return [
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role),
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(role),
        sql.SQL("GRANT SELECT ON alembic_version TO {}").format(role),
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}").format(_names([*ordinary, "inbox_default"]), role),
        sql.SQL("GRANT SELECT, INSERT ON {} TO {}").format(_names(KEPT), role),
        sql.SQL("GRANT SELECT, UPDATE ON {} TO {}").format(_names([_HEAD]), role),
        sql.SQL("GRANT EXECUTE ON FUNCTION make_inbox_month TO {}").format(role),
        sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(role),
    ]


def _names(tables: tuple[str, ...] | list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, tables))
