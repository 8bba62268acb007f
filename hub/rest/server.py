"""The REST server of a hub: TLS 1.3 with the hub's certificate, and the table of calls."""

import logging
import ssl
from pathlib import Path

from aiohttp import web

from hub.rest.exchange import Exchange
from hub.rest.guard import RestGuard

logger = logging.getLogger(__name__)


class RestAddressTaken(OSError):
    """The address for REST cannot be listened on. Is another hub running there?"""


class RestServer:
    """The server.

    Args:
        guard: authenticates every call.
        exchange: serves the calls.
        address: ``host:port``; port 0 takes a free one.
        certificate, key: PEM files.
        drain_seconds: how long calls under way may take to finish when the hub stops.
    """

    def __init__(
        self, guard: RestGuard, exchange: Exchange, *, address: str, certificate: Path, key: Path, drain_seconds: float
    ) -> None:
        self._host, _, port = address.rpartition(":")
        self.port = int(port)
        self._draining = exchange.draining
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self._tls.load_cert_chain(certificate, key)
        # Bodies are unpacked by us: the signature is over the bytes on the wire, and a bomb must be noticed.
        self._runner = web.AppRunner(
            application_of(guard, exchange),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=drain_seconds,
            auto_decompress=False,
        )

    async def start(self) -> None:
        """Begins to serve.

        Raises:
            RestAddressTaken: the address cannot be listened on.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host.strip("[]"), self.port, ssl_context=self._tls)
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


def application_of(guard: RestGuard, exchange: Exchange) -> web.Application:
    """Returns the table of calls."""
    application = web.Application()
    application.add_routes(
        [
            web.get("/v1/health", guard.health, allow_head=False),
            web.get("/v1/whoami", guard.guarded(exchange.whoami), allow_head=False),
            web.post("/v1/parcels", guard.guarded(exchange.take)),
            web.get("/v1/parcels", guard.guarded(exchange.give), allow_head=False),
            web.get("/v1/receipts", guard.guarded(exchange.receipts), allow_head=False),
            web.route("*", "/{rest:.*}", guard.unknown),
        ]
    )
    return application
