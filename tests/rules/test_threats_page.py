"""Every threat on the page has a control, a place, a default and tests, and every test it names is there."""

import ast
import re
from functools import cache

import pytest

from tests.support.sources import ROOT

_PAGE = (ROOT / "docs" / "security" / "threats.md").read_text(encoding="utf-8")
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_ROWS = [line.strip("|").split(" | ") for line in _PAGE.splitlines() if "::test_" in line]
_PEERS = {"breaks off", "sends nothing", "sends a part", "signs wrongly", "has expired", "is swapped", "is revoked",
    "is of the future", "is played again"}  # fmt: skip


@cache
def _tests_in(place: str) -> frozenset[str]:
    tree = ast.parse((ROOT / place).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("place", "name"), sorted(set(_NAMED.findall(_PAGE))))
def test_a_test_that_is_named_exists(place: str, name: str) -> None:
    assert name in _tests_in(place), f"{place} has no {name} any more: try the threat again, or say that nobody does"


def test_every_row_says_all_there_is_to_say() -> None:
    threats = [row for row in _ROWS if row[0].strip() not in _PEERS]
    assert len(threats) >= 35
    for row in threats:
        assert len(row) == 5, row[0]
        assert all(cell.strip() for cell in row), row[0]
        assert _NAMED.search(row[4]), row[0]


def test_every_hostile_peer_is_tried_on_every_way_in() -> None:
    peers = {row[0].strip(): row[1:] for row in _ROWS if row[0].strip() in _PEERS}
    assert peers.keys() == _PEERS
    for name, cells in peers.items():
        assert len(cells) == 3, name
        assert all(_NAMED.search(cell) for cell in cells), name
