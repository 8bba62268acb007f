"""What a principal may do: the only place with decisions.

A child speaks for its own subtree and sees it; a platform speaks only in its own name. A parent sees all this hub
holds and speaks for everybody outside this hub's subtree, so nothing can come back as an echo.
"""

from auth.principal import Principal
from exchange_db.records import Violated
from exchange_db.regions import PLATFORM_ID, Subtree, format_region, region_of, subtree


def require_origin(sender: Principal, origin_id: str, hub_region: int) -> None:
    """Checks that a neighbour may hand in what this platform wrote.

    Raises:
        Violated: ORIGIN_FORBIDDEN.
    """
    if sender.kind == "platform":
        allowed = origin_id == sender.peer_id
    elif sender.relation == "child":
        allowed = region_of(origin_id) in subtree(sender.region)
    else:
        allowed = region_of(origin_id) not in subtree(hub_region)
    if not allowed:
        raise Violated("ORIGIN_FORBIDDEN", "origin_id", origin_id)


def require_region(sender: Principal, region: int, path: str, hub_region: int) -> None:
    """Checks that a neighbour may write about a region.

    Raises:
        Violated: REGION_FORBIDDEN.
    """
    if region not in subtree(sender.region if sender.relation == "child" else hub_region):
        raise Violated("REGION_FORBIDDEN", path, format_region(region))


def require_component_region(sender: Principal, region: int, path: str, hub_region: int) -> None:
    """Checks that a neighbour may write that a component stands in a region.

    A parent may name any: one that was moved out of this hub's region must be known here to have left.

    Raises:
        Violated: REGION_FORBIDDEN.
    """
    if sender.relation == "child":
        require_region(sender, region, path, hub_region)


def require_party(speaker: Principal, party: str) -> None:
    """Checks that a neighbour may speak for a party of an ownership round: a unit, or itself as keeper.

    A unit has no certificate; whoever may read its region speaks for it, and who wrote an answer down is kept.

    Raises:
        Violated: ORIGIN_FORBIDDEN, the party is another platform.
    """
    if PLATFORM_ID.match(party) and party != speaker.peer_id:
        raise Violated("ORIGIN_FORBIDDEN", "party", party)


def visible_regions(viewer: Principal, hub_region: int) -> Subtree:
    """Returns the range of regions a neighbour may read; it goes into the SQL of every query."""
    return subtree(viewer.region if viewer.relation == "child" else hub_region)


def narrowed(viewer: Principal, hub_region: int, asked: int | None) -> Subtree | None:
    """Returns what a neighbour may read inside the region it asks for; ``None`` when it may read nothing there."""
    visible = visible_regions(viewer, hub_region)
    if asked is None:
        return visible
    wanted = subtree(asked)
    first, last = max(visible.first, wanted.first), min(visible.last, wanted.last)
    return Subtree(first, last) if first <= last else None
