"""Links that go by files: real hubs, a platform's spool, and a medium that changes in mid-stream."""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from auth.certificates import issue, make_authority
from bench.workload import HANDLER, ISSUER, case_of
from connectors.county.client import CountyClient, State
from connectors.county.files import FileClient
from connectors.county.packing import pack
from connectors.county.profile import Profile
from connectors.county.spool import Spool
from connectors.transports.file_folders import DONE, REFUSED, waiting_in, write_whole
from connectors.transports.files import FileBatch, LinkFile, Signing, write_file
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case
from hub.demo.staging import Stage, StagedHub
from hub.federation.file_signing import platform_file_keys, signed_with
from hub.files.work import folders_of
from tests.support.builders import a_case, a_report, a_verdict
from tests.support.commands import Ran, sanji
from tests.support.sheets import CYCLE, UNMAPPED, mapping_in, rows_of, write_sheet
from tests.support.stages import change, proof_of, quick, rows, staged, until, until_settled, until_value, value

CITY, PROVINCE = "431200.hub", "430000.hub"
FILES = "\n[files]\nfolder = 'files'\nevery_seconds = 0.2\n"
STREAMS = (
    "SELECT name, last_sequence, accepted_count, duplicate_count, refused_count FROM streams WHERE sender_id = %s"
    " ORDER BY name"
)


class Site(NamedTuple):
    """A province, its city, and two platforms of the city's."""

    stage: Stage
    province: StagedHub
    city: StagedHub
    above: Profile
    county: Profile


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        province = await stage.add_hub(PROVINCE, "湖南省枢纽", quick() + FILES)
        city = await stage.add_hub(CITY, "怀化市枢纽", quick() + FILES)
        for hub in (province, city):
            hub.start()
        await asyncio.gather(province.wait_until_open(), city.wait_until_open())
        await stage.join(province, city)
        platforms = [await stage.add_platform(city, name) for name in (ISSUER, HANDLER)]
        return Site(stage, province, city, *platforms)

    with staged(server) as stage:
        yield asyncio.run(build(stage))


def _cases(hub: StagedHub, prefix: str) -> int:
    return int(value(hub, "SELECT count(*) FROM cases WHERE case_no LIKE %s", f"{prefix}%"))


def _named(prefix: str, begin: int, end: int) -> list[Case]:
    return [a_case(f"{prefix}-{number}") for number in range(begin, end)]


def _folders(hub: StagedHub, peer_id: str) -> tuple[Path, Path]:
    return folders_of(hub.settings.files.folder, peer_id)


async def _files(hub: StagedHub, *words: object) -> Ran:
    return await sanji("files", *words, "--config", hub.settings_file)


def _by_files(site: Site, spool: Path) -> FileClient:
    """The county's client, whose folders are the hub's the other way round: a gap device that is quick."""
    inward, outward = _folders(site.city, HANDLER)
    keys = platform_file_keys(site.county)
    return FileClient(site.county, spool, keys, outward, inward, every_seconds=0.1)


async def _states(client: CountyClient) -> dict[str, list[State]]:
    found: dict[str, list[State]] = {}
    async for receipt in client.receipts(stop_when_empty=True):
        found.setdefault(receipt.case_no, []).append(receipt.state)
    return found


