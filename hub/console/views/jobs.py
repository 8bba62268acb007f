"""Scheduled jobs: when they ran, how it went, when they are due, and a run before its time."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aiohttp import web

from auth.permissions import may
from auth.roles import Action, Kind
from exchange_db import jobs, processes, wakeups
from exchange_db.audit_records import person_actor
from exchange_db.jobs import JobPlan, JobRun
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.recording import acting_as, recorded
from hub.request_keys import PERSON
from hub.settings import Settings

_ROWS, _LEASES = 100, 5_000


class KnownJob(NamedTuple):
    """A job: its plan as a process told it, its last run, when the next is due, and whether one goes on."""

    name: str
    plan: JobPlan | None
    last: JobRun | None
    next_time: datetime | None
    is_running: bool


class JobView:
    """Pages about jobs.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._ledger = ledger
        self._region = settings.hub.region
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/jobs", self.listing), web.post("/jobs/run", self.run)]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows all jobs, or the runs of one."""
        return await self._shown(request, "")

    async def run(self, request: web.Request) -> web.StreamResponse:
        """Asks for a run of a job now."""
        person, name = request[PERSON], str((await request.post()).get("job", ""))[:100]
        look = self._pages.presentation(request)
        try:
            with acting_as(person_actor(person.issuer_id, person.subject)):
                await self._order(name)
        except Violated as refused:
            return await self._shown(request, look.refusal(refused))
        async with self._ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.ORDERED)
        raise web.HTTPSeeOther(look.url("/jobs", job=name))

    async def _order(self, name: str) -> None:
        async with recorded(self._ledger, "job.run", name) as act:
            if not await jobs.order(act.session, name, self._clock()):
                raise Violated("JOB_UNKNOWN", "job", name)

    async def _shown(self, request: web.Request, trouble: str) -> web.Response:
        name = request.query.get("job", "")[:100]
        text = request.query.get("before", "")
        before = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
        async with self._ledger.read() as session:
            plans = {plan.job: plan for plan in await jobs.plans(session)}
            lasts = {run.job: run for run in await jobs.latest(session)}
            held = {lease.name for lease in await processes.leases(session, _LEASES)}
            runs = await jobs.history(session, name, limit=_ROWS, before=before) if name else []
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        known = [
            _known(job, plans.get(job), lasts.get(job), is_running=f"job/{job}" in held)
            for job in sorted(plans.keys() | lasts.keys())
        ]
        return self._pages.render(
            request, "jobs.html", active="jobs", status=400 if trouble else 200, jobs=known, name=name, runs=runs,
            now=now, trouble=trouble, next_before=runs[-1].run_id if len(runs) == _ROWS else 0,
            may_run=may(request[PERSON], Action.CHANGE, Kind.JOB, self._region),
        )  # fmt: skip


def _known(name: str, plan: JobPlan | None, last: JobRun | None, *, is_running: bool) -> KnownJob:
    due = None
    if plan is not None and last is not None:
        due = last.started_time + timedelta(seconds=plan.seconds)
    return KnownJob(name, plan, last, due, is_running)
