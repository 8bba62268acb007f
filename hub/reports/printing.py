"""Letters of a proposal as a file: the templates of the desk, under the title and number the letter is sent with.

Handed to ``hub.followup`` as a function by the console and the command line; the two packages do not know each other.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from exchange_db import cases
from exchange_db.cases import CaseRow
from exchange_db.document_records import DocumentKind
from exchange_db.followup import ProposalRow
from exchange_db.keys import case_key
from exchange_db.period_kinds import PeriodKind
from exchange_db.records import Violated
from exchange_db.regions import region_of, subtree
from exchange_db.session import Ledger
from hub.documents.drafts import Draft
from hub.reports.content import Letter, ReportKind
from hub.reports.desk import DOCX, MEDIA_TYPES, ReportDesk
from hub.reports.drafting import Asked
from hub.reports.letters import MOST_CASES, letter_case
from hub.reports.shelf import TemplateBroken
from hub.statistics.periods import Period

_KINDS = {
    DocumentKind.ASSIGNMENT_LETTER: ReportKind.ASSIGNMENT,
    DocumentKind.SUPERVISION_LETTER: ReportKind.SUPERVISION,
    DocumentKind.SPECIAL_LETTER: ReportKind.SPECIAL,
}


class LetterPrinter:
    """Lays letters of proposals out as DOCX.

    Args:
        ledger: the hub's database.
        desk: has the templates and the names of codes.
        zone: zone in which days begin.
    """

    def __init__(self, ledger: Ledger, desk: ReportDesk, zone: ZoneInfo) -> None:
        self._ledger = ledger
        self._desk = desk
        self._zone = zone

    async def print(self, row: ProposalRow, draft: Draft) -> tuple[str, str, bytes]:
        """Returns name, media type and bytes of a letter.

        Args:
            row: the proposal, with the time by which it is to be answered.
            draft: what is sent, with its number.

        Raises:
            Violated: TEMPLATE_BROKEN, or REPORT_NAMES_INVALID.
        """
        names = await self._desk.names()
        rows = await self._cases(row)
        letter = Letter(
            unit=row.unit_name or names.of("unit", row.unit_code) or row.addressee_id,
            problem=names.of("class", row.class_key),
            place=names.of("unit" if row.is_by_unit else "grid", row.place),
            count=len(row.cases),
            cases=tuple(letter_case(case, names, self._zone) for case in rows),
            due_day=self._day(row.deadline_time),
            request=draft.text,
        )
        asked = Asked(_KINDS[draft.kind], row.region, Period(PeriodKind.DAY, row.day, row.day), row.place)
        try:
            content = await self._desk.print_letter(asked, letter, draft.title, draft.number)
        except TemplateBroken as error:
            raise Violated("TEMPLATE_BROKEN", "template", error) from error
        return f"{draft.number} {draft.title[:60]}.{DOCX}", MEDIA_TYPES[DOCX], content

    async def _cases(self, row: ProposalRow) -> list[CaseRow]:
        found = []
        async with self._ledger.read() as session:
            for named in row.cases[:MOST_CASES]:
                key, home = case_key(named.issuer_id, named.case_no), region_of(named.issuer_id)
                case = await cases.find(session, home, key, subtree(self._desk.hub_region))
                if case is not None:
                    found.append(case)
        return found

    def _day(self, moment: int) -> date:
        return datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(self._zone).date()
