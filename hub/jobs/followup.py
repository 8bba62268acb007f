"""The job that looks for frequent problems and follows the answers to letters about them."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.followup.making import make_followup, proposes_letters
from hub.jobs.schedule import Job
from hub.settings import Settings


def followup_jobs(ledger: Ledger, settings: Settings, clock: Clock) -> tuple[Job, ...]:
    """Returns the jobs; none where this hub proposes no letters.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
    """
    letters = make_followup(settings, ledger, clock).letters

    async def propose_letters() -> str:
        found = await letters.run()
        return (
            f"建议 / proposed {found.proposed_count}, 已答复 / answered {found.answered_count},"
            f" 逾期 / unanswered {found.unanswered_count}"
        )

    if not proposes_letters(settings):
        return ()
    return (Job("propose-letters", settings.followup.propose_seconds, propose_letters),)
