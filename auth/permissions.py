"""What a principal may do: the only place with decisions.

A child speaks for its own subtree and sees it; a platform speaks only in its own name. A parent sees all this hub
holds and speaks for everybody outside this hub's subtree, so nothing can come back as an echo.
"""

from auth.principal import Principal
from exchange_db.records import Violated
from exchange_db.regions import Subtree, Tier, format_region, line_of, region_of, subtree, tier_of


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


def require_publisher(publisher_id: str, hub_region: int) -> None:
    """Checks that a hub takes standards from a publisher: nation, province or city, of its own line.

    Raises:
        Violated: RELEASE_FORBIDDEN.
    """
    region = region_of(publisher_id)
    if tier_of(region) is Tier.COUNTY or hub_region not in subtree(region):
        raise Violated("RELEASE_FORBIDDEN", "publisher_id", publisher_id)


def readable_publishers(viewer: Principal) -> tuple[int, ...] | None:
    """Returns the regions whose standards a neighbour may have, those of its line; ``None`` for all.

    A parent sees all this hub holds.
    """
    return line_of(viewer.region) if viewer.relation == "child" else None


def require_parent(sender: Principal) -> None:
    """Checks that a call comes from above.

    Raises:
        Violated: ORIGIN_FORBIDDEN.
    """
    if sender.relation != "parent" or sender.kind != "hub":
        raise Violated("ORIGIN_FORBIDDEN", "peer_id", sender.peer_id)
