"""The job that sends values and results of evaluations that somebody asked to be sent."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evaluation.exchanging import SendingDesk, Submit
from hub.jobs.schedule import Job
from hub.settings import Settings


def evaluation_jobs(ledger: Ledger, settings: Settings, clock: Clock, submit: Submit) -> tuple[Job, ...]:
    """Returns the job.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
        submit: takes parcels of this hub into the log.
    """
    desk = SendingDesk(ledger, settings.hub.id, clock)

    async def send() -> str:
        return f"{await desk.send(submit)} 份 / records"

    return (Job("send-evaluations", settings.evaluation.send_seconds, send),)
