"""Finding out what evidence cases name, behind the apply, so that what has not come is seen to be missing."""

from connectors.attachment_wire import evidence_in
from exchange_db import evidence_search
from exchange_db.evidence_search import FoundRef
from exchange_db.session import Ledger
from hub.clock import Clock

#: Rows of one partition looked through in one transaction.
_ROWS = 500


class EvidenceSearch:
    """Looks through the applied log for evidence.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def run(self) -> int:
        """Goes on to the end of what is applied; returns how many references were found."""
        count = 0
        while True:
            async with self._ledger.write() as session:
                rows = await evidence_search.applied_rows(session, _ROWS)
                found: list[FoundRef] = []
                for row in rows:
                    named = evidence_in(row.payload) if row.payload is not None else None
                    if named is not None:
                        key = (row.inbox_id, row.sender_id, named.issuer_id, named.case_no)
                        found += [FoundRef(*key, ref) for ref in named.refs]
                count += await evidence_search.add_refs(session, found, self._clock())
                await evidence_search.move_cursors(session, {row.partition: row.inbox_id for row in rows})
                await evidence_search.hold_what_came_ahead(session)
            if not rows:
                return count
