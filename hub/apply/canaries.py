"""Canaries in a run of apply: an answer tells the time of its link, a question wakes who answers it.

Called by ``hub.apply.run``.
"""

from exchange_db import canaries, wakeups
from exchange_db.canary_records import CanaryRecord
from exchange_db.session import HotSession


async def take(session: HotSession, arrived: list[CanaryRecord]) -> None:
    """Notes canaries that are for this hub; the wake-up is heard when the run is committed."""
    await canaries.note_returned(session, [(one.receiver_id, one.sent_time) for one in arrived if one.answered_time])
    questions = [(one.sender_id, one.sent_time) for one in arrived if not one.answered_time]
    if questions:
        await canaries.note_asked(session, questions)
        await wakeups.wake(session.driver, wakeups.CANARIES)
