"""What the end-to-end tests share: one embedded server, and one federation for tests that leave it standing."""

import asyncio
from collections.abc import Iterator

import pytest

from exchange_db.embedded import EmbeddedServer
from tests.support.parties import Town, build_town
from tests.support.stages import stage_server, staged


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The embedded server the stages put their ledgers on."""
    with stage_server() as running:
        yield running


@pytest.fixture(scope="session")
def town(server: EmbeddedServer) -> Iterator[Town]:
    """Nation, province and city with three platforms; every test uses cases of its own."""
    with staged(server) as stage:
        yield asyncio.run(build_town(stage))
