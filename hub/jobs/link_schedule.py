"""What is done for links in time: asking neighbours what they run, bringing up to date what somebody asked for."""

from exchange_db import wakeups
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.links.making import make_greeter
from hub.links.resyncing import LinkResync
from hub.reconciliation.comparing import LinkReconciler
from hub.settings import Settings

_RESYNC_SECONDS = 60.0


def link_jobs(ledger: Ledger, settings: Settings, clock: Clock, reconciler: LinkReconciler) -> tuple[Job, ...]:
    """Returns the jobs.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
        reconciler: compares and repairs links.
    """
    greeter = make_greeter(settings, ledger, clock)
    resyncing = LinkResync(ledger, reconciler, clock, settings.intermediate.folder)

    async def greet() -> str:
        return f"{await greeter.run()} 个邻居 / neighbours"

    async def resync() -> str:
        return f"{await resyncing.run()} 条链路 / links"

    return (
        Job("greet-neighbours", settings.links.greet_seconds, greet),
        Job("resync-links", _RESYNC_SECONDS, resync, wakeups.PEERS),
    )
