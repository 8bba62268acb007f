"""``CountyClient`` against a running hub: the documented example, durability, receipts, assignments."""

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from bench.workload import HANDLER, ISSUER, case_of
from connectors.county.client import ConditionName, CountyClient, State
from connectors.county.packing import pack
from connectors.county.profile import Profile, write_profile
from connectors.county.spool import Item, Spool, SpoolInvalid
from connectors.errors import CallRefused, CredentialsRefused, Unreachable
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case, CodeKind, Handling, HandlingState, Milestone, Violated
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import a_case, a_handling, a_report, a_verdict
from tests.support.clock import at
from tests.support.sources import ROOT
from tests.support.stages import change, quick, staged, until, until_value, value

CASE_STATE = "SELECT handling_revision FROM cases WHERE case_no = %s"


class Site(NamedTuple):
    """A city's hub, the city's own platform and a county's."""

    hub: StagedHub
    city: Profile
    county: Profile


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
        hub.start()
        await hub.wait_until_open()
        return Site(hub, await stage.add_platform(hub, ISSUER), await stage.add_platform(hub, HANDLER))

    with staged(server) as stage:
        yield asyncio.run(build(stage))


def cases_in(site: Site, prefix: str) -> int:
    return int(value(site.hub, "SELECT count(*) FROM cases WHERE case_no LIKE %s", f"{prefix}%"))


