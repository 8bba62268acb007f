"""The job that looks at every link once a minute and keeps what it saw, for the charts of their past."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

from exchange_db import link_samples
from exchange_db.link_samples import Grain, Sampled
from exchange_db.link_states import LinkHealth, LinkState, states_of_links
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.settings import Settings

_SECONDS = 60.0


def link_sample_jobs(ledger: Ledger, settings: Settings, clock: Clock) -> tuple[Job, ...]:
    """Returns the job. A minute it misses is missing in the charts, and nothing else."""
    zone = ZoneInfo(settings.figures.zone)

    async def sample_links() -> str:
        now = datetime.fromtimestamp(clock() / 1_000_000, UTC)
        async with ledger.read() as session:
            states = await states_of_links(session, None, now)
        samples = [_sampled(*both) for _, both in groupby(states, attrgetter("peer_id"))]
        begins = begins_of(now, zone)
        async with ledger.write() as session:
            await link_samples.keep(session, samples, begins)
            # Once an hour is enough for what is past its time.
            gone = await link_samples.forget(session, now) if now - begins[Grain.HOUR] < timedelta(minutes=1) else 0
        return f"{len(samples)} 条链路 / links, {gone} 行清理 / removed"

    return (Job("sample-links", _SECONDS, sample_links),)


def begins_of(now: datetime, zone: ZoneInfo) -> dict[Grain, datetime]:
    """Returns when the five minutes, the hour and the day a moment lies in begin; the day as it is in a zone."""
    local = now.astimezone(zone).replace(second=0, microsecond=0)
    return {
        Grain.MINUTES: local.replace(minute=local.minute - local.minute % 5),
        Grain.HOUR: local.replace(minute=0),
        Grain.DAY: local.replace(hour=0, minute=0),
    }


def _sampled(outgoing: LinkState, incoming: LinkState) -> Sampled:
    return Sampled(
        destination_id=outgoing.destination_id,
        is_down=LinkHealth.DOWN in (outgoing.health, incoming.health),
        lag_records=outgoing.lag_records,
        lag_seconds=outgoing.lag_seconds,
        canary_ms=None if outgoing.canary_seconds is None else round(outgoing.canary_seconds * 1_000),
        sent_number=outgoing.acked_sequence,
        received_number=incoming.acked_sequence,
    )
