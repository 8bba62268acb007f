"""How links by files stand: nobody dials them, so neither silence nor some days without an answer is a fault."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from auth.certificates import issue, make_authority, thumbprint
from connectors.county.profile import read_profile
from exchange_db import canaries, file_links, links, outages, peers
from exchange_db.link_states import SLOW_FILES_SECONDS, LinkHealth, LinkState, states_of_link
from exchange_db.outages import Direction
from exchange_db.peers import FILES, Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.alerts.observers import seen_of_links
from hub.clock import system_clock
from hub.federation.entering import enter_by_certificate, write_files_profile
from hub.federation.file_signing import platform_file_keys
from hub.files.medium import change
from hub.joining.desk import JoiningDesk, Wanted
from hub.links.making import make_desk
from hub.settings import Settings
from tests.support.builders import CITY, COUNTY, PROVINCE
from tests.support.neighbours import enrolled


async def _both(ledger: Ledger, peer_id: str, *, later: int = 0) -> list[LinkState]:
    async with ledger.read() as session:
        return await states_of_link(session, peer_id, datetime.now(UTC) + timedelta(seconds=later))


async def _peer(ledger: Ledger, peer_id: str) -> Peer:
    async with ledger.read() as session:
        peer = await peers.by_id(session, peer_id)
    assert peer is not None
    return peer


async def test_a_change_of_medium_ends_what_was_broken_and_keeps_the_way_back(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent", address="h:1")
    async with ledger.watching() as connection:
        await links.note_failure(connection.driver, peer.destination_id, "no route", 30)
        await canaries.note_able(connection, PROVINCE, is_able=True)
    await change(ledger, PROVINCE, to_files=True)
    by_files = await _peer(ledger, PROVINCE)
    assert (by_files.address, by_files.has_files, by_files.is_dialled) == (f"{FILES}h:1", True, False)
    assert [state.health for state in await _both(ledger, PROVINCE)] == [LinkHealth.UNKNOWN] * 2
    async with ledger.watching() as connection:
        assert await canaries.begin(connection, 1, 10) == [], "no question goes by files"
    with pytest.raises(Violated, match="FILE_LINK_SO"):
        await change(ledger, PROVINCE, to_files=True)
    await change(ledger, PROVINCE, to_files=False)
    assert (await _peer(ledger, PROVINCE)).address == "h:1"


async def test_a_file_is_the_last_success_and_silence_is_none(ledger: Ledger) -> None:
    peer = await enrolled(ledger, CITY)
    await change(ledger, CITY, to_files=True)
    async with ledger.watching() as connection:
        await file_links.standing(connection, peer.destination_id)
        await file_links.note_export(connection.driver, peer.destination_id, 5, "said")
        await file_links.note_import(connection.driver, peer.destination_id)
        await connection.driver.execute("UPDATE links SET heard_time = heard_time - interval '10 days'")
        long_ago = datetime.now(UTC) - timedelta(days=30)
        assert await outages.note_silence(connection.driver, 60, long_ago, (Direction.IN, Direction.OUT)) == 0
        exported, imported = await file_links.last_files(connection, peer.destination_id)
    assert exported is not None
    assert imported is not None
    states = await _both(ledger, CITY)
    assert [state.health for state in states] == [LinkHealth.GOOD] * 2
    assert all(state.last_success_time for state in states)


async def test_days_without_an_answer_are_slow_only_when_they_are_many(ledger: Ledger) -> None:
    peer = await enrolled(ledger, CITY)
    await change(ledger, CITY, to_files=True)
    async with ledger.watching() as connection:
        await file_links.standing(connection, peer.destination_id)
        await file_links.note_export(connection.driver, peer.destination_id, 5, "said")
        await connection.driver.execute(
            "INSERT INTO link_lags (destination_id, counted_time, due_count, oldest_time) VALUES (%s, now(), 3, now())",
            (peer.destination_id,),
        )
    for later, health, told in ((86_400, LinkHealth.GOOD, 0.0), (SLOW_FILES_SECONDS + 9, LinkHealth.SLOW, 1.0)):
        outgoing, incoming = await _both(ledger, CITY, later=later)
        assert outgoing.health is health
        (lag,) = [one.value for one in seen_of_links([outgoing, incoming]) if one.measure == "link_lag_seconds"]
        assert bool(lag) == bool(told)


async def test_trouble_is_told_in_both_directions_until_it_is_over(ledger: Ledger) -> None:
    peer = await enrolled(ledger, CITY)
    await change(ledger, CITY, to_files=True)
    async with ledger.watching() as connection:
        await file_links.note_import(connection.driver, peer.destination_id)
        await file_links.note_trouble(connection.driver, peer.destination_id, "FILE_EARLY 5–9")
    assert {state.last_error for state in await _both(ledger, CITY)} == {"FILE_EARLY 5–9"}
    async with ledger.watching() as connection:
        await file_links.note_trouble(connection.driver, peer.destination_id, "")
    assert {state.last_error for state in await _both(ledger, CITY)} == {""}


async def test_what_streams_are_known_to_miss_only_grows(ledger: Ledger) -> None:
    from exchange_db import inbox

    async with ledger.watching() as connection:
        await enrolled(ledger, CITY)
        stream = await inbox.open_stream(connection, CITY, "link")
        await file_links.note_stream(connection.driver, stream.stream_id, 5, 3, 9)
        await file_links.note_stream(connection.driver, stream.stream_id, 4, 4, 8)
        (found,) = await file_links.streams_of(connection, CITY)
        assert found[1:] == ("link", 0, 5, 4, 9)
        assert found.is_missing
        assert await file_links.known_in(connection.driver, stream.stream_id, 0, 3) == {1, 2, 3}
        assert await file_links.refused_in(connection.driver, stream.stream_id, 0, 3) == []


def _settings(folder: Path, **more: object) -> Settings:
    tls = {"authority": folder / "authority.pem", "certificate": folder / "hub.pem", "key": folder / "hub.key"}
    return Settings(hub={"id": "431200.hub", "name": "怀化市枢纽"}, tls=tls, **more)  # type: ignore[arg-type]


async def test_who_never_had_a_line_is_entered_by_a_certificate_and_waits(ledger: Ledger, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority, stranger = make_authority("测试机构", now), make_authority("别人", now)
    (tmp_path / "authority.pem").write_bytes(authority.certificate)
    (tmp_path / "hub.pem").write_bytes(issue(authority, "431200.hub", now).certificate)
    settings = _settings(tmp_path)
    enter = partial(enter_by_certificate, ledger, settings, name="中方县", relation="child", clock=system_clock)
    good = issue(authority, COUNTY, now).certificate
    for certificate, reason in (
        (issue(stranger, COUNTY, now).certificate, "CERTIFICATE_FOREIGN"),
        (issue(authority, COUNTY, now - timedelta(days=9), days=1).certificate, "CERTIFICATE_EXPIRED"),
        (issue(authority, "430100.platform", now).certificate, "REGION_FORBIDDEN"),
    ):
        with pytest.raises(Violated, match=reason):
            await enter(certificate, kind="platform")
    entered = await enter(good, kind="platform")
    peer = await _peer(ledger, COUNTY)
    assert (peer.state, peer.has_files, peer.thumbprint) == ("waiting", True, entered.thumbprint)
    with pytest.raises(Violated, match="FILE_PEER_KNOWN"):
        await enter(good, kind="platform")
    profile = read_profile(write_files_profile(tmp_path / "profile", settings, good))
    assert (profile.platform_id, profile.hub_id) == (COUNTY, "431200.hub")
    assert profile.thumbprint == thumbprint((tmp_path / "hub.pem").read_bytes())
    with pytest.raises(Violated, match="FILE_KEY_UNUSABLE"):
        platform_file_keys(profile).sign(b"")


async def test_the_wizard_leads_a_neighbour_without_a_line_to_the_end(ledger: Ledger, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = make_authority("测试机构", now)
    (tmp_path / "authority.pem").write_bytes(authority.certificate)
    settings = _settings(tmp_path)
    desk = JoiningDesk(ledger, settings, system_clock)
    assert await desk.invite(Wanted(COUNTY, "中方县", "platform", "child", "file")) is None
    assert (await desk.show(COUNTY)).missing == "certificate"
    entered = await enter_by_certificate(
        ledger, settings, issue(authority, COUNTY, now).certificate, name="中方县", kind="platform", relation="child",
        clock=system_clock,
    )  # fmt: skip
    assert (await desk.show(COUNTY)).missing == "confirm"
    await desk.confirm(COUNTY, entered.thumbprint)
    assert (await desk.show(COUNTY)).missing == "live"


async def test_a_link_by_files_is_looked_at_now_and_compared_over_no_line(ledger: Ledger, tmp_path: Path) -> None:
    await enrolled(ledger, CITY)
    await change(ledger, CITY, to_files=True)
    desk = make_desk(_settings(tmp_path, approvals={"required": []}), ledger, system_clock)
    peer = await desk.peer(CITY)
    await desk.retry(peer)
    with pytest.raises(Violated, match="LINK_UNDIALLED"):
        await desk.resync(peer, "2026-11-01")
