"""Evaluation between hubs: the contract's calls, values that go up, results that come down."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from auth.principal import Principal
from connectors.wire import read_parcel, write_parcel
from exchange_db import evaluation_records
from exchange_db.evaluation_shapes import EvaluationKind, EvaluationRecord, EvaluationScore, EvaluationValue
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.apply.routing import Router
from hub.evaluation.exchanging import SendingDesk
from hub.evaluation.runs import KeptTree
from hub.evaluation.sources import Origin
from hub.intake.validation import Gate
from hub.rpc import calls
from hub.rpc.calls import Caller
from hub.rpc.evaluation_making import make_evaluation
from hub.rpc.evaluation_servicer import EvaluationServicer
from hub.settings import HubPart, Settings
from protos.common.v1 import page_pb2
from protos.evaluation.v1 import evaluation_service_pb2 as evaluation
from tests.db.test_evaluation import MONTHLY, REGION, SUPERVISION, SURVEY, Office
from tests.support.applied import a_closed_case, apply_records, apply_waiting, take_in
from tests.support.builders import CITY, COUNTY, PROVINCE, a_payload, a_principal
from tests.support.clock import NOON
from tests.support.neighbours import enrolled


@pytest.fixture
def office(ledger: Ledger) -> Office:
    return Office(ledger)


@pytest.fixture
def servicer(ledger: Ledger, office: Office) -> EvaluationServicer:
    return make_evaluation(ledger, Settings(hub=HubPart(id=CITY, name="怀化")), office.clock)


@pytest.fixture(params=[COUNTY])
def caller(request: pytest.FixtureRequest) -> Iterator[Principal]:
    principal = a_principal(request.param, relation="parent" if request.param == PROVINCE else "child")
    token = calls._CALLER.set(Caller(b"", "", principal))
    yield principal
    calls._CALLER.reset(token)


async def _a_run(ledger: Ledger, office: Office) -> str:
    await apply_records(ledger, *a_closed_case("1"))
    await office.give_all()
    return (await office.scores.run(REGION, MONTHLY.scheme_id, "2020-06")).shown.head.run_id


async def test_a_platform_reads_its_runs_and_objects_to_one(
    ledger: Ledger, office: Office, servicer: EvaluationServicer, caller: Principal
) -> None:
    run_id = await _a_run(ledger, office)
    listed = await servicer.ListRuns(evaluation.ListRunsRequest(region_code="431221", period="2020"), None)
    assert [run.run_id for run in listed.runs] == [run_id]
    shown = await servicer.GetRun(evaluation.GetRunRequest(run_id=run_id, unit_code="hw01"), None)
    (score,) = shown.scores
    assert (score.unit_code, score.display, score.points) == ("hw01", "91.10", "911/10")
    values = {value.entry_id: value for value in shown.values}
    assert (values["digital"].metric_id, values["digital"].numerator, values["digital"].denominator) == (
        "F3", "100", "100",
    )  # fmt: skip
    assert values["supervision"].value == "151/2"
    objected = await servicer.RaiseObjection(
        evaluation.RaiseObjectionRequest(run_id=run_id, unit_code="hw01", entry_id="digital", grounds="案件有误"), None
    )
    (row,) = await office.objections.listing(subtree(REGION))
    assert (str(row.objection_id), row.grounds) == (objected.objection_id, "案件有误")


async def test_runs_come_page_by_page(
    ledger: Ledger, office: Office, servicer: EvaluationServicer, caller: Principal
) -> None:
    for month in ("2020-03", "2020-04", "2020-05"):
        office.clock.advance(hours=1)
        await office.scores.run(REGION, SUPERVISION.scheme_id, month)
    request = evaluation.ListRunsRequest(region_code="431221", page=page_pb2.Page(size=2))
    first = await servicer.ListRuns(request, None)
    request.page.token = first.next_page_token
    second = await servicer.ListRuns(request, None)
    assert [run.period for run in (*first.runs, *second.runs)] == ["2020-05", "2020-04", "2020-03"]
    assert second.next_page_token == ""


@pytest.mark.parametrize("caller", ["431222.platform"], indirect=True)
async def test_another_county_learns_nothing(
    ledger: Ledger, office: Office, servicer: EvaluationServicer, caller: Principal
) -> None:
    run_id = await _a_run(ledger, office)
    for act in (
        servicer.ListRuns(evaluation.ListRunsRequest(region_code="431221"), None),
        servicer.ListSchemes(evaluation.ListSchemesRequest(region_code="431200"), None),
        servicer.GetSurvey(evaluation.GetSurveyRequest(region_code="431221", survey_id="x"), None),
    ):
        with pytest.raises(Violated, match="REGION_FORBIDDEN"):
            await act
    for hidden in (
        servicer.GetRun(evaluation.GetRunRequest(run_id=run_id), None),
        servicer.RaiseObjection(evaluation.RaiseObjectionRequest(run_id=run_id, grounds="x"), None),
    ):
        with pytest.raises(Violated, match="RUN_NOT_FOUND"):
            await hidden


async def test_answers_come_from_a_platform_and_add_up_at_once(
    office: Office, servicer: EvaluationServicer, caller: Principal
) -> None:
    from hub.evaluation.surveys import read_survey

    await office.surveys.open_survey(REGION, read_survey("s", SURVEY.encode()))
    request = evaluation.SubmitAnswersRequest(region_code="431221", survey_id="toilets-2020")
    for name, option in (("a", "yes"), ("b", "no"), ("a", "no"), ("c", "?")):
        request.answers.add(respondent=name, answers={"content": option})
    answer = await servicer.SubmitAnswers(request, None)
    assert (answer.taken_count, [(one.index, one.reason) for one in answer.refusals]) == (
        2, [(2, "ANSWER_DUPLICATE"), (3, "ANSWER_INVALID")],
    )  # fmt: skip
    survey = await servicer.GetSurvey(evaluation.GetSurveyRequest(region_code="431221", survey_id="toilets-2020"), None)
    assert (survey.content_count, survey.asked_count) == (1, 2)


async def test_the_schemes_in_force_are_told_with_all_they_score_by(
    servicer: EvaluationServicer, caller: Principal
) -> None:
    found = await servicer.ListSchemes(evaluation.ListSchemesRequest(region_code="431221"), None)
    schemes = {scheme.scheme_id: scheme for scheme in found.schemes}
    assert {entry.entry_id: entry.weight for entry in schemes["zhongfang.monthly"].entries}["digital"] == "60"
    assert (schemes["supervision"].kind, schemes["supervision"].is_ranked) == ("tree", False)


def a_record(revision: int = 1, **changes: Any) -> EvaluationRecord:
    """Values of 中方县 for June, as the county's own hub sends them."""
    values: dict[str, Any] = {
        "reporter_id": "431221.hub",
        "region": REGION,
        "kind": EvaluationKind.VALUES,
        "scheme_id": SUPERVISION.scheme_id,
        "scheme_version": 1,
        "period": "2020-06",
        "revision": revision,
        "made_time": NOON,
        "values": (EvaluationValue("clean.toilets", "", "179/2", "inspection"),),
        "scores": (EvaluationScore("", "", "", ""),),
    }
    return EvaluationRecord(**values | changes)


