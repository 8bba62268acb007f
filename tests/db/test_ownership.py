"""Ownership rounds in the ledger: lists, answers one by one, progress, and what is left to carry out."""

from typing import Any

import pytest

from exchange_db.ownership import ItemState, UnitProgress
from exchange_db.records import ComponentState, Crs, Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.components.ownership import Answer, AnswerKind
from hub.components.rounds import MOST_ANSWERS, GivenAnswer, RoundDesk
from tests.support.applied import apply_records
from tests.support.builders import COUNTY, a_component
from tests.support.clock import FakeClock

HERE = subtree(431200)


@pytest.fixture
async def desk(ledger: Ledger, clock: FakeClock) -> RoundDesk:
    """A desk whose ledger knows nine components of three units, and two nobody is asked about."""
    units = ("ps01", "ld01", "yl01")
    await apply_records(
        ledger,
        *(a_component(n, proprietor_code=units[n % 3], proprietor_name=f"单位{n % 3}") for n in range(9)),
        a_component(100, proprietor_code=""),
        a_component(101, state=ComponentState.REMOVED),
    )
    return RoundDesk(ledger, 431200, clock)


def _id(number: int) -> str:
    return a_component(number).component_id


def _given(number: int, kind: AnswerKind, party: str, **more: Any) -> GivenAnswer:
    return GivenAnswer(COUNTY, _id(number), Answer(kind, party, "某人", **more))


async def _open(desk: RoundDesk) -> None:
    assert await desk.open("R1", "第一轮", 431200, "proprietor", "管理员") == 9


async def test_every_unit_gets_its_list_once(desk: RoundDesk) -> None:
    await _open(desk)
    for unit, numbers in (("ps01", {0, 3, 6}), ("ld01", {1, 4, 7}), ("yl01", {2, 5, 8})):
        assert {int(item.component_id[-6:]) for item in await desk.items("R1", HERE, unit)} == numbers
    assert len(await desk.items("R1", HERE, COUNTY)) == 9
    first = await desk.items("R1", HERE, size=5)
    rest = await desk.items("R1", HERE, after=(first[-1].unit_code, first[-1].component_key))
    assert len({item.component_id for item in (*first, *rest)}) == len(first) + len(rest) == 9
    assert await desk.items("R1", subtree(431222)) == []


async def test_a_wrong_answer_does_not_sink_the_others(desk: RoundDesk) -> None:
    await _open(desk)
    told = await desk.answer(
        "R1",
        HERE,
        [
            _given(0, AnswerKind.CONFIRM, "ps01"),
            _given(1, AnswerKind.CONFIRM, "ps01"),
            _given(999, AnswerKind.CONFIRM, "ps01"),
            GivenAnswer("nobody", _id(3), Answer(AnswerKind.CONFIRM, "ps01", "某人")),
            _given(3, AnswerKind.CONFIRM, "ps01"),
        ],
    )
    reasons = [violation.reason if violation else "" for violation in told]
    assert reasons == ["", "ANSWER_FORBIDDEN", "ITEM_NOT_FOUND", "PLATFORM_ID_INVALID", ""]
    told = await desk.answer("R1", subtree(431222), [_given(6, AnswerKind.CONFIRM, "ps01")])
    assert [violation.reason for violation in told if violation] == ["ITEM_NOT_FOUND"]
    assert len(await desk.items("R1", HERE, state=ItemState.CONFIRMED)) == 2


async def test_a_round_ends_with_every_change_in_the_record_and_stays_so(ledger: Ledger, desk: RoundDesk) -> None:
    await _open(desk)
    hand_over = {"to_unit_code": "ld01", "to_unit_name": "路灯所"}
    told = await desk.answer(
        "R1",
        HERE,
        [
            _given(0, AnswerKind.HAND_OVER, "ps01", **hand_over),
            _given(0, AnswerKind.ACCEPT, "ld01"),
            _given(1, AnswerKind.MOVE, "ld01", crs=Crs.GCJ02, x=109.95, y=27.45),
            _given(1, AnswerKind.ACCEPT, COUNTY),
            _given(2, AnswerKind.DISPUTE, "yl01", reason="已拆除"),
            _given(2, AnswerKind.DECLINE, COUNTY, reason="仍在原处"),
        ],
    )
    assert told == [None] * 6
    assert [await desk.confirm_rest("R1", HERE, unit, "某人") for unit in ("ps01", "ld01", "yl01")] == [2, 2, 2]
    assert await desk.progress("R1", HERE) == [
        UnitProgress("ld01", "单位1", 0, 2, 0, 0, 1, 0),
        UnitProgress("ps01", "单位0", 0, 2, 0, 0, 1, 0),
        UnitProgress("yl01", "单位2", 0, 2, 0, 1, 0, 0),
    ]
    await desk.close("R1")
    changes = await desk.agreed_changes("R1", COUNTY)
    assert [(one.component_id, one.revision) for one in changes] == [(_id(1), 2), (_id(0), 2)]
    assert await desk.agreed_changes("R1", "431222.platform") == []
    await apply_records(ledger, *changes)
    assert await desk.agreed_changes("R1", COUNTY) == []
    assert [unit.carried_out for unit in await desk.progress("R1", HERE)] == [1, 1, 0]
    # What becomes of a component later does not bring the change back.
    await apply_records(ledger, a_component(0, revision=3, proprietor_code="yl01"))
    assert await desk.agreed_changes("R1", COUNTY) == []


async def test_a_round_that_is_closed_unknown_or_there_already_is_told(desk: RoundDesk) -> None:
    await _open(desk)
    with pytest.raises(Violated, match="已存在"):
        await desk.open("R1", "又一轮", 431200, "proprietor", "管理员")
    await desk.close("R1")
    for act in (desk.close("R1"), desk.answer("R1", HERE, []), desk.confirm_rest("R1", HERE, "ps01", "某人")):
        with pytest.raises(Violated, match="ROUND_CLOSED"):
            await act
    with pytest.raises(Violated, match="ROUND_NOT_FOUND"):
        await desk.progress("R2", HERE)
    assert [one.round_id for one in await desk.rounds()] == ["R1"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"round_id": ""}, "ARGUMENT_INVALID"),
        ({"round_id": "R" * 41}, "ARGUMENT_INVALID"),
        ({"role": "owner"}, "ARGUMENT_INVALID"),
        ({"region": 430000}, "REGION_FORBIDDEN"),
    ],
)
async def test_a_round_that_makes_no_sense_is_not_opened(desk: RoundDesk, changes: dict[str, Any], reason: str) -> None:
    values: dict[str, Any] = {"round_id": "R9", "title": "", "region": 431200, "role": "proprietor", "opened_by": "a"}
    with pytest.raises(Violated, match=reason):
        await desk.open(**values | changes)


async def test_too_many_answers_at_once_are_refused(desk: RoundDesk) -> None:
    await _open(desk)
    with pytest.raises(Violated, match="ARGUMENT_INVALID"):
        await desk.answer("R1", HERE, [_given(0, AnswerKind.CONFIRM, "ps01")] * (MOST_ANSWERS + 1))
