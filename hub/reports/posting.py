"""Sending a report to other platforms: as a document with its files, named by their hashes."""

import msgspec

from exchange_db import reports
from exchange_db.document_records import Document, DocumentKind, FigureRef
from exchange_db.regions import format_region
from exchange_db.reports import ReportRun
from exchange_db.session import Ledger
from hub.documents.desk import DocumentDesk
from hub.documents.drafts import Draft
from hub.reports.content import ReportData, ReportKind
from hub.reports.desk import MEDIA_TYPES, ReportDesk, file_name

#: What each sort is as a document.
_KINDS = {
    ReportKind.ASSIGNMENT: DocumentKind.ASSIGNMENT_LETTER,
    ReportKind.SUPERVISION: DocumentKind.SUPERVISION_LETTER,
    ReportKind.SPECIAL: DocumentKind.SPECIAL_LETTER,
    ReportKind.BOOKLET: DocumentKind.BOOKLET,
    ReportKind.SCORES: DocumentKind.RESULT_SHEET,
}
_MOST_TITLE, _MOST_NAME, _MOST_NUMBER = 100, 100, 60


class ReportPost:
    """Sends reports.

    Args:
        ledger: the hub's database.
        desk: has the reports.
        documents: issues documents.
    """

    def __init__(self, ledger: Ledger, desk: ReportDesk, documents: DocumentDesk) -> None:
        self._ledger = ledger
        self._desk = desk
        self._documents = documents

    async def send(self, run: ReportRun, addressee_id: str = "", deadline_time: int = 0) -> Document:
        """Sends a version; a later one of the same report says that it replaces the one sent before.

        Args:
            run: the version.
            addressee_id: hub or platform it is for; empty for everybody in its region and below, but for letters.
            deadline_time: by when it is to be answered, microseconds since 1970; 0 for no answer.

        Raises:
            Violated: the document cannot be issued; nothing was sent.
        """
        kind = ReportKind(run.kind)
        files = []
        for name in run.formats:
            file = await self._desk.file(run, name)
            shown = file_name(run, name)[-_MOST_NAME:]
            files.append(await self._documents.keep_file(shown, MEDIA_TYPES[name], file.content))
        data = msgspec.convert(await self._desk.data(run), ReportData)
        figures = data.whole.now.figures if data.whole else ()
        async with self._ledger.read() as session:
            earlier = [one.document_id for one in await reports.versions(session, run.key) if one.document_id]
        document = await self._documents.issue(
            Draft(
                kind=_KINDS.get(kind, DocumentKind.BULLETIN),
                title=run.title[:_MOST_TITLE],
                region=run.region,
                addressee_id=addressee_id,
                unit_code=run.subject.partition("|")[0] if data.letter else "",
                unit_name=data.letter.unit if data.letter else "",
                text=f"{run.title}（{run.number}），见附件。",
                deadline_time=deadline_time,
                supersedes_id=earlier[0] if earlier else "",
                number=run.number[:_MOST_NUMBER],
                figures=tuple(FigureRef(one.metric_id, run.span, format_region(run.region)) for one in figures),
                files=tuple(files),
            )
        )
        async with self._ledger.write() as session:
            await reports.note_sent(session, run, document.document_id)
        return document
