"""The console: routes and life of the web server."""

import asyncio
import logging
from pathlib import Path

from aiohttp import web

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.guard import guard
from hub.console.monitoring import Monitoring
from hub.console.pages import Pages
from hub.console.views.cases import CaseView
from hub.console.views.figures import FigureView
from hub.console.views.overview import OverviewView
from hub.console.views.quarantine import QuarantineView
from hub.settings import Settings
from hub.statistics.reading import FigureReader

logger = logging.getLogger(__name__)

_STATIC = Path(__file__).parent / "static"


class ConsolePortTaken(OSError):
    """The console's address cannot be listened on. Is another hub running there?"""


class Console:
    """The pages for people, and what monitoring reads.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        reader: answers questions about figures.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, reader: FigureReader, clock: Clock) -> None:
        self._address = settings.console
        pages = Pages(settings)
        self._views = (
            OverviewView(ledger, pages),
            FigureView(reader, settings, pages, clock),
            CaseView(ledger, reader, settings, pages),
            QuarantineView(ledger, pages),
            Monitoring(ledger),
        )
        self._pages = pages
        self.is_ready = asyncio.Event()
        self.port = 0

    async def run(self) -> None:
        """Serves until cancelled.

        Raises:
            ConsolePortTaken: the address cannot be listened on.
        """
        runner = web.AppRunner(self._application(), access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._address.host, self._address.port)
            try:
                await site.start()
            except OSError as error:
                raise ConsolePortTaken(f"{self._address.host}:{self._address.port}") from error
            self.port = runner.addresses[0][1]
            logger.info("console on http://%s:%s", self._address.host, self.port)
            self.is_ready.set()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[guard(self._pages)])
        for view in self._views:
            application.add_routes(view.routes())
        application.router.add_static("/static/", _STATIC)
        return application
