"""Turning a template and values into an answer: language, frame, and the same error page for every mistake."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exchange_db.regions import format_region, tier_of
from hub.console.presentation import LANGUAGES, Presentation
from hub.console.words import COUNTERS, TIERS
from hub.settings import Settings

#: Pages of the navigation, by key of the catalogue.
NAVIGATION = (
    ("overview", "/"),
    ("figures", "/figures"),
    ("cases", "/cases"),
    ("quarantine", "/quarantine"),
    ("jobs", "/jobs"),
)


class Pages:
    """Renders templates.

    Args:
        settings: all settings of the hub.
    """

    def __init__(self, settings: Settings) -> None:
        self._hub = settings.hub
        self._zone = ZoneInfo(settings.figures.zone)
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def presentation(self, request: web.Request) -> Presentation:
        """Returns how values look in the language a request asks for."""
        language = request.query.get("lang", LANGUAGES[0])
        return Presentation(language if language in LANGUAGES else LANGUAGES[0], self._zone)

    def render(
        self, request: web.Request, template: str, *, active: str, status: int = 200, **values: Any
    ) -> web.Response:
        """Renders one page.

        Args:
            request: what is answered.
            template: file under ``templates/``.
            active: key of the navigation's entry it belongs to.
            status: status of the answer.
            values: what the template names.
        """
        look = self.presentation(request)
        swapped = {**dict(request.query), "lang": look.other_language()}
        if swapped["lang"] == LANGUAGES[0]:
            del swapped["lang"]
        text = self._templates.get_template(template).render(
            look=look,
            w=look.word,
            url=look.url,
            active=active,
            navigation=NAVIGATION,
            counters=tuple(COUNTERS),
            hub=self._hub,
            hub_region=format_region(self._hub.region),
            hub_tier=TIERS[tier_of(self._hub.region)][LANGUAGES.index(look.language)],
            swapped_url=Presentation(LANGUAGES[0], self._zone).url(request.path, **swapped),
            **values,
        )
        return web.Response(text=text, content_type="text/html", status=status)

    def refuse(self, request: web.Request, status: int, text: str) -> web.Response:
        """Renders an error for people."""
        return self.render(request, "error.html", active="", status=status, text=text)
