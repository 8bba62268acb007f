"""One county's case through four tiers: reported here, dispatched by the city, handled by another county, closed.

And the way back: every party gets what concerns it, with receipts and times at each tier.
"""

from itertools import pairwise

from connectors.case_wire import case_fields
from exchange_db.records import AssignmentState, Case, CheckState, HandlingState, ReportState
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1.receipt_pb2 import (
    BUSINESS_STATE_APPLIED,
    BUSINESS_STATE_QUARANTINED,
    BUSINESS_STATE_STALE,
    OUTCOME_DUPLICATE,
    OUTCOME_DURABLE,
)
from tests.support.builders import a_handling, a_report, a_verdict, an_action, an_assignment
from tests.support.parties import CITY, CITY_PLATFORM, COUNTY, NATION, OTHER_COUNTY, PROVINCE, Town, written_by
from tests.support.stages import figures_that_differ, proof_of, until, until_settled, value

SECTIONS = ["report", "assignment", "handling", "verdict"]


def _case(case_no: str, **sections: object) -> Case:
    return Case(OTHER_COUNTY, case_no, **sections)  # type: ignore[arg-type]


def _reported(case_no: str) -> Case:
    return _case(case_no, report=a_report(state=ReportState.FILED, region_code="431222", authority_id=CITY_PLATFORM))


def _dispatched(case_no: str, revision: int = 1) -> Case:
    return _case(case_no, assignment=an_assignment(revision, AssignmentState.DISPATCHED, handler_id=COUNTY))


async def _live(town: Town, case_no: str) -> list[Case]:
    """Lets the three platforms do their work, each after it has pulled what the one before wrote."""
    steps = [
        _reported(case_no),
        _dispatched(case_no),
        _case(case_no, handling=a_handling(1, HandlingState.RECEIVED), actions=(an_action(),)),
        _case(case_no, handling=a_handling(2, HandlingState.CLOSE_REQUESTED)),
        _case(case_no, verdict=a_verdict(1, CheckState.CLOSED)),
    ]
    writers = (town.other_county, town.city_platform, town.county, town.county, town.city_platform)
    awaited = (None, "report", "assignment", None, "handling")
    for writer, section, step in zip(writers, awaited, steps, strict=True):
        if section:
            assert getattr(await writer.until_pulled(case_no, section), section)
        answer = await writer.push(step)
        assert answer.verdict.outcome == OUTCOME_DURABLE, answer
        assert answer.receipt.state == BUSINESS_STATE_APPLIED, answer
        assert answer.receipt.settled_time > 0
    return steps


async def test_a_case_is_handled_by_another_county_and_every_tier_stands_the_same(town: Town) -> None:
    steps = await _live(town, "2020-ACROSS")
    await until_settled(town.city, town.province, town.nation)
    told = await town.county.trace(steps[0])
    assert [(tier.hub_id, tier.tier, tier.state) for tier in told] == [
        (CITY, "city", "closed"),
        (PROVINCE, "province", "closed"),
        (NATION, "nation", "closed"),
    ]
    for tier in told:
        assert [section.section for section in tier.sections] == SECTIONS
        assert [section.revision for section in tier.sections] == [1, 1, 2, 1]
        owners = [section.origin_id for section in tier.sections]
        assert owners == [OTHER_COUNTY, CITY_PLATFORM, COUNTY, CITY_PLATFORM]
        assert [list(tier.quarantined), tier.unreachable_reason] == [[], ""]
    _check_times(told)
    _check_deliveries(told)
    merged = case_pb2.Case()
    for step in steps:
        merged.MergeFrom(case_pb2.Case(**case_fields(step)))
    for party in (town.county, town.other_county, town.city_platform):
        answer = await party.case(steps[0])
        assert answer.state == "closed"
        assert answer.case == merged
    proof = await proof_of(
        [(town.city, town.province), (town.province, town.nation)], town.city, town.province, town.nation
    )
    assert (proof.incomplete_streams, proof.lost, proof.twice) == (0, 0, 0)


