"""The job that forgets personal data whose time is over."""

from hub.jobs.schedule import Job
from hub.personal.desk import PersonalDesk

_SECONDS = 3_600.0


def personal_jobs(desk: PersonalDesk) -> tuple[Job, ...]:
    """Returns the job."""

    async def forget() -> str:
        return f"{await desk.forget_due()} 条 / forgotten"

    return (Job("forget-reporters", _SECONDS, forget),)
