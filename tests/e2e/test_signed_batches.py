"""Signed batches between real processes: a platform signs for its city, a city for its province."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec import structs
from typer.testing import CliRunner

from auth.batch_keys import Algorithm, SigningKey, read_signing_key
from auth.envelope import Sealer
from auth.key_cards import read_card, write_card
from bench.workload import ISSUER, case_of
from connectors.county.client import CountyClient
from connectors.county.profile import Profile, ProfileInvalid, read_profile, write_profile
from connectors.county.pusher import target_of
from connectors.errors import CallRefused, CredentialsRefused
from connectors.transports.grpc_peer import GrpcPeer, PushStream
from connectors.transports.reconcile_calls import resend_records
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case, Violated
from exchange_db.seal_records import Seal
from hub.cli import evidence, keys, peer_keys
from hub.cli.app import app
from hub.clock import system_clock
from hub.demo.staging import Stage, StagedHub
from hub.federation.sealing import platform_judging, platform_sealer
from hub.federation.signing_cards import card_beside
from protos.exchange.v1.parcel_pb2 import Parcel
from protos.exchange.v1.receipt_pb2 import OUTCOME_DUPLICATE, OUTCOME_DURABLE
from tests.support.builders import a_case, a_report
from tests.support.commands import Ran
from tests.support.parties import CITY, COUNTY, OTHER_COUNTY, PROVINCE, Party
from tests.support.pushing import parcel_of
from tests.support.stages import quick, staged, until_settled, until_value, value

#: Modules whose commands are run.
COMMANDS = (evidence, keys, peer_keys)
SEALS = "SELECT count(*) FROM batch_seals JOIN streams USING (stream_id) WHERE sender_id = %s AND algorithm = %s"
TROUBLE = "SELECT trouble LIKE %s FROM links JOIN peers USING (destination_id) WHERE peer_id = %s"


class Site(NamedTuple):
    """Province and city, which sign for each other, and three platforms of which one signs."""

    province: StagedHub
    city: StagedHub
    county: Profile
    other: Profile
    dispatcher: Profile


def _make_key(folder: Path, owner: str, algorithm: Algorithm, name: str) -> Path:
    """Does what ``sanji keys signing`` does, without a process of its own."""
    key, now, path = SigningKey.generate(algorithm), datetime.now(UTC), folder / f"{name}.key"
    certificate, certificate_key = (folder / f"{owner}.{ending}" for ending in ("pem", "key"))
    card = write_card(
        owner, key.public, now, now + timedelta(days=9), now, certificate.read_bytes(), certificate_key.read_bytes()
    )
    key.write(path)
    card_beside(path).write_bytes(card)
    return path


async def _sanji(*words: object) -> Ran:
    """Runs a command in this process: many are run here, and starting one costs more than it does."""
    wide = {"COLUMNS": "200", "NO_COLOR": "1"}
    done = await asyncio.to_thread(CliRunner().invoke, app, list(map(str, words)), env=wide)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ran(done.exit_code, done.output)


async def _peers(hub: StagedHub, *words: object, code: int = 0) -> str:
    ran = await _sanji("peers", *words, "--config", hub.settings_file)
    assert ran.code == code, ran.told
    return ran.told


async def _build(stage: Stage) -> Site:
    signing = '[signing]\nkeys = ["sm2.key", "es256.key"]\n\n'
    province = await stage.add_hub(PROVINCE, "湖南省枢纽", signing + quick())
    city = await stage.add_hub(CITY, "怀化市枢纽", signing + quick())
    for hub in (province, city):
        for algorithm, name in ((Algorithm.SM2_SM3, "sm2"), (Algorithm.ES256, "es256")):
            _make_key(hub.folder, hub.folder.name, algorithm, name)
        hub.start()
        await hub.wait_until_open()
    await stage.join(province, city)
    county, other = await stage.add_platform(city, COUNTY), await stage.add_platform(city, OTHER_COUNTY)
    folder = stage.folder / COUNTY
    key = _make_key(folder, COUNTY, Algorithm.SM2_SM3, "sm2")
    write_profile(
        folder,
        Profile(**{**{name: getattr(county, name) for name in county.__struct_fields__}, "signing_keys": (key,)}),
    )
    await _peers(city, "keys", "add", COUNTY, key.with_suffix(".card"))
    assert "SM2-SM3" in await _peers(city, "signing", COUNTY, "--require", "SM2-SM3")
    await _peers(province, "signing", CITY, "--require", "ES256", "--require", "SM2-SM3")
    return Site(province, city, read_profile(folder), other, await stage.add_platform(city, ISSUER))


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    with staged(server) as stage:
        yield asyncio.run(_build(stage))


def _case(number: int, **changes: Any) -> Case:
    return a_case(case_no=f"S-{number}", report=a_report(), **changes)


async def test_a_case_is_signed_on_every_link_and_seals_are_kept(site: Site, tmp_path: Path) -> None:
    async with CountyClient(site.county, tmp_path / "spool", platform_sealer(site.county)) as client:
        await client.report(*(_case(number) for number in range(20)))
        await client.flush(is_settled=True)
    await until_settled(site.city, site.province)
    assert value(site.province, "SELECT count(*) FROM cases WHERE case_no LIKE %s", "S-%") == 20
    assert value(site.city, SEALS, COUNTY, "SM2-SM3") >= 1
    for algorithm in ("SM2-SM3", "ES256"):
        assert value(site.province, SEALS, CITY, algorithm) >= 1
    covered = (
        "SELECT count(*) FROM inbox i JOIN streams s USING (stream_id) WHERE s.sender_id = %s AND NOT EXISTS ("
        "SELECT FROM batch_seals b WHERE b.stream_id = i.stream_id AND i.sequence BETWEEN b.first_sequence AND"
        " b.last_sequence AND length(b.leaves) = 32 * (b.last_sequence - b.first_sequence + 1))"
    )
    assert value(site.city, covered, COUNTY) == 0
    assert value(site.province, covered, CITY) == 0


async def _answer(profile: Profile, sealing: Any, payloads: list[bytes], stream: str) -> Any:
    async with GrpcPeer(target_of(profile, sealing)) as hub, hub.push(stream) as pushing:
        await pushing.send(pushing.next_sequence, payloads)
        async for answer in pushing.answers():
            return answer.verdict
    raise AssertionError("no answer")


async def _refusal(profile: Profile, sealing: Any, payloads: list[bytes], stream: str = "refused") -> str:
    with pytest.raises(CallRefused) as refused:
        await _answer(profile, sealing, payloads, stream)
    return refused.value.reason


async def test_what_is_not_signed_so_is_refused_and_leaves_nothing(site: Site) -> None:
    rightful = platform_sealer(site.county)
    (path,) = site.county.signing_keys
    key = read_signing_key(path)

    def bent(*said: Any) -> list[Seal]:
        return [Seal(seal.statement, bytes(64)) for seal in rightful(*said)]

    def early(*said: Any) -> list[Seal]:
        return Sealer(COUNTY, [key], lambda: system_clock() - 3_600_000_000)(*said)

    def late(*said: Any) -> list[Seal]:
        return Sealer(COUNTY, [key], lambda: system_clock() + 3_600_000_000)(*said)

    def foreign(*said: Any) -> list[Seal]:
        return Sealer(OTHER_COUNTY, [key], system_clock)(*said)

    def swapped(receiver: str, stream: str, first: int, payloads: list[bytes], asked: Any) -> list[Seal]:
        return rightful(receiver, stream, first, payloads[::-1], asked)

    payloads = [parcel_of(COUNTY, _case(100 + number)) for number in range(2)]
    assert await _refusal(site.county, None, payloads) == "BATCH_UNSIGNED"
    assert await _refusal(site.county, bent, payloads) == "BATCH_SIGNATURE_INVALID"
    assert await _refusal(site.county, early, payloads) == "BATCH_SIGNATURE_EXPIRED"
    assert await _refusal(site.county, late, payloads) == "BATCH_SIGNATURE_EXPIRED"
    assert await _refusal(site.county, foreign, payloads) == "BATCH_SIGNATURE_INVALID"
    assert await _refusal(site.county, swapped, payloads) == "BATCH_SIGNATURE_INVALID"
    with pytest.raises(CallRefused) as refused:
        await Party(COUNTY, target_of(site.county)).push(_case(102))
    assert refused.value.reason == "BATCH_UNSIGNED"
    assert value(site.city, "SELECT last_sequence FROM streams WHERE name = 'refused'") == 0
    verdict = await _answer(site.county, rightful, payloads, "refused")
    assert list(verdict.outcomes) == [1, 1]


async def test_a_signature_played_again_elsewhere_is_refused_and_in_its_place_a_repeat(site: Site) -> None:
    rightful, heard = platform_sealer(site.county), list[list[Seal]]()

    def overheard(*said: Any) -> list[Seal]:
        heard.append(rightful(*said))
        return heard[-1]

    payloads = [parcel_of(COUNTY, _case(200))]
    assert list((await _answer(site.county, overheard, payloads, "played")).outcomes) == [1]
    assert await _refusal(site.county, lambda *_: heard[0], payloads, "played") == "BATCH_SIGNATURE_INVALID"
    assert await _refusal(site.county, lambda *_: heard[0], payloads, "elsewhere") == "BATCH_SIGNATURE_INVALID"
    async with GrpcPeer(target_of(site.county, lambda *_: heard[0])) as hub, hub.push("played") as pushing:
        await pushing.send(1, payloads)
        async for answer in pushing.answers():
            assert answer.verdict is not None
            assert list(answer.verdict.outcomes) == [2]
            break


async def _next_verdict(pushing: PushStream) -> Any:
    async for answer in pushing.answers():
        if answer.verdict is not None:
            return answer.verdict
    raise AssertionError("no answer")


async def test_single_calls_are_signed_and_each_keeps_its_seal(site: Site) -> None:
    """Signed by the platform's key they are taken; unsigned, changed or for another stream they are not."""
    rightful = platform_sealer(site.county)
    parcels = [Parcel.FromString(parcel_of(COUNTY, _case(number))) for number in (800, 801, 802, 803)]

    def elsewhere(receiver: str, _stream: str, *said: Any) -> list[Seal]:
        return rightful(receiver, "resend", *said)

    def of_another(receiver: str, stream: str, first: int, _payloads: Any, asked: Any) -> list[Seal]:
        return rightful(receiver, stream, first, [b"other"], asked)

    async def push(parcel: Parcel, sealing: Any) -> int:
        async with GrpcPeer(target_of(site.county, sealing)) as hub:
            return (await hub.push_one(parcel)).verdict.outcome

    for sealing, reason in (
        (None, "BATCH_UNSIGNED"), (elsewhere, "BATCH_SIGNATURE_INVALID"), (of_another, "BATCH_SIGNATURE_INVALID"),
    ):  # fmt: skip
        with pytest.raises(CallRefused) as refused:
            await push(parcels[0], sealing)
        assert refused.value.reason == reason
    for parcel in parcels:
        assert await push(parcel, rightful) == OUTCOME_DURABLE
    assert await push(parcels[1], rightful) == OUTCOME_DUPLICATE
    kept = (
        "SELECT count(*) FROM inbox i JOIN streams s USING (stream_id) JOIN batch_seals b ON b.stream_id = i.stream_id"
        " AND b.first_sequence = i.sequence AND b.last_sequence = i.sequence WHERE s.name = 'one' AND s.sender_id = %s"
    )
    assert value(site.city, kept, COUNTY) == 4


