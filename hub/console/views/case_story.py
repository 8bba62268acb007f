"""A case over all tiers, as the hubs above tell it, and the evidence it names, with the right to it."""

import asyncio
from typing import Any

from aiohttp import web

from auth.masking import masked_text
from connectors.errors import ConnectorError
from connectors.traces import TierStory, fetch_story
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db import attachments, case_files, cases, peers
from exchange_db.cases import CaseRow
from exchange_db.keys import case_key
from exchange_db.regions import tier_of
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.guard import HEADERS
from hub.console.pages import Pages
from hub.console.views.cases import home_of
from hub.delivery.dialling import Dialler
from hub.evidence.giving import EvidenceReader
from hub.evidence.store import EvidenceStore
from hub.request_keys import REGIONS
from hub.settings import Settings

#: How long the hubs above have for their answer.
_SECONDS = 6.0
#: What browsers show in a page; everything else is kept as a file.
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


class CaseStoryView:
    """Pages about one case that ask beyond the ledger.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        part, tls = settings.evidence, settings.tls
        self._ledger = ledger
        self._pages = pages
        self._reader = EvidenceReader(ledger, EvidenceStore(part), part, clock, settings.hub.region)
        self._dialler = Dialler(tls.authority, tls.certificate, tls.key, clock)

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/case/tiers", self.tiers), web.get("/case/file", self.file)]

    async def tiers(self, request: web.Request) -> web.Response:
        """Shows what each hub above says of the case, asked at this moment."""
        row = await self._found(request)
        async with self._ledger.read() as session:
            known = await peers.all_peers(session)
        above = [peer for peer in known if peer.relation == "parent" and peer.state == "active"]
        told = await asyncio.gather(*(self._asked(peer, row) for peer in above))
        return self._pages.render(
            request,
            "case_tiers.html",
            active="cases",
            row=row,
            tiers=[_masked(story) for stories in told for story in stories],
        )

    async def _asked(self, peer: peers.Peer, row: CaseRow) -> tuple[TierStory, ...]:
        trouble = "this hub cannot dial it 本枢纽无法主动连接"
        if peer.is_dialled:
            try:
                async with asyncio.timeout(_SECONDS), GrpcPeer(self._dialler.target(peer)) as hub:
                    return await fetch_story(hub, row.issuer_id, row.case_no)
            except (ConnectorError, TimeoutError, OSError, ValueError) as error:
                trouble = str(error) or "no answer in time 未及时应答"
        return (TierStory(peer.peer_id, tier_of(peer.region), "", trouble, (), (), (), ()),)

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Gives the bytes of a piece of evidence, checked on the way."""
        row, digest = await self._found(request), request.query.get("digest", "")
        if len(digest) != 64 or any(letter not in "0123456789abcdef" for letter in digest):
            raise web.HTTPNotFound
        async with self._ledger.read() as session:
            named = await case_files.files_of(session, row, digest)
            stored = await attachments.find(session, digest)
        if stored is None or not named or named[0].state != "held":
            raise web.HTTPNotFound
        is_shown = stored.sniffed_type in SHOWN
        response = web.StreamResponse(headers=dict[str, Any](HEADERS))
        response.content_type = stored.sniffed_type if is_shown else "application/octet-stream"
        response.content_length = stored.size_bytes
        if not is_shown:
            response.headers["Content-Disposition"] = f'attachment; filename="{digest[:16]}"'
        await response.prepare(request)
        async for piece in self._reader.pieces(stored, 0):
            await response.write(piece.data)
        await response.write_eof()
        return response

    async def _found(self, request: web.Request) -> CaseRow:
        issuer_id, case_no = (request.query.get(name, "").strip() for name in ("issuer", "no"))
        async with self._ledger.read() as session:
            row = await cases.find(session, home_of(issuer_id), case_key(issuer_id, case_no), request[REGIONS])
        if row is None:
            raise web.HTTPNotFound
        return row


def _masked(story: TierStory) -> TierStory:
    steps = tuple(step._replace(text=masked_text(step.text)) for step in story.steps)
    return story._replace(steps=steps)
