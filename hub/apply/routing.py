"""Where a record goes on to, as pure functions of the case, the sender and the registry.

A case goes up to the parent, and down to the children that have a part in it: the platform that issued it, the one
that decides, the one that handles it, or the hub above one of them. It never goes back to the neighbour it came from.
"""

from functools import lru_cache
from typing import NamedTuple

from exchange_db.cases import CaseRow
from exchange_db.peers import Peer
from exchange_db.regions import region_of, subtree


class Consignment(NamedTuple):
    """Inbox rows that go to one destination, in this order."""

    destination_id: int
    inbox_ids: tuple[int, ...]


class Way(NamedTuple):
    """A destination of a record; ``is_new`` when it was no party of the case before."""

    destination_id: int
    is_new: bool


def of_case(
    before: CaseRow | None, after: CaseRow, inbox_id: int, sender_id: str, peers: tuple[Peer, ...]
) -> list[Consignment]:
    """Returns where a case record goes.

    A child that becomes a party by this record gets the sections that were there before as well.
    """
    then = (before.issuer_id, before.authority_id, before.handler_id) if before else None
    ways = _ways(then, (after.issuer_id, after.authority_id, after.handler_id), sender_id, peers)
    return [
        Consignment(
            destination_id,
            (*(i for i in after.section_inbox_ids() if i < inbox_id), inbox_id) if is_new else (inbox_id,),
        )
        for destination_id, is_new in ways
    ]


def of_sheet(inbox_id: int, sender_id: str, peers: tuple[Peer, ...]) -> list[Consignment]:
    """Returns where a sheet of counts goes: up."""
    return [
        Consignment(peer.destination_id, (inbox_id,))
        for peer in peers
        if peer.relation == "parent" and peer.peer_id != sender_id
    ]


@lru_cache(maxsize=16_384)
def _ways(
    then: tuple[str, ...] | None, now: tuple[str, ...], sender_id: str, peers: tuple[Peer, ...]
) -> tuple[Way, ...]:
    """Cached because the same few platforms take part in most cases; a changed registry is another key."""
    ways = []
    for peer in peers:
        if peer.peer_id == sender_id:
            continue
        was, is_party = then is not None and _concerns(peer, then), _concerns(peer, now)
        if peer.relation == "parent":
            ways.append(Way(peer.destination_id, is_new=False))
        elif is_party or was:
            ways.append(Way(peer.destination_id, is_new=then is not None and not was))
    return tuple(ways)


def _concerns(peer: Peer, parties: tuple[str, ...]) -> bool:
    if peer.kind == "platform":
        return peer.peer_id in parties
    below = subtree(peer.region)
    return any(region_of(party) in below for party in parties if party)