async def test_records_sent_again_are_signed_as_one_batch(site: Site, tmp_path: Path) -> None:
    payloads = [parcel_of(COUNTY, _case(number)) for number in range(810, 814)]
    for sealing, taken in ((None, [False] * 4), (platform_sealer(site.county), [True] * 4)):
        async with GrpcPeer(target_of(site.county, sealing)) as hub:
            assert await resend_records(hub, payloads) == taken
    kept = (
        "SELECT max(b.last_sequence - b.first_sequence) FROM batch_seals b JOIN streams USING (stream_id)"
        " WHERE name = 'resend' AND sender_id = %s"
    )
    assert value(site.city, kept, COUNTY) == 3
    await until_value(site.city, 1, "SELECT count(*) FROM cases WHERE case_no = %s", "S-812")
    proof = tmp_path / "proof.json"
    words = ("--case", "S-812", "--issuer", COUNTY, "--out", proof, "--config", site.city.settings_file)
    ran = await _sanji("evidence", "export", *words)
    assert ran.code == 0, ran.told
    authority = site.county.authority
    ran = await _sanji("evidence", "verify", proof, "--authority", authority, "--json")
    assert ran.code == 0, ran.told
    assert [len(record["signed_with"]) for record in json.loads(ran.told)["records"]] == [1]
    file = json.loads(proof.read_bytes())
    (seal,) = file["proof"]["records"][0]["seals"]
    assert seal["place"] == 2


