"""Operations on frozen periods: publishing a correction of a locked one, locking it, unlocking it.

The object is the period as it is written (``2020-06``). A dry run of a correction says each line it would publish, so
what was approved is what is published: if the cases change in between, it is refused and proposed anew. Put together
with the other operations by ``hub.cli.proposing``.
"""

import hashlib
from collections.abc import Sequence

from auth.approvals import Operation
from exchange_db.records import Violated
from exchange_db.regions import format_region
from exchange_db.session import Ledger
from hub.apply.replaying import changed_cases
from hub.approvals.operations import Arguments, Runnable, Step
from hub.clock import Clock
from hub.settings import Settings
from hub.statistics.calendar import HubCalendar
from hub.statistics.causes import REASON_NAMES
from hub.statistics.corrections import CorrectionDesk, Pending
from hub.statistics.locking import LockDesk
from hub.statistics.registry import counter_name

#: Lines of a correction that a dry run names; the others are in its digest.
_SHOWN_LINES = 200


class FigureCorrection:
    """Publishing what differs from what was published of a locked period."""

    def __init__(self, calendar: HubCalendar, desk: CorrectionDesk) -> None:
        self._calendar = calendar
        self._desk = desk

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says every line."""
        _only_purpose(arguments)
        period = self._calendar.parse(name)
        pending = await self._desk.pending(period)
        if not pending.row.is_locked:
            raise Violated("PERIOD_NOT_LOCKED", "object", name)
        if not pending.lines:
            raise Violated("CORRECTION_EMPTY", "object", name)
        return lines_of(pending)

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Publishes it."""
        _only_purpose(arguments)
        period = self._calendar.parse(name)
        await step(0, 1)
        number = await self._desk.publish_locked(period, str(arguments.get("purpose", "")))
        await step(1, 1)
        return f"{period.name} 第 {number} 号修正已公布 / correction {number} published"


class FigureLock:
    """Locking a frozen period, or unlocking it."""

    def __init__(self, calendar: HubCalendar, desk: LockDesk, *, is_locking: bool) -> None:
        self._calendar = calendar
        self._desk = desk
        self._is_locking = is_locking

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says which state of the period it is about."""
        _only_purpose(arguments)
        period = self._calendar.parse(name)
        row = await self._desk.find(period)
        if row.is_locked is self._is_locking:
            raise Violated("PERIOD_LOCKED" if self._is_locking else "PERIOD_NOT_LOCKED", "object", name)
        to = "锁定 / locked" if self._is_locking else "解锁 / unlocked"
        return [f"{period.kind} {period.name} 第 {row.revision} 版 / revision {row.revision} → {to}"]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Does it."""
        _only_purpose(arguments)
        period, purpose = self._calendar.parse(name), str(arguments.get("purpose", ""))
        await step(0, 1)
        if self._is_locking:
            await self._desk.lock(period, purpose)
        else:
            await self._desk.unlock(period, purpose)
        await step(1, 1)
        return f"{period.name} {'已锁定 / locked' if self._is_locking else '已解锁 / unlocked'}"


def make_period_desks(settings: Settings, ledger: Ledger, clock: Clock) -> tuple[HubCalendar, CorrectionDesk, LockDesk]:
    """Returns what works on the periods of a hub."""
    calendar = HubCalendar(settings)
    return calendar, CorrectionDesk(ledger, calendar, clock, changed_cases), LockDesk(ledger, calendar, clock)


def figure_operations(calendar: HubCalendar, corrections: CorrectionDesk, locks: LockDesk) -> dict[Operation, Runnable]:
    """Returns the operations on frozen periods."""
    return {
        Operation.FIGURE_CORRECTION: FigureCorrection(calendar, corrections),
        Operation.FIGURE_LOCK: FigureLock(calendar, locks, is_locking=True),
        Operation.FIGURE_UNLOCK: FigureLock(calendar, locks, is_locking=False),
    }


def lines_of(pending: Pending) -> list[str]:
    """Returns what a correction would publish, a line a cell and reason, with a digest of all of them at the end."""
    lines = [
        f"{format_region(line.cell[0])} {'/'.join(line.cell[1:])} {REASON_NAMES[line.reason][0]} {line.reason}："
        f"{changes_in_words(pending.row.counters, line.counts)}；{line.case_count} 件案件 / cases"
        for line in pending.lines
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    summary = f"{len(lines)} 行 / lines, 第 {pending.row.revision} 号修正 / correction, sha256 {digest}"
    return [*lines[:_SHOWN_LINES], summary]


def changes_in_words(counters: Sequence[str], counts: Sequence[int]) -> str:
    """Returns the counters that change and by how much."""
    return "，".join(f"{counter_name(name)} {count:+d}" for name, count in zip(counters, counts, strict=True) if count)


def _only_purpose(arguments: Arguments) -> None:
    if strange := sorted(arguments.keys() - {"purpose"}):
        raise Violated("ARGUMENT_INVALID", "arguments", ", ".join(strange))
