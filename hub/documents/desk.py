"""The desk for documents: issues them in the hub's name, takes them back, answers those for the hub, shows them.

What the hub issues enters the log as a parcel of its own, in the same transaction as its number and its line in the
audit log, so there is no number without a document and no document without both. Called by ``hub.followup``, the
command line, the console and ``hub.rpc``.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from auth.principal import Principal
from connectors.wire import write_parcel
from exchange_db import attachments, documents, inbox, wakeups
from exchange_db.attachment_records import AttachmentKind, Offer
from exchange_db.attachments import Exif
from exchange_db.audit_records import Value
from exchange_db.document_records import (
    LETTERS,
    AnswerState,
    Document,
    DocumentAnswer,
    DocumentContent,
    DocumentFile,
    DocumentKind,
    case_no,
)
from exchange_db.documents import DocumentFilter, DocumentRow, DocumentVersion
from exchange_db.inbox import Arrival, Refusal
from exchange_db.records import Violated, Violation
from exchange_db.regions import Regions, format_region
from exchange_db.session import Ledger, WriteSession
from hub.clock import Clock
from hub.documents.drafts import Draft
from hub.evidence.errors import StoreUnavailable
from hub.evidence.sniffing import HEAD_BYTES, require_type
from hub.evidence.store import EvidenceStore
from hub.intake.validation import Gate
from hub.recording import recorded
from hub.sections.documents import WORDS, DocumentsPart
from hub.settings import HubPart

_STREAM = "documents"
_MEGABYTE = 1_000_000


class DocumentDesk:
    """The desk.

    Args:
        ledger: the hub's database.
        hub: who this hub is, the issuer.
        part: the form of numbers.
        store: where files are kept.
        clock: the hub's clock.
        zone: zone in which years of numbers begin.
        file_megabytes: largest file.
        tell: wakes apply in this process, where it runs here.
    """

    def __init__(
        self,
        ledger: Ledger,
        hub: HubPart,
        part: DocumentsPart,
        store: EvidenceStore,
        clock: Clock,
        zone: str,
        *,
        file_megabytes: int = 50,
        tell: Callable[[], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self.hub_id = hub.id
        self.hub_region = hub.region
        self._part = part
        self._store = store
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._most_bytes = file_megabytes * _MEGABYTE
        self._tell = tell
        self._gate = Gate(Principal(hub.id, hub.region, "hub", "child", 0, ""), hub.region)

    async def keep_file(self, name: str, media_type: str, content: bytes) -> DocumentFile:
        """Puts bytes into the store and returns the file to be named in a draft.

        Raises:
            Violated: ATTACHMENT_TYPE_MISMATCH, ATTACHMENT_TOO_LARGE or STORE_UNAVAILABLE.
        """
        if not 1 <= len(content) <= self._most_bytes:
            raise Violated("ATTACHMENT_TOO_LARGE", "files.size_bytes", f"{len(content)} > {self._most_bytes}")
        sniffed = require_type(media_type, content[:HEAD_BYTES])
        file = DocumentFile(name, hashlib.sha256(content).hexdigest(), len(content), media_type)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file.digest
            await asyncio.to_thread(path.write_bytes, content)
            try:
                await self._store.put(file.digest, path)
            except StoreUnavailable as error:
                raise Violated("STORE_UNAVAILABLE", value=error) from error
        offer = Offer(file.digest, file.size_bytes, media_type, AttachmentKind.DOCUMENT, self.hub_id, "")
        async with self._ledger.write() as session:
            await attachments.store(session, offer, sniffed, Exif(), self.hub_id, self._clock())
        return file

    async def issue(self, draft: Draft) -> Document:
        """Issues a document in the name of whoever acts.

        Raises:
            Violated: a field does not keep the contract; nothing was issued.
        """
        detail: dict[str, Value] = {
            "kind": draft.kind.name.lower(),
            "addressee": draft.addressee_id,
            "title": draft.title,
        }
        async with recorded(self._ledger, "document.issue", self.hub_id, region=draft.region, detail=detail) as act:
            document = await self.issue_in(act.session, draft)
            assert document.content is not None  # noqa: S101 — just made
            act.detail |= {"document": document.document_id, "number": document.content.number}
        await self.wake()
        return document

    async def issue_in(self, session: WriteSession, draft: Draft) -> Document:
        """Issues a document inside a caller's transaction, which records the act; the caller calls ``wake`` after it.

        Raises:
            Violated: a field does not keep the contract; the caller's transaction must end.
        """
        now = self._clock()
        content = DocumentContent(
            revision=1,
            kind=draft.kind,
            title=draft.title,
            region_code=format_region(draft.region),
            issued_time=now,
            number=draft.number or await self.next_number(session, draft.kind),
            addressee_id=draft.addressee_id,
            unit_code=draft.unit_code,
            unit_name=draft.unit_name,
            deadline_time=draft.deadline_time,
            text=draft.text,
            supersedes_id=draft.supersedes_id,
            cases=draft.cases,
            figures=draft.figures,
            files=draft.files,
        )
        document = Document(self.hub_id, uuid4().hex, content)
        await self._enter(session, document, draft.files, now)
        return document

    async def next_number(self, session: WriteSession, kind: DocumentKind) -> str:
        """Takes the next number of a series for a draft whose file shows it; a rollback gives it back."""
        year = datetime.fromtimestamp(self._clock() / 1_000_000, UTC).astimezone(self._zone).year
        number = await documents.next_number(session, self.hub_id, kind, year)
        return self._part.number_form.format(
            prefix=self._part.number_prefix, word=WORDS[kind], year=year, number=number
        )

    async def revise(self, document_id: str, draft: Draft) -> Document:
        """Issues a newer version of a document of this hub: same id, same number, higher revision.

        Raises:
            Violated: DOCUMENT_NOT_FOUND, DOCUMENT_FIXED, or a field does not keep the contract.
        """
        async with recorded(self._ledger, "document.revise", document_id, region=draft.region) as act:
            row = await self._own(act.session, document_id)
            was = row.content
            changed = replace(
                was,
                revision=was.revision + 1,
                title=draft.title,
                text=draft.text,
                deadline_time=draft.deadline_time,
                issued_time=self._clock(),
                number=draft.number or was.number,
                unit_code=draft.unit_code,
                unit_name=draft.unit_name,
                cases=draft.cases,
                figures=draft.figures,
                files=draft.files,
            )
            fixed = (draft.kind, draft.addressee_id, format_region(draft.region))
            for name, said in zip(("kind", "addressee_id", "region_code"), fixed, strict=True):
                if getattr(was, name) != said:
                    raise Violated("DOCUMENT_FIXED", name, f"{getattr(was, name)} → {said}")
            document = Document(self.hub_id, document_id, changed)
            await self._enter(act.session, document, draft.files, self._clock())
            act.detail["revision"] = changed.revision
        await self.wake()
        return document

    async def withdraw(self, document_id: str, reason: str) -> None:
        """Takes a document of this hub back.

        Raises:
            Violated: DOCUMENT_NOT_FOUND.
        """
        async with recorded(self._ledger, "document.withdraw", document_id, detail={"reason": reason}) as act:
            row = await self._own(act.session, document_id)
            content = replace(row.content, revision=row.content.revision + 1, is_withdrawn=True)
            await self._enter(act.session, Document(self.hub_id, document_id, content), (), self._clock())
        await self.wake()

    async def answer(
        self, issuer_id: str, document_id: str, state: AnswerState, text: str, files: tuple[DocumentFile, ...] = ()
    ) -> Document:
        """Answers a document that is for this hub.

        Raises:
            Violated: DOCUMENT_NOT_FOUND, SECTION_FORBIDDEN, DOCUMENT_UNANSWERABLE, or a field breaks the contract.
        """
        name, detail = f"{issuer_id}/{document_id}", {"state": state.name.lower()}
        async with recorded(self._ledger, "document.answer", name, detail=dict(detail)) as act:
            row = await documents.find(act.session, issuer_id, document_id, None)
            if row is None:
                raise Violated("DOCUMENT_NOT_FOUND", "document_id", f"{issuer_id}/{document_id}")
            require_answerable(row, self.hub_id)
            now = self._clock()
            revision = row.answer.revision + 1 if row.answer else 1
            answer = DocumentAnswer(revision, self.hub_id, state, now, text, files)
            document = Document(issuer_id, document_id, answer=answer)
            await self._enter(act.session, document, files, now)
        await self.wake()
        return document

    async def find(self, issuer_id: str, document_id: str, seen: Regions | None = None) -> DocumentRow:
        """Returns one document.

        Raises:
            Violated: DOCUMENT_NOT_FOUND, or not to be seen from these regions.
        """
        async with self._ledger.read() as session:
            row = await documents.find(session, issuer_id, document_id, seen)
        if row is None:
            raise Violated("DOCUMENT_NOT_FOUND", "document_id", f"{issuer_id}/{document_id}")
        return row

    async def listing(self, wanted: DocumentFilter, limit: int) -> list[DocumentRow]:
        """Returns documents, the newest first."""
        async with self._ledger.read() as session:
            return await documents.listing(session, wanted, limit)

    async def versions(self, issuer_id: str, document_id: str) -> list[DocumentVersion]:
        """Returns the versions of a document that took effect, oldest first."""
        async with self._ledger.read() as session:
            return await documents.versions(session, issuer_id, document_id)

    async def wake(self) -> None:
        """Tells apply that there is something, in this process and in others."""
        if self._tell is not None:
            self._tell()
        async with self._ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.INBOX)

    async def _own(self, session: WriteSession, document_id: str) -> DocumentRow:
        row = await documents.find(session, self.hub_id, document_id, None)
        if row is None:
            raise Violated("DOCUMENT_NOT_FOUND", "document_id", document_id)
        return row

    async def _enter(
        self, session: WriteSession, document: Document, files: tuple[DocumentFile, ...], now: int
    ) -> None:
        """Appends a section to the log, as a parcel of this hub, and holds its files for it."""
        if document.content is not None and document.content.kind in LETTERS and not document.content.addressee_id:
            raise Violated("FIELD_MISSING", "document.content.addressee_id")
        payload = write_parcel(uuid4(), self.hub_id, now, document)
        item = self._gate.check(payload, now)
        if isinstance(item, Refusal):
            raise refused(item.violation)
        stream = await inbox.open_stream(session, self.hub_id, _STREAM)
        await inbox.append(session, [Arrival(stream.stream_id, self.hub_id, "", 0, [item])], now)
        for file in files:
            number = case_no(document.document_id)
            offer = Offer(
                file.digest, file.size_bytes, file.media_type, AttachmentKind.DOCUMENT, document.issuer_id, number
            )
            await attachments.hold(session, offer, self.hub_id, now)


def refused(violation: Violation) -> Violated:
    """Returns the error of a violation that was found elsewhere."""
    error = Violated(violation.reason, violation.field_path)
    error.violation = violation
    return error


def require_answerable(row: DocumentRow, answerer_id: str) -> None:
    """Checks that a party may answer a document as it stands.

    Raises:
        Violated: DOCUMENT_UNANSWERABLE or SECTION_FORBIDDEN.
    """
    if not row.content.addressee_id or row.content.is_withdrawn:
        raise Violated("DOCUMENT_UNANSWERABLE", "document_id", f"{row.issuer_id}/{row.document_id}")
    if row.content.addressee_id != answerer_id:
        raise Violated("SECTION_FORBIDDEN", "answerer_id", row.content.addressee_id)
