"""Every reason that is used has its texts, every text is used, and the page about them is up to date."""

import ast
import re
from collections.abc import Iterator
from string import Formatter

import pytest

from exchange_db.reason_text import ReasonText
from exchange_db.reasons import REASONS, as_markdown
from hub.rpc import status
from tests.support.sources import ROOT, SHIPPED, modules, place

_REASON = re.compile(r"[A-Z][A-Z0-9]+(_[A-Z0-9]+)*")
_SOURCES = modules(*SHIPPED)
#: Where reasons stand without being raised.
_TABLES = {
    "exchange_db/reasons.py",
    "exchange_db/right_reasons.py",
    "exchange_db/sign_on_reasons.py",
    "exchange_db/audit_reasons.py",
    "exchange_db/partner_reasons.py",
    "exchange_db/period_reasons.py",
    "exchange_db/seal_reasons.py",
    "exchange_db/evaluation_reasons.py",
    "exchange_db/component_reasons.py",
    "exchange_db/document_reasons.py",
    "exchange_db/file_reasons.py",
    "exchange_db/joining_reasons.py",
    "exchange_db/report_reasons.py",
    "hub/rpc/status.py",
}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _named_in(tree: ast.AST) -> Iterator[str]:
    """Reasons given to ``Violated``, whichever branch of a condition they stand in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Violated" and node.args:
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and _REASON.fullmatch(part.value):
                    yield part.value


def _texts_in(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_reason_that_is_raised_has_its_texts() -> None:
    raised = {reason for path in _SOURCES for reason in _named_in(ast.parse(path.read_text(encoding="utf-8")))}
    assert raised - REASONS.keys() == set()


def test_every_reason_is_used() -> None:
    used: set[str] = set()
    for path in _SOURCES:
        if place(path) not in _TABLES:
            used |= _texts_in(ast.parse(path.read_text(encoding="utf-8")))
    assert REASONS.keys() - used == set()


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_stable_and_told_in_both_languages(reason: str) -> None:
    text = REASONS[reason]
    assert _REASON.fullmatch(reason)
    assert isinstance(text, ReasonText)
    assert not _CHINESE.search(text.english)
    assert _CHINESE.search(text.chinese)
    for line in text:
        assert {name for _, name, _, _ in Formatter().parse(line) if name} <= {"value"}
    assert ("{value}" in text.english) is ("{value}" in text.chinese)
    assert text.english.endswith((".", "?"))
    assert text.chinese.endswith(("。", "？"))


def test_the_page_of_reasons_is_drawn_from_the_code() -> None:
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == as_markdown(), "run `make docs`"


def test_the_table_of_statuses_knows_only_reasons_that_exist() -> None:
    assert status._CODES.keys() - REASONS.keys() == set()
