"""The desk for lists of cases: shows them inside the reader's regions, and lets a person supervise what stands there.

Supervising (督办) sends one letter to one platform about some cases and writes a line into the story of each, in one
transaction. Nothing else of a case is touched: its sections belong to their owners, and merging two cases is the act
of the authority that dispatched them.
"""

from typing import NamedTuple
from uuid import uuid4

import msgspec

from auth.principal import Principal
from connectors.messages import note
from connectors.wire import write_parcel
from exchange_db import followup_lists, inbox
from exchange_db.document_records import Document, DocumentKind, SubjectCase
from exchange_db.followup_lists import Listed, ListRules, Pair, Place, Selector
from exchange_db.inbox import Arrival, Entry
from exchange_db.records import CaseLink, Violated
from exchange_db.regions import Regions, line_of
from exchange_db.session import Ledger, WriteSession
from hub.clock import Clock
from hub.documents.desk import DocumentDesk, refused
from hub.documents.drafts import Draft
from hub.intake.validation import Gate
from hub.recording import recorded
from hub.sections.followup import FollowupPart
from hub.settings import LifePart

_STREAM = "followup"
_DAY = 86_400_000_000
#: The line in the story of a case that is supervised.
SUPERVISE = "supervise"


class ListPage(NamedTuple):
    """One page of a list, and where the next one begins; ``None`` at the end."""

    rows: list[Listed]
    next_place: Place | None


class ListDesk:
    """The desk.

    Args:
        ledger: the hub's database.
        documents: issues letters.
        part: limits of the lists.
        life: how near two cases must be to be looked at as one.
        clock: the hub's clock.
    """

    def __init__(
        self, ledger: Ledger, documents: DocumentDesk, part: FollowupPart, life: LifePart, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._documents = documents
        self._part = part
        self._life = life
        self._clock = clock
        hub_id, region = documents.hub_id, documents.hub_region
        self._gate = Gate(Principal(hub_id, region, "hub", "child", 0, ""), region)

    def rules(self) -> ListRules:
        """Returns what the lists depend on, now."""
        part, region = self._part, self._documents.hub_region
        return ListRules(
            self._clock(),
            part.horizon_days,
            part.unsent_minutes,
            part.ending_days,
            part.upper_sources,
            tuple(above for above in line_of(region) if above != region),
            msgspec.json.encode(part.responsible).decode(),
        )

    async def page(self, selector: Selector, regions: Regions, after: Place | None, limit: int) -> ListPage:
        """Returns one page of a list."""
        async with self._ledger.read() as session:
            rows = await followup_lists.listing(session, selector, regions, self.rules(), after, limit + 1)
        shown = rows[:limit]
        if len(rows) <= limit:
            return ListPage(shown, None)
        return ListPage(shown, Place(shown[-1].region, shown[-1].reported_time, shown[-1].case_id))

    async def counts(self, regions: Regions) -> dict[Selector, int]:
        """Returns how many cases stand in each list."""
        async with self._ledger.read() as session:
            return await followup_lists.counts(session, regions, self.rules())

    async def duplicates(self, regions: Regions, days: int, limit: int) -> list[Pair]:
        """Returns pairs of cases that may be one problem, of the last days, newest first."""
        async with self._ledger.read() as session:
            first_time = self._clock() - days * _DAY
            hours, metres = self._life.duplicate_hours, self._life.duplicate_metres
            return await followup_lists.duplicates(session, regions, first_time, hours, metres, limit)

    async def clear(self, pair: Pair, by: str, reason: str) -> None:
        """Notes that a pair is not one problem.

        Raises:
            Violated: FIELD_MISSING, a reason is needed.
        """
        if not reason.strip():
            raise Violated("FIELD_MISSING", "reason")
        name = f"{pair.first_issuer_id}/{pair.first_case_no} {pair.second_issuer_id}/{pair.second_case_no}"
        async with recorded(self._ledger, "followup.clear", name, region=pair.region, detail={"reason": reason}) as act:
            if not await followup_lists.clear_pair(act.session, pair, by, reason):
                act.refuse("FOLLOWUP_DECIDED")

    async def supervise(self, cases: tuple[SubjectCase, ...], to: str, region: int, days: int, text: str) -> Document:
        """Sends a letter of supervision about cases, and writes a line into the story of each.

        Raises:
            Violated: what is wrong with the letter; nothing was done.
        """
        draft = Draft(
            kind=DocumentKind.SUPERVISION_LETTER,
            title=f"关于{len(cases)}件案件的督办函",
            region=region,
            addressee_id=to,
            text=text,
            deadline_time=self._clock() + days * _DAY,
            cases=cases,
        )
        async with recorded(self._ledger, "followup.supervise", to, region=region) as act:
            document = await self._documents.issue_in(act.session, draft)
            assert document.content is not None  # noqa: S101 — just made
            await self._tell(act.session, cases, document.content.number)
            act.detail |= {
                "document": document.document_id,
                "cases": [f"{one.issuer_id}/{one.case_no}" for one in cases],
            }
        await self._documents.wake()
        return document

    async def _tell(self, session: WriteSession, cases: tuple[SubjectCase, ...], number: str) -> None:
        now, hub_id = self._clock(), self._documents.hub_id
        entries = []
        for case in cases:
            line = note(CaseLink(case.issuer_id, case.case_no), hub_id, SUPERVISE, now, f"督办 {number}")
            found = self._gate.check(write_parcel(uuid4(), hub_id, now, line), now)
            if not isinstance(found, Entry):
                raise refused(found.violation)
            entries.append(found)
        stream = await inbox.open_stream(session, hub_id, _STREAM)
        await inbox.append(session, [Arrival(stream.stream_id, hub_id, "", 0, list(entries))], now)
