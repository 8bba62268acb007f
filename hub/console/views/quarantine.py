"""The quarantine: what was refused, why, and the bytes it came as."""

import re

from aiohttp import web

from connectors.display import fields_of
from exchange_db import overview, quarantine
from exchange_db.session import Ledger
from hub.console.pages import Pages

_ROWS = 200
_HEX_BYTES = 512
_RESOLUTIONS = ("open", "replayed", "discarded")


class QuarantineView:
    """Pages about refused records.

    Args:
        ledger: the hub's database.
        pages: renders.
    """

    def __init__(self, ledger: Ledger, pages: Pages) -> None:
        self._ledger = ledger
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/quarantine", self.listing), web.get(r"/quarantine/{number:\d{1,18}}", self.record)]

    async def listing(self, request: web.Request) -> web.Response:
        """Shows the records, newest first."""
        resolution = request.query.get("resolution", "open")
        resolution = resolution if resolution in _RESOLUTIONS else "open"
        async with self._ledger.read() as session:
            rows = await overview.held(session, resolution=resolution, limit=_ROWS)
            held = await quarantine.counts(session)
        return self._pages.render(
            request,
            "quarantine.html",
            active="quarantine",
            rows=rows,
            by_reason=sorted(held.items(), key=lambda pair: (-pair[1], pair[0])),
            resolution=resolution,
            resolutions=_RESOLUTIONS,
        )

    async def record(self, request: web.Request) -> web.Response:
        """Shows one record with its original."""
        async with self._ledger.read() as session:
            row = await quarantine.find(session, int(request.match_info["number"]))
        if row is None:
            raise web.HTTPNotFound
        payload = bytes(row.payload)
        fields = fields_of(payload)
        return self._pages.render(
            request,
            "record.html",
            active="quarantine",
            row=row,
            fields=[(field, _is_at_fault(field.path, row.field_path)) for field in fields or ()],
            is_readable=fields is not None,
            size=len(payload),
            dump=payload[:_HEX_BYTES].hex(" ") if fields is None else "",
        )


def _is_at_fault(path: str, fault: str) -> bool:
    bare = re.sub(r"\[\d+\]", "", path)
    return bool(fault) and (bare == fault or bare.startswith(f"{fault}."))
