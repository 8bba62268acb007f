"""Evaluation data of other hubs and of this one as it was sent, and what waits to be sent.

Called by ``hub.apply`` (put) and ``hub.evaluation``.
"""

from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.evaluation_shapes import EvaluationKind, EvaluationRecord
from exchange_db.regions import Regions
from exchange_db.score_runs import within
from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.tables.evaluation import evaluation_records, evaluation_sendings


class Sending(NamedTuple):
    """A run that is to be sent on as a record."""

    region: int
    kind: int
    scheme_id: str
    period: str
    revision: int
    asked_by: str
    asked_time: datetime
    sent_time: datetime | None = None


_SENDING = [evaluation_sendings.c[name] for name in Sending._fields]


async def put(session: HotSession, record: EvaluationRecord, inbox_id: int) -> bool:
    """Makes a record the one in force if its revision is higher; tells whether it is."""
    cursor = await session.driver.execute(
        "INSERT INTO evaluation_records AS r (region, reporter_id, kind, scheme_id, period, scheme_version, revision,"
        " content, inbox_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (region, reporter_id, kind, scheme_id, period) DO UPDATE"
        " SET scheme_version = excluded.scheme_version, revision = excluded.revision, content = excluded.content,"
        " inbox_id = excluded.inbox_id WHERE r.revision < excluded.revision",
        (
            record.region, record.reporter_id, int(record.kind), record.scheme_id, record.period,
            record.scheme_version, record.revision, msgspec.json.encode(record), inbox_id,
        ),
    )  # fmt: skip
    return cursor.rowcount == 1


async def values_of(session: ReadSession, region: int, scheme_id: str, period: str) -> list[EvaluationRecord]:
    """Returns the values that were sent about a region and period, by who sent them."""
    found = await session.execute(
        select(evaluation_records.c.content)
        .where(
            evaluation_records.c.region == region,
            evaluation_records.c.scheme_id == scheme_id,
            evaluation_records.c.period == period,
            evaluation_records.c.kind == int(EvaluationKind.VALUES),
        )
        .order_by(evaluation_records.c.reporter_id)
    )
    return [_read(row[0]) for row in found]


async def listing(
    session: ReadSession, visible: Regions, *, kind: EvaluationKind | None = None, limit: int = 1_000
) -> list[EvaluationRecord]:
    """Returns records by region, scheme and period."""
    conditions = [within(evaluation_records.c.region, visible)]
    if kind is not None:
        conditions.append(evaluation_records.c.kind == int(kind))
    columns = (evaluation_records.c.region, evaluation_records.c.scheme_id, evaluation_records.c.period)
    found = await session.execute(
        select(evaluation_records.c.content).where(*conditions).order_by(*columns).limit(limit)
    )
    return [_read(row[0]) for row in found]


async def ask_to_send(session: WriteSession, sending: Sending) -> None:
    """Notes that a run is to be sent; asking twice is asking once."""
    statement = upsert(evaluation_sendings).values(sending._asdict())
    await session.execute(statement.on_conflict_do_nothing())


async def waiting(session: ReadSession, limit: int = 100) -> list[Sending]:
    """Returns what is to be sent, the longest asked for first."""
    order = (evaluation_sendings.c.asked_time, evaluation_sendings.c.region)
    found = await session.execute(
        select(*_SENDING).where(evaluation_sendings.c.sent_time.is_(None)).order_by(*order).limit(limit)
    )
    return [Sending(*row) for row in found]


async def note_sent(session: WriteSession, sending: Sending, now: datetime) -> None:
    """Notes that a run was sent."""
    key = {name: getattr(sending, name) for name in ("region", "kind", "scheme_id", "period", "revision")}
    conditions = [evaluation_sendings.c[name] == value for name, value in key.items()]
    await session.execute(update(evaluation_sendings).where(*conditions).values(sent_time=now))


def _read(content: bytes) -> EvaluationRecord:
    return msgspec.json.decode(content, type=EvaluationRecord)
