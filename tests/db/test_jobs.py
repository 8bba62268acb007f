"""Jobs: one process does a run, every run is recorded, and a failure stops nothing."""

import asyncio

from exchange_db import jobs as job_log
from exchange_db.jobs import JobRun
from exchange_db.session import Ledger
from hub.jobs.runner import JobRunner
from hub.jobs.schedule import Job, schedule
from hub.settings import HubPart, Settings
from tests.support.applied import a_closed_case, apply_records
from tests.support.clock import FakeClock


async def _runs(ledger: Ledger) -> list[JobRun]:
    async with ledger.read() as session:
        known = [run.job for run in await job_log.latest(session)]
        runs = [run for name in known for run in await job_log.history(session, name, limit=100)]
    return sorted(runs, key=lambda run: run.run_id, reverse=True)


async def test_a_run_is_recorded_with_its_result_and_times(ledger: Ledger, clock: FakeClock) -> None:
    async def count() -> str:
        clock.advance(seconds=3)
        return "3 deltas"

    runner = JobRunner(ledger, (Job("count", 60, count),), "a", clock)
    assert await runner.run_now("count")
    (run,) = await _runs(ledger)
    assert (run.job, run.result, run.trouble) == ("count", "3 deltas", "")
    assert run.ended_time is not None
    assert (run.ended_time - run.started_time).total_seconds() == 3


async def test_a_failure_is_recorded_and_the_next_run_goes_on(ledger: Ledger, clock: FakeClock) -> None:
    outcomes = iter(["", "done"])

    async def fragile() -> str:
        if result := next(outcomes):
            return result
        raise ValueError("表已锁定")

    runner = JobRunner(ledger, (Job("fragile", 60, fragile),), "a", clock)
    assert not await runner.run_now("fragile")
    assert await runner.run_now("fragile")
    assert [(run.result, run.trouble) for run in await _runs(ledger)] == [("done", ""), ("", "ValueError: 表已锁定")]


async def test_a_second_process_leaves_a_running_job_alone(ledger: Ledger, clock: FakeClock) -> None:
    is_running, may_end = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        is_running.set()
        await may_end.wait()
        return ""

    jobs = (Job("slow", 60, slow),)
    first = asyncio.create_task(JobRunner(ledger, jobs, "a", clock).run_now("slow"))
    await is_running.wait()
    assert not await JobRunner(ledger, jobs, "b", clock).run_now("slow")
    may_end.set()
    assert await first
    assert await JobRunner(ledger, jobs, "b", clock).run_now("slow")
    assert len(await _runs(ledger)) == 2


async def test_a_run_of_a_killed_process_is_closed_by_the_next(ledger: Ledger, clock: FakeClock) -> None:
    async def nothing() -> str:
        return ""

    async with ledger.watching() as connection:
        await job_log.begin(connection.driver, "job", clock())
    assert await JobRunner(ledger, (Job("job", 60, nothing),), "a", clock).run_now("job")
    killed = (await _runs(ledger))[-1]
    assert killed.ended_time is not None
    assert "the process ended" in killed.trouble


async def test_the_timer_runs_every_job_and_a_stop_gives_the_leases_back(ledger: Ledger, clock: FakeClock) -> None:
    ran = asyncio.Event()
    is_stuck = asyncio.Event()

    async def quick() -> str:
        ran.set()
        return ""

    async def stuck() -> str:
        is_stuck.set()
        await asyncio.Event().wait()
        return ""

    runner = asyncio.create_task(
        JobRunner(ledger, (Job("quick", 0.01, quick), Job("stuck", 0.01, stuck)), "a", clock).run()
    )
    await asyncio.gather(ran.wait(), is_stuck.wait())
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
    async with ledger.watching() as connection:
        left = await connection.driver.execute("SELECT count(*) FROM leases")
        assert await left.fetchone() == (0,)


async def test_old_runs_go(ledger: Ledger, clock: FakeClock) -> None:
    async with ledger.watching() as connection:
        for _ in range(job_log.KEPT_RUNS + 3):
            clock.advance(seconds=1)
            run_id = await job_log.begin(connection.driver, "often", clock())
            await job_log.finish(connection.driver, run_id, clock(), "", "")
        kept = await connection.driver.execute("SELECT count(*) FROM job_runs")
        assert await kept.fetchone() == (job_log.KEPT_RUNS,)


async def test_the_jobs_of_a_hub_fold_draw_and_make_tables(ledger: Ledger, clock: FakeClock) -> None:
    handed_in: list[bytes] = []

    async def submit(payloads: list[bytes]) -> None:
        handed_in.extend(payloads)

    settings = Settings(hub=HubPart(id="431200.hub", name="怀化"))
    await apply_records(ledger, *a_closed_case("1"))
    clock.advance(days=400)
    runner = JobRunner(ledger, schedule(ledger, settings, clock, submit, submit), "a", clock)
    for name in ("fold-figures", "draw-sheets", "make-months"):
        assert await runner.run_now(name)
    assert len(handed_in) == 1
    assert [run.result for run in reversed(await _runs(ledger))][:2] == [
        "2 条变动 / deltas",
        "1 张报表 / sheets, 1 个单元 / cells",
    ]
    async with ledger.read() as session:
        found = await session.driver.execute("SELECT to_regclass('inbox_2021_09') IS NOT NULL")
        assert await found.fetchone() == (True,)
        assert [run.job for run in await job_log.latest(session)] == ["draw-sheets", "fold-figures", "make-months"]


def test_only_a_hub_that_draws_sheets_has_that_job(clock: FakeClock) -> None:
    async def submit(payloads: list[bytes]) -> None:
        raise AssertionError

    province = Settings(hub=HubPart(id="430000.hub", name="湖南"))
    ledger = Ledger("postgresql://nowhere/none")
    assert [job.name for job in schedule(ledger, province, clock, submit, submit)] == [
        "fold-figures",
        "make-months",
        "check-figures",
        "watch-cases",
    ]
