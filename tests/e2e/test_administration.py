"""The console as administrators use it, before one hub at work.

A county from invitation to its first applied case, a proposal by two people, the log searched and verified, a job run
before its time, a session ended, the system.
"""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from aiohttp import ClientSession, FormData

from auth.certificates import Certified, issue, thumbprint, write
from auth.person import Person, Role
from conformance.scene import Scene, Terms, new_run
from connectors.county.client import CountyClient
from connectors.county.profile import Profile, read_profile
from exchange_db import migrate, people, sessions
from exchange_db.embedded import EmbeddedServer
from exchange_db.people import LOCAL
from exchange_db.session import Ledger
from hub.cli.proposing import make_proposals
from hub.clock import system_clock
from hub.console.app import Console
from hub.demo.staging import StagedHub, free_port
from hub.federation.enrolment import accept_as_platform
from hub.federation.joining import read_letter
from hub.joining import samples
from hub.sections.console import ConsolePart
from hub.settings import Settings
from hub.statistics.reading import FigureReader
from tests.support.builders import a_case
from tests.support.consoles import Seat
from tests.support.people import a_person
from tests.support.sources import ROOT
from tests.support.stages import quick, staged, until, until_value, value

_HUB, _COUNTY = 431200, "431221.platform"
_SHEET = (ROOT / "docs" / "examples" / "generic.csv").read_bytes()
#: What is said of a platform that comes by REST.
_REST = {"kind": "platform", "relation": "child", "transport": "rest"}
_KIT = "SELECT kit_state FROM joinings WHERE peer_id = %s"
_ASKED = "SELECT kit_asked FROM joinings WHERE peer_id = %s"
Ask = Callable[..., Any]


class Desk(NamedTuple):
    """A console in this process over the hub's ledger: who sits there, and how to ask for a page."""

    seat: Seat
    ask: Ask
    ledger: Ledger


@pytest.fixture(scope="module")
def city(server: EmbeddedServer) -> Iterator[StagedHub]:
    """The city's hub at work, without a console of its own."""
    with staged(server) as stage:

        async def build() -> StagedHub:
            kit = f'[joining]\nneeds_confirmation = true\nkit_listen = "127.0.0.1:{free_port()}"\n'
            hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick() + kit + "kit_patience_seconds = 30\n")
            hub.start("intake,apply,deliver,schedule")
            await hub.wait_until_open()
            return hub

        yield asyncio.run(build())


@asynccontextmanager
async def _desk(city: StagedHub) -> AsyncIterator[Desk]:
    settings: Settings = city.settings.model_copy(update={"console": ConsolePart(port=0, open_on_loopback=True)})
    seat = Seat(None)
    async with Ledger(city.url, pool_size=2) as ledger:
        reader, proposals = FigureReader(ledger, settings), make_proposals(ledger, settings)
        console = Console(ledger, settings, reader, system_clock, seat.middleware, proposals=proposals)
        serving = asyncio.create_task(console.run())
        await asyncio.wait_for(console.is_ready.wait(), 30)
        try:
            async with ClientSession(f"http://127.0.0.1:{console.port}") as client:

                async def ask(path: str, data: Any = None) -> tuple[int, str]:
                    method = "GET" if data is None else "POST"
                    async with client.request(method, path, data=data, allow_redirects=False) as response:
                        return response.status, await response.text()

                yield Desk(seat, ask, ledger)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


def _officer() -> Person:
    return a_person((Role.SECURITY_OFFICER, _HUB), subject="an")


def _operator() -> Person:
    return msgspec.structs.replace(a_person((Role.OPERATOR, _HUB), subject="yun"), person_id=UUID(int=7))


def _in(page: str, pattern: str) -> str:
    found = re.search(pattern, page, re.DOTALL)
    assert found is not None, page[-2_000:]
    return html.unescape(found[1])


async def _invited(desk: Desk, city: StagedHub) -> str:
    """Invites the county and returns the letter as the page shows it, once."""
    wanted = {"peer_id": _COUNTY, "name": "中方县", "kind": "platform", "relation": "child", "transport": "grpc"}
    desk.seat.person = _operator()
    assert (await desk.ask("/joining", wanted))[0] == 403
    desk.seat.person = _officer()
    status, page = await desk.ask("/joining", wanted | {"address": city.address})
    assert status == 200
    letter = _in(page, r"<textarea[^>]*>(.*?)</textarea>")
    assert (await desk.ask("/joining/letter", {"letter": letter})) == (200, f"{letter}\n")
    assert letter not in (await desk.ask(f"/joining/platform?peer={_COUNTY}"))[1]
    return letter