async def test_a_platform_changes_to_files_in_mid_stream_and_back(site: Site, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    async with CountyClient(site.county, spool) as client:
        await client.report(*_named("M", 0, 120))
        await client.flush(is_settled=True)
        await _states(client)
    assert (await _files(site.city, "start", HANDLER)).code == 0
    async with _by_files(site, spool) as client:
        outside = a_case("M-OUTSIDE", report=a_report(region_code="430104"))
        forbidden = a_case("M-FORBIDDEN", report=a_report(), verdict=a_verdict())
        await client.report(*_named("M", 120, 240), outside, forbidden)
        await client.flush(is_settled=True)
        told = await _states(client)
    assert told["M-239"] == [State.ACCEPTED, State.APPLIED]
    assert told["M-OUTSIDE"] == [State.REFUSED]
    assert told["M-FORBIDDEN"] == [State.ACCEPTED, State.QUARANTINED]
    assert (await _files(site.city, "stop", HANDLER)).code == 0
    async with CountyClient(site.county, spool) as client:
        await client.report(*_named("M", 240, 360))
        await client.flush(is_settled=True)
    assert _cases(site.city, "M-") == 360
    (stream,) = [row for row in rows(site.city, STREAMS, HANDLER) if row[0].startswith("county-")]
    assert stream[1:] == (362, 361, 0, 1), "every number once, whichever way it came"


async def test_what_the_hub_sends_comes_down_by_file_and_on_by_line(site: Site, tmp_path: Path) -> None:
    spool, number = tmp_path / "spool", 7_000
    async with CountyClient(site.above, tmp_path / "above") as above:
        await above.report(case_of(number))
        await above.flush(is_settled=True)
        async with CountyClient(site.county, spool) as client:
            first = [case.case_no async for case in client.assignments(stop_when_empty=True)]
        assert first[-1] == case_of(number).case_no
        await _files(site.city, "start", HANDLER)
        await above.report(case_of(number + 1))
        await above.flush(is_settled=True)
        async with _by_files(site, spool) as client:
            async for case in client.assignments():
                if case.case_no == case_of(number + 1).case_no:
                    break
        await until_value(
            site.city, True,
            "SELECT l.last_sequence = l.acked_sequence FROM links l JOIN peers USING (destination_id)"
            " WHERE peer_id = %s", HANDLER,
        )  # fmt: skip
        await _files(site.city, "stop", HANDLER)
        await above.report(case_of(number + 2))
        await above.flush(is_settled=True)
        async with CountyClient(site.county, spool) as client:
            rest = [case.case_no async for case in client.assignments(stop_when_empty=True)]
    # What was being dealt with when the iteration was left comes again.
    assert set(rest) <= {case_of(number + 1).case_no, case_of(number + 2).case_no}
    assert rest[-1] == case_of(number + 2).case_no
    health = rows(site.city, "SELECT direction, cause FROM outages o JOIN peers p USING (destination_id)"
                  " WHERE p.peer_id = %s AND o.end_time IS NULL", HANDLER)  # fmt: skip
    assert health == []


def _move(sender: StagedHub, receiver: StagedHub, lost: set[str] | None = None) -> list[str]:
    """Carries what one hub wrote to the other, but for a file whose name has one of the texts; returns the names."""
    (_, outward), (inward, _) = _folders(sender, receiver.folder.name), _folders(receiver, sender.folder.name)
    moved = []
    for path in waiting_in(outward):
        if any(text in path.name for text in lost or ()):
            path.unlink()
            continue
        moved.append(path.name)
        write_whole(inward, path.name, path.read_bytes())
        path.unlink()
    return moved


async def _report(site: Site, spool: Path, prefix: str, begin: int, end: int) -> None:
    async with CountyClient(site.county, spool) as client:
        await client.report(*_named(prefix, begin, end))
        await client.flush(is_settled=True)


LINK = "SELECT l.{} FROM links l JOIN peers USING (destination_id) WHERE peer_id = %s"


async def test_hubs_change_to_files_and_a_lost_file_is_told_and_mended(site: Site, tmp_path: Path) -> None:
    spool, city, province = tmp_path / "spool", site.city, site.province
    await _report(site, spool, "H", 0, 60)
    await until_value(province, 60, "SELECT count(*) FROM cases WHERE case_no LIKE 'H-%%'")
    for hub, other in ((city, PROVINCE), (province, CITY)):
        assert (await _files(hub, "start", other)).code == 0
    last = value(city, LINK.format("last_sequence"), PROVINCE)
    await _report(site, spool, "H", 60, 90)
    first_lost = f"{last + 1:012d}-"

    async def is_written() -> bool:
        return any(first_lost in path.name for path in waiting_in(_folders(city, PROVINCE)[1]))

    await until(is_written, "the first file")
    _move(city, province, lost={"~"})
    await _report(site, spool, "H", 90, 120)

    async def is_early() -> bool:
        _move(city, province)
        return "FILE_EARLY" in str(value(province, LINK.format("trouble"), CITY))

    await until(is_early, "the gap to be told")
    assert f"{last + 1}–" in value(province, LINK.format("trouble"), CITY)
    assert _cases(province, "H-") == 60, "nothing behind a gap is taken"

    async def is_mended() -> bool:
        _move(province, city)
        _move(city, province)
        return _cases(province, "H-") == 120

    await until(is_mended, "the lost numbers to come again")

    async def is_settled() -> bool:
        _move(province, city)
        _move(city, province)
        found = rows(city, LINK.format("last_sequence = l.receipted_sequence, l.trouble"), PROVINCE)
        return found == [(True, "")] and value(province, LINK.format("trouble"), CITY) == ""

    await until(is_settled, "receipts for everything, and no trouble left")
    for hub, other in ((city, PROVINCE), (province, CITY)):
        assert (await _files(hub, "stop", other)).code == 0
    await _report(site, spool, "H", 120, 150)
    await until_value(province, 150, "SELECT count(*) FROM cases WHERE case_no LIKE 'H-%%'")
    await until_settled(city, province)
    proof = await proof_of([(city, province)], city, province)
    assert (proof.incomplete_streams, proof.lost, proof.twice) == (0, 0, 0)


async def test_files_are_written_and_taken_by_hand_and_a_replay_is_harmless(site: Site, tmp_path: Path) -> None:
    city, province, stick = site.city, site.province, tmp_path / "stick"
    first = value(city, LINK.format("last_sequence"), PROVINCE) + 1
    await _report(site, tmp_path / "spool", "R", 0, 40)
    await until_settled(city, province)
    assert _cases(province, "R-") == 40
    written = await _files(city, "export", "--peer", PROVINCE, "--to", stick, "--from", first)
    assert written.code == 0, written.told
    (path,) = waiting_in(stick)
    ((begin, end),) = re.findall(r"  (\d+)–(\d+)\n", written.told)
    assert int(begin) == first
    count = int(end) - first + 1
    assert count >= 40
    shown = await sanji("files", "show", path)
    assert f"{CITY} → {PROVINCE}" in shown.told
    copy = path.read_bytes()
    for _ in range(2):
        taken = await _files(province, "import", stick)
        assert taken.code == 0, taken.told
        assert "此前已接收" in taken.told
        assert f"新 new 0, 已有 known {count}" in taken.told
        assert waiting_in(stick) == []
        write_whole(stick, path.name, copy)
    assert _cases(province, "R-") == 40
    acts = [row[0] for row in rows(province, "SELECT action FROM audit_entries WHERE action LIKE 'link.file%%'")]
    assert acts.count("link.file_import") == 4, "begun and done, twice"


async def test_a_file_that_must_not_be_taken_is_refused_in_words_and_the_others_go_on(
    site: Site, tmp_path: Path
) -> None:
    city, stick = site.city, tmp_path / "stick"
    keys = platform_file_keys(site.county)
    now = time.time_ns() // 1_000
    payload = pack(HANDLER, a_case("X-1")).payload
    good = LinkFile(HANDLER, CITY, now, "county-x", 1, 0, 0, [FileBatch(1, [payload])])
    stranger = await _stranger(site, tmp_path)
    files = {
        "damaged": write_file(good, keys.sign)[:-1],
        "other": write_file(good._replace(receiver_id="431222.hub"), keys.sign),
        "lying": write_file(good._replace(sender_id=ISSUER), keys.sign),
        "stranger": write_file(good, stranger),
        "stream": write_file(good._replace(stream="A B"), keys.sign),
        "good": write_file(good, keys.sign),
        "again": write_file(good._replace(batches=[FileBatch(1, [pack(HANDLER, a_case("X-2")).payload])]), keys.sign),
        "early": write_file(good._replace(batches=[FileBatch(9, [payload])]), keys.sign),
    }
    names = [f"{number} {name}.sanji" for number, name in enumerate(files)]
    for name, data in zip(names, files.values(), strict=True):
        write_whole(stick, name, data)
    ran = await _files(city, "import", stick)
    assert ran.code == 1
    reasons = {path.name: path.read_text(encoding="utf-8") for path in (stick / REFUSED).glob("*.txt")}
    for name, field, reason in (
        ("damaged", "file", "FILE_DAMAGED"),
        ("other", "receiver_id", "FILE_FOR_OTHER"),
        ("lying", "sender_id", "PEER_ID_MISMATCH"),
        ("stranger", "certificates", "SIGNATURE_INVALID"),
        ("stream", "stream", "STREAM_NAME_INVALID"),
        ("again", "batches.first_sequence", "SEQUENCE_REUSED"),
    ):
        (told,) = (text for file, text in reasons.items() if f" {name}." in file)
        assert f"字段 field: {field}" in told
        assert f"原因 reason: {reason}" in told
    assert len(reasons) == 6
    assert [path.name for path in waiting_in(stick)] == ["7 early.sanji"]
    assert "2–8" in ran.told
    assert [path.name for path in waiting_in(stick / DONE)] == ["5 good.sanji"]
    assert _cases(city, "X-") == 1


async def test_a_neighbour_that_is_not_welcome_has_its_files_refused_or_kept(site: Site, tmp_path: Path) -> None:
    city, stick, keys = site.city, tmp_path / "stick", platform_file_keys(site.county)
    file = LinkFile(HANDLER, CITY, time.time_ns() // 1_000, "county-y", 0, 0, 0)
    change(city, "UPDATE peers SET state = 'blocked' WHERE peer_id = %s", HANDLER)
    try:
        write_whole(stick, "8 blocked.sanji", write_file(file, keys.sign))
        assert "PEER_BLOCKED" in (await _files(city, "import", stick)).told
        change(city, "UPDATE peers SET state = 'active', is_paused = true WHERE peer_id = %s", HANDLER)
        write_whole(stick, "9 paused.sanji", write_file(file, keys.sign))
        paused = await _files(city, "import", stick)
        assert (paused.code, "LINK_PAUSED" in paused.told) == (75, True)
        assert (stick / "9 paused.sanji").exists()
    finally:
        change(city, "UPDATE peers SET state = 'active', is_paused = false WHERE peer_id = %s", HANDLER)


async def test_a_link_that_demands_signatures_has_that_of_the_file(site: Site, tmp_path: Path) -> None:
    city, stick, keys = site.city, tmp_path / "stick", platform_file_keys(site.county)
    for name, demanded, code, told in (
        ("a", "{ES256}", 0, "新 new 1"),
        ("b", "{SM2-SM3}", 1, "BATCH_UNSIGNED"),
    ):
        payload = pack(HANDLER, a_case(f"S-{name}")).payload
        file = LinkFile(HANDLER, CITY, time.time_ns() // 1_000, f"county-{name}", 1, 0, 0, [FileBatch(1, [payload])])
        write_whole(stick, f"{name}.sanji", write_file(file, keys.sign))
        change(city, "UPDATE peers SET required_signatures = %s WHERE peer_id = %s", demanded, HANDLER)
        try:
            ran = await _files(city, "import", stick)
        finally:
            change(city, "UPDATE peers SET required_signatures = '{}' WHERE peer_id = %s", HANDLER)
        assert ran.code == code, ran.told
        assert told in ran.told
    assert _cases(city, "S-") == 1


async def _stranger(site: Site, folder: Path) -> Signing:
    """Signs in the county's name with a certificate of another authority."""
    now = datetime.now(UTC)
    made = issue(make_authority("别人", now), HANDLER, now)
    (folder / "s.pem").write_bytes(made.certificate)
    (folder / "s.key").write_bytes(made.key)
    return partial(signed_with, folder / "s.pem", folder / "s.key")


async def test_a_platform_without_a_program_writes_and_takes_files_by_command(site: Site, tmp_path: Path) -> None:
    profile, stick = site.stage.folder / HANDLER, tmp_path / "stick"
    sheet = write_sheet(tmp_path / "cases.csv", rows_of("P", CYCLE + UNMAPPED + 1))
    words = ("--profile", profile, "--spool", tmp_path / "spool")
    added = await sanji("files", "add", sheet, "--mapping", mapping_in(tmp_path), *words)
    assert added.code == 1
    assert added.told.count(" row: ") == 2
    with closing(Spool(tmp_path / "spool", keeps_all=True)) as spool:
        count = spool.progress().written
    assert (await sanji("files", "export", *words, "--to", stick)).code == 0
    taken = await _files(site.city, "import", stick)
    assert taken.code == 0, taken.told
    counts = [int(found) for found in re.findall(r" (?:new|known|refused) (\d+)", taken.told)]
    assert sum(counts) == count
    assert counts[1:] == [1, 1], "one row stood there twice, one is of the year 2199"
    await until_value(site.city, 0, "SELECT count(*) FROM inbox i JOIN partitions p USING (partition)"
                      " WHERE i.inbox_id > p.cursor_id")  # fmt: skip
    back = await _files(site.city, "export", "--peer", HANDLER, "--to", tmp_path / "back")
    assert back.code == 0, back.told
    got = await sanji("files", "import", tmp_path / "back", *words)
    assert got.code == 0, got.told
    assert "枢纽未接受" in got.told
    with closing(Spool(tmp_path / "spool", keeps_all=True)) as spool:
        progress = spool.progress()
    assert (progress.answered, progress.settled) == (count, count)
    missing = await sanji("files", "export", "--profile", tmp_path, "--to", stick)
    assert missing.code == 1
    assert "找不到连接档案" in missing.told
    assert (await _files(site.city, "export", "--to", stick)).code == 2
    assert (await _files(site.city, "export", "--peer", "431299.hub", "--to", stick)).code == 1
    assert (await _files(site.city, "stop", HANDLER)).code == 1
    assert (await _files(site.city, "import", tmp_path / "nowhere")).code == 1
