"""One run of apply: the next records of some partitions, in one transaction.

Everything a record does is collected first and written in bulk: cases, sections, actions, figure deltas, outbox,
receipts, cursors. Nothing is written when another worker has moved a cursor meanwhile. Called by ``hub.apply.worker``.
"""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from connectors.wire import origin_of, read_parcel
from exchange_db import cases, figures, outbox, quarantine, receipts
from exchange_db.cases import ActionRow, CaseRow, SectionRow
from exchange_db.counting import CellKey, CountingRules, Share, shares
from exchange_db.errors import LeaseLost
from exchange_db.inbox import InboxRow
from exchange_db.keys import case_key
from exchange_db.outbox import OutboxEntry
from exchange_db.quarantine import Held
from exchange_db.receipts import QUARANTINED, STALE, Exceptional, Run
from exchange_db.records import COUNTERS, Case, FigureSheet, Parcel, Violated, Violation
from exchange_db.regions import region_of
from exchange_db.session import HotSession
from hub.apply.lifecycle import fold
from hub.apply.routing import Consignment, Router

#: Records taken before the other lane of the process gets a turn; its statements wait for no more than that.
SLICE = 100
_NO_VIOLATION = Violation("", "", "", "")


class Neighbourhood(NamedTuple):
    """What a run must know of the outside: where records go, and who sends each stream."""

    router: Router
    senders: dict[int, str]


class Decoded(NamedTuple):
    """A row of the log and what it says; a ``Violated`` if it cannot be read any more."""

    row: InboxRow
    parcel: Parcel | Violated
    #: Key of the case it is about, ``None`` for sheets.
    case: tuple[int, bytes] | None


def decode(rows: Iterable[InboxRow]) -> list[Decoded]:
    """Reads the payloads of a run; needs no database."""
    decoded = []
    for row in rows:
        try:
            parcel = read_parcel(row.payload)
        except Violated as violated:
            decoded.append(Decoded(row, violated, None))
            continue
        record = parcel.record
        key = (
            (region_of(record.issuer_id), case_key(record.issuer_id, record.case_no))
            if isinstance(record, Case)
            else None
        )
        decoded.append(Decoded(row, parcel, key))
    return decoded


async def apply_run(
    session: HotSession,
    decoded: list[Decoded],
    cursors: dict[int, int],
    neighbourhood: Neighbourhood,
    rules: CountingRules,
) -> dict[int, int]:
    """Applies decoded rows; the caller commits.

    Args:
        session: the transaction.
        decoded: the next rows of some partitions, in order inside each.
        cursors: partition to the last id applied, as this worker knows it.
        neighbourhood: registry and senders.
        rules: how cases are counted.

    Returns:
        The new cursors of the partitions concerned.

    Raises:
        LeaseLost: another worker has taken over; roll back.
    """
    known = await cases.load(session, list({item.case for item in decoded if item.case}))
    run = _Run(known, neighbourhood, rules)
    for start in range(0, len(decoded), SLICE):
        for item in decoded[start : start + SLICE]:
            if isinstance(item.parcel, Parcel) and isinstance(item.parcel.record, FigureSheet):
                await run.take_sheet(session, item, item.parcel.record)
            else:
                run.take(item)
        await asyncio.sleep(0)
    await run.write(session)
    firsts: dict[int, int] = {}
    lasts: dict[int, int] = {}
    for item in decoded:
        firsts.setdefault(item.row.partition, item.row.inbox_id)
        lasts[item.row.partition] = item.row.inbox_id
    settled = [
        Run(partition, cursors[partition], first, lasts[partition]) for partition, first in sorted(firsts.items())
    ]
    if not await receipts.settle(session, settled, run.exceptions):
        raise LeaseLost("another worker applies these partitions")
    return lasts


