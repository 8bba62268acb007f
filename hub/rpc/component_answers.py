"""Questions and answers of the contract of components, to and from what ``hub.components`` speaks. Pure."""

from typing import Annotated, NamedTuple

import msgspec

from connectors.component_wire import write_component
from exchange_db.components import Box, ComponentChange
from exchange_db.records import Component, Crs, Violated
from hub.components.reading import ComponentPage, ComponentQuery
from hub.rpc import paging
from hub.rpc.answers import microseconds
from protos.component.v1 import component_service_pb2 as component


class ComponentPlace(NamedTuple):
    """Where a page of components begins: the last one shown."""

    region: Annotated[int, msgspec.Meta(ge=0, le=999_999)]
    key: paging.Key


def query_of(request: component.ListComponentsRequest) -> ComponentQuery:
    """Reads what is asked for; the reader checks it.

    Raises:
        Violated: ARGUMENT_INVALID, the page or a reference system cannot be read.
    """
    box = None
    if request.HasField("box"):
        asked = request.box
        box = Box(crs_of(asked.crs, "box.crs"), asked.first_x, asked.first_y, asked.last_x, asked.last_y)
    return ComponentQuery(
        request.region_code,
        request.standard_ref,
        request.class_code,
        request.unit_code,
        request.state,
        box,
        crs_of(request.crs, "crs"),
        paging.read_size(request.page.size),
        paging.read_token(request.page.token, ComponentPlace),
    )


def crs_of(number: int, path: str) -> Crs:
    """Reads a reference system.

    Raises:
        Violated: ARGUMENT_INVALID, this hub does not know it.
    """
    try:
        return Crs(number)
    except ValueError:
        raise Violated("ARGUMENT_INVALID", path, number) from None


def page_of(page: ComponentPage) -> component.ListComponentsResponse:
    """Writes one page."""
    response = component.ListComponentsResponse(
        next_page_token=paging.write_token(page.after) if page.after else "", unconverted_count=page.unconverted_count
    )
    for found in page.components:
        write_component(found, response.components.add())
    return response


def component_response(found: Component, changes: list[ComponentChange]) -> component.GetComponentResponse:
    """Writes one component and its changes."""
    response = component.GetComponentResponse()
    write_component(found, response.component)
    for change in changes:
        response.changes.add(
            revision=change.revision,
            origin_id=change.origin_id,
            changed_time=microseconds(change.changed_time),
            applied_time=microseconds(change.applied_time),
            fields=change.fields,
        )
    return response
