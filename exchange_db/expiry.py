"""What ends soon: certificates of neighbours and the keys they sign with. Called by ``hub.federation.expiry``."""

from datetime import datetime
from typing import NamedTuple

from exchange_db.peers import DATABASE
from exchange_db.session import ReadSession


class Ending(NamedTuple):
    """Something of somebody that ends: ``kind`` is ``certificate`` or ``signing_key``, ``name`` tells which."""

    owner_id: str
    kind: str
    name: str
    end_time: datetime


_ENDINGS = (
    "SELECT peer_id, 'certificate', left(thumbprint, 16), certificate_end_time FROM peers"
    " WHERE state = 'active' AND address <> %(database)s AND certificate_end_time < %(before)s"
    # Where another key of the algorithm holds longer, the one that ends has its follower.
    " UNION ALL SELECT peer_id, 'signing_key', algorithm, max(end_time) FROM batch_keys JOIN peers USING (peer_id)"
    " WHERE withdrawn_time IS NULL AND state = 'active' GROUP BY peer_id, algorithm HAVING max(end_time) < %(before)s"
    " ORDER BY 1, 2, 3"
)


async def endings(session: ReadSession, before: datetime) -> list[Ending]:
    """Returns what ends before a moment, or has ended."""
    cursor = await session.driver.execute(_ENDINGS, {"database": DATABASE, "before": before})
    return [Ending(*row) for row in await cursor.fetchall()]