class _Run:
    """What a run has to write."""

    def __init__(self, known: dict[bytes, CaseRow], neighbourhood: Neighbourhood, rules: CountingRules) -> None:
        self._known = known
        self._neighbourhood = neighbourhood
        self._rules = rules
        self._is_new: set[bytes] = set()
        self._touched: set[bytes] = set()
        self._before: dict[bytes, CaseRow | None] = {}
        self._sections: list[SectionRow] = []
        self._actions: list[ActionRow] = []
        self._outbox: list[OutboxEntry] = []
        self._held: list[Held] = []
        self.exceptions: list[Exceptional] = []

    def take(self, item: Decoded) -> None:
        """Applies one case record, or one that cannot be read, to what is collected."""
        try:
            if isinstance(item.parcel, Violated):
                raise item.parcel
            assert isinstance(item.parcel.record, Case)  # noqa: S101 — sheets go to take_sheet
            if not self._take_case(item.row, item.parcel, item.parcel.record, item.case):
                self._except(item.row, STALE, _NO_VIOLATION)
        except Violated as violated:
            self._hold(item, violated.violation)
            self._except(item.row, QUARANTINED, violated.violation)

    async def take_sheet(self, session: HotSession, item: Decoded, sheet: FigureSheet) -> None:
        """Puts one sheet of counts into the ledger, if it is newer than what is there."""
        row = item.row
        if not await figures.put_sheet(session, sheet, row.inbox_id):
            self._except(row, STALE, _NO_VIOLATION)
            return
        sender_id = self._neighbourhood.senders[row.stream_id]
        self._send(row, self._neighbourhood.router.of_sheet(row.inbox_id, sender_id))

    def _take_case(self, row: InboxRow, parcel: Parcel, case: Case, key: tuple[int, bytes] | None) -> bool:
        assert key is not None  # noqa: S101 — decode gives every case its key
        home_region, case_id = key
        before = self._known.get(case_id)
        folded = fold(before, home_region, case_id, case, parcel.origin_id, row.inbox_id)
        if not folded.sections and not folded.actions:
            return False
        after = folded.row
        if folded.sections:
            if case_id not in self._touched:
                self._before[case_id] = before
                self._touched.add(case_id)
                if before is None:
                    self._is_new.add(case_id)
            self._known[case_id] = after
            self._sections += [
                SectionRow(home_region, case_id, section, row.inbox_id, revision, parcel.origin_id)
                for section, revision in folded.sections
            ]
        self._actions += [ActionRow(home_region, case_id, action) for action in folded.actions]
        sender_id = self._neighbourhood.senders[row.stream_id]
        self._send(row, self._neighbourhood.router.of_case(before, after, row.inbox_id, sender_id))
        return True

    def _send(self, row: InboxRow, consignments: list[Consignment]) -> None:
        for destination_id, inbox_ids in consignments:
            for ordinal, inbox_id in enumerate(inbox_ids):
                self._outbox.append(OutboxEntry(destination_id, row.partition, row.inbox_id, ordinal, inbox_id))

    def _except(self, row: InboxRow, state: int, violation: Violation) -> None:
        self.exceptions.append(Exceptional(row.stream_id, row.sequence, state, violation))

    def _hold(self, item: Decoded, violation: Violation) -> None:
        row = item.row
        region = item.case[0] if item.case else None
        record_key = item.case[1] if item.case else None
        sender_id = self._neighbourhood.senders[row.stream_id]
        origin_id = origin_of(row.payload)
        self._held.append(
            Held(
                "apply", row.stream_id, None, row.sequence, row.inbox_id, sender_id, origin_id, record_key, region,
                violation, row.payload,
            )
        )  # fmt: skip

    async def write(self, session: HotSession) -> None:
        """Writes everything but the cursors."""
        new = [self._known[case_id] for case_id in self._is_new]
        changed = [self._known[case_id] for case_id in self._touched - self._is_new]
        await cases.save(session, new, changed)
        await cases.add_sections(session, self._sections)
        await cases.add_actions(session, self._actions)
        await figures.add_deltas(session, await self._deltas())
        await outbox.add(session, self._outbox)
        await quarantine.hold(session, self._held)

    async def _deltas(self) -> dict[CellKey, list[int]]:
        """Sums what the touched cases count for now, less what they counted for before."""
        tally: dict[Share, int] = {}
        for number, (case_id, before) in enumerate(self._before.items()):
            old = shares(before, self._rules) if before else ()
            new = shares(self._known[case_id], self._rules)
            if old != new:
                for share in old:
                    tally[share] = tally.get(share, 0) - 1
                for share in new:
                    tally[share] = tally.get(share, 0) + 1
            if number % SLICE == 0:
                await asyncio.sleep(0)
        deltas: dict[CellKey, list[int]] = {}
        for (cell, counts), times in tally.items():
            if not times:
                continue
            change = deltas.setdefault(cell, [0] * len(COUNTERS))
            for index, count in enumerate(counts):
                if count:
                    change[index] += times * count
        return deltas
