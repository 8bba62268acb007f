"""The page about the life of a case tells what the code does."""

import re

import pytest

from exchange_db.cases import CaseState
from exchange_db.reasons import REASONS
from hub.apply.lifecycle import RESUME
from hub.apply.transitions import FINAL, STEPS, Step
from hub.jobs import watch
from hub.statistics.value_names import STATES
from tests.support.sources import ROOT

_PAGE = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")
_GUARDS = (ROOT / "hub" / "apply" / "guards.py").read_text(encoding="utf-8")


def _named(state: int) -> str:
    return f"`{CaseState(state).name.lower()}` {STATES[state][0]}" if state else "`none` （尚无）"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.origin}-{step.target}-{step.section}")
def test_every_step_stands_on_the_page(step: Step) -> None:
    row = f"| {_named(step.origin)} | {_named(step.target)} | {step.section} | {step.chinese} | {step.english} |"
    assert row in _PAGE.splitlines()


def test_the_page_has_no_other_steps() -> None:
    assert len(re.findall(r"^\| `\w+` \S+ \| `", _PAGE, re.MULTILINE)) == len(STEPS)
    for state in FINAL:
        assert f"`{state.name.lower()}`" in _PAGE


def test_every_reason_of_the_guards_is_told() -> None:
    reasons = set(re.findall(r'Violated\(\s*"([A-Z_]+)"', _GUARDS))
    assert len(reasons) > 10
    assert reasons <= set(REASONS)
    for reason in reasons - {"FIELD_INVALID"}:
        assert f"`{reason}`" in _PAGE


def test_every_event_is_told() -> None:
    kinds = (RESUME, watch.DEADLINE_NEAR, watch.DEADLINE_PASSED, watch.SUSPENDED_LONG, watch.DUPLICATE_FOUND)
    for kind in kinds:
        assert f"| `{kind}` |" in _PAGE
