"""What the measurements share: a stage with hubs, readings from their ledgers, memory of their processes."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

import psutil
import psycopg

from connectors.county import pusher
from connectors.county.profile import Profile
from connectors.transports.grpc_peer import Target
from hub.demo.staging import Stage, StagedHub

#: Records a ledger has taken in.
ACCEPTED = "SELECT sum(accepted_count) FROM streams"
#: The same once all of them are applied, 0 before; it looks at one row a partition, so that asking costs nothing.
APPLIED = (
    "SELECT CASE WHEN EXISTS (SELECT FROM partitions p WHERE EXISTS (SELECT FROM inbox i"
    " WHERE i.partition = p.partition AND i.inbox_id > p.cursor_id)) THEN 0"
    f" ELSE ({ACCEPTED}) END"
)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Yields an open stage in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-bench-"))
    staged = Stage(folder / "stage")
    await staged.open()
    try:
        yield staged
    finally:
        staged.close()
        shutil.rmtree(folder, ignore_errors=True)


def target_of(profile: Profile) -> Target:
    """Returns the target a platform's profile stands for."""
    return pusher.target_of(profile)


def count(url: str, query: str) -> int:
    """Returns the single number a query gives."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


async def wait_for(url: str, query: str, wanted: int, seconds: float) -> None:
    """Returns when a query gives at least ``wanted``.

    Raises:
        TimeoutError: it did not in time.
    """
    until = time.monotonic() + seconds
    while count(url, query) < wanted:
        if time.monotonic() > until:
            raise TimeoutError(f"{query}: {count(url, query)} of {wanted}")
        await asyncio.sleep(0.1)


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """Returns the median and the 99th percentile, in milliseconds."""
    return {"p50_ms": round(median(milliseconds), 2), "p99_ms": round(quantiles(milliseconds, n=100)[98], 2)}


class MemoryWatch:
    """Samples the resident memory of some hubs' processes while something runs."""

    def __init__(self, hubs: list[StagedHub]) -> None:
        self._hubs = hubs
        self.samples: dict[str, list[float]] = {}

    async def run(self) -> None:
        """Samples four times a second until cancelled."""
        while True:
            for hub in self._hubs:
                for roles, process in hub.processes.items():
                    try:
                        megabytes = psutil.Process(process.pid).memory_info().rss / 1e6
                    except psutil.NoSuchProcess:
                        continue
                    self.samples.setdefault(f"{hub.folder.name} {roles or 'all roles'}", []).append(megabytes)
            await asyncio.sleep(0.25)

    def report(self) -> dict[str, dict[str, float]]:
        """Returns for each process its peak, and the growth from the middle of the run to its end, in MB."""
        return {
            name: {
                "peak_mb": round(max(series), 1),
                "growth_mb": round(max(series[-8:]) - median(series[len(series) // 2 :][:8]), 1),
            }
            for name, series in self.samples.items()
        }
