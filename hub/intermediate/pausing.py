"""Leaving a table of a partner alone for a while, for a reason that is told."""

import logging
from typing import Any

from psycopg import AsyncConnection

from exchange_db import pickups
from exchange_db.pickups import Pause, PauseReason
from hub.intermediate.link_files import DatabaseLink
from hub.intermediate.sources import Source

logger = logging.getLogger(__name__)


async def pause(driver: AsyncConnection[Any], peer_id: str, source: Source, paused: Pause) -> None:
    """Notes a pause and takes the table out of its source."""
    logger.warning("pickup %s: %s is not read for now: %s", peer_id, paused.table_name, paused.trouble)
    await pickups.pause(driver, peer_id, paused)
    source.tables.pop(paused.table_name, None)


async def pause_for_flood(driver: AsyncConnection[Any], link: DatabaseLink, source: Source, table: str) -> None:
    """Pauses a table of which too many rows were refused."""
    told = f"一小时内拒收超过 {link.most_refused_per_hour} 行 / more rows refused in an hour than allowed"
    await pause(driver, link.peer, source, Pause(table, PauseReason.FLOOD, told))
