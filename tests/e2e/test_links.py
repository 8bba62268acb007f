"""Joining by command: an invitation on one side, its acceptance on the other, and clear words where it does not fit."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import structs

from auth.certificates import Certified, issue, thumbprint, write
from bench.workload import ISSUER, case_of
from connectors.county.profile import read_profile
from connectors.errors import ConnectorError, CredentialsRefused
from connectors.transports.grpc_peer import GrpcPeer, asked
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.demo.staging import Stage, StagedHub
from hub.federation.enrolment import accept_as_platform, write_invitation
from hub.federation.joining import Letter, read_letter, write_letter
from protos.exchange.v1.receipt_pb2 import OUTCOME_DURABLE
from protos.federation.v1 import federation_service_pb2 as federation
from tests.support.commands import Ran, sanji
from tests.support.pushing import parcel_of, push_all
from tests.support.stages import change, quick, rows, stage_server, staged, target_of, until_settled, value

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """The embedded server of this module's hubs."""
    with stage_server() as running:
        yield running


class Site(NamedTuple):
    """A province that runs and a city that does not yet."""

    stage: Stage
    province: StagedHub
    city: StagedHub


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    """Two hubs that do not know each other."""
    with staged(server) as stage:

        async def build() -> Site:
            province = await stage.add_hub("430000.hub", "湖南省枢纽", quick())
            city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
            province.start()
            await province.wait_until_open()
            return Site(stage, province, city)

        yield asyncio.run(build())


async def _invite(hub: StagedHub, peer_id: str, out: Path, *words: str) -> Ran:
    return await sanji("peers", "invite", peer_id, "--out", out, *words, "--config", hub.settings_file)


def _certified(site: Site, name: str, folder: Path) -> list[object]:
    """Issues a platform's certificate and returns the words that name it."""
    signer = Certified(
        (site.stage.folder / "authority.pem").read_bytes(), (site.stage.folder / "authority.key").read_bytes()
    )
    write(issue(signer, name, NOW), folder / "platform.pem", folder / "platform.key")
    return ["--certificate", folder / "platform.pem", "--key", folder / "platform.key"]


