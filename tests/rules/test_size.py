"""Modules and functions stay small enough to be read at once."""

import ast
from pathlib import Path

import pytest

from tests.support.sources import SHIPPED, modules, place

MOST_MODULE_LINES, MOST_FUNCTION_LINES = 400, 50


@pytest.mark.parametrize("path", modules(*SHIPPED, "protos", "bench", "tests"), ids=place)
def test_a_module_and_its_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_MODULE_LINES
    too_long = [
        f"{node.name}: {_lines(node)} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines(node) > MOST_FUNCTION_LINES
    ]
    assert too_long == []


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, without the docstring."""
    assert node.end_lineno is not None
    whole = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        assert first.end_lineno is not None
        whole -= first.end_lineno - first.lineno + 1
    return whole
