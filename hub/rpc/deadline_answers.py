"""Questions and answers about deadlines, to and from what ``hub.standards.computing`` speaks. Pure."""

from exchange_db.facts import class_key
from exchange_db.records import CodeKind, Violated
from exchange_db.regions import format_region, parse_region
from hub.standards.computing import ComputedDeadline, DeadlineQuestion
from hub.standards.deadlines import Milestone, Pause
from hub.standards.limits import (
    MOST_VALUE,
    USUAL_STEP,
    Limit,
    LimitRule,
    LimitStep,
    LimitUnit,
    RuleBroken,
    parse_limit,
)
from hub.standards.release_tables import MOST_CONDITIONS
from hub.standards.rulebook import ConditionKey, RuleBook
from protos.standards.v1 import standards_service_pb2 as contract

MOST_PAUSES = 100
_LONGEST_LIMIT = 400
_PATHS = {"PAUSE_REVERSED": "pauses", "TIME_OUT_OF_RANGE": "start_time"}


def question_of(request: contract.ComputeDeadlineRequest) -> DeadlineQuestion:
    """Reads what is asked.

    Raises:
        Violated: REGION_INVALID, FIELD_MISSING or ARGUMENT_INVALID with the field.
    """
    try:
        region = parse_region(request.region_code)
    except ValueError:
        raise Violated("REGION_INVALID", "region_code", request.region_code) from None
    if request.start_time <= 0:
        raise Violated("FIELD_MISSING", "start_time")
    if len(request.pauses) > MOST_PAUSES:
        raise Violated("ARGUMENT_INVALID", "pauses", f"{len(request.pauses)} > {MOST_PAUSES}")
    for number, pause in enumerate(request.pauses):
        if pause.from_time <= 0 or pause.to_time < 0:
            raise Violated("ARGUMENT_INVALID", f"pauses[{number}]", pause.from_time or pause.to_time)
    pauses = tuple(Pause(pause.from_time, pause.to_time) for pause in request.pauses)
    return DeadlineQuestion(region, request.start_time, _rule_of(request), pauses)


def _rule_of(request: contract.ComputeDeadlineRequest) -> LimitRule | ConditionKey:
    given = request.WhichOneof("rule")
    if given == "limit_text":
        if len(request.limit_text) > _LONGEST_LIMIT:
            raise Violated("ARGUMENT_INVALID", given, f"> {_LONGEST_LIMIT}")
        try:
            return parse_limit(request.limit_text)
        except RuleBroken as broken:
            raise Violated("ARGUMENT_INVALID", given, _told(broken)) from None
    if given == "limit_amount":
        value, unit = request.limit_amount.value, request.limit_amount.unit
        if not 1 <= value <= MOST_VALUE:
            raise Violated("ARGUMENT_INVALID", "limit_amount.value", value)
        try:
            return LimitRule((LimitStep(USUAL_STEP, Limit(value, LimitUnit(unit))),))
        except ValueError:
            raise Violated("ARGUMENT_INVALID", "limit_amount.unit", unit) from None
    if given == "filing_condition":
        named, number = request.filing_condition.class_code, request.filing_condition.condition_no
        if not 0 <= number <= MOST_CONDITIONS:
            raise Violated("ARGUMENT_INVALID", "filing_condition.condition_no", number)
        try:
            return ConditionKey(named.standard_ref, CodeKind(named.kind), named.code, number)
        except ValueError:
            raise Violated("ARGUMENT_INVALID", "filing_condition.class_code.kind", named.kind) from None
    raise Violated("FIELD_MISSING", "rule")


def answer_of(found: ComputedDeadline, book: RuleBook, region: int) -> contract.ComputeDeadlineResponse:
    """Writes the answer."""
    condition = found.condition
    return contract.ComputeDeadlineResponse(
        steps=map(_step, found.steps),
        is_certain=found.is_certain,
        unknown_years=found.unknown_years,
        season=found.rule.condition,
        zone=book.calendar(region).zone.key,
        condition_no=condition.condition_no if condition else 0,
        condition_text=condition.condition if condition else "",
        closing_text=condition.closing if condition else "",
        standards=[contract.StandardInUse(**origin._asdict()) for origin in found.origins],
        successor_codes=[format_region(one.region) for one in found.successors],
    )


def refusal_of(broken: RuleBroken, question: DeadlineQuestion) -> Violated:
    """Returns the refusal a broken rule is told as."""
    path = "filing_condition.class_code"
    if isinstance(question.rule, ConditionKey):
        standard_ref, kind, code, _ = question.rule
        if broken.rule == "STANDARD_UNKNOWN":
            return Violated("STANDARD_UNKNOWN", f"{path}.standard_ref", standard_ref)
        if broken.rule == "CODE_UNKNOWN":
            return Violated("CODE_UNKNOWN", f"{path}.code", class_key(standard_ref, kind, code))
        if broken.rule == "CONDITION_UNKNOWN":
            return Violated("CONDITION_UNKNOWN", "filing_condition.condition_no", _told(broken))
    return Violated("ARGUMENT_INVALID", _PATHS.get(broken.rule, "rule"), _told(broken))


def _step(step: Milestone) -> contract.ComputedStep:
    value = step.limit.value
    return contract.ComputedStep(
        name=step.name,
        start_time=step.start_time,
        limit_text=str(step.limit),
        limit_value=int(value) if value.denominator == 1 else 0,
        limit_unit=step.limit.unit.value,  # type: ignore[arg-type] # the same numbers
        deadline_time=step.deadline_time or 0,
    )


def _told(broken: RuleBroken) -> str:
    return f"{broken.chinese.rstrip('。')} / {broken.english.rstrip('.')}"
