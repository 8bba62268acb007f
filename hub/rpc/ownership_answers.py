"""Questions and answers of the contract of ownership rounds, to and from what ``hub.components`` speaks. Pure."""

from typing import NamedTuple

from connectors.component_wire import write_component
from exchange_db.ownership import Item, ItemState, Proposal, UnitProgress
from exchange_db.records import Component, Violated, Violation
from hub.components.ownership import Answer, AnswerKind
from hub.components.rounds import GivenAnswer
from hub.rpc import paging
from hub.rpc.answers import microseconds
from hub.rpc.component_answers import crs_of
from protos.common.v1 import position_pb2
from protos.component.v1 import component_pb2
from protos.component.v1 import ownership_service_pb2 as ownership

_KINDS = dict(enumerate(AnswerKind, 1))
_PROPOSALS = {
    Proposal.NONE: ownership.OWNERSHIP_ANSWER_KIND_UNSPECIFIED,
    Proposal.DISPUTE: ownership.OWNERSHIP_ANSWER_KIND_DISPUTE,
    Proposal.MOVE: ownership.OWNERSHIP_ANSWER_KIND_MOVE,
    Proposal.HAND_OVER: ownership.OWNERSHIP_ANSWER_KIND_HAND_OVER,
}


class ItemPlace(NamedTuple):
    """Where a page of items begins: the last one shown."""

    unit_code: paging.Text
    component_key: paging.Key


def state_of(number: int) -> ItemState | None:
    """Reads a state, ``None`` for any.

    Raises:
        Violated: ARGUMENT_INVALID.
    """
    if not number:
        return None
    try:
        return ItemState(number)
    except ValueError:
        raise Violated("ARGUMENT_INVALID", "state", number) from None


def answer_of(message: ownership.OwnershipAnswer, answered_by: str) -> GivenAnswer:
    """Reads one answer.

    Raises:
        Violated: ARGUMENT_INVALID, it says nothing that is known.
    """
    kind = _KINDS.get(message.kind)
    if kind is None:
        raise Violated("ARGUMENT_INVALID", "kind", message.kind)
    answer = Answer(
        kind,
        message.party,
        answered_by,
        message.reason,
        crs_of(message.position.crs, "position.crs"),
        message.position.x,
        message.position.y,
        message.to_unit.code,
        message.to_unit.name,
    )
    return GivenAnswer(message.owner_id, message.component_id, answer)


def items_response(items: list[Item], size: int) -> ownership.ListOwnershipItemsResponse:
    """Writes one page; an item more than ``size`` says that there is another."""
    last = items[size - 1] if len(items) > size else None
    return ownership.ListOwnershipItemsResponse(
        items=[_item(item) for item in items[:size]],
        next_page_token=paging.write_token(ItemPlace(last.unit_code, last.component_key)) if last else "",
    )


def _item(item: Item) -> ownership.OwnershipItem:
    message = ownership.OwnershipItem(
        owner_id=item.owner_id,
        component_id=item.component_id,
        unit=component_pb2.Party(code=item.unit_code, name=item.unit_name),
        revision=item.revision,
        state=ownership.OwnershipItemState.ValueType(item.state),
        proposal=_PROPOSALS[Proposal(item.proposal)],
        reason=item.reason,
        answered_by=item.answered_by,
        answered_time=microseconds(item.answered_time),
        settled_by=item.settled_by,
        settled_time=microseconds(item.settled_time),
        settled_reason=item.settled_reason,
    )
    if item.proposal == Proposal.MOVE:
        crs = position_pb2.Crs.ValueType(item.crs)
        message.position.CopyFrom(position_pb2.Position(crs=crs, x=item.x, y=item.y))
    if item.proposal == Proposal.HAND_OVER:
        message.to_unit.CopyFrom(component_pb2.Party(code=item.to_unit_code, name=item.to_unit_name))
    return message


def refusals_response(refusals: dict[int, Violation]) -> ownership.AnswerOwnershipItemsResponse:
    """Writes why answers were not taken, by their place."""
    return ownership.AnswerOwnershipItemsResponse(
        refusals=[
            ownership.OwnershipRefusal(
                index=index,
                reason=found.reason,
                field_path=found.field_path,
                message=found.message,
                message_zh=found.message_zh,
            )
            for index, found in sorted(refusals.items())
        ]
    )


def progress_response(progress: list[UnitProgress], *, is_open: bool) -> ownership.GetOwnershipProgressResponse:
    """Writes how far each unit has come."""
    return ownership.GetOwnershipProgressResponse(
        units=[
            ownership.UnitProgress(
                unit=component_pb2.Party(code=unit.unit_code, name=unit.unit_name),
                asked_count=unit.asked,
                confirmed_count=unit.confirmed,
                proposed_count=unit.proposed,
                declined_count=unit.declined,
                agreed_count=unit.agreed,
                carried_out_count=unit.carried_out,
            )
            for unit in progress
        ],
        is_open=is_open,
    )


def changes_response(changes: list[Component]) -> ownership.ListAgreedChangesResponse:
    """Writes records to send."""
    response = ownership.ListAgreedChangesResponse()
    for changed in changes:
        write_component(changed, response.components.add())
    return response
