"""The past of one link: a day, a week or a year, as charts and as a table."""

import json
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from aiohttp import web

from auth.permissions import unless_whole
from exchange_db import link_samples, peers
from exchange_db.link_samples import Grain
from exchange_db.records import Violated
from exchange_db.regions import spans_of
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.assets import CHARTS
from hub.console.line_charts import charts_of
from hub.console.pages import Pages
from hub.request_keys import REGIONS
from hub.settings import Settings


class Span(NamedTuple):
    """How far back, in buckets of what grain, and how moments are written."""

    length: timedelta
    grain: Grain
    format: str


SPANS = {
    "day": Span(timedelta(days=1), Grain.MINUTES, "%H:%M"),
    "week": Span(timedelta(days=7), Grain.HOUR, "%m-%d %H:%M"),
    "year": Span(timedelta(days=365), Grain.DAY, "%Y-%m-%d"),
}


class LinkHistoryView:
    """Charts of a link.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._ledger = ledger
        self._region = settings.hub.region
        self._zone = ZoneInfo(settings.figures.zone)
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/links/history", self.history)]

    async def history(self, request: web.Request) -> web.Response:
        """Shows what was seen of a link.

        Raises:
            Violated: ARGUMENT_INVALID, there is no such span.
        """
        name, peer_id = request.query.get("span", "day"), request.query.get("id", "")
        if name not in SPANS:
            raise Violated("ARGUMENT_INVALID", "span", ", ".join(SPANS))
        span = SPANS[name]
        until = datetime.fromtimestamp(self._clock() / 1_000_000, UTC).astimezone(self._zone)
        since = until - span.length
        async with self._ledger.read() as session:
            peer = await peers.by_id(session, peer_id)
            seen = unless_whole(request[REGIONS], self._region)
            if peer is None or (seen is not None and not any(peer.region in one for one in spans_of(seen))):
                raise web.HTTPNotFound
            buckets = await link_samples.history(session, peer.destination_id, span.grain, since)
        charts = charts_of(
            [one._replace(begin_time=one.begin_time.astimezone(self._zone)) for one in buckets], since, until
        )
        look = self._pages.presentation(request)
        return self._pages.render(
            request, "link_history.html", active="links", peer=peer, charts=charts, spans=list(SPANS), span=name,
            format=span.format, library=CHARTS if self._pages.assets.has(CHARTS) else "",
            buckets=[one for one in reversed(buckets) if one.begin_time >= since],
            data={
                chart.key: json.dumps(
                    chart.data | {"names": [look.word(line.key) for line in chart.lines]}, separators=(",", ":")
                )
                for chart in charts
            },
        )  # fmt: skip
