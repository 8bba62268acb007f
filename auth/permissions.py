"""What a principal may do: the only place with decisions.

A child speaks for its own subtree and sees it; a platform speaks only in its own name. A parent sees all this hub
holds and speaks for everybody outside this hub's subtree, so nothing can come back as an echo.
"""

from collections.abc import Collection

from auth.principal import Principal
from exchange_db.attachment_records import AttachmentKind, EvidenceRule
from exchange_db.records import Violated
from exchange_db.regions import PLATFORM_ID, Subtree, Tier, format_region, line_of, region_of, subtree, tier_of


def require_origin(sender: Principal, origin_id: str, hub_region: int) -> None:
    """Checks that a neighbour may hand in what this platform wrote.

    Raises:
        Violated: ORIGIN_FORBIDDEN.
    """
    if not speaks_for(sender, origin_id, hub_region):
        raise Violated("ORIGIN_FORBIDDEN", "origin_id", origin_id)


def speaks_for(neighbour: Principal, origin_id: str, hub_region: int) -> bool:
    """Tells whether what a platform wrote is a neighbour's to hand in; in its own database such rows are its own."""
    if neighbour.kind == "platform":
        return origin_id == neighbour.peer_id
    if neighbour.relation == "child":
        return region_of(origin_id) in subtree(neighbour.region)
    return region_of(origin_id) not in subtree(hub_region)


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


def require_visible(viewer: Principal, region: int, path: str, hub_region: int) -> None:
    """Checks that a neighbour may ask about a region.

    Raises:
        Violated: REGION_FORBIDDEN.
    """
    if region not in visible_regions(viewer, hub_region):
        raise Violated("REGION_FORBIDDEN", path, format_region(region))


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


def require_evidence(sender: Principal, issuer_id: str, hub_region: int, *, is_visible: bool) -> None:
    """Checks that a neighbour may hand in evidence of a case: one it may see here, or one it is about to report.

    A case that is hidden from it and one that is not known get the same answer.

    Raises:
        Violated: ORIGIN_FORBIDDEN.
    """
    if not is_visible:
        require_origin(sender, issuer_id, hub_region)


def is_given(viewer: Principal, kinds: Collection[int], rules: Collection[EvidenceRule], *, is_own: bool) -> bool:
    """Tells whether a neighbour gets bytes that it asks for.

    Args:
        viewer: who asks.
        kinds: the kinds of evidence the bytes are held as, in cases the viewer may see.
        rules: what this hub gives to whom.
        is_own: whether the viewer has handed in the same bytes.
    """
    return is_own or any(
        rule.neighbour in (viewer.relation, viewer.peer_id) and (rule.kind in kinds or (rule.kind is None and kinds))
        for rule in rules
    )


def kinds_wanted(viewer: Principal, rules: Collection[EvidenceRule]) -> frozenset[AttachmentKind]:
    """Returns the kinds of evidence a neighbour is told that this hub wants from it.

    A platform cannot be asked by itself, and what it names it has: it is told of everything.
    """
    every = frozenset(AttachmentKind)
    if viewer.kind == "platform":
        return every
    return frozenset(kind for kind in every if is_fetched(viewer.peer_id, viewer.relation, kind, rules))


def is_fetched(sender_id: str, relation: str, kind: int, rules: Collection[EvidenceRule]) -> bool:
    """Tells whether this hub asks a neighbour for evidence of a kind by itself."""
    return any(rule.neighbour in (relation, sender_id) and rule.kind in (None, kind) for rule in rules)
