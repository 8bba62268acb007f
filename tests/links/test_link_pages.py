"""The pages of links: who sees which, what they offer, and what a button does."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.certificates import issue, make_authority, thumbprint
from auth.person import Role
from exchange_db import audit, links, peers
from exchange_db.audit import Search
from exchange_db.link_states import LinkHealth, LinkState, Neighbour
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.console.link_filters import PAGE_SIZE, Choice, choose
from hub.settings import TlsPart
from tests.support.builders import COUNTY, OTHER_COUNTY, PROVINCE
from tests.support.consoles import Ask, Seat, console_at
from tests.support.neighbours import PAST, a_peer, enrolled
from tests.support.people import a_person

_HUB, _ONE_COUNTY = 431200, 431221


@pytest.fixture
async def desk(ledger: Ledger) -> AsyncIterator[tuple[Ask, Seat]]:
    """A console of a city with a province above and two platforms below, the first seat an operator's."""
    await enrolled(ledger, PROVINCE, "parent", address="127.0.0.1:9", name="湖南省枢纽")
    for name in (COUNTY, OTHER_COUNTY):
        await enrolled(ledger, name, name=f"<b>{name}</b>")
    seat = Seat(a_person((Role.OPERATOR, _HUB)))
    async with console_at(ledger, seat) as (_, ask):
        yield ask, seat


async def _peer(ledger: Ledger, name: str) -> Peer:
    async with ledger.read() as session:
        found = await peers.by_id(session, name)
    assert found is not None
    return found


async def test_links_are_shown_by_right_filtered_and_in_words(ledger: Ledger, desk: tuple[Ask, Seat]) -> None:
    ask, seat = desk
    below = await _peer(ledger, COUNTY)
    async with ledger.watching() as connection:
        await links.note_failure(connection.driver, below.destination_id, "<i>gone</i>", 5)
    status, text = await ask("/links")
    assert status == 200
    assert [name in text for name in (COUNTY, OTHER_COUNTY)] == [True, True]
    assert "<b>" not in text
    assert "&lt;i&gt;gone" in text
    assert "中断" in text
    assert text.index(COUNTY) < text.index(OTHER_COUNTY), "what needs a person comes first"
    for query, shown in (
        ("health=down", [True, False]),
        ("region=431222", [False, True]),
        ("tier=county&text=431221", [True, False]),
        ("tier=province", [False, False]),
    ):
        _, text = await ask(f"/links?{query}")
        assert [f"id={name}" in text for name in (COUNTY, OTHER_COUNTY)] == shown, query
    assert (await ask("/links?region=43"))[0] == 400
    assert (await ask("/links?page=x&lang=en"))[0] == 200
    seat.person = a_person((Role.VIEWER, _ONE_COUNTY))
    _, text = await ask("/links")
    assert [f"id={name}" in text for name in (COUNTY, OTHER_COUNTY)] == [True, False]
    assert (await ask(f"/links/show?id={OTHER_COUNTY}"))[0] == 404, "hidden and unknown are answered alike"
    _, text = await ask(f"/links/show?id={COUNTY}")
    assert "/links/pause" not in text, "what a person may not do is not offered"
    assert (await ask("/links/pause", "POST", data={"id": COUNTY, "reason": "x"}))[0] == 403


async def test_buttons_pause_resume_and_plan_and_say_what_is_wrong(ledger: Ledger, desk: tuple[Ask, Seat]) -> None:
    ask, _ = desk

    async def press(act: str, **form: str) -> tuple[int, str]:
        return await ask(f"/links/{act}", "POST", data={"id": COUNTY, **form})

    assert (await press("pause"))[0] == 400
    assert "请简要填写原因" in (await press("pause", reason=" "))[1]
    assert (await press("pause", reason="换机房"))[0] == 303
    assert "已处于暂停状态" in (await press("pause", reason="again"))[1]
    _, text = await ask(f"/links/show?id={COUNTY}")
    assert "换机房" in text
    assert "已暂停" in text
    assert (await press("resume"))[0] == 303
    assert "并未暂停" in (await press("resume"))[1]
    assert "只能由对方发起" in (await press("retry"))[1]
    assert "link.repair" in (await ask("/links/resync", "POST", data={"id": PROVINCE, "from": "2026-01-01"}))[1]
    assert "/links/resync" not in (await ask(f"/links/show?id={PROVINCE}"))[1], "it takes two people here"
    assert "维护须从现在" in (await press("maintenance", start="2020-01-01T00:00", minutes="60", reason="x"))[1]
    assert "维护须从现在" in (await press("maintenance", minutes="soon", reason="x"))[1]
    assert (await press("maintenance", minutes="60", reason="升级"))[0] == 303
    assert "维护中" in (await ask(f"/links/show?id={COUNTY}"))[1]
    assert (await press("calloff"))[0] == 303
    whole = {"id": "*", "minutes": "30", "reason": "停电"}
    assert (await ask("/links/maintenance", "POST", data=whole))[0] == 303
    assert "停电" in (await ask(f"/links/show?id={OTHER_COUNTY}&lang=en"))[1]
    assert (await ask("/links/pause", "POST", data={"id": "430000.nobody", "reason": "x"}))[0] == 400
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT action FROM audit_entries WHERE action LIKE 'link.%' AND outcome = 'done' ORDER BY number"
        )
        acts = [row[0] for row in await cursor.fetchall()]
    assert acts == ["link.pause", "link.resume", "link.maintenance", "link.maintenance_end", "link.maintenance"]


