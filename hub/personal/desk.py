"""The desk for personal data: takes reporters in, lets a person see one case unmasked, exchanges keys, forgets.

Every look is recorded before anything is shown, in the same transaction; if that cannot be written, nothing is shown.
Decides nothing: ``auth.permissions``. Called by the REST edge, the console and the command line.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from auth.approvals import Operation
from auth.permissions import require_unmask
from auth.person import Person
from auth.personal import Reporter, SealingKeys, new_key
from auth.principal import Principal
from auth.signing_keys import KeyWrap
from exchange_db import cases, people, reporters
from exchange_db.audit_records import Value, person_actor
from exchange_db.cases import CaseRow
from exchange_db.keys import case_key
from exchange_db.records import Violated
from exchange_db.regions import Subtree, region_of
from exchange_db.reporters import SealedReporter
from exchange_db.session import Ledger, ReadSession, WriteSession
from hub.clock import Clock
from hub.recording import acting_as, recorded
from hub.sections.personal import PersonalPart

#: Fewest letters of a reason: enough to say something.
LEAST_REASON = 6
_EVERYWHERE = Subtree(0, 999_999)
_BATCH = 200
#: Tells how far an operation is, and how far it goes.
_Step = Callable[[int, int], Awaitable[None]]


class PersonalDesk:
    """Personal data of one hub.

    Args:
        ledger: the hub's database.
        wrap: returns what keys are wrapped with; asked when it is needed first.
        part: the settings of personal data.
        is_approval_required: whether a second person must approve before a case is unmasked.
        clock: the hub's clock.
    """

    def __init__(
        self,
        ledger: Ledger,
        wrap: Callable[[], KeyWrap],
        part: PersonalPart,
        clock: Clock,
        *,
        is_approval_required: bool,
    ) -> None:
        self._ledger = ledger
        self._wrap = wrap
        self._part = part
        self._clock = clock
        self._is_approval_required = is_approval_required

    async def keep(self, source: Principal, known: Mapping[str, Reporter]) -> int:
        """Keeps who reported some cases of a platform's own; returns how many.

        Args:
            source: the platform that took the reports.
            known: number of a case to its reporter.

        Raises:
            Violated: PERSONAL_DATA_REFUSED, this hub keeps none or the caller is no platform.
            WrappingKeyInvalid: the wrapping key cannot be used.
        """
        if not self._part.keeps_reporters or source.kind != "platform":
            raise Violated("PERSONAL_DATA_REFUSED")
        now, home = self._now(), region_of(source.peer_id)
        async with self._ledger.write() as session:
            keys = await self._keys(session, now)
            rows = []
            for case_no, reporter in sorted(known.items()):
                case_id = case_key(source.peer_id, case_no)
                sealed = keys.seal(reporter, case_id)
                rows.append(SealedReporter(home, case_id, keys.newest, sealed, source.peer_id, now))
            await reporters.keep(session, rows)
        return len(rows)

    def may_unmask(self, person: Person, row: CaseRow) -> bool:
        """Tells whether a person may ask for a case's personal data."""
        try:
            require_unmask(person, row.region, self._part.regions)
        except Violated:
            return False
        return True

    async def is_unmasked(self, session: ReadSession, person: Person, row: CaseRow) -> bool:
        """Tells whether a person asked for a case and may still see it unmasked."""
        return self.may_unmask(person, row) and await reporters.is_unmasked(
            session, person.person_id, row.home_region, row.case_id, self._now()
        )

    async def unmask(self, person: Person, row: CaseRow, reason: str) -> None:
        """Lets a person see a case unmasked for a while, alone.

        Raises:
            Violated: SIGN_ON_REQUIRED, RIGHT_MISSING, UNMASK_REASON_MISSING, or APPROVAL_REQUIRED.
        """
        about: dict[str, Value] = {"reason": reason[:400]}
        with acting_as(person_actor(person.issuer_id, person.subject)):
            async with recorded(self._ledger, Operation.UNMASK, _name(row), region=row.region, detail=about) as act:
                require_unmask(person, row.region, self._part.regions)
                if len(reason.strip()) < LEAST_REASON:
                    raise Violated("UNMASK_REASON_MISSING", "reason")
                if self._is_approval_required:
                    raise Violated("UNMASK_NEEDS_APPROVAL", "", f"{_name(row)} --argument person={person.person_id}")
                await self._open(act.session, person.person_id, row)

    async def reporter(self, person: Person, row: CaseRow, *, is_unmasked: bool) -> Reporter | None:
        """Returns who reported a case, masked unless it is unmasked; ``None`` when that is not known here.

        Raises:
            WrappingKeyInvalid: the wrapping key cannot be used.
        """
        async with self._ledger.read() as session:
            found = await reporters.find(session, row.home_region, row.case_id)
            wrapped = await reporters.keys(session) if found else {}
        if is_unmasked:
            with acting_as(person_actor(person.issuer_id, person.subject)):
                async with recorded(self._ledger, "personal_data.read", _name(row), region=row.region):
                    pass
        if found is None:
            return None
        reporter = SealingKeys(wrapped, self._wrap()).open(found.key_number, found.sealed, found.case_id)
        return reporter if is_unmasked else reporter.masked()

    async def rotate(self) -> int:
        """Makes a new key, seals everything anew, and drops keys that seal nothing; returns how many were sealed.

        Raises:
            WrappingKeyInvalid: the wrapping key cannot be used.
        """
        count = 0
        async with recorded(self._ledger, "personal_key.rotate", "reporters") as act:
            keys = SealingKeys(await reporters.keys(act.session), self._wrap())
            number = keys.newest + 1
            await reporters.add_key(act.session, number, new_key(number, self._wrap()), self._now())
            keys = SealingKeys(await reporters.keys(act.session), self._wrap())
            while rows := await reporters.sealed_before(act.session, number, _BATCH):
                for row in rows:
                    known = keys.open(row.key_number, row.sealed, row.case_id)
                    await reporters.reseal(act.session, row, number, keys.seal(known, row.case_id))
                count += len(rows)
            await reporters.drop_keys_before(act.session, number)
            act.detail["resealed"] = count
        return count

    async def forget(self) -> int:
        """Forgets reporters whose time is over; returns how many."""
        before = self._now() - timedelta(days=self._part.keep_days)
        async with recorded(self._ledger, "personal_data.forget", "reporters") as act:
            act.detail["forgotten"] = count = await reporters.forget_before(act.session, before)
        return count

    async def forget_due(self) -> int:
        """Does the same, and records nothing while there is nothing to forget; for whoever looks again and again."""
        async with self._ledger.read() as session:
            is_due = await reporters.has_before(session, self._now() - timedelta(days=self._part.keep_days))
        return await self.forget() if is_due else 0

    async def dry_run(self, name: str, arguments: Mapping[str, Value]) -> list[str]:
        """Says for a proposal who would see which case, and for how long.

        Raises:
            Violated: ARGUMENT_INVALID, there is no such case or person.
        """
        async with self._ledger.read() as session:
            row, person_id = await self._meant(session, name, arguments)
            person = await people.of_id(session, person_id)
            has_reporter = await reporters.find(session, row.home_region, row.case_id) is not None
        assert person is not None  # noqa: S101 — looked for by ``_meant``
        who = f"{person.issuer_id}/{person.subject}"
        return [f"{name} {row.region:06d} → {who}, {self._part.unmasked_minutes} min, reporter: {has_reporter}"]

    async def run(self, name: str, arguments: Mapping[str, Value], step: _Step) -> str:
        """Lets the person of an approved proposal see the case; returns until when."""
        await step(0, 1)
        async with recorded(self._ledger, Operation.UNMASK, name, detail={"person": str(arguments["person"])}) as act:
            row, person_id = await self._meant(act.session, name, arguments)
            until = await self._open(act.session, person_id, row)
        await step(1, 1)
        return until

    async def _meant(self, session: ReadSession, name: str, arguments: Mapping[str, Value]) -> tuple[CaseRow, UUID]:
        issuer_id, _, case_no = name.partition("/")
        try:
            key, home, person_id = case_key(issuer_id, case_no), region_of(issuer_id), UUID(str(arguments["person"]))
        except (KeyError, ValueError):
            raise Violated("ARGUMENT_INVALID", "object", f"{name} person=<id>") from None
        if len(arguments) > 1:
            raise Violated("ARGUMENT_INVALID", "arguments", ", ".join(sorted(arguments)))
        row = await cases.find(session, home, key, _EVERYWHERE)
        if row is None or await people.of_id(session, person_id) is None:
            raise Violated("ARGUMENT_INVALID", "object", name)
        return row, person_id

    async def _open(self, session: WriteSession, person_id: UUID, row: CaseRow) -> str:
        until = self._now() + timedelta(minutes=self._part.unmasked_minutes)
        await reporters.unmask(session, person_id, row.home_region, row.case_id, until)
        return until.isoformat(timespec="seconds")

    async def _keys(self, session: WriteSession, now: datetime) -> SealingKeys:
        wrapped = await reporters.keys(session)
        if not wrapped:
            wrapped = {1: new_key(1, self._wrap())}
            await reporters.add_key(session, 1, wrapped[1], now)
        return SealingKeys(wrapped, self._wrap())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def _name(row: CaseRow) -> str:
    return f"{row.issuer_id}/{row.case_no}"
