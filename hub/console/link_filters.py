"""Choosing among links: by health, region, tier and text; folding them by region; a page of what is left. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from exchange_db.link_states import ORDER, LinkHealth, LinkState
from exchange_db.regions import parse_region, subtree

#: Neighbours on a page.
PAGE_SIZE = 60
_RANK = {health: rank for rank, health in enumerate(ORDER)}


class Pair(NamedTuple):
    """Both directions of a link, and the health of the one that needs a person more."""

    outgoing: LinkState
    incoming: LinkState
    health: LinkHealth


class Choice(NamedTuple):
    """What is looked for; empty texts stand for everything. ``page`` counts from 1."""

    health: str = ""
    region: str = ""
    tier: str = ""
    text: str = ""
    page: int = 1


class Fold(NamedTuple):
    """The links of one region below the one looked at, counted by health, worst first."""

    region: int
    counts: list[tuple[LinkHealth, int]]


class Chosen(NamedTuple):
    """What fits: the pairs of the page, how many fit in all, all counted by health and by region."""

    pairs: list[Pair]
    link_count: int
    page_count: int
    healths: list[tuple[LinkHealth, int]]
    folds: list[Fold]


def pairs_of(states: list[LinkState]) -> list[Pair]:
    """Returns the links of a list that has both directions of each, one behind the other."""
    ways = iter(states)
    return [
        Pair(out, into, out.health if _RANK[out.health] <= _RANK[into.health] else into.health)
        for out, into in zip(ways, ways, strict=True)
    ]


def choose(pairs: list[Pair], choice: Choice, hub_region: int) -> Chosen:
    """Returns what fits, those that need a person first.

    Raises:
        ValueError: the region is not six digits.
    """
    within = subtree(parse_region(choice.region) if choice.region else hub_region)
    text = choice.text.casefold()
    placed = [
        pair
        for pair in pairs
        if (not choice.region or pair.outgoing.region in within)
        and choice.tier in ("", pair.outgoing.tier)
        and (not text or text in pair.outgoing.peer_id or text in pair.outgoing.name.casefold())
    ]
    fitting = [pair for pair in placed if choice.health in ("", pair.health)]
    fitting.sort(key=lambda pair: (_RANK[pair.health], pair.outgoing.peer_id))
    page_count = max(1, -(-len(fitting) // PAGE_SIZE))
    first = (min(max(1, choice.page), page_count) - 1) * PAGE_SIZE
    folds = _folds(fitting) if len(fitting) > PAGE_SIZE else []
    return Chosen(fitting[first : first + PAGE_SIZE], len(fitting), page_count, _counted(placed), folds)


def _folds(pairs: list[Pair]) -> list[Fold]:
    """Counts links by the highest tier at which they are not all in one region."""
    for size in (10_000, 100, 1):
        by_region: dict[int, list[Pair]] = {}
        for pair in pairs:
            by_region.setdefault(pair.outgoing.region // size * size, []).append(pair)
        if len(by_region) > 1:
            break
    return [Fold(place, _counted(found)) for place, found in sorted(by_region.items())]


def _counted(pairs: Iterable[Pair]) -> list[tuple[LinkHealth, int]]:
    counts = Counter(pair.health for pair in pairs)
    return [(health, counts[health]) for health in ORDER if counts[health]]
