"""Ownership rounds: who may say what when, and what the record becomes; both sides must want a change."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.components import row_of
from exchange_db.ownership import Item, ItemState, Proposal
from exchange_db.records import Crs, Violated
from hub.components.ownership import Answer, AnswerKind, answered, changed_component, other_side
from hub.components.rounds import kind_of
from tests.support.builders import COUNTY, a_component

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
UNIT, OTHER = "ps01", "ld01"
MOVE = {"crs": Crs.CGCS2000, "x": 109.95, "y": 27.45}


def _item(**changes: Any) -> Item:
    values: dict[str, Any] = {"home_region": 431221, "component_key": bytes(16), "round_id": "R1", "region": 431221}
    values |= {"owner_id": COUNTY, "component_id": "4312210102000001", "unit_code": UNIT, "unit_name": "排水公司"}
    return Item(**values | {"revision": 1} | changes)


def _say(item: Item, kind: AnswerKind, party: str = UNIT, **more: Any) -> Item:
    return answered(item, Answer(kind, party, f"{party} 的张某", **more), NOW)


def _refused(item: Item, kind: AnswerKind, party: str = UNIT, **more: Any) -> tuple[str, str]:
    with pytest.raises(Violated) as refused:
        _say(item, kind, party, **more)
    return refused.value.violation.reason, refused.value.violation.field_path


def test_a_confirmation_is_done_at_once() -> None:
    item = _say(_item(), AnswerKind.CONFIRM)
    assert (item.state, item.proposal, item.answered_by, item.answered_time) == (2, 0, "ps01 的张某", NOW)


@pytest.mark.parametrize(
    ("kind", "more", "other"),
    [
        (AnswerKind.DISPUTE, {"reason": "不是我们的"}, COUNTY),
        (AnswerKind.MOVE, MOVE, COUNTY),
        (AnswerKind.HAND_OVER, {"to_unit_code": OTHER, "to_unit_name": "路灯所"}, OTHER),
    ],
)
def test_every_change_needs_the_other_side(kind: AnswerKind, more: dict[str, Any], other: str) -> None:
    proposed = _say(_item(), kind, **more)
    assert (proposed.state, other_side(proposed)) == (ItemState.PROPOSED, other)
    for stranger in {UNIT, OTHER, COUNTY, "yl01"} - {other}:
        assert _refused(proposed, AnswerKind.ACCEPT, stranger) == ("ANSWER_FORBIDDEN", "party")
    assert _refused(proposed, AnswerKind.DECLINE, other) == ("FIELD_MISSING", "reason")
    declined = _say(proposed, AnswerKind.DECLINE, other, reason="证据不足")
    assert (declined.state, declined.settled_reason) == (ItemState.DECLINED, "证据不足")
    assert _say(declined, AnswerKind.CONFIRM).state == ItemState.CONFIRMED
    agreed = _say(proposed, AnswerKind.ACCEPT, other)
    assert (agreed.state, agreed.settled_by) == (ItemState.AGREED, f"{other} 的张某")
    assert _refused(agreed, AnswerKind.CONFIRM) == ("ANSWER_FORBIDDEN", "answer")
    assert _refused(agreed, AnswerKind.ACCEPT, other) == ("ANSWER_FORBIDDEN", "answer")


@pytest.mark.parametrize(
    ("kind", "party", "more", "reason", "path"),
    [
        (AnswerKind.CONFIRM, OTHER, {}, "ANSWER_FORBIDDEN", "party"),
        (AnswerKind.ACCEPT, COUNTY, {}, "ANSWER_FORBIDDEN", "answer"),
        (AnswerKind.DISPUTE, UNIT, {}, "FIELD_MISSING", "reason"),
        (AnswerKind.DISPUTE, UNIT, {"reason": "长" * 401}, "FIELD_INVALID", "reason"),
        (AnswerKind.DISPUTE, UNIT, {"reason": "a\x00"}, "TEXT_INVALID", "reason"),
        (AnswerKind.HAND_OVER, UNIT, {}, "FIELD_MISSING", "to_unit_code"),
        (AnswerKind.HAND_OVER, UNIT, {"to_unit_code": UNIT}, "FIELD_INVALID", "to_unit_code"),
        (AnswerKind.MOVE, UNIT, {"x": 109.9, "y": 27.4}, "CRS_MISSING", "position.crs"),
        (AnswerKind.MOVE, UNIT, {"crs": Crs.WGS84, "x": 27.4, "y": 109.9}, "POSITION_OUT_OF_RANGE", "position"),
    ],
)
def test_an_answer_that_is_not_whole_or_not_due_is_refused(
    kind: AnswerKind, party: str, more: dict[str, Any], reason: str, path: str
) -> None:
    assert _refused(_item(), kind, party, **more) == (reason, path)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(AnswerKind), st.sampled_from([UNIT, OTHER, COUNTY]), st.booleans()), max_size=12
    )
)
def test_nothing_is_ever_agreed_that_one_side_did_not_say(steps: list[tuple[AnswerKind, str, bool]]) -> None:
    item = _item()
    for kind, party, has_reason in steps:
        more = MOVE | {"reason": "理由" if has_reason else "", "to_unit_code": OTHER}
        try:
            item = answered(item, Answer(kind, party, party, **more), NOW)  # type: ignore[arg-type]
        except Violated:
            continue
        assert item.answered_by == UNIT
        assert (item.settled_by == other_side(item)) is (item.state in (ItemState.AGREED, ItemState.DECLINED))
        assert (item.proposal == Proposal.NONE) is (item.state == ItemState.CONFIRMED)


def test_the_record_gets_what_was_agreed_and_nothing_else() -> None:
    before = a_component(revision=3)
    row = row_of(before, bytes(16), 1)
    moved = changed_component(_item(proposal=Proposal.MOVE, crs=1, x=109.95, y=27.45), row, "proprietor", NOW)
    assert (moved.revision, moved.x, moved.y, moved.proprietor_code) == (4, 109.95, 27.45, "ps01")
    over = _item(proposal=Proposal.HAND_OVER, to_unit_code=OTHER, to_unit_name="路灯所")
    handed = changed_component(over, row, "maintainer", NOW)
    assert (handed.maintainer_code, handed.maintainer_name, handed.proprietor_code) == (OTHER, "路灯所", "ps01")
    assert handed.changed_time == round(NOW.timestamp() * 1_000_000)
    left = changed_component(_item(proposal=Proposal.DISPUTE), row, "proprietor", NOW)
    assert (left.proprietor_code, left.proprietor_name, left.supervisor_code) == ("", "", "cg01")


def test_answers_are_read_in_chinese_and_in_the_words_of_the_contract() -> None:
    words = ("确认", "有异议", "移位", "移交", "同意", "不同意")
    assert [kind_of(word) for word in words] == list(AnswerKind)
    assert [kind_of(kind.value.upper()) for kind in AnswerKind] == list(AnswerKind)
    with pytest.raises(Violated, match="ARGUMENT_INVALID"):
        kind_of("随便")
