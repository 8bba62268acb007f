"""The desk for letters about frequent problems: finds what is due, takes a person's word, and follows the answers.

Finding and following are done by a job; sending is done by nobody but a person. A confirmed proposal, its letter and
its line in the audit log are one transaction. Called by ``hub.jobs``, the command line and the console.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from connectors.wire import read_parcel
from exchange_db import followup, peers
from exchange_db.audit_records import Value
from exchange_db.document_records import SubjectCase
from exchange_db.followup import ProposalFilter, ProposalRow, Reported
from exchange_db.peers import Peer
from exchange_db.records import Case, Violated
from exchange_db.regions import Regions, region_of, subtree
from exchange_db.session import Ledger, WriteSession
from hub.clock import Clock
from hub.documents.desk import DocumentDesk
from hub.documents.drafts import Draft
from hub.evaluation.repeats import Letter, Occurrence, Proposal, RepeatRules, Step, proposals_of
from hub.followup.escalation import (
    KINDS,
    ProposalState,
    StepForbidden,
    chain_of,
    go,
    is_busy,
    proposal_of,
    sent_of,
    settle,
)
from hub.followup.wording import worded
from hub.recording import recorded, told
from hub.sections.followup import FollowupPart

#: Returns the names of classes, by class key.
ReadNames = Callable[[], Awaitable[Mapping[str, str]]]
#: Lays a letter out: of a proposal and its draft with its number, name, media type and bytes of the file.
Print = Callable[[ProposalRow, Draft], Awaitable[tuple[str, str, bytes]]]


class Found(NamedTuple):
    """What a run came to: proposals made, answers taken note of, letters that went unanswered."""

    proposed_count: int
    answered_count: int
    unanswered_count: int


class LetterDesk:
    """The desk.

    Args:
        ledger: the hub's database.
        documents: issues the letters.
        part: the settings.
        names: returns the names of classes, by class key.
        clock: the hub's clock.
        zone: zone in which days begin.
        print_letter: lays letters out; without it they go out as text alone.
    """

    def __init__(
        self,
        ledger: Ledger,
        documents: DocumentDesk,
        part: FollowupPart,
        names: ReadNames,
        clock: Clock,
        zone: str,
        print_letter: Print | None = None,
    ) -> None:
        self._ledger = ledger
        self._documents = documents
        self._part = part
        self._names = names
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._print = print_letter
        self._regions = subtree(documents.hub_region)

    @property
    def rules(self) -> RepeatRules:
        """What makes a problem frequent, and the letters in order."""
        part = self._part
        days = (part.assignment_days, part.supervision_days, part.special_days)
        steps = tuple(Step(letter=letter, days=given) for letter, given in zip(Letter, days, strict=True))
        return RepeatRules(least=part.least, is_by_unit=part.is_by_unit, memory_days=part.memory_days, steps=steps)

    def today(self) -> date:
        """Returns the day it is in the hub's zone."""
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC).astimezone(self._zone).date()

    async def run(self) -> Found:
        """Takes note of answers, proposes what follows unanswered letters and what yesterday's reports lead to."""
        answered, unanswered, following = await self.follow()
        proposed = await self.propose(self.today() - timedelta(days=1))
        return Found(proposed + following, answered, unanswered)

    async def run_by_hand(self, day: date | None) -> Found:
        """Does a run because somebody asks for it; of a day's reports alone when one is named."""
        name = day.isoformat() if day else self.today().isoformat()
        async with told(self._ledger, "followup.propose", name) as detail:
            found = await self.run() if day is None else Found(await self.propose(day), 0, 0)
            detail["proposed"] = found.proposed_count
        return found

    async def propose(self, day: date) -> int:
        """Proposes the letters a day's reports lead to; returns how many are new. Harmless twice."""
        first, last = self._span(day)
        now, rules = self._clock(), self.rules
        async with self._ledger.write() as session:
            reported = await followup.reported(session, self._regions, first, last, rules.least)
            earlier = await followup.since(session, self._regions, day - timedelta(days=rules.memory_days))
            known = await peers.all_peers(session)
            rows: list[ProposalRow] = []
            for region in sorted({case.region for case in reported}):
                cases = [case for case in reported if case.region == region]
                before = [row for row in earlier if row.region == region and row.is_by_unit == rules.is_by_unit]
                rows += _proposed(region, cases, before, day, rules, known, now)
            return await followup.add(session, rows)

    async def follow(self) -> tuple[int, int, int]:
        """Takes note of answers and of deadlines that have passed.

        Returns:
            How many letters were answered, how many were not, how many next steps are proposed for that.
        """
        answered = unanswered = following = 0
        hub_id, now = self._documents.hub_id, self._clock()
        async with self._ledger.write() as session:
            for pending in await followup.pending(session, self._regions, hub_id, region_of(hub_id)):
                settled = settle(pending, self.rules, now, self.today())
                if settled is None:
                    continue
                await followup.save(session, settled.proposal)
                if settled.proposal.state == ProposalState.UNANSWERED:
                    unanswered += 1
                else:
                    answered += 1
                    await self._drop_next(session, settled.proposal, now)
                if settled.next_step is not None:
                    following += await followup.add(session, [settled.next_step])
        return answered, unanswered, following

    async def _drop_next(self, session: WriteSession, proposal: ProposalRow, now: int) -> None:
        """Gives up the next step when the answer to a letter comes late, before anybody has confirmed that step."""
        for row in await followup.chain(session, proposal.region, proposal.chain_id):
            if row.step == proposal.step + 1 and row.state == ProposalState.PROPOSED:
                dropped = replace(
                    go(row, ProposalState.DISMISSED, now), decided_by="hub", reason="逾期后已回复 / answered late"
                )
                await followup.save(session, dropped)

    async def confirm(
        self, proposal_id: UUID, regions: Regions, by: str, *, to: str = "", text: str = ""
    ) -> ProposalRow:
        """Sends the letter of a proposal, in the name of whoever acts.

        Args:
            proposal_id: which.
            regions: regions in which the one who confirms may do so.
            by: who confirms.
            to: platform it goes to; "" for the one that was found.
            text: text in place of the one the settings make.

        Raises:
            Violated: FOLLOWUP_UNKNOWN, FOLLOWUP_DECIDED, FIELD_MISSING (nobody to send it to), or what is wrong with
                the letter.
        """
        async with recorded(self._ledger, "followup.confirm", str(proposal_id)) as act:
            row = await followup.find(act.session, proposal_id, regions, for_update=True)
            row = _changed(row, ProposalState.SENT, self._clock())
            now = self._clock()
            row = replace(
                row, addressee_id=to or row.addressee_id, decided_by=by, decided_time=now,
                deadline_time=self._deadline(now, row.days),
            )  # fmt: skip
            if not row.addressee_id:
                raise Violated("FIELD_MISSING", "to")
            draft = worded(row, self._part, await self._names(), self._zone)
            draft = await self._printed(act.session, row, replace(draft, text=text) if text else draft)
            document = await self._documents.issue_in(act.session, draft)
            row = replace(row, document_id=document.document_id)
            await followup.save(act.session, row)
            number = document.content.number if document.content else ""
            sent: dict[str, Value] = {"document": document.document_id, "number": number, "to": row.addressee_id}
            act.detail |= sent
        await self._documents.wake()
        return row

    async def _printed(self, session: WriteSession, row: ProposalRow, draft: Draft) -> Draft:
        """Returns a letter with its file, which bears the letter's number."""
        if self._print is None:
            return draft
        draft = replace(draft, number=await self._documents.next_number(session, draft.kind))
        file = await self._documents.keep_file(*await self._print(row, draft))
        return replace(draft, files=(file,))

    async def dismiss(self, proposal_id: UUID, regions: Regions, by: str, reason: str) -> ProposalRow:
        """Gives a proposal up.

        Raises:
            Violated: FOLLOWUP_UNKNOWN, FOLLOWUP_DECIDED or FIELD_MISSING (a reason is needed).
        """
        if not reason.strip():
            raise Violated("FIELD_MISSING", "reason")
        async with recorded(self._ledger, "followup.dismiss", str(proposal_id), detail={"reason": reason}) as act:
            row = await followup.find(act.session, proposal_id, regions, for_update=True)
            row = _changed(row, ProposalState.DISMISSED, self._clock())
            row = replace(row, decided_by=by, decided_time=self._clock(), reason=reason)
            await followup.save(act.session, row)
        return row

    async def listing(self, wanted: ProposalFilter, limit: int) -> list[ProposalRow]:
        """Returns proposals, the newest first."""
        async with self._ledger.read() as session:
            return await followup.listing(session, wanted, limit)

    async def chain(self, proposal_id: UUID, regions: Regions) -> list[ProposalRow]:
        """Returns a proposal with the other steps of its problem, the first one first.

        Raises:
            Violated: FOLLOWUP_UNKNOWN.
        """
        async with self._ledger.read() as session:
            row = await followup.find(session, proposal_id, regions)
            if row is None:
                raise Violated("FOLLOWUP_UNKNOWN", "proposal", proposal_id)
            return await followup.chain(session, row.region, row.chain_id)

    async def counts(self, regions: Regions) -> dict[str, int]:
        """Returns how many proposals stand in each state."""
        async with self._ledger.read() as session:
            return await followup.counts(session, regions)

    def _span(self, day: date) -> tuple[int, int]:
        moments = (datetime.combine(one, time(), self._zone) for one in (day, day + timedelta(days=1)))
        first, last = (round(moment.timestamp() * 1_000_000) for moment in moments)
        return first, last

    def _deadline(self, now: int, days: int) -> int:
        """Returns the end of the day so many days from now."""
        today = datetime.fromtimestamp(now / 1_000_000, UTC).astimezone(self._zone).date()
        return self._span(today + timedelta(days=days))[1] - 1_000_000


