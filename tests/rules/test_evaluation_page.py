"""The pages about metrics and evaluation tell what the code does."""

import re

import pytest

from hub.evaluation.checking.findings import CAUSE_NAMES, RULE_NAMES
from hub.evaluation.checking.forms import _HEADINGS
from hub.evaluation.scheme_file import read_scheme
from hub.evaluation.shipped import shipped_schemes
from hub.statistics.metric_page import as_markdown
from hub.statistics.registry import shipped_registry
from tests.support.sources import ROOT

_PAGE = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")


def test_the_page_of_metrics_is_drawn_from_the_definitions() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == as_markdown(shipped_registry()), "`make docs`"


def test_every_shipped_scheme_is_on_the_page() -> None:
    told = set(re.findall(r"^\| `([a-z.-]+)` \|", _PAGE, re.MULTILINE))
    assert set(shipped_schemes()) <= told


@pytest.mark.parametrize("names", [RULE_NAMES, CAUSE_NAMES], ids=["rules", "causes"])
def test_every_rule_and_cause_is_explained(names: dict[str, str]) -> None:
    missing = [(code, name) for code, name in names.items() if f"`{code}` {name}" not in _PAGE]
    assert missing == []


def test_every_heading_that_is_looked_for_is_named() -> None:
    headings = {text for kind in _HEADINGS.values() for texts in kind.values() for text in texts}
    assert [text for text in sorted(headings) if text not in _PAGE] == []


def test_the_scheme_that_is_shown_can_be_read() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)
    assert read_scheme("page", example.encode(), shipped_registry()).scheme_id == "toilets"
