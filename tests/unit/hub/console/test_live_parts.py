"""What is to change while somebody looks can be found again, and has a topic somebody asks about."""

import re

from exchange_db.topics import TOPICS
from tests.support.sources import ROOT

_PART = re.compile(r"<[^>]*\bdata-live=\"([^\"]+)\"[^>]*>")


def test_every_live_part_has_an_id_and_known_topics() -> None:
    parts = [
        (path.name, found)
        for path in sorted((ROOT / "hub/console/templates").glob("*.html"))
        for found in _PART.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(parts) >= 5
    for name, found in parts:
        assert " id=" in found[0], (name, found[0])
        assert set(found[1].split()) <= TOPICS.keys(), (name, found[1])
