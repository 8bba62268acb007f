"""What the fault tests share: one server for their stages, and chance that can be replayed."""

import os
import random
from collections.abc import Iterator

import pytest

from exchange_db.embedded import EmbeddedServer
from tests.support.stages import stage_server


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The embedded server the stages put their ledgers on."""
    with stage_server() as running:
        yield running


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Chance of this test; its seed is logged, and SANJI_FAULT_SEED replays it."""
    seed = int(os.environ.get("SANJI_FAULT_SEED") or random.SystemRandom().randrange(1, 2**31))
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"{request.node.name}: SANJI_FAULT_SEED={seed}")
    print(f"SANJI_FAULT_SEED={seed}")  # noqa: T201 — shown again with a failure
    return random.Random(seed)
