"""Deadlines by the releases in force: calendars, filing conditions and regions, by time and region, and by contract."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth.principal import Principal
from exchange_db.records import CodeKind, Violated
from exchange_db.session import Ledger
from hub.listener import Listener
from hub.rpc import calls
from hub.rpc.calls import Caller
from hub.rpc.standards_servicer import StandardsServicer
from hub.standards.computing import ComputedDeadline, DeadlineQuestion, computed
from hub.standards.deadlines import DeadlinePolicy
from hub.standards.layers import RuleReader
from hub.standards.limits import LimitRule, RuleBroken, parse_limit
from hub.standards.publishing import Publisher
from hub.standards.rulebook import ConditionKey
from protos.case.v1 import case_pb2
from protos.common.v1 import code_pb2
from protos.standards.v1 import standards_service_pb2 as contract
from tests.support.builders import CITY, COUNTY, DAY, HOUR, a_principal
from tests.support.clock import NOON, FakeClock, at
from tests.support.signed_releases import STANDARD, a_plan, a_publisher

POLICY = DeadlinePolicy()
FRIDAY = at("2021-12-31T17:00+08:00")
LIMIT = parse_limit("4工作时")
LITTER = ConditionKey(STANDARD, CodeKind.EVENT, "01-10", 1)
HEAD = "standard_ref,kind,code,condition_no,region,condition,limit,valid_from,valid_to\n"
EARLY = b'[regions.431200]\nhours = ["09:00-12:00", "13:00-17:30"]\n'


def _conditions(*rows: str) -> bytes:
    return (HEAD + "".join(f"{STANDARD},event,{row}\n" for row in rows)).encode()


async def _publish(publisher: Publisher, kind: str, content: bytes, version: str = "1", **changes: Any) -> None:
    name = "calendar.toml" if kind == "calendar" else "table.csv"
    values: dict[str, Any] = {"effective_time": NOON, "name": kind} | changes
    await publisher.publish(a_plan(version, kind=kind, documents={name: content}, **values))


async def _computed(
    ledger: Ledger,
    rule: LimitRule | ConditionKey = LIMIT,
    region: int = 431221,
    start_time: int = FRIDAY,
    reader: RuleReader | None = None,
) -> ComputedDeadline:
    async with ledger.read() as session:
        book = await (reader or RuleReader()).book(session, region, start_time)
    return computed(DeadlineQuestion(region, start_time, rule), book, POLICY)


def _due(found: ComputedDeadline) -> list[int | None]:
    return [step.deadline_time for step in found.steps]


@pytest.fixture
def city(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> Publisher:
    return a_publisher(ledger, CITY, tmp_path, clock)


@pytest.fixture
def nation(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> Publisher:
    return a_publisher(ledger, "000000.hub", tmp_path, clock)


async def test_the_calendar_in_force_at_the_start_counts_where_it_is_in_force(ledger: Ledger, city: Publisher) -> None:
    usual = [at("2022-01-04T11:00+08:00")]
    assert _due(await _computed(ledger)) == usual
    await _publish(city, "calendar", EARLY, stages={"431222": FRIDAY + 1})
    early = await _computed(ledger)
    assert _due(early) == [at("2022-01-04T13:30+08:00")]
    assert [(one.name, one.version, one.publisher_id) for one in early.origins][1:2] == [("calendar", "1", CITY)]
    assert _due(await _computed(ledger, region=431222)) == usual, "its stage has not come"
    assert _due(await _computed(ledger, region=430202)) == usual, "another city's"
    before = await _computed(ledger, parse_limit("2工作时"), start_time=at("2020-06-12T11:00+08:00"))
    assert _due(before) == [at("2020-06-12T15:00+08:00")]


async def test_calendars_of_several_publishers_are_laid_over_each_other(
    ledger: Ledger, nation: Publisher, city: Publisher
) -> None:
    year = (
        b"[regions.000000]\nhours = ['08:00-16:00']\n[regions.000000.years.2022]\nextra_working_days = [2022-01-03]\n"
    )
    await _publish(nation, "calendar", year)
    await _publish(city, "calendar", b"[regions.000000]\nzone = 'Asia/Urumqi'\n", is_extension=True)
    found = await _computed(ledger, start_time=at("2021-12-31T15:00+06:00"))
    # One hour on Friday, three on the Monday the nation made a working day, in the city's zone.
    assert _due(found) == [at("2022-01-03T11:00+06:00")]


async def test_a_filing_condition_in_force_tells_its_limit(ledger: Ledger, nation: Publisher, city: Publisher) -> None:
    with pytest.raises(RuleBroken, match="没有"):
        await _computed(ledger, LITTER)
    assert _due(await _computed(ledger, LITTER, 140800)) == [at("2022-01-04T11:00+08:00")], "what is shipped"
    await _publish(nation, "filing_conditions", _conditions("0110,1,,积存垃圾,8工作时,,", "0110,2,,成片,2工作日,,"))
    for region in (431221, 140800):
        assert _due(await _computed(ledger, LITTER, region)) == [at("2022-01-04T17:00+08:00")]
    rows = ("0110,1,431200,积存垃圾,4工作时,,2021-12-31", "0110,1,431200,积存垃圾,2工作时,2022-01-01,")
    await _publish(city, "filing_conditions", _conditions(*rows), is_extension=True)
    found = await _computed(ledger, LITTER)
    assert _due(found) == [at("2022-01-04T11:00+08:00")]
    assert found.condition is not None
    assert (found.condition.region, found.origins[1].publisher_id) == (431200, CITY)
    later = await _computed(ledger, LITTER, start_time=at("2022-01-04T08:00+08:00"))
    assert _due(later) == [at("2022-01-04T10:00+08:00")]
    assert _due(await _computed(ledger, LITTER, 430202)) == [at("2022-01-04T17:00+08:00")]
    with pytest.raises(RuleBroken, match="1 积存垃圾") as broken:
        await _computed(ledger, LITTER._replace(condition_no=2))
    assert broken.value.rule == "CONDITION_UNKNOWN", "the city's table replaces the nation's"


async def test_a_condition_may_speak_of_a_class_of_a_release(ledger: Ledger, city: Publisher) -> None:
    codes = f"kind,code,name,standard_ref,region\nevent,0499,占用盲道（自定义）,{STANDARD},431200\n".encode()
    table = _conditions("0499,1,431200,占用,4工作时,,")
    with pytest.raises(Violated) as refused:
        await _publish(city, "filing_conditions", table)
    assert refused.value.violation.reason == "RELEASE_INVALID"
    await city.publish(a_plan("1", codes, effective_time=FRIDAY, is_extension=True))
    await _publish(city, "filing_conditions", table)
    key = ConditionKey(STANDARD, CodeKind.EVENT, "0499")
    assert _due(await _computed(ledger, key)) == [at("2022-01-04T11:00+08:00")]
    with pytest.raises(RuleBroken) as broken:
        await _computed(ledger, key, start_time=FRIDAY - 1)
    assert broken.value.rule == "CONDITION_UNKNOWN", "the class was not in force yet"


async def test_a_code_that_was_abolished_is_told_with_what_follows_it(ledger: Ledger, nation: Publisher) -> None:
    shipped = await _computed(ledger, region=430221)
    assert (shipped.is_region_abolished, [one.region for one in shipped.successors]) == (True, [430212])
    before = await _computed(ledger, region=430221, start_time=at("2018-06-18T09:00+08:00"))
    assert (before.is_region_abolished, before.successors) == (False, ())
    rows = (
        "000000,全国,,,", "430000,湖南省,,,", "430200,株洲市,,,", "430221,甲县,,2018-06-18,430212",
        "430212,乙区,2018-06-19,2020-01-01,430213;430214", "430213,丙区,2020-01-02,,", "430214,丁区,2020-01-02,,",
    )  # fmt: skip
    table = "region,name,valid_from,valid_to,successors\n" + "\n".join(rows)
    await _publish(nation, "regions", table.encode())
    found = await _computed(ledger, region=430221)
    assert [one.name for one in found.successors] == ["丙区", "丁区"]
    assert (await _computed(ledger, region=431221)).region is None, "the published table takes the shipped one's place"


async def test_a_release_that_was_damaged_is_left_out_told_and_read_again(ledger: Ledger, city: Publisher) -> None:
    await _publish(city, "calendar", EARLY)
    reader = RuleReader()

    async def spoil(content: bytes) -> None:
        async with ledger.write() as session:
            await session.driver.execute("UPDATE standard_documents SET content = %s", (content,))

    await spoil(b"x")
    assert _due(await _computed(ledger, reader=reader)) == [at("2022-01-04T11:00+08:00")]
    async with ledger.read() as session:
        assert [one.name for one in (await reader.book(session, 431221, FRIDAY)).left_out] == ["calendar"]
    await spoil(EARLY)
    assert _due(await _computed(ledger, reader=reader)) == [at("2022-01-04T13:30+08:00")]
    async with ledger.read() as session:
        books = [await reader.book(session, region, FRIDAY) for region in (431221, 431222)]
    assert books[0] is books[1], "documents are read once"


@pytest.fixture
def servicer(ledger: Ledger, clock: FakeClock) -> StandardsServicer:
    return StandardsServicer(ledger, Listener(ledger), clock, 431200, RuleReader(), POLICY)


@pytest.fixture(params=["431200.platform"])
def caller(request: pytest.FixtureRequest) -> Iterator[Principal]:
    """Who calls; the city's platform unless a test says otherwise."""
    principal = a_principal(request.param)
    token = calls._CALLER.set(Caller(b"", "", principal))
    yield principal
    calls._CALLER.reset(token)


