"""Partners' databases on real servers: PostgreSQL (embedded and Debian's 15), MariaDB, and a SQLite file."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from exchange_db.intermediate.partner import Partner, open_partner
from hub.demo.mariadb import MARIADBD, MariadbServer, mariadb_server
from tests.support.postgres import Cluster


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariadbServer]:
    """Debian's MariaDB of this run."""
    if not MARIADBD.exists():
        pytest.skip("needs mariadb-server")
    with mariadb_server() as running:
        yield running


@pytest.fixture
def postgresql_url(cluster: Cluster) -> Iterator[str]:
    """URL of an empty PostgreSQL database."""
    with cluster.empty() as url:
        yield url


@pytest.fixture
def mariadb_url(mariadb: MariadbServer) -> Iterator[str]:
    """URL of an empty MariaDB database."""
    with mariadb.database() as name:
        yield mariadb.url_of(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of an empty file."""
    path = tmp_path / "county.sqlite"
    sqlite3.connect(path).close()
    return f"sqlite:///{path}"


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def partner_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database on each engine in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def partner(partner_url: str) -> AsyncIterator[Partner]:
    """A connection to an empty database on each engine in turn."""
    async with open_partner(partner_url) as opened:
        yield opened
