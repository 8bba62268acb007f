"""Whether a partner's tables are still the ones its link was made for; a table that is not is not read until it is.

The columns a link was made for are kept in the ledger the first time they are seen. A change that lets every row
through is told once, and noted until a person accepts it; a breaking one pauses that table alone, until it is as before
or a person accepts it.
"""

import asyncio
import logging
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from connectors.mapping_model import Mapping
from exchange_db import pickups
from exchange_db.intermediate import drift, schema
from exchange_db.intermediate.columns import ColumnFacts, read_columns
from exchange_db.intermediate.drift import Change
from exchange_db.intermediate.partner import Partner, open_partner
from exchange_db.pickups import Pause, PauseReason
from hub.intermediate import loading, table_states
from hub.intermediate.link_files import DatabaseLink, Manner
from hub.intermediate.loading import Load, SourceChanged
from hub.intermediate.sources import sources_of

logger = logging.getLogger(__name__)

_SECONDS = 60.0
_SOURCE = "columns/"
_GONE = "表不存在 / the table is gone"


class Used(NamedTuple):
    """A table a link uses: its columns, each with where it is used, and those of them the hub writes."""

    table: str
    uses: dict[str, str]
    written: frozenset[str] = frozenset()


def used_by(link: DatabaseLink, partner: Partner) -> list[Used]:
    """Returns the tables of a link.

    Raises:
        LinkFileInvalid: a mapping cannot be used.
    """
    if link.manner is Manner.OURS:
        return [
            Used(table.name, dict.fromkeys(table.names, f"docs/sql {table.name}"))
            for table in schema.SHARED
            if link.exchanges(table)
        ]
    used: dict[str, Used] = {}
    followed = {name: one for source in sources_of(link, partner.dialect) for name, one in source.followed.items()}
    for spec in link.source:
        uses = dict.fromkeys(spec.key, f"{spec.name} key")
        if spec.column:
            uses[spec.column] = f"{spec.name} column"
        if (mapping := followed[spec.name].mapping) is not None:
            uses |= {column: f"{spec.mapping} {field}" for column, field in _fields_of(mapping).items()}
        used[spec.name] = Used(spec.name, uses)
    for target in link.target:
        columns = {name: f"target.columns {ours}" for name, ours in target.columns.items()}
        columns |= dict.fromkeys(target.constants, "target.constants")
        known = used.get(target.name, Used(target.name, {}))
        used[target.name] = Used(target.name, known.uses | columns, frozenset(columns))
    return list(used.values())


def _fields_of(mapping: Mapping) -> dict[str, str]:
    """Returns the columns a mapping reads, each with the first field it is read for."""
    fields: dict[str, str] = {}
    for section in mapping.sections:
        for cell in (section.state, *section.cells):
            for column in cell.columns:
                fields.setdefault(column, f"{section.name}.{cell.field.name}")
        for condition in section.conditions:
            fields.setdefault(condition.column, f"{section.name}.when")
    if mapping.case_no is not None:
        fields |= dict.fromkeys(mapping.case_no.columns, "case_no")
    return fields


class DriftWatch:
    """Watches the columns of one partner's tables.

    Args:
        driver: to the ledger.
        peer_id: the partner.
        link: its link file.
    """

    def __init__(self, driver: AsyncConnection[Any], peer_id: str, link: DatabaseLink) -> None:
        self._driver = driver
        self._peer_id = peer_id
        self._link = link
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Has the columns looked at now: something was refused."""
        self._asked.set()

    async def run(self) -> None:
        """Looks every minute, and when asked.

        Raises:
            SourceChanged: a table is to be paused or read again.
            PartnerUnreachable, PartnerRefused: the database does not answer.
        """
        while True:
            try:
                async with asyncio.timeout(_SECONDS):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            async with open_partner(self._link.url, self._link.zone) as partner:
                if await self.look(partner):
                    raise SourceChanged("columns")

    async def look(self, partner: Partner) -> bool:
        """Compares all columns with those kept; tells whether a table was paused, or is read again."""
        is_other = False
        pauses = await pickups.pauses_of(self._driver, self._peer_id)
        for used in used_by(self._link, partner):
            now = await read_columns(partner, used.table)
            changes = await self._changes(used, now)
            breaking = [change for change in changes if change.is_breaking]
            paused = pauses.get(used.table)
            if breaking:
                told = "; ".join(change.told for change in breaking) if now else _GONE
                if paused is None or paused.trouble != told:
                    logger.warning("pickup %s: %s is paused: %s", self._peer_id, used.table, told)
                    await pickups.pause(self._driver, self._peer_id, Pause(used.table, PauseReason.DRIFTED, told))
                    is_other = True
            else:
                for change in changes:
                    logger.info("pickup %s: %s", self._peer_id, change.told)
                    await table_states.note(self._driver, self._peer_id, used.table, change.told)
                if changes:
                    await self._keep(used.table, now)
                if paused is not None and paused.reason is PauseReason.DRIFTED:
                    await self._resume(used.table)
                    is_other = True
        return is_other

    async def accept(self, partner: Partner) -> list[Change]:
        """Takes the columns as they are for those the link is made for; returns what is accepted by that."""
        accepted = []
        pauses = await pickups.pauses_of(self._driver, self._peer_id)
        for used in used_by(self._link, partner):
            now = await read_columns(partner, used.table)
            accepted += await self._changes(used, now)
            if now:
                await self._keep(used.table, now)
                await table_states.forget(self._driver, self._peer_id, used.table)
                if used.table in pauses and pauses[used.table].reason is PauseReason.DRIFTED:
                    await self._resume(used.table)
        return accepted

    async def _changes(self, used: Used, now: dict[str, ColumnFacts]) -> list[Change]:
        """Returns what changed; keeps columns that are seen for the first time."""
        text = await pickups.position_of(self._driver, self._peer_id, f"{_SOURCE}{used.table}")
        if text is not None:
            return drift.compare(used.table, drift.read_kept(text), now, used.uses, used.written)
        if now:
            await self._keep(used.table, now)
        return []

    async def _keep(self, table: str, columns: dict[str, ColumnFacts]) -> None:
        await pickups.save_position(self._driver, self._peer_id, f"{_SOURCE}{table}", drift.kept(columns))

    async def _resume(self, table: str) -> None:
        """Lets a table be read again, and what was missed of it as well."""
        logger.info("pickup %s: %s is followed again", self._peer_id, table)
        if table in loading.tables_for(self._link, has_region=False, has_time=False):
            await loading.order(self._driver, self._peer_id, Load(table))
        else:
            await pickups.end_pause(self._driver, self._peer_id, table)
