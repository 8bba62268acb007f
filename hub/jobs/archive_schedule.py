"""The job that brings the archive of facts up to the ledger."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.settings import Settings


def archive_jobs(ledger: Ledger, settings: Settings, clock: Clock) -> tuple[Job, ...]:
    """Returns the job; none where nothing is archived."""
    if settings.archive.path is None:
        return ()
    # Only a hub that archives carries the weight of DuckDB.
    from hub.questions.archive import Archive  # noqa: PLC0415

    archive = Archive(ledger, settings, settings.archive.path, clock)

    async def archive_facts() -> str:
        done = await archive.run()
        return f"{done.row_count} 件案件 / cases, 重写 / written {done.written_count} / {done.part_count}"

    return (Job("archive-facts", settings.archive.hours * 3_600, archive_facts),)
