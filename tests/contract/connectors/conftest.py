"""A city's hub that is reached by every transport, and the ways its county's platform has to it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from auth.certificates import thumbprint
from connectors.county.profile import Profile, read_profile
from connectors.county.pusher import way_of
from connectors.transports.dialling import peer_at
from connectors.transports.grpc_peer import GrpcPeer, Target
from connectors.transports.rest import RestPeer, RestTarget
from exchange_db.session import Ledger
from hub.demo.staging import Stage, StagedHub, free_port
from hub.federation.shared_secret import give_secret, write_secret_profile
from tests.support.builders import CITY, COUNTY
from tests.support.stages import quick, stage_server, staged

TRANSPORTS = ("grpc", "rest")


class Site(NamedTuple):
    """The hub, and the platform's profile for each transport."""

    hub: StagedHub
    profiles: dict[str, Profile]


class Way(NamedTuple):
    """One transport's way to the hub."""

    transport: str
    site: Site

    @property
    def profile(self) -> Profile:
        """The profile a client uses."""
        return self.site.profiles[self.transport]

    @property
    def target(self) -> Target | RestTarget:
        """The hub as it is dialled."""
        return way_of(self.profile)

    def peer(self) -> GrpcPeer | RestPeer:
        """A connection, not opened yet."""
        return peer_at(self.target)


async def _build(stage: Stage) -> Site:
    port = free_port()
    hub = await stage.add_hub(CITY, "怀化市枢纽", quick() + f'\n[rest]\nlisten = "127.0.0.1:{port}"\n')
    hub.start()
    await hub.wait_until_open()
    joined = await stage.add_platform(hub, COUNTY)
    async with Ledger(hub.url, pool_size=0) as ledger, ledger.write() as session:
        secret, _ = await give_secret(session, COUNTY, "", hub_region=431200, days=1, now=datetime.now(UTC))
    folder = stage.folder / "by-rest"
    tls = hub.settings.tls
    pin = thumbprint(tls.certificate.read_bytes())
    profile = Profile(COUNTY, CITY, f"127.0.0.1:{port}", pin, folder / "authority.pem", secret=folder / "secret")
    write_secret_profile(folder, profile, tls.authority.read_text(), secret)
    return Site(hub, {"grpc": joined, "rest": read_profile(folder)})


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    with stage_server() as server, staged(server) as stage:
        yield asyncio.run(_build(stage))


@pytest.fixture(params=TRANSPORTS)
def way(request: pytest.FixtureRequest, site: Site) -> Way:
    """Every transport in turn: a test that takes this is part of the suite all of them pass."""
    return Way(request.param, site)
