"""What may be deleted when it is old, by kind: which rows, from when on, and never what is still open.

The log of records (canaries with it: their numbers are part of each link's proof), cases, figures, evidence, seals and
the audit log are business records and proofs, and are no kind here: nothing deletes them. Rows go in small
transactions, one scope (a link, or all) after the other, so nothing waits for them. Called by ``hub.backup.expiring``;
the settings are ``RetentionPart``.

Source of ``LOG_MONTHS``: 网络安全法 art. 21, network logs are kept no less than six months. ``YEAR_MONTHS``: the budget
of N02 is of a calendar year, so what it is computed from lies for the whole of it and the month after.
"""

from datetime import datetime
from typing import NamedTuple

from exchange_db.session import ReadSession, WriteSession

#: Fewest months a log is kept.
LOG_MONTHS = 6
#: Fewest months of what availability is computed from.
YEAR_MONTHS = 13
#: Rows deleted in one transaction.
BATCH = 2_000


class Kind(NamedTuple):
    """A kind of rows. ``is_over`` says which may go: ``{before}`` is the moment, ``{day}`` the same as 20200615.

    Who sets fewer months than ``least_months``, and not 0 for ever, is refused.
    """

    name: str
    chinese: str
    key: tuple[str, ...]
    is_over: str
    least_months: int = LOG_MONTHS
    has_links: bool = False


KINDS = (
    Kind(
        "deliveries", "链路技术回执", ("destination_id", "last_sequence"),
        "accepted_time < {before} AND last_sequence <= (SELECT receipted_sequence FROM links l"
        " WHERE l.destination_id = deliveries.destination_id)",
        has_links=True,
    ),
    Kind(
        "quarantine", "已处理的隔离记录", ("quarantine_id",),
        "resolution <> 'open' AND resolved_time < {before}",
    ),
    Kind("job_runs", "作业运行记录", ("run_id",), "ended_time < {before}"),
    Kind(
        "link_days", "链路每日统计", ("destination_id", "is_sent", "day"),
        "day < {day} AND difference_count = 0 AND compared_time < {before}", has_links=True,
    ),
    Kind(
        "unmaskings", "已过期的脱敏查看许可", ("person_id", "home_region", "case_id"),
        "until_time < {before}",
    ),
    # With an alert goes its story.
    Kind("alerts", "已恢复的告警", ("region", "alert_id"), "closed_time < {before}"),
    Kind(
        "alert_notices", "已发出的告警通知", ("region", "event_id", "channel", "address"),
        "state IN ('sent', 'unsure', 'failed') AND ended_time < {before}",
    ),
    Kind(
        "alert_silences", "已结束的告警静默", ("region", "silence_id"),
        "coalesce(ended_time, until_time) < {before}",
    ),
    Kind(
        "outages", "已恢复的链路中断", ("destination_id", "direction", "start_time"),
        "end_time < {before}", YEAR_MONTHS,
    ),
    Kind(
        "maintenance_windows", "已结束的计划维护", ("destination_id", "start_time"),
        "end_time < {before}", YEAR_MONTHS,
    ),
)  # fmt: skip
BY_NAME = {kind.name: kind for kind in KINDS}


async def scopes(session: ReadSession, kind: Kind) -> list[int]:
    """Returns what rows of a kind are deleted by: each link, or 0 for all at once."""
    if not kind.has_links:
        return [0]
    cursor = await session.driver.execute("SELECT destination_id FROM links ORDER BY destination_id")
    return [row[0] for row in await cursor.fetchall()]


async def count(session: ReadSession, kind: Kind, before: datetime) -> int:
    """Returns how many rows of a kind may go."""
    query = f"SELECT count(*) FROM {kind.name} WHERE {_over(kind)}"  # noqa: S608 — names of this module
    cursor = await session.driver.execute(query.encode(), {"before": before})
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — count(*) always gives a row
    return int(row[0])


async def delete(session: WriteSession, kind: Kind, before: datetime, scope: int) -> int:
    """Deletes the next rows of a kind, at most ``BATCH``; returns how many they were."""
    key = ", ".join(kind.key)
    link = " AND destination_id = %(scope)s" if kind.has_links else ""
    query = (
        f"DELETE FROM {kind.name} WHERE ({key}) IN"  # noqa: S608 — names of this module
        f" (SELECT {key} FROM {kind.name} WHERE {_over(kind)}{link} ORDER BY {key} LIMIT {BATCH})"
    )
    cursor = await session.driver.execute(query.encode(), {"before": before, "scope": scope})
    return cursor.rowcount


def _over(kind: Kind) -> str:
    day = "to_char(%(before)s AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD')::int"
    return kind.is_over.format(before="%(before)s", day=day)
