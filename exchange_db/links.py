"""How far each link has come: confirmations, failures, refusals. Called by delivery and by the pulling call.

Where a failure or a success is noted, the outage it begins or ends is noted in the same statement.
"""

from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db.outages import BEGIN, END, Direction
from exchange_db.peer_certificates import WELCOME
from exchange_db.records import Refused
from exchange_db.session import HotSession


class Backoff(NamedTuple):
    """Failures in a row, and whether the pause after the last one is still running, in seconds left."""

    failure_count: int
    seconds_left: float


async def confirm(driver: AsyncConnection[Any], destination_id: int, sequence: int) -> None:
    """Records that everything up to a number is on the neighbour's disk, and that it was heard of.

    Failures are forgotten when it has come further or owes nothing: a neighbour that takes calls and never answers a
    batch stays in trouble.
    """
    await driver.execute(
        "WITH old AS (SELECT acked_sequence, %(to)s > acked_sequence OR last_sequence = acked_sequence AS is_well"  # noqa: S608 — a constant
        " FROM links WHERE destination_id = %(id)s FOR UPDATE),"
        " moved AS (UPDATE links l SET acked_sequence = greatest(l.acked_sequence, %(to)s), contact_time = now(),"
        " failure_count = CASE WHEN is_well THEN 0 ELSE failure_count END, retry_time = NULL,"
        " trouble = CASE WHEN is_well THEN '' ELSE trouble END FROM old WHERE l.destination_id = %(id)s),"
        f" ended AS ({END} AND (SELECT is_well FROM old))"
        " INSERT INTO deliveries (destination_id, last_sequence, first_sequence, accepted_time)"
        " SELECT %(id)s, %(to)s, acked_sequence + 1, now() FROM old WHERE acked_sequence < %(to)s",
        {"id": destination_id, "to": sequence, "direction": Direction.OUT.value},
    )


async def settle(driver: AsyncConnection[Any], destination_id: int, sequence: int) -> None:
    """Records that the neighbour has settled everything up to a number."""
    await driver.execute(
        "UPDATE links SET receipted_sequence = greatest(receipted_sequence, %s) WHERE destination_id = %s",
        (sequence, destination_id),
    )


async def hold_refused(session: HotSession, destination_id: int, peer_id: str, refusals: list[Refused]) -> None:
    """Puts parcels a neighbour refused into quarantine here, each once."""
    async with session.driver.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO quarantine (stage, destination_id, sequence, inbox_id, peer_id, origin_id, record_key, region,"
            " reason, field_path, message, message_zh, payload)"
            " SELECT 'delivery', p.destination_id, p.sequence, i.inbox_id, %s, '', i.record_key, i.region, %s, %s, %s,"
            " %s, i.payload FROM parcels p JOIN inbox i USING (partition, inbox_id)"
            " WHERE p.destination_id = %s AND p.sequence = %s AND NOT EXISTS (SELECT 1 FROM quarantine q"
            " WHERE q.stage = 'delivery' AND q.destination_id = p.destination_id AND q.sequence = p.sequence)",
            [
                (
                    peer_id,
                    refusal.violation.reason,
                    refusal.violation.field_path,
                    refusal.violation.message,
                    refusal.violation.message_zh,
                    destination_id,
                    refusal.sequence,
                )
                for refusal in refusals
            ],
        )


async def note_failure(
    driver: AsyncConnection[Any],
    destination_id: int,
    trouble: str,
    pause_seconds: float,
    *,
    cause: str = "LINK_UNREACHABLE",
    direction: Direction = Direction.OUT,
    waited_seconds: float = 0.0,
) -> None:
    """Records a failure in words and when to try again; the first one begins an outage.

    Args:
        driver: an idle connection, or one in a transaction.
        destination_id: which link.
        trouble: what happened.
        pause_seconds: until the next try.
        cause: a reason, for the outage.
        direction: which way failed.
        waited_seconds: how long an answer was waited for: the outage began then.
    """
    await driver.execute(
        f"WITH outage AS ({BEGIN})"  # noqa: S608 — a constant
        " UPDATE links SET failure_count = failure_count + 1, trouble = %(told)s, trouble_time = now(),"
        " retry_time = now() + make_interval(secs => %(pause)s) WHERE destination_id = %(id)s",
        {
            "id": destination_id,
            "told": trouble[:400],
            "pause": pause_seconds,
            "cause": cause,
            "direction": direction.value,
            "waited": waited_seconds,
        },
    )


async def note_success(driver: AsyncConnection[Any], destination_id: int, direction: Direction = Direction.OUT) -> None:
    """Records that the neighbour answered; ends a back-off, and the trouble unless it owes answers to parcels."""
    await driver.execute(
        "WITH old AS (SELECT last_sequence = acked_sequence AS is_well FROM links WHERE destination_id = %(id)s),"  # noqa: S608 — a constant
        f" ended AS ({END} AND (%(direction)s = 'in' OR (SELECT is_well FROM old)))"
        " UPDATE links SET failure_count = CASE WHEN last_sequence = acked_sequence THEN 0 ELSE failure_count END,"
        " trouble = CASE WHEN last_sequence = acked_sequence THEN '' ELSE trouble END,"
        " retry_time = NULL, contact_time = now() WHERE destination_id = %(id)s",
        {"id": destination_id, "direction": direction.value},
    )


