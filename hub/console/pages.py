"""Turning a template and values into an answer: language, frame, and the same error page for every mistake."""

import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension

from auth.permissions import may_come
from auth.sessions import form_token
from exchange_db.records import FIRST_COUNTERS
from exchange_db.regions import format_region, tier_of
from hub.console.assets import Assets
from hub.console.browser import LOOK_COOKIE, set_cookie
from hub.console.navigation import grouped
from hub.console.presentation import LANGUAGES, Presentation
from hub.console.words import TIERS
from hub.doors import PAGE_DOORS
from hub.request_keys import PERSON, TOKEN
from hub.settings import Settings

#: Pages of the navigation, by key of the catalogue; everybody is shown those they may open.
NAVIGATION = (
    ("overview", "/"),
    ("links", "/links"),
    ("alerts", "/alerts"),
    ("figures", "/figures"),
    ("reports", "/reports"),
    ("evaluation", "/evaluation"),
    ("questions", "/questions"),
    ("cases", "/cases"),
    ("components", "/components"),
    ("standards", "/standards"),
    ("followup", "/followup"),
    ("quarantine", "/quarantine"),
    ("joining", "/joining"),
    ("approvals", "/proposals"),
    ("audit", "/audit"),
    ("people", "/people"),
    ("jobs", "/jobs"),
    ("system", "/system"),
)

#: What colours somebody may choose; the first is whatever their system says.
THEMES = ("system", "light", "dark")
_YEAR_SECONDS = 365 * 86_400


class _ScrolledByKeyboard(Extension):
    """Lets a wide table or picture be reached by keyboard, so that it can be scrolled without a mouse."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 — Jinja's
        return re.sub(r'<div class="(scroll|picture)">', r'<div class="\1" tabindex="0">', source)


class Pages:
    """Renders templates.

    Args:
        settings: all settings of the hub.
    """

    def __init__(self, settings: Settings) -> None:
        self.assets = Assets()
        self._hub = settings.hub
        self._zone = ZoneInfo(settings.figures.zone)
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_ScrolledByKeyboard],
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
        theme = _theme(request)
        swapped = {**dict(request.query), "lang": look.other_language()}
        swapped.pop("theme", None)
        if swapped["lang"] == LANGUAGES[0]:
            del swapped["lang"]
        text = self._templates.get_template(template).render(
            look=look,
            w=look.word,
            url=look.url,
            active=active,
            navigation=grouped(entry for entry in NAVIGATION if self._is_open(request, entry[1])),
            theme=theme,
            themes=[(name, self._here(request, theme=name)) for name in THEMES],
            asset=self.assets.address,
            counters=FIRST_COUNTERS,
            person=request.get(PERSON),
            form_token=form_token(token) if (token := request.get(TOKEN)) else "",
            hub=self._hub,
            hub_region=format_region(self._hub.region),
            hub_tier=TIERS[tier_of(self._hub.region)][LANGUAGES.index(look.language)],
            swapped_url=Presentation(LANGUAGES[0], self._zone).url(request.path, **swapped),
            **values,
        )
        response = web.Response(text=text, content_type="text/html", status=status)
        if request.query.get("theme") in THEMES:
            set_cookie(response, LOOK_COOKIE, theme, seconds=_YEAR_SECONDS)
        return response

    def refuse(self, request: web.Request, status: int, text: str) -> web.Response:
        """Renders an error for people."""
        return self.render(request, "error.html", active="", status=status, text=text)

    def open_paths(self, request: web.Request) -> frozenset[str]:
        """Returns the pages that whoever asks may open."""
        paths = (name.removeprefix("GET ") for name in PAGE_DOORS if name.startswith("GET "))
        return frozenset(path for path in paths if self._is_open(request, path))

    def _here(self, request: web.Request, **changed: str) -> str:
        return Presentation(LANGUAGES[0], self._zone).url(request.path, **{**dict(request.query), **changed})

    def _is_open(self, request: web.Request, path: str) -> bool:
        door = PAGE_DOORS[f"GET {path}"]
        return may_come(request.get(PERSON), door.action, door.kind, self._hub.region)


def _theme(request: web.Request) -> str:
    """Returns the colours somebody chose: just now, or earlier in this browser."""
    theme = request.query.get("theme", request.cookies.get(LOOK_COOKIE, ""))
    return theme if theme in THEMES else THEMES[0]
