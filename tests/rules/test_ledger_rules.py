"""Transactions begin and end in one place."""

import re
from pathlib import Path

import pytest

from tests.support.sources import SHIPPED, modules, place

#: Ways to begin or end a transaction by hand, and the only modules that may.
_FORBIDDEN = re.compile(r"\.(commit|rollback)\(|[\"'](BEGIN|COMMIT|ROLLBACK)[\"']")
_ALLOWED = {"exchange_db/session.py", "exchange_db/migrate.py"}
#: A simulated platform keeps a book of its own, and a partner's database is the partner's: neither is the ledger.
_OTHERS = ("connectors/county/", "exchange_db/intermediate/dialects/")
_SOURCES = [path for path in modules(*SHIPPED) if not place(path).startswith(_OTHERS)]


@pytest.mark.parametrize("path", _SOURCES, ids=place)
def test_nobody_commits_but_the_session(path: Path) -> None:
    if place(path) not in _ALLOWED:
        assert _FORBIDDEN.findall(path.read_text(encoding="utf-8")) == []
