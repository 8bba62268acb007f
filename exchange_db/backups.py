"""The list of backups: what was made, where it lies, and how its last trial restore went.

Called by ``hub.backup``, ``sanji backup``, ``sanji doctor`` and the console.
"""

from datetime import datetime
from typing import NamedTuple

from exchange_db.session import ReadSession, WriteSession


class Backup(NamedTuple):
    """One backup.

    ``kind`` is ``dump`` or ``base``, ``state`` is ``running``, ``kept``, ``failed`` or ``removed``. ``position`` is
    the last inbox id in it, ``size_bytes`` what it takes on disk without attachments. ``trouble`` says why it failed,
    ``verify_trouble`` why its last trial restore did.
    """

    backup_id: str
    kind: str
    state: str
    place: str
    started_time: datetime
    ended_time: datetime | None
    position: int
    size_bytes: int
    attachment_count: int
    trouble: str
    verified_time: datetime | None
    verify_result: str
    verify_trouble: str


_COLUMNS = ", ".join(Backup._fields)


async def begin(session: WriteSession, backup_id: str, kind: str, place: str, now: datetime) -> None:
    """Notes that a backup begins; one that never ended belongs to a process that is gone, and has failed."""
    await session.driver.execute(
        "UPDATE backups SET state = 'failed', ended_time = %s, trouble = '进程中断 / the process ended'"
        " WHERE state = 'running'",
        (now,),
    )
    await session.driver.execute(
        "INSERT INTO backups (backup_id, kind, state, place, started_time) VALUES (%s, %s, 'running', %s, %s)",
        (backup_id, kind, place, now),
    )


async def finish(
    session: WriteSession, backup_id: str, now: datetime, *, position: int, size_bytes: int, attachment_count: int
) -> None:
    """Notes that a backup is whole."""
    await session.driver.execute(
        "UPDATE backups SET state = 'kept', ended_time = %s, position = %s, size_bytes = %s, attachment_count = %s"
        " WHERE backup_id = %s",
        (now, position, size_bytes, attachment_count, backup_id),
    )


async def fail(session: WriteSession, backup_id: str, now: datetime, trouble: str) -> None:
    """Notes that a backup failed, and why."""
    await session.driver.execute(
        "UPDATE backups SET state = 'failed', ended_time = %s, trouble = %s WHERE backup_id = %s",
        (now, trouble[:1_000], backup_id),
    )


async def note_removed(session: WriteSession, backup_ids: list[str]) -> None:
    """Notes that backups were removed from disk."""
    await session.driver.execute("UPDATE backups SET state = 'removed' WHERE backup_id = ANY(%s)", (backup_ids,))


async def note_verified(session: WriteSession, backup_id: str, now: datetime, result: str, trouble: str) -> None:
    """Notes how a trial restore went; ``trouble`` is empty when all was in order."""
    await session.driver.execute(
        "UPDATE backups SET verified_time = %s, verify_result = %s, verify_trouble = %s WHERE backup_id = %s",
        (now, result[:1_000], trouble[:1_000], backup_id),
    )


async def listing(session: ReadSession, limit: int = 100) -> list[Backup]:
    """Returns backups, newest first, those that were removed included."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM backups ORDER BY started_time DESC, backup_id DESC LIMIT %s",  # noqa: S608 — constants
        (limit,),
    )
    return [Backup(*row) for row in await cursor.fetchall()]


async def last_kept(session: ReadSession) -> Backup | None:
    """Returns the newest whole backup that is still there."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM backups WHERE state = 'kept' ORDER BY started_time DESC LIMIT 1"  # noqa: S608 — constants
    )
    row = await cursor.fetchone()
    return Backup(*row) if row else None
