"""A whole server from a base backup: to its end, to a point in time, or following another server until it is cut over.

PostgreSQL does the work (continuous archiving): what is written here are the signal file and the settings it recovers
by. While it follows it takes nothing in; ``sanji serve`` refuses. Servers of the operator's own are unpacked the same
way and started by whoever runs them. Called by ``sanji restore``.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from exchange_db.embedded import hand_over
from exchange_db.session import driver_url
from hub.backup import wal

_SETTINGS = ("restore_command", "recovery_target_time", "recovery_target_action", "recovery_target_timeline")
_POLL_SECONDS = 0.2
_FIRST_SIGNAL, _FOLLOW_SIGNAL = "recovery.signal", "standby.signal"


class RecoveryStuck(Exception):
    """The server did not come to the end of its recovery in time."""


class Following(NamedTuple):
    """How far a server that follows is: the moment of the last change it has, and the newest segment in the archive."""

    is_following: bool
    replayed_time: datetime | None
    newest_segment: str


def prepare(folder: Path, *, until: datetime | None = None, follows: bool = False) -> None:
    """Tells a server that was unpacked how to recover when it is started, with the segments opened beside it.

    Args:
        folder: its data folder.
        until: where to stop; ``None`` for the end of what there is.
        follows: goes on fetching until it is cut over.
    """
    (folder / (_FOLLOW_SIGNAL if follows else _FIRST_SIGNAL)).touch()
    lines = ["", f"restore_command = {_quoted(wal.RESTORE_COMMAND)}", "recovery_target_timeline = 'latest'"]
    if until is not None:
        moment = until.astimezone(UTC).isoformat(sep=" ")
        lines += [f"recovery_target_time = {_quoted(moment)}", "recovery_target_action = 'promote'"]
    with (folder / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))
    hand_over(folder)


def wait_until_open(url: str, seconds: float = 3_600.0) -> None:
    """Waits until a server has recovered and takes changes, and forgets how it recovered.

    Raises:
        RecoveryStuck: it did not within the time.
        psycopg.Error: it ended: the point in time lies before the backup, or a segment is missing; its log says so.
    """
    deadline = time.monotonic() + seconds
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        while _is_recovering(connection):
            if time.monotonic() > deadline:
                raise RecoveryStuck(f"{seconds:.0f} 秒内未恢复完 / recovery has not ended")
            time.sleep(_POLL_SECONDS)
        for name in _SETTINGS:
            connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")


def cut_over(url: str) -> None:
    """Ends the following of a server: it has all there is, and takes changes from now on.

    Raises:
        RecoveryStuck: it does not follow.
        psycopg.Error: it does not answer.
    """
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        if not _is_recovering(connection):
            raise RecoveryStuck("该服务器不在跟随状态 / this server does not follow")
        # Not waiting there: what is still replayed may cancel the one who waits.
        connection.execute("SELECT pg_promote(wait => false)")
    wait_until_open(url)


def following(url: str, archive: Path) -> Following:
    """Returns how far a server that follows is."""
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        row = connection.execute("SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp()").fetchone()
    assert row is not None  # noqa: S101 — one row always
    return Following(row[0], row[1], wal.newest(archive))


def _is_recovering(connection: "psycopg.Connection[tuple[object, ...]]") -> bool:
    try:
        row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    except psycopg.errors.SerializationFailure:
        # Cancelled by what is being replayed: so it is.
        return True
    return bool(row and row[0])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
