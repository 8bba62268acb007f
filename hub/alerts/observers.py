"""What a hub sees of itself, as values that rules watch. Each observer stands alone: one that fails blinds no other.

An observer names its measures, so that a subject it no longer tells of is known to be gone.
"""

import shutil
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from auth.certificates import end_time_of
from exchange_db import alert_signs, audit_checkpoints, canaries, peers
from exchange_db.canaries import CanaryState
from exchange_db.document_records import DocumentKind
from exchange_db.expiry import Ending, endings
from exchange_db.link_states import LinkHealth, LinkState, states_of_links
from exchange_db.regions import region_of
from exchange_db.session import ReadSession
from hub.settings import Settings

#: How long before their end certificates are told of.
_LOOK_AHEAD = timedelta(days=60)
_DAY = 86_400.0


class Observation(NamedTuple):
    """A value of a subject; ``detail`` is told to people as it is."""

    measure: str
    subject: str
    region: int
    value: float
    detail: str = ""


class Observer(NamedTuple):
    """Looks at something; ``measures`` are all it may tell of."""

    measures: tuple[str, ...]
    look: Callable[[ReadSession, datetime], Awaitable[list[Observation]]]


class Observers:
    """Everything that looks at a hub.

    Args:
        settings: all settings of the hub.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hub = settings.hub

    def all(self) -> tuple[Observer, ...]:
        """Returns the observers."""
        return (
            Observer(("link_down", "link_lag_seconds", "link_clock_skew_seconds", "standards_behind"), self._links),
            Observer(("certificate_days",), self._certificates),
            Observer(("quarantine_open",), self._quarantine),
            Observer(("findings_open",), self._findings),
            Observer(("log_waiting_seconds", "partitions_idle"), self._log),
            Observer(("job_failures",), self._jobs),
            Observer(("disk_free_percent",), self._disks),
            Observer(("audit_silent_seconds",), self._witnesses),
            Observer(("duty_waiting", "duty_overdue_seconds"), self._duty),
            Observer(("canary_age_seconds",), self._canaries),
        )

    async def _links(self, session: ReadSession, now: datetime) -> list[Observation]:
        return seen_of_links(await states_of_links(session, None, now))

    async def _canaries(self, session: ReadSession, _: datetime) -> list[Observation]:
        """How long a canary that is late has been under way."""
        found = (await canaries.latest(session)).items()
        return [
            Observation(
                "canary_age_seconds", name, region_of(name), one.waiting_seconds if one.state is CanaryState.LATE else 0
            )
            for name, one in found
        ]

    async def _certificates(self, session: ReadSession, now: datetime) -> list[Observation]:
        hub_id, own = self._hub.id, self._settings.tls.certificate
        found = [Ending(hub_id, "certificate", "own", end_time_of(own.read_bytes()))] if own.exists() else []
        return [
            Observation(
                "certificate_days",
                f"{one.owner_id} {_KINDS[one.kind]} {one.name}",
                region_of(one.owner_id),
                max(0.0, (one.end_time - now).total_seconds() / _DAY),
            )
            for one in (*found, *await endings(session, now + _LOOK_AHEAD))
        ]

    async def _quarantine(self, session: ReadSession, _: datetime) -> list[Observation]:
        counts = await alert_signs.quarantine_counts(session)
        return [Observation("quarantine_open", name, region_of(name), count) for name, count in counts.items() if name]

    async def _findings(self, session: ReadSession, _: datetime) -> list[Observation]:
        counts = await alert_signs.open_findings(session, self._hub.region)
        return [Observation("findings_open", name, region_of(name), count) for name, count in counts.items() if name]

    async def _log(self, session: ReadSession, _: datetime) -> list[Observation]:
        waited, idle = await alert_signs.log_wait_seconds(session), await alert_signs.idle_partitions(session)
        hub = self._hub
        return [
            Observation("log_waiting_seconds", hub.id, hub.region, waited),
            Observation("partitions_idle", hub.id, hub.region, idle),
        ]

    async def _jobs(self, session: ReadSession, _: datetime) -> list[Observation]:
        return [
            Observation("job_failures", one.job, self._hub.region, one.failure_count, one.trouble)
            for one in await alert_signs.failing_jobs(session)
        ]

    async def _disks(self, _: ReadSession, __: datetime) -> list[Observation]:
        part = self._settings.database
        folders = [self._settings.evidence.folder, *([] if part.url else [part.folder])]
        return [
            Observation("disk_free_percent", str(folder), self._hub.region, percent)
            for folder in folders
            if (percent := free_percent(folder)) is not None
        ]

    async def _witnesses(self, session: ReadSession, now: datetime) -> list[Observation]:
        active = {peer.peer_id: peer.region for peer in await peers.all_peers(session) if peer.state == "active"}
        shown = await audit_checkpoints.shown_times(session)
        return [
            Observation("audit_silent_seconds", name, active[name], max(0.0, (now - moment).total_seconds()))
            for name, moment in shown.items()
            if name in active
        ]

    async def _duty(self, session: ReadSession, now: datetime) -> list[Observation]:
        calls = await alert_signs.duty_calls(session, DocumentKind.DUTY_CALL, now)
        return seen_of_calls(calls, self._hub.id)


def seen_of_links(states: Iterable[LinkState]) -> list[Observation]:
    """Returns what is seen of links, both directions of one taken together: the worse one counts."""
    found: dict[tuple[str, str], Observation] = {}
    for state in states:
        values = (
            ("link_down", float(state.health is LinkHealth.DOWN), state.last_error or state.reason),
            ("link_lag_seconds", float(_lag_of(state)), ""),
            ("link_clock_skew_seconds", abs(state.clock_skew_ms) / 1_000, ""),
            ("standards_behind", float(state.standards_lag or 0), ""),
        )
        for measure, value, detail in values:
            before = found.get((measure, state.peer_id))
            if before is None or before.value < value:
                found[measure, state.peer_id] = Observation(measure, state.peer_id, state.region, value, detail)
    return list(found.values())


def _lag_of(state: LinkState) -> int:
    """Returns how far a link is behind; the days that files are carried are no delay until they are too many."""
    return 0 if state.has_files and state.health is not LinkHealth.SLOW else state.lag_seconds


def seen_of_calls(calls: Iterable[alert_signs.DutySign], hub_id: str) -> list[Observation]:
    """Returns what is seen of duty calls: those for this hub wait, those of this hub may be late."""
    found = []
    for call in calls:
        name = call.number or call.document_id
        if call.addressee_id == hub_id:
            found.append(Observation("duty_waiting", call.issuer_id, region_of(hub_id), 1, name))
        if call.issuer_id == hub_id and call.late_seconds >= 0:
            region = region_of(call.addressee_id)
            found.append(Observation("duty_overdue_seconds", call.addressee_id, region, call.late_seconds, name))
    return found


def free_percent(folder: Path) -> float | None:
    """Returns how much of the disk under a folder is free; ``None`` where there is no such folder."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return 100 * usage.free / usage.total


_KINDS = {"certificate": "证书", "signing_key": "签名密钥"}
