"""The job that removes what is over: sessions, sign-ons under way, logout tokens, what platforms were given."""

from datetime import UTC, datetime, timedelta

from exchange_db import sessions, sign_on_grants
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.sections.console import ConsolePart

_SECONDS = 300.0
#: How long what a platform was given is kept after its end: longer than its tokens would have held.
_GRANTS_KEPT = timedelta(hours=1)


def session_jobs(ledger: Ledger, part: ConsolePart, clock: Clock) -> tuple[Job, ...]:
    """Returns the jobs of sign-on. Nothing depends on them: what is over holds no more, removed or not."""

    async def forget_sessions() -> str:
        now = datetime.fromtimestamp(clock() / 1_000_000, UTC)
        async with ledger.write() as session:
            count = await sessions.forget(session, now, now - part.idle)
            count += await sign_on_grants.forget(session, now, now - _GRANTS_KEPT)
        return f"{count} 个 / removed"

    return (Job("forget-sessions", _SECONDS, forget_sessions),)
