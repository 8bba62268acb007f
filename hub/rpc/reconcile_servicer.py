"""ReconcileService: takes the principal, hands on, answers. A neighbour sees and changes its own link only."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from connectors.transports.grpc_peer import sealed_of, signatures_by
from connectors.transports.reconcile_calls import (
    MOST_NAMED,
    MOST_RECOUNTED,
    read_mark,
    write_mark,
    write_standing,
    write_totals,
)
from exchange_db import link_days
from exchange_db.marking import Way
from exchange_db.marks import Cells, Mark, MarkRef, hours_of
from exchange_db.records import Violated
from exchange_db.seal_records import RESEND_STREAM, Sealing
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.reconciliation.counting import LinkCounter
from hub.reconciliation.folding import MarkFold
from hub.reconciliation.repairing import RepairDesk
from hub.reconciliation.side import LedgerSide
from hub.rpc.calls import principal_of
from protos.exchange.v1 import receipt_pb2
from protos.federation.v1 import reconcile_service_pb2 as reconcile
from protos.federation.v1 import reconcile_service_pb2_grpc as reconcile_grpc

#: Sums of days in one answer.
_MOST_TOTALS = 3_000
_LATEST_TIME = 7_258_118_400_000_000
_OUTCOMES = {
    "D": receipt_pb2.OUTCOME_DURABLE,
    "U": receipt_pb2.OUTCOME_DUPLICATE,
    "R": receipt_pb2.OUTCOME_REFUSED,
}


class ReconcileServicer(reconcile_grpc.ReconcileServiceServicer):
    """Serves the contract of reconciliation.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
        repair: takes records in again and gives them out.
        sealing: signs what is given out.
    """

    def __init__(self, ledger: Ledger, clock: Clock, repair: RepairDesk, sealing: Sealing) -> None:
        self._sealing = sealing
        self._ledger = ledger
        self._clock = clock
        self._repair = repair
        #: By neighbour: reading from disk costs much, so one that insists waits for itself.
        self._recounting: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ListDayTotals(
        self, request: reconcile.ListDayTotalsRequest, context: Any
    ) -> reconcile.ListDayTotalsResponse:
        """Gives the sums of days."""
        way = _way_of(request.way)
        for name in ("first_day", "last_day"):
            _require_day(getattr(request, name), name)
        if len(request.recounted_days) > MOST_RECOUNTED:
            raise Violated("ARGUMENT_INVALID", "recounted_days", len(request.recounted_days))
        for day in request.recounted_days:
            _require_day(day, "recounted_days")
        await MarkFold(self._ledger).run()
        async with self._recounting[way.destination_id]:
            await LedgerSide(self._ledger, way).recount(request.recounted_days)
        found = await LedgerSide(self._ledger, way).days(request.first_day, request.last_day)
        shown, next_day = _first_days(found)
        return reconcile.ListDayTotalsResponse(totals=write_totals(shown), next_day=next_day)

    async def ListHourTotals(
        self, request: reconcile.ListHourTotalsRequest, context: Any
    ) -> reconcile.ListHourTotalsResponse:
        """Gives the sums of the hours of a day."""
        way = _way_of(request.way)
        _require_day(request.day, "day")
        found = await LedgerSide(self._ledger, way).hours(request.day)
        return reconcile.ListHourTotalsResponse(totals=write_totals(found))

    async def ListBucketTotals(
        self, request: reconcile.ListBucketTotalsRequest, context: Any
    ) -> reconcile.ListBucketTotalsResponse:
        """Gives the sums of the buckets of an hour."""
        way = _way_of(request.way)
        _require_hour(request.hour)
        found = await LedgerSide(self._ledger, way).buckets(request.hour)
        return reconcile.ListBucketTotalsResponse(totals=write_totals(found))

    async def ListMarks(self, request: reconcile.ListMarksRequest, context: Any) -> reconcile.ListMarksResponse:
        """Gives a page of marks."""
        way = _way_of(request.way)
        _require_hour(request.hour)
        if not -1 <= request.bucket <= 255:
            raise Violated("ARGUMENT_INVALID", "bucket", request.bucket)
        after = _marks([request.after], "after")[0] if request.HasField("after") else None
        found = await LedgerSide(self._ledger, way).page(request.hour, request.bucket, after)
        return reconcile.ListMarksResponse(marks=map(write_mark, found))

    async def ExplainMarks(
        self, request: reconcile.ExplainMarksRequest, context: Any
    ) -> reconcile.ExplainMarksResponse:
        """Tells where this hub stands with records."""
        way = _way_of(request.way)
        found = await LedgerSide(self._ledger, way).standings(_marks(request.marks, "marks"))
        return reconcile.ExplainMarksResponse(standings=map(write_standing, found))

    async def FetchRecords(
        self, request: reconcile.FetchRecordsRequest, context: Any
    ) -> reconcile.FetchRecordsResponse:
        """Gives the bytes of records that are owed to the caller."""
        refs = [MarkRef(mark.message_key, mark.created_time) for mark in _marks(request.marks, "marks")]
        caller = principal_of(context)
        found = await self._repair.give(caller.peer_id, caller.destination_id, refs)
        signatures = signatures_by(self._sealing, caller.peer_id, RESEND_STREAM, found) if found else []
        return reconcile.FetchRecordsResponse(parcels=found, signatures=signatures)

    async def ResendRecords(
        self, request: reconcile.ResendRecordsRequest, context: Any
    ) -> reconcile.ResendRecordsResponse:
        """Takes records again."""
        if not 1 <= len(request.parcels) <= MOST_NAMED:
            raise Violated("ARGUMENT_INVALID", "parcels", len(request.parcels))
        sealed = sealed_of(RESEND_STREAM, request)
        outcomes = await self._repair.take_again(principal_of(context), list(request.parcels), sealed)
        await MarkFold(self._ledger).run()
        return reconcile.ResendRecordsResponse(outcomes=[_OUTCOMES[letter] for letter in outcomes])

    async def ReturnParcels(
        self, request: reconcile.ReturnParcelsRequest, context: Any
    ) -> reconcile.ReturnParcelsResponse:
        """Gives a restored caller what it had pushed here."""
        if request.after_sequence < 0:
            raise Violated("ARGUMENT_INVALID", "after_sequence", request.after_sequence)
        last_sequence, found = await self._repair.give_back(principal_of(context).peer_id, request.after_sequence)
        parcels = [reconcile.ReturnedParcel(sequence=sequence, parcel=payload) for sequence, payload in found]
        return reconcile.ReturnParcelsResponse(parcels=parcels, last_sequence=last_sequence)

    async def TellResults(self, request: reconcile.TellResultsRequest, context: Any) -> reconcile.TellResultsResponse:
        """Keeps what the caller found."""
        if len(request.days) > MOST_NAMED:
            raise Violated("ARGUMENT_INVALID", "days", len(request.days))
        for told in request.days:
            _require_day(told.day, "days.day")
        caller, counter = principal_of(context), LinkCounter(self._ledger, self._clock)
        for way in {_way_of(told.way) for told in request.days}:
            days = {told.day: told for told in request.days if _way_of(told.way) == way}
            await counter.count(way, sorted(days.keys() - await counter.kept_days(way)))
            async with self._ledger.write() as session:
                for day, told in days.items():
                    await link_days.note_compared(
                        session, way, day, max(0, told.mark_count), max(0, told.difference_count), self._clock(),
                        caller.peer_id,
                    )  # fmt: skip
        return reconcile.TellResultsResponse()


def _way_of(way: int) -> Way:
    """Returns the caller's link, seen from this hub.

    Raises:
        Violated: ARGUMENT_INVALID, no direction is stated.
    """
    if way not in (reconcile.WAY_TO_HUB, reconcile.WAY_FROM_HUB):
        raise Violated("ARGUMENT_INVALID", "way", way)
    return Way(principal_of().destination_id, way == reconcile.WAY_FROM_HUB)


def _require_day(day: int, path: str) -> None:
    try:
        is_known = 1970 <= day // 10_000 <= 2200 and bool(hours_of(day))
    except ValueError:
        is_known = False
    if not is_known:
        raise Violated("ARGUMENT_INVALID", path, day)


def _require_hour(hour: int) -> None:
    if not 0 <= hour <= _LATEST_TIME // 3_600_000_000:
        raise Violated("ARGUMENT_INVALID", "hour", hour)


def _marks(messages: Iterable[reconcile.RecordMark], path: str) -> list[Mark]:
    marks = [read_mark(message) for message in messages]
    if len(marks) > MOST_NAMED:
        raise Violated("ARGUMENT_INVALID", path, len(marks))
    for mark in marks:
        if len(mark.message_key) != 16 or not 0 < mark.created_time <= _LATEST_TIME:
            raise Violated("ARGUMENT_INVALID", path, mark.message_key.hex())
    return marks


def _first_days(found: Cells) -> tuple[Cells, int]:
    """Returns the first whole days that fit into an answer, and the day to go on with, 0 at the end."""
    places = sorted(found)
    if len(places) <= _MOST_TOTALS:
        return found, 0
    next_day = places[_MOST_TOTALS][0]
    return {place: cell for place, cell in found.items() if place[0] < next_day}, next_day
