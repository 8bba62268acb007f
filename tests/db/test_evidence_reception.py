"""Taking evidence in without a network: any chunks, any interruption, a store that is not there, the scrub."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.principal import Principal
from exchange_db import attachments
from exchange_db.attachment_records import AttachmentKind, Offer
from exchange_db.attachments import Upload
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.evidence.errors import NotStored
from hub.evidence.giving import EvidenceReader
from hub.evidence.reception import SYNC_BYTES, ReceptionDesk
from hub.evidence.scrub import KEPT_UPLOAD, EvidenceScrub
from hub.evidence.store import EvidenceStore
from hub.sections.evidence import EvidencePart
from tests.support.applied import apply_records
from tests.support.builders import COUNTY, a_case, a_principal, a_report
from tests.support.clock import NOON, FakeClock
from tests.support.neighbours import enrolled
from tests.support.photos import a_photo, an_offer, digest_of

CITY_REGION, ZONE = 431200, "Asia/Shanghai"


class Site:
    """A desk, its store and its reader in a folder."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger = ledger
        self.clock = FakeClock()
        self.part = EvidencePart(folder=folder / "held", spool_folder=folder / "arriving")
        self.store = EvidenceStore(self.part)
        self.desk = ReceptionDesk(ledger, self.store, self.part, self.clock, CITY_REGION, ZONE)
        self.reader = EvidenceReader(ledger, self.store, self.part, self.clock, CITY_REGION)
        self.scrub = EvidenceScrub(ledger, self.reader, self.part.spool_folder, self.clock)
        self.county = a_principal(COUNTY)

    async def hand_in(self, data: bytes, offer: Offer | None = None, sender: Principal | None = None) -> bool:
        """Hands bytes in, in one go; tells whether they were there before."""
        reception = await self.desk.receive(sender or self.county, offer or an_offer(data))
        try:
            while not reception.is_complete:
                at = reception.next_offset
                await reception.take(at, data[at : at + 500_000])
            return (await reception.finish()).is_duplicate
        finally:
            reception.close()


@pytest.fixture
async def site(ledger: Ledger, tmp_path: Path) -> Site:
    peer = await enrolled(ledger, COUNTY)
    found = Site(ledger, tmp_path)
    found.county = found.county._replace(destination_id=peer.destination_id, thumbprint=peer.thumbprint)
    await apply_records(ledger, a_case(report=a_report()))
    return found


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 1_048_576), min_size=1, max_size=8),
    breaks=st.sets(st.integers(0, 40), max_size=5),
    number=st.integers(0, 2**31),
)
def test_any_chunks_and_any_breaks_give_the_bytes_that_were_named(
    database_url: str, tmp_path: Path, sizes: list[int], breaks: set[int], number: int
) -> None:
    async def prove() -> None:
        async with Ledger(database_url, pool_size=2) as ledger:
            peer = await enrolled(ledger, COUNTY)
            site = Site(ledger, tmp_path)
            sender = site.county._replace(destination_id=peer.destination_id, thumbprint=peer.thumbprint)
            data = a_photo(number, size=2 * SYNC_BYTES + 77_777)
            offer, step = an_offer(data), 0
            reception = await site.desk.receive(sender, offer)
            while not reception.is_complete:
                at = reception.next_offset
                await reception.take(at, data[at : at + sizes[step % len(sizes)]])
                if step in breaks and not reception.is_complete:
                    reception.close()
                    reception = await site.desk.receive(sender, offer)
                    assert reception.next_offset <= at + sizes[step % len(sizes)]
                    assert at - reception.next_offset < SYNC_BYTES
                step += 1
                if step > 60:
                    sizes.append(1_048_576)
                    breaks.clear()
            await reception.finish()
            reception.close()
            assert b"".join([piece async for piece in site.store.pieces(offer.digest)]) == data

    asyncio.run(prove())


async def test_the_same_bytes_are_stored_once_and_asked_for_once(site: Site) -> None:
    photo = a_photo()
    assert not await site.hand_in(photo)
    again = await site.desk.receive(site.county, an_offer(photo, "another"))
    assert again.is_complete
    assert (await again.finish()).is_duplicate
    assert len([path for path in site.part.folder.glob("*/*/*") if path.is_file()]) == 1
    assert list(site.part.spool_folder.glob("*/*")) == []


