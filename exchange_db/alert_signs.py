"""What rules of alerts look at in the ledger, each in one bounded statement. Reads only.

Every time that the database wrote is compared with the database's clock. Called by ``hub.alerts.observers``.
"""

from datetime import datetime
from typing import NamedTuple

from exchange_db.keys import PARTITION_COUNT
from exchange_db.ranges import within
from exchange_db.regions import subtree
from exchange_db.session import HotSession, ReadSession

Session = ReadSession | HotSession
#: Runs of a job that are looked back on, and open records of the quarantine that are counted.
_RUNS, _RECORDS = 5, 20_000


class Failing(NamedTuple):
    """A job and how many of its last runs failed in a row, at most five."""

    job: str
    failure_count: int
    trouble: str


class DutySign(NamedTuple):
    """A duty call without an answer: who asked whom, how many seconds past its end; negative before it."""

    issuer_id: str
    addressee_id: str
    document_id: str
    number: str
    late_seconds: float


async def failing_jobs(session: Session) -> list[Failing]:
    """Returns every job with the failures at the end of its log; runs that go on are left out."""
    cursor = await session.driver.execute(
        "WITH RECURSIVE names AS ((SELECT job FROM job_runs ORDER BY job LIMIT 1)"
        " UNION ALL SELECT (SELECT j.job FROM job_runs j WHERE j.job > n.job ORDER BY j.job LIMIT 1)"
        " FROM names n WHERE n.job IS NOT NULL)"
        " SELECT n.job, coalesce(min(r.number) FILTER (WHERE r.trouble = '') - 1, count(*)),"
        " coalesce(max(r.trouble) FILTER (WHERE r.number = 1), '') FROM names n CROSS JOIN LATERAL ("
        " SELECT trouble, row_number() OVER (ORDER BY started_time DESC, run_id DESC) AS number FROM ("
        " SELECT trouble, started_time, run_id FROM job_runs j WHERE j.job = n.job AND j.ended_time IS NOT NULL"
        " ORDER BY started_time DESC, run_id DESC LIMIT %s) last) r WHERE n.job IS NOT NULL GROUP BY n.job",
        (_RUNS,),
    )
    return [Failing(*row) for row in await cursor.fetchall()]


async def quarantine_counts(session: Session) -> dict[str, int]:
    """Returns how many records wait in quarantine, by the neighbour they came from or went to; stops at 20,000."""
    cursor = await session.driver.execute(
        "SELECT peer_id, count(*) FROM (SELECT peer_id FROM quarantine WHERE resolution = 'open' LIMIT %s) q"
        " GROUP BY peer_id",
        (_RECORDS,),
    )
    return dict(await cursor.fetchall())


async def log_wait_seconds(session: Session) -> float:
    """Returns for how long the oldest record that was taken in has waited to take effect; 0 when none waits."""
    cursor = await session.driver.execute(
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(w.received_time)), 0)::float8"
        " FROM partitions p CROSS JOIN LATERAL (SELECT received_time FROM inbox i WHERE i.partition = p.partition"
        " AND i.inbox_id > p.cursor_id ORDER BY i.inbox_id LIMIT 1) w"
    )
    row = await cursor.fetchone()
    return float(row[0]) if row else 0.0


async def idle_partitions(session: Session) -> int:
    """Returns how many partitions of the log nobody applies now."""
    cursor = await session.driver.execute(
        "SELECT count(*) FROM leases WHERE starts_with(name, 'apply/') AND expires_time >= clock_timestamp()"
    )
    row = await cursor.fetchone()
    return PARTITION_COUNT - int(row[0]) if row else PARTITION_COUNT


async def open_findings(session: Session, region: int) -> dict[str, int]:
    """Returns how many findings about figures are open, by whose figures they are; doubts are left out."""
    cursor = await session.driver.execute(
        "SELECT reporter_id, count(*) FROM figure_findings WHERE gone_time IS NULL AND NOT is_doubt"  # noqa: S608
        f" AND {within('region', subtree(region))} GROUP BY reporter_id"
    )
    return dict(await cursor.fetchall())


async def duty_calls(session: Session, kind: int, now: datetime) -> list[DutySign]:
    """Returns the duty calls of a week that nobody has answered, whoever made them.

    Args:
        session: any connection.
        kind: number of that kind of document.
        now: the hub's clock, which deadlines are told by.
    """
    cursor = await session.driver.execute(
        "SELECT issuer_id, addressee_id, document_id, number, extract(epoch FROM %(now)s - deadline_time)::float8"
        " FROM documents WHERE kind = %(kind)s AND first_issued_time > %(now)s - interval '7 days'"
        " AND NOT is_withdrawn AND answer_state = 0 AND deadline_time IS NOT NULL ORDER BY first_issued_time",
        {"kind": kind, "now": now},
    )
    return [DutySign(*row) for row in await cursor.fetchall()]
