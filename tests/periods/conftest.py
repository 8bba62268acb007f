"""A city with its periods, and a province above it with a ledger of its own."""

from collections.abc import AsyncIterator

import pytest

from exchange_db.session import Ledger
from tests.support.builders import PROVINCE
from tests.support.clock import FakeClock
from tests.support.periods import City, settings_of
from tests.support.postgres import Cluster


@pytest.fixture
def city(ledger: Ledger, clock: FakeClock) -> City:
    """A city that freezes months and publishes corrections at once."""
    return City.over(ledger, clock, settings_of(frozen=("month",)))


@pytest.fixture
async def province(cluster: Cluster, clock: FakeClock) -> AsyncIterator[City]:
    """The hub above, which holds sheets and no cases."""
    with cluster.migrated() as url:
        async with Ledger(url, pool_size=2) as ledger:
            yield City.over(ledger, clock, settings_of(PROVINCE, frozen=("month",)))
