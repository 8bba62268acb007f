"""What people give for scores: groups of units, scores of parts and indicators, entries of the list.

An entry of the list counts only when somebody else has approved it, unless the tenant has chosen otherwise. Called by
``hub.cli`` and ``hub.console``.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID, uuid4

from exchange_db import evaluation_inputs
from exchange_db.evaluation_inputs import GivenRow, GroupRow
from exchange_db.records import Violated
from exchange_db.regions import Regions, format_region, subtree
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evaluation.points import Verdict
from hub.evaluation.schemes import CompositeScheme, Measure, Scheme
from hub.evaluation.sources import exact, exact_text
from hub.recording import actor, recorded
from hub.settings import Settings

_MOST_TIMES = 1_000


class GroupEntry(NamedTuple):
    """A unit in a group; ``last_day`` is ``None`` while it lasts."""

    unit_code: str
    group_code: str
    first_day: date
    last_day: date | None = None
    unit_name: str = ""


class Given(NamedTuple):
    """What somebody gives; numbers are exact text. ``unit_code`` is empty for an indicator of a whole region."""

    entry_id: str
    unit_code: str
    day: date
    value: str
    reason: str
    evidence: str = ""
    target: str = ""
    verdict: str = ""


class InputDesk:
    """Takes inputs.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._hub_region = settings.hub.region
        self._approves = settings.evaluation.approves_items

    async def put_groups(self, region: int, entries: Sequence[GroupEntry]) -> None:
        """Puts a region's groups in the place of what was there.

        Raises:
            Violated: GROUPS_OVERLAP, ARGUMENT_INVALID or REGION_FORBIDDEN.
        """
        self._require_region(region)
        _check_groups(entries)
        now = self._now()
        rows = [
            GroupRow(region, one.unit_code, one.first_day, one.last_day, one.group_code, one.unit_name, actor(), now)
            for one in entries
        ]
        detail = {"count": len(rows)}
        async with recorded(
            self._ledger, "evaluation.groups", format_region(region), region=region, detail=dict(detail)
        ) as act:
            await evaluation_inputs.put_groups(act.session, region, rows)

    async def groups(self, region: int, first_day: date, last_day: date) -> list[GroupRow]:
        """Returns the groups that count on some day of a span."""
        async with self._ledger.read() as session:
            return await evaluation_inputs.groups_on(session, region, first_day, last_day)

    async def give(self, region: int, scheme: Scheme, given: Given) -> GivenRow:
        """Keeps a score, or an entry of the list, which then waits for somebody else's approval.

        Raises:
            Violated: ENTRY_UNKNOWN, NUMBER_INVALID, FIELD_MISSING or REGION_FORBIDDEN.
        """
        self._require_region(region)
        kind = _checked(scheme, given)
        needs_approval = kind == "item" and self._approves
        row = GivenRow(
            region=region,
            input_id=uuid4(),
            scheme_id=scheme.scheme_id,
            entry_id=given.entry_id,
            unit_code=given.unit_code,
            day=given.day,
            kind=kind,
            value=exact_text(exact(given.value)),
            target=given.target,
            verdict=given.verdict,
            reason=given.reason,
            evidence=given.evidence,
            given_by=actor(),
            given_time=self._now(),
            state="proposed" if needs_approval else "approved",
            decided_by="",
            decided_time=None,
        )
        async with recorded(
            self._ledger,
            "evaluation.give",
            f"{scheme.scheme_id} {given.entry_id}",
            region=region,
            detail={"input": str(row.input_id), "unit": row.unit_code, "value": row.value, "day": f"{row.day}"},
        ) as act:
            await evaluation_inputs.add(act.session, row)
        return row

    async def decide(self, region: int, input_id: UUID, *, is_approved: bool) -> GivenRow:
        """Approves or refuses what somebody else gave.

        Raises:
            Violated: INPUT_NOT_FOUND, INPUT_SETTLED or SECOND_PERSON_NEEDED.
        """
        async with recorded(
            self._ledger,
            "evaluation.decide",
            str(input_id),
            region=region,
            detail={"approved": is_approved},
        ) as act:
            row = await evaluation_inputs.find(act.session, region, input_id)
            if row is None:
                raise Violated("INPUT_NOT_FOUND", "input", str(input_id))
            if row.state != "proposed":
                raise Violated("INPUT_SETTLED", "input", row.state)
            if row.given_by == actor():
                raise Violated("SECOND_PERSON_NEEDED", "input", row.given_by)
            row = row._replace(
                state="approved" if is_approved else "refused", decided_by=actor(), decided_time=self._now()
            )
            await evaluation_inputs.decide(act.session, row)
        return row

    async def listing(self, visible: Regions, state: str = "") -> list[GivenRow]:
        """Returns what was given, in order."""
        async with self._ledger.read() as session:
            return await evaluation_inputs.listing(session, visible, state)

    def _require_region(self, region: int) -> None:
        if region not in subtree(self._hub_region):
            raise Violated("REGION_FORBIDDEN", "region", format_region(region))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def _check_groups(entries: Sequence[GroupEntry]) -> None:
    known: dict[str, list[GroupEntry]] = {}
    for one in entries:
        if not one.unit_code or not one.group_code:
            raise Violated("FIELD_MISSING", "unit_code" if one.group_code else "group_code")
        if one.last_day is not None and one.last_day < one.first_day:
            raise Violated("ARGUMENT_INVALID", "last_day", f"{one.unit_code} {one.last_day}")
        for other in known.setdefault(one.unit_code, []):
            if one.first_day <= (other.last_day or date.max) and other.first_day <= (one.last_day or date.max):
                raise Violated("GROUPS_OVERLAP", "unit_code", one.unit_code)
        known[one.unit_code].append(one)


