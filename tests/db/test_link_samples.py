"""The past of links: samples fall into their buckets, the worst stays, and what is old goes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from exchange_db import link_samples
from exchange_db.link_samples import KEPT, WHOLE_HUB, Grain, Sampled
from exchange_db.session import Ledger
from hub.jobs.link_samples import begins_of, link_sample_jobs
from hub.settings import HubPart, Settings
from tests.support.builders import CITY, COUNTY
from tests.support.clock import FakeClock
from tests.support.neighbours import enrolled

_ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


async def _seen(ledger: Ledger, moment: datetime, *samples: Sampled) -> None:
    async with ledger.write() as session:
        await link_samples.keep(session, samples, begins_of(moment, _ZONE))


async def test_the_worst_of_a_bucket_stays_and_its_numbers_are_the_last(ledger: Ledger) -> None:
    await _seen(ledger, NOON, Sampled(7, True, 90, 400, None, 10, 5), Sampled(8, False, 1, 0, 80, 3, 3))
    await _seen(ledger, NOON + timedelta(minutes=4), Sampled(7, False, 2, 1, 700, 30, 6))
    await _seen(ledger, NOON + timedelta(minutes=5), Sampled(7, False, 0, 0, 300, 50, 9))
    async with ledger.read() as session:
        minutes = await link_samples.history(session, 7, Grain.MINUTES, NOON)
        assert [tuple(one)[1:] for one in minutes] == [(2, 1, 90, 400, 700, 30, 6), (1, 0, 0, 0, 300, 50, 9)]
        (hour,) = await link_samples.history(session, 7, Grain.HOUR, NOON)
        assert tuple(hour)[1:] == (3, 1, 90, 400, 700, 50, 9)
        (whole,) = await link_samples.history(session, WHOLE_HUB, Grain.DAY, NOON - timedelta(days=1))
        assert whole.begin_time == datetime(2026, 3, 1, tzinfo=_ZONE)
        assert (whole.down_count, whole.lag_records, whole.sent_number) == (1, 91, 50)
        later = await link_samples.history(session, 7, Grain.MINUTES, NOON + timedelta(minutes=5))
        assert [one.sent_number for one in later] == [30, 50]


async def test_traffic_counts_from_midnight_or_from_the_first_look(ledger: Ledger) -> None:
    day = datetime(2026, 3, 1, tzinfo=_ZONE)
    async with ledger.read() as session:
        assert await link_samples.traffic(session, day) is None
    await _seen(ledger, NOON, Sampled(7, False, 0, 0, None, 100, 10))
    await _seen(ledger, NOON + timedelta(hours=1), Sampled(7, False, 0, 0, None, 160, 30))
    async with ledger.read() as session:
        assert await link_samples.traffic(session, day) == (NOON, 60, 20)
        assert await link_samples.traffic(session, day + timedelta(days=1)) is None
    await _seen(ledger, NOON + timedelta(days=1), Sampled(7, False, 0, 0, None, 165, 31))
    async with ledger.read() as session:
        next_day = day + timedelta(days=1)
        assert await link_samples.traffic(session, next_day) == (next_day, 5, 1)


async def test_what_is_past_its_time_goes_and_the_job_keeps_every_link(ledger: Ledger) -> None:
    peer = await enrolled(ledger, COUNTY)
    clock = FakeClock()
    now = datetime.fromtimestamp(clock() / 1_000_000, UTC)
    old = now - KEPT[Grain.HOUR] - timedelta(hours=1)
    await _seen(ledger, old, Sampled(peer.destination_id, False, 0, 0, None, 0, 0))
    (job,) = link_sample_jobs(ledger, Settings(hub=HubPart(id=CITY, name="怀化")), clock)
    assert "1 条链路" in await job.act()
    async with ledger.write() as session:
        await link_samples.forget(session, now)
        kept = {
            grain: [one.begin_time for one in await link_samples.history(session, peer.destination_id, grain, old)]
            for grain in Grain
        }
    begins = begins_of(now, _ZONE)
    assert kept[Grain.MINUTES] == [begins[Grain.MINUTES]]
    assert kept[Grain.HOUR] == [begins[Grain.HOUR]]
    assert kept[Grain.DAY] == [begins_of(old, _ZONE)[Grain.DAY], begins[Grain.DAY]]


@pytest.mark.parametrize(("moment", "day"), [("15:59:59", 1), ("16:00:00", 2)])
def test_a_day_begins_at_midnight_of_the_hubs_zone(moment: str, day: int) -> None:
    begins = begins_of(datetime.fromisoformat(f"2026-03-01T{moment}+00:00"), _ZONE)
    assert begins[Grain.DAY] == datetime(2026, 3, day, tzinfo=_ZONE)
    assert begins[Grain.MINUTES].minute % 5 == 0
