"""A platform that keeps the contract passes, our own client first; those that break it fail, with the check named."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auth.certificates import thumbprint
from auth.envelope import Sealer
from auth.key_cards import read_card, write_card
from conformance.checks import Face, Finding, checks_of
from conformance.doorway import Doorway, Keys
from conformance.platform_running import Role, check_platform
from conformance.running import Cleared
from conformance.scene import Scene, Terms, new_run
from conformance.site import Asking
from connectors import messages
from connectors.county.client import CountyClient
from connectors.county.profile import Profile
from exchange_db.records import CaseLink
from hub.clock import system_clock
from tests.support.broken_platforms import BROKEN, SoundPlatform
from tests.support.builders import COUNTY
from tests.support.sound_hub import HUB
from tests.support.tested import CITY_PLATFORM, Trust, failed, make_trust, untried


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return make_trust(tmp_path_factory.mktemp("trust"))


def _role(trust: Trust, **changes: Any) -> Role:
    keys = Keys(trust.folder / "authority.pem", *trust.pair("hub"))
    return Role(HUB, keys, "127.0.0.1:0")._replace(**changes)


async def _check(
    role: Role, ask: Callable[[Doorway], Asking], names: set[str] | None = None, patience: float = 10.0
) -> tuple[list[Finding], Cleared]:
    terms = Terms(CITY_PLATFORM, "431221", patience_seconds=patience, run=new_run())
    wanted = tuple(f"platform.{name}" for name in names or ())
    findings, cleared, platform_id = await check_platform(role, terms, checks_of(Face.PLATFORM, wanted), ask)
    assert platform_id == COUNTY
    return findings, cleared


def _scene() -> Scene:
    return Scene(Terms(COUNTY, "431221", run=new_run()))


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as open_things:
        yield open_things


async def _answering(client: CountyClient) -> None:
    """Acknowledges what is dispatched, as a platform's program does."""
    async for case in client.assignments():
        if case.assignment is not None and case.report is not None:
            link = CaseLink(case.issuer_id, case.case_no)
            await client.report(messages.acknowledge(link, None, time.time_ns() // 1_000))


async def test_our_own_client_passes_every_check_and_signs(trust: Trust, tmp_path: Path, stack: AsyncExitStack) -> None:
    certificate, key = trust.pair("county")
    now = datetime.now(UTC)
    pem, secret = certificate.read_bytes(), key.read_bytes()
    card = read_card(
        write_card(COUNTY, trust.key.public, now, now + timedelta(days=9), now, pem, secret),
        trust.authority.certificate,
    )
    scene, clients = _scene(), list[CountyClient]()

    def ask(doorway: Doorway) -> Asking:
        shown = thumbprint(trust.pair("hub")[0].read_bytes())
        authority = trust.folder / "authority.pem"
        profile = Profile(COUNTY, HUB, doorway.address, shown, authority, certificate, key)

        async def asking(count: int) -> None:
            if not clients:
                sealer = Sealer(COUNTY, [trust.key], system_clock)
                clients.append(await stack.enter_async_context(CountyClient(profile, tmp_path / "spool", sealer)))
                working = asyncio.create_task(_answering(clients[0]))
                stack.callback(working.cancel)
            await clients[0].report(*(scene.report() for _ in range(count)))

        return asking

    findings, cleared = await _check(_role(trust, cards=[card], handles=True), ask)
    assert (failed(findings), untried(findings)) == (set(), set())
    assert len(findings) == 18
    assert cleared.left == ()
    assert cleared.voided == 9


def _asked_of(kind: type[SoundPlatform], trust: Trust, stack: AsyncExitStack) -> Callable[[Doorway], Asking]:
    scene, platform = _scene(), list[SoundPlatform]()

    def ask(doorway: Doorway) -> Asking:
        async def asking(count: int) -> None:
            if not platform:
                platform.append(kind(trust.target(doorway.address), COUNTY))
                await stack.enter_async_context(platform[0].running())
            platform[0].report([scene.report() for _ in range(count)])

        return asking

    return ask


async def test_a_platform_that_keeps_the_contract_passes(trust: Trust, stack: AsyncExitStack) -> None:
    names = set().union(*(asked for asked, _ in BROKEN.values()))
    ask = _asked_of(SoundPlatform, trust, stack)
    findings, _ = await _check(_role(trust), ask, names)
    assert failed(findings) == set()
    assert untried(findings) == set()


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_platform_fails_the_check_about_its_fault(
    trust: Trust, stack: AsyncExitStack, kind: type[SoundPlatform]
) -> None:
    asked, wanted = BROKEN[kind]
    ask = _asked_of(kind, trust, stack)
    findings, _ = await _check(_role(trust), ask, asked, patience=1.0)
    assert failed(findings) == {f"platform.{name}" for name in wanted}


async def test_a_platform_that_never_comes_fails_and_is_told_so(trust: Trust) -> None:
    async def nothing(count: int) -> None:
        return

    terms = Terms(CITY_PLATFORM, "431221", patience_seconds=1.0, run=new_run())
    checks = checks_of(Face.PLATFORM, ("platform.contract.connects", "platform.certificates.stranger"))
    findings, _, platform_id = await check_platform(_role(trust), terms, checks, lambda _: nothing)
    assert platform_id == ""
    assert failed(findings) == {"platform.contract.connects"}
    assert untried(findings) == {"platform.certificates.stranger"}
