"""Who shows a wrong certificate is refused on the next call, on a new connection and on an open one, on both sides."""

import asyncio
import itertools
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from auth.certificates import Certified, issue, make_authority, thumbprint
from bench.workload import HANDLER, ISSUER, case_of
from connectors.errors import ConnectorError, CredentialsRefused
from connectors.transports.grpc_peer import GrpcPeer, PushStream, Target, asked
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from protos.exchange.v1.receipt_pb2 import OUTCOME_DURABLE
from protos.federation.v1 import federation_service_pb2 as federation
from tests.support.commands import sanji
from tests.support.frames import CutCall
from tests.support.pushing import first_pulled, first_verdict, parcel_of, push_all
from tests.support.silence import silent
from tests.support.stages import (
    change,
    logs_of,
    quick,
    rows,
    staged,
    target_of,
    until,
    until_settled,
    value,
)

NOW = datetime.now(UTC)
_NUMBERS = itertools.count(1_000)


class Site(NamedTuple):
    """A province, its city, and two platforms of the city."""

    stage: Stage
    province: StagedHub
    city: StagedHub
    issuer: Target
    handler: Target


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    """Hubs for all tests of this module; each leaves the registry as it was."""
    with staged(server) as stage:

        async def build() -> Site:
            province = await stage.add_hub("430000.hub", "湖南省枢纽", quick())
            city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
            for hub in (province, city):
                hub.start()
                await hub.wait_until_open()
            await stage.join(province, city)
            platforms = [target_of(await stage.add_platform(city, name)) for name in (ISSUER, HANDLER)]
            return Site(stage, province, city, platforms[0], platforms[1])

        yield asyncio.run(build())


def _authority(site: Site) -> Certified:
    folder = site.stage.folder
    return Certified((folder / "authority.pem").read_bytes(), (folder / "authority.key").read_bytes())


def _showing(target: Target, shown: Certified, folder: Path) -> Target:
    """Returns a target dialled with another certificate."""
    certificate, key = folder / "shown.pem", folder / "shown.key"
    certificate.write_bytes(shown.certificate)
    key.write_bytes(shown.key)
    return target._replace(certificate=certificate, key=key)


async def _hello(peer: GrpcPeer, peer_id: str = ISSUER) -> federation.HelloResponse:
    return await asked(peer.federation.Hello(federation.HelloRequest(peer_id=peer_id), timeout=10.0))


async def _refusal(target: Target, peer_id: str = ISSUER) -> ConnectorError:
    with pytest.raises(ConnectorError) as refused:
        async with GrpcPeer(target) as peer:
            await _hello(peer, peer_id)
    return refused.value


def _foreign(site: Site) -> Certified:
    return issue(make_authority("别的机构", NOW), ISSUER, NOW)


def _expired(site: Site) -> Certified:
    return issue(_authority(site), ISSUER, NOW - timedelta(days=3), days=2)


@pytest.mark.parametrize("make", [_foreign, _expired])
async def test_a_certificate_of_no_or_another_authority_or_an_old_one_does_not_even_connect(
    site: Site, make: Callable[[Site], Certified], tmp_path: Path
) -> None:
    refused = await _refusal(_showing(site.issuer, make(site), tmp_path))
    assert not isinstance(refused, CredentialsRefused)
    assert "UNAVAILABLE" in str(refused)


async def test_a_certificate_that_is_not_the_registered_one_is_unknown_even_in_the_right_name(
    site: Site, tmp_path: Path
) -> None:
    refused = await _refusal(_showing(site.issuer, issue(_authority(site), ISSUER, NOW), tmp_path))
    assert refused.reason == "CERTIFICATE_UNKNOWN"
    assert "未登记" in str(refused)


async def test_the_certificate_of_another_neighbour_speaks_for_that_one_only(site: Site) -> None:
    swapped = site.issuer._replace(certificate=site.handler.certificate, key=site.handler.key)
    refused = await _refusal(swapped)
    assert refused.reason == "PEER_ID_MISMATCH"
    assert HANDLER in str(refused)
    async with GrpcPeer(swapped) as peer, peer.push("swapped") as stream:
        await stream.send(1, [parcel_of(ISSUER, case_of(1))])
        verdict = (await first_verdict(stream)).verdicts[0]
    assert (verdict.reason, verdict.field_path) == ("ORIGIN_FORBIDDEN", "origin_id")


async def test_without_a_certificate_there_is_no_connection(site: Site) -> None:
    context = ssl.create_default_context(cafile=str(site.issuer.authority))
    context.set_alpn_protocols(["h2"])
    host, _, port = site.issuer.address.rpartition(":")
    got = b""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection(
            host, int(port), ssl=context, server_hostname=site.issuer.peer_id
        )
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        async with asyncio.timeout(10):
            got = await reader.read()
        writer.transport.abort()
    assert b"\x00\x00\x00\x04\x01" not in got