async def test_a_platform_takes_only_what_its_hub_has_signed(site: Site, tmp_path: Path) -> None:
    numbers = range(700, 703)
    async with CountyClient(site.dispatcher, tmp_path / "dispatcher") as client:
        await client.report(*map(case_of, numbers))
        await client.flush(is_settled=True)
    folder = site.city.folder
    unused = card_beside(_make_key(folder, CITY, Algorithm.ES256, "unused"))
    both = (folder / "es256.card", folder / "sm2.card")

    async def arrived(*cards: Path) -> list[str]:
        profile = structs.replace(site.county, hub_cards=cards)
        spool, judging = tmp_path / "spool", platform_judging(profile)
        async with CountyClient(profile, spool, platform_sealer(profile), judging) as client:
            return [case.case_no async for case in client.assignments(stop_when_empty=True)]

    with pytest.raises(CredentialsRefused) as refused:
        await arrived(unused)
    assert refused.value.reason == "BATCH_KEY_UNKNOWN"
    with pytest.raises(Violated) as foreign:
        await arrived(site.province.folder / "es256.card")
    assert foreign.value.violation.reason == "PEER_ID_MISMATCH"
    with pytest.raises(ProfileInvalid, match="judging"):
        CountyClient(structs.replace(site.county, hub_cards=both), tmp_path / "spool")
    assert platform_judging(site.county) is None
    found = await arrived(unused, *both)
    assert {case_of(number).case_no for number in numbers} <= set(found)


