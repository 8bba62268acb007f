"""Texts of unknown origin on a terminal: nothing acts, nothing hides, and scripts lose nothing."""

import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hub.cli.terminal import as_json, plain, visible

texts = st.text(st.characters() | st.sampled_from("\u202e\u2066\u200b\x1b\x9b\0[]垃圾🗑"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(value=values)
def test_json_says_the_same_and_shows_everything(value: Any) -> None:
    told = as_json(value)
    assert json.loads(told) == value
    assert all(line.isprintable() for line in told.split("\n"))


def test_chinese_stays_readable_in_json_and_marks_are_written_as_escapes() -> None:
    assert as_json("已结\u202e案🗑") == '"已结\\u202e案🗑"'


@given(text=texts)
def test_nothing_of_a_text_is_taken_for_markup_or_obeyed(text: str) -> None:
    out = io.StringIO()
    Console(file=out, width=200, highlight=False, emoji=False).print(plain(f"[red]{text}"), soft_wrap=True)
    told = out.getvalue().removesuffix("\n")
    assert told.startswith("[red]")
    assert told.isprintable()


def test_lines_stay_lines_and_what_is_in_them_is_shown() -> None:
    assert visible("一\n二\u202e\x1b[2J") == "一\n二��[2J"
