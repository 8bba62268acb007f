"""The log of administrative acts: searching, one entry, verifying some of it, taking all of it along, its witnesses."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web

from auth.permissions import may
from auth.roles import Action, Kind
from exchange_db import audit, audit_checkpoints
from exchange_db.audit_records import person_actor
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.audit.exports import Verified, write_export
from hub.audit.verifying import MOST_LINES, verify_range
from hub.clock import Clock
from hub.console.guard import HEADERS
from hub.console.pages import Pages
from hub.recording import acting_as, told
from hub.request_keys import PERSON
from hub.settings import Settings

_ROWS, _WITNESSES = 50, 500
_CHUNK = 1 << 18
_OUTCOMES = ("begun", "done", "refused", "failed")
_ASKED = ("actor", "action", "object", "outcome", "since", "until")


class AuditView:
    """Pages about the audit log.

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
        self._zone = ZoneInfo(settings.figures.zone)

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/audit", self.search),
            web.get("/audit/verify", self.verify),
            web.post("/audit/export", self.export),
            web.get("/audit/witnesses", self.witnesses),
            web.get("/audit/{number}", self.entry),
        ]

    async def search(self, request: web.Request) -> web.Response:
        """Shows the newest entries that fit."""
        asked = {name: request.query.get(name, "").strip()[:200] for name in _ASKED}
        trouble, lines = "", []
        look = self._pages.presentation(request)
        try:
            wanted = audit.Search(
                asked["actor"], asked["action"], asked["object"], asked["outcome"],
                self._moment("since", asked["since"]), self._moment("until", asked["until"]),
            )  # fmt: skip
            async with self._ledger.read() as session:
                lines = await audit.search(session, wanted, limit=_ROWS, before=_whole(request, "before"))
        except Violated as refused:
            trouble = look.refusal(refused)
        following = look.url("/audit", **asked, before=lines[-1].number) if len(lines) == _ROWS else ""
        return self._pages.render(
            request, "audit.html", active="audit", status=400 if trouble else 200, lines=lines, asked=asked,
            outcomes=_OUTCOMES, next_url=following, trouble=trouble, may_export=self._may_export(request),
        )  # fmt: skip

    async def entry(self, request: web.Request) -> web.Response:
        """Shows one entry with its bytes and hashes."""
        text = request.match_info["number"]
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
        async with self._ledger.read() as session:
            found = [line async for line in audit.lines(session, number, number)]
        if not found:
            raise web.HTTPNotFound
        told_by_it: dict[str, Any] = msgspec.json.decode(found[0].content)
        content = json.dumps(told_by_it, ensure_ascii=False, indent=2)
        return self._pages.render(request, "audit_entry.html", active="audit", line=found[0], content=content)

    async def verify(self, request: web.Request) -> web.Response:
        """Verifies a range: lines, chain, tree, checkpoints with their signatures."""
        look, verified, trouble = self._pages.presentation(request), None, ""
        async with self._ledger.read() as session:
            size = (await audit.head_of(session)).size
            last = _whole(request, "to") or size
            first = _whole(request, "from") or max(1, last - 999)
            try:
                verified = await self._verified(session, first, min(last, size))
            except Violated as refused:
                trouble = look.refusal(refused)
        return self._pages.render(
            request, "audit_verify.html", active="audit", status=400 if trouble else 200, verified=verified,
            first=first, last=last, size=size, most=MOST_LINES, trouble=trouble,
        )  # fmt: skip

    async def export(self, request: web.Request) -> web.StreamResponse:
        """Gives out the whole log with its checkpoints, to be verified on another machine."""
        person, hub_id = request[PERSON], self._settings.hub.id
        # Written down first: a slow line would hold the transaction, and with it the database's tidying, open.
        with tempfile.TemporaryFile() as kept:
            with acting_as(person_actor(person.issuer_id, person.subject)):
                async with told(self._ledger, "audit.export", "console") as detail, self._ledger.read() as session:
                    count = 0
                    async for line in write_export(session, hub_id):
                        kept.write(line)
                        count += 1
                    detail["lines"] = count
            length = kept.tell()
            kept.seek(0)
            response = web.StreamResponse(headers={**HEADERS, "Content-Type": "application/x-ndjson"})
            name = f"{hub_id}-audit-{self._now():%Y%m%dT%H%M%SZ}.jsonl"
            response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
            response.content_length = length
            await response.prepare(request)
            while chunk := kept.read(_CHUNK):
                await response.write(chunk)
            await response.write_eof()
        return response

    async def witnesses(self, request: web.Request) -> web.Response:
        """Shows how far neighbours and this hub have signed each other's logs."""
        most = timedelta(minutes=self._settings.audit.silent_minutes)
        async with self._ledger.read() as session:
            head = await audit.head_of(session)
            newest = await audit_checkpoints.newest(session)
            states = await audit_checkpoints.mutual_states(session, _WITNESSES)
        now = self._now()
        silent = {one.peer_id for one in states if one.shown_time is not None and now - one.shown_time > most}
        return self._pages.render(
            request, "audit_witnesses.html", active="audit", size=head.size, newest=newest, states=states, now=now,
            silent=silent,
        )  # fmt: skip

    async def _verified(self, session: Any, first: int, last: int) -> Verified:
        if first > last:
            raise Violated("ARGUMENT_INVALID", "from", f"{first} > {last}")
        authorities = self._settings.tls.authority.read_bytes()
        return await verify_range(session, self._settings.hub.id, authorities, first, last)

    def _may_export(self, request: web.Request) -> bool:
        return may(request[PERSON], Action.EXPORT, Kind.AUDIT, self._settings.hub.region)

    def _moment(self, name: str, text: str) -> int:
        """Reads a local time as a form gives it: ``2020-06-15T08:30`` or a day."""
        if not text:
            return 0
        try:
            return int(datetime.fromisoformat(text).replace(tzinfo=self._zone).timestamp()) * 1_000_000
        except (ValueError, OverflowError, OSError):
            raise Violated("ARGUMENT_INVALID", name, text) from None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def _whole(request: web.Request, name: str) -> int:
    """Returns a number from the address; 0 for none."""
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
