"""The page of settings is drawn from the code."""

from hub.settings import as_markdown
from tests.support.sources import ROOT


def test_the_page_of_settings_is_drawn_from_the_code() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == as_markdown(), "run `make docs`"
