"""The register of classes: by standard, by region, and by the lists in force when a class was chosen."""

from pathlib import Path

import pytest

from exchange_db.records import CodeKind
from exchange_db.session import Ledger
from hub.standards.codebook import CodeFault
from hub.standards.limits import RuleBroken
from hub.standards.register import ANY, ClassRegister
from tests.support.builders import DAY
from tests.support.clock import NOON, FakeClock
from tests.support.signed_releases import STANDARD, a_plan, a_publisher

REGION, COUNTY = 431200, 431221
OLD = "CJ/T-214-2007"
EVENT = CodeKind.EVENT
LOCAL = f"kind,code,name,standard_ref,region\nevent,0499,占用盲道（自定义）,{STANDARD},431200\n".encode()


def _fault(register: ClassRegister, code: str, ref: str = STANDARD, moment: int = NOON, **changes: bool) -> str:
    found = register.check(ref, EVENT, code, COUNTY, moment, is_entering=changes.get("is_entering", True))
    return found.reason if found else ""


def test_what_is_shipped_is_known_and_other_codes_are_told_with_what_was_meant() -> None:
    register = ClassRegister(REGION)
    assert _fault(register, "0401") == _fault(register, "04-01") == ""
    assert (_fault(register, "0777"), _fault(register, "1", "DB-99")) == ("CODE_UNKNOWN", "STANDARD_UNKNOWN")
    assert _fault(register, "0777", is_entering=False) == "", "another hub has looked it up"


def test_standards_nobody_lists_are_taken_unseen_where_a_setting_says_so() -> None:
    assert _fault(ClassRegister(REGION, unlisted=["DB-99"]), "1", "DB-99") == ""
    assert _fault(ClassRegister(REGION, unlisted=[ANY]), "0777") == ""


def test_a_hub_that_takes_one_standard_tells_the_class_of_it() -> None:
    register = ClassRegister(REGION, accepts=[STANDARD])
    for is_entering in (True, False):
        found = register.check(OLD, EVENT, "05-01", COUNTY, NOON, is_entering=is_entering)
        assert found is not None
        assert (found.reason, found.value) == (
            "STANDARD_NOT_ACCEPTED",
            f"{OLD}|E|05-01 → {STANDARD}|E|0401 无照经营游商 (?)",
        )
    assert _fault(register, "1", "DB-99") == "STANDARD_NOT_ACCEPTED"


def test_what_cannot_be_translated_says_why() -> None:
    register = ClassRegister(REGION)
    with pytest.raises(RuleBroken):
        register.translate(STANDARD, EVENT, "0401", OLD)
    with pytest.raises(RuleBroken):
        register.translate(OLD, EVENT, "五", STANDARD)


async def test_the_lists_in_force_when_a_class_was_chosen_decide(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    city = a_publisher(ledger, "431200.hub", tmp_path, clock)
    plan = a_plan("1", LOCAL, effective_time=NOON + 10 * DAY, is_extension=True)
    register = ClassRegister(REGION)
    assert _fault(register, "0499") == "CODE_UNKNOWN"
    await city.publish(plan)
    clock.advance(days=20)
    async with ledger.read() as session:
        await register.read(session, clock())
    assert _fault(register, "0499", moment=NOON + 9 * DAY) == "CODE_UNKNOWN"
    assert _fault(register, "0499", moment=NOON + 10 * DAY) == ""
    assert _fault(register, "0401", moment=NOON + 10 * DAY) == "", "an extension leaves the rest as it was"
    elsewhere = register.check(STANDARD, EVENT, "0499", 430200, NOON + 10 * DAY, is_entering=True)
    assert isinstance(elsewhere, CodeFault)


async def test_a_list_that_is_published_anew_takes_the_place_of_what_is_shipped(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    content = f"kind,code,name,standard_ref\nevent,04,街面秩序,{STANDARD}\nevent,0402,早(夜)市管理问题,{STANDARD}\n"
    nation = a_publisher(ledger, "000000.hub", tmp_path, clock)
    await nation.publish(a_plan("1", content.encode(), effective_time=NOON))
    register = ClassRegister(REGION)
    async with ledger.read() as session:
        await register.read(session, clock())
    assert [_fault(register, code) for code in ("0402", "0401")] == ["", "CODE_UNKNOWN"]
    assert _fault(register, "0401", moment=NOON - 1) == "", "before it, what is shipped"


async def _spoil(ledger: Ledger, content: bytes) -> None:
    async with ledger.write() as session:
        await session.driver.execute("UPDATE standard_documents SET content = %s", (content,))


async def test_a_release_that_was_damaged_in_store_is_left_out_until_it_is_mended(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    city = a_publisher(ledger, "431200.hub", tmp_path, clock)
    await city.publish(a_plan("1", LOCAL, effective_time=NOON, is_extension=True))
    await _spoil(ledger, b"x")
    register = ClassRegister(REGION)
    async with ledger.read() as session:
        await register.read(session, clock())
    assert (_fault(register, "0499"), _fault(register, "0401")) == ("CODE_UNKNOWN", "")
    await _spoil(ledger, LOCAL)
    async with ledger.read() as session:
        await register.read(session, clock())
    assert _fault(register, "0499") == ""


async def test_a_list_that_was_damaged_in_store_leaves_the_one_before_it_standing(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    await a_publisher(ledger, "000000.hub", tmp_path, clock).publish(a_plan("1", effective_time=NOON))
    await _spoil(ledger, b"x")
    register = ClassRegister(REGION)
    async with ledger.read() as session:
        await register.read(session, clock())
    assert _fault(register, "0110") == "", "what is shipped"


async def test_releases_are_read_anew_only_when_there_are_others_or_another_time_has_come(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    city = a_publisher(ledger, "431200.hub", tmp_path, clock)
    await city.publish(a_plan("1", LOCAL, effective_time=NOON + DAY, is_extension=True))
    register = ClassRegister(REGION)
    for days, reason in ((0, "CODE_UNKNOWN"), (2, "")):
        clock.advance(days=days)
        async with ledger.read() as session:
            await register.read(session, clock())
        assert _fault(register, "0499", moment=clock()) == reason
    await _spoil(ledger, b"x")
    clock.advance(days=1)
    async with ledger.read() as session:
        await register.read(session, clock())
    assert _fault(register, "0499", moment=clock()) == "", "the documents were not read again"
    await city.withdraw("code_list", STANDARD, "1", clock(), "")
    async with ledger.read() as session:
        await register.read(session, clock())
    assert _fault(register, "0499", moment=clock()) == "CODE_UNKNOWN"
