"""One picture of the ledger for a backup: the snapshot others may read by, what is in it, and counting it again.

Called by ``hub.backup``.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from exchange_db.session import driver_url

#: What is counted when a backup is made and when it was restored.
COUNTED = (
    "inbox", "inbox_keys", "outbox", "parcels", "quarantine", "cases", "case_sections", "case_actions", "components",
    "figures", "documents", "attachments", "audit_entries", "peers", "streams", "standard_releases", "reporters",
)  # fmt: skip


class Contents(NamedTuple):
    """What a ledger holds.

    ``counts`` are rows by table, ``position`` the last inbox id, ``audit_number`` and ``audit_hash`` the end of the
    audit log, ``proof`` a digest over the numbers of all streams and links.
    """

    schema: str
    position: int
    audit_number: int
    audit_hash: str
    proof: str
    counts: dict[str, int]


@contextmanager
def exported(url: str) -> "Iterator[tuple[psycopg.Connection[Any], str]]":
    """Yields a connection that sees one picture until the block ends, and the name others see the same by."""
    with psycopg.connect(driver_url(url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None  # noqa: S101 — one row always
        yield connection, row[0]


def contents_of(connection: "psycopg.Connection[Any]") -> Contents:
    """Returns what the connection's picture holds.

    Raises:
        psycopg.Error: it is no ledger of this software.
    """
    head = _one(
        connection,
        "SELECT (SELECT version_num FROM alembic_version), last_inbox_id,"
        " (SELECT size FROM audit_head), (SELECT encode(chain_hash, 'hex') FROM audit_head) FROM inbox_head",
    )
    numbers = connection.execute(
        "SELECT 's', sender_id, name, last_sequence, accepted_count FROM streams UNION ALL"
        " SELECT 'l', destination_id::text, '', last_sequence, acked_sequence FROM links ORDER BY 1, 2, 3"
    ).fetchall()
    counts = {
        table: int(_one(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))[0])
        for table in COUNTED
    }
    schema, position, audit_number, audit_hash = head
    proof = hashlib.sha256(repr(numbers).encode()).hexdigest()
    return Contents(schema, position, audit_number, audit_hash, proof, counts)


def held_digests(connection: "psycopg.Connection[Any]") -> list[str]:
    """Returns the digests of all evidence that is held, in order."""
    rows = connection.execute("SELECT encode(digest, 'hex') FROM attachments WHERE state = 'held' ORDER BY 1")
    return [row[0] for row in rows.fetchall()]


def _one(connection: "psycopg.Connection[Any]", query: str | sql.Composed) -> tuple[Any, ...]:
    statement = query.encode() if isinstance(query, str) else query
    row: tuple[Any, ...] | None = connection.execute(statement).fetchone()
    assert row is not None  # noqa: S101 — one row always
    return row