async def test_an_officer_changes_a_certificate_after_comparing_its_thumbprint(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    authority = make_authority("ours", now)
    path = TlsPart().authority
    path.parent.mkdir()
    path.write_bytes(authority.certificate)
    old, new = issue(authority, COUNTY, now), issue(authority, COUNTY, now)
    foreign = issue(make_authority("theirs", now), COUNTY, now)
    other = issue(authority, OTHER_COUNTY, now)
    before = thumbprint(old.certificate)
    await enrolled(ledger, COUNTY, thumbprint=before, certificate_end_time=PAST)
    seat, page = Seat(a_person((Role.OPERATOR, _HUB))), "/links/certificate"
    async with console_at(ledger, seat) as (_, ask):

        async def send(pem: bytes, **form: str) -> tuple[int, str]:
            return await ask(page, "POST", data={"id": COUNTY, "pem": pem.decode(), **form})

        _, text = await ask(f"/links/show?id={COUNTY}")
        assert "更换证书由安全管理员办理" in text
        assert page not in text, "what a person may not do is not offered"
        assert (await send(new.certificate))[0] == 403
        seat.person = a_person((Role.SECURITY_OFFICER, _HUB))
        assert f"{page}?id={COUNTY}" in (await ask(f"/links/show?id={COUNTY}"))[1]
        assert "已过期" in (await ask(f"{page}?id={COUNTY}&lang=zh"))[1]
        assert (await ask(f"{page}?id=431299.platform"))[0] == 404
        for pem, told in (
            (b"nothing", "无法读取该证书"),
            (foreign.certificate, "不由 tls.authority 中的签发机构签发"),
            (other.certificate, "证书属于"),
        ):
            status, text = await send(pem, compared="1")
            assert (status, told in text) == (400, True), text
        status, text = await send(new.certificate)
        shown = thumbprint(new.certificate)
        assert (status, f"{shown[:4]} {shown[4:8]}" in text, "两者一致" in text) == (200, True, True)
        assert (await _peer(ledger, COUNTY)).thumbprint == before, "nothing happens before it was compared"
        assert (await send(new.certificate, compared="1"))[0] == 303
        assert "证书已于" not in (await ask(f"/links/show?id={COUNTY}"))[1]
        assert "已登记，无需" in (await send(new.certificate, compared="1"))[1]
    peer = await _peer(ledger, COUNTY)
    assert (peer.thumbprint, peer.earlier_thumbprint) == (shown, before)
    async with ledger.read() as session:
        acts = await audit.search(session, Search(action="peer.certificate.add"), limit=9)
    assert [json.loads(one.content)["outcome"] for one in acts].count("done") == 1
    assert shown.encode() in acts[-1].content or shown.encode() in acts[0].content


async def test_a_link_that_only_calls_is_tested_by_its_last_call(desk: tuple[Ask, Seat]) -> None:
    ask, _ = desk
    status, text = await ask("/links/test", "POST", data={"id": COUNTY})
    assert (status, "登记的证书" in text, "最近来访" in text) == (200, True, True)
    assert "不通过" in text, "nothing was ever heard of it"


def test_three_thousand_links_are_folded_and_paged() -> None:
    found = [_neighbour(number) for number in range(200)]
    chosen = choose(found, Choice(page=2), 430000)
    assert (chosen.link_count, chosen.page_count, len(chosen.links)) == (200, 4, PAGE_SIZE)
    assert [fold.region for fold in chosen.folds] == [430000, 430100]
    assert sum(count for fold in chosen.folds for _, count in fold.counts) == 200
    assert choose(found, Choice(region="430150"), 430000).link_count == 1
    assert choose(found, Choice(page=99), 430000).links, "behind the last page is the last page"


def _neighbour(number: int) -> Neighbour:
    region, good = 430000 + number, LinkHealth.GOOD
    name = f"{region}.platform"
    outgoing, incoming = (
        LinkState(name, "x", "county", region, "child", way, good, "", 0, 0, None, None, None, "", 1, 0, 0)
        for way in ("out", "in")
    )
    return Neighbour(a_peer(name), outgoing, incoming)