async def test_a_city_joins_its_province_and_a_platform_its_city(site: Site, tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    invited = await _invite(site.province, "431200.hub", letter, "--kind", "hub")
    assert invited.code == 0, invited.told
    assert "请经安全渠道交给 431200.hub" in invited.told
    assert letter.stat().st_mode & 0o777 == 0o600
    accepted = await sanji("peers", "accept", letter, "--config", site.city.settings_file)
    assert accepted == (0, "已加入 430000.hub（湖南省枢纽）。 / Joined.\n")
    for here, there, relation in ((site.province, site.city, "child"), (site.city, site.province, "parent")):
        pinned = thumbprint(there.settings.tls.certificate.read_bytes())
        entry = rows(here, "SELECT kind, relation, address, state, thumbprint FROM peers")
        assert entry == [("hub", relation, there.address, "active", pinned)]
    site.city.start()
    await site.city.wait_until_open()

    invited = await _invite(site.city, ISSUER, letter, "--address", site.city.address)
    assert invited.code == 0, invited.told
    profile = tmp_path / "profile"
    words = _certified(site, ISSUER, tmp_path)
    accepted = await sanji("peers", "accept", letter, "--profile", profile, *words)
    assert accepted == (0, "已加入 431200.hub（怀化市枢纽）。 / Joined.\n")
    outcomes = await push_all(target_of(read_profile(profile)), "first", [parcel_of(ISSUER, case_of(1))])
    assert outcomes == [OUTCOME_DURABLE]
    await until_settled(site.city, site.province)
    assert value(site.province, "SELECT count(*) FROM cases") == 1
    listed = await sanji("peers", "list", "--config", site.city.settings_file)
    assert listed.code == 0
    assert [name in listed.told for name in ("430000.hub", "湖南省枢纽", ISSUER)] == [True, True, True]

    again = await sanji("peers", "accept", letter, "--profile", tmp_path / "again", *words)
    assert again.code == 1
    assert "邀请不存在、已使用、已过期或非本平台" in again.told
    assert not (tmp_path / "again" / "profile.toml").exists()


async def test_an_invitation_that_does_not_hold_is_refused_in_words(site: Site, tmp_path: Path) -> None:
    letter_file = tmp_path / "letter"
    assert (await _invite(site.province, "430900.platform", letter_file)).code == 0
    letter = read_letter(letter_file.read_text())
    words = _certified(site, "430900.platform", tmp_path)

    async def accept(text: str) -> str:
        letter_file.write_text(text)
        ran = await sanji("peers", "accept", letter_file, "--profile", tmp_path / "profile", *words)
        assert ran.code == 1
        return ran.told

    yesterday = (NOW - timedelta(days=1)).isoformat()
    assert "邀请函已过期" in await accept(write_letter(structs.replace(letter, expires=yesterday)))
    assert "不是有效的邀请函" in await accept("no letter")
    change(site.province, "UPDATE invitations SET expires_time = now() WHERE peer_id = '430900.platform'")
    assert "已过期" in await accept(write_letter(letter))
    assert rows(site.province, "SELECT 1 FROM peers WHERE peer_id = '430900.platform'") == []
    assert not (tmp_path / "profile" / "profile.toml").exists()


async def test_a_letter_that_was_tampered_with_is_no_good(site: Site, tmp_path: Path) -> None:
    letter = await _letter(site.province, "430300.platform")
    _certified(site, "430300.platform", tmp_path)
    for wrong, words in (
        (structs.replace(letter, code="x" * 32), "邀请不存在"),
        (structs.replace(letter, peer_id="430301.platform"), "邀请不存在"),
        (structs.replace(letter, thumbprint="0" * 64), "shows another certificate of 430000.hub"),
        (structs.replace(letter, hub_id="430200.hub"), "is not 430200.hub"),
        (structs.replace(letter, address="127.0.0.1:9"), "127.0.0.1:9"),
    ):
        with pytest.raises(ConnectorError, match=words):
            await _accept(wrong, tmp_path)
    assert rows(site.province, "SELECT 1 FROM peers WHERE region = 430300") == []
    await _accept(letter, tmp_path)
    assert rows(site.province, "SELECT 1 FROM peers WHERE region = 430300") == [(1,)]


async def _letter(hub: StagedHub, peer_id: str) -> Letter:
    async with Ledger(hub.url, pool_size=0) as ledger:
        return await write_invitation(
            ledger, hub.settings, peer_id=peer_id, kind="platform", relation="child", address=hub.address
        )


async def _accept(letter: Letter, folder: Path) -> None:
    await accept_as_platform(letter, folder / "profile", folder / "platform.pem", folder / "platform.key")


async def test_an_invitation_is_good_for_the_certificate_in_its_name_only(site: Site, tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    assert (await _invite(site.province, "430800.platform", letter)).code == 0
    wrong = _certified(site, "430700.platform", tmp_path / "wrong")
    ran = await sanji("peers", "accept", letter, "--profile", tmp_path / "profile", *wrong)
    assert ran.code == 1
    assert "证书属于 430700.platform" in ran.told
    assert rows(site.province, "SELECT 1 FROM peers WHERE region = 430800 OR region = 430700") == []
    right = _certified(site, "430800.platform", tmp_path / "right")
    ran = await sanji("peers", "accept", letter, "--profile", tmp_path / "profile", *right)
    assert ran.code == 0, ran.told


async def test_a_letter_is_not_given_out_for_a_name_that_does_not_fit(site: Site, tmp_path: Path) -> None:
    for name, words in (("440100.platform", "区域 440100"), ("zhongfang", "平台标识")):
        ran = await _invite(site.province, name, tmp_path / "letter")
        assert ran.code == 1
        assert words in ran.told
    assert not (tmp_path / "letter").exists()
    ran = await sanji("peers", "block", "430100.hub", "--config", site.province.settings_file)
    assert (ran.code, "没有 430100.hub" in ran.told) == (1, True)


async def test_an_unregistered_certificate_may_do_nothing_but_join(site: Site, tmp_path: Path) -> None:
    _certified(site, "430600.platform", tmp_path)
    profile = target_of(await site.stage.add_platform(site.province, "430500.platform"))
    stranger = profile._replace(certificate=tmp_path / "platform.pem", key=tmp_path / "platform.key")
    async with GrpcPeer(stranger) as peer:
        with pytest.raises(CredentialsRefused, match="未登记"):
            await asked(peer.federation.ListPeers(federation.ListPeersRequest()))
        with pytest.raises(CredentialsRefused, match="邀请不存在"):
            await peer.join("no such code", "x", "", "430600.platform")


async def test_a_renewed_certificate_joins_again_under_the_same_entry(site: Site, tmp_path: Path) -> None:
    for turn in ("old", "new"):
        _certified(site, "430400.platform", tmp_path / turn)
        await _accept(await _letter(site.province, "430400.platform"), tmp_path / turn)
    pinned = thumbprint((tmp_path / "new" / "platform.pem").read_bytes())
    assert rows(site.province, "SELECT thumbprint FROM peers WHERE peer_id = '430400.platform'") == [(pinned,)]
    async with GrpcPeer(target_of(read_profile(tmp_path / "new" / "profile"))) as peer:
        answer = await asked(peer.federation.Hello(federation.HelloRequest(peer_id="430400.platform")))
        assert answer.hub_id == "430000.hub"
    async with GrpcPeer(target_of(read_profile(tmp_path / "old" / "profile"))) as peer:
        with pytest.raises(CredentialsRefused, match="未登记"):
            await asked(peer.federation.Hello(federation.HelloRequest(peer_id="430400.platform")))
