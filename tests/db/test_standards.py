"""Releases in the ledger: versions are kept, drafts are signed, a withdrawal supersedes, and the state is told."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from exchange_db import jobs as job_log
from exchange_db import standard_links, standards, wakeups
from exchange_db.records import Violated
from exchange_db.session import Ledger
from exchange_db.standard_links import Offer
from hub.bootstrap import make_dialler
from hub.jobs.runner import JobRunner
from hub.jobs.schedule import Job
from hub.jobs.standards_schedule import standards_jobs
from hub.listener import Listener
from hub.settings import HubPart, Settings, TlsPart
from hub.standards import archive
from hub.standards.publishing import Publisher
from hub.standards.release_standing import listed
from tests.support.clock import NOON, FakeClock
from tests.support.neighbours import enrolled
from tests.support.signed_releases import CODES, STANDARD, a_plan, a_publisher

NATION, PROVINCE = "000000.hub", "430000.hub"


@pytest.fixture
def nation(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> Publisher:
    """The nation's publisher."""
    return a_publisher(ledger, NATION, tmp_path, clock)


async def _told(ledger: Ledger, clock: FakeClock, region: int = 0) -> dict[str, Any]:
    return await listed(ledger, region, clock())


async def _states(ledger: Ledger, clock: FakeClock) -> dict[str, str]:
    return {one["version"]: one["state"] for one in (await _told(ledger, clock))["releases"]}


def _reason(refused: pytest.ExceptionInfo[Violated]) -> tuple[str, str]:
    return refused.value.violation.reason, refused.value.violation.field_path


async def test_every_version_is_kept_with_its_documents(ledger: Ledger, nation: Publisher, clock: FakeClock) -> None:
    first = await nation.publish(a_plan("1", effective_time=NOON))
    second = await nation.publish(
        a_plan("2", CODES + f"event,06,其他事件,{STANDARD}\n".encode(), effective_time=NOON + 10)
    )
    assert (first.supersedes, second.supersedes) == ("", "1")
    async with ledger.read() as session:
        held = await archive.held_releases(session)
        assert [(one.release.number, one.manifest) for one in held] == [(1, first), (2, second)]
        assert await archive.documents_of(session, first) == {"codes.csv": CODES}
        standing = await archive.standards_in_force(session, 431221, NOON + 10)
        assert standing["code_list", STANDARD].base == second
    assert await _states(ledger, clock) == {"1": "in_force", "2": "coming"}
    clock.now += 10
    assert await _states(ledger, clock) == {"1": "past", "2": "in_force"}


async def test_a_version_must_rise_and_a_document_must_be_usable(ledger: Ledger, nation: Publisher) -> None:
    await nation.publish(a_plan("2"))
    for plan, reason in (
        (a_plan("1"), ("RELEASE_OUT_OF_ORDER", "version")),
        (a_plan("2"), ("FIELD_INVALID", "supersedes")),
        (a_plan("3", documents={}), ("FIELD_MISSING", "documents")),
        (a_plan("3", b""), ("RELEASE_INVALID", "documents.codes.csv")),
        (a_plan("3", b"\xff\xfe"), ("RELEASE_INVALID", "documents.codes.csv")),
        (a_plan("3", name=""), ("RELEASE_UNREADABLE", "name")),
        (a_plan("3", b"[zone]", kind="calendar", name="x"), ("RELEASE_INVALID", "documents.codes.csv")),
    ):
        with pytest.raises(Violated) as refused:
            await nation.publish(plan)
        if plan.version == "1":
            assert _reason(refused)[0] in {"RELEASE_OUT_OF_ORDER", "FIELD_INVALID"}
        else:
            assert _reason(refused) == reason
    async with ledger.read() as session:
        assert len(await standards.all_releases(session)) == 1


async def test_a_draft_is_kept_and_signed_later(ledger: Ledger, nation: Publisher, clock: FakeClock) -> None:
    await nation.save_draft(a_plan("1", b"\xff", stages={"430000": NOON + 9}), "王工")
    with pytest.raises(Violated) as refused:
        await nation.publish(await nation.drafted("code_list", STANDARD))
    assert _reason(refused)[0] == "RELEASE_INVALID"
    await nation.save_draft(a_plan("1", stages={"430000": NOON + 9}), "王工")
    assert [one["state"] for one in (await _told(ledger, clock))["drafts"]] == ["draft"]
    published = await nation.publish(await nation.drafted("code_list", STANDARD))
    assert [stage.effective_time for stage in published.stages] == [NOON + 9]
    told = await _told(ledger, clock)
    assert (len(told["releases"]), told["drafts"]) == (1, [])
    with pytest.raises(Violated) as refused:
        await nation.drafted("code_list", STANDARD)
    assert _reason(refused)[0] == "RELEASE_NOT_FOUND"


