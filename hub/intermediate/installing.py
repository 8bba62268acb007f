"""What a partner's database needs for its link, and making, showing and removing it. Called by ``sanji intermediate``.

For our tables (manner ``ours``): all of them, and capture on those a partner writes. For the partner's own: the tables
of receipts, state and reconciliation, and capture on the source tables that are followed by the key log.
"""

from collections.abc import Sequence

from exchange_db.intermediate import capture, schema
from exchange_db.intermediate.capture import Finding, Standing, Watched, capture_of
from exchange_db.intermediate.capture.slot import install_slot, remove_slot, show_slot
from exchange_db.intermediate.columns import read_columns
from exchange_db.intermediate.dialect import Dialect
from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.schema import Table
from exchange_db.intermediate.scripts import WATCHED, tables_script, views_script
from hub.intermediate.link_files import Capture, DatabaseLink, Manner

#: What stands in any partner's database, whoever's tables the cases are in.
_CONTROL = (schema.RECEIPT, schema.LINK, schema.RECONCILE)


def tables_of(link: DatabaseLink) -> Sequence[Table]:
    """Returns our tables that stand in the partner's database."""
    business = [table for table in schema.TABLES.values() if table not in _CONTROL and link.exchanges(table)]
    return [*business, *_CONTROL]


def watched_of(link: DatabaseLink) -> Sequence[Watched]:
    """Returns the tables whose changes are noted there by triggers."""
    if link.manner is Manner.OURS:
        exchanged = {table.name for table in schema.SHARED if link.exchanges(table)}
        return [one for one in WATCHED if one.table in exchanged]
    return [
        Watched(source.name, source.key)
        for source in link.source
        if (source.capture or link.capture) is Capture.KEY_LOG
    ]


def logged_of(link: DatabaseLink) -> Sequence[Watched]:
    """Returns the tables that are followed by the database's own log."""
    if link.manner is Manner.OURS:
        return []
    return [
        Watched(source.name, source.key) for source in link.source if (source.capture or link.capture) is Capture.LOG
    ]


def script_of(link: DatabaseLink, dialect: Dialect) -> list[str]:
    """Returns the statements that make all of it, for an administrator to run."""
    return [*_tables_script(link, dialect), *_capture_script(link, dialect)]


def _tables_script(link: DatabaseLink, dialect: Dialect) -> list[str]:
    made = tables_script(dialect, tables_of(link))
    return [*made, *views_script(dialect)] if link.manner is Manner.OURS and not link.tables else made


def _capture_script(link: DatabaseLink, dialect: Dialect) -> list[str]:
    watched = watched_of(link)
    made = capture_of(dialect)
    return made.script(made.parts(watched)) if watched else []


async def install(partner: Partner, link: DatabaseLink, hub_id: str) -> list[Finding]:
    """Makes what is missing, and the row that says whose link this is; returns what was not in order before.

    Tables that are there stay as they are, whatever their columns.

    Raises:
        CaptureRefused: a table cannot be watched.
        PartnerError: see ``Partner``; what was made so far is found again by the next try.
    """
    missing = [one for one in await _tables_found(partner, link) if one.standing is Standing.MISSING]
    await partner.run_script(_tables_script(link, partner.dialect))
    watched = watched_of(link)
    made = await capture.install(partner, watched) if watched else []
    if logged := logged_of(link):
        made += await install_slot(partner, logged)
    await _enter_link(partner, link.peer, hub_id)
    return [*missing, *made]


async def remove(partner: Partner, link: DatabaseLink) -> list[str]:
    """Takes capture away; returns what was done or taken, tables and rows stay."""
    taken = await remove_slot(partner) if logged_of(link) else []
    return [*taken, *await capture.remove(partner)]


async def show(partner: Partner, link: DatabaseLink) -> list[Finding]:
    """Returns how everything stands that is to be there."""
    watched = watched_of(link)
    noted = await capture.show(partner, watched)
    if not watched:
        noted = [one for one in noted if one.standing is Standing.UNKNOWN]
    slot = await show_slot(partner) if logged_of(link) else []
    return [*await _tables_found(partner, link), *noted, *slot]


async def _tables_found(partner: Partner, link: DatabaseLink) -> list[Finding]:
    findings = []
    for table in tables_of(link):
        columns = await read_columns(partner, table.name)
        standing = Standing.MISSING if not columns else Standing.DIFFERS
        if columns.keys() >= set(table.names):
            standing = Standing.INSTALLED
        findings.append(Finding(table.name, "", standing))
    return findings


async def owner_of(partner: Partner) -> tuple[str, str] | None:
    """Returns link and hub that a database says it belongs to, ``None`` if nobody's yet."""
    rows = await partner.fetch("SELECT link_id, hub_id FROM x_link")
    return (rows[0][0], rows[0][1]) if rows else None


async def _enter_link(partner: Partner, link_id: str, hub_id: str) -> None:
    if await owner_of(partner) is None:
        statement = partner.dialect.upsert("x_link", schema.LINK.columns, schema.LINK.key)
        await partner.execute(statement, (link_id, hub_id, 0, 0, None, None, schema.SCHEMA_VERSION))
