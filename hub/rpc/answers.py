"""Answers of the exchange contract, made from what the ledger says. Pure."""

from datetime import datetime

from exchange_db import receipts
from exchange_db.cases import CaseRow, CaseState, Section
from exchange_db.counting import CountingRules
from exchange_db.receipts import SettledRange, Settlement
from exchange_db.records import Action, Violation
from exchange_db.regions import format_region
from exchange_db.shares import is_on_time
from exchange_db.tracing import DeliveryTrail, SectionTrail, StepTrail
from hub.apply.clocks import Interval
from hub.intake.desk import Receipt
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import receipt_pb2

_OUTCOMES = {
    "D": receipt_pb2.OUTCOME_DURABLE,
    "U": receipt_pb2.OUTCOME_DUPLICATE,
    "R": receipt_pb2.OUTCOME_REFUSED,
    "O": receipt_pb2.OUTCOME_OUT_OF_ORDER,
}
_SECTIONS = {section: section.name.lower() for section in Section}


def microseconds(moment: datetime | None) -> int:
    """Returns a time as the contract carries it, 0 for none."""
    return round(moment.timestamp() * 1_000_000) if moment else 0


def batch_verdict(first_sequence: int, receipt: Receipt) -> exchange.BatchVerdict:
    """Answers one batch, parcel by parcel."""
    outcomes, violations, next_sequence, _ = receipt.answer
    verdict = exchange.BatchVerdict(
        first_sequence=first_sequence,
        outcomes=[_OUTCOMES[letter] for letter in outcomes],
        next_sequence=next_sequence,
        accepted_time=receipt.accepted_time,
    )
    if outcomes.count("D") != len(outcomes):
        verdict.verdicts.extend(
            _verdict(first_sequence + index, letter, violations.get(index))
            for index, letter in enumerate(outcomes)
            if letter != "D"
        )
    return verdict


def _verdict(sequence: int, letter: str, violation: Violation | None) -> receipt_pb2.Verdict:
    verdict = receipt_pb2.Verdict(sequence=sequence, outcome=_OUTCOMES[letter])
    if violation:
        verdict.reason = violation.reason
        verdict.field_path = violation.field_path
        verdict.message = violation.message
        verdict.message_zh = violation.message_zh
    return verdict


def one_verdict(receipt: Receipt) -> receipt_pb2.Verdict:
    """Answers a batch of one parcel."""
    answer = receipt.answer
    return _verdict(answer.next_sequence - 1, answer.outcomes[0], answer.violations.get(0))


def receipt_range(settled: SettledRange, seen_time: int) -> exchange.ReceiptRange:
    """Settles a range of a stream, seen to be settled at a moment (microseconds since 1970)."""
    return exchange.ReceiptRange(
        first_sequence=settled.first,
        last_sequence=settled.last,
        settled_time=seen_time,
        exceptions=[
            _receipt(sequence, state, violation, moment) for sequence, state, violation, moment in settled.exceptions
        ],
    )


def settlement(found: Settlement | None) -> receipt_pb2.Receipt:
    """Answers what became of one message."""
    if found is None:
        return receipt_pb2.Receipt(state=receipt_pb2.BUSINESS_STATE_UNSPECIFIED)
    return _receipt(0, found.state, found.violation, found.settled_time)


def _receipt(sequence: int, state: int, violation: Violation, moment: datetime | None) -> receipt_pb2.Receipt:
    return receipt_pb2.Receipt(
        sequence=sequence,
        state=receipt_pb2.BusinessState.ValueType(state),
        reason=violation.reason,
        field_path=violation.field_path,
        message=violation.message,
        message_zh=violation.message_zh,
        settled_time=microseconds(moment),
    )


def quarantined(sequence: int, violation: Violation, moment: datetime) -> receipt_pb2.Receipt:
    """Answers a record that is held in quarantine."""
    return _receipt(sequence, receipts.QUARANTINED, violation, moment)


def state_name(state: int) -> str:
    """Returns the neutral word of a case's state, "" for 0."""
    return CaseState(state).name.lower() if state else ""


def summary(row: CaseRow, rules: CountingRules) -> exchange.CaseSummary:
    """Returns one line of a list."""
    is_done = row.state == CaseState.CLOSED and row.close_requested_time > 0
    return exchange.CaseSummary(
        key=case_pb2.CaseKey(issuer_id=row.issuer_id, case_no=row.case_no),
        region_code=format_region(row.region),
        state=state_name(row.state),
        class_key=row.class_key,
        source_code=row.source_code,
        handler_id=row.handler_id,
        unit_code=row.unit_code,
        reported_time=row.reported_time,
        deadline_time=row.deadline_time,
        close_requested_time=row.close_requested_time,
        closed_time=row.closed_time,
        is_on_time=bool(row.deadline_time) and is_done and is_on_time(row, rules),
    )


def section_trace(trail: SectionTrail) -> exchange.SectionTrace:
    """Returns where one section stands."""
    return exchange.SectionTrace(
        section=_SECTIONS[Section(trail.section)],
        revision=trail.revision,
        origin_id=trail.origin_id,
        sender_id=trail.sender_id,
        stream=trail.stream,
        sequence=trail.sequence,
        accepted_time=microseconds(trail.accepted_time),
        applied_time=microseconds(trail.applied_time),
    )


def step_trace(trail: StepTrail) -> exchange.StepTrace:
    """Returns one step of a case."""
    return exchange.StepTrace(
        section=_SECTIONS[Section(trail.section)],
        revision=trail.revision,
        origin_id=trail.origin_id,
        state=state_name(trail.state),
        step_time=trail.step_time,
    )


def clock_interval(interval: Interval) -> exchange.ClockInterval:
    """Returns the time a case stood in one state."""
    return exchange.ClockInterval(
        state=state_name(interval.state),
        from_time=interval.from_time,
        to_time=interval.to_time,
        is_running=interval.is_running,
    )


def case_action(action: Action) -> case_pb2.Action:
    """Returns one line of the story."""
    return case_pb2.Action(
        action_id=action.action_id,
        kind=action.kind,
        platform_id=action.platform_id,
        action_time=action.action_time,
        actor_ref=action.actor_ref,
        opinion=action.opinion,
    )


def delivery_trace(trail: DeliveryTrail, message_id: str) -> exchange.DeliveryTrace:
    """Returns how far one message went on."""
    if trail.is_refused:
        state = "refused"
    elif trail.is_settled:
        state = "settled"
    elif trail.is_acked:
        state = "accepted"
    else:
        state = "sent" if trail.sequence else "waiting"
    return exchange.DeliveryTrace(
        peer_id=trail.peer_id,
        message_id=message_id,
        sequence=trail.sequence,
        state=state,
        accepted_time=microseconds(trail.accepted_time),
    )
