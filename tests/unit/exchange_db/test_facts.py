"""Facts of a record: what apply reads from the log instead of the payload."""

from typing import Any

import msgspec

from exchange_db.facts import CaseFacts, facts_of, pack_facts, read_facts
from exchange_db.records import Case, CodeKind
from tests.support.builders import (
    CITY,
    COUNTY,
    a_case,
    a_handling,
    a_report,
    a_verdict,
    an_action,
    an_assignment,
)

WHOLE = a_case(
    report=a_report(), assignment=an_assignment(), handling=a_handling(), verdict=a_verdict(), actions=(an_action(),)
)


def _shared(record: Any, facts: Any) -> dict[str, tuple[Any, Any]]:
    """Fields that a section and its facts have in common, with the value in each."""
    names = set(record.__struct_fields__) & set(facts.__struct_fields__)
    return {name: (getattr(record, name), getattr(facts, name)) for name in names}


def test_facts_say_what_the_sections_say() -> None:
    facts = facts_of(WHOLE, CITY)
    assert (facts.origin_id, facts.home_region, facts.issuer_id) == (CITY, 431221, COUNTY)
    assert facts.actions == WHOLE.actions
    for name in ("report", "assignment", "handling", "verdict"):
        shared = _shared(getattr(WHOLE, name), getattr(facts, name))
        assert len(shared) >= 4
        assert all(said == kept for said, kept in shared.values()), name


def test_a_class_is_one_text_and_a_region_one_number() -> None:
    report = a_report(class_kind=CodeKind.COMPONENT, class_code="0101", standard_ref="S")
    facts = facts_of(a_case(report=report), COUNTY).report
    assert facts is not None
    assert (facts.class_key, facts.region) == ("S|C|0101", 431221)


def test_sections_that_a_record_does_not_carry_stay_absent() -> None:
    facts = facts_of(Case(COUNTY, "1", handling=a_handling()), COUNTY)
    assert (facts.report, facts.assignment, facts.verdict, facts.actions) == (None, None, None, ())


def test_facts_of_another_form_are_not_read() -> None:
    """After a change of form, rows from before are read from their payload again."""
    stored = pack_facts(WHOLE, CITY)
    assert read_facts(stored) == facts_of(WHOLE, CITY)
    other = msgspec.msgpack.decode(stored)
    other[0] += 1
    assert read_facts(msgspec.msgpack.encode(other)) is None
    assert read_facts(stored[: len(stored) // 2]) is None


def test_facts_leave_out_what_people_read() -> None:
    report = a_report(description="很长的描述" * 100)
    assert len(pack_facts(a_case(report=report), COUNTY)) < 250
    assert "description" not in CaseFacts.__struct_fields__
