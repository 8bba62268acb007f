"""What ``deploy/monitoring`` ships names measures that exist, by labels they have, in expressions that can be read."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from hub.console.measures import MEASURES
from tests.support.sources import ROOT

_FOLDER = ROOT / "deploy" / "monitoring"
#: Labels the measures carry, and those Prometheus adds.
_LABELS = {"peer", "direction", "reason", "sender", "stream", "outcome", "job", "version", "instance"}
#: What is no name of a measure in an expression.
_FUNCTIONS = {"sum", "max", "min", "abs", "rate", "deriv"}
_WORDS = {"by", "without", "and", "or", "unless", "up"}
_TOKEN = re.compile(
    r"\s*(?:(?P<string>\"[^\"]*\")|(?P<number>\d+(?:\.\d+)?(?:e\d+)?)(?![a-z])|(?P<range>\[\d+[smhd]\])"
    r"|(?P<name>[a-z_][a-z0-9_]*)|(?P<sign>==|!=|>=|<=|=~|[-+*/<>=(){},]))"
)


def _tokens(expression: str) -> list[tuple[str, str]]:
    """Reads an expression of the part of PromQL that is used; anything else is no token."""
    found, at = [], 0
    while expression[at:].strip():
        match = _TOKEN.match(expression, at)
        assert match is not None, f"cannot be read from: {expression[at:]}"
        kind = match.lastgroup
        assert kind is not None
        found.append((kind, match.group(kind)))
        at = match.end()
    return found


def _measures(expression: str) -> set[str]:
    """Returns the measures of an expression, after a look at its brackets, functions and labels."""
    tokens, depth, named = _tokens(expression), [], set()
    for number, (kind, text) in enumerate(tokens):
        following = tokens[number + 1][1] if number + 1 < len(tokens) else ""
        if kind == "sign" and text in "({":
            before = tokens[number - 1][1] if number else ""
            depth.append("labels" if text == "{" or before in ("by", "without") else "values")
        elif kind == "sign" and text in ")}":
            depth.pop()
        elif kind == "name" and depth and depth[-1] == "labels":
            assert text in _LABELS
        elif kind == "name" and text not in _WORDS:
            assert (text in _FUNCTIONS) == (following in ("(", "by", "without"))
            named |= {text} - _FUNCTIONS
    assert depth == [], "brackets do not match"
    return named


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((_FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads((_FOLDER / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    return panels


def _shown() -> Iterator[str]:
    for panel in _panels():
        yield from (target["expr"] for target in panel["targets"])


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_an_alert_rule_names_measures_and_tells_people_in_both_languages(rule: dict[str, Any]) -> None:
    assert _measures(rule["expr"]) <= MEASURES.keys()
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert " / " in rule["annotations"]["summary"]
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        assert label in _LABELS


def test_the_dashboard_shows_every_measure_once_and_no_other() -> None:
    shown = [measure for expression in _shown() for measure in _measures(expression)]
    # What stands behind another one that is shown.
    left_out = {"sanji_link_failures", "sanji_link_healthy", "sanji_link_age_p95_seconds", "sanji_canary_possible"}
    assert set(shown) == MEASURES.keys() - left_out
    assert len({panel["id"] for panel in _panels()}) == len(_panels())
    assert all(" / " in panel["title"] for panel in _panels())


def test_what_cannot_be_read_is_noticed() -> None:
    for broken in ("sum(sanji_link_down", "sanji_link_down)", "sanji_link_down ?? 1", "median(sanji_link_down)"):
        with pytest.raises((AssertionError, IndexError)):
            _measures(broken)
