"""The overview: the tier map, what needs a person now, and today's flow."""

from collections import Counter
from zoneinfo import ZoneInfo

from aiohttp import web

from auth.permissions import may, unless_whole, visible
from auth.roles import Action, Kind
from exchange_db import alerts, followup, jobs, link_samples, overview, today
from exchange_db.link_states import ORDER, LinkHealth
from exchange_db.records import Violated
from exchange_db.regions import parse_region, subtree
from exchange_db.session import Ledger, ReadSession
from hub.console.needs import Facts, Grade, needs_of, reachable
from hub.console.pages import Pages
from hub.console.standing import Standing, standings
from hub.console.tier_map import BOX_HEIGHT, BOX_WIDTH, tier_map, way_to
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

_SHOWN_RUNS = 200
_SHOWN_PROPOSALS = 20
_SHOWN_ALERTS = 50


class OverviewView:
    """How this hub and its links stand.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages) -> None:
        self._ledger = ledger
        self._region = settings.hub.region
        self._zone = ZoneInfo(settings.figures.zone)
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/", self.overview)]

    async def overview(self, request: web.Request) -> web.Response:
        """Shows the map, the needs and today, of all of it what the asker may see.

        Raises:
            Violated: REGION_INVALID or REGION_FORBIDDEN, the region that is to be unfolded.
        """
        focus = self._focus(request)
        async with self._ledger.read() as session:
            log = await overview.log_state(session)
            seen = unless_whole(request[REGIONS], self._region)
            links = await standings(session, seen, log.read_time)
            facts = await self._facts(request, session, links)
            day = log.read_time.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
            figures = visible(request[PERSON], Action.READ, Kind.FIGURE)
            counts = await today.day_counts(session, int(f"{day:%Y%m%d}"), figures) if figures else None
            traffic = await link_samples.traffic(session, day)
        needs = reachable(needs_of(facts), self._pages.open_paths(request))
        return self._pages.render(
            request, "overview.html", active="overview", now=log.read_time, log=log, needs=needs,
            urgent_count=sum(need.grade is Grade.URGENT for need in needs),
            picture=tier_map(links, focus), box=(BOX_WIDTH, BOX_HEIGHT), way=way_to(focus, self._region), focus=focus,
            moods=_counted(links), held_count=sum(one.record_count for one in facts.held),
            waiting_count=sum(one.lag_records for one in links), link_count=len(links),
            counts=counts, traffic=traffic,
        )  # fmt: skip

    async def _facts(self, request: web.Request, session: ReadSession, links: list[Standing]) -> Facts:
        person = request[PERSON]
        held = visible(person, Action.LIST, Kind.QUARANTINE)
        proposed = visible(person, Action.LIST, Kind.PROPOSAL)
        documents = visible(person, Action.LIST, Kind.DOCUMENT)
        alarmed = visible(person, Action.LIST, Kind.ALERT)
        followups = await followup.counts(session, documents) if documents else {}
        return Facts(
            links,
            await today.held_reasons(session, unless_whole(held, self._region)) if held else (),
            await today.open_proposals(session, _SHOWN_PROPOSALS) if proposed else (),
            await jobs.latest(session) if may(person, Action.LIST, Kind.JOB, self._region) else (),
            followups.get("proposed", 0),
            await alerts.open_alerts(session, alarmed, _SHOWN_ALERTS) if alarmed else (),
        )

    def _focus(self, request: web.Request) -> int:
        asked = request.query.get("region", "")
        if not asked:
            return self._region
        try:
            region = parse_region(asked)
        except ValueError as error:
            raise Violated("REGION_INVALID", "region", asked) from error
        if region not in subtree(self._region):
            raise Violated("REGION_FORBIDDEN", "region", asked)
        return region


def _counted(links: list[Standing]) -> list[tuple[LinkHealth, int]]:
    """Returns how many links do how, without those moods nobody is in."""
    counts = Counter(one.mood for one in links)
    return [(mood, counts[mood]) for mood in ORDER if counts[mood]]
