"""The page on bad input tells every outcome of the corpus, word for word, and no other."""

import re

import pytest

from exchange_db.reasons import REASONS
from tests.contract.dirty.page import tables
from tests.support.sources import ROOT

_PAGE = (ROOT / "docs" / "bad-input.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("heading", tables())
def test_a_table_of_the_page_is_the_corpus(heading: str) -> None:
    section = _PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert "\n".join(rows) == tables()[heading], "run `python -m tests.contract.dirty.page`"


def test_the_page_names_no_reason_that_is_none() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", _PAGE))
    assert len(named) > 10
    assert named - REASONS.keys() == set()


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/bad-input.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
