"""查岗: a hub asks whoever is on duty below to answer within some minutes, and answers when it is asked.

A call is a document for one hub or platform, so it travels, is numbered and proved like every other; the answer is the
addressee's section, with the name of the person. That a call waits here, and that one of ours is late, are rules of
alerts (``duty.waiting``, ``duty.overdue``). Called by the console and the command line.

Source: JT/T 809-2019 (平台查岗), by way of the domain notes.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from exchange_db.document_records import AnswerState, Document, DocumentKind
from exchange_db.documents import DocumentFilter, DocumentRow
from exchange_db.records import Violated, printable
from exchange_db.regions import Regions, region_of
from hub.clock import Clock
from hub.documents.desk import DocumentDesk
from hub.documents.drafts import Draft

_LONGEST = timedelta(days=1)


class DutyDesk:
    """The desk.

    Args:
        documents: issues calls and takes answers.
        clock: the hub's clock.
        zone: zone in which times are told.
    """

    def __init__(self, documents: DocumentDesk, clock: Clock, zone: str) -> None:
        self._documents = documents
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self.hub_id = documents.hub_id

    async def call(self, addressee_id: str, minutes: float, by: str) -> Document:
        """Asks for the person on duty at a hub or platform below.

        Args:
            addressee_id: whom.
            minutes: how long they have.
            by: who asks, for people to read.

        Raises:
            Violated: DUTY_CALL_INVALID, or what the contract says about the addressee.
        """
        if not (minutes >= 1 and timedelta(minutes=min(minutes, 9_999)) <= _LONGEST):
            raise Violated("DUTY_CALL_INVALID", "minutes", f"{minutes:g}")
        try:
            region = region_of(addressee_id)
        except ValueError:
            raise Violated("PLATFORM_ID_INVALID", "addressee_id", addressee_id[:64]) from None
        until = self._clock() + round(minutes * 60_000_000)
        shown = datetime.fromtimestamp(until / 1_000_000, UTC).astimezone(self._zone)
        text = f"查岗：请值班人员于 {shown:%Y-%m-%d %H:%M:%S} 前应答，并填写姓名。查岗人：{printable(by)[:100]}"
        return await self._documents.issue(
            Draft(
                kind=DocumentKind.DUTY_CALL, title="查岗", region=region, addressee_id=addressee_id, text=text,
                deadline_time=until,
            )
        )  # fmt: skip

    async def answer(self, issuer_id: str, document_id: str, name: str, text: str = "") -> Document:
        """Answers a call in the name of a person on duty here.

        Raises:
            Violated: DUTY_CALL_UNKNOWN, or DUTY_CALL_INVALID when there is no name.
        """
        if not name.strip() or len(name) > 40 or name != printable(name):
            raise Violated("DUTY_CALL_INVALID", "name", printable(name)[:40])
        call = next(
            (one for one in await self.waiting() if (one.issuer_id, one.document_id) == (issuer_id, document_id)), None
        )
        if call is None:
            raise Violated("DUTY_CALL_UNKNOWN", "document_id", document_id[:50])
        said = f"值班人：{name.strip()}" + (f"；{printable(text.strip())[:500]}" if text.strip() else "")
        return await self._documents.answer(issuer_id, document_id, AnswerState.ANSWERED, said)

    async def calls(self, regions: Regions | None, limit: int = 50) -> list[DocumentRow]:
        """Returns calls made and received, the newest first."""
        return await self._documents.listing(DocumentFilter(regions, kind=DocumentKind.DUTY_CALL), limit)

    async def waiting(self) -> list[DocumentRow]:
        """Returns the calls that wait for this hub's answer, also those whose time is over."""
        return [one for one in await self.calls(None) if one.content.addressee_id == self.hub_id and one.is_open]
