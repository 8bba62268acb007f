"""What may be answered in a round of ownership confirmation, and what comes of it: pure functions.

A unit confirms, disputes, moves a point or hands the component over. A confirmation agrees with the record and is
done. Every other answer is a proposal to another side: the unit that is to take over, or the platform that keeps the
record; it accepts or declines. Only what both sides want becomes a change, and only the keeper writes it.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from connectors.positions import check_position
from exchange_db.components import ComponentRow, component_of
from exchange_db.ownership import Item, ItemState, Proposal
from exchange_db.records import Component, Crs, Violated

_MOST_REASON, _MOST_CODE, _MOST_NAME = 400, 40, 100


class AnswerKind(StrEnum):
    """What a side can say."""

    CONFIRM = "confirm"  # 确认
    DISPUTE = "dispute"  # 有异议
    MOVE = "move"  # 移位
    HAND_OVER = "hand_over"  # 移交
    ACCEPT = "accept"  # 同意
    DECLINE = "decline"  # 不同意


_PROPOSALS = {
    AnswerKind.DISPUTE: Proposal.DISPUTE,
    AnswerKind.MOVE: Proposal.MOVE,
    AnswerKind.HAND_OVER: Proposal.HAND_OVER,
}


class Answer(Struct, frozen=True):
    """One answer. ``party`` is the unit or platform that speaks, ``answered_by`` who wrote it down."""

    kind: AnswerKind
    party: str
    answered_by: str
    reason: str = ""
    crs: Crs = Crs.NONE
    x: float = 0.0
    y: float = 0.0
    to_unit_code: str = ""
    to_unit_name: str = ""


def answered(item: Item, answer: Answer, moment: datetime) -> Item:
    """Returns an item after an answer.

    Raises:
        Violated: ANSWER_FORBIDDEN, this side may not say this now; or a field of the answer is missing or wrong.
    """
    _check_lengths(answer)
    if answer.kind in (AnswerKind.ACCEPT, AnswerKind.DECLINE):
        return _settled(item, answer, moment)
    if item.state == ItemState.AGREED:
        raise Violated("ANSWER_FORBIDDEN", "answer", f"{answer.kind}: agreed by both sides 双方已商定")
    if answer.party != item.unit_code:
        raise Violated("ANSWER_FORBIDDEN", "party", f"{answer.party}: asked is 被询问单位 {item.unit_code}")
    fresh = replace(
        item,
        state=ItemState.CONFIRMED if answer.kind is AnswerKind.CONFIRM else ItemState.PROPOSED,
        proposal=_PROPOSALS.get(answer.kind, Proposal.NONE),
        reason=answer.reason,
        crs=0,
        x=0.0,
        y=0.0,
        to_unit_code="",
        to_unit_name="",
        answered_by=answer.answered_by,
        answered_time=moment,
        settled_by="",
        settled_time=None,
        settled_reason="",
    )
    return _with_proposal(fresh, answer)


def _with_proposal(item: Item, answer: Answer) -> Item:
    if answer.kind is AnswerKind.DISPUTE and not answer.reason:
        raise Violated("FIELD_MISSING", "reason")
    if answer.kind is AnswerKind.HAND_OVER:
        if not answer.to_unit_code:
            raise Violated("FIELD_MISSING", "to_unit_code")
        if answer.to_unit_code == item.unit_code:
            raise Violated("FIELD_INVALID", "to_unit_code", answer.to_unit_code)
        return replace(item, to_unit_code=answer.to_unit_code, to_unit_name=answer.to_unit_name)
    if answer.kind is AnswerKind.MOVE:
        if answer.crs is Crs.NONE:
            raise Violated("CRS_MISSING", "position.crs")
        check_position(answer.crs, answer.x, answer.y, "position")
        return replace(item, crs=int(answer.crs), x=answer.x, y=answer.y)
    return item


def _settled(item: Item, answer: Answer, moment: datetime) -> Item:
    if item.state != ItemState.PROPOSED:
        raise Violated("ANSWER_FORBIDDEN", "answer", f"{answer.kind}: nothing is proposed 没有待商定的提议")
    other = other_side(item)
    if answer.party != other:
        raise Violated("ANSWER_FORBIDDEN", "party", f"{answer.party}: the other side is 对方为 {other}")
    if answer.kind is AnswerKind.DECLINE and not answer.reason:
        raise Violated("FIELD_MISSING", "reason")
    return replace(
        item,
        state=ItemState.AGREED if answer.kind is AnswerKind.ACCEPT else ItemState.DECLINED,
        settled_by=answer.answered_by,
        settled_time=moment,
        settled_reason=answer.reason,
    )


def other_side(item: Item) -> str:
    """Returns who must agree to what is proposed: the unit that takes over, else the platform that keeps the record."""
    return item.to_unit_code if item.proposal == Proposal.HAND_OVER else item.owner_id


def changed_component(item: Item, row: ComponentRow, role: str, moment: datetime) -> Component:
    """Returns the record with the change both sides agreed on, one revision on; the keeper sends it.

    Args:
        item: an agreed item.
        row: the component as it stands.
        role: the role the round is about.
        moment: when it was agreed; becomes the record's ``changed_time``.
    """
    changes: dict[str, object] = {
        "revision": row.revision + 1,
        "changed_time": round(moment.timestamp() * 1_000_000),
    }
    if item.proposal == Proposal.MOVE:
        changes |= {"crs": Crs(item.crs), "x": item.x, "y": item.y}
    else:
        # Of a dispute that was accepted nobody has the role any more, until the keeper finds who does.
        changes |= {f"{role}_code": item.to_unit_code, f"{role}_name": item.to_unit_name}
    return replace(component_of(row), **changes)


def _check_lengths(answer: Answer) -> None:
    for path, text, longest in (
        ("reason", answer.reason, _MOST_REASON),
        ("to_unit_code", answer.to_unit_code, _MOST_CODE),
        ("to_unit_name", answer.to_unit_name, _MOST_NAME),
        ("party", answer.party, 64),
        ("answered_by", answer.answered_by, 100),
    ):
        if len(text) > longest:
            raise Violated("FIELD_INVALID", path, text)
        if not text.isprintable():
            raise Violated("TEXT_INVALID", path)
