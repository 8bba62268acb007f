"""Whether a process of this hub can do its work: the database answers, its tables fit, leases can be taken.

Liveness asks less (the process turns), deep health more (every part works, here or elsewhere). Called by the console
and the gRPC health service, so that both say the same.
"""

import asyncio
from functools import cache
from typing import NamedTuple

import psycopg
import sqlalchemy.exc

from exchange_db import migrate, vital_signs
from exchange_db.errors import ExchangeDbError
from exchange_db.session import Ledger

NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, ExchangeDbError, OSError)
_ANSWER_SECONDS = 5.0


class Readiness(NamedTuple):
    """What was found; ``trouble`` is empty when all is well. ``takes_leases`` is False on a copy that is only read."""

    database: bool
    is_at_head: bool
    takes_leases: bool
    trouble: str

    @property
    def is_ready(self) -> bool:
        """Whether work can be given to this process."""
        return self.database and self.is_at_head and self.takes_leases


async def readiness(ledger: Ledger, holder: str) -> Readiness:
    """Asks the database; an answer that takes more than five seconds is none.

    Args:
        ledger: the hub's database.
        holder: name of this process.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS), ledger.watching() as connection:
            found = await vital_signs.revision(connection)
            needed = await asyncio.to_thread(_head)
            try:
                takes = await vital_signs.claims_leases(connection, holder)
            except psycopg.errors.ReadOnlySqlTransaction:
                takes = False
    except (*NO_DATABASE, TimeoutError, psycopg.errors.UndefinedTable) as error:
        return Readiness(
            database=False, is_at_head=False, takes_leases=False, trouble=str(error).partition("\n")[0] or "no answer"
        )
    trouble = "" if found == needed else f"tables are at {found}, this software needs {needed} 库表版本不符"
    if not takes:
        trouble = trouble or "no lease can be taken 不能取得租约"
    return Readiness(database=True, is_at_head=found == needed, takes_leases=takes, trouble=trouble)


@cache
def _head() -> str:
    return migrate.head()