def _checked(scheme: Scheme, given: Given) -> str:
    """Returns whether it is a score or an entry of the list, once it fits."""
    if not given.reason.strip():
        raise Violated("FIELD_MISSING", "reason")
    value = _number(given.value, "value")
    if not isinstance(scheme, CompositeScheme):
        return _checked_node(scheme, given, value)
    if not given.unit_code:
        raise Violated("FIELD_MISSING", "unit_code")
    if any(part.part_id == given.entry_id for part in scheme.parts):
        if not 0 <= value <= 100:
            raise Violated("NUMBER_INVALID", "value", given.value)
        return "score"
    item = next((one for one in scheme.items if one.item_id == given.entry_id), None)
    if item is None or item.is_per_point_of_fall:
        raise Violated("ENTRY_UNKNOWN", "entry", given.entry_id)
    if value.denominator != 1 or not 1 <= value <= _MOST_TIMES:
        raise Violated("NUMBER_INVALID", "value", given.value)
    return "item"


def _checked_node(scheme: Scheme, given: Given, value: Fraction) -> str:
    nodes = () if isinstance(scheme, CompositeScheme) else scheme.nodes
    node = next((one for one in nodes if one.node_id == given.entry_id and one.measure is not Measure.GROUP), None)
    if node is None:
        raise Violated("ENTRY_UNKNOWN", "entry", given.entry_id)
    if given.unit_code:
        raise Violated("ARGUMENT_INVALID", "unit_code", given.unit_code)
    if given.target:
        _number(given.target, "target")
    if given.verdict and given.verdict not in list(Verdict):
        raise Violated("ARGUMENT_INVALID", "verdict", given.verdict)
    if node.measure in (Measure.SHARE, Measure.QUALITATIVE) and not 0 <= value <= 100:
        raise Violated("NUMBER_INVALID", "value", given.value)
    return "score"


def _number(text: str, field: str) -> Fraction:
    try:
        return exact(text)
    except ValueError:
        raise Violated("NUMBER_INVALID", field, text) from None
