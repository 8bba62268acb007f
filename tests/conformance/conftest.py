"""What the tests of the conformance kit against real hubs share."""

from collections.abc import Iterator

import pytest

from exchange_db.embedded import EmbeddedServer
from tests.support.stages import stage_server


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The embedded server the stages put their ledgers on."""
    with stage_server() as running:
        yield running
