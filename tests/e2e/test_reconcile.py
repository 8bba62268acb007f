"""Two hubs and a platform compare what they exchanged: equal days, and records lost or changed by hand."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from connectors.county.client import CountyClient
from connectors.county.profile import Profile
from connectors.errors import CallRefused
from connectors.reconciliation import Cause
from connectors.transports.grpc_peer import GrpcPeer, asked
from connectors.transports.reconcile_calls import fetch_records, resend_records
from connectors.wire import mark_of
from exchange_db import link_days
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.cli.reconcile import compare as compare_links
from hub.demo.staging import Stage, StagedHub
from hub.reconciliation.compared import ComparedLink
from protos.federation.v1 import reconcile_service_pb2 as reconcile
from tests.support.builders import a_case, a_report
from tests.support.commands import Ran, sanji
from tests.support.stages import change, quick, rows, staged, target_of, until_settled, value

#: The day the builders date their records.
DAY = "2020-06-15"
#: A report of another province, which the city's hub refuses.
OUTSIDE = a_report(region_code="430104")
TO, FROM = reconcile.WAY_TO_HUB, reconcile.WAY_FROM_HUB
_PAYLOAD = "SELECT encode(i.payload, 'hex') FROM inbox i WHERE i.message_key = %s"


class Site(NamedTuple):
    """A province's hub, a city's below it, and a county's platform."""

    province: StagedHub
    city: StagedHub
    county: Profile


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        province = await stage.add_hub("430000.hub", "湖南省枢纽", quick())
        city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
        for hub in (province, city):
            hub.start()
        await asyncio.gather(province.wait_until_open(), city.wait_until_open())
        await stage.join(province, city)
        return Site(province, city, await stage.add_platform(city, "431221.platform"))

    with staged(server) as stage:
        yield asyncio.run(build(stage))


async def report(site: Site, folder: Path, prefix: str, count: int = 12) -> list[str]:
    """Reports cases and returns the keys of their messages, as the province knows them."""
    async with CountyClient(site.county, folder / "spool") as client:
        await client.report(*(a_case(f"{prefix}-{number}") for number in range(count)))
        await client.flush(is_settled=True)
    await until_settled(site.city)
    found = rows(
        site.province,
        "SELECT i.message_key::text FROM cases c JOIN inbox i ON i.inbox_id = c.report_inbox_id"
        " WHERE c.case_no LIKE %s ORDER BY 1",
        f"{prefix}-%",
    )
    assert len(found) == count
    return [row[0] for row in found]


async def compare(hub: StagedHub, *, is_repairing: bool = False) -> ComparedLink:
    """Compares the day of the cases from a hub's side of its one dialled link, as the command does."""
    async with Ledger(hub.url, pool_size=0) as ledger:
        (link,) = await compare_links(ledger, hub.settings, "", 20200615, is_repairing=is_repairing, is_full=False)
    assert link.trouble == ""
    return link


def causes(link: ComparedLink) -> dict[str, str]:
    return {str(UUID(bytes=item.mark.message_key)): item.cause for day in link.days for item in day.found}


def left(link: ComparedLink) -> int:
    return sum(day.left_count for day in link.days)


async def shown(hub: StagedHub) -> Ran:
    return await sanji("reconcile", "show", "--days", "9999", "--config", hub.settings_file)


async def test_an_equal_day_is_told_by_both_ends(site: Site, tmp_path: Path) -> None:
    await report(site, tmp_path, "A")
    for hub in (site.city, site.province):
        link = await compare(hub)
        assert [day.found for day in link.days] == [(), ()]
        async with Ledger(hub.url, pool_size=0) as ledger, ledger.read() as session:
            days = await link_days.listing(session, link.peer_id, 20200615, 20200615)
        assert {day.is_sent: day.own_count for day in days} == {hub is site.city: 12, hub is not site.city: 0}
        full = next(day for day in days if day.own_count)
        assert (full.other_count, full.receipted_count, full.coverage) == (12, 12, 1.0)
        assert (full.gap_count, full.difference_count) == (0, 0)
        assert full.age_p95_ms is not None
        assert full.age_p95_ms > 0
    ran = await shown(site.city)
    assert "100.00 %" in ran.told


async def test_what_was_lost_or_changed_by_hand_is_found_sent_again_and_reported(site: Site, tmp_path: Path) -> None:
    lost, half_lost, changed, forgotten, *_ = await report(site, tmp_path, "B")
    bytes_before = {key: value(site.province, _PAYLOAD, key) for key in (lost, half_lost, changed, forgotten)}
    await compare(site.city)
    for key in (lost, half_lost, forgotten):
        change(site.province, "DELETE FROM inbox WHERE message_key = %s", key)
    for key in (lost, forgotten):
        change(site.province, "DELETE FROM inbox_keys WHERE message_key = %s", key)
    change(site.province, "DELETE FROM link_marks WHERE message_key = %s", forgotten)
    change(site.province, "UPDATE inbox SET payload = payload || '\\x00' WHERE message_key = %s", changed)
    wanted = {lost: "lost", half_lost: "lost", changed: "damaged", forgotten: "never_arrived"}

    assert causes(await compare(site.city)) == wanted
    ran = await sanji("reconcile", "--day", DAY, "--repair", "--json", "--config", site.city.settings_file)
    assert ran.code == 0, ran.told
    told = [item for link in json.loads(ran.told) for day in link["days"] for item in day["differences"]]
    assert [item["is_resent"] for item in told] == [True] * 4
    assert {key: value(site.province, _PAYLOAD, key) for key in wanted} == bytes_before
    assert value(site.province, "SELECT accepted_count FROM streams WHERE name = 'resend'") == 2

    assert causes(await compare(site.city)) == {}
    async with Ledger(site.city.url, pool_size=0) as ledger, ledger.read() as session:
        kept = await link_days.differences(session, "430000.hub")
    assert {str(UUID(bytes=item.message_key)): item.cause for item in kept if item.settled_time} == wanted