async def _asked(servicer: StandardsServicer, **given: Any) -> contract.ComputeDeadlineResponse:
    values: dict[str, Any] = {"region_code": "431221", "start_time": FRIDAY} | given
    return await servicer.ComputeDeadline(contract.ComputeDeadlineRequest(**values), None)


async def test_the_hub_answers_with_steps_standards_and_doubts(
    servicer: StandardsServicer, caller: Principal, city: Publisher
) -> None:
    await _publish(city, "filing_conditions", _conditions("0501,1,431200,破裂,2紧急工作时围护 | 1.5工作日,,"))
    code = code_pb2.CodeRef(standard_ref=STANDARD, kind=code_pb2.CODE_KIND_EVENT, code="05-01")
    answer = await _asked(servicer, filing_condition=contract.FilingConditionKey(class_code=code))
    assert [(one.name, one.limit_value, one.limit_unit) for one in answer.steps] == [
        ("围护", 2, case_pb2.LIMIT_UNIT_URGENT_HOUR),
        ("处置", 0, case_pb2.LIMIT_UNIT_WORKING_DAY),
    ]
    assert answer.steps[0].deadline_time == FRIDAY + 2 * HOUR
    assert answer.steps[1].limit_text == "1.5工作日"
    assert (answer.condition_no, answer.condition_text, answer.zone) == (1, "破裂", "Asia/Shanghai")
    assert [(one.kind, one.publisher_id) for one in answer.standards] == [
        ("calendar", ""), ("filing_conditions", CITY), ("regions", ""),
    ]  # fmt: skip
    assert answer.is_certain
    season = await _asked(servicer, limit_text="种植季节15工作日")
    assert (season.is_certain, season.season, list(season.unknown_years)) == (False, "种植季节", [])
    far = await _asked(servicer, limit_text="1工作日", start_time=at("2099-01-05T09:00+08:00"))
    assert (far.is_certain, list(far.unknown_years)) == (False, [2099])


