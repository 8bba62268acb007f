"""Evidence in the ledger: what cases name, what is missing, who may have what."""

from typing import Any

import pytest

from exchange_db import attachments, evidence_search
from exchange_db.attachment_records import AttachmentKind, Offer
from exchange_db.attachments import Exif, MissingRef, Rights, Seen, Upload
from exchange_db.records import ReportState
from exchange_db.regions import Subtree
from exchange_db.session import Ledger
from hub.evidence.finding import EvidenceSearch
from hub.sections.evidence import EvidencePart
from tests.support.applied import apply_records, apply_waiting, take_in
from tests.support.builders import (
    CITY,
    COUNTY,
    OTHER_COUNTY,
    a_case,
    a_handling,
    a_payload,
    a_report,
    an_assignment,
)
from tests.support.clock import NOON, FakeClock
from tests.support.neighbours import enrolled
from tests.support.photos import a_photo, a_ref, an_offer, digest_of

HERE, ELSEWHERE, EVERYWHERE = Subtree(431221, 431221), Subtree(431222, 431222), Subtree(431200, 431299)
PHOTO = a_photo()
DIGEST = digest_of(PHOTO)


def _named(case_no: str = "2020-0001", **changes: Any) -> Any:
    report = a_report(state=ReportState.FILED)
    return a_case(case_no, report=report, attachments=(a_ref(PHOTO, **changes),))


async def _search(ledger: Ledger, *fetch: str) -> int:
    return await EvidenceSearch(ledger, EvidencePart(fetch=fetch), FakeClock()).run()


async def _missing(ledger: Ledger, **wanted: Any) -> list[MissingRef]:
    async with ledger.read() as session:
        return await attachments.missing(session, 100, **wanted)


async def _hold(ledger: Ledger, offer: Offer, peer_id: str = COUNTY) -> None:
    async with ledger.write() as session:
        await attachments.store(session, offer, "image/jpeg", Exif(NOON, 109.9, 27.4), peer_id, NOON)
        await attachments.hold(session, offer, peer_id, NOON)


async def _rights(ledger: Ledger, peer_id: str, visible: Subtree) -> Rights | None:
    async with ledger.read() as session:
        return (await attachments.rights(session, [DIGEST], peer_id, visible)).get(DIGEST)


async def test_what_a_case_names_is_missing_until_its_bytes_come(ledger: Ledger) -> None:
    await apply_records(ledger, _named())
    assert await _missing(ledger) == []
    assert await _search(ledger) == 1
    (ref,) = await _missing(ledger)
    assert (ref.digest, ref.case_no, ref.sender_id, ref.section) == (DIGEST, "2020-0001", CITY, 1)
    assert (ref.kind, ref.size_bytes, ref.is_corrupt) == (AttachmentKind.BEFORE_NEAR, len(PHOTO), False)
    await _hold(ledger, an_offer(PHOTO))
    assert await _missing(ledger) == []
    assert await _search(ledger) == 0


async def test_bytes_that_come_before_the_case_wait_for_it(ledger: Ledger) -> None:
    await _hold(ledger, an_offer(PHOTO))
    assert await _rights(ledger, OTHER_COUNTY, EVERYWHERE) is None
    await apply_records(ledger, _named())
    assert await _search(ledger) == 1
    assert await _missing(ledger) == []
    rights = await _rights(ledger, CITY, EVERYWHERE)
    assert rights == Rights(frozenset({AttachmentKind.BEFORE_NEAR}), is_named=True, is_own=False)


async def test_bytes_of_another_case_are_not_bytes_of_this_one(ledger: Ledger) -> None:
    await apply_records(ledger, _named("2020-0001"), _named("2020-0002"))
    await _search(ledger)
    await _hold(ledger, an_offer(PHOTO, "2020-0001"))
    assert [ref.case_no for ref in await _missing(ledger)] == ["2020-0002"]


