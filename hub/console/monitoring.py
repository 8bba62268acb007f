"""What machines read: ``/healthz`` as JSON and ``/metrics`` as Prometheus text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy.exc
from aiohttp import web

from exchange_db import jobs, link_days, overview, peers, quarantine
from exchange_db.errors import ExchangeDbError
from exchange_db.jobs import JobRun
from exchange_db.link_days import LinkDay
from exchange_db.overview import LogState, StreamState
from exchange_db.peers import LinkState
from exchange_db.session import Ledger
from hub.console.health import Health, certificate_days, health_of

#: A record that waits longer than this means that nobody applies.
MAX_WAIT_SECONDS = 60.0
_NO_DATABASE = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, ExchangeDbError, OSError)

#: Name of a measure to (help, type).
_MEASURES = {
    "sanji_unapplied_records": ("Records taken in and not applied yet.", "gauge"),
    "sanji_oldest_unapplied_seconds": ("How long the oldest of them has waited.", "gauge"),
    "sanji_link_waiting_parcels": ("Parcels not yet accepted by a neighbour.", "gauge"),
    "sanji_link_failures": ("Failures in a row on a link.", "gauge"),
    "sanji_link_contact_age_seconds": ("Time since a neighbour was last heard of.", "gauge"),
    "sanji_link_healthy": ("1 unless a link is strained or broken.", "gauge"),
    "sanji_link_coverage_ratio": ("Share of the records due on a link's newest counted day that arrived.", "gauge"),
    "sanji_link_age_p95_seconds": ("Age of its records on arrival, 95th percentile.", "gauge"),
    "sanji_link_missing_numbers": ("Numbers that are missing among those of its records.", "gauge"),
    "sanji_link_differences": ("Records that its comparison found not to be the same on both sides.", "gauge"),
    "sanji_certificate_days_left": ("Days until a neighbour's certificate ends.", "gauge"),
    "sanji_quarantine_open": ("Open records in quarantine, by reason.", "gauge"),
    "sanji_stream_records_total": ("Records of a stream, by what became of them at intake.", "counter"),
    "sanji_job_failed": ("1 when the last run of a job failed.", "gauge"),
}


class Monitoring:
    """Answers monitoring.

    Args:
        ledger: the hub's database.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/healthz", self.healthz), web.get("/metrics", self.metrics)]

    async def healthz(self, _request: web.Request) -> web.Response:
        """Tells whether the database answers, has space, and records are applied; 503 and the trouble when not."""
        try:
            async with self._ledger.read() as session:
                log = await overview.log_state(session)
                await overview.require_space(session)
        except _NO_DATABASE as error:
            trouble = str(error).partition("\n")[0]
            return web.json_response({"is_healthy": False, "database": False, "trouble": trouble}, status=503)
        waited = waited_seconds(log)
        is_healthy = waited <= MAX_WAIT_SECONDS
        body: dict[str, Any] = {
            "is_healthy": is_healthy,
            "database": True,
            "unapplied_records": log.waiting_count,
            "oldest_unapplied_seconds": round(waited, 3),
        }
        return web.json_response(body, status=200 if is_healthy else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Gives the measures."""
        async with self._ledger.read() as session:
            log = await overview.log_state(session)
            text = exposition(
                log,
                await peers.link_states(session),
                await overview.streams(session),
                await quarantine.counts(session),
                await jobs.latest(session),
                await link_days.latest(session),
            )
        return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def waited_seconds(log: LogState) -> float:
    """Returns how long the oldest record has waited for apply."""
    return max(0.0, (log.read_time - log.oldest_time).total_seconds()) if log.oldest_time else 0.0


def exposition(
    log: LogState,
    links: list[LinkState],
    streams: list[StreamState],
    held: dict[str, int],
    runs: list[JobRun],
    days: Sequence[LinkDay] = (),
) -> str:
    """Writes the measures in Prometheus' text format."""
    samples: dict[str, list[str]] = {name: [] for name in _MEASURES}

    def add(measure: str, value: float, **labels: str) -> None:
        named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        shown = str(int(value)) if value == int(value) else f"{value:.3f}"
        samples[measure].append(f"{measure}{{{named}}} {shown}" if named else f"{measure} {shown}")

    add("sanji_unapplied_records", log.waiting_count)
    add("sanji_oldest_unapplied_seconds", waited_seconds(log))
    for link in links:
        _add_link(add, link, log.read_time)
    for day in days:
        _add_day(add, day)
    for reason, count in sorted(held.items()):
        add("sanji_quarantine_open", count, reason=reason)
    for stream in streams:
        for outcome in ("accepted", "refused", "duplicate"):
            count = getattr(stream, f"{outcome}_count")
            add("sanji_stream_records_total", count, sender=stream.sender_id, stream=stream.name, outcome=outcome)
    for run in runs:
        add("sanji_job_failed", bool(run.trouble), job=run.job)
    lines = []
    for name, (text, kind) in _MEASURES.items():
        if samples[name]:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples[name]]
    return "\n".join(lines) + "\n"


def _add_link(add: Any, link: LinkState, now: datetime) -> None:
    peer = link.peer.peer_id
    add("sanji_link_waiting_parcels", link.waiting_count, peer=peer)
    add("sanji_link_failures", link.failure_count, peer=peer)
    if link.contact_time:
        add("sanji_link_contact_age_seconds", max(0.0, (now - link.contact_time).total_seconds()), peer=peer)
    add("sanji_link_healthy", health_of(link, now) not in (Health.STRAINED, Health.BROKEN), peer=peer)
    if not link.peer.has_database:
        add("sanji_certificate_days_left", certificate_days(link, now), peer=peer)


def _add_day(add: Any, day: LinkDay) -> None:
    labels = {"peer": day.peer_id, "direction": "sent" if day.is_sent else "received"}
    if day.coverage is not None:
        add("sanji_link_coverage_ratio", day.coverage, **labels)
    if day.age_p95_ms is not None:
        add("sanji_link_age_p95_seconds", day.age_p95_ms / 1_000, **labels)
    add("sanji_link_missing_numbers", day.gap_count, **labels)
    if day.compared_time is not None:
        add("sanji_link_differences", day.difference_count, **labels)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
