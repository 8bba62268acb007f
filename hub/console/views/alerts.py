"""The page of alerts: what is wrong, who takes it on, silences, contacts, rules, notices and duty calls."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from aiohttp import web

from auth.permissions import may, require
from auth.roles import Action, Kind
from exchange_db.alert_records import Contact, ContactRole, Severity
from exchange_db.audit_records import person_actor
from exchange_db.records import Violated
from exchange_db.regions import parse_region
from exchange_db.session import Ledger
from hub.alerts.desk import AlertDesk
from hub.alerts.making import make_duty_desk
from hub.alerts.rules import CHANGEABLE, shipped_rules
from hub.alerts.telling import MAIL
from hub.alerts.wording import title_of
from hub.clock import Clock
from hub.console.pages import Pages
from hub.recording import acting_as
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

_ROWS = 200
_TABS = ("open", "history", "silences", "contacts", "rules", "channels", "duty")
#: Where the cause of an alert is looked at, by kind of its subject.
_CAUSES = {
    "link": "/links",
    "canary": "/links",
    "job": "/jobs",
    "worker": "/",
    "backlog": "/",
    "quarantine": "/quarantine",
    "period": "/figures/completeness",
}
_Form = Mapping[str, str]


class AlertView:
    """Pages about alerts.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._desk = AlertDesk(ledger, settings, clock)
        self._duty = make_duty_desk(settings, ledger, clock)
        self._hub_region = settings.hub.region
        self._pages = pages
        #: Act to what does it and the tab that shows it.
        self._acts: dict[str, tuple[Callable[[web.Request, _Form, str], Awaitable[object]], str]] = {
            "acknowledge": (self._acknowledge, "open"),
            "silence": (self._silence, "silences"),
            "unsilence": (self._end_silence, "silences"),
            "contact": (self._keep_contact, "contacts"),
            "remove": (self._remove_contact, "contacts"),
            "rule": (self._change_rule, "rules"),
            "test": (self._try_channel, "channels"),
            "call": (self._call, "duty"),
            "answer": (self._answer, "duty"),
        }

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/alerts", self.listing), *(web.post(f"/alerts/{act}", self.act) for act in self._acts)]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows what is open, or another tab."""
        asked = request.query.get("list", _TABS[0])
        return await self._shown(request, asked if asked in _TABS else _TABS[0], "")

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Does one act and shows its tab again."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        act, tab = self._acts[request.path.rpartition("/")[2]]
        look, person = self._pages.presentation(request), request[PERSON]
        by = person_actor(person.issuer_id, person.subject)
        try:
            with acting_as(by):
                await act(request, form, person.name or by)
        except Violated as refused:
            violation = refused.violation
            text = violation.message_zh if look.language == "zh" else violation.message
            field = f"{look.field(violation.field_path)} · " if violation.field_path else ""
            return await self._shown(request, tab, f"{field}{text}")
        raise web.HTTPSeeOther(look.url("/alerts", list=tab))

    async def _acknowledge(self, request: web.Request, form: _Form, by: str) -> None:
        number = _number(form, "alert", "ALERT_UNKNOWN")
        await self._desk.acknowledge(number, request[REGIONS], by, form.get("note", ""))

    async def _silence(self, request: web.Request, form: _Form, by: str) -> None:
        region = _region(form, self._hub_region)
        require(request[PERSON], Action.CHANGE, Kind.ALERT, region)
        hours = _float(form, "hours", "SILENCE_INVALID")
        rule, subject = form.get("rule", ""), form.get("subject", "")
        await self._desk.silence(rule, subject, hours, form.get("reason", ""), by, region)

    async def _end_silence(self, request: web.Request, form: _Form, by: str) -> None:  # noqa: ARG002 — as all acts
        await self._desk.end_silence(_number(form, "silence", "SILENCE_UNKNOWN"), request[REGIONS])

    async def _keep_contact(self, request: web.Request, form: _Form, by: str) -> None:
        given: dict[str, Any] = {
            name: form[name].strip() for name in ("name", "unit", "phone", "mail", "robot", "duty_days") if name in form
        }
        given |= {name: _whole(form, name) for name in ("level", "duty_from", "duty_until") if form.get(name)}
        try:
            role = ContactRole(form.get("role", ContactRole.OFFICER))
        except ValueError:
            raise Violated("CONTACT_INVALID", "role", form.get("role", "")[:20]) from None
        number = _number(form, "contact", "CONTACT_UNKNOWN") if form.get("contact") else uuid4()
        region = _region(form, self._hub_region)
        contact = Contact(region=region, contact_id=number, role=role, **{"name": "", **given})
        await self._desk.keep_contact(contact, request[REGIONS], by)

    async def _remove_contact(self, request: web.Request, form: _Form, by: str) -> None:  # noqa: ARG002 — as all acts
        await self._desk.remove_contact(_number(form, "contact", "CONTACT_UNKNOWN"), request[REGIONS])

    async def _change_rule(self, request: web.Request, form: _Form, by: str) -> None:
        self._require_hub(request)
        changes: dict[str, Any] = {}
        if "reset" not in form:
            changes = {
                "is_on": "is_on" in form,
                "severity": form.get("severity", ""),
                **{name: _float(form, name, "ALERT_RULE_INVALID") for name in ("raise_at", "clear_at")},
                **{name: _whole(form, name, "ALERT_RULE_INVALID") for name in ("raise_seconds", "clear_seconds")},
            }
        await self._desk.change_rule(form.get("rule", ""), changes, by)

    async def _try_channel(self, request: web.Request, form: _Form, by: str) -> None:
        self._require_hub(request)
        await self._desk.try_channel(form.get("channel", ""), form.get("address", "").strip(), by)

    async def _call(self, request: web.Request, form: _Form, by: str) -> None:
        self._require_hub(request)
        minutes = _float(form, "minutes", "DUTY_CALL_INVALID")
        await self._duty.call(form.get("addressee", "").strip(), minutes, by)

    async def _answer(self, request: web.Request, form: _Form, by: str) -> None:  # noqa: ARG002 — the name is asked for
        self._require_hub(request)
        await self._duty.answer(
            form.get("issuer", ""), form.get("document", ""), form.get("name", ""), form.get("text", "")
        )

    def _require_hub(self, request: web.Request) -> None:
        require(request[PERSON], Action.CHANGE, Kind.ALERT, self._hub_region)

    async def _shown(self, request: web.Request, tab: str, trouble: str) -> web.Response:
        person, look = request[PERSON], self._pages.presentation(request)

        def may_change(region: int) -> bool:
            return may(person, Action.CHANGE, Kind.ALERT, region)

        def title(rule: str) -> str:
            return title_of(rule)[look.language != "zh"]

        return self._pages.render(
            request,
            "alerts.html",
            active="alerts",
            status=400 if trouble else 200,
            tab=tab,
            tabs=_TABS,
            trouble=trouble,
            now=self._desk.now(),
            may_change=may_change,
            may_manage=may_change(self._hub_region),
            title=title,
            causes=_CAUSES,
            severities=tuple(Severity),
            **await self._values(request, tab, may_manage=may_change(self._hub_region)),
        )

    async def _values(self, request: web.Request, tab: str, *, may_manage: bool) -> dict[str, object]:
        """Returns what a tab shows, and nothing of the others."""
        regions, desk, rows = request[REGIONS], self._desk, list[object]()

        def may_edit(contact: Contact) -> bool:
            return may(request[PERSON], Action.CHANGE, Kind.ALERT, contact.region)

        beside: dict[str, object] = {}
        match tab:
            case "open":
                rows += await desk.open(regions, _ROWS)
            case "history":
                found = await desk.history(regions, _ROWS // 4, _moment(request))
                last = found[-1].since.isoformat() if len(found) == _ROWS // 4 else ""
                beside["next_url"] = (
                    self._pages.presentation(request).url("/alerts", list=tab, before=last) if last else ""
                )
                beside["stories"] = await desk.stories(found)
                rows += found
            case "silences":
                rows += await desk.silences(regions)
            case "contacts":
                known = await desk.contacts(regions)
                wanted = request.query.get("edit", "")
                beside["edited"] = next((one for one in known if str(one.contact_id) == wanted and may_edit(one)), None)
                beside |= {"roles": tuple(ContactRole), "robots": [name for name in desk.channels if name != MAIL]}
                rows += known
            case "rules":
                rows += [
                    (rule, _is_changed(rule, shipped_rules()[name])) for name, rule in (await desk.rules()).items()
                ]
            case "channels":
                # Addresses of people are for those who look after them.
                rows += await desk.notices(_ROWS // 4) if may_manage else []
                beside["channels"] = desk.channels
            case _:
                rows += await self._duty.calls(regions)
                beside["hub_id"] = self._duty.hub_id
        return {"rows": rows, **beside}


def _is_changed(rule: msgspec.Struct, shipped: msgspec.Struct) -> bool:
    return any(getattr(rule, name) != getattr(shipped, name) for name in CHANGEABLE)


def _number(form: _Form, name: str, reason: str) -> UUID:
    try:
        return UUID(form.get(name, ""))
    except ValueError:
        raise Violated(reason, name, form.get(name, "")[:40]) from None


def _float(form: _Form, name: str, reason: str) -> float:
    try:
        return float(form.get(name, ""))
    except ValueError:
        raise Violated(reason, name, form.get(name, "")[:20]) from None


def _whole(form: _Form, name: str, reason: str = "CONTACT_INVALID") -> int:
    try:
        return int(form.get(name, ""))
    except ValueError:
        raise Violated(reason, name, form.get(name, "")[:20]) from None


def _region(form: _Form, usual: int) -> int:
    text = form.get("region", "").strip()
    try:
        return parse_region(text) if text else usual
    except ValueError:
        raise Violated("REGION_INVALID", "region", text[:10]) from None


def _moment(request: web.Request) -> datetime | None:
    """Returns where a page of the history begins; whatever cannot be read begins at the newest."""
    try:
        moment = datetime.fromisoformat(request.query.get("before", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
