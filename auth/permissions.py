"""What a neighbour or a person may do: the only place with decisions.

A child speaks for its own subtree and sees it; a platform speaks only in its own name. A parent sees all this hub
holds and speaks for everybody outside this hub's subtree, so nothing can come back as an echo.

A person may do what a role of theirs may do (``auth.roles``), in the region they hold it in and below. What holds of
all their roles is compiled once to a table from action and kind to ranges of regions; a decision is one look into it.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import combinations

from auth.person import Grant, Person, Role
from auth.principal import Principal
from auth.right_words import right_in_words
from auth.roles import CONFLICTS, HUB_WIDE, INSPECTING, RIGHTS, TIERS, Action, Kind, Neighbour
from exchange_db.attachment_records import AttachmentKind, EvidenceRule
from exchange_db.records import Violated
from exchange_db.regions import PLATFORM_ID, Regions, Subtree, Tier, format_region, line_of, region_of, subtree, tier_of


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


def require_document_region(sender: Principal, region: int, path: str, hub_region: int) -> None:
    """Checks that a neighbour may send a document about a region.

    What comes from above may be about this hub's region, a part of it, or a region that it is a part of.

    Raises:
        Violated: REGION_FORBIDDEN.
    """
    if sender.relation == "child" or region not in line_of(hub_region):
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


def require_neighbour(caller: Principal, welcome: Collection[Neighbour]) -> None:
    """Checks that a call is one that this sort of neighbour may make.

    Raises:
        Violated: ORIGIN_FORBIDDEN.
    """
    if f"{caller.relation} {caller.kind}" not in welcome:
        raise Violated("ORIGIN_FORBIDDEN", "peer_id", caller.peer_id)


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


_ALL_TIERS = frozenset(Tier)
#: The decision table: role and tier it is held at to all they may do.
_TABLE = {
    (role, tier): frozenset(
        (action, kind)
        for kind, actions in kinds.items()
        for action in actions
        if tier in TIERS.get((action, kind), _ALL_TIERS)
    )
    for role, kinds in RIGHTS.items()
    for tier in Tier
}
_LAST_REGION = 999_999


def may(person: Person | None, action: Action, kind: Kind, region: int) -> bool:
    """Tells whether a person may do something to things of a kind in a region; ``None`` is nobody, who may nothing."""
    if person is None or type(region) is not int:
        return False
    spans = _rights_of(person.grants).get((action, kind), ())
    position = bisect_right(spans, (region, _LAST_REGION)) - 1
    return position >= 0 and region <= spans[position].last


def require(person: Person | None, action: Action, kind: Kind, region: int) -> None:
    """Checks that a person may do something to things of a kind in a region.

    Raises:
        Violated: SIGN_ON_REQUIRED or RIGHT_MISSING.
    """
    if not may(person, action, kind, region):
        _refuse(person, action, kind, format_region(region))


def visible(person: Person | None, action: Action, kind: Kind) -> tuple[Subtree, ...]:
    """Returns the ranges of regions a right of a person reaches, ascending and apart; they go into the SQL."""
    return () if person is None else _rights_of(person.grants).get((action, kind), ())


def require_place(person: Person | None, action: Action, kind: Kind, hub_region: int) -> tuple[Subtree, ...]:
    """Checks that a person may come to where a hub does something, and returns the regions the right reaches.

    What belongs to the hub as a whole is for those who hold the right in its region; the rest for those who hold it
    somewhere, and there they see their part.

    Raises:
        Violated: SIGN_ON_REQUIRED or RIGHT_MISSING.
    """
    if kind in HUB_WIDE:
        require(person, action, kind, hub_region)
    spans = visible(person, action, kind)
    if not spans:
        _refuse(person, action, kind, "")
    return spans


def may_come(person: Person | None, action: Action, kind: Kind, hub_region: int) -> bool:
    """Tells whether ``require_place`` would let a person come."""
    return may(person, action, kind, hub_region) if kind in HUB_WIDE else bool(visible(person, action, kind))


def unless_whole(spans: tuple[Subtree, ...], hub_region: int) -> Regions | None:
    """Returns ``None`` for rights that reach all of a hub's region: they reach what stands in no region of it too."""
    hub = subtree(hub_region)
    return None if any(hub.first in span and hub.last in span for span in spans) else spans


