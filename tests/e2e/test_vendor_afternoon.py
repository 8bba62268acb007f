"""The afternoon of docs/intermediate-database.md: a vendor with nothing but a command line, an operator with commands.

The vendor's part is what the page names: the script, the account, the example. Every answer is read where the vendor
reads it, by plain SQL.
"""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.county.client import CountyClient
from connectors.county.profile import Profile
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import CodeKind
from hub.demo.mariadb import MARIADBD, mariadb_server
from hub.demo.staging import StagedHub
from tests.support.builders import a_case, an_assignment
from tests.support.commands import sanji
from tests.support.sources import ROOT
from tests.support.stages import quick, staged, until

Client = Callable[[str], str]
CITY = "431200.platform"
RECEIPTS = "SELECT table_name, state FROM x_receipt ORDER BY table_name, receipt_id DESC"


@pytest.fixture(scope="module")
def city(server: EmbeddedServer) -> Iterator[tuple[StagedHub, Profile]]:
    """The city's hub at work, and the profile of the city's platform."""
    with staged(server) as stage:

        async def build() -> tuple[StagedHub, Profile]:
            hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
            hub.start()
            await hub.wait_until_open()
            return hub, await stage.add_platform(hub, CITY)

        yield asyncio.run(build())


@pytest.fixture(params=["postgresql", "mariadb"])
def vendor(request: pytest.FixtureRequest, server: EmbeddedServer) -> Iterator[tuple[str, str, Client]]:
    """The engine, the URL of an empty database and the engine's command line on it."""
    if request.param == "postgresql":
        psql = shutil.which("psql")
        if psql is None:
            pytest.skip("needs psql")
        url = server.ensure_database("vendor_431221")
        yield "postgresql", url, lambda statements: _psql(psql, url, statements)
        return
    if not MARIADBD.exists():
        pytest.skip("needs mariadb-server")
    with mariadb_server() as running, running.database() as name:
        yield "mariadb", running.url_of(name), lambda statements: running.run(name, statements)


def _psql(program: str, url: str, statements: str) -> str:
    command = [program, "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", url]
    done = subprocess.run(command, input=statements, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


async def _operate(hub: StagedHub, *words: str) -> None:
    done = await sanji("intermediate", *words, "--config", hub.settings_file)
    assert done.code == 0, done.told


async def test_from_nothing_to_receipts_in_an_afternoon(
    city: tuple[StagedHub, Profile], vendor: tuple[str, str, Client], tmp_path: Path
) -> None:
    (hub, profile), (engine, url, client) = city, vendor
    county = {"postgresql": "431221.platform", "mariadb": "431222.platform"}[engine]

    def own(path: str) -> str:
        # A vendor writes its own name where the page writes the example's.
        return (ROOT / "docs" / path).read_text(encoding="utf-8").replace("431221", county[:6])

    async def shown(wanted: set[str], query: str) -> None:
        async def is_so() -> bool:
            found = set((await asyncio.to_thread(client, query)).splitlines())
            return wanted <= found

        await until(is_so, f"{query}: {wanted}")

    client(own(f"sql/{engine}.sql"))
    links = hub.folder / "links"
    links.mkdir(exist_ok=True)
    (links / f"{county}.toml").write_text(f'peer = "{county}"\nname = "试点县"\nurl = "{url}"\n', encoding="utf-8")
    for step in ("check", "install", "register"):
        await _operate(hub, step, county)

    client(own(f"examples/intermediate-{engine}.sql"))
    # The case is taken; the handling is too early, because nobody has dispatched it yet.
    await shown({"x_case\tapplied", "x_handling\trefused"}, RECEIPTS)
    assert "SECTION_FORBIDDEN" in client("SELECT reason FROM x_receipt WHERE table_name = 'x_handling'")

    async with CountyClient(profile, tmp_path / "spool") as platform:
        given = an_assignment(
            standard_ref="GB/T-30428.2-2013", class_kind=CodeKind.EVENT, class_code="0203", handler_id=county
        )
        await platform.report(a_case("2020-0001", county, assignment=given))
        await platform.flush(is_settled=True)
    await shown({f"2020-0001\tdispatched\t{county}"}, "SELECT case_no, state, handler_id FROM x_assignment")

    client("UPDATE x_handling SET result = '垃圾已清运，现场干净'")
    await shown({"x_handling\tapplied"}, RECEIPTS)
    await _operate(hub, "show", county)
