"""A diagnosis bundle of a link: a ZIP file to send to whoever helps, with nothing secret in it.

Settings are told with every secret masked; keys, certificates and records are not in it at all.
"""

import io
import json
import platform
import zipfile
from datetime import datetime
from importlib.metadata import version
from typing import Any

from exchange_db import jobs, migrate
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, find_link
from hub.links.dossier import LinkArchive
from hub.recording import told
from hub.settings import Settings
from hub.shown_settings import masked_url, shown

_MOST_BATCHES, _MOST_REASONS = 100, 50
#: The same content makes the same bytes.
_MOMENT = (1980, 1, 1, 0, 0, 0)


class BundleMaker:
    """Packs bundles.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        archive: tells all that is known of one link.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, archive: LinkArchive, clock: Clock) -> None:
        self._ledger = ledger
        self._settings = settings
        self._archive = archive
        self._clock = clock

    async def pack(self, peer: Peer) -> bytes:
        """Returns the bundle of the link to a neighbour, as the bytes of a ZIP file."""
        async with told(self._ledger, "link.bundle", peer.peer_id, region=peer.region) as detail:
            files = {
                "settings.txt": "".join(f"{name} = {text}\n" for name, text in shown(self._settings)),
                "versions.json": _as_json(await self._versions()),
                "link.json": _as_json(await self._archive.dossier(peer)),
                "traffic.json": _as_json(await self._traffic(peer)),
                "jobs.json": _as_json(await self._runs()),
            }
            if peer.has_database:
                files["link_file.json"] = _as_json(self._link_file(peer.peer_id))
            detail["files"] = ", ".join(sorted(files))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(name, _MOMENT), text, zipfile.ZIP_DEFLATED)
        return packed.getvalue()

    async def _versions(self) -> dict[str, object]:
        async with self._ledger.read() as session:
            cursor = await session.driver.execute("SELECT version(), (SELECT version_num FROM alembic_version), now()")
            row = await cursor.fetchone()
        database, schema, database_time = row or ("", "", None)
        return {
            "sanji": version("sanji"),
            "hub": self._settings.hub.id,
            "python": platform.python_version(),
            "system": platform.platform(),
            "database": database,
            "schema": schema,
            "newest_schema": migrate.head(),
            "hub_time": self._archive.now,
            "database_time": database_time,
        }

    async def _traffic(self, peer: Peer) -> dict[str, object]:
        """Returns the last answered batches, the streams of the neighbour, and why records were refused."""
        async with self._ledger.read() as session:
            driver = session.driver
            batches = await driver.execute(
                "SELECT first_sequence, last_sequence, accepted_time FROM deliveries WHERE destination_id = %s"
                " ORDER BY last_sequence DESC LIMIT %s",
                (peer.destination_id, _MOST_BATCHES),
            )
            answered = [list(row) for row in await batches.fetchall()]
            streams = await driver.execute(
                "SELECT name, last_sequence, accepted_count, refused_count, duplicate_count, last_time FROM streams"
                " WHERE sender_id = %s ORDER BY name",
                (peer.peer_id,),
            )
            named = [list(row) for row in await streams.fetchall()]
            refused = await driver.execute(
                "SELECT stage, reason, message_zh, count(*) FROM (SELECT * FROM quarantine WHERE peer_id = %s"
                " ORDER BY quarantine_id DESC LIMIT 1000) q GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT %s",
                (peer.peer_id, _MOST_REASONS),
            )
            reasons = [list(row) for row in await refused.fetchall()]
        return {"batches": answered, "streams": named, "refused": reasons}

    async def _runs(self) -> list[dict[str, object]]:
        async with self._ledger.read() as session:
            return [run._asdict() for run in await jobs.latest(session)]

    def _link_file(self, peer_id: str) -> dict[str, object]:
        try:
            link: DatabaseLink = find_link(self._settings.intermediate.folder, peer_id)
        except LinkFileInvalid as error:
            return {"trouble": str(error)}
        return {
            "url": masked_url(link.url),
            "manner": link.manner,
            "capture": link.capture,
            "zone": link.zone,
            "tables": list(link.tables),
            "sources": [source.name for source in link.source],
            "targets": [target.name for target in link.target],
        }


def _as_json(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, indent=2, default=_told) + "\n"


def _plain(value: Any) -> Any:
    """Returns a value in which named tuples tell their names."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _told(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)
