"""Choosing among links: by health, region, tier and text; folding them by region; a page of what is left. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from exchange_db.link_states import ORDER, RANK, LinkHealth, Neighbour
from exchange_db.regions import parse_region, subtree

#: Neighbours on a page.
PAGE_SIZE = 60


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
    """What fits: the links of the page, how many fit in all, all counted by health and by region."""

    links: list[Neighbour]
    link_count: int
    page_count: int
    healths: list[tuple[LinkHealth, int]]
    folds: list[Fold]


def choose(links: list[Neighbour], choice: Choice, hub_region: int) -> Chosen:
    """Returns what fits, those that need a person first.

    Raises:
        ValueError: the region is not six digits.
    """
    within = subtree(parse_region(choice.region) if choice.region else hub_region)
    text = choice.text.casefold()
    placed = [
        link
        for link in links
        if (not choice.region or link.outgoing.region in within)
        and choice.tier in ("", link.outgoing.tier)
        and (not text or text in link.outgoing.peer_id or text in link.outgoing.name.casefold())
    ]
    fitting = [link for link in placed if choice.health in ("", link.health)]
    fitting.sort(key=lambda link: (RANK[link.health], link.outgoing.peer_id))
    page_count = max(1, -(-len(fitting) // PAGE_SIZE))
    first = (min(max(1, choice.page), page_count) - 1) * PAGE_SIZE
    folds = _folds(fitting) if len(fitting) > PAGE_SIZE else []
    return Chosen(fitting[first : first + PAGE_SIZE], len(fitting), page_count, _counted(placed), folds)


def _folds(links: list[Neighbour]) -> list[Fold]:
    """Counts links by the highest tier at which they are not all in one region."""
    for size in (10_000, 100, 1):
        by_region: dict[int, list[Neighbour]] = {}
        for link in links:
            by_region.setdefault(link.outgoing.region // size * size, []).append(link)
        if len(by_region) > 1:
            break
    return [Fold(place, _counted(found)) for place, found in sorted(by_region.items())]


def _counted(links: Iterable[Neighbour]) -> list[tuple[LinkHealth, int]]:
    counts = Counter(link.health for link in links)
    return [(health, counts[health]) for health in ORDER if counts[health]]
