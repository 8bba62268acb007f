"""The job that makes bulletins when their time is over."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from exchange_db.period_kinds import PeriodKind
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.reports.content import ReportKind
from hub.reports.desk import ReportDesk
from hub.reports.drafting import PERIOD_KINDS, Asked
from hub.settings import Settings
from hub.statistics.periods import Period, period_of
from hub.statistics.reading import FigureReader

#: Most bulletins of a kind that are made late, after a hub did not run.
MOST_CAUGHT_UP = 12


def report_jobs(ledger: Ledger, settings: Settings, clock: Clock) -> tuple[Job, ...]:
    """Returns the job; a hub that makes no bulletins by itself has none."""
    if not settings.reports.makes:
        return ()
    desk = ReportDesk(ledger, settings, FigureReader(ledger, settings), clock)
    zone, after = ZoneInfo(settings.figures.zone), timedelta(hours=settings.reports.make_after_hours)

    async def make() -> str:
        made = []
        moment = datetime.fromtimestamp(clock() / 1_000_000, UTC).astimezone(zone) - after
        for name in settings.reports.makes:
            for asked in await _due(desk, ReportKind(name), moment):
                made.append((await desk.make(subtree(settings.hub.region), asked)).run.title)
        return "；".join(made)

    return (Job("make-reports", settings.reports.make_seconds, make),)


async def _due(desk: ReportDesk, kind: ReportKind, moment: datetime) -> list[Asked]:
    """Returns the bulletins since the last one that was made, oldest first; of a kind never made only the last.

    One that is there is left alone: a later version is made when somebody asks for it.
    """
    found: list[Asked] = []
    period = last_ended(kind, moment)
    for _ in range(MOST_CAUGHT_UP):
        asked = Asked(kind, desk.hub_region, period)
        if await desk.is_made(asked):
            return found[::-1]
        found.append(asked)
        period = period.previous
    return found[:1]


def last_ended(kind: ReportKind, moment: datetime) -> Period:
    """Returns the last period of a sort of report that has ended at a moment; a booklet's is a month."""
    kinds = PERIOD_KINDS.get(kind, (PeriodKind.MONTH,))
    return period_of(kinds[0], moment.date()).previous
