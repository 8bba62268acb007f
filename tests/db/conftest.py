"""The ledger's tests run on both servers: the embedded PostgreSQL 18 and Debian's 15."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import DEBIAN_BIN, Cluster, debian_cluster


@pytest.fixture(scope="session")
def _debian_cluster() -> Iterator[Cluster]:
    with debian_cluster() as running:
        yield running


@pytest.fixture(params=["postgresql-18", "postgresql-15"])
def any_cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each of the two servers in turn."""
    is_debian = request.param == "postgresql-15"
    if is_debian and not (DEBIAN_BIN / "initdb").exists():
        pytest.skip("needs postgresql-15")
    running: Cluster = request.getfixturevalue("_debian_cluster" if is_debian else "cluster")
    return running


@pytest.fixture
def database_url(any_cluster: Cluster) -> Iterator[str]:
    """URL of a fresh, migrated ledger on each server in turn."""
    with any_cluster.migrated() as url:
        yield url


@pytest.fixture
def empty_database_url(any_cluster: Cluster) -> Iterator[str]:
    """URL of an empty database on each server in turn."""
    with any_cluster.empty() as url:
        yield url
