"""The REST edge of a hub in this process, over plain HTTP and with a clock that stands: for tests of single calls."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from connectors.transports import signing
from exchange_db import months, peers, shared_secrets
from exchange_db.peers import NewPeer
from exchange_db.session import Ledger
from hub.evaluation.surveying import SurveyDesk
from hub.intake.desk import IntakeDesk
from hub.intake.seals import SealJudge
from hub.listener import Listener
from hub.personal.desk import PersonalDesk
from hub.rest.exchange import Exchange
from hub.rest.guard import RestGuard
from hub.rest.server import Calls, application_of
from hub.rest.surveys import SurveyCalls
from hub.sections.personal import PersonalPart
from hub.settings import HubPart, Settings
from hub.throttle import Throttle
from hub.veil import Veil
from tests.support.builders import COUNTY
from tests.support.clock import NOON, FakeClock
from tests.support.personal import a_personal_desk

SECRET = "5a" * 32
HUB = "431200.hub"
#: Beyond the test's clock and the database's own.
NEVER = datetime(2099, 1, 1, tzinfo=UTC)


class Answered(NamedTuple):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """Why the call was refused."""
        return str(self.value.get("reason", ""))


class Caller:
    """Makes calls the way a vendor would: by hand. Every part of a call can be given as it should not be."""

    def __init__(self, address: str, clock: FakeClock) -> None:
        self.address = address
        self._clock = clock
        self._calls = 0

    def signed(
        self, method: str, target: str, body: bytes = b"", *, secret: str = SECRET, app_id: str = COUNTY, **changes: str
    ) -> dict[str, str]:
        """Returns the headers of a call; ``changes`` are made before it is signed."""
        self._calls += 1
        moment = changes.get(signing.TIME, str(self._clock() // 1_000_000))
        nonce = changes.get(signing.NONCE, f"{id(self):x}-{self._calls:016d}")
        text = signing.request_text(app_id, method, target, moment, nonce, body)
        return {
            signing.APP: app_id,
            signing.ALG: signing.ALGORITHM,
            signing.TIME: moment,
            signing.NONCE: nonce,
            signing.SIGN: signing.signature_of(secret, text),
        }

    async def send(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Answered:
        """Sends a call exactly as it is given."""
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                method, self.address + target, data=io.BytesIO(body) if body else None, headers=headers
            ) as response,
        ):
            return Answered(response.status, dict(response.headers), await response.read())

    async def ask(self, method: str, target: str, value: object = None, **changes: str) -> Answered:
        """Makes a call as it should be made."""
        body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
        return await self.send(method, target, body, self.signed(method, target, body, **changes))


async def enter(ledger: Ledger, peer_id: str = COUNTY, secret: str = SECRET, end_time: datetime = NEVER) -> None:
    """Enters a platform with a secret."""
    async with ledger.write() as session:
        peer = NewPeer(peer_id, peer_id, int(peer_id[:6]), "platform", "child", "", f"secret/{peer_id}", NEVER)
        await peers.enrol(session, peer)
        await shared_secrets.keep(session, peer_id, secret, end_time)
        await months.ensure(session, NOON + round(timedelta(days=1).total_seconds()))


@asynccontextmanager
async def rest_edge(
    ledger: Ledger,
    clock: FakeClock,
    *,
    calls_per_minute: int = 100_000,
    personal: PersonalDesk | None = None,
    failures_per_minute: int = 100_000,
) -> AsyncIterator[Caller]:
    """Yields a caller of an edge that is served while the block lasts."""
    calls, failures = Throttle(clock, calls_per_minute), Throttle(clock, failures_per_minute)
    listener = Listener(ledger)
    desk = IntakeDesk(ledger, listener, 431200, clock, None, SealJudge(ledger, listener, HUB, clock))
    veil = Veil("431200.hub", PersonalPart())
    exchange = Exchange(
        ledger,
        desk,
        listener,
        431200,
        clock,
        personal or a_personal_desk(ledger, clock),
        veil,
    )
    surveys = SurveyCalls(SurveyDesk(ledger, Settings(hub=HubPart(id=HUB, name="怀化")), clock))
    working = asyncio.create_task(desk.run())
    guard = RestGuard(ledger, clock, calls, failures, HUB)
    runner = web.AppRunner(application_of(guard, Calls(exchange, surveys)), auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Caller(f"http://127.0.0.1:{runner.addresses[0][1]}", clock)
    finally:
        exchange.draining.set()
        await runner.cleanup()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
