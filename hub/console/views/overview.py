"""The overview and the jobs."""

from aiohttp import web

from exchange_db import jobs, overview, peers, quarantine
from exchange_db.session import Ledger
from hub.console.health import CERTIFICATE_DAYS, certificate_days, health_of
from hub.console.pages import Pages
from hub.console.pictures import tier_picture

_SHOWN_RUNS = 200


class OverviewView:
    """How this hub and its links stand.

    Args:
        ledger: the hub's database.
        pages: renders.
    """

    def __init__(self, ledger: Ledger, pages: Pages) -> None:
        self._ledger = ledger
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/", self.overview), web.get("/jobs", self.jobs)]

    async def overview(self, request: web.Request) -> web.Response:
        """Shows the hub, its neighbours and its log."""
        async with self._ledger.read() as session:
            log = await overview.log_state(session)
            links = await peers.link_states(session)
            streams = await overview.streams(session)
            held = await quarantine.counts(session)
            runs = await jobs.latest(session)
        now = log.read_time
        return self._pages.render(
            request,
            "overview.html",
            active="overview",
            now=now,
            log=log,
            links=[(link, health_of(link, now), certificate_days(link, now)) for link in links],
            picture=tier_picture(links, now),
            streams=streams,
            held_count=sum(held.values()),
            waiting_count=sum(link.waiting_count for link in links),
            runs=runs,
            warning_days=CERTIFICATE_DAYS,
        )

    async def jobs(self, request: web.Request) -> web.Response:
        """Shows the last runs of the jobs."""
        async with self._ledger.read() as session:
            runs = await jobs.recent(session, _SHOWN_RUNS)
        return self._pages.render(request, "jobs.html", active="jobs", runs=runs)
