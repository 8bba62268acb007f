"""A platform compares what it has sent and received with its hub: the county's daily reconciliation (每日对账)."""

from collections import Counter
from typing import NamedTuple

from connectors.county.exchange_book import BookSide, ExchangeBook
from connectors.reconciliation import REPAIRABLE, UNDER_WAY, Cause, differing_days, explain, total_of
from connectors.transports.grpc_peer import GrpcPeer
from connectors.transports.reconcile_calls import RemoteSide, fetch_records, resend_records, tell_results
from connectors.wire import mark_of
from exchange_db.marks import Mark

_FIRST_DAY = 19700101
#: Records sent again in one call, and how many bytes of them.
_RESENT, _RESENT_BYTES = 200, 3_500_000


class ReconciledDay(NamedTuple):
    """What comparing one day with the hub showed; ``causes`` counts the differences, ``resent_count`` those repaired.

    A record fetched from the hub again counts as repaired; it comes out of ``CountyClient.arrivals`` once more.
    """

    is_sent: bool
    day: int
    own_count: int
    hub_count: int
    causes: Counter[Cause]
    resent_count: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left but what is on its way."""
        return sum(count for cause, count in self.causes.items() if cause not in UNDER_WAY) <= self.resent_count


async def reconcile(
    hub: GrpcPeer, book: ExchangeBook, last_day: int, day: int, *, is_repairing: bool
) -> list[ReconciledDay]:
    """Compares both directions and tells the hub the result; see ``CountyClient.reconcile``.

    Raises:
        ConnectorError: the hub does not answer, or does not reconcile.
    """
    found = []
    for is_sent in (True, False):
        own, other = book.side(is_sent=is_sent), RemoteSide(hub, is_sent=is_sent)
        first, last = (day, day) if day else (_FIRST_DAY, last_day)
        await other.recount([last])
        ours, theirs = await own.days(first, last), await other.days(first, last)
        different = set(differing_days(ours, theirs))
        for at in sorted({place[0] for place in ours | theirs}):
            counts = total_of(ours, at).mark_count, total_of(theirs, at).mark_count
            result = ReconciledDay(is_sent, at, *counts, Counter())
            if at in different:
                result = await _day(hub, book, own, other, result, is_repairing=is_repairing)
            found.append(result)
    left = [(item.is_sent, item.day, item.own_count, item.causes.total() - item.resent_count) for item in found]
    await tell_results(hub, left)
    return found


async def _day(
    hub: GrpcPeer, book: ExchangeBook, own: BookSide, other: RemoteSide, result: ReconciledDay, *, is_repairing: bool
) -> ReconciledDay:
    day = result.day
    differences = await (explain(own, other, day) if result.is_sent else explain(other, own, day))
    result = result._replace(causes=Counter(item.cause for item in differences))
    marks = [item.mark for item in differences if item.cause in REPAIRABLE]
    if not is_repairing or not marks:
        return result
    count = await (_send(hub, book, marks) if result.is_sent else _fetch(hub, book, marks))
    return result._replace(resent_count=count)


async def _send(hub: GrpcPeer, book: ExchangeBook, marks: list[Mark]) -> int:
    count = size = 0
    batch: list[bytes] = []
    for mark in marks:
        payload = book.payload(mark.message_key)
        if payload is None:
            continue
        if batch and (len(batch) >= _RESENT or size + len(payload) > _RESENT_BYTES):
            count += sum(await resend_records(hub, batch))
            batch, size = [], 0
        batch.append(payload)
        size += len(payload)
    return count + (sum(await resend_records(hub, batch)) if batch else 0)


async def _fetch(hub: GrpcPeer, book: ExchangeBook, marks: list[Mark]) -> int:
    count, left = 0, marks
    while left and (payloads := (await fetch_records(hub, left))[0]):
        keys = {mark.message_key for payload in payloads if (mark := mark_of(payload)) is not None}
        book.queue(payloads)
        book.note(payloads, is_sent=False)
        fresh = [mark for mark in left if mark.message_key not in keys]
        count += len(left) - len(fresh)
        if len(fresh) == len(left):
            break
        left = fresh
    return count
