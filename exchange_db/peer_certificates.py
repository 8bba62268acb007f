"""Which certificates of a neighbour count: the newest, and beside it the one before, until that ends.

Two at once is how one follows the other without a pause: whoever holds them changes when it suits. Called by
``hub.federation.rotation``; ``WELCOME`` stands in the questions that are asked on every call and every append.
"""

from datetime import datetime

from sqlalchemy import case, func, update

from exchange_db.session import WriteSession
from exchange_db.tables.peers import peers

#: The thumbprints that count now of a row ``p`` of ``peers``; none unless it is active and not paused.
WELCOME = (
    "array_remove(ARRAY["
    "CASE WHEN p.state = 'active' AND NOT p.is_paused AND p.certificate_end_time > now() THEN p.thumbprint END,"
    "CASE WHEN p.state = 'active' AND NOT p.is_paused AND p.earlier_end_time > now()"
    " THEN p.earlier_thumbprint END], NULL)"
)


async def renew(
    session: WriteSession, peer_id: str, thumbprint: str, end_time: datetime, earlier_until: datetime | None
) -> None:
    """Puts a neighbour's next certificate beside the one it has.

    Args:
        session: the transaction.
        peer_id: whose.
        thumbprint: SHA-256 of the next one, hex.
        end_time: its end.
        earlier_until: until when the one of before counts at most; ``None`` for until its own end.
    """
    until = func.least(peers.c.certificate_end_time, earlier_until) if earlier_until else peers.c.certificate_end_time
    await session.execute(
        update(peers)
        .where(peers.c.peer_id == peer_id)
        .values(
            thumbprint=thumbprint,
            certificate_end_time=end_time,
            earlier_thumbprint=peers.c.thumbprint,
            earlier_end_time=until,
        )
    )


async def withdraw(session: WriteSession, peer_id: str, thumbprint: str) -> bool:
    """Ends one of a neighbour's two certificates at once; the other stays. Tells whether it had two, this one of them.

    An earlier one that takes its place again keeps the end it was given.
    """
    is_newest = peers.c.thumbprint == thumbprint
    result = await session.execute(
        update(peers)
        .where(
            peers.c.peer_id == peer_id,
            peers.c.earlier_thumbprint.is_not(None),
            is_newest | (peers.c.earlier_thumbprint == thumbprint),
        )
        .values(
            thumbprint=case((is_newest, peers.c.earlier_thumbprint), else_=peers.c.thumbprint),
            certificate_end_time=case((is_newest, peers.c.earlier_end_time), else_=peers.c.certificate_end_time),
            earlier_thumbprint=None,
            earlier_end_time=None,
        )
    )
    return bool(result.rowcount)