async def _let_in(desk: Desk, city: StagedHub, letter: str, folder: Path) -> Profile:
    """The county accepts and is let in once its thumbprint was compared."""
    signer = city.folder.parent / "authority.pem"
    authority = Certified(signer.read_bytes(), signer.with_suffix(".key").read_bytes())
    certificate, key = folder / "county.pem", folder / "county.key"
    write(issue(authority, _COUNTY, datetime.now(UTC)), certificate, key)
    assert await accept_as_platform(read_letter(letter), folder, certificate, key)
    shown = thumbprint(certificate.read_bytes())
    status, page = await desk.ask(f"/joining/platform?peer={_COUNTY}")
    assert (status, "核对证书指纹" in page, shown in page) == (200, True, False)
    step = {"peer": _COUNTY, "thumbprint": "00" * 32}
    status, page = await desk.ask("/joining/confirm", step)
    assert (status, "与所给不符" in page) == (400, True)
    status, page = await desk.ask("/joining/live", {"peer": _COUNTY})
    assert (status, "尚未核对" in page) == (400, True)
    assert (await desk.ask("/joining/confirm", step | {"thumbprint": shown.upper()}))[0] == 303
    return read_profile(folder)


async def _mapped(desk: Desk) -> None:
    """The operator tries a mapping until nothing is refused."""
    desk.seat.person = _operator()
    text = samples.template("generic", _COUNTY)

    def form(mapping: str, *, with_sample: bool) -> FormData:
        made = FormData({"peer": _COUNTY, "mapping": mapping})
        if with_sample:
            made.add_field("sample", _SHEET, filename="案件.csv", content_type="text/csv")
        return made

    broken = text.replace('"市容环境/暴露垃圾" = "0110"\n', "")
    assert (await desk.ask("/joining/mapping", form(broken, with_sample=True)))[0] == 303
    page = (await desk.ask(f"/joining/platform?peer={_COUNTY}"))[1]
    assert "VALUE_UNMAPPED" in page
    status, page = await desk.ask("/joining/mapping", form("= nonsense", with_sample=False))
    assert (status, "不是有效的 TOML" in page) == (400, True)
    assert (await desk.ask("/joining/mapping", form(text, with_sample=False)))[0] == 303
    page = (await desk.ask(f"/joining/platform?peer={_COUNTY}"))[1]
    assert "将被拒绝 0 行" in page
    assert (await desk.ask(f"/joining/mapping?peer={_COUNTY}"))[1] == text


async def _tested(desk: Desk, city: StagedHub, profile: Profile, spool: Path) -> None:
    """The kit stands in for the hub; the county reports what it is asked for."""
    assert (await desk.ask("/joining/kit", {"peer": _COUNTY, "group": "nonsense"}))[0] == 400
    assert (await desk.ask("/joining/kit", {"peer": _COUNTY, "group": "contract"}))[0] == 303
    scene, reported = Scene(Terms(_COUNTY, "431221", run=new_run())), 0
    dialled = msgspec.structs.replace(profile, address=city.settings.joining.kit_listen)
    async with CountyClient(dialled, spool) as client:

        async def is_over() -> str:
            nonlocal reported
            state = str(value(city, _KIT, _COUNTY))
            asked = int(value(city, _ASKED, _COUNTY) or 0)
            if state == "running" and asked > reported:
                await client.report(*(scene.report() for _ in range(asked - reported)))
                reported = asked
            return state if state in ("passed", "failed", "stopped") else ""

        assert await until(is_over, "the conformance run") == "passed", (
            await desk.ask(f"/joining/platform?peer={_COUNTY}")
        )[1][-3_000:]
    status, report = await desk.ask(f"/joining/report?peer={_COUNTY}")
    assert (status, '"is_passed": true' in report) == (200, True)


async def test_a_county_comes_in_from_invitation_to_its_first_applied_case(city: StagedHub, tmp_path: Path) -> None:
    async with _desk(city) as desk:
        profile = await _let_in(desk, city, await _invited(desk, city), tmp_path)
        await _mapped(desk)
        await _tested(desk, city, profile, tmp_path / "kit")
        desk.seat.person = _officer()
        assert (await desk.ask("/joining/live", {"peer": _COUNTY}))[0] == 303
        assert value(city, "SELECT sample IS NULL FROM joinings WHERE peer_id = %s", _COUNTY)
        page = (await desk.ask("/joining?lang=en"))[1]
        assert (_COUNTY in page, "on line" in page) == (True, True)
    async with CountyClient(profile, tmp_path / "spool") as client:
        await client.report(a_case("2026-0001", _COUNTY))
        await client.flush(is_settled=True)
    await until_value(city, 1, "SELECT count(*) FROM cases WHERE issuer_id = %s", _COUNTY)