async def test_a_withdrawn_release_is_superseded_and_stays(ledger: Ledger, nation: Publisher, clock: FakeClock) -> None:
    await nation.publish(a_plan("1"))
    await nation.publish(a_plan("2026.1", effective_time=NOON + 1))
    clock.now += 2
    gone = await nation.withdraw("code_list", STANDARD, "2026.1", clock(), "代码有误")
    assert (gone.version, gone.supersedes, gone.withdraws, gone.documents) == ("2026.2", "2026.1", "2026.1", ())
    assert await _states(ledger, clock) == {"1": "in_force", "2026.1": "withdrawn", "2026.2": "withdrawal"}
    told = (await _told(ledger, clock))["releases"]
    assert [one["withdrawn_by"] for one in told] == ["", "2026.2", ""]
    async with ledger.read() as session:
        assert await archive.documents_of(session, (await archive.held_releases(session))[1].manifest)
    for version in ("2026.1", "2026.2", "7"):
        with pytest.raises(Violated) as refused:
            await nation.withdraw("code_list", STANDARD, version, clock(), "")
        assert _reason(refused) == ("RELEASE_NOT_FOUND", "version")
    assert (await nation.publish(a_plan("2026.3", effective_time=clock()))).supersedes == "2026.2"
    assert (await _states(ledger, clock))["2026.3"] == "in_force"


async def test_a_lower_publisher_extends_a_name_that_is_taken(
    ledger: Ledger, nation: Publisher, tmp_path: Path, clock: FakeClock
) -> None:
    await nation.publish(a_plan())
    province = a_publisher(ledger, PROVINCE, tmp_path, clock)
    with pytest.raises(Violated) as refused:
        await province.publish(a_plan())
    assert _reason(refused) == ("RELEASE_FORBIDDEN", "name")
    extension = await province.publish(a_plan(is_extension=True))
    async with ledger.read() as session:
        standing = await archive.standards_in_force(session, 430000, clock())
        assert standing["code_list", STANDARD].extensions == (extension,)
        assert [one.number for one in await standards.listing(session, 0, (0,), 9)] == [1]
        assert [one.number for one in await standards.listing(session, 0, None, 9)] == [1, 2]
        assert await standards.newest_number(session, (0,)) == 1
        document = extension.documents[0].digest
        assert await standards.is_document_of(session, document, (430000,))
        assert not await standards.is_document_of(session, document, (440000,))
        assert await standards.piece_of(session, document, 5, 4) == (CODES[5:9], len(CODES))


