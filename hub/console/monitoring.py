"""What machines read: liveness, readiness and health as JSON, and ``/metrics`` as Prometheus text.

``/livez``: the process turns. ``/readyz``: it can do its work. ``/healthz``: records are applied. ``/healthz/deep``:
every part works, wherever it runs, and canaries come back. Whoever restarts processes asks the first, whoever sends
them work the second; only people are woken by the last, because no restart mends a link.
"""

import asyncio
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509

from exchange_db import canaries, jobs, link_days, link_states, overview, quarantine, vital_signs
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.deep_health import MAX_WAIT_SECONDS, deep_health, free_bytes, waited_seconds
from hub.console.measures import Parts, exposition
from hub.readiness import NO_DATABASE, readiness
from hub.settings import Settings

_TEXT = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


class Monitoring:
    """Answers monitoring.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/livez", self.livez),
            web.get("/readyz", self.readyz),
            web.get("/healthz", self.healthz),
            web.get("/healthz/deep", self.deep),
            web.get("/metrics", self.metrics),
        ]

    async def livez(self, _request: web.Request) -> web.Response:
        """Tells that the process turns, and how long a task waits for its turn; asks nothing of anybody."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await asyncio.sleep(0)
        return web.json_response({"is_alive": True, "turn_seconds": round(loop.time() - begin, 6)})

    async def readyz(self, _request: web.Request) -> web.Response:
        """Tells whether the database answers, its tables fit this software and leases can be taken; 503 when not."""
        found = await readiness(self._ledger, f"{self._settings.hub.instance}/ready")
        body = {"is_ready": found.is_ready, **found._asdict()}
        return web.json_response(body, status=200 if found.is_ready else 503)

    async def healthz(self, _request: web.Request) -> web.Response:
        """Tells whether the database answers, has space, and records are applied; 503 and the trouble when not."""
        try:
            async with self._ledger.read() as session:
                log = await overview.log_state(session)
                await overview.require_space(session)
        except NO_DATABASE as error:
            return _without_database(error)
        waited = waited_seconds(log)
        is_healthy = waited <= MAX_WAIT_SECONDS
        body: dict[str, Any] = {
            "is_healthy": is_healthy,
            "database": True,
            "unapplied_records": log.waiting_count,
            "oldest_unapplied_seconds": round(waited, 3),
        }
        return web.json_response(body, status=200 if is_healthy else 503)

    async def deep(self, _request: web.Request) -> web.Response:
        """Tells how every part does: workers of every role, canaries, disk; 503 when one is not well."""
        try:
            checks = await deep_health(self._ledger, self._settings)
        except NO_DATABASE as error:
            return _without_database(error)
        is_healthy = all(check.is_well for check in checks.values())
        body = {"is_healthy": is_healthy, "checks": {name: check._asdict() for name, check in checks.items()}}
        return web.json_response(body, status=200 if is_healthy else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Gives the measures."""
        free = await asyncio.to_thread(free_bytes, self._settings)
        days = await asyncio.to_thread(self._own_certificate_days)
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        async with self._ledger.read() as session:
            unsent, beats = await vital_signs.unsent_seconds(session), await vital_signs.beats(session)
            text = exposition(
                await overview.log_state(session),
                await link_states.neighbours(session, None, now),
                await overview.streams(session),
                await quarantine.counts(session),
                await jobs.latest(session),
                await link_days.latest(session),
                Parts(await canaries.latest(session), unsent, beats, free, days, version("sanji")),
            )
        return web.Response(body=text.encode(), headers=_TEXT)

    def _own_certificate_days(self) -> int | None:
        path: Path = self._settings.tls.certificate
        try:
            end = _end_of(path, path.stat().st_mtime_ns)
        except (OSError, ValueError):
            return None
        return (end - datetime.fromtimestamp(self._clock() / 1_000_000, UTC)).days


@cache
def _end_of(path: Path, _changed_time: int) -> datetime:
    """Returns when a certificate ends; read again when its file has changed."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def _without_database(error: BaseException) -> web.Response:
    trouble = str(error).partition("\n")[0]
    return web.json_response({"is_healthy": False, "database": False, "trouble": trouble}, status=503)
