"""Alerts: how rules see their subjects, what is open, the story of each, silences, and changes to shipped rules.

``open_alerts`` is what pages ask. Everything else is called by ``hub.alerts``. All is cut to regions.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from exchange_db.alert_records import Alert, AlertEvent, AlertState, Phase, Severity, Silence
from exchange_db.ranges import within
from exchange_db.regions import Regions, subtree
from exchange_db.session import HotSession, ReadSession, WriteSession

Session = ReadSession | HotSession
#: Most open alerts that are read at once.
MOST_OPEN = 10_000

_STATE = "region, rule, subject, phase, since_time, better_time, closed_time, reopenings, alert_id"
_ALERT = (
    "region, alert_id, rule, subject, opened_time, severity, text, text_en, closed_time, acknowledged_time,"
    " acknowledged_by, told_level, told_to"
)
_SILENCE = "region, silence_id, rule, subject, until_time, reason, made_by, made_time, ended_time"


async def open_alerts(session: Session, regions: Regions | int, limit: int = MOST_OPEN) -> list[Alert]:
    """Returns what is wrong now: what nobody took on first, then the gravest, then the oldest.

    Args:
        session: any connection.
        regions: what the reader may see; a region as a number stands for it and all below.
        limit: most alerts.
    """
    seen = subtree(regions) if isinstance(regions, int) else regions
    cursor = await session.driver.execute(
        f"SELECT {_ALERT} FROM alerts WHERE closed_time IS NULL AND {within('region', seen)}"  # noqa: S608 — constants
        " ORDER BY acknowledged_time IS NOT NULL,"
        " CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, opened_time, rule, subject LIMIT %s",
        (limit,),
    )
    return [_alert(row) for row in await cursor.fetchall()]


async def history(session: Session, regions: Regions, limit: int, before: datetime | None = None) -> list[Alert]:
    """Returns alerts that are open or were, the newest first; ``before`` is when the last one of a page opened."""
    cursor = await session.driver.execute(
        f"SELECT {_ALERT} FROM alerts WHERE {within('region', regions)}"  # noqa: S608 — constants
        " AND (%(before)s::timestamptz IS NULL OR opened_time < %(before)s)"
        " ORDER BY opened_time DESC, alert_id DESC LIMIT %(limit)s",
        {"before": before, "limit": limit},
    )
    return [_alert(row) for row in await cursor.fetchall()]


async def find(session: Session, alert_id: UUID, regions: Regions, *, for_update: bool = False) -> Alert | None:
    """Returns one alert inside the regions a reader may see; locked where it is about to change."""
    cursor = await session.driver.execute(
        f"SELECT {_ALERT} FROM alerts WHERE {within('region', regions)} AND alert_id = %s"  # noqa: S608 — constants
        f"{' FOR UPDATE' if for_update else ''}",
        (alert_id,),
    )
    row = await cursor.fetchone()
    return _alert(row) if row else None


async def story(session: Session, region: int, alert_ids: Collection[UUID]) -> dict[UUID, list[AlertEvent]]:
    """Returns what happened to some alerts of one region, in order."""
    cursor = await session.driver.execute(
        "SELECT region, alert_id, event, event_time, actor, note, level FROM alert_events"
        " WHERE region = %s AND alert_id = ANY(%s) ORDER BY event_time, level, event",
        (region, list(alert_ids)),
    )
    found: dict[UUID, list[AlertEvent]] = {}
    for row in await cursor.fetchall():
        found.setdefault(row[1], []).append(AlertEvent(*row))
    return found


async def states(session: Session, regions: Regions) -> dict[tuple[int, str, str], AlertState]:
    """Returns how rules see every subject that is not calm or was not a moment ago, by region, rule and subject."""
    cursor = await session.driver.execute(
        f"SELECT {_STATE} FROM alert_states WHERE {within('region', regions)}"  # noqa: S608 — constants
    )
    return {row[:3]: _state(row) for row in await cursor.fetchall()}


async def save_states(session: WriteSession, changed: Collection[AlertState]) -> None:
    """Keeps how rules see subjects; what is calm and not remembered as having closed needs no row."""
    kept = [one for one in changed if one.phase != Phase.CALM or one.closed_time is not None]
    gone = [one.key for one in changed if one.phase == Phase.CALM and one.closed_time is None]
    fresh = ", ".join(f"{name} = excluded.{name}" for name in _STATE.split(", ")[3:])
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            f"INSERT INTO alert_states ({_STATE}) VALUES ({', '.join(['%s'] * 9)})"  # noqa: S608 — constants
            f" ON CONFLICT (region, rule, subject) DO UPDATE SET {fresh}",
            [msgspec.structs.astuple(one) for one in kept],
        )
        await cursor.executemany("DELETE FROM alert_states WHERE region = %s AND rule = %s AND subject = %s", gone)


async def open_new(session: WriteSession, opened: Iterable[Alert]) -> None:
    """Opens alerts."""
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            f"INSERT INTO alerts ({_ALERT}) VALUES ({', '.join(['%s'] * 13)})",  # noqa: S608 — constants
            [(*msgspec.structs.astuple(one)[:-1], list(one.told_to)) for one in opened],
        )


async def close(session: WriteSession, closed: Iterable[tuple[int, UUID]], now: datetime) -> None:
    """Closes alerts, by region and number."""
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            "UPDATE alerts SET closed_time = %s WHERE region = %s AND alert_id = %s AND closed_time IS NULL",
            [(now, region, alert_id) for region, alert_id in closed],
        )


async def tell(session: WriteSession, told: Iterable[Alert]) -> None:
    """Notes to which level of contacts alerts were told, and to whom."""
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            "UPDATE alerts SET told_level = %s, told_to = %s WHERE region = %s AND alert_id = %s",
            [(one.told_level, list(one.told_to), one.region, one.alert_id) for one in told],
        )


async def acknowledge(session: WriteSession, alert: Alert, by: str, now: datetime) -> None:
    """Notes who took an alert on."""
    await session.driver.execute(
        "UPDATE alerts SET acknowledged_time = %s, acknowledged_by = %s WHERE region = %s AND alert_id = %s",
        (now, by, alert.region, alert.alert_id),
    )


async def note(session: WriteSession, events: Iterable[AlertEvent]) -> None:
    """Writes lines of stories; one that stands there already stays as it is."""
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO alert_events (region, alert_id, event, event_time, actor, note, level)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [msgspec.structs.astuple(one) for one in events],
        )


async def add_silence(session: WriteSession, silence: Silence) -> None:
    """Keeps a silence."""
    await session.driver.execute(
        f"INSERT INTO alert_silences ({_SILENCE}) VALUES ({', '.join(['%s'] * 9)})",  # noqa: S608 — constants
        msgspec.structs.astuple(silence),
    )


async def end_silence(session: WriteSession, silence_id: UUID, regions: Regions, now: datetime) -> bool:
    """Ends a silence before its time; tells whether it was in force."""
    cursor = await session.driver.execute(
        f"UPDATE alert_silences SET ended_time = %(now)s WHERE {within('region', regions)}"  # noqa: S608 — constants
        " AND silence_id = %(id)s AND ended_time IS NULL AND until_time > %(now)s",
        {"now": now, "id": silence_id},
    )
    return cursor.rowcount == 1


async def silences(session: Session, regions: Regions, now: datetime) -> list[Silence]:
    """Returns the silences in force, the one that ends first before the others."""
    cursor = await session.driver.execute(
        f"SELECT {_SILENCE} FROM alert_silences WHERE {within('region', regions)}"  # noqa: S608 — constants
        " AND ended_time IS NULL AND until_time > %s ORDER BY until_time, silence_id",
        (now,),
    )
    return [Silence(**dict(zip(_SILENCE.split(", "), row, strict=True))) for row in await cursor.fetchall()]


async def rule_changes(session: Session, region: int) -> dict[str, dict[str, Any]]:
    """Returns what this hub's people changed about shipped rules, by rule."""
    cursor = await session.driver.execute("SELECT rule, changes::text FROM alert_rules WHERE region = %s", (region,))
    return {rule: msgspec.json.decode(text) for rule, text in await cursor.fetchall()}