async def test_a_store_that_is_not_there_is_told_and_what_has_come_is_kept(site: Site) -> None:
    photo = a_photo()
    site.part.folder.write_bytes(b"no folder")
    with pytest.raises(Violated, match="STORE_UNAVAILABLE"):
        await site.hand_in(photo)
    site.part.folder.unlink()
    reception = await site.desk.receive(site.county, an_offer(photo))
    assert reception.is_complete
    assert not (await reception.finish()).is_duplicate
    reception.close()


async def test_a_spool_that_cannot_be_written_is_told(site: Site) -> None:
    site.part.spool_folder.write_bytes(b"no folder")
    with pytest.raises(Violated, match="STORE_UNAVAILABLE"):
        await site.hand_in(a_photo())


async def test_bytes_of_another_type_are_refused_before_the_rest_comes(site: Site) -> None:
    page = b"<html>" + bytes(3_000_000)
    reception = await site.desk.receive(site.county, an_offer(page))
    with pytest.raises(Violated, match="ATTACHMENT_TYPE_MISMATCH"):
        await reception.take(0, page[:100_000])
    assert list(site.part.spool_folder.glob("*/*")) == []
    async with site.ledger.read() as session:
        assert await attachments.upload_of(session, COUNTY, digest_of(page)) is None


async def test_what_is_taken_again_under_another_size_begins_anew(site: Site) -> None:
    photo = a_photo(size=SYNC_BYTES + 1_000_000)
    wrong = await site.desk.receive(site.county, an_offer(photo, size_bytes=len(photo) + 5))
    for at in range(0, len(photo), 1_000_000):
        await wrong.take(at, photo[at : at + 1_000_000])
    wrong.close()
    right = await site.desk.receive(site.county, an_offer(photo))
    assert right.next_offset == 0
    right.close()


async def test_a_kind_and_a_case_that_are_not_the_senders_are_refused(site: Site) -> None:
    photo = a_photo()
    for offer, reason in (
        (an_offer(photo, size_bytes=20_000_001), "ATTACHMENT_TOO_LARGE"),
        (an_offer(photo, kind=AttachmentKind.VIDEO), "ATTACHMENT_TYPE_FORBIDDEN"),
        (an_offer(photo, issuer_id="431222.platform"), "ORIGIN_FORBIDDEN"),
    ):
        with pytest.raises(Violated, match=reason):
            await site.desk.receive(site.county, offer)


async def test_the_scrub_reads_a_share_and_what_was_unread_for_longest_first(site: Site) -> None:
    photos = [a_photo(number) for number in range(4)]
    for photo in photos:
        await site.hand_in(photo)
        site.clock.advance(minutes=1)
    site.clock.advance(days=2)
    assert (await site.scrub.run(2 * len(photos[0]))).attachment_count == 2
    for path in site.part.folder.glob("*/*/*"):
        if path.name == digest_of(photos[3]):
            path.write_bytes(photos[3][:-1])
    done = await site.scrub.run(None)
    assert (done.attachment_count, done.corrupt_count) == (2, 1)
    assert (await site.scrub.run(None)).attachment_count == 0
    with pytest.raises(Violated, match="ATTACHMENT_CORRUPT"):
        await site.reader.find(site.county, digest_of(photos[3]))
    (path,) = [path for path in site.part.folder.glob("*/*/*") if path.name == digest_of(photos[0])]
    path.unlink()
    site.clock.advance(days=2)
    assert (await site.scrub.run(None)).corrupt_count == 1
    with pytest.raises(NotStored):
        await anext(site.store.pieces(digest_of(photos[0])))


async def test_an_upload_nobody_goes_on_with_is_forgotten(site: Site) -> None:
    photo = a_photo()
    reception = await site.desk.receive(site.county, an_offer(photo))
    await reception.take(0, photo[:100])
    reception.close()
    (file,) = site.part.spool_folder.glob("*/*")
    for days, is_there in ((6, True), (2, False)):
        site.clock.advance(days=days)
        os.utime(file, (NOON / 1_000_000, NOON / 1_000_000))
        await site.scrub.run(None)
        async with site.ledger.read() as session:
            upload = await attachments.upload_of(session, COUNTY, digest_of(photo))
        assert (file.exists(), upload == Upload(len(photo), 0, is_done=False)) == (is_there, is_there)
    assert KEPT_UPLOAD == 7 * 86_400_000_000
