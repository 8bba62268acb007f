"""The jobs that keep canaries going: meeting neighbours, asking them, answering them."""

from exchange_db import wakeups
from exchange_db.session import Ledger
from hub.canaries.making import make_canary_desk
from hub.clock import Clock
from hub.intake.desk import IntakeDesk
from hub.jobs.schedule import Job
from hub.settings import Settings

#: A question that waits is answered at once; so often it is looked whether a wake-up was missed.
_ANSWER_SECONDS = 30.0


def canary_jobs(ledger: Ledger, settings: Settings, clock: Clock, desk: IntakeDesk) -> tuple[Job, ...]:
    """Returns the jobs; neighbours are answered also where this hub asks none."""
    canaries = make_canary_desk(ledger, settings, clock, desk)

    async def send() -> str:
        met = await canaries.meet()
        asked = await canaries.send()
        return f"{met} 个邻居已问候 / met, {len(asked)} 条已发 / sent"

    async def ask_broken() -> str:
        return f"{len(await canaries.send(is_broken_only=True))} 条已发 / sent"

    async def answer() -> str:
        return f"{await canaries.answer()} 条 / answered"

    jobs = [Job("answer-canaries", _ANSWER_SECONDS, answer, wakeups.CANARIES)]
    if settings.health.canary_seconds:
        jobs.append(Job("send-canaries", settings.health.canary_seconds, send))
        jobs.append(Job("ask-broken-links", settings.health.canary_seconds, ask_broken, wakeups.BROKEN))
    return tuple(jobs)