def shared(spans: Iterable[Subtree], asked: Subtree) -> tuple[Subtree, ...]:
    """Returns what ranges of regions have in common with the one that is asked for."""
    cut = (Subtree(max(span.first, asked.first), min(span.last, asked.last)) for span in spans)
    return tuple(span for span in cut if span.first <= span.last)


def require_unmask(person: Person | None, region: int, detail_regions: Collection[int]) -> None:
    """Checks that a person may see personal data of a region unmasked.

    City and county deal with persons; above them it takes a rule that names the region the role is held in.

    Raises:
        Violated: SIGN_ON_REQUIRED or RIGHT_MISSING.
    """
    if person is not None and any(
        grant.role is Role.OPERATOR and grant.region in detail_regions and region in subtree(grant.region)
        for grant in person.grants
    ):
        require_compatible(person.grants)
        return
    require(person, Action.UNMASK, Kind.PERSONAL_DATA, region)


def conflicts(roles: Iterable[Role]) -> tuple[tuple[Role, Role], ...]:
    """Returns the pairs among some roles that one person cannot hold together, wherever they hold them."""
    return tuple(pair for pair in combinations(sorted(set(roles)), 2) if frozenset(pair) in CONFLICTS)


def require_compatible(grants: Iterable[Grant]) -> None:
    """Checks that one person may hold all these roles.

    Raises:
        Violated: ROLES_CONFLICT.
    """
    pairs = conflicts(grant.role for grant in grants)
    if pairs:
        raise Violated("ROLES_CONFLICT", "grants", ", ".join(" + ".join(pair) for pair in pairs))


def narrowed_grants(grants: Iterable[Grant], platform_region: int, hub_region: int) -> tuple[Grant, ...]:
    """Returns what is left of a person's grants when they come through a platform: person ∩ platform ∩ this hub.

    A platform speaks for its own region and below. Who comes from a platform above is an inspector: they look and
    change nothing.

    Args:
        grants: what the hub gave the person.
        platform_region: region of the platform that signed them on.
        hub_region: region of this hub.
    """
    is_inspecting = platform_region != hub_region and hub_region in subtree(platform_region)
    left = set()
    for grant in grants:
        role = INSPECTING.get(grant.role) if is_inspecting else grant.role
        region = _deepest(grant.region, platform_region, hub_region)
        if role is not None and region is not None:
            left.add(Grant(role, region))
    return tuple(sorted(left))


def _deepest(*regions: int) -> int | None:
    """Returns the region all of some regions have in common; ``None`` when they do not stand in one line."""
    deepest = max(regions, key=lambda region: len(line_of(region)))
    return deepest if all(deepest in subtree(region) for region in regions) else None


def _refuse(person: Person | None, action: Action, kind: Kind, place: str) -> None:
    if person is None:
        raise Violated("SIGN_ON_REQUIRED")
    raise Violated("RIGHT_MISSING", "", right_in_words(action, kind, place))


@lru_cache(maxsize=4_096)
def _rights_of(grants: tuple[Grant, ...]) -> Mapping[tuple[Action, Kind], tuple[Subtree, ...]]:
    """Compiles a person's grants; roles that exclude each other give no right at all, whoever granted them."""
    if conflicts(grant.role for grant in grants):
        return {}
    spans: dict[tuple[Action, Kind], set[Subtree]] = {}
    for grant in grants:
        for right in _TABLE[grant.role, grant.tier]:
            spans.setdefault(right, set()).add(subtree(grant.region))
    return {right: _apart(found) for right, found in spans.items()}


def _apart(spans: set[Subtree]) -> tuple[Subtree, ...]:
    """Returns ranges without those that lie inside another; regions nest, so they never cross."""
    outer: list[Subtree] = []
    for span in sorted(spans, key=lambda span: (span.first, -span.last)):
        if not outer or span.last > outer[-1].last:
            outer.append(span)
    return tuple(outer)
