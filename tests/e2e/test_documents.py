"""Documents over real hubs: letters about frequent problems and back, files beside them, newer versions, two hops."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from connectors.errors import CallRefused, CredentialsRefused
from connectors.transports.grpc_peer import GrpcPeer, asked
from exchange_db.document_records import AnswerState, Document, DocumentKind
from exchange_db.embedded import EmbeddedServer
from exchange_db.followup import ProposalFilter
from exchange_db.records import Case, ReportState
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.demo.staging import Stage, StagedHub
from hub.documents.drafts import Draft
from hub.documents.making import make_document_desk
from hub.followup.making import make_followup
from protos.document.v1 import document_pb2
from protos.document.v1 import document_service_pb2 as service
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2
from tests.support.builders import (
    CITY,
    COUNTY,
    DAY,
    OTHER_COUNTY,
    PROVINCE,
    a_case,
    a_letter,
    a_payload,
    a_report,
    an_answer,
)
from tests.support.evidence import quick_with_evidence, stored
from tests.support.parties import Party
from tests.support.photos import digest_of
from tests.support.stages import staged, target_of, until, until_value, value

PAPER = "%PDF-1.7\n通报\n".encode()
HELD = "SELECT state FROM attachment_refs WHERE case_no = %s AND section = 5"
ANSWERED = "SELECT answer_state FROM documents WHERE document_id = %s"
GRID = "431221001001001"
HERE = subtree(431200)


class Region(NamedTuple):
    """A province over a city over the platforms of two counties."""

    province: StagedHub
    city: StagedHub
    county: Party
    other: Party


@pytest.fixture(scope="module")
def region(server: EmbeddedServer) -> Iterator[Region]:
    async def build(stage: Stage) -> Region:
        extra = quick_with_evidence() + "\n[followup]\npropose_seconds = 1\n"
        province = await stage.add_hub(PROVINCE, "湖南省枢纽", extra)
        city = await stage.add_hub(CITY, "怀化市枢纽", extra)
        for hub in (province, city):
            hub.start()
        await asyncio.gather(province.wait_until_open(), city.wait_until_open())
        await stage.join(province, city)
        parties = [Party(name, target_of(await stage.add_platform(city, name))) for name in (COUNTY, OTHER_COUNTY)]
        return Region(province, city, *parties)

    with staged(server) as stage:
        yield asyncio.run(build(stage))


async def _until_pulled(party: Party, document_id: str) -> Document:
    async def found() -> Document | None:
        await party.pull()
        documents = [parcel.record for parcel in party.pulled if isinstance(parcel.record, Document)]
        return next((one for one in documents if one.document_id == document_id), None)

    document: Document = await until(found, f"{document_id} at {party.platform_id}")
    return document


async def _answer(party: Party, document: Document, **answer: Any) -> service.AnswerDocumentResponse:
    key = document_pb2.DocumentKey(issuer_id=document.issuer_id, document_id=document.document_id)
    request = service.AnswerDocumentRequest(key=key, answer=document_pb2.DocumentAnswer(**answer))
    async with GrpcPeer(party.target) as hub:
        return await asked(hub.documents.AnswerDocument(request, timeout=30.0))


async def _listed(party: Party, **wanted: Any) -> list[service.DocumentView]:
    async with GrpcPeer(party.target) as hub:
        request = service.ListDocumentsRequest(**wanted)
        return list((await asked(hub.documents.ListDocuments(request, timeout=30.0))).documents)


async def _push(party: Party, payload: bytes) -> exchange.PushOneResponse:
    return await party.push_parcel(parcel_pb2.Parcel.FromString(payload), 10_000)


def _yesterday() -> tuple[datetime, str]:
    zone = ZoneInfo("Asia/Shanghai")
    noon = (datetime.now(UTC).astimezone(zone) - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    return noon, noon.date().isoformat()


def _problem(number: int, noon: datetime) -> Case:
    moment = round(noon.timestamp() * 1_000_000) + number
    report = a_report(state=ReportState.FILED, grid_code=GRID, reported_time=moment)
    return a_case(f"P-{number}", report=report)


async def test_three_cases_of_a_day_become_a_letter_that_the_county_answers(region: Region) -> None:
    noon, day = _yesterday()
    for number in range(3):
        await region.county.push(_problem(number, noon))
    # The hub's own job finds them, and nobody needs to ask.
    await until_value(region.city, 1, "SELECT count(*) FROM followup_proposals WHERE state = 'proposed'")
    async with Ledger(region.city.url, pool_size=0) as ledger:
        letters = make_followup(region.city.settings, ledger, system_clock).letters
        (proposal,) = await letters.listing(ProposalFilter(HERE), 10)
        assert (proposal.place, proposal.day.isoformat(), proposal.addressee_id) == (GRID, day, COUNTY)
        assert [case.case_no for case in proposal.cases] == ["P-0", "P-1", "P-2"]
        sent = await letters.confirm(proposal.proposal_id, HERE, "zhang")
    letter = await _until_pulled(region.county, sent.document_id)
    assert letter.content is not None
    assert letter.content.kind is DocumentKind.ASSIGNMENT_LETTER
    assert GRID in letter.content.title
    assert [view.key.document_id for view in await _listed(region.county)] == [letter.document_id]
    assert await _listed(region.other) == []

    with pytest.raises((CallRefused, CredentialsRefused)) as refused:
        await _answer(region.other, letter, state=2, text="不是我的")
    assert refused.value.reason == "DOCUMENT_NOT_FOUND"
    assert (await _answer(region.county, letter, state=1)).revision == 1
    await until_value(region.city, 1, ANSWERED, letter.document_id)
    assert (await _answer(region.county, letter, state=2, text="已整改到位")).revision == 2
    ended = "SELECT state FROM followup_proposals WHERE proposal_id = %s"
    await until_value(region.city, "answered", ended, proposal.proposal_id)
    (view,) = await _listed(region.county)
    assert (view.answer.text, view.answer.revision) == ("已整改到位", 2)
    assert await _listed(region.county, is_open=True) == []


async def test_a_paper_goes_up_with_its_file_and_a_newer_version_replaces_it(region: Region) -> None:
    draft = Draft(
        kind=DocumentKind.RESULT_SHEET, title="6月考评结果", region=431200, addressee_id=PROVINCE, text="见附件",
        deadline_time=system_clock() + DAY,
    )  # fmt: skip
    async with Ledger(region.city.url, pool_size=0) as ledger:
        desk = make_document_desk(region.city.settings, ledger, system_clock)
        file = await desk.keep_file("2020年6月通报.pdf", "application/pdf", PAPER)
        document = await desk.issue(replace(draft, files=(file,)))
        document_id = document.document_id
        await until_value(region.province, "held", HELD, f"document/{document_id}")
        assert stored(region.province)[digest_of(PAPER)].read_bytes() == PAPER
        async with Ledger(region.province.url, pool_size=0) as above:
            answering = make_document_desk(region.province.settings, above, system_clock)
            await answering.answer(CITY, document_id, AnswerState.ANSWERED, "已阅")
        await until_value(region.city, int(AnswerState.ANSWERED), ANSWERED, document_id)
        await desk.revise(document_id, replace(draft, title="6月考评结果（更正）"))
        await until_value(region.province, 2, "SELECT revision FROM documents WHERE document_id = %s", document_id)
    title = "SELECT title || (answer ->> 'text') FROM documents WHERE document_id = %s"
    assert value(region.province, title, document_id) == "6月考评结果（更正）已阅", "an answer outlives a newer version"


async def test_a_letter_of_the_province_reaches_a_countys_platform_over_the_city_and_is_answered_back(
    region: Region,
) -> None:
    draft = Draft(
        kind=DocumentKind.SUPERVISION_LETTER, title="督办", region=431221, addressee_id=COUNTY, text="请办理",
        deadline_time=system_clock() + DAY,
    )  # fmt: skip
    async with Ledger(region.province.url, pool_size=0) as ledger:
        document = await make_document_desk(region.province.settings, ledger, system_clock).issue(draft)
    letter = await _until_pulled(region.county, document.document_id)
    assert letter.issuer_id == PROVINCE
    await _answer(region.county, letter, state=2, text="已办结，李雷 13812345678")
    answer = "SELECT answer ->> 'text' FROM documents WHERE document_id = %s"
    # The tiers that work with figures get the number masked, as in cases; the city has it as it was written.
    await until_value(region.province, "已办结，李雷 138****5678", answer, document.document_id)
    assert value(region.city, answer, document.document_id) == "已办结，李雷 13812345678"


async def test_what_is_not_ones_own_is_refused_or_put_aside_with_its_reason(region: Region) -> None:
    forged = a_letter("forged", issued_time=system_clock())
    receipt = await _push(region.county, a_payload(forged, COUNTY, created_time=system_clock()))
    assert receipt.verdict.reason == "ORIGIN_FORBIDDEN"
    receipt = await _push(region.county, a_payload(forged, created_time=system_clock()))
    assert receipt.verdict.reason == "ORIGIN_FORBIDDEN"
    async with Ledger(region.city.url, pool_size=0) as ledger:
        desk = make_document_desk(region.city.settings, ledger, system_clock)
        draft = Draft(
            kind=DocumentKind.ASSIGNMENT_LETTER, title="交办", region=431221, addressee_id=COUNTY, text="办理"
        )
        document = await desk.issue(draft)
    await _until_pulled(region.county, document.document_id)
    now = system_clock()
    theirs = an_answer(document.document_id, answerer_id=OTHER_COUNTY, answered_time=now)
    receipt = await _push(region.other, a_payload(theirs, created_time=now))
    assert receipt.receipt.reason == "SECTION_FORBIDDEN"
    held = "SELECT reason FROM quarantine WHERE origin_id = %s AND stage = 'apply'"
    assert value(region.city, held, OTHER_COUNTY) == "SECTION_FORBIDDEN"
    receipt = await _push(
        region.county, a_payload(an_answer(document.document_id, revision=2, answered_time=now), created_time=now)
    )
    assert not receipt.receipt.reason
    stale = an_answer(document.document_id, revision=1, answered_time=now, text="旧")
    await _push(region.county, a_payload(stale, created_time=now))
    text = "SELECT answer ->> 'text' FROM documents WHERE document_id = %s"
    assert value(region.city, text, document.document_id) == "已整改到位。"
