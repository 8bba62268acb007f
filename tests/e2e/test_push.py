"""``sanji push`` against a running hub: every row is accounted for, and whatever happens is said in words."""

import asyncio
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from auth.certificates import issue, make_authority, write
from connectors.county.profile import Profile
from connectors.county.refused_file import refused_path_of
from connectors.county.sheet_push import spool_path_of
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import COUNTY
from tests.support.sheets import (
    PushCommand,
    fates_of,
    mapping_in,
    refused_rows,
    rows_of,
    rows_refused_of,
    write_sheet,
)
from tests.support.stages import change, quick, staged, until, value


class Site(NamedTuple):
    """A city's hub and the profile of a county that pushes to it."""

    hub: StagedHub
    profile: Profile


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    async def build(stage: Stage) -> Site:
        hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
        hub.start()
        await hub.wait_until_open()
        return Site(hub, await stage.add_platform(hub, COUNTY))

    with staged(server) as stage:
        yield asyncio.run(build(stage))


def command(site: Site, folder: Path, name: str, prefix: str, count: int) -> PushCommand:
    """The push of a fresh sheet with rows of every fate."""
    sheet = write_sheet(folder / name, rows_of(prefix, count))
    return PushCommand(sheet, mapping_in(folder), site.profile)


def cases_of(site: Site, prefix: str) -> int:
    return int(value(site.hub, "SELECT count(*) FROM cases WHERE case_no LIKE %s", f"{prefix}-%"))


@pytest.mark.parametrize(
    ("name", "first_row"), [("a.csv", 2), ("b.csv.gz", 2), ("c.jsonl", 1), ("d.jsonl.gz", 1), ("e.xlsx", 2)]
)
async def test_every_row_of_every_format_is_accounted_for(
    site: Site, tmp_path: Path, name: str, first_row: int
) -> None:
    prefix = f"F{name[0]}"
    pushing = command(site, tmp_path, name, prefix, 120)
    pushed = await pushing.run()
    assert pushed.code == 1, pushed.told
    summary = pushed.summary
    assert {key: summary[key] for key in ("rows", "accepted", "refused")} == fates_of(120)
    assert (summary["known"], summary["pending_receipts"]) == (2, 0)
    assert {(found["stage"], found["reason"], found["count"]) for found in summary["refusals"]} == {
        ("unmapped", "VALUE_UNMAPPED", 3),
        ("refused", "CLOCK_SKEW", 3),
        ("quarantined", "SECTION_FORBIDDEN", 2),
    }
    assert refused_rows(pushing.sheet) == rows_refused_of(prefix, 120, first_row)
    assert cases_of(site, prefix) == summary["accepted"] - summary["known"]
    assert not spool_path_of(pushing.sheet).exists()


async def test_what_was_refused_can_be_corrected_and_pushed_and_the_rest_is_known(site: Site, tmp_path: Path) -> None:
    pushing = command(site, tmp_path, "cases.csv", "G", 60)
    assert (await pushing.run()).code == 1
    refused = refused_path_of(pushing.sheet)
    text = refused.read_text(encoding="utf-8-sig")
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(
        text.replace("未知所", "环卫所").replace("2199-", "2020-").replace("外单位", "环卫所"), encoding="utf-8-sig"
    )
    again = await PushCommand(corrected, tmp_path / "mapping.toml", site.profile).run()
    assert (again.code, again.summary["accepted"]) == (0, again.summary["rows"]), again.told
    good = [row for row in rows_of("G", 60) if row["处置部门"] == "环卫所" and row["上报时间"] < "2199"]
    write_sheet(pushing.sheet, good)
    whole = await pushing.run()
    assert (whole.code, whole.summary["refused"]) == (0, 0), whole.told
    assert whole.summary["known"] == whole.summary["rows"]
    assert not refused.exists()


async def test_a_change_without_a_higher_revision_is_told_to_have_changed_nothing(site: Site, tmp_path: Path) -> None:
    rows = rows_of("H", 5)
    sheet = write_sheet(tmp_path / "cases.csv", rows)
    pushing = PushCommand(sheet, mapping_in(tmp_path), site.profile)
    assert (await pushing.run()).code == 0
    write_sheet(sheet, [rows[0] | {"描述": "改了"}, rows[1] | {"描述": "改了", "修订号": "2"}, *rows[2:]])
    again = await pushing.run()
    assert (again.code, again.summary["accepted"]) == (0, 5)
    assert (again.summary["known"], again.summary["stale"]) == (3, 1)


async def test_a_hub_that_is_down_is_waited_for_and_the_push_goes_on(site: Site, tmp_path: Path) -> None:
    pushing = command(site, tmp_path, "cases.csv", "K", 100)
    await asyncio.to_thread(site.hub.stop)
    try:
        given_up = await pushing.run("--give-up-after", "0")
        assert given_up.code == 75
        assert "再次执行同一命令" in given_up.told
        process = pushing.start()

        async def is_ahead() -> bool:
            return spool_path_of(pushing.sheet).exists()

        await until(is_ahead, "a spool")
    finally:
        site.hub.start()
    await site.hub.wait_until_open()
    pushed = await pushing.end_of(process)
    assert pushed.code == 1
    assert "接续上次的报送" in pushed.told
    assert {key: pushed.summary[key] for key in ("rows", "accepted", "refused")} == fates_of(100)
    assert refused_rows(pushing.sheet) == rows_refused_of("K", 100)


