"""Asking the hub at the other end of a link what it holds: plain values in and out.

Called by ``hub.reconciliation`` and the county's client.
"""

from collections.abc import Iterable
from typing import Any

from connectors.transports.grpc_peer import GrpcPeer, asked, require_judged, sealed_of, unasked_signatures
from exchange_db.marks import Cell, Cells, Mark, Standing
from exchange_db.seal_records import RESEND_STREAM, Sealed
from protos.exchange.v1 import receipt_pb2
from protos.federation.v1 import reconcile_service_pb2 as reconcile

#: Most records one call names.
MOST_NAMED = 1_000
#: Most days that are compared with the disk before one answer.
MOST_RECOUNTED = 31
#: Seconds a call may take; a recount reads everything of a day.
_SECONDS = 120.0
_STANDINGS = {getattr(reconcile, f"RECONCILE_STANDING_{standing.name}"): standing for standing in Standing}


class RemoteSide:
    """What a neighbouring hub holds of the link to us, in one direction.

    Args:
        hub: the connection.
        is_sent: whether it is about what we send there.
    """

    def __init__(self, hub: GrpcPeer, *, is_sent: bool) -> None:
        self._hub = hub
        self._way = way_of(is_sent=is_sent)

    async def recount(self, days: list[int]) -> None:
        """Has the hub compare its marks of some days with its disk.

        Raises:
            ConnectorError: see ``asked``; so do all calls here.
        """
        for start in range(0, len(days), MOST_RECOUNTED):
            part = days[start : start + MOST_RECOUNTED]
            request = reconcile.ListDayTotalsRequest(
                way=self._way, first_day=part[0], last_day=part[0], recounted_days=part
            )
            await asked(self._hub.reconcile.ListDayTotals(request, timeout=_SECONDS))

    async def days(self, first_day: int, last_day: int) -> Cells:
        """Returns the sums of days."""
        found: Cells = {}
        while first_day:
            request = reconcile.ListDayTotalsRequest(way=self._way, first_day=first_day, last_day=last_day)
            answer = await asked(self._hub.reconcile.ListDayTotals(request, timeout=_SECONDS))
            found |= _cells(answer.totals)
            first_day = answer.next_day if answer.next_day > first_day else 0
        return found

    async def hours(self, day: int) -> Cells:
        """Returns the sums of the hours of a day."""
        request = reconcile.ListHourTotalsRequest(way=self._way, day=day)
        return _cells((await asked(self._hub.reconcile.ListHourTotals(request, timeout=_SECONDS))).totals)

    async def buckets(self, hour: int) -> Cells:
        """Returns the sums of the buckets of an hour."""
        request = reconcile.ListBucketTotalsRequest(way=self._way, hour=hour)
        return _cells((await asked(self._hub.reconcile.ListBucketTotals(request, timeout=_SECONDS))).totals)

    async def marks(self, hour: int, bucket: int) -> list[Mark]:
        """Returns the marks of an hour."""
        found: list[Mark] = []
        while True:
            after = write_mark(found[-1]) if found else None
            request = reconcile.ListMarksRequest(way=self._way, hour=hour, bucket=bucket, after=after)
            answer = await asked(self._hub.reconcile.ListMarks(request, timeout=_SECONDS))
            found += map(read_mark, answer.marks)
            if len(answer.marks) < MOST_NAMED:
                return found

    async def standings(self, marks: list[Mark]) -> list[Standing]:
        """Returns where the hub stands with some records, in order."""
        found: list[Standing] = []
        for start in range(0, len(marks), MOST_NAMED):
            part = [write_mark(mark) for mark in marks[start : start + MOST_NAMED]]
            request = reconcile.ExplainMarksRequest(way=self._way, marks=part)
            answer = await asked(self._hub.reconcile.ExplainMarks(request, timeout=_SECONDS))
            found += [_STANDINGS.get(standing, Standing.UNKNOWN) for standing in answer.standings]
        return found


