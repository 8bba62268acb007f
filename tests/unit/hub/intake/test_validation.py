"""The check at the gate: contract, origin, region, clock."""

from typing import Any

import pytest
from msgspec import structs

from auth.principal import Principal
from exchange_db.inbox import Entry, Refusal
from exchange_db.keys import case_key, component_key, message_key, sheet_key
from exchange_db.moments import moments_of
from exchange_db.records import Record
from hub.intake.validation import MAX_AHEAD, Gate
from hub.standards.register import ClassRegister
from tests.support.builders import (
    CITY,
    COUNTY,
    DAY,
    OTHER_COUNTY,
    a_case,
    a_component,
    a_handling,
    a_payload,
    a_principal,
    a_report,
    a_sheet,
    a_verdict,
    an_action,
    an_assignment,
)
from tests.support.clock import NOON

HUB = 431200
LATER = NOON + 30 * DAY
PARENT = a_principal("430000.hub", relation="parent")


def _check(payload: bytes, sender: Principal | None = None, *, now: int = NOON) -> Entry | Refusal:
    return Gate(sender or a_principal(COUNTY), HUB).check(payload, now)


def _entry(payload: bytes, sender: Principal | None = None) -> Entry:
    found = _check(payload, sender)
    assert isinstance(found, Entry), found
    return found


def _refused(payload: bytes, sender: Principal | None = None, *, now: int = NOON) -> tuple[str, str]:
    found = _check(payload, sender, now=now)
    assert isinstance(found, Refusal)
    assert found.payload == payload
    return found.violation.reason, found.violation.field_path


def test_a_good_case_becomes_an_entry_with_its_keys() -> None:
    payload = a_payload(a_case("2020-0001"))
    entry = _entry(payload)
    assert entry.payload is payload
    assert (entry.kind, entry.region) == (1, 431221)
    assert entry.record_key == case_key(COUNTY, "2020-0001")


def test_a_record_without_report_counts_for_the_region_of_its_issuer() -> None:
    entry = _check(a_payload(a_case(handling=a_handling())), now=NOON + DAY)
    assert isinstance(entry, Entry)
    assert entry.region == 431221


def test_a_component_becomes_an_entry_with_its_keys() -> None:
    component = a_component()
    entry = _entry(a_payload(component))
    assert entry.record_key == component_key(COUNTY, component.component_id)
    assert (entry.kind, entry.region, entry.facts) == (2, 431221, None)


def test_a_component_is_written_by_the_platform_that_keeps_it_and_about_its_own_region() -> None:
    city = a_principal(CITY)
    assert _refused(a_payload(a_component(), OTHER_COUNTY), city) == ("ORIGIN_FORBIDDEN", "component.owner_id")
    abroad = a_component(region_code="430281")
    assert _refused(a_payload(abroad)) == ("REGION_FORBIDDEN", "component.region_code")
    # One that was moved away is known from above to have left.
    assert _entry(a_payload(a_component(owner_id="430000.platform", region_code="430281")), PARENT).region == 430281


def test_a_sheet_becomes_an_entry_with_its_keys() -> None:
    sheet = a_sheet()
    entry = _entry(a_payload(sheet), a_principal(CITY))
    assert entry.record_key == sheet_key(CITY, 431221, 202006)
    assert (entry.kind, entry.region) == (3, 431221)


def test_the_message_is_known_by_origin_and_id_whoever_brings_it() -> None:
    payload = a_payload(a_case())
    direct, by_hub = _entry(payload), _entry(payload, a_principal("431221.hub"))
    assert direct == by_hub
    assert direct.message_key != message_key(OTHER_COUNTY, bytes(16))


def test_bytes_that_cannot_be_read_are_refused_and_kept() -> None:
    assert _refused(b"\xff\xff") == ("UNREADABLE", "")


def test_a_platform_speaks_in_its_own_name() -> None:
    assert _refused(a_payload(a_case(), OTHER_COUNTY)) == ("ORIGIN_FORBIDDEN", "origin_id")


