"""How far each link has come: confirmations, failures, refusals. Called by delivery and by the pulling call."""

from typing import Any, NamedTuple

from psycopg import AsyncConnection

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
        "WITH old AS (SELECT acked_sequence, %(to)s > acked_sequence OR last_sequence = acked_sequence AS is_well"
        " FROM links WHERE destination_id = %(id)s FOR UPDATE),"
        " moved AS (UPDATE links l SET acked_sequence = greatest(l.acked_sequence, %(to)s), contact_time = now(),"
        " failure_count = CASE WHEN is_well THEN 0 ELSE failure_count END, retry_time = NULL,"
        " trouble = CASE WHEN is_well THEN '' ELSE trouble END FROM old WHERE l.destination_id = %(id)s)"
        " INSERT INTO deliveries (destination_id, last_sequence, first_sequence, accepted_time)"
        " SELECT %(id)s, %(to)s, acked_sequence + 1, now() FROM old WHERE acked_sequence < %(to)s",
        {"id": destination_id, "to": sequence},
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


async def note_failure(driver: AsyncConnection[Any], destination_id: int, trouble: str, pause_seconds: float) -> None:
    """Records a failure in words and when to try again."""
    await driver.execute(
        "UPDATE links SET failure_count = failure_count + 1, trouble = %s, trouble_time = now(),"
        " retry_time = now() + make_interval(secs => %s) WHERE destination_id = %s",
        (trouble[:400], pause_seconds, destination_id),
    )


async def note_success(driver: AsyncConnection[Any], destination_id: int) -> None:
    """Records that the neighbour answered; ends a back-off, and the trouble unless it owes answers to parcels."""
    await driver.execute(
        "UPDATE links SET failure_count = CASE WHEN last_sequence = acked_sequence THEN 0 ELSE failure_count END,"
        " trouble = CASE WHEN last_sequence = acked_sequence THEN '' ELSE trouble END,"
        " retry_time = NULL, contact_time = now() WHERE destination_id = %s",
        (destination_id,),
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


async def is_welcome(driver: AsyncConnection[Any], destination_id: int, thumbprint: str) -> bool:
    """Tells whether a neighbour is active and still has this certificate."""
    cursor = await driver.execute(
        "SELECT 1 FROM peers WHERE destination_id = %s AND state = 'active' AND thumbprint = %s"
        " AND certificate_end_time > now()",
        (destination_id, thumbprint),
    )
    return await cursor.fetchone() is not None


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