async def test_the_end_that_misses_records_fetches_them(site: Site, tmp_path: Path) -> None:
    lost, changed, *_ = await report(site, tmp_path, "C")
    before = value(site.province, _PAYLOAD, lost)
    await compare(site.province)
    change(site.province, "DELETE FROM inbox WHERE message_key = %s", lost)
    change(site.province, "UPDATE inbox SET payload = 'x' WHERE message_key = %s", changed)
    assert causes(await compare(site.province)) == {lost: "lost", changed: "damaged"}
    assert left(await compare(site.province, is_repairing=True)) == 0
    assert value(site.province, _PAYLOAD, lost) == before
    assert causes(await compare(site.city)) == {}


async def test_what_the_sender_itself_lost_is_told_and_not_repaired(site: Site, tmp_path: Path) -> None:
    lost, *_ = await report(site, tmp_path, "D")
    await compare(site.city)
    change(site.city, "CREATE TABLE kept AS SELECT * FROM inbox WHERE message_key = '" + lost + "'")
    change(site.city, "DELETE FROM inbox WHERE message_key = %s", lost)
    link = await compare(site.city, is_repairing=True)
    assert (causes(link), left(link)) == ({lost: "sender_lost"}, 1)
    change(site.city, "INSERT INTO inbox SELECT * FROM kept")
    assert causes(await compare(site.city)) == {}


async def test_a_platform_reconciles_its_day_and_sends_again_what_its_hub_lost(site: Site, tmp_path: Path) -> None:
    async with CountyClient(site.county, tmp_path / "spool") as client:
        await client.report(*(a_case(f"E-{number}") for number in range(5)), a_case("E-R", report=OUTSIDE))
        await client.flush(is_settled=True)
        (ours,) = [day for day in await client.reconcile(20200615) if day.is_sent]
        assert ours.own_count == 6
        assert ours.causes == {Cause.REFUSED: 1, Cause.UNKNOWN_AT_SENDER: ours.hub_count - 5}

        lost = value(
            site.city,
            "SELECT i.message_key::text FROM cases c JOIN inbox i ON i.inbox_id = c.report_inbox_id"
            " WHERE c.case_no = 'E-3'",
        )
        before = value(site.city, _PAYLOAD, lost)
        change(site.city, "DELETE FROM inbox WHERE message_key = %s", lost)
        (found,) = [day for day in await client.reconcile(20200615) if day.is_sent]
        assert found.causes[Cause.LOST] == 1
        (mended,) = [day for day in await client.reconcile(20200615, is_repairing=True) if day.is_sent]
        assert mended.resent_count == 1
        assert value(site.city, _PAYLOAD, lost) == before
        (after,) = [day for day in await client.reconcile(20200615) if day.is_sent]
        assert after == ours
    told = value(
        site.city,
        "SELECT difference_count FROM link_days d JOIN peers p USING (destination_id)"
        " WHERE p.peer_id = '431221.platform' AND NOT is_sent AND day = 20200615 AND compared_by = p.peer_id",
    )
    assert told == ours.causes.total()


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("ListDayTotals", reconcile.ListDayTotalsRequest(first_day=20200615, last_day=20200615), "way"),
        ("ListDayTotals", reconcile.ListDayTotalsRequest(way=TO, first_day=20201301, last_day=20200615), "first_day"),
        ("ListDayTotals", reconcile.ListDayTotalsRequest(way=TO, first_day=20200615), "last_day"),
        ("ListHourTotals", reconcile.ListHourTotalsRequest(way=TO, day=-1), "day"),
        ("ListBucketTotals", reconcile.ListBucketTotalsRequest(way=FROM, hour=-1), "hour"),
        ("ListMarks", reconcile.ListMarksRequest(way=TO, hour=438_000, bucket=256), "bucket"),
        ("ListMarks", reconcile.ListMarksRequest(way=TO, after=reconcile.RecordMark(created_time=1)), "after"),
        ("ExplainMarks", reconcile.ExplainMarksRequest(way=TO, marks=[reconcile.RecordMark()]), "marks"),
        ("FetchRecords", reconcile.FetchRecordsRequest(marks=[reconcile.RecordMark(message_key=bytes(16))]), "marks"),
        ("ResendRecords", reconcile.ResendRecordsRequest(), "parcels"),
        ("TellResults", reconcile.TellResultsRequest(days=[reconcile.ComparedDay(way=TO, day=1)]), "days.day"),
    ],
)
async def test_a_call_that_makes_no_sense_names_its_field(site: Site, method: str, request_: Any, field: str) -> None:
    async with GrpcPeer(target_of(site.county)) as hub:
        with pytest.raises(CallRefused) as refused:
            await asked(getattr(hub.reconcile, method)(request_, timeout=30.0))
    assert refused.value.reason == "ARGUMENT_INVALID"
    assert [path for path, _ in refused.value.violations] == [field]


async def test_a_platform_gets_no_bytes_of_what_is_not_owed_to_it(site: Site, tmp_path: Path) -> None:
    await report(site, tmp_path, "F", 1)
    payload = bytes.fromhex(
        value(
            site.city,
            "SELECT encode(i.payload, 'hex') FROM cases c JOIN inbox i ON i.inbox_id = c.report_inbox_id"
            " WHERE c.case_no = 'F-0'",
        )
    )
    mark = mark_of(payload)
    assert mark is not None
    async with GrpcPeer(target_of(site.county)) as hub:
        assert (await fetch_records(hub, [mark]))[0] == []
        assert await resend_records(hub, [payload, b"\xff"]) == [True, False]