async def test_pauses_move_the_deadline_and_an_open_one_holds_it(
    servicer: StandardsServicer, caller: Principal
) -> None:
    amount = contract.LimitAmount(value=4, unit=case_pb2.LIMIT_UNIT_URGENT_HOUR)
    pause = contract.ClockPause(from_time=FRIDAY + HOUR, to_time=FRIDAY + 3 * HOUR)
    moved = await _asked(servicer, limit_amount=amount, pauses=[pause])
    assert [one.deadline_time for one in moved.steps] == [FRIDAY + 6 * HOUR]
    held = await _asked(servicer, limit_amount=amount, pauses=[contract.ClockPause(from_time=FRIDAY)])
    assert [one.deadline_time for one in held.steps] == [0]


_UNKNOWN_CODE = code_pb2.CodeRef(standard_ref=STANDARD, kind=code_pb2.CODE_KIND_EVENT, code="1-1")
_KNOWN_CODE = code_pb2.CodeRef(standard_ref=STANDARD, kind=code_pb2.CODE_KIND_EVENT, code="0110")
_UNKNOWN_STANDARD = code_pb2.CodeRef(standard_ref="2013", kind=code_pb2.CODE_KIND_EVENT, code="0110")


_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({}, "FIELD_MISSING", "rule"),
    ({"limit_text": "四小时"}, "ARGUMENT_INVALID", "limit_text"),
    ({"limit_text": "1工作日" * 101}, "ARGUMENT_INVALID", "limit_text"),
    ({"limit_text": "1工作日", "region_code": "43122"}, "REGION_INVALID", "region_code"),
    ({"limit_text": "1工作日", "region_code": "430202"}, "REGION_FORBIDDEN", "region_code"),
    ({"limit_text": "1工作日", "start_time": 0}, "FIELD_MISSING", "start_time"),
    ({"limit_text": "1工作日", "start_time": 2**62}, "ARGUMENT_INVALID", "start_time"),
    ({"limit_text": "100000工作日"}, "ARGUMENT_INVALID", "start_time"),
    ({"limit_amount": contract.LimitAmount(value=0, unit=case_pb2.LIMIT_UNIT_DAY)}, "ARGUMENT_INVALID",
     "limit_amount.value"),
    ({"limit_amount": contract.LimitAmount(value=1)}, "ARGUMENT_INVALID", "limit_amount.unit"),
    ({"limit_text": "1日", "pauses": [contract.ClockPause(from_time=2, to_time=1)]}, "ARGUMENT_INVALID", "pauses"),
    ({"limit_text": "1日", "pauses": [contract.ClockPause()]}, "ARGUMENT_INVALID", "pauses[0]"),
    ({"limit_text": "1日", "pauses": [contract.ClockPause(from_time=1)] * 101}, "ARGUMENT_INVALID", "pauses"),
    ({"filing_condition": contract.FilingConditionKey(class_code=_UNKNOWN_CODE)}, "CODE_UNKNOWN",
     "filing_condition.class_code.code"),
    ({"filing_condition": contract.FilingConditionKey(class_code=_UNKNOWN_STANDARD)}, "STANDARD_UNKNOWN",
     "filing_condition.class_code.standard_ref"),
    ({"filing_condition": contract.FilingConditionKey(class_code=_KNOWN_CODE)}, "CONDITION_UNKNOWN",
     "filing_condition.condition_no"),
    ({"filing_condition": contract.FilingConditionKey(class_code=_KNOWN_CODE, condition_no=1000)},
     "ARGUMENT_INVALID", "filing_condition.condition_no"),
    ({"filing_condition": contract.FilingConditionKey()}, "ARGUMENT_INVALID", "filing_condition.class_code.kind"),
]  # fmt: skip


async def test_what_cannot_be_computed_is_refused_by_field(servicer: StandardsServicer, caller: Principal) -> None:
    for given, reason, path in _REFUSED:
        with pytest.raises(Violated) as refused:
            await _asked(servicer, **given)
        violation = refused.value.violation
        assert (violation.reason, violation.field_path) == (reason, path), given


@pytest.mark.parametrize("caller", [COUNTY], indirect=True)
async def test_a_county_asks_about_its_own_region_only(servicer: StandardsServicer, caller: Principal) -> None:
    assert (await _asked(servicer, limit_text="1日")).steps[0].deadline_time == FRIDAY + DAY
    for region_code in ("431200", "431222", "000000"):
        with pytest.raises(Violated) as refused:
            await _asked(servicer, limit_text="1日", region_code=region_code)
        assert refused.value.violation.reason == "REGION_FORBIDDEN"