async def change_rule(
    session: WriteSession, region: int, rule: str, changes: Mapping[str, Any], by: str, now: datetime
) -> None:
    """Keeps what is changed about a rule in place of earlier changes; nothing brings it back to what is shipped."""
    if not changes:
        await session.driver.execute("DELETE FROM alert_rules WHERE region = %s AND rule = %s", (region, rule))
        return
    await session.driver.execute(
        "INSERT INTO alert_rules (region, rule, changes, changed_by, changed_time) VALUES (%s, %s, %s::jsonb, %s, %s)"
        " ON CONFLICT (region, rule) DO UPDATE SET changes = excluded.changes, changed_by = excluded.changed_by,"
        " changed_time = excluded.changed_time",
        (region, rule, msgspec.json.encode(changes).decode(), by, now),
    )


async def look(session: WriteSession, region: int, now: datetime) -> datetime | None:
    """Notes that a hub looks now, and returns when it looked before; ``None`` for never. Waits for another look."""
    cursor = await session.driver.execute("SELECT looked_time FROM alert_looks WHERE region = %s FOR UPDATE", (region,))
    row = await cursor.fetchone()
    await session.driver.execute(
        "INSERT INTO alert_looks (region, looked_time) VALUES (%s, %s)"
        " ON CONFLICT (region) DO UPDATE SET looked_time = excluded.looked_time",
        (region, now),
    )
    return row[0] if row else None


def _alert(row: tuple[Any, ...]) -> Alert:
    named = dict(zip(Alert.__struct_fields__, row, strict=True))
    return Alert(**{**named, "severity": Severity(named["severity"]), "told_to": tuple(named["told_to"])})


def _state(row: tuple[Any, ...]) -> AlertState:
    named = dict(zip(AlertState.__struct_fields__, row, strict=True))
    return AlertState(**{**named, "phase": Phase(named["phase"])})
