"""One run of apply: the next records of some partitions, in one transaction.

Everything a record does is collected first and written in bulk: cases, sections, actions, figure deltas, outbox,
receipts, cursors. Nothing is written when another worker has moved a cursor meanwhile. Called by ``hub.apply.worker``.
"""

import asyncio
from typing import NamedTuple

from msgspec import Struct

from connectors.wire import origin_of, read_parcel
from exchange_db import (
    cases,
    evaluation_records,
    figures,
    folding,
    inbox,
    outbox,
    quarantine,
    receipts,
    sheet_history,
    timers,
)
from exchange_db.canary_records import CanaryRecord
from exchange_db.cases import ActionRow, CaseRow, Section, pack_section
from exchange_db.counting import CountingRules
from exchange_db.document_records import Document
from exchange_db.errors import LeaseLost
from exchange_db.evaluation_shapes import EvaluationKind, EvaluationRecord
from exchange_db.facts import AssignmentFacts, CaseFacts, facts_of, read_facts
from exchange_db.inbox import InboxRow
from exchange_db.quarantine import Held
from exchange_db.receipts import QUARANTINED, STALE, Exceptional, Run
from exchange_db.records import Case, Component, FigureSheet, Violated, Violation
from exchange_db.regions import region_of
from exchange_db.session import HotSession
from exchange_db.shares import CaseCounting, Changes
from exchange_db.timers import MilestoneRow
from hub.apply import canaries, components, documents
from hub.apply.components import ComponentRun
from hub.apply.guards import LifeRules
from hub.apply.lifecycle import fold
from hub.apply.routing import Consignment, Router

#: Records taken before the other lane of the process gets a turn; its statements wait for no more than that.
SLICE = 25
_NO_VIOLATION = Violation("", "", "", "")
_UNREAD = Violated("UNREADABLE")
_ASSIGNMENT = Section.ASSIGNMENT


class Neighbourhood(NamedTuple):
    """What a run must know of the outside: where records go, and who sends each stream."""

    router: Router
    senders: dict[int, str]


class ApplyRules(NamedTuple):
    """How cases are counted, and what their steps must bring along."""

    counting: CountingRules
    life: LifeRules


#: What a row of the log may say.
Readable = CaseFacts | Component | FigureSheet | Document | EvaluationRecord | CanaryRecord | Violated


class Decoded(Struct, frozen=True, gc=False):
    """A row of the log and what it says; a ``Violated`` if it cannot be read any more."""

    row: InboxRow
    record: Readable


async def decode(session: HotSession, rows: list[InboxRow]) -> list[Decoded]:
    """Reads what some rows say: cases from their facts, all else from the payload."""
    decoded: list[Decoded] = []
    bare: list[int] = []
    for start in range(0, len(rows), SLICE):
        for row in rows[start : start + SLICE]:
            facts = read_facts(row.facts) if row.facts else None
            if facts is None:
                bare.append(len(decoded))
                decoded.append(Decoded(row, _UNREAD))
            else:
                decoded.append(Decoded(row, facts))
        await asyncio.sleep(0)
    payloads = await inbox.payloads(session, [rows[index] for index in bare])
    for index in bare:
        decoded[index] = Decoded(rows[index], _read(payloads[rows[index].inbox_id]))
    return decoded


def _read(payload: bytes) -> Readable:
    try:
        parcel = read_parcel(payload)
    except Violated as violated:
        return violated
    if isinstance(parcel.record, Case):
        return facts_of(parcel.record, parcel.origin_id, parcel.created_time)
    return parcel.record


