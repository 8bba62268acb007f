"""The REST server of a hub: TLS 1.3 with the hub's certificate, and the table of calls."""

import logging
import ssl
from pathlib import Path
from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Middleware

from hub.doorkeeper import IDLE_SECONDS, Doorkeeper, GuardedSite
from hub.doors import REST_DOORS, require_declared
from hub.rest.exchange import Exchange
from hub.rest.guard import RestGuard, place_of
from hub.rest.surveys import SurveyCalls

logger = logging.getLogger(__name__)


class RestAddressTaken(OSError):
    """The address for REST cannot be listened on. Is another hub running there?"""


class Calls(NamedTuple):
    """Who serves the calls."""

    exchange: Exchange
    surveys: SurveyCalls


class RestServer:
    """The server.

    Args:
        guard: authenticates every call.
        calls: who serves them.
        address: ``host:port``; port 0 takes a free one.
        certificate, key: PEM files.
        per_address: connections one address may hold.
        drain_seconds: how long calls under way may take to finish when the hub stops.
        shares_port: other processes of the hub may listen there as well.
    """

    def __init__(
        self,
        guard: RestGuard,
        calls: Calls,
        *,
        address: str,
        certificate: Path,
        key: Path,
        per_address: int,
        drain_seconds: float,
        shares_port: bool = False,
    ) -> None:
        self._keeper = Doorkeeper(per_address)
        self._host, _, port = address.rpartition(":")
        self.port = int(port)
        self._draining, self._shares_port = calls.exchange.draining, shares_port
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self._tls.load_cert_chain(certificate, key)
        # Bodies are unpacked by us: the signature is over the bytes on the wire, and a bomb must be noticed.
        self._runner = web.AppRunner(
            application_of(guard, calls, self._keeper.watch()),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=drain_seconds,
            auto_decompress=False,
            keepalive_timeout=IDLE_SECONDS,
        )

    async def start(self) -> None:
        """Begins to serve.

        Raises:
            RestAddressTaken: the address cannot be listened on.
        """
        await self._runner.setup()
        site = GuardedSite(
            self._runner, self._keeper, self._host.strip("[]"), self.port,
            ssl_context=self._tls, shares_port=self._shares_port,
        )  # fmt: skip
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise RestAddressTaken(f"REST {self._host}:{self.port}: {error.strerror}") from error
        self.port = self._runner.addresses[0][1]
        logger.info("REST on https://%s:%s", self._host, self.port)

    async def stop(self) -> None:
        """Takes no new calls and lets those under way finish for a while."""
        self._draining.set()
        await self._runner.cleanup()


def application_of(guard: RestGuard, calls: Calls, *middlewares: Middleware) -> web.Application:
    """Returns the table of calls."""
    exchange, surveys = calls
    application = web.Application(middlewares=middlewares)
    application.add_routes(
        [
            web.get("/v1/health", guard.health, allow_head=False),
            web.get("/v1/whoami", guard.guarded(exchange.whoami), allow_head=False),
            web.post("/v1/parcels", guard.guarded(exchange.take)),
            web.get("/v1/parcels", guard.guarded(exchange.give), allow_head=False),
            web.get("/v1/receipts", guard.guarded(exchange.receipts), allow_head=False),
            web.post("/v1/reporters", guard.guarded(exchange.keep_reporters)),
            web.post("/v1/survey-answers", guard.guarded(surveys.submit)),
            web.route("*", "/{rest:.*}", guard.unknown),
        ]
    )
    require_declared(map(place_of, application.router.routes()), REST_DOORS)
    return application
