"""What a draft of a code list would do to live cases and to mappings."""

from pathlib import Path
from typing import Any

import pytest

from connectors.mapping_file import read_mapping
from exchange_db.records import AssignmentState, CodeKind, ComponentState, Violated
from exchange_db.session import Ledger
from hub.standards.codes import Standard
from hub.standards.impact import Effect, Impact, effects_of, impact_of, read_classes
from tests.support.applied import a_closed_case, a_dispatched_case, a_filed_case, apply_records
from tests.support.builders import a_component
from tests.support.clock import NOON, FakeClock
from tests.support.sheets import write_sheet
from tests.support.signed_releases import CODES, STANDARD, a_document, a_manifest, a_plan, a_publisher
from tests.support.sources import ROOT

#: Majors 04 and 05 swapped as between two generations, one minor gone, one renamed.
CHANGED = (
    "kind,code,name\n"
    "event,02,宣传广告\nevent,0204,积存渣土\n"
    "event,04,突发事件\nevent,0401,无照经营游商\nevent,05,街面秩序\nevent,0501,供水管道破裂\n"
).encode()


async def _impact(ledger: Ledger, content: bytes = CHANGED, *, most: int = 2, **changes: Any) -> Impact:
    draft = a_manifest("431200.hub", "2", documents=(a_document(content),), **changes)
    async with ledger.read() as session:
        return await impact_of(session, draft, {"codes.csv": content}, {}, 431200, most)


async def test_live_cases_whose_class_would_change_are_counted_by_county(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    await a_publisher(ledger, "431200.hub", tmp_path, clock).publish(a_plan())
    for number in range(3):
        await apply_records(ledger, *a_filed_case(f"R{number}", class_code="0203", reported_time=NOON + number))
    await apply_records(ledger, *a_filed_case("O", class_code="0203", region_code="431222"))
    await apply_records(ledger, *a_filed_case("M", class_code="0401"))
    await apply_records(ledger, *a_filed_case("N", class_code="0204"))
    await apply_records(ledger, *a_filed_case("U", class_code="9999"))
    await apply_records(ledger, *a_filed_case("S", class_code="0203", standard_ref="CJ/T-214-2007"))
    await apply_records(ledger, *a_filed_case("C", class_code="0203", class_kind=CodeKind.COMPONENT))
    await apply_records(ledger, *a_closed_case("done"))
    await apply_records(ledger, *a_dispatched_case("void", state=AssignmentState.VOID, reason="无此问题"))
    found = await _impact(ledger)
    told = [(one.effect, one.class_key.split("|", 1)[1], one.region, one.case_count) for one in found.classes]
    assert told == [
        (Effect.VANISHED, "E|0203", 431221, 3),
        (Effect.VANISHED, "E|0203", 431222, 1),
        (Effect.UNKNOWN, "C|0203", 431221, 1),
        (Effect.UNKNOWN, "E|9999", 431221, 1),
        (Effect.MAJOR_CHANGED, "E|0401", 431221, 1),
        (Effect.RENAMED, "E|0204", 431221, 1),
    ]
    assert [case.case_no for case in found.classes[0].examples] == ["R2", "R1"]
    assert (found.classes[0].name_before, found.classes[0].name_after) == ("违规户外广告", "")
    assert found.live_count == 8
    assert [one.examples for one in (await _impact(ledger, most=0)).classes] == [()] * 6


async def test_an_extension_makes_nothing_vanish(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    await a_publisher(ledger, "000000.hub", tmp_path, clock).publish(a_plan())
    await apply_records(ledger, *a_filed_case("1", class_code="0203"))
    await apply_records(ledger, *a_filed_case("2", class_code="0299"))
    extension = "kind,code,name\nevent,0299,本地\n".encode()
    assert [one.effect for one in (await _impact(ledger, extension, is_extension=True)).classes] == []
    draft = a_manifest("000000.hub", "2", documents=(a_document(CHANGED),))
    async with ledger.read() as session:
        found = await impact_of(session, draft, {"codes.csv": CHANGED}, {}, 431200, 1)
    assert [one.effect for one in found.classes] == [Effect.VANISHED, Effect.UNKNOWN]


async def test_components_whose_class_would_vanish_are_counted_too(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    await apply_records(ledger, a_component(1), a_component(2), a_component(3, state=ComponentState.REMOVED))
    key = f"{STANDARD}|C|{a_component().class_code}"
    found = await _impact(ledger)
    assert [(one.effect, one.class_key, one.region, one.case_count) for one in found.components] == [
        (Effect.UNKNOWN, key, 431221, 2)
    ]
    assert (found.component_count, found.live_count) == (2, 0)


async def test_a_mapping_that_writes_vanished_codes_is_named(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    known = CODES + f"event,0201,非法小广告,{STANDARD}\n".encode()
    await a_publisher(ledger, "431200.hub", tmp_path, clock).publish(a_plan(content=known))
    mapping = read_mapping(ROOT / "docs" / "examples" / "generic.toml")
    draft = a_manifest("431200.hub", "2", documents=(a_document(CHANGED),))
    async with ledger.read() as session:
        found = await impact_of(session, draft, {"codes.csv": CHANGED}, {"generic.toml": mapping}, 431200, 1)
    codes = {one.code: one.effect for one in found.mappings}
    assert codes.pop("0201") is Effect.VANISHED
    assert set(codes.values()) == {Effect.UNKNOWN}
    assert "0204" not in codes
    assert all(one.place.startswith("tables.") for one in found.mappings)


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"kind,code\n", "documents.x"),
        (b"standard_ref,kind,code,name\nCJ,event,01,a\n", "documents.x"),
        (b"", "documents.x"),
        (b"\xff\xfe", "documents.x"),
        (b"kind,code,name\nevent,01,a\nthing,02,b\n", "documents.x:3"),
        (b"kind,code,name\nevent,,a\n", "documents.x:2"),
        (b'kind,code,name\nevent,01,"a\n', "documents.x"),
    ],
)
def test_a_code_list_that_cannot_be_read_is_refused_by_row(content: bytes, path: str) -> None:
    with pytest.raises(Violated) as refused:
        read_classes(Standard("GB", "", 0), "x", content)
    assert (refused.value.violation.reason, refused.value.violation.field_path) == ("RELEASE_INVALID", path)


def test_a_list_changes_nothing_against_itself() -> None:
    classes = read_classes(Standard(STANDARD, "", 2), "x", CODES)
    assert effects_of(classes, classes) == {}
    assert set(effects_of(classes, {}).values()) == {Effect.VANISHED}


def test_a_list_in_the_form_cities_have_is_read_as_well(tmp_path: Path) -> None:
    rows = [
        {"标准": STANDARD, "类型": "事件", "大类": "4", "小类": "1", "名称": "无照经营游商"},
        {"标准": "CJ/T-214-2007", "类型": "事件", "大类": "5", "小类": "1", "名称": "无照经营游商"},
    ]
    content = write_sheet(tmp_path / "codes.xlsx", rows).read_bytes()
    assert read_classes(Standard(STANDARD, "", 2), "codes", content) == {(CodeKind.EVENT, "0401"): "无照经营游商"}


async def test_only_a_code_list_has_an_impact(ledger: Ledger) -> None:
    with pytest.raises(Violated) as refused:
        await _impact(ledger, kind="crosswalk")
    assert refused.value.violation.reason == "ARGUMENT_INVALID"
