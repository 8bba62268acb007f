"""The measures of a hub in Prometheus' text format. Pure.

``deploy/monitoring/`` holds a dashboard and alert rules over them; a test compares the names.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from exchange_db.canaries import Canary, CanaryState
from exchange_db.jobs import JobRun
from exchange_db.link_days import LinkDay
from exchange_db.link_states import LinkHealth, Neighbour
from exchange_db.overview import LogState, StreamState
from exchange_db.vital_signs import WorkerBeats
from hub.console.deep_health import waited_seconds

Add = Callable[..., None]

#: Name of a measure to (help, type).
MEASURES = {
    "sanji_unapplied_records": ("Records taken in and not applied yet.", "gauge"),
    "sanji_oldest_unapplied_seconds": ("How long the oldest of them has waited.", "gauge"),
    "sanji_link_waiting_parcels": ("Parcels not yet accepted by a neighbour.", "gauge"),
    "sanji_link_failures": ("Failures in a row on a link.", "gauge"),
    "sanji_link_contact_age_seconds": ("Time since a neighbour was last heard of.", "gauge"),
    "sanji_link_healthy": ("1 unless a link is slow or down.", "gauge"),
    "sanji_link_coverage_ratio": ("Share of the records due on a link's newest counted day that arrived.", "gauge"),
    "sanji_link_age_p95_seconds": ("Age of its records on arrival, 95th percentile.", "gauge"),
    "sanji_link_missing_numbers": ("Numbers that are missing among those of its records.", "gauge"),
    "sanji_link_differences": ("Records that its comparison found not to be the same on both sides.", "gauge"),
    "sanji_certificate_days_left": ("Days until a neighbour's certificate ends.", "gauge"),
    "sanji_quarantine_open": ("Open records in quarantine, by reason.", "gauge"),
    "sanji_stream_records_total": ("Records of a stream, by what became of them at intake.", "counter"),
    "sanji_job_failed": ("1 when the last run of a job failed.", "gauge"),
    "sanji_job_age_seconds": ("Time since the last run of a job began.", "gauge"),
    "sanji_job_seconds": ("How long the last run of a job took that has ended.", "gauge"),
    "sanji_link_down": ("1 while a link is down in either direction, as the page of links says.", "gauge"),
    "sanji_link_unsettled_parcels": ("Parcels a neighbour has accepted and not settled yet.", "gauge"),
    "sanji_link_unsent_seconds": ("How long the oldest numbered record of a link waits to be accepted.", "gauge"),
    "sanji_link_clock_skew_seconds": ("How far a neighbour's clock is ahead of ours.", "gauge"),
    "sanji_canary_possible": ("1 where the neighbour knows canaries, 0 where it does not.", "gauge"),
    "sanji_canary_seconds": ("Time of the last canary that came back over a link, there and back again.", "gauge"),
    "sanji_canary_waiting_seconds": ("How long the canary of a link has been under way; 0 when none is.", "gauge"),
    "sanji_canary_late": ("1 while the canary of a link is late.", "gauge"),
    "sanji_idle_partitions": ("Partitions of the log, of 64, that no lane applies.", "gauge"),
    "sanji_idle_links": ("Neighbours that are dialled and have no dispatcher.", "gauge"),
    "sanji_store_free_bytes": ("Free bytes of the disk evidence is kept on.", "gauge"),
    "sanji_own_certificate_days_left": ("Days until this hub's own certificate ends.", "gauge"),
    "sanji_build_info": ("1; the label tells the version of the software.", "gauge"),
}


class Parts(NamedTuple):
    """What is measured of the hub's parts; ``None`` or empty where it is not known."""

    canaries: Mapping[str, Canary]
    unsent_seconds: Mapping[str, float]
    beats: WorkerBeats | None
    free_bytes: int | None
    own_certificate_days: int | None
    version: str


NO_PARTS = Parts(MappingProxyType({}), MappingProxyType({}), None, None, None, "")


def exposition(
    log: LogState,
    links: Sequence[Neighbour],
    streams: list[StreamState],
    held: dict[str, int],
    runs: list[JobRun],
    days: Sequence[LinkDay] = (),
    parts: Parts = NO_PARTS,
) -> str:
    """Writes the measures in Prometheus' text format."""
    samples: dict[str, list[str]] = {name: [] for name in MEASURES}

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
        _add_run(add, run, log.read_time)
    _add_parts(add, parts)
    lines = []
    for name, (text, kind) in MEASURES.items():
        if samples[name]:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples[name]]
    return "\n".join(lines) + "\n"


def _add_run(add: Add, run: JobRun, now: datetime) -> None:
    add("sanji_job_failed", bool(run.trouble), job=run.job)
    add("sanji_job_age_seconds", max(0.0, (now - run.started_time).total_seconds()), job=run.job)
    if run.ended_time is not None:
        add("sanji_job_seconds", max(0.0, (run.ended_time - run.started_time).total_seconds()), job=run.job)


def _add_canary(add: Add, peer: str, canary: Canary) -> None:
    is_possible = canary.state is not CanaryState.IMPOSSIBLE
    add("sanji_canary_possible", is_possible, peer=peer)
    if is_possible:
        add("sanji_canary_waiting_seconds", canary.waiting_seconds, peer=peer)
        add("sanji_canary_late", canary.state is CanaryState.LATE, peer=peer)
        if canary.seconds is not None:
            add("sanji_canary_seconds", canary.seconds, peer=peer)


def _add_parts(add: Add, parts: Parts) -> None:
    for peer_id, canary in parts.canaries.items():
        _add_canary(add, peer_id, canary)
    for peer_id, seconds in parts.unsent_seconds.items():
        add("sanji_link_unsent_seconds", seconds, peer=peer_id)
    if parts.beats is not None:
        add("sanji_idle_partitions", parts.beats.idle_partitions)
        add("sanji_idle_links", len(parts.beats.undelivered_ids))
    if parts.free_bytes is not None:
        add("sanji_store_free_bytes", parts.free_bytes)
    if parts.own_certificate_days is not None:
        add("sanji_own_certificate_days_left", parts.own_certificate_days)
    if parts.version:
        add("sanji_build_info", 1, version=parts.version)


def _add_link(add: Add, link: Neighbour, now: datetime) -> None:
    peer, out, health = link.peer.peer_id, link.outgoing, link.health
    add("sanji_link_waiting_parcels", out.lag_records, peer=peer)
    add("sanji_link_failures", out.failure_count, peer=peer)
    if out.last_success_time:
        add("sanji_link_contact_age_seconds", max(0.0, (now - out.last_success_time).total_seconds()), peer=peer)
    add("sanji_link_down", health is LinkHealth.DOWN, peer=peer)
    add("sanji_link_unsettled_parcels", max(0, out.acked_sequence - out.settled_sequence), peer=peer)
    add("sanji_link_clock_skew_seconds", out.clock_skew_ms / 1_000, peer=peer)
    add("sanji_link_healthy", health not in (LinkHealth.SLOW, LinkHealth.DOWN), peer=peer)
    if out.certificate_days is not None:
        add("sanji_certificate_days_left", out.certificate_days, peer=peer)


def _add_day(add: Add, day: LinkDay) -> None:
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
