"""The jobs on periods of figures: gathering, freezing, correcting, checking, and the sheets of locked months."""

from exchange_db.session import Ledger
from hub.apply.replaying import changed_cases
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.settings import Settings
from hub.statistics.calendar import HubCalendar
from hub.statistics.corrections import CorrectionDesk
from hub.statistics.findings import PlausibilityDesk
from hub.statistics.freezing import Freezer
from hub.statistics.gathering import Gathering
from hub.statistics.locking import LockedSheets
from hub.statistics.sheets import Submit

_THIN_SECONDS = 6 * 3_600.0


def period_jobs(ledger: Ledger, settings: Settings, clock: Clock, submit: Submit) -> tuple[Job, ...]:
    """Returns the jobs.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
        submit: takes sheets of this hub into the log.
    """
    calendar, seconds = HubCalendar(settings), settings.periods.work_seconds
    gathering, freezer = Gathering(ledger, calendar, clock), Freezer(ledger, calendar, clock)
    corrections = CorrectionDesk(ledger, calendar, clock, changed_cases)
    judging, locked = PlausibilityDesk(ledger, calendar, clock), LockedSheets(ledger, calendar, submit)

    async def gather_figures() -> str:
        done = await gathering.run()
        missing = sum(one.missing_count for one in done)
        return f"{len(done)} 个月 / months, 缺报 / missing {missing}"

    async def freeze_periods() -> str:
        done = await freezer.run()
        return "，".join(f"{one.period.name}（{one.cell_count}）" for one in done) or "0 个周期 / periods"

    async def correct_figures() -> str:
        return f"{await corrections.run()} 份修正 / corrections"

    async def judge_figures() -> str:
        done = await judging.run()
        return (
            f"{done.sheet_count} 张报表 / sheets, {done.month_count} 个月 / months, {done.finding_count} 项 / findings"
        )

    async def thin_sheets() -> str:
        return f"{await gathering.thin()} 版报表 / revisions"

    async def draw_locked() -> str:
        return f"{await locked.run()} 张报表 / sheets"

    jobs = (
        Job("gather-figures", seconds, gather_figures),
        Job("freeze-periods", seconds, freeze_periods),
        Job("correct-figures", seconds, correct_figures),
        Job("judge-figures", seconds, judge_figures),
        Job("thin-sheets", _THIN_SECONDS, thin_sheets),
    )
    return (*jobs, Job("draw-locked-sheets", seconds, draw_locked)) if calendar.draws else jobs
