"""Objection and ruling (异议与裁定): a unit disputes a part of its score, an evaluator rules, the run is made again.

The run after a ruling is a revision whose reason names it. How long a unit may object is a setting; no standard at
hand gives it. Called by ``hub.rpc``, ``hub.console`` and ``hub.cli``.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID, uuid4

from exchange_db import objections
from exchange_db.objections import ObjectionRow
from exchange_db.records import Violated
from exchange_db.regions import Regions
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evaluation.desk import Made, ScoreDesk, Shown
from hub.evaluation.runs import KeptRun
from hub.evaluation.schemes import CompositeScheme, Measure
from hub.evaluation.sources import exact, exact_text
from hub.recording import actor, recorded
from hub.settings import Settings


class Ruled(NamedTuple):
    """A ruling, and the run it has led to; ``None`` where the objection was rejected."""

    objection: ObjectionRow
    made: Made | None


class ObjectionDesk:
    """Keeps objections.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
        scores: makes the run again.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock, scores: ScoreDesk) -> None:
        self._ledger = ledger
        self._days = settings.evaluation.objection_days
        self._clock = clock
        self._scores = scores

    async def object_to(self, shown: Shown, unit_code: str, entry_id: str, grounds: str) -> ObjectionRow:
        """Keeps a unit's objection to a part of its score.

        Args:
            shown: the run, which must be the one that counts.
            unit_code: whose score; empty for a tree of a whole region.
            entry_id: the part, entry of the list or indicator.
            grounds: why.

        Raises:
            Violated: OBJECTION_LATE, ENTRY_UNKNOWN, FIELD_MISSING or RUN_NOT_FOUND.
        """
        head = shown.head
        last = head.made_time + timedelta(days=self._days)
        if not grounds.strip():
            raise Violated("FIELD_MISSING", "grounds")
        if self._now() > last:
            raise Violated("OBJECTION_LATE", "run", f"{last:%Y-%m-%d %H:%M} UTC")
        _require_entry(shown, unit_code, entry_id)
        row = ObjectionRow(
            head.region, uuid4(), head.scheme_id, head.period, head.revision, unit_code, entry_id, grounds.strip(),
            actor(), self._now(),
        )  # fmt: skip
        async with recorded(
            self._ledger,
            "evaluation.object",
            str(row.objection_id),
            region=row.region,
            detail={"run": head.run_id, "unit": unit_code, "entry": entry_id},
        ) as act:
            await objections.add(act.session, row)
        return row

    async def rule(
        self, visible: Regions, objection_id: UUID, *, ruling: str, value: str = "", is_upheld: bool
    ) -> Ruled:
        """Rules on an objection and makes the run again where it was upheld.

        Args:
            visible: regions of who rules.
            objection_id: which one.
            ruling: the reasons.
            value: what takes the place of the disputed value, as exact text.
            is_upheld: whether the unit is right.

        Raises:
            Violated: OBJECTION_NOT_FOUND, OBJECTION_SETTLED, SECOND_PERSON_NEEDED, FIELD_MISSING or NUMBER_INVALID.
            InputInvalid: the run cannot be made again.
        """
        if not ruling.strip():
            raise Violated("FIELD_MISSING", "ruling")
        async with recorded(
            self._ledger,
            "evaluation.rule",
            str(objection_id),
            detail={"upheld": is_upheld, "value": value},
        ) as act:
            row = await objections.find(act.session, visible, objection_id)
            if row is None:
                raise Violated("OBJECTION_NOT_FOUND", "objection", str(objection_id))
            if row.state != "open":
                raise Violated("OBJECTION_SETTLED", "objection", row.state)
            if row.made_by == actor():
                raise Violated("SECOND_PERSON_NEEDED", "objection", row.made_by)
            if is_upheld:
                shown = await self._scores.of_period(row.region, row.scheme_id, row.period)
                value = _checked_value(shown, row.entry_id, value)
            row = row._replace(
                state="upheld" if is_upheld else "rejected", ruled_value=value if is_upheld else "",
                ruling=ruling.strip(), ruled_by=actor(), ruled_time=self._now(),
            )  # fmt: skip
            await objections.rule(act.session, row)
        if not is_upheld:
            return Ruled(row, None)
        reason = f"裁定 ruling {row.objection_id}"
        return Ruled(row, await self._scores.run(row.region, row.scheme_id, row.period, reason))

    async def listing(self, visible: Regions, state: str = "") -> list[ObjectionRow]:
        """Returns objections, newest first; ``state`` narrows it."""
        async with self._ledger.read() as session:
            return await objections.listing(session, visible, state)

    async def of_run(self, shown: Shown) -> list[ObjectionRow]:
        """Returns the objections about a run's period."""
        async with self._ledger.read() as session:
            return await objections.of_period(session, shown.head.region, shown.head.scheme_id, shown.head.period)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def _require_entry(shown: Shown, unit_code: str, entry_id: str) -> None:
    _entry_kind(shown, entry_id)
    if isinstance(shown.kept, KeptRun):
        if all(score.unit != unit_code for score in shown.kept.run.scores):
            raise Violated("ENTRY_UNKNOWN", "unit_code", unit_code)
    elif unit_code:
        raise Violated("ARGUMENT_INVALID", "unit_code", unit_code)


def _entry_kind(shown: Shown, entry_id: str) -> str:
    """Returns whether an entry is a part out of 100, an entry of the list, or the value of an indicator."""
    scheme = shown.kept.run.scheme
    if isinstance(scheme, CompositeScheme):
        if any(part.part_id == entry_id for part in scheme.parts):
            return "share"
        if any(item.item_id == entry_id and not item.is_per_point_of_fall for item in scheme.items):
            return "count"
    else:
        node = next((one for one in scheme.nodes if one.node_id == entry_id), None)
        if node is not None and node.measure is not Measure.GROUP:
            return "share" if node.measure in (Measure.SHARE, Measure.QUALITATIVE) else "value"
    raise Violated("ENTRY_UNKNOWN", "entry", entry_id)


def _checked_value(shown: Shown, entry_id: str, text: str) -> str:
    kind = _entry_kind(shown, entry_id)
    try:
        value = exact(text)
    except ValueError:
        raise Violated("NUMBER_INVALID", "value", text) from None
    is_right = value >= 0
    if kind == "share":
        is_right = 0 <= value <= 100
    elif kind == "count":
        is_right = value >= 0 and value.denominator == 1
    if not is_right:
        raise Violated("NUMBER_INVALID", "value", text)
    return exact_text(Fraction(value))