async def test_two_publish_at_once_and_only_one_is_taken(ledger: Ledger, nation: Publisher) -> None:
    outcomes = await asyncio.gather(
        *(nation.publish(a_plan("1", title=str(number))) for number in range(4)), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(refused) == 3
    assert all(isinstance(one, Violated) for one in refused)


async def test_a_publisher_whose_certificate_does_not_hold_below_publishes_nothing(
    ledger: Ledger, nation: Publisher, tmp_path: Path, clock: FakeClock
) -> None:
    clock.advance(days=800)
    with pytest.raises(Violated) as refused:
        await nation.publish(a_plan())
    assert _reason(refused)[0] == "SIGNATURE_INVALID"
    (tmp_path / NATION / "hub.key").write_bytes((tmp_path / NATION / "hub.key").read_bytes()[:40])
    with pytest.raises(ValueError, match="PEM"):
        await nation.publish(a_plan())
    async with ledger.read() as session:
        assert await standards.all_releases(session) == []


async def test_what_was_refused_is_told_until_it_is_held(ledger: Ledger, nation: Publisher, clock: FakeClock) -> None:
    offer = Offer("0" * 64, "000000.hub code_list x 1", b"{}", b"", b"")
    violation = Violated("SIGNATURE_INVALID", "signature", "x").violation
    for _ in range(2):
        clock.advance(seconds=1)
        async with ledger.write() as session:
            await standard_links.refuse(session, NATION, offer, violation, clock())
    (refusal,) = (await _told(ledger, clock))["refusals"]
    assert (refusal["reason"], refusal["label"]) == ("SIGNATURE_INVALID", offer.label)
    assert refusal["first_time"] < refusal["last_time"]
    await nation.publish(a_plan())
    async with ledger.write() as session:
        (release,) = await standards.all_releases(session)
        await standard_links.refuse(session, NATION, offer._replace(digest=release.digest), violation, clock())
    assert len((await _told(ledger, clock))["refusals"]) == 1


async def test_the_lag_of_a_hub_below_counts_what_it_may_have_only(
    ledger: Ledger, nation: Publisher, tmp_path: Path, clock: FakeClock
) -> None:
    await enrolled(ledger, "430000.hub")
    await enrolled(ledger, "440000.hub")
    await nation.publish(a_plan())
    await a_publisher(ledger, PROVINCE, tmp_path, clock).publish(a_plan(name="本省"))
    async with ledger.write() as session:
        await standard_links.note_asked(session, "440000.hub", 1, clock())
    below = (await _told(ledger, clock))["below"]
    assert [(one["peer_id"], one["missing_count"]) for one in below] == [("430000.hub", 2), ("440000.hub", 0)]


async def test_a_parent_that_does_not_answer_is_told_of_and_so_is_a_child(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    publisher = a_publisher(ledger, PROVINCE, tmp_path, clock)
    await enrolled(ledger, NATION, "parent", address="127.0.0.1:1")
    await enrolled(ledger, "431200.hub", address="127.0.0.1:1")
    await publisher.publish(a_plan())
    tls = TlsPart(**{name: tmp_path / PROVINCE / f"{file}" for name, file in _KEYS.items()})
    settings = Settings(hub=HubPart(id=PROVINCE, name="湖南"), tls=tls)
    jobs = standards_jobs(ledger, settings, clock, make_dialler(settings, clock).target)
    runner = JobRunner(ledger, jobs, "a", clock)
    assert not await runner.run_now("pull-standards")
    assert await runner.run_now("announce-standards")
    told = await _told(ledger, clock, 430000)
    assert [(one["peer_id"], one["trouble"][:11]) for one in (*told["above"], *told["below"])] == [
        (NATION, "127.0.0.1:1"), ("431200.hub", "127.0.0.1:1"),
    ]  # fmt: skip
    async with ledger.read() as session:
        results = {run.job: run.result or run.trouble for run in await job_log.latest(session)}
    assert results["announce-standards"] == "0 个下级已通知 / told, 1 个未连通 / unreached"
    assert results["pull-standards"].startswith(f"PullFailed: {NATION}: 127.0.0.1:1")


_KEYS = {"authority": "authority.pem", "certificate": "hub.pem", "key": "hub.key"}


async def test_a_job_with_a_channel_runs_when_it_is_woken(ledger: Ledger, clock: FakeClock) -> None:
    ran: asyncio.Queue[int] = asyncio.Queue()
    count = 0

    async def act() -> str:
        nonlocal count
        count += 1
        ran.put_nowait(count)
        if count == 2:
            # A wake-up during a run is followed by another run.
            listener.wake(wakeups.ANNOUNCED)
        return ""

    listener = Listener(ledger)
    job = Job("woken", 3_600, act, wakeups.ANNOUNCED)
    running = asyncio.create_task(JobRunner(ledger, (job,), "a", clock, listener).run())
    assert await asyncio.wait_for(ran.get(), 10) == 1
    listener.wake(wakeups.ANNOUNCED)
    assert [await asyncio.wait_for(ran.get(), 10) for _ in range(2)] == [2, 3]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_was_changed_in_the_ledger_is_not_used_and_is_mended_by_its_right_bytes(
    ledger: Ledger, nation: Publisher, clock: FakeClock
) -> None:
    first = await nation.publish(a_plan())
    await nation.publish(a_plan(name="other", content=b"x", kind="metrics"))
    async with ledger.write() as session:
        await session.driver.execute("UPDATE standard_documents SET content = 'y' WHERE size > 1")
        await session.driver.execute("UPDATE standard_releases SET manifest = manifest || ' ' WHERE name = 'other'")
    async with ledger.read() as session:
        with pytest.raises(Violated) as refused:
            await archive.documents_of(session, first)
        assert _reason(refused) == ("RELEASE_DAMAGED", "documents.codes.csv")
        assert [key[1] for key in await archive.standards_in_force(session, 0, clock())] == [STANDARD]
    assert [one["number"] for one in (await _told(ledger, clock))["damaged"]] == [2]
    await nation.publish(a_plan("2"))
    async with ledger.read() as session:
        assert await archive.documents_of(session, first) == {"codes.csv": CODES}
