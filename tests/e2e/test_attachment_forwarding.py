"""Evidence between hubs: fetched where a rule asks, refused where none gives, waited for where it has not come."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.county.attachments import send_file
from connectors.county.client import CountyClient
from connectors.errors import CallRefused
from connectors.transports.attachment_calls import download
from connectors.transports.grpc_peer import GrpcPeer
from exchange_db.attachment_records import AttachmentKind
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from tests.support.builders import CITY, COUNTY, PROVINCE, a_case, a_report
from tests.support.commands import sanji
from tests.support.evidence import Witness, quick_with_evidence, stored
from tests.support.parties import Party
from tests.support.photos import a_photo, a_ref, an_offer, digest_of
from tests.support.stages import staged, target_between, target_of, until, until_value, value

STATE = "SELECT state FROM attachment_refs WHERE case_no = %s AND section = 1 AND digest = %s"
TROUBLE = "SELECT trouble FROM attachment_refs WHERE case_no = %s AND digest = %s"


class Way:
    """A province over a city over a county's platform; the city gives after-photos up, the province asks for all."""

    def __init__(self, province: StagedHub, city: StagedHub, county: Witness) -> None:
        self.province = province
        self.city = city
        self.county = county


@pytest.fixture(scope="module")
def way(server: EmbeddedServer) -> Iterator[Way]:
    async def build(stage: Stage) -> Way:
        province = await stage.add_hub(
            PROVINCE, "湖南省枢纽", quick_with_evidence('fetch = ["child:*"]', "fetch_pause_cap_seconds = 0.5")
        )
        city = await stage.add_hub(CITY, "怀化市枢纽", quick_with_evidence('forward = ["child:*", "parent:after"]'))
        for hub in (province, city):
            hub.start()
        await asyncio.gather(province.wait_until_open(), city.wait_until_open())
        await stage.join(province, city)
        profile = await stage.add_platform(city, COUNTY)
        # The province dials the city where the city's entry says.
        return Way(province, city, Witness(Party(COUNTY, target_of(profile)), profile))

    with staged(server) as stage:
        yield asyncio.run(build(stage))


async def test_what_a_rule_gives_and_another_asks_for_goes_up_and_the_rest_stays(way: Way, tmp_path: Path) -> None:
    near, after = a_photo(31), a_photo(32)
    refs = (a_ref(near), a_ref(after, AttachmentKind.AFTER))
    await way.county.party.push(a_case("P-1", report=a_report(), attachments=refs))
    for hub in (way.city, way.province):
        await until_value(hub, "missing", STATE, "P-1", bytes.fromhex(digest_of(after)))

    async def is_told() -> bool:
        return bool(value(way.province, TROUBLE, "P-1", bytes.fromhex(digest_of(near))))

    await until(is_told, "a reason")
    await way.county.hand_in(tmp_path, near, an_offer(near, "P-1"))
    await way.county.hand_in(tmp_path, after, an_offer(after, "P-1", kind=AttachmentKind.AFTER))
    await until_value(way.province, "held", STATE, "P-1", bytes.fromhex(digest_of(after)))
    path = stored(way.province)[digest_of(after)]
    assert path.read_bytes() == after

    async def is_refused() -> bool:
        told = str(value(way.province, TROUBLE, "P-1", bytes.fromhex(digest_of(near))))
        return "evidence.forward" in told

    await until(is_refused, "the city's refusal")
    assert digest_of(near) not in stored(way.province)
    async with GrpcPeer(target_between(way.province, way.city)) as city:
        with pytest.raises(CallRefused) as refused:
            await anext(download(city, digest_of(near)))
    assert refused.value.reason == "ATTACHMENT_NOT_FORWARDED"


async def test_bytes_that_are_here_for_another_case_do_not_travel_again(way: Way, tmp_path: Path) -> None:
    after = a_photo(33)
    for case_no in ("Q-1", "Q-2"):
        ref = a_ref(after, AttachmentKind.AFTER)
        await way.county.party.push(a_case(case_no, report=a_report(), attachments=(ref,)))
        await way.county.hand_in(tmp_path, after, an_offer(after, case_no, kind=AttachmentKind.AFTER))
        await until_value(way.province, "held", STATE, case_no, bytes.fromhex(digest_of(after)))
    assert value(way.province, "SELECT count(*) FROM attachment_uploads WHERE digest = %s",
                 bytes.fromhex(digest_of(after))) == 1  # fmt: skip


