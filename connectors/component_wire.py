"""Components on the wire: read from messages and written into them, and what they must keep beside types and lengths.

Called by ``connectors.wire`` for parcels and by whoever gives components out.
"""

from typing import Any

from connectors.codes import check_codes
from connectors.component_ids import check_component_id
from connectors.fields import FieldReader, check_platform, check_region
from connectors.positions import check_position
from exchange_db.records import CodeKind, Component, Crs, Violated
from protos.component.v1 import component_pb2

#: Where the fields of the record stand in the message, if not under their own name.
COMPONENT_PATHS = {
    "standard_ref": "class_code.standard_ref",
    "class_kind": "class_code.kind",
    "class_code": "class_code.code",
    "crs": "position.crs",
    "x": "position.x",
    "y": "position.y",
    **{
        f"{party}_{part}": f"{party}.{part}"
        for party in ("supervisor", "proprietor", "maintainer")
        for part in ("code", "name")
    },
}
#: Fields with codes that components are found by.
_CODES = (
    "class_code.standard_ref", "class_code.code", "grid_code", "area_code", "supervisor.code", "proprietor.code",
    "maintainer.code",
)  # fmt: skip
_COMPONENT = FieldReader(Component, "component", COMPONENT_PATHS)
_ACCURACY_CLASSES = ("", "A", "B", "C")


def read_component(message: component_pb2.Component) -> Component:
    """Reads a component.

    Raises:
        Violated: a field does not keep the contract; names it.
    """
    component: Component = _COMPONENT.read(message)
    check_region(component.region_code, "component.region_code")
    check_platform(component.owner_id, "component.owner_id")
    codes = (
        component.standard_ref, component.class_code, component.grid_code, component.area_code,
        component.supervisor_code, component.proprietor_code, component.maintainer_code,
    )  # fmt: skip
    check_codes(codes, "component", _CODES)
    if not component.component_id.isascii():
        check_codes((component.component_id,), "component", ("component_id",))
    _check(component, has_position=message.HasField("position"))
    return component


def _check(component: Component, *, has_position: bool) -> None:
    if component.class_kind is not CodeKind.COMPONENT:
        raise Violated("FIELD_INVALID", "component.class_code.kind", component.class_kind.name)
    check_component_id(component.component_id, component.id_scheme, component.standard_ref, component.class_code)
    if component.accuracy_class not in _ACCURACY_CLASSES:
        raise Violated("FIELD_INVALID", "component.accuracy_class", component.accuracy_class)
    if component.crs is Crs.NONE:
        raise Violated("CRS_MISSING" if has_position else "FIELD_MISSING", "component.position.crs")
    check_position(component.crs, component.x, component.y, "component.position")


def component_fields(component: Component) -> dict[str, Any]:
    """Returns what the message of a component is made of."""
    return _COMPONENT.written(component)


def write_component(component: Component, message: component_pb2.Component) -> None:
    """Fills a message with a component."""
    message.MergeFrom(component_pb2.Component(**component_fields(component)))
