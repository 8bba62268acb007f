"""The job that tells when certificates and signing keys end."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.federation.expiry import ExpiryWatch
from hub.jobs.schedule import Job
from hub.settings import Settings

_SECONDS = 6 * 3_600.0


def expiry_jobs(ledger: Ledger, settings: Settings, clock: Clock) -> tuple[Job, ...]:
    """Returns the job."""
    watch = ExpiryWatch(ledger, settings.hub.id, settings.tls.certificate, clock)

    async def tell() -> str:
        return f"{await watch.run()} 项 / told"

    return (Job("watch-expiry", _SECONDS, tell),)
