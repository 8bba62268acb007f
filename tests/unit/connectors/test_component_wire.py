"""Components on the wire: codes are read by their scheme, positions have a system, and refusals name the field."""

from typing import Any

import pytest

from connectors.component_ids import FORMS, check_component_id
from connectors.wire import read_parcel
from exchange_db.records import CodeKind, Component, Crs, Violated
from tests.support.builders import a_component, a_payload

OLD, NEW, VENDOR = "GB/T-30428.2-2013", "GB/T-47678.5-2026", "local-6-2-3-5"


@pytest.mark.parametrize(
    ("component_id", "id_scheme", "standard_ref", "class_code"),
    [
        ("3205080101000001", "", OLD, "0101"),
        ("3205080101000001", "", OLD, "01-01"),
        ("32050801001000001", "", NEW, "01001"),
        ("3205080100100001", VENDOR, NEW, "01001"),
        ("3205080100100001", VENDOR, OLD, "0101"),
        ("JG-17/4", "opaque", OLD, "0101"),
        ("JG-17/4", "", "431221-EXT-2020", "99"),
        ("320508010100000A", "", OLD, "0101"),
    ],
)
def test_a_code_that_fits_its_scheme_is_taken(
    component_id: str, id_scheme: str, standard_ref: str, class_code: str
) -> None:
    check_component_id(component_id, id_scheme, standard_ref, class_code)
    assert FORMS["opaque"] is None


@pytest.mark.parametrize(
    ("component_id", "id_scheme", "standard_ref", "class_code", "reason"),
    [
        # The vendor's form has as many characters as that of 2013, and is no code of 2013.
        ("3205080100100001", "", OLD, "0101", "COMPONENT_ID_INVALID"),
        ("3205080101000001", VENDOR, NEW, "01001", "COMPONENT_ID_INVALID"),
        ("3205080101000001", "", NEW, "01001", "COMPONENT_ID_INVALID"),
        ("32050801001000001", "", OLD, "0101", "COMPONENT_ID_INVALID"),
        ("32050801010000１1", "", OLD, "0101", "COMPONENT_ID_INVALID"),
        ("3205080101000001\n", "", OLD, "0101", "COMPONENT_ID_INVALID"),
        ("3205080101000001", "6+2+2+6", OLD, "0101", "ID_SCHEME_UNKNOWN"),
    ],
)
def test_a_code_that_does_not_fit_its_scheme_is_refused(
    component_id: str, id_scheme: str, standard_ref: str, class_code: str, reason: str
) -> None:
    with pytest.raises(Violated) as refused:
        check_component_id(component_id, id_scheme, standard_ref, class_code)
    assert refused.value.violation.reason == reason


@pytest.mark.parametrize(
    ("changes", "reason", "path"),
    [
        ({"crs": Crs.NONE, "x": 1.0}, "CRS_MISSING", "component.position.crs"),
        ({"x": 190.0}, "POSITION_OUT_OF_RANGE", "component.position"),
        ({"x": 27.4, "y": 109.9}, "POSITION_OUT_OF_RANGE", "component.position"),
        ({"crs": Crs.LOCAL, "x": float("nan")}, "POSITION_OUT_OF_RANGE", "component.position"),
        ({"class_kind": CodeKind.EVENT}, "FIELD_INVALID", "component.class_code.kind"),
        ({"accuracy_class": "D"}, "FIELD_INVALID", "component.accuracy_class"),
        ({"standard_ref": ""}, "STANDARD_REF_MISSING", "component.class_code.standard_ref"),
        ({"name": ""}, "FIELD_MISSING", "component.name"),
        ({"name": "井" * 61}, "FIELD_INVALID", "component.name"),
        ({"revision": 0}, "FIELD_MISSING", "component.revision"),
        ({"state": 0}, "FIELD_MISSING", "component.state"),
        ({"state": 9}, "FIELD_INVALID", "component.state"),
        ({"region_code": "43122"}, "REGION_INVALID", "component.region_code"),
        ({"proprietor_name": "水\x00"}, "TEXT_INVALID", "component.proprietor.name"),
        ({"component_id": "1" * 17}, "COMPONENT_ID_INVALID", "component.component_id"),
        ({"owner_id": "somebody"}, "PLATFORM_ID_INVALID", "component.owner_id"),
    ],
)
def test_what_breaks_the_contract_is_named_by_field(changes: dict[str, Any], reason: str, path: str) -> None:
    payload = a_payload(a_component(**changes), "431221.platform")
    with pytest.raises(Violated) as refused:
        read_parcel(payload)
    assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, path)


def test_a_position_without_its_system_is_told_to_name_it() -> None:
    from protos.exchange.v1 import parcel_pb2

    message = parcel_pb2.Parcel.FromString(a_payload(a_component()))
    message.component.position.ClearField("crs")
    with pytest.raises(Violated) as refused:
        read_parcel(message.SerializeToString())
    assert refused.value.violation.reason == "CRS_MISSING"


def test_a_local_frame_may_hold_any_metres() -> None:
    component = a_component(crs=Crs.LOCAL, x=512_345.678, y=3_036_789.012)
    read = read_parcel(a_payload(component)).record
    assert isinstance(read, Component)
    assert (read.crs, read.x, read.y) == (Crs.LOCAL, 512_345.678, 3_036_789.012)
