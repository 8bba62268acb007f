"""The links: all of them with filters, one with all that is known of it, and what people do with it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from auth.permissions import may, require, unless_whole
from auth.roles import Action, Kind
from exchange_db.audit_records import person_actor
from exchange_db.link_states import LinkHealth, neighbours
from exchange_db.peers import Peer
from exchange_db.reasons import REASONS
from exchange_db.records import Violated
from exchange_db.regions import Regions, Tier, subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.link_filters import Choice, choose
from hub.console.pages import Pages
from hub.links.making import make_archive, make_bundler, make_desk
from hub.links.testing import Hop
from hub.recording import acting_as
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

#: Class of the style sheet for each health.
LOOKS = {
    LinkHealth.GOOD: "good",
    LinkHealth.SLOW: "strained",
    LinkHealth.DOWN: "broken_link",
    LinkHealth.PAUSED: "blocked",
    LinkHealth.MAINTENANCE: "quiet",
    LinkHealth.WAITING: "unconfirmed",
    LinkHealth.UNKNOWN: "unknown",
}
_WHOLE = "*"
_MOST_PAGES = 10_000


class LinkView:
    """Pages about links.

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
        self._desk = make_desk(settings, ledger, clock)
        self._archive = make_archive(settings, ledger, clock)
        self._bundles = make_bundler(settings, ledger, clock)

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        acts = "test|pause|resume|retry|resync|maintenance|calloff|bundle"
        return [
            web.get("/links", self.listing),
            web.get("/links/show", self.show),
            web.post(f"/links/{{deed:{acts}}}", self.act),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows the links a person may see, those that need somebody first."""
        query = request.query
        page = query.get("page", "1")
        number = int(page) if page.isascii() and page.isdecimal() and len(page) <= len(str(_MOST_PAGES)) else 1
        choice = Choice(
            query.get("health", ""), query.get("region", ""), query.get("tier", ""), query.get("text", "")[:60], number
        )
        now = self._archive.now
        async with self._ledger.read() as session:
            found = await neighbours(session, self._seen(request), now)
        try:
            chosen = choose(found, choice, self._region)
        except ValueError:
            raise Violated("REGION_INVALID", "region", choice.region) from None
        shown = [link.peer.destination_id for link in chosen.links]
        return self._pages.render(
            request,
            "links.html",
            active="links",
            choice=choice,
            chosen=chosen,
            months=await self._archive.month_accounts(shown),
            own=await self._archive.own_availability(),
            now=now,
            healths=tuple(LinkHealth),
            tiers=tuple(Tier),
            looks=LOOKS,
            may_change=may(request[PERSON], Action.CHANGE, Kind.LINK, self._region),
        )

    async def show(self, request: web.Request) -> web.Response:
        """Shows one link."""
        try:
            peer = await self._desk.peer(request.query.get("id", ""), self._seen(request))
        except Violated:
            raise web.HTTPNotFound from None
        return await self._shown(request, peer)

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Does what a button asks for and shows the link again; a bundle is given out."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        name, act, person = form.get("id", ""), request.match_info["deed"], request[PERSON]
        look = self._pages.presentation(request)
        with acting_as(person_actor(person.issuer_id, person.subject)):
            if name == _WHOLE and act in ("maintenance", "calloff"):
                require(person, Action.CHANGE, Kind.LINK, self._region)
                await self._maintain(None, act, form)
                raise web.HTTPSeeOther(look.url("/links"))
            peer = await self._desk.peer(name, self._seen(request))
            try:
                if act == "test":
                    return await self._shown(request, peer, hops=await self._desk.test(peer))
                if act == "bundle":
                    return _file(f"{peer.peer_id}.zip", await self._bundles.pack(peer))
                if act == "resync":
                    require(person, Action.REPAIR, Kind.LINK, self._place(peer))
                await self._change(peer, act, form)
            except Violated as refused:
                violation = refused.violation
                told = violation.message_zh if look.language == "zh" else violation.message
                return await self._shown(request, peer, trouble=told)
        raise web.HTTPSeeOther(look.url("/links/show", id=peer.peer_id))

    async def _change(self, peer: Peer, act: str, form: dict[str, str]) -> None:
        desk = self._desk
        if act == "pause":
            await desk.pause(peer, form.get("reason", ""))
        elif act == "resume":
            await desk.resume(peer)
        elif act == "retry":
            await desk.retry(peer)
        elif act == "resync":
            await desk.resync(peer, form.get("from", "").strip())
        else:
            await self._maintain(peer, act, form)

    async def _maintain(self, peer: Peer | None, act: str, form: dict[str, str]) -> None:
        if act == "calloff":
            await self._desk.call_off(peer)
            return
        text, minutes = form.get("start", ""), form.get("minutes", "")
        try:
            begin = datetime.fromisoformat(text) if text else self._archive.now
            length = timedelta(minutes=int(minutes[:6]))
        except ValueError:
            raise Violated("MAINTENANCE_INVALID", "start", f"{text} {minutes}") from None
        begin = begin if begin.tzinfo else begin.replace(tzinfo=self._zone)
        await self._desk.plan(peer, begin, begin + length, form.get("reason", ""))

    async def _shown(
        self, request: web.Request, peer: Peer, *, trouble: str = "", hops: list[Hop] | None = None
    ) -> web.Response:
        person = request[PERSON]
        found = await self._archive.dossier(peer)
        index = 0 if self._pages.presentation(request).language == "en" else 1
        return self._pages.render(
            request,
            "link.html",
            active="links",
            status=400 if trouble else 200,
            link=found,
            ways=(found.outgoing, found.incoming),
            reasons={one.reason: REASONS[one.reason][index] for one in (found.outgoing, found.incoming) if one.reason},
            causes={
                one.cause: REASONS[one.cause][index] if one.cause in REASONS else one.cause for one in found.outages
            },
            trouble=trouble,
            hops=hops or [],
            looks=LOOKS,
            may_change=may(person, Action.CHANGE, Kind.LINK, self._place(peer)),
            may_trust=may(person, Action.CHANGE, Kind.PEER, self._place(peer)),
            is_expired=not peer.has_database and peer.certificate_end_time <= found.now,
            may_repair=may(person, Action.REPAIR, Kind.LINK, self._place(peer)) and self._desk.resyncs_alone,
        )

    def _place(self, peer: Peer) -> int:
        """Returns where the right to a link must be held: with a neighbour above it is the hub's own."""
        return peer.region if peer.region in subtree(self._region) else self._region

    def _seen(self, request: web.Request) -> Regions | None:
        return unless_whole(request[REGIONS], self._region)


def _file(name: str, content: bytes) -> web.Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=content, content_type="application/zip", headers=disposition)
