"""A county's client for vendors: what is reported is durable at once, sent in the background, and told of afterwards.

``docs/pushing.md`` shows it at work. One client a spool, one spool a platform's process.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Self

from connectors.county.attachment_spool import AttachmentSpool, RefusedUpload
from connectors.county.attachments import AttachmentSender, fetch_file, offers_of, type_of
from connectors.county.canaries import answer_to, offer_answers
from connectors.county.exchange_book import ExchangeBook, key_of
from connectors.county.packing import pack, unpacked
from connectors.county.profile import Profile, ProfileInvalid, read_profile
from connectors.county.pusher import NumbersDisagree, Pusher, pause_seconds, target_of, way_of
from connectors.county.reconciling import ReconciledDay, reconcile
from connectors.county.spool import Item, Outcome, Spool, SpoolInvalid, State
from connectors.county.waiting import either
from connectors.errors import CallRefused, ConnectorError, CredentialsRefused, Unreachable
from connectors.transports.attachment_calls import wanted_by
from connectors.transports.dialling import peer_at
from connectors.transports.grpc_peer import GrpcPeer, Target
from connectors.transports.standards_calls import ConditionName, DeadlineAnswer, compute_deadline
from exchange_db.attachment_records import AttachmentKind, AttachmentRef, Offer
from exchange_db.marks import day_before, day_of
from exchange_db.records import Case, Component, Handling, Violated, Violation
from exchange_db.seal_records import Judging, Sealing

__all__ = ["ConditionName", "CountyClient", "DeadlineAnswer", "Receipt", "State"]

logger = logging.getLogger(__name__)

#: Seconds until a refused certificate is shown again; a person must act before.
_REFUSED_PAUSE_SECONDS = 30.0
_ANSWER_SECONDS = 30.0
_CURSOR_AHEAD = "CURSOR_AHEAD"


class Receipt(NamedTuple):
    """What became of a case that was reported.

    ``state`` is first technical (``ACCEPTED``, ``KNOWN``, ``REFUSED``), then, for what the hub took, business
    (``APPLIED``, ``STALE``, ``QUARANTINED``). ``violation`` says why a case was refused or put into quarantine.
    """

    message_id: str
    case_no: str
    state: State
    violation: Violation


class CountyClient:
    """A platform's connection to its hub; use as ``async with CountyClient(profile, spool) as client``.

    Args:
        profile: folder or file written by ``sanji peers accept --profile``, or the profile itself.
        spool: file for what is not sent yet; made when missing. It belongs to this client alone.
        sealing: signs batches in the platform's name, where the hub wants that.
        judging: judges what is fetched; needed where the profile names ``hub_cards``.

    Raises:
        ProfileInvalid: the profile cannot be used.
        SpoolInvalid: the spool is in use, damaged, or cannot be written.
    """

    _has_line = True

    def __init__(
        self,
        profile: Profile | Path | str,
        spool: Path | str,
        sealing: Sealing | None = None,
        judging: Judging | None = None,
    ) -> None:
        self._sealing, self._judging = sealing, judging
        self.profile = profile if isinstance(profile, Profile) else read_profile(Path(profile))
        if self.profile.hub_cards and judging is None:
            raise ProfileInvalid("档案写明 hub_cards，须提供验签（judging）。 / hub_cards needs judging; see docs.")
        self._path = Path(spool)
        self._sending: asyncio.Task[None] | None = None
        self._sender: AttachmentSender | None = None
        self._handing_in: asyncio.Task[None] | None = None
        self._trouble: ConnectorError | None = None
        self._attachment_trouble: ConnectorError | None = None

    async def __aenter__(self) -> Self:
        self._way = way_of(self.profile, self._sealing, self._judging)
        self._spool = Spool(self._path, keeps_all=True)
        try:
            self._attachments = AttachmentSpool(self._path.with_name(f"{self._path.name}.attachments"))
            self._book = ExchangeBook(self._path.with_name(f"{self._path.name}.book"))
        except SpoolInvalid:
            self._spool.close()
            raise
        self._pusher = Pusher(self._way, self._spool, self._note_trouble)
        self._sending = asyncio.create_task(self._send())
        # Evidence travels by gRPC only.
        if self._has_line and isinstance(self._way, Target):
            self._sender = AttachmentSender(self._way, self._attachments, self._note_attachment_trouble)
            self._handing_in = asyncio.create_task(self._sender.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._sending is not None  # noqa: S101 — __aenter__ comes first
        tasks = [task for task in (self._sending, self._handing_in) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if not self._sending.cancelled() and (error := self._sending.exception()) is not None:
            logger.error("报送已中止。 / Sending had ended: %s", error)
        self._book.close()
        self._attachments.close()
        self._spool.close()

    @property
    def trouble(self) -> ConnectorError | None:
        """Why nothing is being sent just now; ``None`` while all is well."""
        return self._trouble

    @property
    def waiting_count(self) -> int:
        """Cases the hub has not answered yet."""
        progress = self._spool.progress()
        return progress.written - progress.answered

    async def report(self, *records: Case | Component) -> list[str]:
        """Takes records to be sent; on return they are on this machine's disk. Returns their message ids.

        The same record gives the same id and is done once, however often it is reported; a change needs a higher
        revision of the component, or of the section of a case that changed.

        Raises:
            Violated: a record does not keep the contract; none of them was taken.
            SpoolInvalid: the disk is full or broken; none of them was taken.
        """
        packed = [pack(self.profile.platform_id, record, is_traced=self.profile.is_traced) for record in records]
        if offers := [offer for record in records if isinstance(record, Case) for offer in offers_of(record)]:
            # Before the cases: what a case names must be on its way even if this process ends here.
            sender = self._require_sender()
            self._attachments.add(offers)
            sender.wake()
        self._spool.write([Item(*item) for item in packed])
        self._book.note([item.payload for item in packed], is_sent=True)
        self._pusher.wake()
        return [item.message_id for item in packed]

    async def answer(self, case: Case, handling: Handling) -> str:
        """Answers an assignment with this platform's own section; as durable as ``report``."""
        return (await self.report(Case(case.issuer_id, case.case_no, handling=handling)))[0]

    async def attach(
        self,
        path: Path | str,
        kind: AttachmentKind,
        *,
        section: Literal["report", "handling", "verdict"] = "report",
        media_type: str = "",
        captured_time: int = 0,
    ) -> AttachmentRef:
        """Takes evidence for a case that is reported next; on return a copy is on this machine's disk.

        Put what is returned into ``Case.attachments``; ``report`` sends the case at once and the bytes in the
        background, neither waits for the other.

        Args:
            path: a photo, sound or film.
            kind: what it shows.
            section: the section of the case that names it.
            media_type: its type; by default the one its name tells.
            captured_time: when it was taken, microseconds since 1970; 0 when not known.

        Raises:
            OSError: the file cannot be read, or not be copied.
            Violated: FIELD_MISSING, the file is empty or its name tells no type.
            ProfileInvalid: the profile is one for REST, by which no evidence travels.
        """
        self._require_sender()
        file = Path(path)
        media_type = media_type or type_of(file)
        digest, size = await asyncio.to_thread(self._attachments.keep, file)
        if not size:
            raise Violated("FIELD_MISSING", "size_bytes")
        return AttachmentRef(section, kind, digest, size, media_type, captured_time)

    async def fetch(self, ref: AttachmentRef, path: Path | str) -> None:
        """Fetches evidence of a case that was passed to this platform; goes on where an earlier try stopped.

        Raises:
            Unreachable: not now; the hub may not have it yet.
            CallRefused, CredentialsRefused: the hub does not give it to us.
            OSError: the file cannot be written.
        """
        await fetch_file(target_of(self.profile), ref.digest, Path(path))

    async def wanted(self) -> list[Offer]:
        """Returns the evidence that our sections name and the hub misses, the longest missing first.

        Raises:
            Unreachable, CallRefused, CredentialsRefused: see there.
        """
        async with GrpcPeer(target_of(self.profile)) as hub:
            return [offer async for offer in wanted_by(hub)]

    async def deadline(
        self, region_code: str, start_time: int, rule: str | ConditionName, pauses: Iterable[tuple[int, int]] = ()
    ) -> DeadlineAnswer:
        """Returns until when something must be done, by the calendar and filing conditions in force at the hub.

        Who dispatches asks once and writes the answer into the assignment; ``rule`` is a limit such as ``4工作时`` or
        a filing condition. Arguments as in ``compute_deadline``.

        Raises:
            Unreachable, CallRefused, CredentialsRefused: see there.
        """
        async with GrpcPeer(target_of(self.profile)) as hub:
            return await compute_deadline(hub, region_code, start_time, rule, pauses, timeout_seconds=_ANSWER_SECONDS)

    async def flush_attachments(self) -> list[RefusedUpload]:
        """Returns when the hub has all evidence of the cases reported so far, or has refused it; gives the refused.

        Raises:
            CredentialsRefused: the hub does not want us; everything stays here.
        """
        while self._sender is not None and self._attachments.waiting_count():
            await either(self._sender.changed(), self._handing_in)
            if self._attachments.waiting_count() and isinstance(self._attachment_trouble, CredentialsRefused):
                raise self._attachment_trouble
        return self._attachments.refused()

    async def flush(self, *, is_settled: bool = False) -> None:
        """Returns when the hub has everything on its disk, or with ``is_settled`` when all of it is settled.

        Raises:
            CredentialsRefused, CallRefused: the hub does not want us; what is in the spool stays there.
        """
        while True:
            progress = self._spool.progress()
            if (progress.settled if is_settled else progress.answered) >= progress.written:
                return
            if self._trouble is not None and not isinstance(self._trouble, Unreachable):
                raise self._trouble
            await self._changed()

    async def receipts(self, *, stop_when_empty: bool = False) -> AsyncIterator[Receipt]:
        """Yields what became of the cases, in the order the hub told it.

        A receipt is forgotten when the next one is asked for; one that was being dealt with when the process ended
        comes again. Use one such iteration at a time.

        Args:
            stop_when_empty: end when nothing more was told, instead of waiting.
        """
        last = 0
        while True:
            for outcome in self._spool.outcomes_after(last):
                if outcome.state is State.REFUSED:
                    self._book.refuse([self._key_of(outcome)])
                if outcome.case_no:
                    yield Receipt(outcome.message_id, outcome.case_no, outcome.state, outcome.violation)
                last = outcome.outcome_id
                self._spool.forget_outcomes(last)
            if self._spool.outcomes_after(last, 1):
                continue
            if stop_when_empty:
                return
            await self._changed()

    async def assignments(self, *, stop_when_empty: bool = False) -> AsyncIterator[Case]:
        """Yields the cases among the arrivals; components are passed over, and count as taken.

        Args:
            stop_when_empty: end when nothing more is due, instead of waiting.

        Raises:
            CredentialsRefused, CallRefused: the hub does not want us.
        """
        async for record in self.arrivals(stop_when_empty=stop_when_empty):
            if isinstance(record, Case):
                yield record

    async def arrivals(self, *, stop_when_empty: bool = False) -> AsyncIterator[Case | Component]:
        """Yields what the hub passes to this platform: cases with the sections that are new, components of its region.

        Each comes at least once. A record counts as taken when the next one is asked for, or the iteration goes on to
        its end: what was being dealt with when the process ended comes again. The cursor is kept in the spool.

        Args:
            stop_when_empty: end when nothing more is due, instead of waiting.

        Raises:
            CredentialsRefused, CallRefused: the hub does not want us.
        """
        for again in self._fetched_again():
            yield again
        failure_count = 0
        while True:
            try:
                async with peer_at(self._way) as hub:
                    await offer_answers(hub, self.profile.platform_id)
                    after = self._spool.progress().taken
                    async for response in hub.pull(after, stop_when_empty=stop_when_empty):
                        failure_count = 0
                        for sequence, payload in enumerate(response.batch.parcels, response.batch.first_sequence):
                            record = unpacked(payload)
                            if record is not None:
                                yield record
                            self._note_arrival(sequence, payload, is_ours=record is None)
                        await hub.confirm(self._spool.progress().taken)
                if stop_when_empty:
                    return
            except Unreachable as error:
                logger.info("assignments: %s", error)
            except CallRefused as error:
                if error.reason != _CURSOR_AHEAD:
                    raise
                logger.warning(
                    "枢纽可能由备份恢复，从头领取。 / The hub has gone back in time; pulling from the start."
                )
                self._spool.take(0)
            await asyncio.sleep(pause_seconds(failure_count))
            failure_count += 1

    def _note_arrival(self, sequence: int, payload: bytes, *, is_ours: bool) -> None:
        if is_ours and (answer := answer_to(payload, self.profile.platform_id)):
            self._spool.write(answer)
            self._pusher.wake()
        self._book.note([payload], is_sent=False)
        self._spool.take(sequence)

    def _fetched_again(self) -> Iterator[Case | Component]:
        for arrival_id, payload in self._book.queued():
            if (again := unpacked(payload)) is not None:
                yield again
            self._book.forget(arrival_id)

    async def reconcile(self, day: int = 0, *, is_repairing: bool = False) -> list[ReconciledDay]:
        """Compares with the hub what was sent and received, once everything reported so far is answered.

        The daily reconciliation: the hub is told the result. Records of other spools of this platform, and those from
        before its book was begun, are ``UNKNOWN_AT_SENDER``.

        Args:
            day: one day of China, as 20200615; 0 for all days before today.
            is_repairing: send again what the hub has lost; what is missing here comes once more from ``arrivals``.

        Raises:
            Unreachable, CredentialsRefused, CallRefused: the hub does not answer, does not want us, or is too old.
        """
        await self.flush()
        self._book.refuse(self._key_of(item) for item in self._spool.refusals() if item.state is State.REFUSED)
        last_day = day_before(day_of(time.time_ns() // 1_000))
        async with GrpcPeer(target_of(self.profile, self._sealing, self._judging)) as hub:
            return await reconcile(hub, self._book, last_day, day, is_repairing=is_repairing)

    def _key_of(self, outcome: Outcome) -> bytes:
        return key_of(self.profile.platform_id, outcome.message_id)

    def _require_sender(self) -> AttachmentSender:
        if self._sender is None:
            raise ProfileInvalid("附件只能经 gRPC 传输。 / Evidence travels by gRPC only; the profile is for REST.")
        return self._sender

    async def _send(self) -> None:
        while True:
            try:
                await self._pusher.run()
            except NumbersDisagree as error:
                logger.warning("序号不一致，改用新的报送流。 / Going on in a new stream: %s", error)
                self._spool.renumber()
            except (CredentialsRefused, CallRefused) as error:
                self._note_trouble(error, _REFUSED_PAUSE_SECONDS)
                await asyncio.sleep(_REFUSED_PAUSE_SECONDS)

    def _note_trouble(self, error: ConnectorError | None, seconds: float) -> None:
        if error is not None:
            logger.warning("枢纽 %s：%s；%.0f 秒后再试。 / Trying again.", self.profile.hub_id, error, seconds)
        elif self._trouble is not None:
            logger.info("枢纽 %s 已恢复连接。 / The hub can be reached again.", self.profile.hub_id)
        self._trouble = error
        self._pusher.tell()

    def _note_attachment_trouble(self, error: ConnectorError | None, seconds: float) -> None:
        if error is not None:
            logger.warning("附件暂未上传：%s；%.0f 秒后再试。 / Trying again with attachments.", error, seconds)
        self._attachment_trouble = error

    async def _changed(self) -> None:
        """Returns when something was recorded since the call.

        Raises:
            Exception: what ended the sending for good, a full disk for one.
        """
        await either(self._pusher.changed(), self._sending)
