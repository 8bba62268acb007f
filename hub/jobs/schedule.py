"""The table of jobs: name, time between runs, and what is done."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

from exchange_db import months, shared_secrets
from exchange_db.counting import definition_of
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.watch import JOB, CaseWatch
from hub.settings import Settings
from hub.statistics.checking import FigureCheck
from hub.statistics.fold import FigureFold
from hub.statistics.sheets import SheetDrawer, Submit, draws_sheets

_MONTHS_SECONDS = 6 * 3_600.0
_NONCES_SECONDS = 600.0
#: The job looks every hour whether it is the hour of the check, or an upgrade left something to be done.
_CHECK_SECONDS = 3_600.0
#: Making a table waits for readers of the log and appends wait behind it; so it gives up soon and comes again.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"


class Job(NamedTuple):
    """A job. ``act`` does one run and returns its result for people; whatever it raises is recorded.

    A wake-up on ``channel`` begins a run before its time.
    """

    name: str
    seconds: float
    act: Callable[[], Awaitable[str]]
    channel: str = ""


def schedule(ledger: Ledger, settings: Settings, clock: Clock, submit: Submit, tell: Submit) -> tuple[Job, ...]:
    """Returns the jobs of a hub.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
        submit: takes sheets of this hub into the log.
        tell: takes events of cases into the log, in a stream of their own.
    """
    part, hub = settings.figures, settings.hub
    fold = FigureFold(ledger)
    drawer = SheetDrawer(ledger, hub.id, hub.region, definition_of(part.counting), submit)

    async def fold_figures() -> str:
        return f"{await fold.run()} 条变动 / deltas"

    async def draw_sheets() -> str:
        drawn = await drawer.run()
        return f"{drawn.sheet_count} 张报表 / sheets, {drawn.cell_count} 个单元 / cells"

    check = FigureCheck(ledger, part.counting, hub.id, part.check_hour, clock)

    watch = CaseWatch(ledger, hub, settings.life, clock, tell)

    async def watch_cases() -> str:
        return f"{await watch.run()} 条事件 / events"

    async def make_months() -> str:
        async with ledger.write() as session:
            await session.driver.execute(_LOCK_TIMEOUT)
            await months.ensure(session, clock())
        return ""

    async def forget_nonces() -> str:
        async with ledger.write() as session:
            count = await shared_secrets.forget_nonces(session, datetime.fromtimestamp(clock() / 1_000_000, UTC))
        return f"{count} 个 / nonces"

    jobs = [Job("fold-figures", part.fold_seconds, fold_figures), Job("make-months", _MONTHS_SECONDS, make_months)]
    jobs.append(Job("check-figures", _CHECK_SECONDS, check.run))
    if settings.rest.listen:
        jobs.append(Job("forget-nonces", _NONCES_SECONDS, forget_nonces))
    jobs.append(Job(JOB, settings.life.watch_seconds, watch_cases))
    if draws_sheets(part.draws_sheets, hub.region):
        jobs.append(Job("draw-sheets", part.sheet_seconds, draw_sheets))
    return tuple(jobs)