async def apply_run(
    session: HotSession,
    decoded: list[Decoded],
    cursors: dict[int, int],
    neighbourhood: Neighbourhood,
    rules: ApplyRules,
) -> dict[int, int]:
    """Applies decoded rows; the caller commits.

    Args:
        session: the transaction.
        decoded: the next rows of some partitions, in order inside each.
        cursors: partition to the last id applied, as this worker knows it.
        neighbourhood: registry and senders.
        rules: how cases are judged and counted.

    Returns:
        The new cursors of the partitions concerned.

    Raises:
        LeaseLost: another worker has taken over; roll back.
    """
    keys = {(item.record.home_region, item.row.record_key) for item in decoded if isinstance(item.record, CaseFacts)}
    known = await cases.load(session, list(keys))
    things = {
        (region_of(item.record.owner_id), item.row.record_key) for item in decoded if isinstance(item.record, Component)
    }
    run = _Run(known, await components.begin(session, things), neighbourhood, rules)
    for start in range(0, len(decoded), SLICE):
        for item in decoded[start : start + SLICE]:
            if isinstance(item.record, CaseFacts | Violated):
                run.take(item.row, item.record)
            elif isinstance(item.record, Component):
                run.take_component(item.row, item.record)
            elif isinstance(item.record, FigureSheet):
                await run.take_sheet(session, item.row, item.record)
            elif isinstance(item.record, Document):
                await run.take_document(session, item.row, item.record)
            elif isinstance(item.record, EvaluationRecord):
                await run.take_evaluation(session, item.row, item.record)
            else:
                run.take_canary(item.row, item.record)
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

    def __init__(
        self, known: dict[bytes, CaseRow], things: ComponentRun, neighbourhood: Neighbourhood, rules: ApplyRules
    ) -> None:
        self._known = known
        self._things = things
        self._neighbourhood = neighbourhood
        self._rules = rules
        #: Touched cases as they were before the run, ``None`` for new ones.
        self._before: dict[bytes, CaseRow | None] = {}
        self._sections: list[bytes] = []
        self._actions: list[ActionRow] = []
        self._milestones: list[MilestoneRow] = []
        self._outbox: list[bytes] = []
        self._canaries: list[CanaryRecord] = []
        self._held: list[tuple[InboxRow, int | None, Violation]] = []
        self.exceptions: list[Exceptional] = []

    def take(self, row: InboxRow, case: CaseFacts | Violated) -> None:
        """Applies one case record, or one that cannot be read, to what is collected."""
        if isinstance(case, Violated):
            self._hold(row, None, case.violation)
            return
        try:
            if not self._take_case(row, case):
                self._except(row, STALE, _NO_VIOLATION)
        except Violated as violated:
            self._hold(row, case.home_region, violated.violation)

    def take_component(self, row: InboxRow, component: Component) -> None:
        """Applies one component, if it is newer than what is there."""
        regions = self._things.take(component, row.record_key, row.inbox_id)
        if regions is None:
            self._except(row, STALE, _NO_VIOLATION)
            return
        sender_id = self._neighbourhood.senders[row.stream_id]
        router = self._neighbourhood.router
        self._send(row, router.of_component(component.owner_id, regions, row.inbox_id, sender_id))

    async def take_sheet(self, session: HotSession, row: InboxRow, sheet: FigureSheet) -> None:
        """Puts one sheet of counts into the ledger, if it is newer than what is there."""
        if not await figures.put_sheet(session, sheet, row.inbox_id):
            self._except(row, STALE, _NO_VIOLATION)
            return
        await sheet_history.keep(session, sheet, row.inbox_id)
        sender_id = self._neighbourhood.senders[row.stream_id]
        self._send(row, self._neighbourhood.router.of_sheet(row.inbox_id, sender_id))

    async def take_evaluation(self, session: HotSession, row: InboxRow, record: EvaluationRecord) -> None:
        """Puts evaluation data into the ledger, if it is newer than what is there."""
        if not await evaluation_records.put(session, record, row.inbox_id):
            self._except(row, STALE, _NO_VIOLATION)
            return
        is_result = record.kind is EvaluationKind.RESULT
        sender_id = self._neighbourhood.senders[row.stream_id]
        ways = self._neighbourhood.router.of_evaluation(
            record.region, is_result=is_result, inbox_id=row.inbox_id, sender_id=sender_id
        )
        self._send(row, ways)

    async def take_document(self, session: HotSession, row: InboxRow, document: Document) -> None:
        """Puts one section of a document into the ledger, if it is newer than what is there."""
        sender_id = self._neighbourhood.senders[row.stream_id]
        try:
            ways = await documents.take(session, document, row.inbox_id, self._neighbourhood.router, sender_id)
        except Violated as violated:
            self._hold(row, region_of(document.issuer_id), violated.violation)
            return
        if ways is None:
            self._except(row, STALE, _NO_VIOLATION)
        else:
            self._send(row, ways)

    def take_canary(self, row: InboxRow, canary: CanaryRecord) -> None:
        """Sends a canary of this hub on its way, or keeps one that has arrived."""
        sender_id = self._neighbourhood.senders[row.stream_id]
        ways = self._neighbourhood.router.of_canary(canary, row.inbox_id, sender_id)
        if ways is None:
            violated = Violated("ADDRESSEE_UNREACHABLE", "canary.receiver_id", canary.addressee_id)
            self._hold(row, region_of(canary.sender_id), violated.violation)
        elif ways:
            self._send(row, ways)
        else:
            self._canaries.append(canary)

    def _take_case(self, row: InboxRow, case: CaseFacts) -> bool:
        home_region, case_id = case.home_region, row.record_key
        before = self._known.get(case_id)
        sender_id = self._neighbourhood.senders[row.stream_id]
        # Who sends what he wrote himself enters the federation here, and is judged here.
        is_judged = sender_id == case.origin_id
        folded = fold(before, case_id, case, row.inbox_id, self._rules.life if is_judged else None)
        if not folded.sections and not folded.actions:
            return False
        after = folded.row
        if folded.sections:
            self._before.setdefault(case_id, before)
            self._known[case_id] = after
            for step in folded.sections:
                self._sections.append(pack_section(home_region, case_id, row.inbox_id, step, case.origin_id))
                if step.section is _ASSIGNMENT and case.assignment and case.assignment.milestones:
                    self._note_milestones(home_region, case_id, case.assignment)
        for action in folded.actions:
            self._actions.append(ActionRow(home_region, case_id, action))
        self._send(row, self._neighbourhood.router.of_case(before, after, row.inbox_id, sender_id))
        return True

    def _note_milestones(self, home_region: int, case_id: bytes, assignment: AssignmentFacts) -> None:
        self._milestones += (
            MilestoneRow(home_region, case_id, assignment.revision, position, milestone)
            for position, milestone in enumerate(assignment.milestones)
        )

    def _send(self, row: InboxRow, consignments: list[Consignment]) -> None:
        for consignment in consignments:
            for ordinal, inbox_id in enumerate(consignment.inbox_ids):
                self._outbox.append(
                    outbox.pack_entry(consignment.destination_id, row.partition, row.inbox_id, ordinal, inbox_id)
                )

    def _except(self, row: InboxRow, state: int, violation: Violation) -> None:
        self.exceptions.append(Exceptional(row.stream_id, row.sequence, state, violation))

    def _hold(self, row: InboxRow, home_region: int | None, violation: Violation) -> None:
        self._held.append((row, home_region, violation))
        self._except(row, QUARANTINED, violation)

    async def write(self, session: HotSession) -> None:
        """Writes everything but the cursors."""
        new = [self._known[case_id] for case_id, before in self._before.items() if before is None]
        changed = [self._known[case_id] for case_id, before in self._before.items() if before is not None]
        await cases.save(session, new, changed)
        await cases.add_sections(session, self._sections)
        await cases.add_actions(session, self._actions)
        await timers.add_milestones(session, self._milestones)
        await self._things.write(session)
        await folding.add_deltas(session, await self._changes())
        await outbox.add(session, self._outbox)
        if self._canaries:
            await canaries.take(session, self._canaries)
        await quarantine.hold(session, await self._put_aside(session))

    async def _put_aside(self, session: HotSession) -> list[Held]:
        payloads = await inbox.payloads(session, [row for row, _, _ in self._held])
        return [
            Held(
                "apply", row.stream_id, None, row.sequence, row.inbox_id,
                self._neighbourhood.senders[row.stream_id], origin_of(payloads[row.inbox_id]),
                row.record_key if home_region is not None else None, home_region, violation, payloads[row.inbox_id],
            )
            for row, home_region, violation in self._held
        ]  # fmt: skip

    async def _changes(self) -> Changes:
        """Sums what the touched cases count for now, less what they counted for before."""
        counting = CaseCounting(self._rules.counting)
        changes: Changes = {}
        for number, (case_id, before) in enumerate(self._before.items()):
            counting.add_step(changes, before, self._known[case_id])
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return changes
