"""Who has joined waits until the inviting hub's operator has compared the thumbprint; before that nothing is served."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.certificates import Certified, issue, thumbprint, write
from bench.workload import ISSUER, case_of
from connectors.county.profile import read_profile
from connectors.errors import CredentialsRefused
from connectors.transports.grpc_peer import GrpcPeer, Target, asked
from exchange_db import peers
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.demo.staging import Stage, StagedHub
from hub.federation.enrolment import write_invitation
from hub.federation.joining import write_letter
from hub.settings import read_settings
from protos.exchange.v1.receipt_pb2 import OUTCOME_DURABLE
from protos.federation.v1 import federation_service_pb2 as federation
from tests.support.commands import sanji
from tests.support.pushing import first_pulled, first_verdict, parcel_of
from tests.support.stages import quick, stage_server, staged, target_of, value

WAITING = "[joining]\nneeds_confirmation = true\n\n"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """The embedded server of this module's hub."""
    with stage_server() as running:
        yield running


@pytest.fixture(scope="module")
def staged_city(server: EmbeddedServer) -> Iterator[tuple[Stage, StagedHub]]:
    """A city whose neighbours wait to be confirmed."""
    with staged(server) as stage:

        async def build() -> StagedHub:
            city = await stage.add_hub("431200.hub", "怀化市枢纽", WAITING + quick())
            city.start()
            await city.wait_until_open()
            return city

        yield stage, asyncio.run(build())


def test_nobody_is_let_in_unconfirmed_unless_the_settings_say_so(tmp_path: Path) -> None:
    file = tmp_path / "sanji.toml"
    file.write_text('[hub]\nid = "431200.hub"\nname = "怀化市"\n', encoding="utf-8")
    assert read_settings(file).joining.needs_confirmation


async def _hello(target: Target) -> str:
    async with GrpcPeer(target) as peer:
        return (await asked(peer.federation.Hello(federation.HelloRequest(peer_id=ISSUER), timeout=10.0))).hub_id


async def _block_and_unblock(city: StagedHub) -> None:
    """Blocks who waits, and ends the block: that lets nobody in who was never confirmed."""
    async with Ledger(city.url, pool_size=0) as ledger, ledger.write() as session:
        await peers.set_state(session, ISSUER, "blocked")
    ran = await sanji("peers", "unblock", ISSUER, "--config", city.settings_file)
    assert (ran.code, "sanji peers confirm" in ran.told) == (1, True), ran.told


async def test_who_joined_is_refused_until_it_is_confirmed_with_the_right_thumbprint(
    staged_city: tuple[Stage, StagedHub], tmp_path: Path
) -> None:
    stage, city = staged_city
    authority = Certified((stage.folder / "authority.pem").read_bytes(), (stage.folder / "authority.key").read_bytes())
    own = issue(authority, ISSUER, datetime.now(UTC))
    write(own, tmp_path / "platform.pem", tmp_path / "platform.key")
    async with Ledger(city.url, pool_size=0) as ledger:
        letter = await write_invitation(
            ledger, city.settings, peer_id=ISSUER, kind="platform", relation="child", address=city.address
        )
    (tmp_path / "letter").write_text(write_letter(letter))
    files = ("--certificate", tmp_path / "platform.pem", "--key", tmp_path / "platform.key")
    ran = await sanji("peers", "accept", tmp_path / "letter", "--profile", tmp_path / "profile", *files)
    shown = thumbprint(own.certificate)
    assert (ran.code, "待对方确认" in ran.told, shown in ran.told) == (0, True, True)
    target = target_of(read_profile(tmp_path / "profile"))

    async def refused() -> None:
        with pytest.raises(CredentialsRefused, match="sanji peers confirm") as error:
            await _hello(target)
        assert error.value.reason == "PEER_WAITING"
        with pytest.raises(CredentialsRefused) as error:
            async with GrpcPeer(target) as peer:
                await first_pulled(peer, 0)
        assert error.value.reason == "PEER_WAITING"

    await refused()
    where = ("--config", city.settings_file)
    for words, told in (
        (("confirm", ISSUER, "--thumbprint", "0" * 64), shown),
        (("confirm", ISSUER), shown),
        (("confirm", "431299.platform", "--thumbprint", shown), "没有 431299.platform"),
        (("unblock", ISSUER), "sanji peers confirm"),
    ):
        ran = await sanji("peers", *words, *where)
        assert (ran.code, told in ran.told) == (1, True), ran.told
    await refused()
    await _block_and_unblock(city)
    await refused()
    ran = await sanji("peers", "confirm", ISSUER, "--thumbprint", shown.upper(), *where)
    assert ran == (0, f"{ISSUER} 已确认。 / confirmed.\n")
    assert await _hello(target) == "431200.hub"
    async with GrpcPeer(target) as peer, peer.push("confirmed") as stream:
        await stream.send(1, [parcel_of(ISSUER, case_of(1))])
        assert list((await first_verdict(stream)).outcomes) == [OUTCOME_DURABLE]
    ran = await sanji("peers", "confirm", ISSUER, "--thumbprint", shown, *where)
    assert (ran.code, "无需确认" in ran.told) == (1, True)
    entries = "SELECT string_agg(outcome, ' ' ORDER BY number) FROM audit_entries WHERE action = 'peer.confirm'"
    assert value(city, entries) == "refused refused done refused"