def _changed(row: ProposalRow | None, state: ProposalState, now: int) -> ProposalRow:
    if row is None:
        raise Violated("FOLLOWUP_UNKNOWN", "proposal")
    try:
        return go(row, state, now)
    except StepForbidden as error:
        raise Violated("FOLLOWUP_DECIDED", "proposal", error) from None


def _proposed(
    region: int,
    cases: list[Reported],
    before: list[ProposalRow],
    day: date,
    rules: RepeatRules,
    known: list[Peer],
    now: int,
) -> list[ProposalRow]:
    """Returns the proposals of one region and day."""
    by_ref = {f"{case.issuer_id}/{case.case_no}": case for case in cases}
    occurrences = [
        Occurrence(
            case_ref=ref,
            class_key=case.class_key,
            grid_code=grid_of(case.payload),
            unit_code=case.unit_code,
        )
        for ref, case in by_ref.items()
    ]
    rows = []
    for proposal in proposals_of(occurrences, sent_of(before), day, rules):
        if is_busy(proposal.problem, day, before):
            continue
        rows.append(_row(region, proposal, [by_ref[ref] for ref in proposal.case_refs], day, rules, known, now))
    return rows


def _row(
    region: int,
    proposal: Proposal,
    cases: list[Reported],
    day: date,
    rules: RepeatRules,
    known: list[Peer],
    now: int,
) -> ProposalRow:
    class_key, place = proposal.problem
    chain_id = chain_of(region, proposal.problem, day)
    step = next(number for number, one in enumerate(rules.steps) if one.letter is proposal.letter)
    units = Counter(case.unit_code for case in cases if case.unit_code).most_common(1)
    unit_code = units[0][0] if units else ""
    return ProposalRow(
        region=region,
        proposal_id=proposal_of(chain_id, step),
        chain_id=chain_id,
        step=step,
        class_key=class_key,
        place=place,
        is_by_unit=rules.is_by_unit,
        day=day,
        addressee_id=_addressee(region, cases, known),
        unit_code=unit_code,
        unit_name=next((name for case in cases if case.unit_code == unit_code and (name := unit_name_of(case))), ""),
        cases=tuple(SubjectCase(case.issuer_id, case.case_no) for case in cases[:200]),
        letter_kind=int(KINDS[proposal.letter]),
        days=rules.steps[step].days,
        made_time=now,
    )


def _addressee(region: int, cases: list[Reported], known: list[Peer]) -> str:
    """Returns who answers for the cases: who handles most of them, else the platform or hub of the region."""
    handlers = Counter(case.handler_id for case in cases if case.handler_id).most_common(1)
    if handlers:
        return handlers[0][0]
    there = [peer for peer in known if peer.relation == "child" and peer.region == region]
    return next((peer.peer_id for kind in ("platform", "hub") for peer in there if peer.kind == kind), "")


def grid_of(payload: bytes) -> str:
    """Returns the grid a report names; "" for none."""
    try:
        record = read_parcel(payload).record
    except Violated:
        return ""
    return record.report.grid_code if isinstance(record, Case) and record.report else ""


def unit_name_of(case: Reported) -> str:
    """Returns the name of the unit a case was given to; "" when it is not known."""
    if case.assignment_payload is None:
        return ""
    try:
        record = read_parcel(case.assignment_payload).record
    except Violated:
        return ""
    return record.assignment.unit_name if isinstance(record, Case) and record.assignment else ""