async def fetch_records(hub: GrpcPeer, marks: list[Mark]) -> tuple[list[bytes], Sealed]:
    """Returns the bytes of some of these records, at least one if there is any, and their seals; ask again for others.

    Raises:
        ConnectorError: see ``asked``.
    """
    request = reconcile.FetchRecordsRequest(marks=map(write_mark, marks[:MOST_NAMED]))
    answer = await asked(hub.reconcile.FetchRecords(request, timeout=_SECONDS))
    require_judged(hub.target.judging, RESEND_STREAM, 0, answer)
    return list(answer.parcels), sealed_of(RESEND_STREAM, answer)


async def resend_records(hub: GrpcPeer, payloads: list[bytes]) -> list[bool]:
    """Sends records again, signed where there is a key; no more than fit into a message. Tells what the hub has now.

    Raises:
        ConnectorError: see ``asked``.
    """
    request = reconcile.ResendRecordsRequest(
        parcels=payloads, signatures=unasked_signatures(hub.target, RESEND_STREAM, payloads)
    )
    answer = await asked(hub.reconcile.ResendRecords(request, timeout=_SECONDS))
    return [outcome in (receipt_pb2.OUTCOME_DURABLE, receipt_pb2.OUTCOME_DUPLICATE) for outcome in answer.outcomes]


async def return_parcels(hub: GrpcPeer, after: int) -> tuple[int, list[tuple[int, bytes]]]:
    """Returns the last number the hub has of our stream, and the next parcels behind a number, each with its own.

    Raises:
        ConnectorError: see ``asked``.
    """
    request = reconcile.ReturnParcelsRequest(after_sequence=after)
    answer = await asked(hub.reconcile.ReturnParcels(request, timeout=_SECONDS))
    return answer.last_sequence, [(returned.sequence, returned.parcel) for returned in answer.parcels]


async def tell_results(hub: GrpcPeer, days: list[tuple[bool, int, int, int]]) -> None:
    """Tells the hub what comparing showed: (is_sent, day, our count, differences) of each day.

    Raises:
        ConnectorError: see ``asked``.
    """
    for start in range(0, len(days), MOST_NAMED):
        told = [
            reconcile.ComparedDay(way=way_of(is_sent=is_sent), day=day, mark_count=count, difference_count=differing)
            for is_sent, day, count, differing in days[start : start + MOST_NAMED]
        ]
        await asked(hub.reconcile.TellResults(reconcile.TellResultsRequest(days=told), timeout=_SECONDS))


def way_of(*, is_sent: bool) -> "reconcile.Way.ValueType":
    """Returns the contract's word for a direction, seen from the caller."""
    return reconcile.WAY_TO_HUB if is_sent else reconcile.WAY_FROM_HUB


def write_mark(mark: Mark) -> reconcile.RecordMark:
    """Returns a mark as the contract carries it."""
    return reconcile.RecordMark(
        message_key=mark.message_key, created_time=mark.created_time, kind=mark.kind, digest=mark.digest
    )


def read_mark(message: reconcile.RecordMark) -> Mark:
    """Returns a mark of the contract."""
    return Mark(message.message_key, message.created_time, message.kind, message.digest)


def write_standing(standing: Standing) -> Any:
    """Returns the contract's word for a standing."""
    return next(word for word, known in _STANDINGS.items() if known is standing)


def write_totals(cells: Cells) -> list[reconcile.MarkTotal]:
    """Returns sums as the contract carries them, in order."""
    return [
        reconcile.MarkTotal(place=place, kind=kind, mark_count=cell.mark_count, hash=cell.hash)
        for (place, kind), cell in sorted(cells.items())
    ]


def _cells(totals: Iterable[reconcile.MarkTotal]) -> Cells:
    return {(total.place, total.kind): Cell(total.mark_count, total.hash) for total in totals}
