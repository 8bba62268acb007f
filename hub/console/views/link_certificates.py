"""Changing a neighbour's certificate from the page of its link: paste or send it, compare its thumbprint, confirm.

It takes the right on trust (change peer), which the security officer has; the same checks and the same record as
``sanji peers certificate add``.
"""

from datetime import UTC, datetime

from aiohttp import web

from auth.permissions import require, unless_whole
from auth.roles import Action, Kind
from exchange_db.audit_records import person_actor
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.federation.rotation import Candidate, candidate_of, pin
from hub.links.making import make_desk
from hub.recording import acting_as
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

#: Characters of a certificate that are read at most; one has some thousand.
_MOST = 20_000


class LinkCertificateView:
    """The page on which a neighbour's certificate is changed.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._ledger = ledger
        self._region = settings.hub.region
        self._authority = settings.tls.authority
        self._pages = pages
        self._clock = clock
        self._desk = make_desk(settings, ledger, clock)

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/links/certificate", self.form), web.post("/links/certificate", self.change)]

    async def form(self, request: web.Request) -> web.Response:
        """Shows the certificate in use and asks for the next one."""
        return self._shown(request, await self._peer(request, request.query.get("id", "")))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Shows what was sent for comparison, or registers what was compared."""
        form = await request.post()
        peer = await self._peer(request, str(form.get("id", "")))
        text, upload = str(form.get("pem", "")), form.get("file")
        if isinstance(upload, web.FileField) and upload.filename:
            text = upload.file.read(_MOST).decode("utf-8", "replace")
        person, look = request[PERSON], self._pages.presentation(request)
        try:
            found = await self._candidate(peer, text)
            if "compared" not in form:
                return self._shown(request, peer, candidate=found, pem=text)
            with acting_as(person_actor(person.issuer_id, person.subject)):
                await self._pin(peer, text)
        except Violated as refused:
            return self._shown(request, peer, trouble=look.refusal(refused))
        raise web.HTTPSeeOther(look.url("/links/show", id=peer.peer_id))

    async def _pin(self, peer: Peer, text: str) -> None:
        authorities = self._authorities()
        await pin(self._ledger, peer.peer_id, text.encode(), authorities=authorities, until=None, now=self._now)

    async def _candidate(self, peer: Peer, text: str) -> Candidate:
        authorities = self._authorities()
        try:
            async with self._ledger.read() as session:
                return await candidate_of(session, peer, text[:_MOST].encode(), authorities=authorities, now=self._now)
        except ValueError:
            raise Violated("CERTIFICATE_UNREADABLE", "certificate") from None

    def _authorities(self) -> bytes:
        try:
            return self._authority.read_bytes()
        except OSError as error:
            raise Violated("ARGUMENT_INVALID", "tls", error.strerror or type(error).__name__) from None

    async def _peer(self, request: web.Request, peer_id: str) -> Peer:
        try:
            peer = await self._desk.peer(peer_id, unless_whole(request[REGIONS], self._region))
        except Violated:
            raise web.HTTPNotFound from None
        if peer.has_database:
            raise web.HTTPNotFound
        place = peer.region if peer.region in subtree(self._region) else self._region
        require(request[PERSON], Action.CHANGE, Kind.PEER, place)
        return peer

    @property
    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)

    def _shown(
        self,
        request: web.Request,
        peer: Peer,
        *,
        candidate: Candidate | None = None,
        pem: str = "",
        trouble: str = "",
    ) -> web.Response:
        return self._pages.render(
            request,
            "link_certificate.html",
            active="links",
            status=400 if trouble else 200,
            peer=peer,
            now=self._now,
            candidate=candidate,
            pem=pem,
            trouble=trouble,
        )
