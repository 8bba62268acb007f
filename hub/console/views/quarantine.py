"""The quarantine: what was refused, why, the bytes it came as, and what may be done about it."""

import hashlib
import re
from zoneinfo import ZoneInfo

from aiohttp import web

from auth.masking import masked_text
from auth.permissions import may, require, unless_whole
from auth.roles import Action, Kind
from connectors.corrections import is_correctable, with_fields
from connectors.display import ShownField, fields_of, json_of
from connectors.translation import with_classes
from connectors.veiling import veiled
from exchange_db import overview, quarantine
from exchange_db.audit_records import person_actor
from exchange_db.quarantine import QuarantineRow
from exchange_db.records import Violated
from exchange_db.regions import Regions
from exchange_db.session import Ledger
from hub.approvals.rights import person_party
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.views.cases import FREE_TEXTS
from hub.intake.replay import Replayed
from hub.quarantine.desk import QuarantineDesk, Selection
from hub.quarantine.rehearsal import Prospect
from hub.quarantine.translating import Untranslatable, translations
from hub.recording import acting_as
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

_ROWS = 100
#: Bytes and characters of the original that are shown.
_DUMPED = 4_096
_RESOLUTIONS = ("open", "replayed", "discarded")
#: Names of a form's fields that are values of the record.
_FIELD = "field:"


