"""Which backups are kept: the newest of each of the last days, weeks and months. Pure, but for the deleting."""

import shutil
from collections.abc import Callable, Hashable
from datetime import datetime
from pathlib import Path

from hub.sections.backup import BackupPart


def kept_of(made: dict[str, datetime], part: BackupPart) -> set[str]:
    """Returns the backups that are kept, of those that are there by name and time.

    Of each of the last ``kept_daily`` days that have one the newest is kept, and so for weeks and months; the newest
    of all always is.
    """
    order = sorted(made, key=lambda name: made[name], reverse=True)
    kept = set(order[:1])
    spans: list[tuple[int, Callable[[datetime], Hashable]]] = [
        (part.kept_daily, lambda moment: moment.date()),
        (part.kept_weekly, lambda moment: moment.isocalendar()[:2]),
        (part.kept_monthly, lambda moment: (moment.year, moment.month)),
    ]
    for count, span_of in spans:
        newest: dict[Hashable, str] = {}
        for name in order:
            newest.setdefault(span_of(made[name]), name)
        kept |= set(list(newest.values())[:count])
    return kept


def remove(folder: Path, backup_ids: list[str]) -> list[str]:
    """Removes backups from the disk; returns those that are gone now."""
    for backup_id in backup_ids:
        shutil.rmtree(folder / backup_id, ignore_errors=True)
    return [backup_id for backup_id in backup_ids if not (folder / backup_id).exists()]
