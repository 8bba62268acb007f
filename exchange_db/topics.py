"""What may change on a page while somebody looks at it: topics, each with a question whose answer changes with it.

An answer says nothing by itself; it is compared with the one before. Every question is cheap at 3,000 links and ten
million cases: one pass over a small table, or the end of an index. Called by ``hub.console.live``.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from psycopg import AsyncConnection


class Topic(NamedTuple):
    """A question, and the least seconds between two times that it is asked."""

    question: str
    seconds: float


#: Name, as pages write it into ``data-live``, to topic.
TOPICS: Mapping[str, Topic] = MappingProxyType(
    {
        "links": Topic(
            "SELECT count(*), sum(l.failure_count), max(l.trouble_time), max(p.certificate_end_time),"
            " sum(hashtext(p.peer_id || p.state || p.is_paused)::bigint),"
            " count(*) FILTER (WHERE l.last_sequence > l.acked_sequence),"
            " (SELECT count(*) FROM outages WHERE end_time IS NULL), (SELECT max(start_time) FROM outages)"
            " FROM links l JOIN peers p USING (destination_id)",
            1.0,
        ),
        "quarantine": Topic("SELECT max(quarantine_id), max(resolved_time) FROM quarantine", 15.0),
        "jobs": Topic("SELECT max(run_id) FROM job_runs WHERE trouble <> ''", 5.0),
        "approvals": Topic("SELECT count(*), max(made_time), sum(hashtext(state)::bigint) FROM proposals", 5.0),
        "alerts": Topic(
            "SELECT count(*), max(opened_time), max(acknowledged_time), sum(told_level) FROM alerts"
            " WHERE closed_time IS NULL",
            1.0,
        ),
        "flow": Topic("SELECT sum(last_sequence) FROM streams", 30.0),
    }
)


async def answers(driver: AsyncConnection[Any], topics: Iterable[str]) -> dict[str, tuple[object, ...]]:
    """Returns what the questions of some topics are answered now.

    Args:
        driver: an idle connection.
        topics: names of ``TOPICS``.
    """
    answered = {}
    for topic in topics:
        row = await (await driver.execute(TOPICS[topic].question)).fetchone()
        answered[topic] = tuple(row or ())
    return answered
