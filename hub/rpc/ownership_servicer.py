"""OwnershipService: takes the principal, hands on, answers."""

from typing import Any

from auth.permissions import require_party, visible_regions
from exchange_db.records import Violated, Violation
from hub.components.rounds import RoundDesk
from hub.rpc import ownership_answers, paging
from hub.rpc.calls import principal_of
from protos.component.v1 import ownership_service_pb2 as ownership
from protos.component.v1 import ownership_service_pb2_grpc as ownership_grpc


class OwnershipServicer(ownership_grpc.OwnershipServiceServicer):
    """Serves the contract of ownership rounds.

    Args:
        desk: keeps the rounds.
    """

    def __init__(self, desk: RoundDesk) -> None:
        self._desk = desk

    async def ListOwnershipItems(
        self, request: ownership.ListOwnershipItemsRequest, context: Any
    ) -> ownership.ListOwnershipItemsResponse:
        """Gives one page of a list."""
        visible = visible_regions(principal_of(context), self._desk.hub_region)
        size = paging.read_size(request.page.size)
        await self._desk.find(request.round_id)
        items = await self._desk.items(
            request.round_id,
            visible,
            request.party,
            ownership_answers.state_of(request.state),
            after=paging.read_token(request.page.token, ownership_answers.ItemPlace),
            size=size + 1,
        )
        return ownership_answers.items_response(items, size)

    async def AnswerOwnershipItems(
        self, request: ownership.AnswerOwnershipItemsRequest, context: Any
    ) -> ownership.AnswerOwnershipItemsResponse:
        """Takes answers."""
        speaker = principal_of(context)
        readable, refusals = [], dict[int, Violation]()
        for index, answer in enumerate(request.answers):
            try:
                require_party(speaker, answer.party)
                readable.append((index, ownership_answers.answer_of(answer, speaker.peer_id)))
            except Violated as refused:
                refusals[index] = refused.violation
        told = await self._desk.answer(
            request.round_id, visible_regions(speaker, self._desk.hub_region), [given for _, given in readable]
        )
        refusals |= {index: found for (index, _), found in zip(readable, told, strict=True) if found is not None}
        return ownership_answers.refusals_response(refusals)

    async def GetOwnershipProgress(
        self, request: ownership.GetOwnershipProgressRequest, context: Any
    ) -> ownership.GetOwnershipProgressResponse:
        """Tells how far each unit has come."""
        visible = visible_regions(principal_of(context), self._desk.hub_region)
        asked = await self._desk.find(request.round_id)
        progress = await self._desk.progress(request.round_id, visible)
        return ownership_answers.progress_response(progress, is_open=asked.closed_time is None)

    async def ListAgreedChanges(
        self, request: ownership.ListAgreedChangesRequest, context: Any
    ) -> ownership.ListAgreedChangesResponse:
        """Gives the caller the records it keeps, changed."""
        changes = await self._desk.agreed_changes(request.round_id, principal_of(context).peer_id)
        return ownership_answers.changes_response(changes)
