"""How this hub is set up and how much it holds: settings, versions, certificates, processes, growth, upgrade notes."""

from datetime import UTC, datetime

from aiohttp import web

from exchange_db import backups, migrate, processes, storage
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.inventory import certificates_of, contract_of, known_settings, program_version, upgrade_notes
from hub.settings import Settings

_LEASES, _LARGEST, _BACKUPS = 500, 40, 20


class SystemView:
    """The page about the hub itself.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._ledger = ledger
        self._settings = settings
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/system", self.standing),
            web.get("/system/settings", self.settings),
            web.get("/system/notes", self.notes),
        ]

    async def standing(self, request: web.Request) -> web.Response:
        """Shows versions, certificates, processes and growth."""
        async with self._ledger.read() as session:
            server = await processes.server(session)
            leases = await processes.leases(session, _LEASES)
            kept = await backups.listing(session, _BACKUPS)
            totals, largest = await storage.totals(session), await storage.largest(session, _LARGEST)
        holders: dict[str, list[str]] = {}
        for lease in leases:
            holders.setdefault(lease.holder, []).append(lease.name)
        part = self._settings.storage
        return self._pages.render(
            request, "system.html", active="system", server=server, holders=holders, totals=totals, largest=largest,
            program=program_version(), contract=contract_of(), needed=migrate.head(), cap=part.cap_bytes,
            forecast=storage.forecast(totals, part.cap_bytes), now=self._now(),
            certificates=certificates_of(self._settings), backups=kept,
        )  # fmt: skip

    async def settings(self, request: web.Request) -> web.Response:
        """Shows every setting with where it is from; what is secret is not shown."""
        shown = known_settings(self._settings)
        return self._pages.render(request, "system_settings.html", active="system", settings=shown)

    async def notes(self, request: web.Request) -> web.Response:
        """Shows what changed from version to version."""
        return self._pages.render(request, "system_notes.html", active="system", notes=upgrade_notes())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
