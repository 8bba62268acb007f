"""Documents in a run of apply: each section is whole and has one owner, its revision decides, and it is sent on.

That a section comes from its owner's hand is checked at intake; that the answerer is the addressee, here, where the
document is known. Called by ``hub.apply.run``.
"""

from exchange_db import documents
from exchange_db.document_records import Document
from exchange_db.records import Violated
from exchange_db.session import HotSession
from hub.apply.routing import Consignment, Router


async def take(
    session: HotSession, document: Document, inbox_id: int, router: Router, sender_id: str
) -> list[Consignment] | None:
    """Takes one section in and returns where it goes on to; ``None`` if it is not newer than what is there.

    Raises:
        Violated: ADDRESSEE_UNREACHABLE, DOCUMENT_FIXED, DOCUMENT_UNKNOWN, SECTION_FORBIDDEN or DOCUMENT_UNANSWERABLE.
    """
    content = document.content
    if content is None:
        if not await documents.put_answer(session, document, inbox_id):
            return None
        return router.of_letter(document.issuer_id, inbox_id, sender_id) or []
    if not content.addressee_id:
        if not await documents.put_content(session, document, inbox_id):
            return None
        return router.of_bulletin(int(content.region_code), inbox_id, sender_id)
    ways = router.of_letter(content.addressee_id, inbox_id, sender_id)
    if ways is None:
        raise Violated("ADDRESSEE_UNREACHABLE", "document.content.addressee_id", content.addressee_id)
    return ways if await documents.put_content(session, document, inbox_id) else None
