"""Every way in has its door, every door leads somewhere, and the page about rights is drawn from the code."""

import pytest
from aiohttp import web
from google.protobuf import descriptor_pool
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from auth.roles import RIGHTS, TIERS
from hub.console.admission import require_doors
from hub.doors import PAGE_DOORS, REST_DOORS, RPC_DOORS, DoorUndeclared, Who, as_markdown, require_declared
from hub.rpc import server
from hub.rpc.server import DeclaredServer
from tests.support.sources import ROOT


def _methods_of_the_contract() -> set[str]:
    pool = descriptor_pool.Default()
    services = [pool.FindServiceByName(name) for name in server._SERVICES]
    services += [pool.FindServiceByName(name) for name in (health.SERVICE_NAME, reflection.SERVICE_NAME)]
    return {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}


def test_every_rpc_of_the_contract_has_its_door_and_no_door_is_left_over() -> None:
    files = sorted((ROOT / "protos").glob("*/v1/*.proto"))
    declared = {
        f"/sanji.{path.parts[-3]}.v1.{line.split()[1]}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("service ")
    }
    assert {f"/{name}" for name in server._SERVICES} == declared, "a service of the contract is not served"
    assert _methods_of_the_contract() == RPC_DOORS.keys()


async def _secrets(_request: web.Request) -> web.Response:
    return web.Response(text="secrets")


def test_what_has_no_door_is_not_served() -> None:
    require_declared(RPC_DOORS, RPC_DOORS)
    with pytest.raises(DoorUndeclared, match=r"NewService/Peek"):
        DeclaredServer(None).add_registered_method_handlers(  # type: ignore[arg-type]
            "sanji.exchange.v1.NewService", {"Peek": None}
        )
    application = web.Application()
    application.router.add_get("/secrets", _secrets)
    with pytest.raises(DoorUndeclared, match="GET /secrets"):
        require_doors(application)


def test_who_comes_through_an_open_door_is_told_why_it_is_open() -> None:
    doors = {**RPC_DOORS, **REST_DOORS, **PAGE_DOORS}
    assert all(door.note for door in doors.values() if door.who is Who.EVERYBODY)
    assert all(door.who for door in doors.values())


def test_a_page_for_people_takes_a_right_that_somebody_can_hold() -> None:
    held = {(action, kind) for kinds in RIGHTS.values() for kind, actions in kinds.items() for action in actions}
    asked = {(door.action, door.kind) for door in PAGE_DOORS.values() if door.who in (Who.PEOPLE, Who.MACHINE)}
    assert asked <= held
    assert TIERS.keys() <= held, "a tier is set for a right nobody can hold"


def test_the_page_of_rights_is_drawn_from_the_code() -> None:
    assert (ROOT / "docs" / "security" / "rights.md").read_text(encoding="utf-8") == as_markdown(), "run `make docs`"
