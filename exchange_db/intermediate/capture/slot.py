"""Capture by PostgreSQL's own log: a publication of the tables and a slot that keeps the log until it is read.

Wants ``wal_level = logical`` and the REPLICATION right. A slot that nobody reads keeps the log on the partner's disk:
whoever installs one is told to bound it with ``max_slot_wal_keep_size``.
"""

from collections.abc import Sequence

from exchange_db.intermediate.capture.parts import CaptureRefused, Finding, Standing, Watched
from exchange_db.intermediate.partner import Partner

#: Name of the publication and of the slot; a database is linked with one hub.
SLOT = "x_log_sanji"
#: The engine's oldest version that puts messages into the log's stream.
_OLDEST = 140_000


async def install_slot(partner: Partner, tables: Sequence[Watched]) -> list[Finding]:
    """Makes the publication and the slot, and puts tables into the publication; returns what was not there.

    Raises:
        CaptureRefused: the server is not set up for it; says what to do.
    """
    version, level = (
        await partner.fetch("SELECT current_setting('server_version_num')::int, current_setting('wal_level')")
    )[0]
    if version < _OLDEST:
        raise CaptureRefused("capture = log 需要 PostgreSQL 14 及以上 / wants PostgreSQL 14 or later")
    if level != "logical":
        raise CaptureRefused(
            "capture = log 需要在数据库服务器设置 wal_level = logical 并重启；不便时请用 key_log。"
            " / set wal_level = logical at the server and restart it, or use key_log"
        )
    for one in tables:
        await _require_identity(partner, one)
    found = await show_slot(partner)
    listed = ", ".join(partner.dialect.quoted(one.table) for one in tables)
    if found[0].standing is Standing.MISSING:
        await partner.execute(f"CREATE PUBLICATION {SLOT} FOR TABLE {listed}")
    else:
        await partner.execute(f"ALTER PUBLICATION {SLOT} SET TABLE {listed}")
    if found[1].standing is not Standing.INSTALLED:
        if found[1].standing is Standing.DIFFERS:
            await partner.fetch("SELECT pg_drop_replication_slot(%s)", (SLOT,))
        await partner.fetch("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (SLOT,))
    return [one for one in found if one.standing is not Standing.INSTALLED]


async def _require_identity(partner: Partner, watched: Watched) -> None:
    """Checks that the log names changed rows by the key: without that the partner's own updates would be refused.

    Raises:
        CaptureRefused: the table has no primary key, or another one.
    """
    rows = await partner.fetch(
        "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
        " AND a.attnum = ANY(i.indkey) WHERE i.indisprimary AND i.indrelid = to_regclass(%s)",
        (partner.dialect.quoted(watched.table),),
    )
    if not set(watched.key) <= {row[0] for row in rows}:
        known = "、".join(row[0] for row in rows) or "无"
        raise CaptureRefused(
            f"{watched.table}：capture = log 要求 key（{'、'.join(watched.key)}）属于主键（现为 {known}），"
            "请改用 key_log。"
            " / the key must be of the table's primary key; use key_log"
        )


async def show_slot(partner: Partner) -> list[Finding]:
    """Returns how the publication and the slot stand; a slot whose log is lost differs."""
    publication = await partner.fetch("SELECT 1 FROM pg_publication WHERE pubname = %s", (SLOT,))
    slot = await partner.fetch("SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", (SLOT,))
    standing = Standing.MISSING
    if slot:
        standing = Standing.DIFFERS if slot[0][0] == "lost" else Standing.INSTALLED
    return [
        Finding(f"{SLOT} publication", "", Standing.INSTALLED if publication else Standing.MISSING),
        Finding(f"{SLOT} slot", "", standing),
    ]


async def remove_slot(partner: Partner) -> list[str]:
    """Takes the slot and the publication away; returns what was there."""
    found = [one.name for one in await show_slot(partner) if one.standing is not Standing.MISSING]
    if f"{SLOT} slot" in found:
        await partner.fetch("SELECT pg_drop_replication_slot(%s)", (SLOT,))
    await partner.execute(f"DROP PUBLICATION IF EXISTS {SLOT}")
    return found
