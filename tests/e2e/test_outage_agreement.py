"""A province is killed: page, alert, metrics and canary agree within ten seconds, and recover by themselves.

All settings that concern time are those a hub is shipped with. What is compared are moments the hub recorded itself;
of what is read from outside, nothing that was asked for later than ten seconds after the outage began may say that the
link is well.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from aiohttp import ClientSession

from exchange_db import canaries, jobs, wakeups
from exchange_db.canaries import Canary, CanaryState
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.demo.staging import Stage, StagedHub, free_port
from tests.support.commands import sanji
from tests.support.receivers import group
from tests.support.stages import logs_of, rows, staged, until, value

PROVINCE, CITY = "430000.hub", "431200.hub"
_AGREED, _SECOND = timedelta(seconds=10), timedelta(seconds=1)
_OUTAGES = "SELECT start_time, end_time, cause FROM outages WHERE direction = 'out' ORDER BY start_time DESC LIMIT 1"
_ALERT = "SELECT opened_time, closed_time FROM alerts WHERE rule = 'link.down' AND subject = %s"


class Site(NamedTuple):
    """A city below a province, and the port its alerts are told to."""

    city: StagedHub
    province: StagedHub
    port: int


class Look(NamedTuple):
    """What was read of the link from outside, and when it was asked for: whether it is said to be down."""

    asked_time: datetime
    overview: bool
    page: bool
    metrics: bool
    command: bool
    canary: bool

    @property
    def told(self) -> set[bool]:
        """What all of them say."""
        return set(self[1:])


async def _build(stage: Stage, port: int) -> Site:
    watched = "[health]\nleast_free_megabytes = 0\n\n"
    told = (
        '[log]\nformat = "json"\n\n[alerts]\nescalation_minutes = [0.0, 60.0]\n\n'
        f'[alerts.channels.duty]\nkind = "wecom"\nurl = "http://127.0.0.1:{port}/robot/send"\n'
        f'addresses = ["127.0.0.1:{port}"]\n\n'
    )
    province = await stage.add_hub(PROVINCE, "湖南省枢纽", watched)
    city = await stage.add_hub(CITY, "怀化市枢纽", watched + told)
    province.start()
    await province.wait_until_open()
    await stage.join(province, city)
    city.start()
    await city.wait_until_open()
    return Site(city, province, port)


@pytest.fixture
def site(server: EmbeddedServer) -> Iterator[Site]:
    with staged(server) as stage:
        yield asyncio.run(_build(stage, free_port()))


async def _canary(hub: StagedHub) -> Canary | None:
    async with Ledger(hub.url, pool_size=0) as ledger, ledger.read() as session:
        return (await canaries.latest(session)).get(PROVINCE)


async def _look(site: Site, client: ClientSession) -> Look:
    asked_time = datetime.now(UTC)

    async def read(path: str) -> str:
        async with client.get(path) as response:
            assert response.status == 200, path
            return await response.text()

    overview, page, metrics = await read("/"), await read(f"/links/show?id={PROVINCE}"), await read("/metrics")
    listed = await sanji("link", "list", "--json", "--config", site.city.settings_file)
    states = [one["health"] for one in json.loads(listed.told) if one["peer_id"] == PROVINCE]
    canary = await _canary(site.city)
    return Look(
        asked_time,
        overview=bool(re.search(r"链路中断.*湖南省枢纽|湖南省枢纽.*链路中断", overview)),
        page='<span class="badge broken_link">中断</span>' in page,
        metrics=f'sanji_link_down{{peer="{PROVINCE}"}} 1' in metrics,
        command="down" in states,
        canary=canary is not None and canary.state is CanaryState.LATE,
    )


async def _until_told(site: Site, client: ClientSession, *, is_down: bool) -> list[Look]:
    """Looks until all say the same as wanted; returns all that was seen on the way."""
    looks: list[Look] = []

    async def is_so() -> bool:
        looks.append(await _look(site, client))
        return looks[-1].told == {is_down}

    try:
        await until(is_so, f"page, metrics, command and canary say {is_down}")
    except AssertionError as error:
        raise AssertionError(f"{error}; {looks[-1]}; {logs_of(site.city)}") from None
    return looks


async def _until_asked(site: Site) -> None:
    """Returns when the city knows that the province knows canaries, and one has come back."""

    async def is_back() -> bool:
        async with Ledger(site.city.url, pool_size=0) as ledger:
            async with ledger.write() as session:
                await jobs.order(session, "send-canaries", system_clock())
            async with ledger.watching() as connection:
                await wakeups.wake(connection.driver, wakeups.ORDERED)
        canary = await _canary(site.city)
        return canary is not None and canary.state is CanaryState.RETURNED

    await until(is_back, "a canary there and back", step_seconds=1)


def _logged_time(hub: StagedHub, text: str, since: datetime) -> datetime:
    """Returns when the hub wrote a line that begins so."""
    lines = (json.loads(line) for line in hub.log_of().read_text(encoding="utf-8").splitlines() if line[:1] == "{")
    times = (datetime.fromisoformat(line["time"]) for line in lines if line["message"].startswith(text))
    return next(time for time in times if time >= since)


async def test_a_killed_province_is_told_alike_within_ten_seconds_and_comes_back_by_itself(site: Site) -> None:
    city, province = site.city, site.province
    url = f"http://127.0.0.1:{city.settings.console.port}"
    async with group(site.port) as duty, ClientSession(url) as client:
        await _until_asked(site)
        assert (await _until_told(site, client, is_down=False))[-1].told == {False}
        province.kill()
        killed_time = datetime.now(UTC)
        looks = await _until_told(site, client, is_down=True)

        async def is_alarmed() -> bool:
            return bool(rows(city, f"{_ALERT} AND closed_time IS NULL", PROVINCE)) and len(duty.posts) == 1

        await until(is_alarmed, "an open alert and its notice")
        ((start_time, end_time, cause),) = rows(city, _OUTAGES)
        assert (end_time, cause) == (None, "LINK_UNREACHABLE")
        assert abs(start_time - killed_time) <= _SECOND, "the outage begins when the province was killed"
        ((alarmed_time, _),) = rows(city, _ALERT, PROVINCE)
        asked_time = value(city, "SELECT sent_time FROM canaries WHERE peer_id = %s", PROVINCE)
        assert max(alarmed_time, asked_time) - start_time <= _AGREED
        late = [look for look in looks if look.asked_time > start_time + _AGREED and look.told != {True}]
        assert late == [], "nothing asked for after ten seconds says that the link is well"

        restarted_time = datetime.now(UTC)
        province.start()
        await _until_told(site, client, is_down=False)

        async def is_over() -> bool:
            return not rows(city, f"{_ALERT} AND closed_time IS NULL", PROVINCE) and len(duty.posts) == 2

        await until(is_over, "a closed alert and its notice")
        ((started_time, ended_time, _),) = rows(city, _OUTAGES)
        assert started_time == start_time, "one outage"
        reached_time = _logged_time(city, f"deliver {PROVINCE}: reachable again", restarted_time)
        assert abs(ended_time - reached_time) <= _SECOND, "it ends with the first call that succeeds"
        ((_, closed_time),) = rows(city, _ALERT, PROVINCE)
        returned_time = value(city, "SELECT returned_time FROM canaries WHERE peer_id = %s", PROVINCE)
        assert timedelta(0) <= returned_time - start_time
        assert returned_time >= ended_time - _SECOND, "what proves the link is a record that passed"
        assert closed_time - ended_time <= _AGREED
        bodies = [json.dumps(body, ensure_ascii=False) for body in duty.bodies]
        assert [("中断" in body, PROVINCE in body) for body in bodies] == [(True, True)] * 2, "down once, up once"
        shown = await sanji("link", "show", PROVINCE, "--config", city.settings_file)
    begin, end = (f"{moment.astimezone():%m-%d %H:%M:%S}" for moment in (start_time, ended_time))
    assert f"out {begin} – {end} LINK_UNREACHABLE" in shown.told
    assert value(city, "SELECT count(*) FROM audit_entries WHERE action LIKE 'link.%%'") == 0, "nobody did anything"