class QuarantineView:
    """Pages about refused records.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._ledger = ledger
        self._region = settings.hub.region
        self._hub_id = settings.hub.id
        self._target = next(iter(settings.standards.accepts), "")
        self._approvals = settings.approvals
        self._zone = ZoneInfo(settings.figures.zone)
        self._pages = pages
        self._desk = QuarantineDesk(ledger, settings, clock)

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/quarantine", self.listing),
            web.post("/quarantine/replay", self.replay_all),
            web.get(r"/quarantine/{number:\d{1,18}}", self.record),
            web.post(r"/quarantine/{number:\d{1,18}}/replay", self.replay),
            web.post(r"/quarantine/{number:\d{1,18}}/discard", self.discard),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows the records, newest first."""
        return await self._listed(request)

    async def record(self, request: web.Request) -> web.Response:
        """Shows one record with its original."""
        return await self._shown(request, await self._found(request))

    async def replay(self, request: web.Request) -> web.StreamResponse:
        """Replays a record as it is, with other classes or with corrected fields; or says what that would do."""
        row = await self._found(request)
        form = {name: str(value) for name, value in (await request.post()).items()}
        how = form.get("how", "")
        with acting_as(_actor(request)):
            try:
                payload, changed = await self._payload(row, form, how)
                if "dry_run" in form:
                    prospect = await self._desk.rehearse(row, payload)
                    return await self._shown(request, row, prospect=prospect, given=form)
                outcome = await self._desk.replay(row, payload, changed, is_translated=how == "translate")
                if outcome is Replayed.STILL_REFUSED:
                    prospect = await self._desk.rehearse(row, payload)
                    return await self._shown(request, row, prospect=prospect, given=form)
            except (Untranslatable, Violated) as refused:
                return await self._shown(request, row, trouble=self._told(request, refused), given=form)
        raise web.HTTPSeeOther(self._pages.presentation(request).url(f"/quarantine/{row.quarantine_id}"))

    async def discard(self, request: web.Request) -> web.StreamResponse:
        """Closes a record without effect."""
        row = await self._found(request)
        form = await request.post()
        with acting_as(_actor(request)):
            try:
                await self._desk.discard(row, str(form.get("reason", "")))
            except Violated as refused:
                return await self._shown(request, row, trouble=self._told(request, refused))
        raise web.HTTPSeeOther(self._pages.presentation(request).url(f"/quarantine/{row.quarantine_id}"))

    async def replay_all(self, request: web.Request) -> web.StreamResponse:
        """Replays the open records of a reason and neighbour, or proposes it, or says which they are."""
        form = {name: str(value).strip() for name, value in (await request.post()).items()}
        # A selection is not cut to regions: it takes the right over the hub as a whole.
        require(request[PERSON], Action.REPLAY, Kind.QUARANTINE, self._region)
        wanted = Selection(form.get("reason", ""), form.get("peer", ""))
        with acting_as(_actor(request)):
            try:
                told: list[str] = await self._desk.rehearse_all(wanted)
                if "dry_run" not in form and self._desk.is_approval_required:
                    party = person_party(request[PERSON], self._approvals)
                    made = await self._desk.propose_all(party, wanted, form.get("purpose", ""))
                    told = [str(made.proposal.proposal_id), *made.proposal.dry_run]
                elif "dry_run" not in form:
                    told = [await self._desk.replay_all(wanted)]
            except Violated as refused:
                return await self._listed(request, wanted, trouble=self._told(request, refused))
        is_proposed = "dry_run" not in form and self._desk.is_approval_required
        key = "bulk_would" if "dry_run" in form else "bulk_proposed" if is_proposed else "bulk_done"
        return await self._listed(request, wanted, told=(key, told))

    async def _listed(
        self,
        request: web.Request,
        wanted: Selection | None = None,
        *,
        trouble: str = "",
        told: tuple[str, list[str]] | None = None,
    ) -> web.Response:
        query = request.query
        resolution = query.get("resolution", "open")
        resolution = resolution if resolution in _RESOLUTIONS else "open"
        wanted = wanted or Selection(query.get("reason", "").strip(), query.get("peer", "").strip())
        seen, before = self._seen(request), query.get("before", "")
        async with self._ledger.read() as session:
            rows = await overview.held(
                session, seen, resolution=resolution, reason=wanted.reason, peer_id=wanted.peer_id,
                before=int(before) if before.isdecimal() and len(before) < 19 else 0, limit=_ROWS + 1,
            )  # fmt: skip
            groups = await quarantine.groups(session, seen)
        look = self._pages.presentation(request)
        here = {"resolution": resolution, "reason": wanted.reason, "peer": wanted.peer_id}
        return self._pages.render(
            request,
            "quarantine.html",
            active="quarantine",
            status=400 if trouble else 200,
            rows=rows[:_ROWS],
            groups=groups,
            counted=quarantine.COUNTED,
            wanted=wanted,
            resolution=resolution,
            resolutions=_RESOLUTIONS,
            next_url=look.url("/quarantine", **here, before=rows[_ROWS - 1].quarantine_id) if len(rows) > _ROWS else "",
            may_replay=may(request.get(PERSON), Action.REPLAY, Kind.QUARANTINE, self._region),
            needs_approval=self._desk.is_approval_required,
            trouble=trouble,
            told=told,
        )

    async def _shown(
        self,
        request: web.Request,
        row: QuarantineRow,
        *,
        prospect: Prospect | None = None,
        trouble: str = "",
        given: dict[str, str] | None = None,
    ) -> web.Response:
        payload, person = bytes(row.payload), request.get(PERSON)
        fields, region = fields_of(payload), row.region if row.region is not None else self._region
        shown = veiled(payload, self._hub_id, masked_text) if fields is not None else payload
        may_replay = row.resolution == "open" and may(person, Action.REPLAY, Kind.QUARANTINE, region)
        is_held_here = row.stage != "delivery"
        named = [field.path for field in fields or ()]
        return self._pages.render(
            request,
            "record.html",
            active="quarantine",
            status=400 if trouble else 200,
            row=row,
            fields=[(_masked(field), _is_at_fault(field.path, row.field_path)) for field in fields or ()],
            is_readable=fields is not None,
            size=len(payload),
            digest=hashlib.sha256(payload).hexdigest(),
            is_veiled=shown != payload,
            dump=shown[:_DUMPED].hex(" "),
            text=masked_text(shown[:_DUMPED].decode("utf-8", "replace")),
            json=masked_text((json_of(shown) or "")[: 16 * _DUMPED]),
            absent=row.field_path if fields is not None and row.field_path not in named else "",
            advice=_advice(row, is_readable=fields is not None),
            may_replay=may_replay,
            may_correct=may_replay and is_held_here and fields is not None,
            may_discard=row.resolution == "open" and may(person, Action.DISCARD, Kind.QUARANTINE, region),
            is_correctable=is_correctable,
            free_texts=FREE_TEXTS,
            target=self._target,
            prospect=prospect,
            trouble=trouble,
            given=given or {},
        )

    async def _payload(self, row: QuarantineRow, form: dict[str, str], how: str) -> tuple[bytes | None, list[str]]:
        """Returns what is to be taken in the record's place, and which fields differ; ``None`` for its own bytes."""
        if row.stage == "delivery" or how not in ("translate", "fields"):
            return None, []
        payload = bytes(row.payload)
        if how == "translate":
            register = await self._desk.register()
            found = translations(
                register, payload, form.get("to", "").strip() or self._target, form.get("code", "").strip()
            )
            return with_classes(payload, found), [f"{was.key} → {becomes.key}" for was, becomes in found.items()]
        held = {field.path: field for field in fields_of(payload) or ()}
        changes = {
            path: text
            for name, text in form.items()
            if name.startswith(_FIELD) and _is_changed(held.get(path := name.removeprefix(_FIELD)), text)
        }
        return (with_fields(payload, changes, self._zone) if changes else None), list(changes)

    async def _found(self, request: web.Request) -> QuarantineRow:
        row = await self._desk.find(int(request.match_info["number"]), self._seen(request))
        if row is None:
            raise web.HTTPNotFound
        return row

    def _seen(self, request: web.Request) -> Regions | None:
        return unless_whole(request[REGIONS], self._region)

    def _told(self, request: web.Request, refused: Untranslatable | Violated) -> str:
        if isinstance(refused, Untranslatable):
            return str(refused)
        look, violation = self._pages.presentation(request), refused.violation
        text = violation.message_zh if look.language == "zh" else violation.message
        return f"{violation.field_path} · {text}" if violation.field_path else text


def _actor(request: web.Request) -> str:
    person = request[PERSON]
    return person_actor(person.issuer_id, person.subject)


def _is_changed(held: ShownField | None, text: str) -> bool:
    """Tells whether a box of the form says something else; free texts are shown masked, and empty says nothing."""
    if held is None or held.name in FREE_TEXTS:
        return bool(text)
    return text != as_text(held)


def as_text(field: ShownField) -> str:
    """Returns a value as the form holds it."""
    return str(field.value).lower() if isinstance(field.value, bool) else str(field.value)


def _advice(row: QuarantineRow, *, is_readable: bool) -> str:
    """Returns the key of what to do about a record."""
    if row.stage == "delivery":
        return "advice_delivery"
    if not is_readable:
        return "advice_unreadable"
    if row.stage == "apply":
        return "advice_apply"
    return "advice_class" if row.field_path.endswith("class_code") else "advice_intake"


def _masked(field: ShownField) -> ShownField:
    is_free = isinstance(field.value, str) and field.name in FREE_TEXTS
    return field._replace(value=masked_text(str(field.value))) if is_free else field


def _is_at_fault(path: str, fault: str) -> bool:
    bare = re.sub(r"\[\d+\]", "", path)
    return bool(fault) and (bare == fault or bare.startswith(f"{fault}."))
