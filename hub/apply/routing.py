"""Where a record goes on to: a pure function of the case, the sender and the registry.

A case goes up to the parent, and down to the children that have a part in it: the platform that issued it, the one
that decides, the one that handles it, or the hub above one of them. A component goes up, and down to the children
of its region. A letter goes the one way to its addressee. Nothing ever goes back to the neighbour it came from.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct

from exchange_db.canary_records import CanaryRecord
from exchange_db.cases import CaseRow
from exchange_db.peers import Peer
from exchange_db.regions import region_of, subtree

#: Sets of parties a router remembers.
_REMEMBERED = 16_384


class Consignment(Struct, frozen=True, gc=False):
    """Inbox rows that go to one destination, in this order."""

    destination_id: int
    inbox_ids: tuple[int, ...]


class Way(NamedTuple):
    """A destination of a record; ``is_new`` when it was no party of the case before."""

    destination_id: int
    is_new: bool


class Router:
    """Where records go under one state of the registry.

    Args:
        peers: every neighbour.
        hub_id: name of this hub, where letters to it end.
    """

    def __init__(self, peers: tuple[Peer, ...], hub_id: str = "") -> None:
        self._peers = peers
        self._hub_id = hub_id
        self._known: dict[tuple[tuple[str, ...] | None, tuple[str, ...], str], tuple[Way, ...]] = {}

    def of_case(self, before: CaseRow | None, after: CaseRow, inbox_id: int, sender_id: str) -> list[Consignment]:
        """Returns where a case record goes.

        A child that becomes a party by this record gets the sections that were there before as well.
        """
        then = (before.issuer_id, before.authority_id, before.handler_id) if before else None
        return [
            Consignment(
                destination_id,
                (*(i for i in after.section_inbox_ids() if i < inbox_id), inbox_id) if is_new else (inbox_id,),
            )
            for destination_id, is_new in self._ways(
                then, (after.issuer_id, after.authority_id, after.handler_id), sender_id
            )
        ]

    def of_component(self, owner_id: str, regions: Iterable[int], inbox_id: int, sender_id: str) -> list[Consignment]:
        """Returns where a component goes: up, and down to the children of the regions it concerns.

        Whoever keeps it, and a hub that its keeper reports to another way, has it from there.
        """
        home = region_of(owner_id)
        return [
            Consignment(peer.destination_id, (inbox_id,))
            for peer in self._peers
            if peer.peer_id not in (sender_id, owner_id)
            and (
                peer.relation == "parent"
                or (
                    any(region in subtree(peer.region) for region in regions)
                    and not (peer.kind == "hub" and home in subtree(peer.region))
                )
            )
        ]

    def of_sheet(self, inbox_id: int, sender_id: str) -> list[Consignment]:
        """Returns where a sheet of counts goes: up."""
        return [
            Consignment(peer.destination_id, (inbox_id,))
            for peer in self._peers
            if peer.relation == "parent" and peer.peer_id != sender_id
        ]

    def of_evaluation(self, region: int, *, is_result: bool, inbox_id: int, sender_id: str) -> list[Consignment]:
        """Returns where evaluation data goes: values up, a result down to the child that holds the region."""
        return [
            Consignment(peer.destination_id, (inbox_id,))
            for peer in self._peers
            if peer.peer_id != sender_id
            and peer.relation == ("child" if is_result else "parent")
            and (not is_result or region in subtree(peer.region))
        ]

    def of_letter(self, party: str, inbox_id: int, sender_id: str) -> list[Consignment] | None:
        """Returns where a section of a document goes whose one reader is a platform or hub; ``None``: no way there.

        The party itself, if it is a neighbour; else the hub below that has it in its region, the nearest; else up,
        unless it came from there or would lie below.
        """
        if party == self._hub_id:
            return []
        found = next((peer for peer in self._peers if peer.peer_id == party), None)
        if found is None:
            region = region_of(party)
            below = [
                peer
                for peer in self._peers
                if peer.relation == "child" and peer.kind == "hub" and region in subtree(peer.region)
            ]
            is_ours = bool(self._hub_id) and region in subtree(region_of(self._hub_id))
            above = [peer for peer in self._peers if peer.relation == "parent" and peer.kind == "hub" and not is_ours]
            found = min(below, key=lambda peer: subtree(peer.region).last - peer.region, default=None)
            found = found or next(iter(above), None)
        if found is None:
            return None
        # It came from there: whoever sent it holds it already, and knows of no other way either.
        return [] if found.peer_id == sender_id else [Consignment(found.destination_id, (inbox_id,))]

    def of_canary(self, canary: CanaryRecord, inbox_id: int, sender_id: str) -> list[Consignment] | None:
        """Returns where a canary goes: over its one link; nowhere, when it is for this hub; ``None``: no way."""
        if canary.addressee_id == self._hub_id:
            return []
        found = next((peer for peer in self._peers if peer.peer_id == canary.addressee_id), None)
        if found is None or sender_id != self._hub_id:
            return None
        return [Consignment(found.destination_id, (inbox_id,))]

    def of_bulletin(self, region: int, inbox_id: int, sender_id: str) -> list[Consignment]:
        """Returns where a document for everybody in a region goes: down to the children there."""
        reach = subtree(region)
        return [
            Consignment(peer.destination_id, (inbox_id,))
            for peer in self._peers
            if peer.relation == "child"
            and peer.peer_id != sender_id
            and (peer.region in reach or region in subtree(peer.region))
        ]

    def _ways(self, then: tuple[str, ...] | None, now: tuple[str, ...], sender_id: str) -> tuple[Way, ...]:
        """Remembered, because the same few platforms take part in most cases."""
        key = (then, now, sender_id)
        ways = self._known.get(key)
        if ways is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            ways = self._known[key] = tuple(self._found(then, now, sender_id))
        return ways

    def _found(self, then: tuple[str, ...] | None, now: tuple[str, ...], sender_id: str) -> Iterator[Way]:
        for peer in self._peers:
            if peer.peer_id == sender_id:
                continue
            was, is_party = then is not None and _concerns(peer, then), _concerns(peer, now)
            if peer.relation == "parent":
                yield Way(peer.destination_id, is_new=False)
            elif is_party or was:
                yield Way(peer.destination_id, is_new=then is not None and not was)


def _concerns(peer: Peer, parties: tuple[str, ...]) -> bool:
    if peer.kind == "platform":
        return peer.peer_id in parties
    below = subtree(peer.region)
    return any(region_of(party) in below for party in parties if party)
