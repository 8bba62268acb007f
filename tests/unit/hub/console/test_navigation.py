"""The navigation: every page has its place, once."""

from hub.console.navigation import GROUPS, grouped
from hub.console.pages import NAVIGATION
from hub.console.words import WORDS


def test_every_page_stands_under_one_heading() -> None:
    groups = grouped(NAVIGATION)
    assert sorted(entry for group in groups for entry in group.entries) == sorted(NAVIGATION)
    assert all(group.key in WORDS for group in groups)
    assert all(entry.key in WORDS for group in groups for entry in group.entries)


def test_a_page_without_a_place_stands_last_and_an_empty_heading_is_left_out() -> None:
    groups = grouped([("overview", "/"), ("brand-new", "/new")])
    assert [group.key for group in groups] == [GROUPS[0][0], GROUPS[-1][0]]
    assert groups[-1].entries == (("brand-new", "/new"),)