async def test_the_example_of_the_page_does_what_it_says(site: Site, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "pushing.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 21
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    write_profile(tmp_path / "keys", site.county)
    dispatched = case_of(1)
    async with CountyClient(site.city, tmp_path / "city.spool") as city:
        await city.report(dispatched)
        await city.flush(is_settled=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(tmp_path / "example.py"), str(tmp_path / "keys"), str(tmp_path / "county.spool"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    out, told = await process.communicate()
    assert process.returncode == 0, told.decode()
    lines = out.decode().splitlines()
    own = [line.strip() for line in lines if line.startswith("2020-0001")]
    assert own == ["2020-0001 accepted", "2020-0001 applied"]
    assert f"{dispatched.case_no} applied" in map(str.strip, lines)
    assert value(site.hub, CASE_STATE, dispatched.case_no) == 1


async def test_what_was_reported_survives_the_client_and_is_sent_by_the_next_one(site: Site, tmp_path: Path) -> None:
    away = msgspec.structs.replace(site.county, address="127.0.0.1:1")
    async with CountyClient(away, tmp_path / "spool") as client:
        ids = await client.report(*(a_case(f"S-{n}") for n in range(700)))
        assert client.waiting_count == len(set(ids)) == 700

        async def is_in_trouble() -> bool:
            return isinstance(client.trouble, Unreachable)

        await until(is_in_trouble, "trouble")
        with pytest.raises(SpoolInvalid):
            await CountyClient(away, tmp_path / "spool").__aenter__()
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(a_case("S-0"))
        await client.flush(is_settled=True)
        assert (client.trouble, client.waiting_count) == (None, 0)
        receipts = [receipt async for receipt in client.receipts(stop_when_empty=True)]
    assert cases_in(site, "S-") == 700
    twice = [r.state for r in receipts if r.case_no == "S-0"]
    assert twice[0] is State.ACCEPTED
    assert sorted(twice) == sorted((State.ACCEPTED, State.KNOWN, State.APPLIED, State.STALE))
    assert sorted(r.message_id for r in receipts if r.state is State.APPLIED) == sorted(ids)


async def test_what_breaks_a_rule_is_told_by_case_with_its_reason(site: Site, tmp_path: Path) -> None:
    async with CountyClient(site.county, tmp_path / "spool") as client:
        with pytest.raises(Violated, match="FIELD_MISSING"):
            await client.report(a_case("T-0"), a_case("T-1", report=a_report(region_code="")))
        assert client.waiting_count == 0
        outside = a_case("T-2", report=a_report(region_code="430104"))
        forbidden = a_case("T-3", report=a_report(), verdict=a_verdict())
        await client.report(outside, forbidden, a_case("T-4"))
        await client.flush(is_settled=True)
        told = {r.case_no: r async for r in client.receipts(stop_when_empty=True)}
    assert [told[f"T-{n}"].state for n in (2, 3, 4)] == [State.REFUSED, State.QUARANTINED, State.APPLIED]
    assert told["T-2"].violation.reason == "REGION_FORBIDDEN"
    assert told["T-3"].violation.reason == "SECTION_FORBIDDEN"


async def test_a_receipt_that_was_not_dealt_with_comes_again(site: Site, tmp_path: Path) -> None:
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(a_case("U-1"), a_case("U-2"))
        receipts = client.receipts()
        first = [await anext(receipts) for _ in range(3)]
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.flush(is_settled=True)
        again = [receipt async for receipt in client.receipts(stop_when_empty=True)]
    assert len(first) == 3
    assert again[0] == first[2]
    assert [r.state for r in first[:2] + again] == [State.ACCEPTED] * 2 + [State.APPLIED] * 2


async def test_an_assignment_comes_again_until_the_caller_has_finished_with_it(site: Site, tmp_path: Path) -> None:
    numbers = range(100, 110)
    async with CountyClient(site.city, tmp_path / "city.spool") as city:
        await city.report(*map(case_of, numbers))
        await city.flush(is_settled=True)
    wanted = [case_of(number).case_no for number in numbers]
    taken: list[str] = []
    for stop_after in (4, 1, 20):
        async with CountyClient(site.county, tmp_path / "county.spool") as county:
            seen: list[str] = []
            async for case in county.assignments(stop_when_empty=True):
                if case.case_no not in wanted:
                    continue
                seen.append(case.case_no)
                if len(seen) == stop_after:
                    break
                await county.answer(case, Handling(1, HandlingState.RECEIVED))
                taken.append(case.case_no)
            await county.flush(is_settled=True)
    assert taken == wanted
    for number in wanted:
        await until_value(site.hub, 1, CASE_STATE, number)


async def test_a_hub_and_a_spool_that_disagree_go_on_in_a_new_stream(site: Site, tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "spool", keeps_all=True)) as spool:
        spool.write([Item(*pack(HANDLER, a_case(f"V-{n}"))) for n in range(10)])
        spool.answer(6, set(), [])
        old = spool.stream
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(a_case("V-10"))
        await client.flush(is_settled=True)
    assert cases_in(site, "V-") == 11
    with closing(Spool(tmp_path / "spool", keeps_all=True)) as spool:
        assert spool.stream != old


async def test_a_spool_of_an_older_backup_loses_and_doubles_nothing(site: Site, tmp_path: Path) -> None:
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(a_case("W-0"))
        await client.flush(is_settled=True)
    backup = (tmp_path / "spool").read_bytes()
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(*(a_case(f"W-{n}") for n in range(1, 5)))
        await client.flush(is_settled=True)
    (tmp_path / "spool").write_bytes(backup)
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(*(a_case(f"W-{n}") for n in range(4, 9)))
        await client.flush(is_settled=True)
    assert cases_in(site, "W-") == 9
    assert value(site.hub, "SELECT count(*) FROM quarantine WHERE reason = 'MESSAGE_ID_REUSED'") == 0


async def test_a_blocked_platform_is_told_and_keeps_what_it_has(site: Site, tmp_path: Path) -> None:
    change(site.hub, "UPDATE peers SET state = 'blocked' WHERE peer_id = %s", HANDLER)
    try:
        async with CountyClient(site.county, tmp_path / "spool") as client:
            await client.report(a_case("X-1"))
            with pytest.raises(CredentialsRefused):
                await client.flush()
            with pytest.raises(CredentialsRefused):
                await anext(client.assignments())
            assert client.waiting_count == 1
    finally:
        change(site.hub, "UPDATE peers SET state = 'active' WHERE peer_id = %s", HANDLER)
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.flush(is_settled=True)
    assert cases_in(site, "X-") == 1


def test_a_section_without_a_report_is_dated_by_what_it_tells() -> None:
    case = Case(ISSUER, "Y-1", handling=a_handling())
    assert pack(HANDLER, case) == pack(HANDLER, case)
    bare = Case(ISSUER, "Y-1", handling=Handling(1, HandlingState.RECEIVED))
    assert pack(HANDLER, bare).message_id != pack(HANDLER, case).message_id


async def test_the_hub_computes_the_deadlines_the_city_writes_into_an_assignment(site: Site, tmp_path: Path) -> None:
    start_time = at("2021-12-31T17:00+08:00")
    async with CountyClient(site.city, tmp_path / "spool") as city:
        found = await city.deadline("431221", start_time, "2紧急工作时围护 | 1工作日修复")
        paused = await city.deadline("431221", start_time, "1日", [(start_time, 0)])
        with pytest.raises(CallRefused) as refused:
            await city.deadline("431221", start_time, ConditionName("GB/T-30428.2-2013", CodeKind.EVENT, "01-10"))
    assert found.milestones == (
        Milestone("围护", at("2021-12-31T19:00+08:00")),
        Milestone("修复", at("2022-01-04T17:00+08:00")),
    )
    assert (found.steps[1].limit_value, found.steps[1].limit_unit, found.is_certain) == (1, 3, True)
    assert found.standards[0][:2] == ("calendar", "chinesecalendar")
    assert (paused.milestones, paused.steps[0].deadline_time) == ((), 0)
    assert refused.value.reason == "CONDITION_UNKNOWN"