async def test_a_section_that_did_not_take_effect_names_nothing(ledger: Ledger) -> None:
    # Only its handler may write this section, and it is nobody's yet.
    handled = a_case(handling=a_handling(), attachments=(a_ref(PHOTO, section="handling"),))
    await apply_records(ledger, a_case(), (handled, OTHER_COUNTY))
    assert await _search(ledger) == 0
    assert await _missing(ledger) == []


async def test_what_is_not_applied_is_not_looked_at_and_not_passed_over(ledger: Ledger) -> None:
    await take_in(ledger, [a_payload(_named())])
    assert await _search(ledger) == 0
    await apply_waiting(ledger)
    assert await _search(ledger) == 1


async def test_many_records_are_looked_through_in_steps(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.evidence.finding._ROWS", 2)
    await apply_records(ledger, *(_named(f"2020-{n:04d}") for n in range(150)))
    assert await _search(ledger) == 150
    assert len(await _missing(ledger, visible=HERE)) == 100
    assert await _missing(ledger, visible=ELSEWHERE) == []


async def test_a_cursor_never_goes_back(ledger: Ledger) -> None:
    await apply_records(ledger, _named())
    await _search(ledger)
    async with ledger.write() as session:
        await evidence_search.move_cursors(session, dict.fromkeys(range(64), 0))
        assert await evidence_search.applied_rows(session, 10) == []


async def test_only_who_sees_a_case_that_holds_them_gets_the_bytes(ledger: Ledger) -> None:
    dispatched = a_case(assignment=an_assignment(handler_id=OTHER_COUNTY))
    await apply_records(ledger, _named())
    await _search(ledger)
    assert await _rights(ledger, CITY, EVERYWHERE) == Rights(frozenset(), is_named=True, is_own=False)
    await _hold(ledger, an_offer(PHOTO))
    assert await _rights(ledger, COUNTY, HERE) == Rights(frozenset({1}), is_named=True, is_own=True)
    assert await _rights(ledger, OTHER_COUNTY, ELSEWHERE) is None
    await apply_records(ledger, (dispatched, CITY))
    assert await _rights(ledger, OTHER_COUNTY, ELSEWHERE) == Rights(frozenset({1}), is_named=True, is_own=False)


async def test_to_name_a_digest_is_not_to_have_it(ledger: Ledger) -> None:
    theirs = a_case("9", OTHER_COUNTY, report=a_report(region_code="431222"), attachments=(a_ref(PHOTO),))
    await apply_records(ledger, _named(), theirs)
    await _search(ledger)
    await _hold(ledger, an_offer(PHOTO))
    assert await _rights(ledger, OTHER_COUNTY, ELSEWHERE) == Rights(frozenset(), is_named=True, is_own=False)


async def test_bytes_are_noted_once_and_whole_again_after_damage(ledger: Ledger) -> None:
    await apply_records(ledger, _named())
    await _search(ledger)
    await _hold(ledger, an_offer(PHOTO))
    await _hold(ledger, an_offer(PHOTO, media_type="image/jpg"), CITY)
    async with ledger.write() as session:
        stored = await attachments.find(session, DIGEST)
        assert stored is not None
        assert (stored.first_uploader_id, stored.media_type, stored.state) == (COUNTY, "image/jpeg", "held")
        await attachments.note_check(session, DIGEST, "corrupt", NOON + 1)
        assert await attachments.counts(session) == (0, 0, 1, 0)
        assert await attachments.due_for_check(session, NOON + 9, 10) == []
    (ref,) = await _missing(ledger)
    assert ref.is_corrupt
    await _hold(ledger, an_offer(PHOTO))
    assert await _missing(ledger) == []
    async with ledger.read() as session:
        assert await attachments.counts(session) == (1, len(PHOTO), 0, 0)
        assert [found.digest for found in await attachments.due_for_check(session, NOON + 9, 10)] == [DIGEST]


async def test_what_lies_at_another_hub_is_not_missed_unless_a_rule_asks(ledger: Ledger) -> None:
    photo, after = a_ref(PHOTO), a_ref(a_photo(2), AttachmentKind.AFTER)
    await apply_records(ledger, a_case(report=a_report(), attachments=(photo, after)))
    await enrolled(ledger, CITY)
    assert await _search(ledger, "child:after") == 2
    assert [ref.digest for ref in await _missing(ledger)] == [after.digest]
    async with ledger.read() as session:
        found = await attachments.not_held(session, COUNTY, "2020-0001")
        assert await attachments.not_held(session, COUNTY, "2020-0002") == []
    assert sorted(ref.digest for ref in found) == sorted((photo.digest, after.digest))
    await _hold(ledger, an_offer(PHOTO))
    async with ledger.read() as session:
        assert [ref.digest for ref in await attachments.not_held(session, COUNTY, "2020-0001")] == [after.digest]
    assert await _rights(ledger, CITY, EVERYWHERE) == Rights(frozenset({1}), is_named=True, is_own=False)


async def test_only_what_is_asked_for_is_tried(ledger: Ledger) -> None:
    await apply_records(ledger, _named())
    await _search(ledger)
    assert len(await _missing(ledger, asked=[(CITY, 1), (COUNTY, 4)])) == 1
    assert await _missing(ledger, asked=[(CITY, 4), (COUNTY, 1)]) == []
    assert await _missing(ledger, asked=[]) == []


async def test_a_failure_is_noted_and_waits(ledger: Ledger) -> None:
    await apply_records(ledger, _named())
    await _search(ledger)
    (ref,) = await _missing(ledger)
    async with ledger.write() as session:
        await attachments.note_failure(session, ref, "no answer", NOON + 10)
    assert await _missing(ledger, due_time=NOON + 9) == []
    (again,) = await _missing(ledger, due_time=NOON + 10)
    assert (again.attempt_count, again.trouble) == (1, "no answer")


async def test_what_is_wanted_of_a_neighbour_is_told_by_pages(ledger: Ledger) -> None:
    await apply_records(ledger, *(_named(f"2020-{n:04d}") for n in range(5)))
    await apply_records(ledger, _named("2020-0009", kind=AttachmentKind.AFTER, digest="ab" * 32))
    await _search(ledger)
    near, every = {AttachmentKind.BEFORE_NEAR}, frozenset(AttachmentKind)
    async with ledger.read() as session:
        assert len(await attachments.wanted(session, CITY, near, Seen(), 10)) == 5
        assert await attachments.wanted(session, COUNTY, near, Seen(), 10) == []
        assert await attachments.wanted(session, CITY, (), Seen(), 10) == []
        whole = await attachments.wanted(session, CITY, every, Seen(), 10)
        by_pages: list[MissingRef] = []
        while page := await attachments.wanted(session, CITY, every, _last(by_pages), 2):
            by_pages += page
    assert by_pages == whole
    assert len(whole) == 6


def _last(seen: list[MissingRef]) -> Seen:
    return Seen(seen[-1].found_time, seen[-1].digest, seen[-1].case_id) if seen else Seen()


async def test_uploads_are_counted_until_they_are_done_or_forgotten(ledger: Ledger) -> None:
    async with ledger.write() as session:
        for offset in (0, 5):
            await attachments.note_upload(session, COUNTY, DIGEST, Upload(10, offset, is_done=False), NOON)
        await attachments.note_upload(session, COUNTY, "ab" * 32, Upload(10, 1, is_done=False), NOON + 5)
        assert await attachments.upload_of(session, COUNTY, DIGEST) == Upload(10, 5, is_done=False)
        assert await attachments.unfinished_count(session, COUNTY) == 2
        assert await attachments.unfinished_count(session, OTHER_COUNTY) == 0
        assert await attachments.forget_stale_uploads(session, NOON + 3) == 1
        await attachments.store(session, an_offer(PHOTO), "image/jpeg", Exif(), COUNTY, NOON)
        await attachments.forget_upload(session, COUNTY, DIGEST)
        assert await attachments.upload_of(session, COUNTY, DIGEST) == Upload(len(PHOTO), len(PHOTO), is_done=True)
        await attachments.forget_upload(session, COUNTY, "ab" * 32)
        assert await attachments.unfinished_count(session, COUNTY) == 0
