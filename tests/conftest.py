"""Fixtures of every test: a fresh ledger, a clock that stands still, no network, no settings from outside."""

import os
import signal
from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest

from exchange_db.session import Ledger
from tests.support.clock import FakeClock
from tests.support.network import closed_network
from tests.support.postgres import Cluster, embedded_cluster
from tests.support.skips import SkipWatch

#: Variables that steer the run itself; all other SANJI_… variables are taken away.
_STEERING = {"SANJI_NO_SKIPS", "SANJI_FAULT_ROUNDS", "SANJI_FAULT_SEED", "SANJI_STORM_EVENTS"}

hypothesis.settings.register_profile("sanji", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile("sanji")


def pytest_configure(config: pytest.Config) -> None:
    """Takes settings of the outside away, lets Ctrl-C through to child processes, and starts counting skips."""
    # A shell that starts the tests in the background has it ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Child processes are started by exec; gRPC's own fork handling has brought down those that change their user.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    for name in [name for name in os.environ if name.startswith("SANJI_") and name not in _STEERING]:
        del os.environ[name]
    config.pluginmanager.register(SkipWatch(is_strict=os.environ.get("SANJI_NO_SKIPS") == "1"), "sanji-skips")


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    with closed_network():
        yield


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at noon of 2020-06-15, or so."""
    return FakeClock()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The embedded PostgreSQL (18) of this run."""
    with embedded_cluster() as running:
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    """URL of a fresh, migrated ledger of this test's own."""
    with cluster.migrated() as url:
        yield url


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    """A fresh ledger."""
    async with Ledger(database_url, pool_size=2) as opened:
        yield opened