def _check_times(told: list[exchange.TierTrace]) -> None:
    """Each section was on disk before it took effect, and reached each tier after the one below."""
    for below, above in pairwise(told):
        for lower, upper in zip(below.sections, above.sections, strict=True):
            assert 0 < lower.accepted_time <= lower.applied_time
            assert lower.accepted_time <= upper.accepted_time <= upper.applied_time
            assert (upper.sender_id, upper.stream) == (below.hub_id, "link")


def _check_deliveries(told: list[exchange.TierTrace]) -> None:
    """The city passed all four sections up and to the platforms they concern; nobody got his own back."""
    city, province, nation = told
    up = [delivery for delivery in city.deliveries if delivery.peer_id == PROVINCE]
    assert [(delivery.state, delivery.accepted_time > 0) for delivery in up] == [("settled", True)] * 4
    assert [delivery.peer_id for delivery in province.deliveries] == [NATION] * 4
    assert list(nation.deliveries) == []
    got = {peer: sum(delivery.peer_id == peer for delivery in city.deliveries) for peer in (OTHER_COUNTY, COUNTY)}
    assert got == {OTHER_COUNTY: 3, COUNTY: 3}


async def test_the_reporting_county_gets_everything_back_in_order(town: Town) -> None:
    await _live(town, "2020-BACK")
    assert (await town.other_county.until_pulled("2020-BACK", "verdict")).verdict == a_verdict(1, CheckState.CLOSED)
    came = [
        (parcel.origin_id, [name for name in SECTIONS if getattr(parcel.record, name)])
        for parcel in town.other_county.pulled
        if isinstance(parcel.record, Case) and parcel.record.case_no == "2020-BACK"
    ]
    assert came == [
        (CITY_PLATFORM, ["assignment"]),
        (COUNTY, ["handling"]),
        (COUNTY, ["handling"]),
        (CITY_PLATFORM, ["verdict"]),
    ]


async def test_who_writes_what_is_not_his_gets_it_back_with_the_reason(town: Town) -> None:
    case_no = "2020-MEDDLED"
    await town.other_county.push(_reported(case_no))
    meddled = await town.other_county.push(_dispatched(case_no))
    assert meddled.verdict.outcome == OUTCOME_DURABLE
    receipt = meddled.receipt
    assert (receipt.state, receipt.reason, receipt.field_path) == (
        BUSINESS_STATE_QUARANTINED,
        "SECTION_FORBIDDEN",
        "case.assignment",
    )
    assert CITY_PLATFORM in receipt.message
    assert "只能由其填报" in receipt.message_zh
    (tier, *_) = await town.other_county.trace(_reported(case_no))
    assert [(held.reason, held.state) for held in tier.quarantined] == [
        ("SECTION_FORBIDDEN", BUSINESS_STATE_QUARANTINED)
    ]
    assert [section.section for section in tier.sections] == ["report"]
    assert (await town.city_platform.push(_dispatched(case_no))).receipt.state == BUSINESS_STATE_APPLIED


async def test_the_same_message_twice_gets_the_same_answer_and_an_old_revision_is_stale(town: Town) -> None:
    parcel = written_by(OTHER_COUNTY, _reported("2020-AGAIN"))
    first = await town.other_county.push_parcel(parcel, 10_000)
    second = await town.other_county.push_parcel(parcel, 10_000)
    assert [first.verdict.outcome, second.verdict.outcome] == [OUTCOME_DURABLE, OUTCOME_DUPLICATE]
    assert first.receipt == second.receipt
    stale = await town.other_county.push(_reported("2020-AGAIN"))
    assert (stale.verdict.outcome, stale.receipt.state) == (OUTCOME_DURABLE, BUSINESS_STATE_STALE)


async def test_figures_follow_the_case_up_to_the_nation(town: Town) -> None:
    await _live(town, "2020-COUNTED")
    await until_settled(town.city, town.province, town.nation)

    async def is_folded() -> bool:
        return not any([await figures_that_differ(hub) for hub in (town.city, town.province, town.nation)])

    await until(is_folded, "folded figures at every tier")
    done = "SELECT coalesce(sum(done), 0)::bigint FROM figures WHERE region = 431222"
    counted = [value(hub, done) for hub in (town.city, town.province, town.nation)]
    assert counted == [value(town.city, "SELECT count(*) FROM cases WHERE closed_time IS NOT NULL")] * 3
    assert counted[0] > 0