async def test_keys_follow_each_other_with_an_overlap_and_a_withdrawn_one_ends_at_once(site: Site) -> None:
    folder = site.county.authority.parent
    (old,) = site.county.signing_keys
    new = _make_key(folder, COUNTY, Algorithm.SM2_SM3, "next")
    await _peers(site.city, "keys", "add", COUNTY, new.with_suffix(".card"))
    for path, stream in ((old, "old"), (new, "new")):
        sealer = Sealer(COUNTY, [read_signing_key(path)], system_clock)
        payloads = [parcel_of(COUNTY, _case(300 if path == old else 301))]
        assert list((await _answer(site.county, sealer, payloads, stream)).outcomes) == [1]
    sealer, key = Sealer(COUNTY, [read_signing_key(new)], system_clock), read_signing_key(new).public.key_id
    async with GrpcPeer(target_of(site.county, sealer)) as hub:
        with pytest.raises(CallRefused) as refused:
            async with hub.push("open") as pushing:
                await pushing.send(1, [parcel_of(COUNTY, _case(302))])
                assert list((await _next_verdict(pushing)).outcomes) == [1]
                assert "withdrawn" in await _peers(site.city, "keys", "withdraw", COUNTY, key)
                await pushing.send(2, [parcel_of(COUNTY, _case(303))])
                await _next_verdict(pushing)
    assert refused.value.reason == "BATCH_KEY_UNKNOWN"
    listed = await _peers(site.city, "keys", "list", COUNTY)
    assert "withdrawn" in listed
    assert "valid" in listed
    await _peers(site.city, "keys", "withdraw", COUNTY, key, code=1)
    actions = "SELECT count(*) FROM audit_entries WHERE action = %s AND object = %s AND outcome = 'done'"
    assert value(site.city, actions, "peer.key.withdraw", COUNTY) == 1
    assert value(site.city, actions, "peer.signing.require", COUNTY) == 1


