"""Certificates and signing keys that end are told of once at each stage."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auth.certificates import issue, make_authority
from exchange_db import audit, peers, seals
from exchange_db.audit import Search
from exchange_db.peers import NewPeer
from exchange_db.seal_records import BatchKey
from exchange_db.session import Ledger
from hub.federation.expiry import ACTION, ExpiryWatch, stage_of
from tests.support.builders import CITY, COUNTY, OTHER_COUNTY
from tests.support.clock import FakeClock

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "stage"),
    [(31, None), (30.1, None), (30, 30), (15, 30), (14, 14), (7, 7), (6, 7), (1, 1), (0.5, 1), (-3, 0)],
)
def test_a_stage_lasts_until_the_next_one(days: float, stage: int | None) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert stage_of(now + timedelta(days=days), now) == stage


async def _told(ledger: Ledger) -> list[str]:
    async with ledger.read() as session:
        lines = await audit.search(session, Search(action=ACTION), limit=100)
    return [line.object for line in reversed(lines)]


async def test_what_ends_is_told_once_at_each_stage(ledger: Ledger, tmp_path: Path) -> None:
    clock = FakeClock()
    now = datetime.fromtimestamp(clock() / 1_000_000, UTC)
    own = tmp_path / "hub.pem"
    own.write_bytes(issue(make_authority("一级", now), CITY, now, days=200).certificate)
    key = BatchKey(COUNTY, "0" * 16, "SM2-SM3", b"", now, now + 12 * DAY, b"")
    async with ledger.write() as session:
        for name, days in ((COUNTY, 20), (OTHER_COUNTY, 100)):
            entry = NewPeer(name, name, int(name[:6]), "platform", "child", "", f"{name:0>64}", now + days * DAY)
            await peers.enrol(session, entry)
        await seals.add_key(session, key)
        await seals.add_key(session, key._replace(peer_id=OTHER_COUNTY))
        await seals.add_key(session, key._replace(peer_id=OTHER_COUNTY, key_id="1" * 16, end_time=now + 300 * DAY))
    watch = ExpiryWatch(ledger, CITY, own, clock)
    assert await watch.run() == 2
    assert await watch.run() == 0
    first = await _told(ledger)
    assert [name.split()[0:2] + name.split()[-1:] for name in first] == [
        [COUNTY, "certificate", "30d"],
        [COUNTY, "signing_key", "14d"],
    ]
    clock.advance(days=6)
    assert await watch.run() == 2
    assert [name.split()[-1] for name in (await _told(ledger))[2:]] == ["14d", "7d"]
    async with ledger.write() as session:
        await peers.set_state(session, COUNTY, "blocked")
    clock.advance(days=194)
    assert await watch.run() == 2
    assert [name.split()[0] for name in (await _told(ledger))[4:]] == [CITY, OTHER_COUNTY]
