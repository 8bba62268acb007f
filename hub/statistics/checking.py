"""The nightly proof that the figures are what the cases say, and what an upgrade left to be done for them.

A difference is never put right in silence: it is told as a failed run of the job, in the program's log and in the audit
log, and a person looks at it and orders the correction (``sanji figures rebuild --write``).
"""

import logging
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from connectors.wire import read_parcel
from exchange_db import figure_duties
from exchange_db.audit import append
from exchange_db.audit_records import AuditEntry, hub_actor
from exchange_db.counting import CountingRules
from exchange_db.facts import CaseFacts, facts_of
from exchange_db.figure_duties import RECOUNT, REFILL, Filling, Unfilled
from exchange_db.records import Case, Violated
from exchange_db.recount import Found
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.statistics.rebuild import FigureRebuild

logger = logging.getLogger(__name__)

_PAGE = 1_000
#: A case that apply was writing back while it was read is met again by the second pass.
_PASSES = 2


class FiguresDiffer(Exception):
    """Figures are not what the cases say; the message tells how many."""

    def __init__(self, found: Found) -> None:
        super().__init__(
            f"指标与案件不一致：{found.cell_count} 个单元，{found.total_count} 个合计；请查明原因后运行"
            " sanji figures rebuild --write 改正。"
            f" / {found.cell_count} cells and {found.total_count} totals are not what the cases say; find out why, then"
            " run sanji figures rebuild --write."
        )


class FigureCheck:
    """Proves the figures, once a night, and settles what an upgrade left to be done.

    Args:
        ledger: the hub's database.
        rules: how cases are counted.
        hub_id: name of this hub.
        hour: hour of the day, in the zone of the rules, in which the proof is made; 0 to 23.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, rules: CountingRules, hub_id: str, hour: int, clock: Clock) -> None:
        self._ledger = ledger
        self._rules = rules
        self._hub_id = hub_id
        self._hour = hour
        self._clock = clock
        self._rebuild = FigureRebuild(ledger, rules)

    async def run(self) -> str:
        """Does what is due now and returns it in words.

        Raises:
            FiguresDiffer: the figures are not what the cases say.
            RebuildBusy: somebody else is counting.
        """
        async with self._ledger.read() as session:
            owed = await figure_duties.duties(session)
        if owed:
            return await self._settle(owed)
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC).astimezone(ZoneInfo(self._rules.zone))
        if now.hour != self._hour:
            return ""
        return await self.prove()

    async def prove(self) -> str:
        """Counts all cases anew and compares.

        Raises:
            FiguresDiffer: the figures are not what the cases say.
            RebuildBusy: somebody else is counting.
        """
        found = await self._rebuild.check()
        if found.is_right:
            return f"{found.case_count} 件案件，指标与台账一致 / cases, figures are right"
        logger.error("figures differ from the cases: %s cells, %s totals", found.cell_count, found.total_count)
        async with self._ledger.write() as session:
            await append(
                session,
                AuditEntry(
                    actor=hub_actor(self._hub_id), action="figures.differ", object="figures", outcome="failed",
                    reason="FIGURES_DIFFER", detail={"cells": found.cell_count, "totals": found.total_count},
                ),
            )  # fmt: skip
        raise FiguresDiffer(found)

    async def _settle(self, owed: set[str]) -> str:
        filled = 0
        if REFILL in owed:
            for _ in range(_PASSES):
                filled += await self._refill()
            async with self._ledger.write() as session:
                await figure_duties.settle(session, REFILL)
        found = await self._rebuild.write()
        async with self._ledger.write() as session:
            await figure_duties.settle(session, RECOUNT)
        return (
            f"升级后重新计数：补全 {filled} 件案件，改正 {found.cell_count} 个单元"
            f" / counted anew after an upgrade: {filled} cases filled, {found.cell_count} cells put right"
        )

    async def _refill(self) -> int:
        """Reads into the cases what their sections in the log say of times and grids."""
        after, count = (-1, bytes(16)), 0
        while True:
            async with self._ledger.write() as session:
                page = await figure_duties.unfilled(session, after, _PAGE)
                found = [one for one in map(_filling, page) if any(one[1:])]
                await figure_duties.fill(session, found)
            count += len(found)
            if len(page) < _PAGE:
                return count
            after = (page[-1].home_region, page[-1].case_id)


def _filling(case: Unfilled) -> Filling:
    report, verdict = _facts(case.report_payload), _facts(case.verdict_payload)
    told = report.report if report else None
    checked = verdict.verdict if verdict else None
    return Filling(
        case,
        told.grid_code if told else "",
        told.accepted_time if told else 0,
        told.verified_time if told else 0,
        told.filed_time if told else 0,
        checked.check_sent_time if checked else 0,
        checked.check_answered_time if checked else 0,
    )


def _facts(payload: bytes | None) -> CaseFacts | None:
    """Returns what a record of the log says; what cannot be read any more says nothing."""
    if payload is None:
        return None
    try:
        parcel = read_parcel(payload)
    except Violated:
        return None
    return facts_of(parcel.record, parcel.origin_id, parcel.created_time) if isinstance(parcel.record, Case) else None