def test_a_record_says_the_same_after_the_wire() -> None:
    record = a_record(values=(EvaluationValue("a", "u", "1/3", "ledger", "F3", 1, "1", "3", "9.5", "met"),))
    parcel = read_parcel(write_parcel(UUID(int=1), "431221.hub", NOON, record))
    assert parcel.record == record


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"values": (EvaluationValue("a", "", "1/0"),)}, "NUMBER_INVALID", "evaluation.values.value"),
        ({"values": (EvaluationValue("a", "", "x"),)}, "NUMBER_INVALID", "evaluation.values.value"),
        ({"values": (EvaluationValue("a", "", "1"),) * 2}, "FIELD_INVALID", "evaluation.values"),
        ({"period": "2020-13"}, "FIELD_INVALID", "evaluation.period"),
        ({"scheme_id": ""}, "FIELD_MISSING", "evaluation.scheme_id"),
        ({"revision": 0}, "FIELD_MISSING", "evaluation.revision"),
    ],
)
def test_a_record_that_breaks_the_contract_is_refused_by_field(
    changes: dict[str, Any], reason: str, field: str
) -> None:
    with pytest.raises(Violated) as refused:
        read_parcel(write_parcel(UUID(int=1), "431221.hub", NOON, a_record(**changes)))
    assert (refused.value.violation.reason, refused.value.violation.field_path) == (reason, field)


