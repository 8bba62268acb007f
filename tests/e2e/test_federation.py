"""FederationService and the standard services: hello, signs of life, neighbours, health, reflection."""

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from connectors.errors import CredentialsRefused
from connectors.transports.grpc_peer import GrpcPeer, asked
from hub.clock import system_clock
from protos.federation.v1 import federation_service_pb2 as federation
from tests.support.parties import CITY, CITY_PLATFORM, COUNTY, NATION, OTHER_COUNTY, PROVINCE, Town
from tests.support.stages import change, rows, target_between, value

SERVICES = ("sanji.exchange.v1.ExchangeService", "sanji.federation.v1.FederationService")


async def test_hello_names_versions_abilities_and_limits(town: Town) -> None:
    before = system_clock()
    async with GrpcPeer(town.county.target) as hub:
        request = federation.HelloRequest(peer_id=COUNTY, contracts=["sanji.exchange.v1", "sanji.exchange.v9"])
        hello = await asked(hub.federation.Hello(request))
        with pytest.raises(CredentialsRefused) as refused:
            await asked(hub.federation.Hello(federation.HelloRequest(peer_id=OTHER_COUNTY)))
    assert (hello.hub_id, hello.tier, hello.region_code) == (CITY, "city", "431200")
    assert list(hello.contracts) == ["sanji.exchange.v1"]
    assert {"record:case", "record:figure_sheet", "way:push", "way:pull"} <= set(hello.capabilities)
    assert (hello.max_message_bytes, hello.max_batch_parcels) == (4 * 1024 * 1024, 2_000)
    assert before <= hello.hub_time <= system_clock()
    assert refused.value.reason == "PEER_ID_MISMATCH"


async def test_a_sign_of_life_is_noted_with_the_skew_and_ends_a_pause(town: Town) -> None:
    link = (
        "SELECT contact_time IS NOT NULL, clock_skew_ms, retry_time FROM links JOIN peers USING (destination_id)"
        " WHERE peer_id = %s"
    )
    change(
        town.city,
        "UPDATE links SET retry_time = now() + interval '1 hour' FROM peers"
        " WHERE peers.destination_id = links.destination_id AND peer_id = %s",
        OTHER_COUNTY,
    )
    async with GrpcPeer(town.other_county.target) as hub:
        request = federation.HeartbeatRequest(sender_time=system_clock() - 90_000_000)
        answer = await asked(hub.federation.Heartbeat(request))
    assert abs(answer.hub_time - system_clock()) < 60_000_000
    (has_contact, skew, retry_time) = rows(town.city, link, OTHER_COUNTY)[0]
    assert (has_contact, retry_time) == (True, None)
    assert -95_000 < skew <= -90_000


async def test_neighbours_are_listed_inside_the_callers_rights(town: Town) -> None:
    async with GrpcPeer(town.county.target) as hub:
        seen = (await asked(hub.federation.ListPeers(federation.ListPeersRequest()))).peers
    assert [peer.peer_id for peer in seen] == [COUNTY]
    async with GrpcPeer(target_between(town.province, town.city)) as hub:
        seen = (await asked(hub.federation.ListPeers(federation.ListPeersRequest()))).peers
    assert [peer.peer_id for peer in seen] == [CITY_PLATFORM, COUNTY, OTHER_COUNTY]
    async with GrpcPeer(target_between(town.nation, town.province)) as hub:
        seen = (await asked(hub.federation.ListPeers(federation.ListPeersRequest()))).peers
    assert [(peer.peer_id, peer.tier, peer.relation, peer.state) for peer in seen] == [
        (CITY, "city", "child", "active")
    ]
    assert seen[0].last_contact_time > 0
    assert value(town.province, "SELECT count(*) FROM peers WHERE peer_id IN (%s, %s)", NATION, CITY) == 2


def _channel(town: Town) -> Any:
    """Untyped, as the stubs of the standard services know only the blocking kind."""
    target = town.county.target
    credentials = grpc.ssl_channel_credentials(
        target.authority.read_bytes(), target.key.read_bytes(), target.certificate.read_bytes()
    )
    return grpc.aio.secure_channel(
        target.address, credentials, options=[("grpc.ssl_target_name_override", target.peer_id)]
    )


async def test_health_is_served_for_every_service(town: Town) -> None:
    async with _channel(town) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", *SERVICES, "sanji.statistics.v1.StatisticsService"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        watching = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICES[0]))
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        watching.cancel()
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_names_the_services_and_their_files(town: Town) -> None:
    async with _channel(town) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked_for = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="sanji.exchange.v1.Parcel"),
        ]
        listed, described = [answer async for answer in stub.ServerReflectionInfo(iter(asked_for))]
    assert set(SERVICES) <= {service.name for service in listed.list_services_response.service}
    assert b"sanji.exchange.v1" in described.file_descriptor_response.file_descriptor_proto[0]
    assert PROVINCE not in str(described)