async def test_an_unfinished_push_does_not_go_on_in_another_file_or_with_another_mapping(
    site: Site, tmp_path: Path
) -> None:
    rows = rows_of("L", 5)
    sheet = write_sheet(tmp_path / "cases.csv", rows)
    mapping = mapping_in(tmp_path)
    pushing = PushCommand(sheet, mapping, site.profile)
    away = PushCommand(sheet, mapping, msgspec.structs.replace(site.profile, address="127.0.0.1:1"))
    assert (await away.run("--give-up-after", "0")).code == 75
    write_sheet(sheet, [row | {"描述": "改了"} for row in rows] + rows_of("M", 2))
    mapping.write_text(mapping.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    PushCommand(sheet, mapping, site.profile)
    stopped = await pushing.run()
    assert stopped.code == 2
    for word in ("文件内容、映射文件已改变", "--restart", "the file, the mapping"):
        assert word in stopped.told
    assert cases_of(site, "L") == 0
    pushed = await pushing.run("--restart")
    assert (pushed.code, pushed.summary["accepted"]) == (0, 7), pushed.told
    assert (cases_of(site, "L"), cases_of(site, "M")) == (5, 2)


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_and_a_stop_say_that_the_push_can_be_resumed(
    site: Site, tmp_path: Path, wanted: signal.Signals
) -> None:
    away = msgspec.structs.replace(site.profile, address="127.0.0.1:1")
    sheet = write_sheet(tmp_path / "cases.csv", rows_of("N", 5))
    process = PushCommand(sheet, mapping_in(tmp_path), away).start()

    async def is_ahead() -> bool:
        return spool_path_of(sheet).exists()

    await until(is_ahead, "a spool")
    process.send_signal(wanted)
    out, told = await asyncio.to_thread(process.communicate, timeout=240)
    assert (process.returncode, out) == (130, "")
    assert "已中断" in told
    assert "Traceback" not in told


async def test_a_push_of_the_same_file_at_the_same_time_is_refused(site: Site, tmp_path: Path) -> None:
    away = msgspec.structs.replace(site.profile, address="127.0.0.1:1")
    pushing = PushCommand(write_sheet(tmp_path / "cases.csv", rows_of("P", 5)), mapping_in(tmp_path), away)
    first = pushing.start()

    async def is_ahead() -> bool:
        return spool_path_of(pushing.sheet).exists()

    try:
        await until(is_ahead, "a spool")
        second = await pushing.run("--give-up-after", "0")
    finally:
        first.kill()
        first.communicate()
    assert second.code == 2
    assert "正被另一个进程使用" in second.told


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("cases.csv", "", "文件为空"),
        ("cases.csv", '案件编号\n"open', "CSV"),
        ("cases.csv.gz", "not gzip", "压缩文件已损坏"),
        ("cases.xlsx", "not a zip", "损坏"),
        ("cases.txt", "x", "无法识别的文件类型"),
        ("missing.csv", None, "文件不存在"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    site: Site, tmp_path: Path, name: str, content: str | None, word: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    pushed = await PushCommand(tmp_path / name, mapping_in(tmp_path), site.profile).run()
    assert pushed.code == 2
    assert word in pushed.told
    assert not spool_path_of(tmp_path / name).exists()


async def test_credentials_that_do_not_fit_are_told_before_anything_is_sent(site: Site, tmp_path: Path) -> None:
    sheet, mapping = write_sheet(tmp_path / "cases.csv", rows_of("Q", 3)), mapping_in(tmp_path)
    stranger = issue(make_authority("another", datetime.now(UTC)), COUNTY, datetime.now(UTC))
    pem, key = tmp_path / "stranger.pem", tmp_path / "stranger.key"
    write(stranger, pem, key)
    replace = msgspec.structs.replace
    for profile, word in (
        (replace(site.profile, certificate=pem, key=key), "不是由"),
        (replace(site.profile, key=key), "不匹配"),
        (replace(site.profile, key=tmp_path / "nowhere.key"), "读不到"),
        (replace(site.profile, certificate=mapping), "无效"),
        (replace(site.profile, platform_id="431222.platform"), "证书属于"),
        (replace(site.profile, thumbprint="0" * 64), "CERTIFICATE_UNKNOWN"),
    ):
        pushed = await PushCommand(sheet, mapping, profile).run("--restart")
        assert (pushed.code, word in pushed.told) == (2, True), pushed.told
    change(site.hub, "UPDATE peers SET state = 'blocked' WHERE peer_id = %s", COUNTY)
    try:
        blocked = await PushCommand(sheet, mapping, site.profile).run("--restart")
        assert (blocked.code, "PEER_BLOCKED" in blocked.told) == (2, True), blocked.told
    finally:
        change(site.hub, "UPDATE peers SET state = 'active' WHERE peer_id = %s", COUNTY)
    assert (await PushCommand(sheet, mapping, site.profile).run()).code == 0


async def test_without_a_profile_or_mapping_it_says_what_is_missing(site: Site, tmp_path: Path) -> None:
    sheet, mapping = write_sheet(tmp_path / "cases.csv", rows_of("R", 1)), mapping_in(tmp_path)
    pushed = await PushCommand(sheet, tmp_path / "none.toml", site.profile).run()
    assert (pushed.code, "映射文件" in pushed.told) == (2, True)
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("431221.platform", "431222.platform"))
    other = await PushCommand(sheet, mapping, site.profile).run()
    assert (other.code, "平台只能上报自己的案件" in other.told) == (2, True)
    pushing = PushCommand(sheet, mapping, site.profile)
    (tmp_path / "profile" / "profile.toml").unlink()
    assert ((await pushing.run()).code, spool_path_of(sheet).exists()) == (2, False)
