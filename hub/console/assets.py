"""What pages load: style, scripts, pictures, and the library that draws charts. All of it is served from here.

A page names an asset with the digest of its content, and what is asked for so never changes: browsers keep it for a
year. Asked for without, or with another digest, it is checked by its ETag each time.
"""

import asyncio
import gzip
from hashlib import sha256
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

_FOLDER = Path(__file__).parent / "static"
#: The library of charts, which ships its JavaScript in its wheel (decision 0033). Four of five bytes go by packing.
CHARTS = "plotly.min.js"
_LEAST_PACKED = 1_024
_FOREVER, _CHECKED = "public, max-age=31536000, immutable", "public, no-cache"


class Asset(NamedTuple):
    """A file as it goes out: ``packed`` is the same by gzip, empty where that is not worth it."""

    content: bytes
    packed: bytes
    kind: str
    digest: str


class Assets:
    """Serves the files of ``static/`` and the library of charts."""

    def __init__(self) -> None:
        self._paths = {path.name: path for path in sorted(_FOLDER.iterdir()) if path.is_file()}
        if (library := charts_file()) is not None:
            self._paths[CHARTS] = library
        self._read: dict[str, Asset] = {}
        self._digests = {name: _digest(path.read_bytes()) for name, path in self._paths.items()}

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/static/{name}", self.give)]

    def has(self, name: str) -> bool:
        """Tells whether there is an asset of that name."""
        return name in self._paths

    def address(self, name: str) -> str:
        """Returns the address of an asset, which changes with its content.

        Raises:
            KeyError: there is none of that name.
        """
        return f"/static/{name}?v={self._digests[name]}"

    async def give(self, request: web.Request) -> web.Response:
        """Gives one asset, packed for whoever takes it so, and nothing when the browser has it."""
        name = request.match_info["name"]
        if name not in self._paths:
            raise web.HTTPNotFound
        if name not in self._read:
            self._read[name] = await asyncio.to_thread(_load, self._paths[name], self._digests[name])
        asset = self._read[name]
        headers = {
            "Cache-Control": _FOREVER if request.query.get("v") == asset.digest else _CHECKED,
            "ETag": f'"{asset.digest}"',
            "Vary": "Accept-Encoding",
        }
        if any(tag.value == asset.digest for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = asset.content
        if asset.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = asset.packed, "gzip"
        return web.Response(body=body, headers=headers | {"Content-Type": asset.kind})


def charts_file() -> Path | None:
    """Returns the library of charts in its wheel, without importing it; ``None`` where it is not installed."""
    found = find_spec("plotly")
    path = Path(found.origin).parent / "package_data" / CHARTS if found is not None and found.origin else None
    return path if path is not None and path.is_file() else None


def _load(path: Path, digest: str) -> Asset:
    content = path.read_bytes()
    kind = guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    packed = gzip.compress(content, 9) if len(content) >= _LEAST_PACKED else b""
    return Asset(content, packed, kind, digest)


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]
