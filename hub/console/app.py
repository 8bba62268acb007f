"""The console: routes and life of the web server."""

import asyncio
import logging
import ssl

from aiohttp import web
from aiohttp.typedefs import Middleware

from auth.oidc_provider.provider import Provider
from auth.sessions import Limits, Sessions
from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk
from hub.clock import Clock
from hub.console.administration import administration_views
from hub.console.admission import admission, require_doors
from hub.console.figure_pages import figure_views
from hub.console.guard import guard
from hub.console.live import LiveDesk
from hub.console.monitoring import Monitoring
from hub.console.pace import pace
from hub.console.pages import Pages
from hub.console.record_pages import record_views
from hub.console.sign_on_guard import sign_on_guard
from hub.console.view import View
from hub.console.views.alerts import AlertView
from hub.console.views.cas_face import CasView
from hub.console.views.link_certificates import LinkCertificateView
from hub.console.views.link_history import LinkHistoryView
from hub.console.views.links import LinkView
from hub.console.views.overview import OverviewView
from hub.console.views.provider import ProviderView
from hub.console.views.scim import ScimView
from hub.console.views.sign_on import SignOnView
from hub.database import reading_ledger
from hub.doorkeeper import IDLE_SECONDS, Doorkeeper, GuardedSite
from hub.settings import Settings
from hub.signon.lists import ListDesk
from hub.signon.making import make_desk
from hub.statistics.reading import FigureReader
from hub.throttle import Throttle, throttles

logger = logging.getLogger(__name__)


class ConsolePortTaken(OSError):
    """The console's address cannot be listened on. Is another hub running there?"""


class Console:
    """The pages for people, and what monitoring reads.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        reader: answers questions about figures.
        clock: the hub's clock.
        sessions: the middleware that finds out who is signed on; the hub's own sessions without one.
        provider: signs people on for other platforms; ``None`` for nobody.
        proposals: takes, decides and executes sensitive operations; without one nothing can be executed.
    """

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        reader: FigureReader,
        clock: Clock,
        sessions: Middleware | None = None,
        provider: Provider | None = None,
        proposals: ProposalDesk | None = None,
    ) -> None:
        self._part, self._shares_port = settings.console, settings.listen.shares_port
        self._authority = settings.tls.authority
        self._region = settings.hub.region
        self._ledger, self._reading = ledger, (reading := reading_ledger(settings, ledger))
        if reading is not ledger:
            reader = FigureReader(reading, settings)
        pages = Pages(settings)
        doors = Sessions(settings.hub.region, Limits(settings.console.idle, settings.console.absolute))
        self._desk = make_desk(settings, ledger, clock, doors)
        provided = None if provider is None else ProviderView(provider, self._desk, pages, settings.console, clock)
        self._live = LiveDesk(ledger)
        self._views: tuple[View, ...] = (
            OverviewView(reading, settings, pages),
            LinkView(ledger, settings, pages, clock),
            LinkHistoryView(ledger, settings, pages, clock),
            LinkCertificateView(ledger, settings, pages, clock),
            AlertView(ledger, settings, pages, clock),
            *figure_views(ledger, reader, settings, pages, clock, reading),
            *record_views(ledger, reader, settings, pages, clock, reading),
            *administration_views(ledger, settings, pages, clock, proposals),
            SignOnView(self._desk, pages, settings.console, provided),
            ScimView(ListDesk(ledger, clock), settings.console, throttles(settings.limits, clock)),
            pages.assets,
            self._live,
            Monitoring(ledger, settings, clock),
        )
        if provider is not None and provided is not None:
            self._views += (provided, CasView(provider.cas, self._desk, pages, clock))
        self._keeper = Doorkeeper(settings.limits.connections_per_address)
        self._middlewares = [
            self._keeper.watch(),
            guard(pages, settings.console),
            pace(settings.console, Throttle(clock, settings.limits.address_calls_per_minute)),
            sessions or sign_on_guard(ledger, doors, pages, settings, clock),
            admission(self._region, Throttle(clock, settings.limits.person_calls_per_minute)),
        ]
        self.is_ready = asyncio.Event()
        self.port = 0

    async def run(self) -> None:
        """Serves until cancelled.

        Raises:
            ConsolePortTaken: the address cannot be listened on.
        """
        runner = web.AppRunner(
            self.application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=1,
            keepalive_timeout=IDLE_SECONDS,
        )
        await runner.setup()
        try:
            site = GuardedSite(
                runner, self._keeper, self._part.host, self._part.port,
                ssl_context=self._tls(), shares_port=self._shares_port,
            )  # fmt: skip
            try:
                await site.start()
            except OSError as error:
                raise ConsolePortTaken(f"{self._part.host}:{self._part.port}") from error
            self.port = runner.addresses[0][1]
            logger.info("console on %s://%s:%s", self._part.scheme, self._part.host, self.port)
            self.is_ready.set()
            await self._live.run()
        finally:
            await runner.cleanup()
            await self._desk.close()
            if self._reading is not self._ledger:
                await self._reading.close()

    def _tls(self) -> ssl.SSLContext | None:
        if self._part.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._part.certificate, self._part.key)
        if self._authority.exists():
            # Platforms' software may prove itself by a certificate of the federation; browsers have none and need none.
            context.load_verify_locations(self._authority)
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def application(self) -> web.Application:
        """Returns the routes with what surrounds them.

        Raises:
            DoorUndeclared: a page has no right declared.
        """
        application = web.Application(middlewares=self._middlewares)
        for view in self._views:
            application.add_routes(view.routes())
        application.on_shutdown.append(self._live.close)
        require_doors(application)
        return application
