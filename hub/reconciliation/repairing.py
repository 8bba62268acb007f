"""Taking records in again that this hub misses, and giving out those it owes.

What was here before goes back to its place in the log with the bytes it came with; what never came enters through
intake like everything else, in a stream of its own, under the next number. Both pass the same check first.
"""

import logging

from auth.envelope import LINK_STREAM
from auth.principal import Principal
from connectors.wire import mark_of
from exchange_db import inbox, link_records, marking, restores
from exchange_db.audit import append
from exchange_db.audit_records import Value
from exchange_db.inbox import Entry
from exchange_db.link_records import RESEND
from exchange_db.marking import Way
from exchange_db.marks import MarkRef, day_of
from exchange_db.records import Violated
from exchange_db.seal_records import Sealed
from exchange_db.session import Ledger
from hub.reconciliation.taking import Check, Take
from hub.recording import entry_of
from hub.veil import Veil

logger = logging.getLogger(__name__)

#: Bytes of records in one message.
MAX_BYTES = 3_500_000
_MOST_RETURNED = 1_000


class RepairDesk:
    """Takes in again and gives out.

    Args:
        ledger: the hub's database.
        check: the check of intake.
        take: the way in.
        veil: what neighbours above are shown.
    """

    def __init__(self, ledger: Ledger, check: Check, take: Take, veil: Veil) -> None:
        self._ledger = ledger
        self._veil = veil
        self._check = check
        self._take = take

    async def take_again(self, sender: Principal, payloads: list[bytes], sealed: Sealed) -> str:
        """Takes records again; returns one letter each, as ``exchange_db.inbox.Answer.outcomes``.

        ``sealed`` is what came beside all of them. It counts for what never came: what was here before was judged then.
        """
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
                    and await link_records.restore(session, way, sender.peer_id, mark, entry)
                ):
                    days.add(day_of(mark.created_time))
                    continue
                others.append(index)
                if isinstance(entry, Entry):
                    await link_records.forget_lost_keys(session, [entry.message_key])
            for day in sorted(days):
                await marking.sum_up(session, way, day)
            if days:
                about: dict[str, Value] = {
                    "records": len(payloads) - len(others),
                    "days": [str(day) for day in sorted(days)],
                }
                await append(session, entry_of("link.restore", sender.peer_id, detail=about))
        if others:
            # A seal holds for the batch as it was sent; what is back in its place counts as a repeat there.
            handed = [*range(len(payloads))] if sealed.seals else others
            answered = await self._hand_in(sender, [payloads[index] for index in handed], sealed)
            for index, outcome in zip(handed, answered, strict=False):
                if index in others:
                    outcomes[index] = outcome
        return "".join(outcomes)

    async def _hand_in(self, sender: Principal, payloads: list[bytes], sealed: Sealed) -> str:
        """Hands records in at intake; returns one letter each."""
        async with self._ledger.watching() as connection:
            stream = await inbox.open_stream(connection, sender.peer_id, RESEND)
        try:
            taken = await self._take(sender, stream.stream_id, 0, payloads, sealed)
        except Violated as violated:
            logger.warning("records of %s were not taken again: %s", sender.peer_id, violated)
            return "R" * len(payloads)
        return "R" * len(payloads) if taken.answer.is_blocked else taken.answer.outcomes

    async def give(self, peer_id: str, destination_id: int, refs: list[MarkRef]) -> list[bytes]:
        """Returns the bytes of records that are owed to a neighbour, as many of the first as fit into a message."""
        async with self._ledger.read() as session:
            found = await link_records.payloads(session, Way(destination_id, is_sent=True), refs, MAX_BYTES)
        return [self._veil.shown(peer_id, payload) for payload in found]

    async def give_back(self, peer_id: str, after: int) -> tuple[int, list[tuple[int, bytes]]]:
        """Returns how far a neighbour's own stream has come here, and what it pushed behind a number, a message full.

        It gets what it wrote or passed on itself, and nothing else: its stream names it as the sender.
        """
        async with self._ledger.read() as session:
            last_sequence, found = await restores.returned_to(session, peer_id, LINK_STREAM, after, _MOST_RETURNED)
        size = 0
        for index, (_, payload) in enumerate(found):
            size += len(payload)
            if size > MAX_BYTES and index:
                return last_sequence, found[:index]
        return last_sequence, found
