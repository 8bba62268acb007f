"""Fixtures of the provider's tests: a hub of a city that serves its console, and platforms registered there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange_db.session import Ledger
from exchange_db.sign_on import Client
from tests.support.provider import ProvidingHub, a_client, providing_hub


@pytest.fixture
async def hub(ledger: Ledger, tmp_path: Path) -> AsyncIterator[ProvidingHub]:
    """A city's hub that signs people on for platforms."""
    async with providing_hub(ledger, tmp_path) as running:
        yield running


@pytest.fixture
async def client(hub: ProvidingHub) -> Client:
    """The province's software."""
    return await hub.register(a_client())
