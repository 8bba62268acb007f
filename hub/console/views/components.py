"""Components: lists, one component with its history, and where they stand as a drawing without a map service."""

from datetime import UTC, datetime

from aiohttp import web
from msgspec.structs import replace

from auth.permissions import shared
from connectors.crs import Converter
from exchange_db.records import Component, ComponentState, Crs, Violated
from exchange_db.regions import Subtree, format_region, parse_region, subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.components.map_sheet import SheetEmpty, SheetText, draw_sheet
from hub.components.reading import ComponentQuery, ComponentReader, Place
from hub.console.pages import Pages
from hub.request_keys import REGIONS
from hub.settings import Settings

_ROWS = 100
#: Signs of a drawing on a page, and how many are read at once.
MOST_DRAWN, _PAGE = 3_000, 1_000
_FIELDS = ("region", "standard", "class", "unit", "state")


class ComponentView:
    """Pages about components.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._region = settings.hub.region
        self._name = settings.hub.name
        self._pages = pages
        self._clock = clock
        self._reader = ComponentReader(ledger, self._region, Converter(settings.components.local_frame))

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/components", self.listing),
            web.get("/components/map.svg", self.drawing),
            web.get("/component", self.component),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows components by region and key."""
        form, visible, query = self._read(request)
        page = await self._reader.page(visible, query)
        look = self._pages.presentation(request)
        here = {name: value for name, value in form.items() if value}
        return self._pages.render(
            request,
            "components.html",
            active="components",
            form=form,
            rows=page.components,
            states=tuple(ComponentState),
            map_url=look.url("/components/map.svg", **here) if page.components else "",
            most_drawn=MOST_DRAWN,
            next_url=look.url("/components", **here, after=_text(page.after)) if page.after else "",
        )

    async def drawing(self, request: web.Request) -> web.Response:
        """Draws the components of a list, the first ``MOST_DRAWN`` of them, as SVG."""
        form, visible, query = self._read(request)
        drawn: list[Component] = []
        query = replace(query, crs=Crs.CGCS2000, size=_PAGE, after=None)
        while len(drawn) < MOST_DRAWN:
            page = await self._reader.page(visible, query)
            drawn += page.components
            if page.after is None:
                break
            query = replace(query, after=page.after)
        day = datetime.fromtimestamp(self._clock() / 1_000_000, UTC).date().isoformat()
        narrowing = " ".join(filter(None, (form[name] for name in _FIELDS)))
        try:
            svg = draw_sheet(drawn[:MOST_DRAWN], [], SheetText("部件分布图", f"{self._name} · {narrowing}", day))
        except SheetEmpty:
            raise web.HTTPNotFound from None
        return web.Response(text=svg, content_type="image/svg+xml")

    async def component(self, request: web.Request) -> web.Response:
        """Shows one component and its revisions."""
        owner_id, component_id = (request.query.get(name, "").strip() for name in ("owner", "id"))
        for span in request[REGIONS]:
            try:
                component, changes = await self._reader.find(span, owner_id, component_id, Crs.NONE)
            except Violated as refused:
                if refused.violation.reason != "COMPONENT_NOT_FOUND":
                    raise
                continue
            fields = [(name, getattr(component, name)) for name in component.__struct_fields__]
            return self._pages.render(
                request,
                "component.html",
                active="components",
                component=component,
                fields=[(name, value) for name, value in fields if value],
                changes=changes,
            )
        raise web.HTTPNotFound

    def _read(self, request: web.Request) -> tuple[dict[str, str], Subtree, ComponentQuery]:
        """Reads the form; of rights on several regions, those inside the one that is asked for count.

        Raises:
            Violated: REGION_INVALID, REGION_FORBIDDEN or ARGUMENT_INVALID.
        """
        form = {name: request.query.get(name, "").strip() for name in _FIELDS}
        visible = visible_part(request, form["region"] or format_region(self._region))
        state = int(form["state"]) if form["state"].isdecimal() and len(form["state"]) == 1 else 0
        query = ComponentQuery(
            "", form["standard"], form["class"], form["unit"], state, size=_ROWS,
            after=_place(request.query.get("after", "")),
        )  # fmt: skip
        return form, visible, query


def visible_part(request: web.Request, region_code: str) -> Subtree:
    """Returns what a person may see of a region: the first range, where their rights leave several.

    Raises:
        Violated: REGION_INVALID or REGION_FORBIDDEN.
    """
    try:
        asked = subtree(parse_region(region_code))
    except ValueError:
        raise Violated("REGION_INVALID", "region_code", region_code) from None
    held: tuple[Subtree, ...] = request[REGIONS]
    parts = shared(held, asked)
    if not parts:
        raise Violated("REGION_FORBIDDEN", "region_code", region_code)
    return parts[0]


def _text(place: Place) -> str:
    return f"{place[0]:06d}-{place[1].hex()}"


def _place(text: str) -> Place | None:
    """Returns where a page begins; whatever cannot be read begins at the first one."""
    region, _, key = text.partition("-")
    try:
        place = parse_region(region), bytes.fromhex(key)
    except ValueError:
        return None
    return place if len(place[1]) == 16 else None
