"""The groups of the navigation: which page stands under which heading. Pure.

``NAVIGATION`` in ``hub.console.pages`` is the list of pages; here they get their place. A page without one stands in
the last group, so that a new page is never out of reach.
"""

from collections.abc import Iterable
from typing import NamedTuple

#: Heading (key of the catalogue) to the keys of its pages, in their order.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("group_watch", ("overview", "links", "alerts", "quarantine")),
    ("group_cases", ("cases", "components", "followup", "standards")),
    ("group_figures", ("figures", "evaluation", "reports", "questions")),
    ("group_system", ("joining", "approvals", "audit", "people", "users", "jobs", "system")),
)


class Entry(NamedTuple):
    """A page in the navigation."""

    key: str
    path: str


class Group(NamedTuple):
    """A heading with its pages."""

    key: str
    entries: tuple[Entry, ...]


def grouped(pages: Iterable[tuple[str, str]]) -> list[Group]:
    """Returns the pages under their headings; headings without a page are left out."""
    open_pages = dict(pages)
    placed = {key for _, keys in GROUPS for key in keys}
    rest = tuple(key for key in open_pages if key not in placed)
    groups = []
    for number, (heading, keys) in enumerate(GROUPS):
        wanted = keys + rest if number == len(GROUPS) - 1 else keys
        entries = tuple(Entry(key, open_pages[key]) for key in wanted if key in open_pages)
        if entries:
            groups.append(Group(heading, entries))
    return groups
