"""This hub's end of a link in one direction, as comparing sees it."""

from collections.abc import Iterable

from connectors.wire import mark_of
from exchange_db import link_records, marking
from exchange_db.marking import Marked, Way
from exchange_db.marks import Cells, Mark, MarkRef, Standing
from exchange_db.session import Ledger

_PAGE = 1_000


class LedgerSide:
    """Answers from the ledger.

    Args:
        ledger: the hub's database.
        way: the link and its direction.
    """

    def __init__(self, ledger: Ledger, way: Way) -> None:
        self._ledger = ledger
        self._way = way

    async def recount(self, days: Iterable[int]) -> int:
        """Compares the marks of days with the log; returns how many records are gone or damaged."""
        count = 0
        for day in days:
            async with self._ledger.write() as session:
                count += await marking.recount(session, self._way, day, mark_of)
        return count

    async def days(self, first_day: int, last_day: int) -> Cells:
        """Returns the sums of days."""
        async with self._ledger.read() as session:
            return await marking.days(session, self._way, first_day, last_day)

    async def hours(self, day: int) -> Cells:
        """Returns the sums of the hours of a day."""
        async with self._ledger.read() as session:
            return await marking.hours(session, self._way, day)

    async def buckets(self, hour: int) -> Cells:
        """Returns the sums of the buckets of an hour."""
        async with self._ledger.read() as session:
            return await marking.buckets(session, self._way, hour)

    async def page(self, hour: int, bucket: int, after: Mark | None) -> list[Mark]:
        """Returns one page of the marks of an hour."""
        async with self._ledger.read() as session:
            return await marking.marks(session, self._way, hour, bucket, after, _PAGE)

    async def marks(self, hour: int, bucket: int) -> list[Mark]:
        """Returns all marks of an hour, or of one of its buckets."""
        found = await self.page(hour, bucket, None)
        while found and len(found) % _PAGE == 0:
            more = await self.page(hour, bucket, found[-1])
            if not more:
                break
            found += more
        return found

    async def standings(self, marks: list[Mark]) -> list[Standing]:
        """Returns where this hub stands with some records, in order.

        A record the neighbour sent that came here from somebody else first is held all the same; it is marked as the
        neighbour's too, so that both sides count it.
        """
        refs = [MarkRef(mark.message_key, mark.created_time) for mark in marks]
        if self._way.is_sent:
            async with self._ledger.read() as session:
                return await link_records.sent_standings(session, self._way, refs)
        async with self._ledger.write() as session:
            found = await link_records.received_standings(session, self._way, refs)
            unknown = [ref for ref, standing in zip(refs, found, strict=True) if standing is Standing.UNKNOWN]
            if not unknown:
                return found
            await marking.begin(session)
            held = [
                Marked(self._way, mark, partition, inbox_id)
                for partition, inbox_id, payload in await link_records.found_in_log(session, unknown)
                if (mark := mark_of(payload)) is not None
            ]
            await marking.add(session, held)
            return await link_records.received_standings(session, self._way, refs)