async def note_trouble(driver: AsyncConnection[Any], destination_id: int, trouble: str) -> None:
    """Records that the neighbour answered, and what is wrong with a part of its link all the same."""
    await driver.execute(
        f"WITH ended AS ({END})"  # noqa: S608 — a constant
        " UPDATE links SET failure_count = 0, retry_time = NULL, contact_time = now(), trouble = %(told)s,"
        " trouble_time = CASE WHEN trouble = %(told)s THEN trouble_time ELSE now() END WHERE destination_id = %(id)s",
        {"id": destination_id, "told": trouble[:400], "direction": Direction.OUT.value},
    )


async def backoff(driver: AsyncConnection[Any], destination_id: int) -> Backoff:
    """Returns how a link stands after its last failures."""
    cursor = await driver.execute(
        "SELECT failure_count, greatest(0, coalesce(extract(epoch FROM retry_time - now()), 0))::float8"
        " FROM links WHERE destination_id = %s",
        (destination_id,),
    )
    row = await cursor.fetchone()
    return Backoff(*row) if row else Backoff(0, 0.0)


async def held_off(driver: AsyncConnection[Any]) -> set[int]:
    """Returns the links whose pause after a failure goes on: whoever else dials waits for its end too."""
    cursor = await driver.execute("SELECT destination_id FROM links WHERE retry_time > now()")
    return {row[0] for row in await cursor.fetchall()}


async def is_welcome(driver: AsyncConnection[Any], destination_id: int, thumbprint: str) -> bool:
    """Tells whether a neighbour is active and this certificate of it still counts."""
    cursor = await driver.execute(
        f"SELECT 1 FROM peers p WHERE p.destination_id = %s AND %s = ANY({WELCOME})",  # noqa: S608 — constants
        (destination_id, thumbprint),
    )
    return await cursor.fetchone() is not None


async def refusal_of(driver: AsyncConnection[Any], destination_id: int) -> str:
    """Returns why a neighbour that is not welcome is not: LINK_PAUSED or PEER_BLOCKED."""
    cursor = await driver.execute(
        "SELECT state = 'active' AND is_paused FROM peers WHERE destination_id = %s", (destination_id,)
    )
    row = await cursor.fetchone()
    return "LINK_PAUSED" if row and row[0] else "PEER_BLOCKED"


async def note_left(driver: AsyncConnection[Any], destination_id: int, within_seconds: float) -> None:
    """Records that a neighbour was there until now, when its call ends that was heard of a moment ago.

    A call that ends long after the last sign of life says only when its end was noticed.
    """
    await driver.execute(
        "UPDATE links SET heard_time = now() WHERE destination_id = %s"
        " AND heard_time > now() - make_interval(secs => %s)",
        (destination_id, within_seconds),
    )


async def nudge(driver: AsyncConnection[Any], destination_id: int) -> None:
    """Ends every pause after failures, so that the link is tried now."""
    await driver.execute(
        "UPDATE links SET retry_time = NULL, nudged_time = now() WHERE destination_id = %s", (destination_id,)
    )


async def is_nudged(driver: AsyncConnection[Any], destination_id: int, within_seconds: float) -> bool:
    """Tells whether somebody wanted the link to be tried in the last seconds."""
    cursor = await driver.execute(
        "SELECT nudged_time > now() - make_interval(secs => %s) FROM links WHERE destination_id = %s",
        (within_seconds, destination_id),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def send_again(driver: AsyncConnection[Any], quarantine_id: int) -> None:
    """Gives a parcel that a neighbour refused a new number at the end of its link."""
    await driver.execute(
        "WITH held AS (SELECT q.destination_id, p.partition, p.inbox_id FROM quarantine q JOIN parcels p"
        " ON p.destination_id = q.destination_id AND p.sequence = q.sequence WHERE q.quarantine_id = %s),"
        " numbered AS (UPDATE links l SET last_sequence = last_sequence + 1 FROM held"
        " WHERE l.destination_id = held.destination_id RETURNING l.destination_id, l.last_sequence)"
        " INSERT INTO parcels (destination_id, sequence, partition, inbox_id)"
        " SELECT numbered.destination_id, numbered.last_sequence, held.partition, held.inbox_id FROM numbered, held",
        (quarantine_id,),
    )


async def paused(driver: AsyncConnection[Any]) -> frozenset[int]:
    """Returns the destinations that are not dialled now, because the last tries failed and the pause is not over."""
    cursor = await driver.execute("SELECT destination_id FROM links WHERE retry_time > now()")
    return frozenset(row[0] for row in await cursor.fetchall())
