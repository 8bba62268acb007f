"""What a component must keep beside the types and lengths of its fields; called by ``connectors.wire``."""

from math import isfinite

from connectors.component_ids import check_component_id
from exchange_db.records import CodeKind, Component, Crs, Violated

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
_ACCURACY_CLASSES = ("", "A", "B", "C")


def check_component(component: Component, *, has_position: bool) -> None:
    """Checks class, code, accuracy class and position.

    Args:
        component: the record as it was read.
        has_position: there is a position, perhaps without its reference system.

    Raises:
        Violated: a field does not keep the contract; names it.
    """
    if component.class_kind is not CodeKind.COMPONENT:
        raise Violated("FIELD_INVALID", "component.class_code.kind", component.class_kind.name)
    check_component_id(component.component_id, component.id_scheme, component.standard_ref, component.class_code)
    if component.accuracy_class not in _ACCURACY_CLASSES:
        raise Violated("FIELD_INVALID", "component.accuracy_class", component.accuracy_class)
    if component.crs is Crs.NONE:
        raise Violated("CRS_MISSING" if has_position else "FIELD_MISSING", "component.position.crs")
    check_position(component.crs, component.x, component.y, "component.position")


def check_position(crs: Crs, x: float, y: float, path: str) -> None:
    """Checks that a position with a reference system can be one.

    Raises:
        Violated: POSITION_OUT_OF_RANGE.
    """
    is_inside = isfinite(x) and isfinite(y) if crs is Crs.LOCAL else -180 <= x <= 180 and -90 <= y <= 90
    if not is_inside:
        raise Violated("POSITION_OUT_OF_RANGE", path, f"{x}, {y}")
