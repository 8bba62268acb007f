"""The jobs about releases of standards: pulling them from above, announcing them below."""

from exchange_db import wakeups
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evaluation.releases import VALIDATORS
from hub.jobs.schedule import Job
from hub.settings import Settings
from hub.standards.announcing import StandardsHerald
from hub.standards.pulling import Dial, StandardsPuller


class PullFailed(Exception):
    """A hub above could not be read to the end of its list; the next pull tries again."""


def standards_jobs(ledger: Ledger, settings: Settings, clock: Clock, dial: Dial) -> tuple[Job, ...]:
    """Returns these jobs of a hub.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
        dial: makes targets of neighbours.
    """
    part, timeout = settings.standards, settings.deliver.answer_timeout_seconds
    puller = make_puller(ledger, settings, clock, dial)
    herald = StandardsHerald(ledger, dial, clock, timeout)

    async def pull() -> str:
        pulled = await puller.run()
        if pulled.troubles:
            raise PullFailed("; ".join(pulled.troubles))
        return f"{pulled.taken_count} 项新发布 / new, {pulled.refused_count} 项拒收 / refused"

    async def announce() -> str:
        announced = await herald.run()
        return f"{announced.told_count} 个下级已通知 / told, {announced.unreached_count} 个未连通 / unreached"

    return (
        Job("pull-standards", part.pull_seconds, pull, wakeups.ANNOUNCED),
        Job("announce-standards", part.announce_seconds, announce, wakeups.RELEASED),
    )


def make_puller(ledger: Ledger, settings: Settings, clock: Clock, dial: Dial) -> StandardsPuller:
    """Returns what pulls for a hub with these settings."""
    return StandardsPuller(
        ledger,
        dial,
        settings.tls.authority,
        settings.hub.region,
        VALIDATORS,
        clock,
        settings.deliver.answer_timeout_seconds,
    )
