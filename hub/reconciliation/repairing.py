"""Taking records in again that this hub misses, and giving out those it owes.

What was here before goes back to its place in the log with the bytes it came with; what never came enters through
intake like everything else, in a stream of its own, under the next number. Both pass the same check first.
"""

from auth.principal import Principal
from connectors.wire import mark_of
from exchange_db import inbox, link_records, marking
from exchange_db.inbox import Entry
from exchange_db.link_records import RESEND
from exchange_db.marking import Way
from exchange_db.marks import MarkRef, day_of
from exchange_db.session import Ledger
from hub.reconciliation.taking import Check, Take

#: Bytes of records in one message.
MAX_BYTES = 3_500_000


class RepairDesk:
    """Takes in again and gives out.

    Args:
        ledger: the hub's database.
        check: the check of intake.
        take: the way in.
    """

    def __init__(self, ledger: Ledger, check: Check, take: Take) -> None:
        self._ledger = ledger
        self._check = check
        self._take = take

    async def take_again(self, sender: Principal, payloads: list[bytes]) -> str:
        """Takes records again; returns one letter each, as ``exchange_db.inbox.Answer.outcomes``."""
        way = Way(sender.destination_id, is_sent=False)
        outcomes = ["D"] * len(payloads)
        others: list[int] = []
        days: set[int] = set()
        async with self._ledger.write() as session:
            await marking.begin(session)
            for index, payload in enumerate(payloads):
                entry, mark = self._check(sender, payload), mark_of(payload)
                if (
                    isinstance(entry, Entry)
                    and mark is not None
                    and await link_records.restore(session, way, sender.peer_id, mark.created_time, entry)
                ):
                    days.add(day_of(mark.created_time))
                    continue
                others.append(index)
                if isinstance(entry, Entry):
                    await link_records.forget_lost_keys(session, [entry.message_key])
            for day in sorted(days):
                await marking.sum_up(session, way, day)
        if others:
            async with self._ledger.watching() as connection:
                stream = await inbox.open_stream(connection, sender.peer_id, RESEND)
            taken = await self._take(sender, stream.stream_id, 0, [payloads[index] for index in others])
            for index, outcome in zip(others, taken.answer.outcomes, strict=False):
                outcomes[index] = outcome
            if taken.answer.is_blocked:
                return "R" * len(payloads)
        return "".join(outcomes)

    async def give(self, destination_id: int, refs: list[MarkRef]) -> list[bytes]:
        """Returns the bytes of records that are owed to a neighbour, as many of the first as fit into a message."""
        async with self._ledger.read() as session:
            return await link_records.payloads(session, Way(destination_id, is_sent=True), refs, MAX_BYTES)
