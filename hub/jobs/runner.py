"""Running jobs in time. APScheduler is the timer and nothing else.

A run takes the lease ``job/<name>`` in the database first, so that of several processes one does it; a run that is
still going on when the next is due is left alone. The plan is told in the ledger, where people order a run before its
time. Leases only save double work: every job is safe to run twice.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import sqlalchemy.exc
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from exchange_db import jobs as job_log
from exchange_db import leases, wakeups
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.listener import Listener

logger = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
_RENEW_SECONDS = 10.0
_LOOK_SECONDS = 60.0
_NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError)


class JobRunner:
    """Runs the jobs of a hub.

    Args:
        ledger: the hub's database.
        jobs: the table of jobs.
        holder: name of this process, the same after a restart.
        clock: the hub's clock, for the log of runs.
        listener: wake-ups of this process, for jobs that have a channel; without it they run in their time only.
    """

    def __init__(
        self, ledger: Ledger, jobs: tuple[Job, ...], holder: str, clock: Clock, listener: Listener | None = None
    ) -> None:
        self._ledger = ledger
        self._jobs = {job.name: job for job in jobs}
        self._holder = holder
        self._clock = clock
        self._listener = listener
        self._running: dict[str, asyncio.Task[bool]] = {}

    async def run(self) -> None:
        """Runs every job at once and then in its time, until cancelled."""
        timer = AsyncIOScheduler(timezone=UTC)
        now = datetime.now(UTC)
        for job in self._jobs.values():
            timer.add_job(
                self._start,
                "interval",
                [job.name],
                seconds=job.seconds,
                next_run_time=now,
                misfire_grace_time=None,
                coalesce=True,
            )
        timer.start()
        await self._tell_plan()
        following = [
            asyncio.create_task(self._follow(self._listener, job), name=f"job {job.name} on wake-up")
            for job in self._jobs.values()
            if job.channel and self._listener is not None
        ]
        if self._listener is not None:
            following.append(asyncio.create_task(self._obey(self._listener), name="jobs on order"))
        try:
            await asyncio.Event().wait()
        finally:
            timer.shutdown(wait=False)
            tasks = [*following, *self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Whatever a run was doing when it was cut off: its lease may not bar the next process.
            await self._release(*(f"job/{name}" for name in self._jobs))

    async def _start(self, name: str) -> None:
        task = self._running.get(name)
        if task is None or task.done():
            self._running[name] = asyncio.create_task(self.run_now(name), name=f"job {name}")

    async def _follow(self, listener: Listener, job: Job) -> None:
        """Begins a run after every wake-up; one that comes during a run is followed by another run."""
        seen = listener.version(job.channel)
        while True:
            await listener.wait(job.channel, seen, _LOOK_SECONDS)
            if listener.version(job.channel) == seen:
                continue
            if (task := self._running.get(job.name)) is not None:
                await asyncio.wait([task])
            seen = listener.version(job.channel)
            await self._start(job.name)

    async def _tell_plan(self) -> None:
        with suppress(*_NO_DATABASE):
            async with self._ledger.watching() as connection:
                seconds = {job.name: job.seconds for job in self._jobs.values()}
                await job_log.plan(connection.driver, self._holder, seconds, self._clock())

    async def _obey(self, listener: Listener) -> None:
        """Begins the runs somebody has asked for; one that goes on already is what was asked for."""
        while True:
            seen = listener.version(wakeups.ORDERED)
            with suppress(*_NO_DATABASE):
                async with self._ledger.watching() as connection:
                    ordered = await job_log.take_orders(connection.driver, list(self._jobs))
                for name in ordered:
                    await self._start(name)
            await listener.wait(wakeups.ORDERED, seen, _LOOK_SECONDS)

    async def run_now(self, name: str) -> bool:
        """Does one run of a job; tells whether it was done, here and well.

        False means that another process holds the job, that it failed (the log of runs says why) or that the
        database does not answer.

        Raises:
            KeyError: no such job.
        """
        job, lease = self._jobs[name], f"job/{name}"
        try:
            async with self._ledger.watching() as connection:
                if not await leases.claim(connection.driver, [lease], self._holder, LEASE_SECONDS):
                    return False
                run_id = await job_log.begin(connection.driver, name, self._clock())
            renewing = asyncio.create_task(self._renew(lease))
            try:
                result, trouble = await self._act(job)
                async with self._ledger.watching() as connection:
                    await job_log.finish(connection.driver, run_id, self._clock(), result, trouble)
            finally:
                renewing.cancel()
                await asyncio.shield(self._release(lease))
        except _NO_DATABASE as error:
            logger.warning("job %s: database does not answer: %s", name, error)
            return False
        return not trouble

    async def _act(self, job: Job) -> tuple[str, str]:
        try:
            return await job.act(), ""
        except Exception as error:
            logger.exception("job %s failed", job.name)
            return "", f"{type(error).__name__}: {error}"

    async def _renew(self, lease: str) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with suppress(*_NO_DATABASE):
                async with self._ledger.watching() as connection:
                    await leases.claim(connection.driver, [lease], self._holder, LEASE_SECONDS)

    async def _release(self, *names: str) -> None:
        with suppress(*_NO_DATABASE):
            async with self._ledger.watching() as connection:
                await leases.release(connection.driver, list(names), self._holder)
