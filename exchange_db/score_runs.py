"""Score runs in the ledger: each is a revision of its region, scheme and period, and none is ever changed.

What a run says is opaque here; ``hub.evaluation.runs`` writes and reads it. Called by ``hub.evaluation``.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, insert, or_, select, tuple_

from exchange_db.regions import Regions, spans_of
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.evaluation import score_runs


class RunHead(NamedTuple):
    """A run without what it says. Digests are SHA-256 in hex; ``kind`` is ``composite`` or ``tree``."""

    region: int
    scheme_id: str
    period: str
    revision: int
    run_id: str
    kind: str
    scheme_version: int
    code_version: str
    scheme_digest: str
    input_digest: str
    result_digest: str
    reason: str
    made_by: str
    made_time: datetime


class RunRow(NamedTuple):
    """A run with what it says, as JSON."""

    head: RunHead
    content: bytes


_HEAD = [score_runs.c[name] for name in RunHead._fields]


async def hold(session: WriteSession, region: int, scheme_id: str, period: str) -> None:
    """Keeps others from adding a revision of these until the transaction ends."""
    await session.driver.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"score run {region} {scheme_id} {period}",)
    )


async def add(session: WriteSession, head: RunHead, content: bytes) -> None:
    """Keeps a run; the caller holds its series."""
    await session.execute(insert(score_runs).values(head._asdict() | {"content": content}))


async def latest(session: ReadSession, region: int, scheme_id: str, period: str) -> RunRow | None:
    """Returns the run that counts, ``None`` when there is none."""
    statement = select(*_HEAD, score_runs.c.content).where(_series(region, scheme_id, period))
    return _row((await session.execute(statement.order_by(score_runs.c.revision.desc()).limit(1))).first())


async def find(session: ReadSession, visible: Regions, run_id: str) -> RunRow | None:
    """Returns the run whose id begins so; of the same run at several places or revisions the one made last."""
    statement = select(*_HEAD, score_runs.c.content).where(
        within(score_runs.c.region, visible), score_runs.c.run_id.startswith(run_id, autoescape=True)
    )
    return _row((await session.execute(statement.order_by(score_runs.c.made_time.desc()).limit(1))).first())


async def of_revision(session: ReadSession, region: int, scheme_id: str, period: str, revision: int) -> RunRow | None:
    """Returns one revision of a period's run."""
    statement = select(*_HEAD, score_runs.c.content).where(
        _series(region, scheme_id, period), score_runs.c.revision == revision
    )
    return _row((await session.execute(statement)).first())


async def listing(
    session: ReadSession,
    visible: Regions,
    *,
    scheme_id: str = "",
    period: str = "",
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[RunHead]:
    """Returns runs, newest first.

    Args:
        session: a transaction that reads.
        visible: regions asked for.
        scheme_id: only this scheme; empty for all.
        period: only what begins so, such as ``2020``; empty for all.
        after: time and id of the last one shown.
        limit: most rows.
    """
    conditions = [within(score_runs.c.region, visible)]
    if scheme_id:
        conditions.append(score_runs.c.scheme_id == scheme_id)
    if period:
        conditions.append(score_runs.c.period.startswith(period, autoescape=True))
    if after is not None:
        conditions.append(tuple_(score_runs.c.made_time, score_runs.c.run_id) < after)
    order = (score_runs.c.made_time.desc(), score_runs.c.run_id.desc())
    found = await session.execute(select(*_HEAD).where(*conditions).order_by(*order).limit(limit))
    return [RunHead(*row) for row in found]


def within(column: ColumnElement[int], visible: Regions) -> ColumnElement[bool]:
    """Returns the condition that a region is one of those that may be seen."""
    return or_(*(column.between(span.first, span.last) for span in spans_of(visible)), false())


def _series(region: int, scheme_id: str, period: str) -> ColumnElement[bool]:
    return and_(score_runs.c.region == region, score_runs.c.scheme_id == scheme_id, score_runs.c.period == period)


def _row(found: Any) -> RunRow | None:
    return None if found is None else RunRow(RunHead(*found[:-1]), bytes(found[-1]))
