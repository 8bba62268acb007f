"""One run of work on a period, with its row in the log of runs. Called by ``hub.statistics``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from exchange_db import figure_runs
from exchange_db.figure_runs import Planned
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.statistics.calendar import moment_of


class Told(NamedTuple):
    """What a run tells: filled in while it goes on."""

    inputs: dict[str, Any]
    result: dict[str, Any]


@asynccontextmanager
async def run_of(ledger: Ledger, clock: Clock, planned: Planned) -> AsyncIterator[Told]:
    """Yields what is told of a run; how it ended is noted whatever happens."""
    async with ledger.write() as session:
        run_id = await figure_runs.begin(session, planned, moment_of(clock()))
    told, trouble = Told({}, {}), ""
    try:
        yield told
    except Exception as error:
        trouble = f"{type(error).__name__}: {error}"
        raise
    finally:
        async with ledger.write() as session:
            await figure_runs.finish(session, run_id, moment_of(clock()), *told, trouble)
