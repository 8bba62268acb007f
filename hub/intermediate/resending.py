"""Sending rows to a partner again: its mark is set back, and the write-back goes on from there."""

from exchange_db import outbox, peers
from exchange_db.intermediate.partner import open_partner
from exchange_db.intermediate.writing import link_row
from exchange_db.intermediate.writing.session import has_table
from exchange_db.session import Ledger
from hub.intermediate.link_files import DatabaseLink
from hub.intermediate.marks import LedgerMarks


class NotRegistered(Exception):
    """The partner is not in the registry, or is no partner with a database."""


async def resend(ledger: Ledger, link: DatabaseLink, first: int) -> tuple[int, int]:
    """Has everything from a number on written again.

    Args:
        ledger: the hub's database.
        link: the partner's link file.
        first: first number that is written again, from 1.

    Returns:
        The first and last number that are written again; none when the first is behind the last.

    Raises:
        NotRegistered: nothing is ever sent to this partner.
        PartnerUnreachable, PartnerRefused: its database does not answer.
    """
    async with ledger.read() as session:
        peer = await peers.by_id(session, link.peer)
        if peer is None or not peer.has_database:
            raise NotRegistered
        progress = await outbox.progress(session.driver, peer.destination_id)
    if first > progress.last_sequence:
        return first, progress.last_sequence
    async with open_partner(link.url, link.zone) as partner:
        if not await has_table(partner, "x_link") or not await link_row.set_delivered(partner, link.peer, first - 1):
            keeper = LedgerMarks(ledger, link.peer)
            await keeper.set((await keeper.read())._replace(delivered_sequence=first - 1))
    return first, progress.last_sequence