async def test_damage_is_found_by_the_scrub_and_fetched_again(way: Way, tmp_path: Path) -> None:
    after = a_photo(34)
    digest = digest_of(after)
    await way.county.party.push(a_case("R-1", report=a_report(), attachments=(a_ref(after, AttachmentKind.AFTER),)))
    await way.county.hand_in(tmp_path, after, an_offer(after, "R-1", kind=AttachmentKind.AFTER))
    await until_value(way.province, "held", STATE, "R-1", bytes.fromhex(digest))
    path = stored(way.province)[digest]
    path.write_bytes(after[:-1] + b"?")
    scrubbed = await sanji("attachments", "scrub", "--config", way.province.settings_file)
    assert (scrubbed.code, "损坏 1 个" in scrubbed.told) == (1, True), scrubbed.told

    async def is_whole() -> bool:
        return bool(path.read_bytes() == after)

    await until(is_whole, "whole bytes")
    await until_value(way.province, "held", "SELECT state FROM attachments WHERE digest = %s", bytes.fromhex(digest))


async def test_a_person_may_ask_whatever_the_rules_say(way: Way, tmp_path: Path) -> None:
    photo = a_photo(35)
    await way.county.party.push(a_case("S-1", report=a_report(), attachments=(a_ref(photo),)))
    await until_value(way.city, "missing", STATE, "S-1", bytes.fromhex(digest_of(photo)))
    asked = await sanji(
        "attachments", "fetch", "--issuer", COUNTY, "--case-no", "S-1", "--config", way.city.settings_file
    )
    assert (asked.code, "未成 1 个" in asked.told) == (1, True), asked.told
    told = (await sanji("attachments", "missing", "--config", way.city.settings_file)).told
    assert "不可连接" in told.replace("\n", "")
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo)
    await send_file(way.county.target, an_offer(photo, "S-1"), path)
    assert value(way.city, STATE, "S-1", bytes.fromhex(digest_of(photo))) == "held"


def test_a_hub_that_cannot_be_dialled_asks_what_is_wanted_and_hands_it_up(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    with staged(server) as stage:
        asyncio.run(_prove_that_a_hidden_hub_hands_up(stage, tmp_path))


async def _prove_that_a_hidden_hub_hands_up(stage: Stage, tmp_path: Path) -> None:
    after, near = a_photo(36), a_photo(37)
    province = await stage.add_hub(PROVINCE, "湖南省枢纽", quick_with_evidence('fetch = ["child:*"]'))
    hidden = quick_with_evidence('forward = ["parent:after"]')
    city = await stage.add_hub(CITY, "怀化市枢纽", hidden, is_dialled=False)
    for hub in (province, city):
        hub.start()
    await asyncio.gather(province.wait_until_open(), city.wait_until_open())
    await stage.join(province, city)
    profile = await stage.add_platform(city, COUNTY)
    county = Witness(Party(COUNTY, target_of(profile)), profile)
    refs = (a_ref(after, AttachmentKind.AFTER), a_ref(near))
    await county.party.push(a_case("U-1", report=a_report(), attachments=refs))
    for hub in (province, city):
        await until_value(hub, "missing", STATE, "U-1", bytes.fromhex(digest_of(near)))
    async with CountyClient(profile, tmp_path / "spool") as client:
        told = await client.wanted()
    wanted = (an_offer(after, "U-1", kind=AttachmentKind.AFTER), an_offer(near, "U-1"))
    assert sorted(told) == sorted(wanted)
    for data, offer in zip((after, near), wanted, strict=True):
        await county.hand_in(tmp_path, data, offer)
    await until_value(province, "held", STATE, "U-1", bytes.fromhex(digest_of(after)))
    path = stored(province)[digest_of(after)]
    assert path.read_bytes() == after
    assert value(province, STATE, "U-1", bytes.fromhex(digest_of(near))) == "missing"