@pytest.mark.parametrize("region", ["431222", "431200", "430000", "000000"])
def test_a_report_about_another_region_is_refused(region: str) -> None:
    payload = a_payload(a_case(report=a_report(region_code=region)))
    assert _refused(payload) == ("REGION_FORBIDDEN", "case.report.region_code")


@pytest.mark.parametrize(
    ("record", "reason", "path"),
    [
        (a_sheet(reporter_id="431221.hub"), "ORIGIN_FORBIDDEN", "figure_sheet.reporter_id"),
        (a_sheet(region=430200), "REGION_FORBIDDEN", "figure_sheet.region_code"),
    ],
)
def test_a_sheet_is_drawn_by_its_reporter_about_its_regions(record: Record, reason: str, path: str) -> None:
    assert _refused(a_payload(record, CITY), a_principal(CITY)) == (reason, path)


def test_a_parent_brings_what_is_decided_outside_and_never_an_echo() -> None:
    _entry(a_payload(a_case(issuer_id="430000.hub"), "430000.hub"), PARENT)
    assert _refused(a_payload(a_case()), PARENT) == ("ORIGIN_FORBIDDEN", "origin_id")


def test_a_clock_may_be_ahead_by_five_minutes_and_no_more() -> None:
    payload = a_payload(a_case(report=a_report(reported_time=NOON - 1)), created_time=NOON)
    assert isinstance(_check(payload, now=NOON - MAX_AHEAD), Entry)
    assert _refused(payload, now=NOON - MAX_AHEAD - 1) == ("CLOCK_SKEW", "created_time")
    reported_ahead = a_payload(a_case(report=a_report(reported_time=NOON + 1)), created_time=NOON)
    assert _refused(reported_ahead, now=NOON - MAX_AHEAD) == ("CLOCK_SKEW", "case.report.reported_time")


_SECTIONS: dict[str, Any] = {
    "report": a_report(),
    "assignment": an_assignment(),
    "handling": a_handling(),
    "verdict": a_verdict(),
}


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, made in _SECTIONS.items() for field in moments_of(type(made))]
)
def test_nothing_that_has_happened_lies_ahead(name: str, field: str) -> None:
    section = structs.replace(_SECTIONS[name], **{field: LATER})
    payload = a_payload(a_case(**{name: section}))
    assert _refused(payload, now=LATER - MAX_AHEAD - 1) == ("CLOCK_SKEW", f"case.{name}.{field}")
    assert isinstance(_check(payload, now=LATER), Entry)


def test_no_action_lies_ahead() -> None:
    payload = a_payload(a_case(report=a_report(), actions=(an_action(action_time=LATER),)))
    assert _refused(payload, now=LATER - MAX_AHEAD - 1) == ("CLOCK_SKEW", "case.actions.action_time")


def test_deadlines_and_agreed_ends_lie_ahead() -> None:
    assignment = an_assignment(deadline_time=LATER, original_deadline_time=LATER, suspended_until_time=LATER)
    assert isinstance(_check(a_payload(a_case(assignment=assignment)), now=NOON + DAY), Entry)


def test_a_gate_that_let_somebody_through_still_stops_the_next() -> None:
    gate = Gate(a_principal("431221.hub"), HUB)
    assert isinstance(gate.check(a_payload(a_case()), NOON), Entry)
    assert isinstance(gate.check(a_payload(a_case(issuer_id=OTHER_COUNTY)), NOON), Refusal)
    assert isinstance(gate.check(a_payload(a_case(report=a_report(region_code="431222"))), NOON), Refusal)
    assert isinstance(gate.check(a_payload(a_case("2020-0002")), NOON), Entry)


def test_the_class_of_a_component_is_looked_up_like_that_of_a_case() -> None:
    gate = Gate(a_principal(COUNTY), HUB, ClassRegister(HUB).check)
    assert isinstance(gate.check(a_payload(a_component()), NOON), Entry)
    strange = a_component(component_id="4312210190000001", class_code="0190")
    refused = gate.check(a_payload(strange), NOON)
    assert isinstance(refused, Refusal)
    assert (refused.violation.reason, refused.violation.field_path) == ("CODE_UNKNOWN", "component.class_code")
