"""What is to be sent about alerts, and how far it is: once an event, channel and address, for ever.

A notice is ``sending`` before anything leaves the hub, so one whose sender died on the way is never sent a second time:
nobody knows whether it arrived, and it ends as ``unsure``. Called by ``hub.alerts``.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from exchange_db.alert_records import Severity
from exchange_db.ranges import within
from exchange_db.regions import Regions
from exchange_db.session import HotSession, ReadSession, WriteSession


class NoticeState(StrEnum):
    """How far a notice is."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"
    FAILED = "failed"


class Notice(Struct, frozen=True, kw_only=True):
    """Something to be sent.

    Args:
        region: the hub's.
        event_id: what it tells of.
        channel: name of the channel, ``mail`` for e-mail.
        address: address of an e-mail; "" where the channel has one of its own.
        title, body: plain text.
        severity: of the gravest alert in it.
        made_time: when it was written.
        is_test: somebody tries the channel.
        state, try_count, due_time, ended_time, trouble: how far it is.
    """

    region: int
    event_id: UUID
    channel: str
    address: str
    title: str
    body: str
    severity: Severity
    made_time: datetime
    due_time: datetime
    is_test: bool = False
    state: NoticeState = NoticeState.WAITING
    try_count: int = 0
    ended_time: datetime | None = None
    trouble: str = ""


_COLUMNS = ", ".join(Notice.__struct_fields__)
_KEY = "region = %(region)s AND event_id = %(event_id)s AND channel = %(channel)s AND address = %(address)s"


async def put(session: WriteSession, notices: Iterable[Notice]) -> None:
    """Keeps notices for sending; one that was kept before stays as it is."""
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            f"INSERT INTO alert_notices ({_COLUMNS}) VALUES ({', '.join(['%s'] * 14)})"  # noqa: S608 — constants
            " ON CONFLICT DO NOTHING",
            [msgspec.structs.astuple(one) for one in notices],
        )


async def claim(session: WriteSession, region: int, now: datetime, hold: timedelta, limit: int) -> list[Notice]:
    """Takes notices that are due, for sending; the caller commits before it sends.

    Args:
        session: a transaction.
        region: the hub's.
        now: the hub's clock.
        hold: for how long nobody else may think the sender dead.
        limit: most notices.
    """
    await session.driver.execute(
        "UPDATE alert_notices SET state = 'unsure', ended_time = %(now)s, trouble = '进程中断 / the process ended'"
        " WHERE region = %(region)s AND state = 'sending' AND due_time <= %(now)s",
        {"region": region, "now": now},
    )
    cursor = await session.driver.execute(
        "UPDATE alert_notices n SET state = 'sending', try_count = n.try_count + 1, due_time = %(held)s"  # noqa: S608
        " FROM (SELECT region, event_id, channel, address FROM alert_notices WHERE region = %(region)s"
        " AND state = 'waiting' AND due_time <= %(now)s ORDER BY due_time LIMIT %(limit)s FOR UPDATE SKIP LOCKED) due"
        " WHERE n.region = due.region AND n.event_id = due.event_id AND n.channel = due.channel"
        f" AND n.address = due.address RETURNING {', '.join(f'n.{name}' for name in Notice.__struct_fields__)}",
        {"region": region, "now": now, "held": now + hold, "limit": limit},
    )
    return [_notice(row) for row in await cursor.fetchall()]


async def end(session: WriteSession, notice: Notice, state: NoticeState, now: datetime, trouble: str = "") -> None:
    """Notes how the sending of a claimed notice ended."""
    await session.driver.execute(
        f"UPDATE alert_notices SET state = %(state)s, ended_time = %(now)s, trouble = %(trouble)s WHERE {_KEY}",  # noqa: S608
        {**_key(notice), "state": state, "now": now, "trouble": trouble[:400]},
    )


async def put_off(session: WriteSession, notice: Notice, due_time: datetime, trouble: str) -> None:
    """Notes that a claimed notice was not taken and when it is tried again."""
    await session.driver.execute(
        "UPDATE alert_notices SET state = 'waiting', due_time = %(due)s, trouble = %(trouble)s"  # noqa: S608
        f" WHERE {_KEY}",
        {**_key(notice), "due": due_time, "trouble": trouble[:400]},
    )


async def recent(session: ReadSession | HotSession, regions: Regions, limit: int) -> list[Notice]:
    """Returns the newest notices."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM alert_notices WHERE {within('region', regions)}"  # noqa: S608 — constants
        " ORDER BY made_time DESC, channel, address LIMIT %s",
        (limit,),
    )
    return [_notice(row) for row in await cursor.fetchall()]


def _key(notice: Notice) -> dict[str, object]:
    return {name: getattr(notice, name) for name in ("region", "event_id", "channel", "address")}


def _notice(row: tuple[Any, ...]) -> Notice:
    named = dict(zip(Notice.__struct_fields__, row, strict=True))
    return Notice(**{**named, "severity": Severity(named["severity"]), "state": NoticeState(named["state"])})