async def test_a_partner_with_a_database_is_connected_without_touching_the_disk(
    city: StagedHub, tmp_path: Path
) -> None:
    peer, database = {"peer": "431227.platform"}, tmp_path / "exchange.sqlite"
    async with _desk(city) as desk:
        desk.seat.person = _officer()
        await desk.ask("/joining", _REST | {"peer_id": "431227.platform", "transport": "database"})
        assert (await desk.ask("/joining/database", peer))[0] == 400, "there is no link file yet"
        desk.seat.person = _operator()
        page = (await desk.ask("/joining/platform?peer=431227.platform"))[1]
        text = re.sub(r'url = ".*"', f'url = "sqlite:///{database}"', _in(page, r'name="link"[^>]*>(.*?)</textarea>'))
        status, page = await desk.ask("/joining/link", peer | {"link": 'peer = "431228.platform"'})
        assert (status, "链路文件不可用" in page) == (400, True)
        assert (await desk.ask("/joining/link", peer | {"link": text}))[0] == 303
        written = city.folder / "links" / "431227.platform.toml"
        assert (written.read_text(), written.stat().st_mode & 0o777) == (f"{text.strip()}", 0o600)
        assert str(database) not in (await desk.ask("/joining/platform?peer=431227.platform"))[1]
        desk.seat.person = _officer()
        status, page = await desk.ask("/joining/database", peer | {"act": "install"})
        assert (status, "对方数据库拒绝或无响应" in page) == (400, True)
        database.touch()
        assert (await desk.ask("/joining/database", peer | {"act": "install"}))[0] == 303
        assert (await desk.ask("/joining/database", peer | {"act": "register"}))[0] == 303
        assert (await desk.ask("/joining/live", peer))[0] == 303
    assert value(city, "SELECT address FROM peers WHERE peer_id = '431227.platform'") == "database:"


async def test_what_one_proposes_another_approves_and_it_is_run_once(city: StagedHub) -> None:
    async with _desk(city) as desk:
        desk.seat.person = _officer()
        await desk.ask(
            "/joining", {"peer_id": "431225.platform", "kind": "platform", "relation": "child", "transport": "rest"}
        )
        assert (await desk.ask("/joining/secret", {"peer": "431225.platform", "days": "30"}))[0] == 200
        first, second = await _two_officers(desk.ledger)
        desk.seat.person = first
        wanted = {"operation": "peer.block", "object": "431225.platform", "purpose": "演练"}
        assert (await desk.ask("/proposals", wanted))[0] == 303
        number = value(city, "SELECT proposal_id FROM proposals WHERE object = '431225.platform'")
        page = (await desk.ask(f"/proposals/{number}"))[1]
        digest = _in(page, r'name="digest" value="([0-9a-f]+)"')
        approval = f"/proposals/{number}/approve"
        status, page = await desk.ask(approval, {"digest": digest})
        assert (status, "提出人不得自行批准" in page) == (400, True)
        desk.seat.person = second
        assert (await desk.ask(approval, {"digest": "00"}))[0] == 400
        assert (await desk.ask(approval, {"digest": digest, "comment": "同意"}))[0] == 303
        assert (await desk.ask(f"/proposals/{number}/run", {}))[0] == 303
        await until_value(city, "blocked", "SELECT state FROM peers WHERE peer_id = '431225.platform'")
        await until_value(city, "done", "SELECT state FROM proposals WHERE proposal_id = %s", number)
        assert (await desk.ask(f"/proposals/{number}/abort", {}))[0] == 400
        assert "已完成" in (await desk.ask("/proposals"))[1]


async def _two_officers(ledger: Ledger) -> tuple[Person, Person]:
    made = []
    async with ledger.write() as session:
        for name in ("jia", "yi"):
            row, _ = await people.arrive(session, LOCAL, name, name=name, unit="", region=_HUB, now=datetime.now(UTC))
            await people.set_state(session, row.person_id, "admitted")
            await people.grant(
                session, row.person_id, Role.SECURITY_OFFICER, _HUB, granted_by="host:test", now=datetime.now(UTC)
            )
            person = a_person((Role.SECURITY_OFFICER, _HUB), subject=name)
            made.append(msgspec.structs.replace(person, person_id=row.person_id))
    return made[0], made[1]


