"""Letting a platform in, step by step. Every step is one form; what is settled stands in the ledger.

Rights: trust is the security officer's (invite, confirm, secret, register, live: change peer), mappings and trials are
the operator's (change mapping, change link). So it takes both, as by the command line.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from multidict import MultiDictProxy

from auth.permissions import may, require
from auth.roles import Action, Kind
from exchange_db.audit_records import person_actor
from exchange_db.joinings import KIT_OPEN
from exchange_db.records import Violated
from exchange_db.regions import region_of
from hub.console.pages import Pages
from hub.federation.joining import LetterInvalid, read_letter, write_letter
from hub.joining import kit, samples
from hub.joining.desk import SECRET_DAYS, TRANSPORTS, JoiningDesk, Wanted
from hub.recording import acting_as
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

_ROWS = 100
Form = MultiDictProxy[Any]


class JoiningView:
    """The pages of the wizard.

    Args:
        desk: lets platforms in.
        settings: all settings of the hub.
        pages: renders.
    """

    def __init__(self, desk: JoiningDesk, settings: Settings, pages: Pages) -> None:
        self._desk = desk
        self._settings = settings
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/joining", self.listing),
            web.post("/joining", self.invite),
            web.post("/joining/letter", self.letter),
            web.get("/joining/platform", self.platform),
            web.get("/joining/mapping", self.mapping_file),
            web.get("/joining/report", self.report),
            web.post("/joining/confirm", self.confirm),
            web.post("/joining/secret", self.secret),
            web.post("/joining/link", self.link),
            web.post("/joining/database", self.database),
            web.post("/joining/mapping", self.mapping),
            web.post("/joining/kit", self.test),
            web.post("/joining/live", self.live),
            web.post("/joining/withdraw", self.withdraw),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows platforms on their way in."""
        return await self._listed(request, "")

    async def invite(self, request: web.Request) -> web.StreamResponse:
        """Begins; shows the invitation once."""
        form = await request.post()
        given = {name: _text(form, name) for name in ("peer_id", "name", "kind", "relation", "transport", "address")}
        wanted = Wanted(**given)
        try:
            require(request[PERSON], Action.CHANGE, Kind.PEER, _region(wanted.peer_id))
            letter = await self._acting(request, lambda: self._desk.invite(wanted))
        except Violated as refused:
            return await self._listed(request, self._pages.presentation(request).refusal(refused))
        if letter is None:
            raise self._back(request, wanted.peer_id)
        return self._pages.render(
            request, "joining_letter.html", active="joining", letter=letter, text=write_letter(letter)
        )

    async def letter(self, request: web.Request) -> web.Response:
        """Gives an invitation back as a file; it is kept nowhere here."""
        text = _text(await request.post(), "letter")
        try:
            letter = read_letter(text)
            region_of(letter.peer_id)
        except (LetterInvalid, ValueError):
            raise Violated("ARGUMENT_INVALID", "letter", text[:40]) from None
        return _file(f"{letter.peer_id}.invitation", f"{text.strip()}\n")

    async def platform(self, request: web.Request) -> web.Response:
        """Shows one platform: every step, and what is missing."""
        return await self._shown(request, request.query.get("peer", ""), "")

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """Lets in whose thumbprint was compared."""
        return await self._step(
            request, Kind.PEER, lambda peer_id, form: self._desk.confirm(peer_id, _text(form, "thumbprint"))
        )

    async def secret(self, request: web.Request) -> web.StreamResponse:
        """Makes the secret of a platform that comes by REST, and shows it once."""
        form = await request.post()
        peer_id, days = _text(form, "peer"), _text(form, "days")
        try:
            require(request[PERSON], Action.CHANGE, Kind.PEER, _region(peer_id))
            number = int(days) if days.isascii() and days.isdecimal() else 0
            made = await self._acting(request, lambda: self._desk.give_secret(peer_id, number))
        except Violated as refused:
            return await self._shown(request, peer_id, self._pages.presentation(request).refusal(refused))
        return self._pages.render(request, "joining_secret.html", active="joining", peer_id=peer_id, made=made)

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Writes the link file of a partner whose database is the link, with the mapping that is kept."""

        async def write(peer_id: str, form: Form) -> None:
            found = (await self._desk.show(peer_id)).joining
            text = _text(form, "link").replace("\r\n", "\n")
            await self._desk.links.write(peer_id, text, found.mapping if form.get("with_mapping") else "")

        return await self._step(request, Kind.LINK, write)

    async def database(self, request: web.Request) -> web.StreamResponse:
        """Installs what a partner's database needs, or registers it."""

        async def act(peer_id: str, form: Form) -> None:
            if _text(form, "act") == "install":
                await self._desk.show(peer_id)
                await self._desk.links.install(peer_id)
            else:
                await self._desk.register_database(peer_id, is_replacing=bool(form.get("replace")))

        return await self._step(request, Kind.PEER, act)

    async def mapping(self, request: web.Request) -> web.StreamResponse:
        """Keeps mapping and sample, and shows each row mapped or refused."""

        async def keep(peer_id: str, form: Form) -> None:
            upload, sample = form.get("sample"), None
            if isinstance(upload, web.FileField) and upload.filename:
                sample = (upload.filename, upload.file.read())
            await self._desk.keep_mapping(peer_id, str(form.get("mapping", "")), sample)

        return await self._step(request, Kind.MAPPING, keep)

    async def mapping_file(self, request: web.Request) -> web.Response:
        """Gives the mapping out, for the platform's own machine."""
        peer_id = request.query.get("peer", "")
        found = (await self._desk.show(peer_id)).joining
        require(request[PERSON], Action.READ, Kind.PEER, found.region)
        return _file(f"{found.peer_id}.toml", found.mapping)

    async def test(self, request: web.Request) -> web.StreamResponse:
        """Orders a conformance run, or stops one."""

        async def order(peer_id: str, form: Form) -> None:
            if form.get("stop"):
                await self._desk.stop_kit(peer_id)
            else:
                await self._desk.order_kit(peer_id, [str(group) for group in form.getall("group", [])])

        return await self._step(request, Kind.LINK, order)

    async def report(self, request: web.Request) -> web.Response:
        """Gives the signed report of the last conformance run out."""
        peer_id = request.query.get("peer", "")
        found = (await self._desk.show(peer_id)).joining
        require(request[PERSON], Action.READ, Kind.PEER, found.region)
        content = await self._desk.report(peer_id)
        if content is None:
            raise web.HTTPNotFound
        return _file(f"conformance-{peer_id}.json", content.decode())

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Says that a platform is on line."""
        return await self._step(
            request, Kind.PEER, lambda peer_id, form: self._desk.go_live(peer_id, _text(form, "waiver"))
        )

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        """Gives one up."""
        form = await request.post()
        peer_id = _text(form, "peer")
        try:
            require(request[PERSON], Action.CHANGE, Kind.PEER, _region(peer_id))
            await self._acting(request, lambda: self._desk.withdraw(peer_id))
        except Violated as refused:
            return await self._listed(request, self._pages.presentation(request).refusal(refused))
        raise web.HTTPSeeOther(self._pages.presentation(request).url("/joining"))

    async def _step(
        self, request: web.Request, kind: Kind, act: Callable[[str, Form], Awaitable[object]]
    ) -> web.StreamResponse:
        """Does one step and shows the platform again, with what was refused where something was."""
        form = await request.post()
        peer_id = _text(form, "peer")
        try:
            if kind is not Kind.MAPPING:  # a right on mappings is of the hub as a whole; its door has asked for it
                require(request[PERSON], Action.CHANGE, kind, _region(peer_id))
            await self._acting(request, lambda: act(peer_id, form))
        except Violated as refused:
            return await self._shown(request, peer_id, self._pages.presentation(request).refusal(refused))
        raise self._back(request, peer_id)

    @staticmethod
    async def _acting(request: web.Request, act: Callable[[], Awaitable[Any]]) -> Any:
        person = request[PERSON]
        with acting_as(person_actor(person.issuer_id, person.subject)):
            try:
                return await act()
            except OSError as error:
                raise Violated("ARGUMENT_INVALID", "tls", error.strerror or type(error).__name__) from None

    def _back(self, request: web.Request, peer_id: str) -> web.HTTPSeeOther:
        return web.HTTPSeeOther(self._pages.presentation(request).url("/joining/platform", peer=peer_id))

    async def _listed(self, request: web.Request, trouble: str) -> web.Response:
        look, after = self._pages.presentation(request), request.query.get("after", "")
        rows = await self._desk.listing(request.get(REGIONS, ()), limit=_ROWS, after=after)
        following = look.url("/joining", after=rows[-1].joining.peer_id) if len(rows) == _ROWS else ""
        listen = self._settings.listen
        return self._pages.render(
            request, "joining.html", active="joining", status=400 if trouble else 200, rows=rows, next_url=following,
            trouble=trouble, transports=TRANSPORTS, address=listen.public_address,
            may_invite=may(request[PERSON], Action.CHANGE, Kind.PEER, self._settings.hub.region),
        )  # fmt: skip

    async def _shown(self, request: web.Request, peer_id: str, trouble: str) -> web.Response:
        found, person, look = await self._desk.show(peer_id), request[PERSON], self._pages.presentation(request)
        joining = found.joining
        if not may(person, Action.READ, Kind.PEER, joining.region):
            raise Violated("JOINING_UNKNOWN", "peer_id", peer_id)
        preview = None
        try:
            preview = await self._desk.preview(peer_id)
        except Violated as refused:
            trouble = trouble or look.refusal(refused)
        chosen = request.query.get("template", "")
        report = await self._desk.report(peer_id)
        return self._pages.render(
            request, "joining_platform.html", active="joining", status=400 if trouble else 200, found=found,
            joining=joining, peer=found.peer, trouble=trouble, preview=preview, templates=list(samples.templates()),
            mapping=joining.mapping if joining.mapping and not chosen else samples.template(chosen, peer_id),
            report=None if report is None else kit.read_report(report), groups=kit.groups(),
            is_testing=joining.kit_state in KIT_OPEN, kit_listen=self._settings.joining.kit_listen,
            link=self._desk.links.known(peer_id) if joining.transport == "database" else None,
            link_template=self._desk.links.template(peer_id, joining.name), days=SECRET_DAYS,
            rest=self._settings.rest.listen, most_bytes=samples.MOST_BYTES,
            may_trust=may(person, Action.CHANGE, Kind.PEER, joining.region),
            may_map=may(person, Action.CHANGE, Kind.MAPPING, self._settings.hub.region),
            may_try=may(person, Action.CHANGE, Kind.LINK, joining.region),
        )  # fmt: skip


def _text(form: Form, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _region(peer_id: str) -> int:
    try:
        return region_of(peer_id)
    except ValueError:
        raise Violated("PLATFORM_ID_INVALID", "peer_id", peer_id[:80]) from None


def _file(name: str, text: str) -> web.Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=text.encode(), content_type="application/octet-stream", headers=disposition)