async def test_tls_1_2_is_not_enough(site: Site) -> None:
    method = "/sanji.federation.v1.FederationService/Hello"
    message = federation.HelloRequest(peer_id=ISSUER).SerializeToString()
    answers = {}
    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        async with CutCall(site.issuer, method, newest) as call:
            await call.send(struct.pack(">?I", False, len(message)) + message)
            await call.finish()
            await call.ended()
        answers[newest] = bytes(call.answer)
    assert b"431200.hub" in answers[ssl.TLSVersion.TLSv1_3]
    assert b"431200.hub" not in answers[ssl.TLSVersion.TLSv1_2]
    assert b"Only TLS 1.3 is accepted" in answers[ssl.TLSVersion.TLSv1_2]


async def _is_taken(stream: PushStream, sequence: int) -> bool:
    await stream.send(sequence, [parcel_of(ISSUER, case_of(next(_NUMBERS)))])
    return list((await first_verdict(stream)).outcomes) == [OUTCOME_DURABLE]


@pytest.mark.parametrize("way", ["command", "thumbprint", "end"])
async def test_who_is_no_longer_welcome_is_refused_on_open_connections_too(site: Site, way: str) -> None:
    registered = value(site.city, "SELECT thumbprint FROM peers WHERE peer_id = %s", ISSUER)
    end_time = value(site.city, "SELECT certificate_end_time FROM peers WHERE peer_id = %s", ISSUER)
    reasons = {"command": "PEER_BLOCKED", "thumbprint": "CERTIFICATE_UNKNOWN", "end": "CERTIFICATE_EXPIRED"}
    async with GrpcPeer(site.issuer) as peer:
        assert (await _hello(peer)).hub_id == "431200.hub"
        pulling = asyncio.create_task(first_pulled(peer, 0))
        with pytest.raises(CredentialsRefused) as refused:
            async with peer.push(f"open-{way}") as stream:
                assert await _is_taken(stream, 1)
                if way == "command":
                    ran = await sanji("peers", "block", ISSUER, "--config", site.city.settings_file)
                    assert ran == (0, f"{ISSUER} 已停用。 / blocked.\n")
                elif way == "thumbprint":
                    change(site.city, "UPDATE peers SET thumbprint = 'another' WHERE peer_id = %s", ISSUER)
                else:
                    change(site.city, "UPDATE peers SET certificate_end_time = now() WHERE peer_id = %s", ISSUER)
                await _is_taken(stream, 2)
        assert refused.value.reason == "PEER_BLOCKED"
        with pytest.raises(CredentialsRefused) as refused:
            await _hello(peer)
        assert refused.value.reason == reasons[way]
        with pytest.raises(CredentialsRefused):
            await asyncio.wait_for(pulling, 10)
        if way == "command":
            ran = await sanji("peers", "unblock", ISSUER, "--config", site.city.settings_file)
            assert ran == (0, f"{ISSUER} 已恢复。 / active.\n")
        change(
            site.city,
            "UPDATE peers SET thumbprint = %s, certificate_end_time = %s WHERE peer_id = %s",
            registered,
            end_time,
            ISSUER,
        )
        assert (await _hello(peer)).hub_id == "431200.hub"
        async with peer.push(f"open-{way}") as stream:
            assert stream.next_sequence == 2
            assert await _is_taken(stream, 2)


async def test_a_certificate_is_exchanged_without_a_pause(site: Site, tmp_path: Path) -> None:
    """The next one counts beside the one in use, on open connections too; withdrawn, each is refused at once."""
    config, certificate = ("--config", site.city.settings_file), ("peers", "certificate")
    following = issue(_authority(site), ISSUER, NOW)
    after = _showing(site.issuer, following, tmp_path)
    first = thumbprint(site.issuer.certificate.read_bytes())
    assert (await _refusal(after)).reason == "CERTIFICATE_UNKNOWN"
    async with GrpcPeer(site.issuer) as before:
        with pytest.raises(CredentialsRefused):
            async with before.push("overlap") as stream:
                ran = await sanji(*certificate, "add", ISSUER, after.certificate, *config)
                assert ran == (0, f"已登记 {thumbprint(following.certificate)} / registered\n")
                ran = await sanji(
                    *certificate,
                    "add",
                    ISSUER,
                    _written(issue(_authority(site), ISSUER, NOW), tmp_path / "third"),
                    *config,
                )
                assert (ran.code, "withdraw" in ran.told) == (1, True)
                listed = (await sanji(*certificate, "list", ISSUER, *config)).told
                assert first in listed
                assert thumbprint(following.certificate) in listed
                assert await _is_taken(stream, 1)
                assert (await _hello(before)).hub_id == "431200.hub"
                async with GrpcPeer(after) as now:
                    assert (await _hello(now)).hub_id == "431200.hub"
                    async with now.push("overlap-next") as other:
                        assert await _is_taken(other, 1)
                shown = ":".join(first[at : at + 2].upper() for at in range(0, 64, 2))
                assert (await sanji(*certificate, "withdraw", ISSUER, shown, *config)).code == 0
                with pytest.raises(CredentialsRefused):
                    await _hello(before)
                await _is_taken(stream, 2)
    async with GrpcPeer(after) as now:
        assert (await _hello(now)).hub_id == "431200.hub"
    assert (await sanji(*certificate, "withdraw", ISSUER, thumbprint(following.certificate), *config)).code == 1
    assert (await sanji(*certificate, "add", ISSUER, site.issuer.certificate, *config)).code == 0
    assert (await sanji(*certificate, "withdraw", ISSUER, thumbprint(following.certificate), *config)).code == 0
    async with GrpcPeer(site.issuer) as peer:
        assert (await _hello(peer)).hub_id == "431200.hub"


