"""Our own hub, as a real process, passes on both sides: called by a platform, and calling the hub above it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from auth.certificates import Certified, issue, thumbprint, write
from conformance.checks import Face, checks_of
from conformance.doorway import Doorway, Keys
from conformance.platform_running import Role, check_platform
from conformance.report import verify_report
from conformance.scene import Scene, Terms, new_run
from conformance.site import Asking
from connectors.county.profile import read_profile
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.demo.staging import Stage, StagedHub
from hub.federation.enrolment import accept_as_hub
from hub.federation.joining import Letter
from tests.support.builders import COUNTY
from tests.support.commands import sanji
from tests.support.parties import CITY, CITY_PLATFORM, PROVINCE
from tests.support.stages import quick, staged, target_of, value
from tests.support.tested import failed, untried


class Site(NamedTuple):
    """A city's hub that runs, the folder of everything, and its authority."""

    stage: Stage
    city: StagedHub
    authority: Certified

    def certify(self, name: str, platform_id: str, **changes: object) -> Path:
        """Makes a certificate, its key beside it."""
        certificate = self.stage.folder / f"{name}.pem"
        values = {"now": datetime.now(UTC)} | changes
        write(issue(self.authority, platform_id, **values), certificate, certificate.with_suffix(".key"))  # type: ignore[arg-type]
        return certificate


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        city = await stage.add_hub(CITY, "怀化市枢纽", quick(), is_dialled=False)
        city.start()
        await city.wait_until_open()
        await stage.add_platform(city, COUNTY)
        await stage.add_platform(city, CITY_PLATFORM)
        folder = stage.folder
        authority = Certified((folder / "authority.pem").read_bytes(), (folder / "authority.key").read_bytes())
        return Site(stage, city, authority)

    with staged(server) as stage:
        yield asyncio.run(build(stage))


async def test_our_hub_passes_as_the_one_that_is_called_and_the_report_proves_it(site: Site, tmp_path: Path) -> None:
    expired = site.certify("expired", COUNTY, now=datetime.now(UTC) - timedelta(days=3), days=1)
    unregistered, other = site.certify("unregistered", COUNTY), site.certify("other", "431299.platform")
    ran = await sanji(
        "conformance", "--target", site.city.address, "--to", site.stage.folder / COUNTY,
        "--second", site.stage.folder / CITY_PLATFORM, "--expired", expired, "--unregistered", unregistered,
        "--other-name", other, "--out", tmp_path,
    )  # fmt: skip
    assert ran.code == 0, ran.told
    (file,) = tmp_path.glob("*.json")
    verified = verify_report(file.read_bytes(), site.authority.certificate)
    report = verified.report
    assert (verified.signer_id, verified.is_trusted, report.subject_id) == (COUNTY, True, CITY)
    assert report.is_passed
    assert failed(report.findings) == set()
    assert untried(report.findings) == {f"signatures.{name}" for name in ("unsigned", "altered", "signed")}
    assert report.open_cases == ()
    assert not value(
        site.city, "SELECT count(*) FROM cases WHERE case_no LIKE %s AND state IN (1, 4, 6)", "SANJI-TEST-%"
    )
    page = file.with_suffix(".html").read_text(encoding="utf-8")
    assert 'lang="zh-CN"' in page
    assert "http" not in page.replace("http2", "")
    proved = await sanji("conformance", "verify", file, "--authority", site.stage.folder / "authority.pem", "--json")
    assert (proved.code, json.loads(proved.told)["is_passed"]) == (0, True)


async def test_our_hub_passes_as_the_one_that_calls(site: Site, tmp_path: Path) -> None:
    certificate = site.certify("province", PROVINCE)
    keys = Keys(site.stage.folder / "authority.pem", certificate, certificate.with_suffix(".key"))
    county = target_of(read_profile(site.stage.folder / COUNTY))
    scene = Scene(Terms(COUNTY, "431221", run=new_run()))
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(GrpcPeer(county))

        def ask(doorway: Doorway) -> Asking:
            joined: list[bool] = []

            async def asking(count: int) -> None:
                if not joined:
                    joined.append(await _join(site, doorway, certificate))
                async with line.push(f"feed-{new_run()}") as stream:
                    await stream.send(1, [scene.payload(scene.report()) for _ in range(count)])
                    await anext(stream.answers())

            return asking

        terms = Terms("430000.platform", "431221", patience_seconds=15.0, run=new_run())
        role = Role(PROVINCE, keys, "127.0.0.1:0")
        findings, cleared, platform_id = await check_platform(role, terms, checks_of(Face.PLATFORM), ask)
    assert platform_id == CITY
    assert failed(findings) == set(), [(item.check_id, item.came) for item in findings if item.verdict == "failed"]
    assert untried(findings) == {"platform.steps.handles", "platform.signatures.signed"}
    assert cleared.left == ()


async def _join(site: Site, doorway: Doorway, certificate: Path) -> bool:
    """Has the city's hub join the stand-in as its province."""
    letter = Letter(
        PROVINCE, "湖南省枢纽", doorway.address, thumbprint(certificate.read_bytes()),
        site.authority.certificate.decode(), CITY, "child", "code", "2099-01-01T00:00:00+00:00", (),
    )  # fmt: skip
    async with Ledger(site.city.url, pool_size=0) as ledger:
        await accept_as_hub(ledger, site.city.settings, letter)
    return True
