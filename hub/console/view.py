"""What a view is to the console: some of its addresses."""

from typing import Protocol

from aiohttp import web


class View(Protocol):
    """Some of the console's addresses."""

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