async def test_the_log_is_searched_shown_verified_and_taken_along(city: StagedHub) -> None:
    async with _desk(city) as desk:
        desk.seat.person = _officer()
        await desk.ask(
            "/joining", {"peer_id": "431226.platform", "kind": "platform", "relation": "child", "transport": "rest"}
        )
        assert (await desk.ask("/audit"))[0] == 403
        desk.seat.person = a_person((Role.AUDITOR, _HUB), subject="shen")
        page = (await desk.ask("/audit?action=joining.open&object=431226.platform&since=2020-01-01"))[1]
        number = _in(page, r'href="/audit/(\d+)"')
        assert "person:local/an" in page
        assert "431226.platform" in (await desk.ask(f"/audit/{number}"))[1]
        assert "没有" in (await desk.ask("/audit/999999999"))[1]
        assert "无" in (await desk.ask("/audit?until=2020-01-01"))[1]
        assert (await desk.ask("/audit?since=yesterday"))[0] == 400
        for span in (f"?from={number}&to={number}", "?from=1", ""):
            status, page = await desk.ask(f"/audit/verify{span}")
            assert (status, "完好" in page) == (200, True), page[-1_500:]
        assert (await desk.ask("/audit/verify?from=1&to=9000000"))[0] in (200, 400)
        status, exported = await desk.ask("/audit/export", {})
        assert (status, exported.startswith('{"form":"sanji audit log 1"')) == (200, True)
        assert (await desk.ask("/audit/witnesses"))[0] == 200


async def test_a_job_is_run_before_its_time_and_recorded(city: StagedHub) -> None:
    runs = "SELECT count(*) FROM job_runs WHERE job = 'make-months' AND ended_time IS NOT NULL"
    async with _desk(city) as desk:
        desk.seat.person = _operator()
        await until(lambda: _many(city, runs, 1), "the first run")
        before = int(value(city, runs))
        assert (await desk.ask("/jobs/run", {"job": "make-months"}))[0] == 303
        await until(lambda: _many(city, runs, before + 1), "a run on order")
        status, page = await desk.ask("/jobs?job=make-months")
        assert (status, "立即运行" in page) == (200, True)
        status, page = await desk.ask("/jobs/run", {"job": "nothing"})
        assert (status, "没有进程执行" in page) == (400, True)
        desk.seat.person = a_person((Role.VIEWER, _HUB))
        assert "立即运行" not in (await desk.ask("/jobs"))[1]
    assert value(city, "SELECT count(*) FROM audit_entries WHERE action = 'job.run' AND outcome = 'done'") == 1


async def _many(city: StagedHub, query: str, least: int) -> bool:
    return bool(int(value(city, query)) >= least)


async def test_a_session_is_shown_and_ended(city: StagedHub) -> None:
    now = datetime.now(UTC)
    async with _desk(city) as desk:
        async with desk.ledger.write() as session:
            row, _ = await people.arrive(session, LOCAL, "ke", name="客", unit="", region=_HUB, now=now)
            later = now.replace(year=now.year + 1)
            held = (b"1" * 32, UUID(int=99), row.person_id, now, now, later, now, "", "[]", "", "", "Firefox")
            await sessions.keep(session, sessions.SessionRow(*held))
        desk.seat.person = _officer()
        status, page = await desk.ask(f"/people/person?id={row.person_id}")
        assert (status, "Firefox" in page, "其操作记录" in page) == (200, True, False)
        assert (await desk.ask("/people/session", {"session": str(UUID(int=99))}))[0] == 303
        assert "Firefox" not in (await desk.ask(f"/people/person?id={row.person_id}"))[1]
        assert (await desk.ask("/people/session", {"session": str(UUID(int=99))}))[0] == 400
        assert (await desk.ask("/people/person?id=nobody"))[0] == 404


async def test_the_system_tells_settings_with_their_source_and_no_secret(city: StagedHub) -> None:
    async with _desk(city) as desk:
        desk.seat.person = _operator()
        page = (await desk.ask("/system/settings"))[1]
        row = _in(page, r"<code>database\.url</code>(.*?)</tr>")
        assert ("••••••" in row, "文件" in row, city.url in page) == (True, True, False)
        assert "默认" in _in(page, r"<code>storage\.cap_gb</code>(.*?)</tr>")
        await until(lambda: _many(city, "SELECT count(*) FROM storage_samples", 1), "a measure of the tables")
        status, page = await desk.ask("/system")
        assert (status, migrate.head() in page, "stage-intake" in page) == (200, True, True)
        assert "Changelog" in (await desk.ask("/system/notes"))[1]
