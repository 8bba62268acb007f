"""Every right has words, and no two rights the same ones."""

from auth.right_words import right_in_words
from auth.roles import Action, Kind


def test_every_right_has_words_of_its_own() -> None:
    told = {right_in_words(action, kind, "431200") for action in Action for kind in Kind}
    assert len(told) == len(Action) * len(Kind)
    assert right_in_words(Action.LIST, Kind.PERSON, "") == "浏览用户 (list person)"
