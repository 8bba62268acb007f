"""Standards: releases held and where they are in force, what changed, what a draft would do, and who lags behind."""

from datetime import UTC, datetime

import psycopg
from aiohttp import web

from auth.permissions import require
from auth.roles import Action, Kind
from exchange_db.records import Violated
from exchange_db.regions import parse_region
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.evaluation.releases import VALIDATORS
from hub.request_keys import PERSON
from hub.settings import Settings
from hub.standards import archive
from hub.standards.archive import Held
from hub.standards.impact import Impact, impact_of
from hub.standards.publishing import Publisher
from hub.standards.release_diff import diff_of
from hub.standards.release_standing import listed

#: An impact counts the cases that are open; longer than this nobody waits for a page, and the hub's work goes first.
_IMPACT_SECONDS = 5
_EXAMPLES = 3
#: Most neighbours below that are listed when they lag behind.
_LAGGING = 200


class StandardView:
    """Pages about standards.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        hub = settings.hub
        self._ledger = ledger
        self._region = hub.region
        self._pages = pages
        self._clock = clock
        self._publisher = Publisher(ledger, hub.id, hub.region, settings.tls, VALIDATORS, clock)

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/standards", self.page),
            web.get("/standards/diff", self.diff),
            web.get("/standards/impact", self.impact),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """Shows what is held, for the hub's region or one that is named, now."""
        asked = request.query.get("region", "").strip()
        try:
            region = parse_region(asked) if asked else self._region
        except ValueError:
            raise Violated("REGION_INVALID", "region_code", asked) from None
        told = await listed(self._ledger, region, self._clock())
        below = sorted(told["below"], key=lambda one: (-one["missing_count"], one["peer_id"]))
        lagging = [one for one in below if one["missing_count"] or one["trouble"]]
        return self._pages.render(
            request,
            "standards.html",
            active="standards",
            told=told,
            region=region,
            lagging=lagging[:_LAGGING],
            lagging_count=len(lagging),
            level_count=len(below) - len(lagging),
            pairs=_pairs(told["releases"]),
            moment=_moment,
        )

    async def diff(self, request: web.Request) -> web.Response:
        """Shows what differs between two releases held."""
        async with self._ledger.read() as session:
            held = {one.release.number: one for one in await archive.held_releases(session)}
            before, after = (_named(held, request.query.get(name, "")) for name in ("from", "to"))
            if before.manifest.key != after.manifest.key:
                raise Violated("ARGUMENT_INVALID", "to", after.manifest.name)
            found = await diff_of(session, before.manifest, after.manifest)
        return self._pages.render(
            request, "standard_diff.html", active="standards", before=before.manifest, after=after.manifest, diff=found
        )

    async def impact(self, request: web.Request) -> web.Response:
        """Shows what a draft of a code list would change; gives up rather than hold the hub's work up."""
        require(request[PERSON], Action.READ, Kind.STANDARD, self._region)
        kind, name = (request.query.get(key, "").strip() for key in ("kind", "name"))
        found: Impact | None
        plan = await self._publisher.drafted(kind, name)
        checked = await self._publisher.check(plan)
        try:
            async with self._ledger.read() as session:
                await session.driver.execute(f"SET LOCAL statement_timeout = '{_IMPACT_SECONDS:d}s'")
                found = await impact_of(session, checked.manifest, plan.documents, {}, self._region, _EXAMPLES)
        except psycopg.errors.QueryCanceled:
            found = None
        return self._pages.render(
            request,
            "standard_impact.html",
            active="standards",
            kind=kind,
            name=name,
            version=plan.version,
            impact=found,
        )


def _named(held: dict[int, Held], number: str) -> Held:
    found = held.get(int(number)) if number.isdecimal() and len(number) < 10 else None
    if found is None:
        raise Violated("RELEASE_NOT_FOUND", "number", number)
    return found


def _pairs(releases: list[dict[str, object]]) -> dict[object, object]:
    """Returns for each release the number of the one before it of the same publisher, kind and name."""
    last: dict[tuple[object, ...], object] = {}
    found: dict[object, object] = {}
    for one in releases:
        line = (one["publisher_id"], one["kind"], one["name"])
        if line in last:
            found[one["number"]] = last[line]
        last[line] = one["number"]
    return found


def _moment(text: str | None) -> datetime | None:
    """Reads a time as the list tells it, for showing in the hub's zone."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
