"""The jobs behind the console's pages for administrators: conformance runs, and how much the ledger holds."""

from datetime import UTC, datetime

from exchange_db import storage
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.joining import kit
from hub.settings import Settings

#: Runs are ordered; this is only how often one is looked for whose process died.
_KIT_SECONDS = 300.0


def upkeep_jobs(ledger: Ledger, settings: Settings, clock: Clock) -> tuple[Job, ...]:
    """Returns the jobs; conformance runs only where there is an address for them."""

    async def measure() -> str:
        today = datetime.fromtimestamp(clock() / 1_000_000, UTC).date()
        async with ledger.write() as session:
            size = await storage.measure(session, today)
        return f"{size / 1_000_000:,.1f} MB"

    measuring = Job("measure-storage", settings.storage.sample_seconds, measure)
    if not settings.joining.kit_listen:
        return (measuring,)
    return measuring, Job(kit.JOB, _KIT_SECONDS, kit.KitRunner(ledger, settings, clock).run)