async def test_a_next_certificate_that_cannot_be_the_neighbours_is_not_registered(site: Site, tmp_path: Path) -> None:
    held = rows(site.city, "SELECT thumbprint, earlier_thumbprint FROM peers ORDER BY 1")
    add, config = ("peers", "certificate", "add", ISSUER), ("--config", site.city.settings_file)
    for wrong, words in (
        (site.handler.certificate, HANDLER),
        (site.issuer.certificate, "已登记"),
        (_written(_foreign(site), tmp_path / "foreign"), "tls.authority"),
        (_written(_expired(site), tmp_path / "expired"), "过期"),
        (site.issuer.key, "It cannot be read"),
    ):
        ran = await sanji(*add, wrong, *config)
        assert ran.code == 1, wrong
        assert words in ran.told
    right = _written(issue(_authority(site), ISSUER, NOW), tmp_path / "right")
    assert (await sanji(*add, right, "--until", "2020-01-01", *config)).code == 2
    assert rows(site.city, "SELECT thumbprint, earlier_thumbprint FROM peers ORDER BY 1") == held


def _written(certified: Certified, place: Path) -> Path:
    file = place.with_suffix(".pem")
    file.write_bytes(certified.certificate)
    return file


async def test_who_dials_takes_either_of_two_pinned_certificates(site: Site) -> None:
    shown, other = site.issuer.thumbprint, "0" * 64
    for pins in ((shown, ""), (shown, other), (other, shown)):
        async with GrpcPeer(site.issuer._replace(thumbprint=pins[0], second_thumbprint=pins[1])) as peer:
            assert (await _hello(peer)).hub_id == "431200.hub"
    refused = await _refusal(site.issuer._replace(thumbprint=other, second_thumbprint="1" * 64))
    assert isinstance(refused, CredentialsRefused)


async def test_a_client_refuses_a_hub_with_another_certificate_than_the_pinned_one(site: Site, tmp_path: Path) -> None:
    pinned = site.issuer.thumbprint
    assert pinned == thumbprint(site.city.settings.tls.certificate.read_bytes())
    foreign = tmp_path / "authority.pem"
    foreign.write_bytes(make_authority("别的机构", NOW).certificate)
    for wrong, words in (
        (site.issuer._replace(thumbprint="0" * 64), "another certificate of 431200.hub"),
        (site.issuer._replace(address=site.province.address), "is not 431200.hub"),
        (site.issuer._replace(authority=foreign), "is not 431200.hub"),
    ):
        refused = await _refusal(wrong)
        assert isinstance(refused, CredentialsRefused)
        assert words in str(refused)
    async with GrpcPeer(site.issuer) as peer:
        assert (await _hello(peer)).hub_id == "431200.hub"


TROUBLE = "SELECT trouble FROM links JOIN peers USING (destination_id) WHERE peer_id = '430000.hub'"


@pytest.mark.parametrize("name", ["430000.hub", "430200.hub"])
async def test_a_hub_tells_nothing_to_an_impostor_and_goes_on_when_the_right_one_is_back(site: Site, name: str) -> None:
    """Even one that the federation's own authority has certified, in the right name or in another's."""
    tls = site.province.settings.tls
    genuine = Certified(tls.certificate.read_bytes(), tls.key.read_bytes())
    false = issue(_authority(site), name, NOW)
    await asyncio.to_thread(site.province.stop)
    tls.certificate.write_bytes(false.certificate)
    tls.key.write_bytes(false.key)
    first = 5_000 if name == "430000.hub" else 6_000
    try:
        async with silent(site.province, "opening") as callers:
            payloads = [parcel_of(ISSUER, case_of(number)) for number in range(first, first + 20)]
            await push_all(site.issuer, f"meanwhile-{name}", payloads)

            async def is_noticed() -> bool:
                trouble = value(site.city, TROUBLE)
                return "another certificate" in trouble or "is not 430000.hub" in trouble

            await until(is_noticed, f"words about the impostor; {logs_of(site.city)}")
            assert callers.count == 0
    finally:
        tls.certificate.write_bytes(genuine.certificate)
        tls.key.write_bytes(genuine.key)
        site.province.start()
    await site.province.wait_until_open()
    await until_settled(site.city, site.province)
    assert len(rows(site.province, "SELECT 1 FROM cases WHERE case_no >= %s", case_of(first).case_no)) >= 20
    assert value(site.city, TROUBLE) == ""
