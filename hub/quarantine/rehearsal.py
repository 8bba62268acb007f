"""What replaying a record would do: the same check and the same rules of a case's life, and nothing is written.

Reads a case as it stands; what comes before the replay in the log may still change it. Called by
``hub.quarantine.desk``.
"""

from typing import NamedTuple

from exchange_db import cases
from exchange_db.facts import read_facts
from exchange_db.inbox import Entry, Refusal
from exchange_db.quarantine import QuarantineRow
from exchange_db.records import RecordKind, Violated, Violation
from exchange_db.regions import Subtree, region_of
from exchange_db.session import ReadSession
from hub.apply.lifecycle import fold
from hub.intake.replay import sender_of
from hub.intake.validation import ClassCheck, Gate

_EVERYWHERE = Subtree(0, 999_999)


class Prospect(NamedTuple):
    """What a replay would come to.

    ``stage`` is where it would end: ``intake`` or ``apply`` with the violation where it would be refused; ``delivery``
    for a record that goes to its neighbour once more. Of a case, states before and after (0 for none) and the sections
    that would take effect; ``is_known``: all of it is known already, and nothing would change.
    """

    stage: str
    violation: Violation | None = None
    kind: str = ""
    state_before: int = 0
    state_after: int = 0
    sections: tuple[int, ...] = ()
    action_count: int = 0
    is_known: bool = False


async def prospect_of(
    session: ReadSession, row: QuarantineRow, payload: bytes, hub_id: str, check_class: ClassCheck, now: int
) -> Prospect:
    """Returns what replaying a record would come to.

    Args:
        session: a transaction that reads.
        row: the record.
        payload: its bytes, or those that are to be taken in its place.
        hub_id: name of this hub.
        check_class: looks classes up.
        now: the hub's clock.
    """
    if row.stage == "delivery":
        return Prospect("delivery")
    item = Gate(await sender_of(session, row), region_of(hub_id), check_class).check(payload, now)
    if isinstance(item, Refusal):
        return Prospect("intake", item.violation)
    kind = RecordKind(item.kind).name.lower()
    if item.facts is None:
        return Prospect("apply", kind=kind)
    return await _of_case(session, item, item.facts, kind)


async def _of_case(session: ReadSession, item: Entry, packed: bytes, kind: str) -> Prospect:
    facts = read_facts(packed)
    if facts is None:
        return Prospect("apply", kind=kind)
    before = await cases.find(session, facts.home_region, item.record_key, _EVERYWHERE)
    state_before = before.state if before else 0
    try:
        folded = fold(before, item.record_key, facts, 0)
    except Violated as violated:
        return Prospect("apply", violated.violation, kind, state_before)
    if not folded.sections and not folded.actions:
        return Prospect("apply", kind=kind, state_before=state_before, state_after=state_before, is_known=True)
    sections = tuple(int(step.section) for step in folded.sections)
    return Prospect("apply", None, kind, state_before, folded.row.state, sections, len(folded.actions))
