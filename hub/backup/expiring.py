"""Deleting what is older than it is kept: first told, then done in small transactions, and recorded.

Called by the job ``expire-records``, by ``sanji retention`` and, where two people are wanted, by a proposal.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

from exchange_db import retention
from exchange_db.audit_records import Value
from exchange_db.retention import KINDS, Kind
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.recording import told
from hub.sections.backup import RetentionPart

#: Called between transactions with how many rows are gone.
Step = Callable[[int], Awaitable[None]]


class Planned(NamedTuple):
    """A kind, from when on its rows go, and how many they are. Without ``before`` all are kept."""

    kind: Kind
    months: int
    before: datetime | None
    row_count: int


class Expiry:
    """Deletes by kind.

    Args:
        ledger: the hub's database.
        part: how long each kind is kept.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, part: RetentionPart, clock: Clock) -> None:
        self._ledger = ledger
        self._part = part
        self._clock = clock

    async def plan(self) -> list[Planned]:
        """Says what would go now, and deletes nothing."""
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        planned = []
        async with self._ledger.read() as session:
            for kind in KINDS:
                months: int = getattr(self._part, kind.name)
                before = months_before(now, months) if months else None
                count = await retention.count(session, kind, before) if before else 0
                planned.append(Planned(kind, months, before, count))
        return planned

    async def run(self, step: Step | None = None) -> dict[str, int]:
        """Deletes; returns how many rows of each kind that had any."""
        deleted: dict[str, int] = {}
        for planned in await self.plan():
            if planned.before is None or not planned.row_count:
                continue
            name = planned.kind.name
            about: dict[str, Value] = {"before": planned.before.isoformat(), "months": planned.months}
            async with told(self._ledger, "records.expire", name, detail=about) as detail:
                detail["rows"] = deleted[name] = await self._delete(planned.kind, planned.before, step)
        return deleted

    async def _delete(self, kind: Kind, before: datetime, step: Step | None) -> int:
        total = 0
        async with self._ledger.read() as session:
            scopes = await retention.scopes(session, kind)
        for scope in scopes:
            while True:
                async with self._ledger.write() as session:
                    count = await retention.delete(session, kind, before, scope)
                total += count
                if step is not None:
                    await step(total)
                if count < retention.BATCH:
                    break
        return total


def months_before(moment: datetime, months: int) -> datetime:
    """Returns the first moment of the month so many months before: what is deleted is always whole months older."""
    index = moment.year * 12 + moment.month - 1 - months
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