async def test_the_link_says_why_and_goes_on_when_it_is_mended(site: Site, tmp_path: Path) -> None:
    key = value(site.province, "SELECT key_id FROM batch_keys WHERE peer_id = %s AND algorithm = 'ES256'", CITY)
    await _peers(site.province, "keys", "withdraw", CITY, key)
    async with CountyClient(site.county, tmp_path / "spool", platform_sealer(site.county)) as client:
        await client.report(_case(400))
        await client.flush(is_settled=True)
    await until_value(site.city, True, TROUBLE, "%密钥%", PROVINCE)
    assert value(site.province, "SELECT count(*) FROM cases WHERE case_no = 'S-400'") == 0
    await _peers(site.province, "keys", "add", CITY, site.city.folder / "es256.card")
    await until_value(site.province, 1, "SELECT count(*) FROM cases WHERE case_no = 'S-400'")


async def test_an_operator_is_told_what_cannot_be(site: Site, tmp_path: Path) -> None:
    assert "不要求签名" in await _peers(site.city, "signing", OTHER_COUNTY)
    assert "尚无有效" in await _peers(site.city, "signing", OTHER_COUNTY, "--require", "Ed25519")
    assert await _refusal(site.other, None, [parcel_of(OTHER_COUNTY, _case(500))]) == "BATCH_UNSIGNED"
    assert "不要求签名" in await _peers(site.city, "signing", OTHER_COUNTY, "--none")
    assert "不能同用" in await _peers(site.city, "signing", OTHER_COUNTY, "--none", "--require", "ES256", code=2)
    assert "没有 431223.platform" in await _peers(site.city, "signing", "431223.platform", code=1)
    card = site.county.signing_keys[0].with_suffix(".card")
    assert "PEER_ID_MISMATCH" not in await _peers(site.city, "keys", "add", OTHER_COUNTY, card, code=1)
    assert "没有" in await _peers(site.city, "keys", "withdraw", OTHER_COUNTY, "x", code=1)
    tls = site.city.settings.tls
    made = await _sanji(
        "keys", "signing", "--certificate", tls.certificate, "--key", tls.key, "--out", tmp_path, "--name", "made",
    )  # fmt: skip
    assert made.code == 0, made.told
    assert read_signing_key(tmp_path / "made.key").algorithm is Algorithm.SM2_SM3
    assert read_card((tmp_path / "made.card").read_bytes(), tls.authority.read_bytes()).platform_id == CITY
    assert "已存在" in (
        await _sanji(
            "keys", "signing", "--certificate", site.city.settings.tls.certificate, "--key", site.city.settings.tls.key,
            "--out", tmp_path, "--name", "made",
        )
    ).told  # fmt: skip


async def test_a_case_is_proved_on_another_machine(site: Site, tmp_path: Path) -> None:
    async with CountyClient(site.county, tmp_path / "spool", platform_sealer(site.county)) as client:
        await client.report(_case(600))
        await client.flush(is_settled=True)
    await until_value(site.province, 1, "SELECT count(*) FROM cases WHERE case_no = 'S-600'")
    authority = site.county.authority
    for hub, algorithms in ((site.city, 1), (site.province, 2)):
        out = tmp_path / f"{hub.folder.name}.json"
        words = ("--case", "S-600", "--issuer", COUNTY, "--out", out, "--config", hub.settings_file)
        made = await _sanji("evidence", "export", *words)
        assert made.code == 0, made.told
        assert "1 条记录" in made.told
        told = await _sanji("evidence", "verify", out, "--authority", authority, "--json")
        found = json.loads(told.told)
        assert (told.code, found["holds"], found["is_trusted"], found["case_no"]) == (0, True, True, "S-600")
        assert [len(record["signed_with"]) for record in found["records"]] == [algorithms]
        assert (await _sanji("evidence", "export", *words)).code == 1
        out.write_text(out.read_text().replace('"applied"', '"stale"'))
        refused = await _sanji("evidence", "verify", out, "--authority", authority)
        assert refused.code == 1
        assert "EVIDENCE_ALTERED" in refused.told
    assert "不是案件证据" in (await _sanji("evidence", "verify", authority)).told
    assert (await _sanji("evidence", "verify", tmp_path / "missing")).code == 2
