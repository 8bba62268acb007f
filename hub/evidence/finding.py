"""Finding out what evidence cases name, behind the apply, so that what has not come is seen to be missing."""

from auth.permissions import is_fetched
from connectors.attachment_wire import evidence_in
from exchange_db import evidence_search, peers
from exchange_db.attachment_records import parse_rule
from exchange_db.evidence_search import FoundRef
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.sections.evidence import EvidencePart

#: Rows of one partition looked through in one transaction.
_ROWS = 100


class EvidenceSearch:
    """Looks through the applied log for evidence.

    Args:
        ledger: the hub's database.
        part: the rules by which this hub asks for evidence.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, part: EvidencePart, clock: Clock) -> None:
        self._ledger = ledger
        self._rules = tuple(map(parse_rule, part.fetch))
        self._clock = clock

    async def run(self) -> int:
        """Goes on to the end of what is applied; returns how many references were found."""
        async with self._ledger.read() as session:
            hubs = {peer.peer_id: peer for peer in await peers.all_peers(session) if peer.kind == "hub"}
        count = 0
        while True:
            async with self._ledger.write() as session:
                rows = await evidence_search.applied_rows(session, _ROWS)
                found: list[FoundRef] = []
                for row in rows:
                    named = evidence_in(row.payload) if row.payload is not None else None
                    if named is not None:
                        key = (row.inbox_id, row.sender_id, named.issuer_id, named.case_no)
                        hub = hubs.get(row.sender_id)
                        found += [FoundRef(*key, ref, is_wanted=self._is_wanted(hub, ref.kind)) for ref in named.refs]
                count += await evidence_search.add_refs(session, found, self._clock())
                await evidence_search.move_cursors(session, {row.partition: row.inbox_id for row in rows})
                await evidence_search.hold_what_came_ahead(session)
            if not rows:
                return count

    def _is_wanted(self, hub: Peer | None, kind: int) -> bool:
        """What a platform names is missed until it comes; what a hub names may stay there unless a rule asks for it."""
        return hub is None or is_fetched(hub.peer_id, hub.relation, kind, self._rules)