@pytest.mark.parametrize(
    ("sender", "record", "reason"),
    [
        (a_principal("431221.hub"), a_record(), ""),
        (a_principal("431221.hub"), a_record(region=431222), "REGION_FORBIDDEN"),
        (a_principal("431222.hub"), a_record(), "ORIGIN_FORBIDDEN"),
        (a_principal(PROVINCE, relation="parent"), a_record(kind=EvaluationKind.RESULT, reporter_id=PROVINCE), ""),
        (a_principal(PROVINCE, relation="parent"), a_record(reporter_id=PROVINCE, region=430100), "REGION_FORBIDDEN"),
    ],
)
def test_who_may_write_what_is_checked_at_the_door(sender: Principal, record: EvaluationRecord, reason: str) -> None:
    found = Gate(sender, 431200).check(a_payload(record), NOON)
    assert getattr(getattr(found, "violation", None), "reason", "") == reason


async def test_values_go_up_and_results_down(ledger: Ledger) -> None:
    above = await enrolled(ledger, PROVINCE, "parent")
    below = await enrolled(ledger, COUNTY)
    router = Router((above, below), CITY)

    def ways(sender: str, *, is_result: bool) -> list[int]:
        found = router.of_evaluation(REGION, is_result=is_result, inbox_id=7, sender_id=sender)
        return [consignment.destination_id for consignment in found]

    assert ways("431221.hub", is_result=False) == [above.destination_id]
    assert ways(PROVINCE, is_result=True) == [below.destination_id]
    assert ways(COUNTY, is_result=True) == []


async def test_a_city_scores_a_county_by_what_its_hub_has_sent(ledger: Ledger, office: Office) -> None:
    sender = a_principal("431221.hub")
    older = a_record(1, values=(EvaluationValue("clean.toilets", "", "10"),))
    for record in (a_record(2), older):
        await take_in(ledger, [a_payload(record)], sender=sender)
        await apply_waiting(ledger)
    made = await office.scores.run(REGION, SUPERVISION.scheme_id, "2020-06")
    assert isinstance(made.shown.kept, KeptTree)
    (source,) = made.shown.kept.sources
    assert (source.origin, source.references, source.revision) == (Origin.RECORD, ("431221.hub",), 2)
    assert made.shown.kept.run.inputs.nodes["clean.toilets"].share is not None
    assert source.value * 2 == 179


async def test_a_run_that_is_to_be_sent_enters_the_log_once(ledger: Ledger, office: Office) -> None:
    run_id = await _a_run(ledger, office)
    desk = SendingDesk(ledger, CITY, office.clock)
    shown = await office.scores.find(subtree(REGION), run_id)
    for _ in range(2):
        await desk.ask(shown, EvaluationKind.RESULT)

    async def submit(payloads: list[bytes]) -> None:
        answer = await take_in(ledger, payloads, now=office.clock())
        assert set(answer.outcomes) == {"D"}

    assert [await desk.send(submit), await desk.send(submit)] == [1, 0]
    await apply_waiting(ledger)
    async with ledger.read() as session:
        (record,) = await evaluation_records.listing(session, subtree(REGION))
    assert (record.reporter_id, record.kind, record.run_id, record.revision) == (CITY, EvaluationKind.RESULT, run_id, 1)
    assert [(score.unit_code, score.display) for score in record.scores] == [("hw01", "91.10")]
    assert all("host" not in value.origin for value in record.values)
