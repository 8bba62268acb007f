"""Releases of standards over three tiers: published, announced, pulled, verified, refused, withdrawn; lag shows."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.errors import CallRefused, CredentialsRefused
from connectors.transports import standards_calls
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.demo.staging import Stage, StagedHub
from hub.standards.documents import VALIDATORS
from hub.standards.publishing import Publisher
from hub.standards.release_standing import listed
from tests.support.commands import Ran, sanji
from tests.support.signed_releases import CODES, STANDARD, a_plan
from tests.support.stages import change, quick, rows, staged, target_between, target_of, until, until_value, value

#: Announcements go out at once; what is pulled without one is pulled at the start of a hub or by command.
SETTINGS = quick() + "\n[standards]\npull_seconds = 3600\nannounce_seconds = 1\n"
NATION, PROVINCE, CITY = "000000.hub", "430000.hub", "431200.hub"
HELD = "SELECT count(*) FROM standard_releases WHERE name = %s AND version = %s"


class Line(NamedTuple):
    """Nation, province and city."""

    stage: Stage
    nation: StagedHub
    province: StagedHub
    city: StagedHub


@pytest.fixture(scope="module")
def line(server: EmbeddedServer) -> Iterator[Line]:
    """Three hubs, joined; every test publishes standards of its own."""
    with staged(server) as stage:

        async def build() -> Line:
            hubs = [await stage.add_hub(name, name, SETTINGS) for name in (NATION, PROVINCE, CITY)]
            for hub in hubs:
                hub.start()
            await asyncio.gather(*(hub.wait_until_open() for hub in hubs))
            for above, below in ((hubs[0], hubs[1]), (hubs[1], hubs[2])):
                await stage.join(above, below)
            return Line(stage, *hubs)

        yield asyncio.run(build())


async def _publish(hub: StagedHub, name: str, version: str = "1", content: bytes = CODES, **changes: Any) -> None:
    """Publishes as the command does, without its process."""
    settings = hub.settings
    async with Ledger(hub.url, pool_size=0) as ledger:
        publisher = Publisher(ledger, settings.hub.id, settings.hub.region, settings.tls, VALIDATORS, system_clock)
        await publisher.publish(a_plan(version, content, name=name, **changes))


async def _releases(hub: StagedHub) -> dict[str, Any]:
    async with Ledger(hub.url, pool_size=0) as ledger:
        return await listed(ledger, hub.settings.hub.region, system_clock())


async def _pull(hub: StagedHub) -> Ran:
    return await sanji("standards", "pull", "--now", "--config", hub.settings_file)


async def test_what_the_nation_publishes_reaches_the_city_by_announcement(line: Line, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_bytes(CODES)
    words = ("--name", STANDARD, "--version", "1", "--effective", "2020-01-01", "--stage", "431200=2090-01-01")
    published = await sanji("standards", "publish", file, *words, "--config", line.nation.settings_file)
    assert published == (0, f"code_list {STANDARD} 1 已发布。 / Published.\n")
    await until_value(line.city, 1, HELD, STANDARD, "1")
    for hub, source, state in (
        (line.nation, NATION, "in_force"), (line.province, NATION, "in_force"), (line.city, PROVINCE, "coming"),
    ):  # fmt: skip
        (release,) = [one for one in (await _releases(hub))["releases"] if one["name"] == STANDARD]
        assert (release["source_id"], release["state"]) == (source, state)
        assert value(hub, "SELECT content FROM standard_documents WHERE digest = %s", _sha(CODES)) == CODES
    same = "SELECT manifest, signature, certificates FROM standard_releases WHERE name = %s"
    assert rows(line.nation, same, STANDARD) == rows(line.city, same, STANDARD)
    shown = await sanji("standards", "releases", "--config", line.city.settings_file)
    assert all(text in shown.told for text in (STANDARD, "待生效", "↑ 430000.hub", "缺 0 项"))

    async def has_confirmed() -> bool:
        return all(one["missing_count"] == 0 for one in (await _releases(line.nation))["below"])

    await until(has_confirmed, "the province's confirmation")


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_a_tampered_release_is_refused_shown_and_taken_once_it_is_right(line: Line) -> None:
    line.province.stop()
    reasons = {"manifest": "RELEASE_DAMAGED", "signature": "SIGNATURE_INVALID", "document": "RELEASE_DAMAGED"}
    contents = {name: CODES + f"event,0299,{name},{STANDARD}\n".encode() for name in reasons}
    for name, content in contents.items():
        await _publish(line.nation, name, content=content)
    wanted = "SELECT name, manifest, signature FROM standard_releases WHERE name = ANY(%s)"
    kept = rows(line.nation, wanted, list(reasons))
    change(line.nation, "UPDATE standard_releases SET manifest = manifest || ' ' WHERE name = 'manifest'")
    change(line.nation, "UPDATE standard_releases SET signature = sha512(signature) WHERE name = 'signature'")
    spoil = "UPDATE standard_documents SET content = %s WHERE digest = %s"
    change(line.nation, spoil, contents["document"].replace(b"02", b"03"), _sha(contents["document"]))
    await _publish(line.nation, "behind", "1")

    refused = await _pull(line.province)
    assert (refused.code, "新发布 1 项，拒收 3 项" in refused.told) == (1, True), refused.told
    told = await _releases(line.province)
    assert {one["label"]: one["reason"] for one in told["refusals"]} == {
        f"{NATION} code_list {name} 1": reason for name, reason in reasons.items()
    }
    assert [(one["missing_count"], one["trouble"]) for one in told["above"]] == [(3, "")]
    assert [one["name"] for one in told["releases"] if one["name"] in {*reasons, "behind"}] == ["behind"]
    assert [one["missing_count"] for one in (await _releases(line.nation))["below"]] == [4]
    assert len((await _releases(line.nation))["damaged"]) == 1
    shown = await sanji("standards", "releases", "--config", line.province.settings_file)
    assert f"✗ 拒收 {NATION} code_list signature 1（来自 {NATION}）" in shown.told
    assert "签名无效" in shown.told

    for name, manifest, signature in kept:
        repair = "UPDATE standard_releases SET manifest = %s, signature = %s WHERE name = %s"
        change(line.nation, repair, manifest, signature, name)
    change(line.nation, spoil, contents["document"], _sha(contents["document"]))
    line.province.start()
    await line.province.wait_until_open()
    for name in reasons:
        await until_value(line.city, 1, HELD, name, "1")
    told = await _releases(line.province)
    assert (told["refusals"], [one["missing_count"] for one in told["above"]]) == ([], [0])


async def test_a_hub_that_was_down_lags_visibly_and_pulls_when_it_is_back(line: Line) -> None:
    line.city.stop()
    await _publish(line.nation, "down", "1")
    await until_value(line.province, 1, HELD, "down", "1")

    async def is_lagging() -> bool:
        (city,) = (await _releases(line.province))["below"]
        return bool(city["missing_count"] == 1 and city["trouble"])

    await until(is_lagging, "the city's lag at the province")
    line.city.start()
    await until_value(line.city, 1, HELD, "down", "1")

    async def is_level() -> bool:
        (city,) = (await _releases(line.province))["below"]
        return bool(city["missing_count"] == 0 and not city["trouble"])

    await until(is_level, "the end of the city's lag")
    runs = rows(line.city, "SELECT DISTINCT trouble FROM job_runs WHERE job = 'pull-standards' ORDER BY 1 LIMIT 1")
    assert runs == [("",)]


async def test_a_list_of_nonsense_harms_nobody_and_is_forgotten_once_it_is_mended(line: Line) -> None:
    line.province.stop()
    await _publish(line.nation, "nonsense")
    digest = value(line.nation, "SELECT digest FROM standard_releases WHERE name = 'nonsense'")
    change(
        line.nation,
        "UPDATE standard_releases SET digest = E'no\\ndigest', version = %s WHERE name = 'nonsense'",
        "\u202e",
    )
    assert "拒收 1 项" in (await _pull(line.province)).told
    (refusal,) = (await _releases(line.province))["refusals"]
    assert (refusal["reason"], refusal["field_path"]) == ("RELEASE_UNREADABLE", "digest")
    assert refusal["label"] == f"{NATION} code_list nonsense \ufffd"
    change(line.nation, "UPDATE standard_releases SET digest = %s, version = '1' WHERE name = 'nonsense'", digest)
    line.province.start()
    await line.province.wait_until_open()
    await until_value(line.province, 1, HELD, "nonsense", "1")
    await until_value(line.province, True, "SELECT held_number = newest_number FROM standard_pulls")
    assert (await _releases(line.province))["refusals"] == []


async def test_a_withdrawal_travels_like_a_release(line: Line) -> None:
    name = "withdrawn"
    for version in ("1", "2"):
        await _publish(line.nation, name, version)
    words = ("--name", name, "--version", "2", "--note", "有误", "--config", line.nation.settings_file)
    ran = await sanji("standards", "withdraw", *words)
    assert ran == (0, f"code_list {name} 2 已由 3 撤回。 / Withdrawn by 3.\n")
    await until_value(line.city, 1, HELD, name, "3")
    found = {one["version"]: one["state"] for one in (await _releases(line.city))["releases"] if one["name"] == name}
    assert found == {"1": "in_force", "2": "withdrawn", "3": "withdrawal"}


async def test_a_city_extends_and_may_not_replace_what_stands_above(line: Line) -> None:
    await _publish(line.nation, "extended", "1")
    await until_value(line.city, 1, HELD, "extended", "1")
    with pytest.raises(Violated, match="RELEASE_FORBIDDEN"):
        await _publish(line.city, "extended")
    local = f"kind,code,name,standard_ref,region\nevent,0299,本地（自定义）,{STANDARD},431200\n".encode()
    await _publish(line.city, "extended", content=local, is_extension=True)
    states = [one["state"] for one in (await _releases(line.city))["releases"] if one["name"] == "extended"]
    assert states == ["in_force", "extends"]
    async with GrpcPeer(target_between(line.province, line.city)) as city:
        listed = await standards_calls.list_releases(city, 0, "", size=1_000, timeout_seconds=10)
        assert CITY in {one.publisher_id for one in listed.releases}
        with pytest.raises(CredentialsRefused) as barred:
            await _announce_from_below(line)
    assert barred.value.reason == "ORIGIN_FORBIDDEN"


async def _announce_from_below(line: Line) -> None:
    async with GrpcPeer(target_between(line.city, line.province)) as province:
        await standards_calls.announce(province, 1, timeout_seconds=10)


async def test_a_platform_may_have_what_stands_above_it_and_nothing_else(line: Line) -> None:
    content = b"kind,code,name\n" + b"event,01,x\n" * 200_000
    await _publish(line.province, "large", content=content, kind="notices")
    await until_value(line.city, 1, HELD, "large", "1")
    profile = await line.stage.add_platform(line.province, "430600.platform")
    await _publish(line.city, "city only", "1")
    async with GrpcPeer(target_of(profile)) as province:
        listed = await standards_calls.list_releases(province, 0, "", size=1_000, timeout_seconds=10)
        assert {one.publisher_id for one in listed.releases} == {NATION, PROVINCE}
        fetched = await standards_calls.fetch_document(province, _sha(content), len(content), timeout_seconds=30)
        assert fetched == content
        with pytest.raises(CallRefused) as longer:
            await standards_calls.fetch_document(province, _sha(content), 1_000, timeout_seconds=30)
        assert longer.value.reason == "RELEASE_DAMAGED"
        for ask, reason in (
            (standards_calls.get_release(province, "0" * 64, timeout_seconds=10), "RELEASE_NOT_FOUND"),
            (standards_calls.get_release(province, "nonsense", timeout_seconds=10), "ARGUMENT_INVALID"),
            (standards_calls.fetch_document(province, "0" * 64, 9, timeout_seconds=10), "RELEASE_NOT_FOUND"),
            (standards_calls.list_releases(province, 10_000, "", timeout_seconds=10), "CURSOR_AHEAD"),
            (standards_calls.list_releases(province, 1, "0" * 64, timeout_seconds=10), "CURSOR_AHEAD"),
            (standards_calls.list_releases(province, -1, "", timeout_seconds=10), "ARGUMENT_INVALID"),
        ):
            with pytest.raises(CallRefused) as refused:
                await ask
            assert refused.value.reason == reason


async def test_a_hub_above_that_was_restored_from_a_backup_is_read_anew(line: Line) -> None:
    await _publish(line.nation, "restored", "1")
    await until_value(line.province, 1, HELD, "restored", "1")
    await until_value(line.province, True, "SELECT held_number = newest_number FROM standard_pulls")
    change(line.nation, "DELETE FROM standard_releases WHERE name = 'restored'")
    await _publish(line.nation, "instead", "1")
    await _publish(line.nation, "instead", "2")
    await until_value(line.province, 1, HELD, "instead", "2")
    assert value(line.province, HELD, "instead", "1") == 1
    assert value(line.province, HELD, "restored", "1") == 1
