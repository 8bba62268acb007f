"""ComponentService: takes the principal, hands on, answers."""

from typing import Any

from auth.permissions import visible_regions
from hub.components.reading import ComponentReader
from hub.rpc import component_answers
from hub.rpc.calls import principal_of
from hub.throttle import Throttle
from protos.component.v1 import component_service_pb2 as component
from protos.component.v1 import component_service_pb2_grpc as component_grpc


class ComponentServicer(component_grpc.ComponentServiceServicer):
    """Serves the contract of components.

    Args:
        reader: answers questions about components.
        throttle: how often a neighbour may ask.
    """

    def __init__(self, reader: ComponentReader, throttle: Throttle) -> None:
        self._reader = reader
        self._throttle = throttle

    async def ListComponents(
        self, request: component.ListComponentsRequest, context: Any
    ) -> component.ListComponentsResponse:
        """Gives one page of components."""
        viewer = principal_of(context)
        self._throttle.admit(viewer.peer_id)
        query = component_answers.query_of(request)
        return component_answers.page_of(
            await self._reader.page(visible_regions(viewer, self._reader.hub_region), query)
        )

    async def GetComponent(
        self, request: component.GetComponentRequest, context: Any
    ) -> component.GetComponentResponse:
        """Gives one component and its changes."""
        viewer = principal_of(context)
        self._throttle.admit(viewer.peer_id)
        found, changes = await self._reader.find(
            visible_regions(viewer, self._reader.hub_region),
            request.owner_id,
            request.component_id,
            component_answers.crs_of(request.crs, "crs"),
        )
        return component_answers.component_response(found, changes)
