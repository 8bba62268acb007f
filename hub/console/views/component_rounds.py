"""Rounds of ownership confirmation: opening one, what each unit was asked, answering, progress, ending it."""

from aiohttp import web

from auth.permissions import may, require
from auth.roles import Action, Kind
from exchange_db.audit_records import person_actor
from exchange_db.ownership import ROLES, Item, ItemState, Proposal, Round
from exchange_db.records import Violated, Violation
from exchange_db.regions import format_region, parse_region
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.components.ownership import Answer, AnswerKind
from hub.components.rounds import GivenAnswer, RoundDesk, kind_of
from hub.console.pages import Pages
from hub.console.views.components import visible_part
from hub.recording import acting_as
from hub.request_keys import PERSON
from hub.settings import Settings

_ROWS = 100
#: What can be said on the page; a new position is given with a file (``sanji components round answer``).
_SAID = tuple(kind for kind in AnswerKind if kind is not AnswerKind.MOVE)


class ComponentRoundView:
    """Pages about ownership rounds.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._region = settings.hub.region
        self._pages = pages
        self._desk = RoundDesk(ledger, self._region, clock)

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/components/rounds", self.listing),
            web.post("/components/rounds", self.open),
            web.get("/components/round", self.round),
            web.post("/components/round/{step:answer|confirm|close}", self.change),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows every round, newest first."""
        return await self._listed(request, "")

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Opens a round."""
        form, person = await _form(request), request[PERSON]
        try:
            try:
                region = parse_region(form.get("region") or format_region(self._region))
            except ValueError:
                raise Violated("REGION_INVALID", "region_code", form["region"]) from None
            require(person, Action.CHANGE, Kind.COMPONENT, region)
            name, by = form.get("name", ""), person_actor(person.issuer_id, person.subject)
            with acting_as(by):
                await self._desk.open(name, form.get("title", ""), region, form.get("role", ""), by)
        except Violated as refused:
            return await self._listed(request, self._told(request, refused.violation))
        raise web.HTTPSeeOther(self._pages.presentation(request).url("/components/round", id=name))

    async def round(self, request: web.Request) -> web.Response:
        """Shows how far each unit has come, and the items of one."""
        return await self._shown(request, request.query.get("id", ""), dict(request.query), "")

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Takes an answer, confirms whatever a unit left open, or ends the round."""
        form, person = await _form(request), request[PERSON]
        round_id, party = form.get("id", ""), form.get("party", "")
        by = person_actor(person.issuer_id, person.subject)
        try:
            found = await self._desk.find(round_id)
            visible = visible_part(request, format_region(found.region))
            with acting_as(by):
                match request.match_info["step"]:
                    case "answer":
                        (violation,) = await self._desk.answer(round_id, visible, [_given(form, by)])
                        if violation is not None:
                            return await self._shown(request, round_id, form, self._told(request, violation))
                    case "confirm":
                        await self._desk.confirm_rest(round_id, visible, party, by)
                    case _:
                        require(person, Action.CHANGE, Kind.COMPONENT, found.region)
                        await self._desk.close(round_id)
        except Violated as refused:
            return await self._shown(request, round_id, form, self._told(request, refused.violation))
        raise web.HTTPSeeOther(self._pages.presentation(request).url("/components/round", id=round_id, party=party))

    async def _listed(self, request: web.Request, trouble: str) -> web.Response:
        return self._pages.render(
            request,
            "component_rounds.html",
            active="components",
            status=400 if trouble else 200,
            rounds=await self._desk.rounds(),
            roles=ROLES,
            region=format_region(self._region),
            may_open=may(request.get(PERSON), Action.CHANGE, Kind.COMPONENT, self._region),
            trouble=trouble,
        )

    async def _shown(self, request: web.Request, round_id: str, asked: dict[str, str], trouble: str) -> web.Response:
        found = await self._desk.find(round_id)
        visible = visible_part(request, format_region(found.region))
        party, after = asked.get("party", ""), asked.get("after", "")
        items = await self._desk.items(round_id, visible, party, after=_place(after), size=_ROWS + 1) if party else []
        last = items[_ROWS - 1] if len(items) > _ROWS else None
        look = self._pages.presentation(request)
        is_open = found.closed_time is None
        return self._pages.render(
            request,
            "component_round.html",
            active="components",
            status=400 if trouble else 200,
            round=found,
            units=await self._desk.progress(round_id, visible),
            party=party,
            items=items[:_ROWS],
            next_url=look.url("/components/round", id=round_id, party=party, after=_text(last)) if last else "",
            item_states=ItemState,
            proposals=Proposal,
            said=_SAID,
            may_answer=is_open and may(request.get(PERSON), Action.CHANGE, Kind.COMPONENT, visible.first),
            may_close=is_open and self._may_close(request, found),
            trouble=trouble,
        )

    def _may_close(self, request: web.Request, found: Round) -> bool:
        return may(request.get(PERSON), Action.CHANGE, Kind.COMPONENT, found.region)

    def _told(self, request: web.Request, violation: Violation) -> str:
        look = self._pages.presentation(request)
        text = violation.message_zh if look.language == "zh" else violation.message
        return f"{look.field(violation.field_path)} · {text}" if violation.field_path else text


async def _form(request: web.Request) -> dict[str, str]:
    return {name: str(value).strip() for name, value in (await request.post()).items()}


def _given(form: dict[str, str], by: str) -> GivenAnswer:
    answer = Answer(
        kind_of(form.get("answer", "")), form.get("party", ""), by, form.get("reason", ""),
        to_unit_code=form.get("to_unit", ""), to_unit_name=form.get("to_unit_name", ""),
    )  # fmt: skip
    return GivenAnswer(form.get("owner", ""), form.get("component", ""), answer)


def _text(item: Item) -> str:
    return f"{item.component_key.hex()}-{item.unit_code}"


def _place(text: str) -> tuple[str, bytes] | None:
    """Returns where a page begins; whatever cannot be read begins at the first one."""
    key, _, unit_code = text.partition("-")
    try:
        found = bytes.fromhex(key)
    except ValueError:
        return None
    return (unit_code, found) if len(found) == 16 else None
