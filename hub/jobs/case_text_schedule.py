"""The job that keeps cases searchable by their words."""

from exchange_db.session import Ledger
from hub.apply.wording import CaseWording
from hub.jobs.schedule import Job

_SECONDS = 10.0


def case_text_jobs(ledger: Ledger) -> tuple[Job, ...]:
    """Returns the job."""
    wording = CaseWording(ledger)

    async def read_words() -> str:
        return f"{await wording.run()} 个案件 / cases"

    return (Job("read-words", _SECONDS, read_words),)
