"""Documents in the ledger: the newest version counts, each section has one owner, and nobody sees another's."""

from exchange_db import documents
from exchange_db.document_records import AnswerState, DocumentKind
from exchange_db.documents import DocumentFilter
from exchange_db.regions import Subtree, subtree
from exchange_db.session import Ledger
from tests.support.applied import apply_records, apply_waiting, take_in
from tests.support.builders import (
    CITY,
    COUNTY,
    DAY,
    OTHER_COUNTY,
    PROVINCE,
    a_letter,
    a_payload,
    an_answer,
)
from tests.support.clock import NOON
from tests.support.neighbours import a_peer

PEERS = (a_peer(PROVINCE, "parent", 1), a_peer(COUNTY, "child", 2), a_peer(OTHER_COUNTY, "child", 3))
_LATER = NOON + 2 * DAY


async def _held(ledger: Ledger) -> list[tuple[str, str]]:
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT reason, field_path FROM quarantine ORDER BY quarantine_id")
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def _destinations(ledger: Ledger) -> list[int]:
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT destination_id FROM outbox ORDER BY inbox_id, destination_id")
        return [row[0] for row in await cursor.fetchall()]


async def test_a_letter_goes_to_its_addressee_alone_and_the_answer_stays_with_the_issuer(ledger: Ledger) -> None:
    await apply_records(ledger, a_letter(), peers=PEERS)
    assert await _destinations(ledger) == [2]
    await apply_records(ledger, an_answer(), peers=PEERS)
    assert await _destinations(ledger) == [2]
    async with ledger.read() as session:
        row = await documents.find(session, CITY, "L-1", None)
        versions = await documents.versions(session, CITY, "L-1")
    assert row is not None
    assert row.answer is not None
    assert (row.content.title, row.answer.text, row.is_open) == (
        "关于反复发生暴露垃圾问题的交办函",
        "已整改到位。",
        False,
    )
    assert [(version.section, version.revision, version.origin_id) for version in versions] == [
        (5, 1, CITY),
        (6, 1, COUNTY),
    ]


async def test_an_older_or_repeated_version_changes_nothing(ledger: Ledger) -> None:
    await apply_records(ledger, a_letter(revision=2, title="第二版"), peers=PEERS)
    await apply_records(ledger, a_letter(revision=1, title="第一版"), a_letter(revision=2, title="改写"), peers=PEERS)
    async with ledger.read() as session:
        row = await documents.find(session, CITY, "L-1", None)
    assert row is not None
    assert (row.content.title, row.content.revision) == ("第二版", 2)
    assert await _destinations(ledger) == [2]
    assert await _held(ledger) == []


async def test_what_may_not_be_is_put_aside_with_its_reason(ledger: Ledger) -> None:
    wrong = an_answer(revision=1, answerer_id=OTHER_COUNTY)
    await apply_records(ledger, a_letter(), peers=PEERS)
    await apply_records(
        ledger,
        wrong,
        an_answer("L-none"),
        a_letter(revision=2, addressee_id=OTHER_COUNTY),
        a_letter("L-2", addressee_id="431223.platform"),
        a_letter("L-3", is_withdrawn=True),
        an_answer("L-3"),
        peers=PEERS,
    )
    assert sorted(await _held(ledger)) == [
        ("ADDRESSEE_UNREACHABLE", "document.content.addressee_id"),
        ("DOCUMENT_FIXED", "document.content.addressee_id"),
        ("DOCUMENT_UNANSWERABLE", "document.key.document_id"),
        ("DOCUMENT_UNKNOWN", "document.key.document_id"),
        ("SECTION_FORBIDDEN", "document.answer.answerer_id"),
    ]


async def test_intake_refuses_sections_of_others_and_letters_that_go_up(ledger: Ledger) -> None:
    upward = a_letter(issuer_id=COUNTY, addressee_id=CITY)
    payloads = [
        a_payload(a_letter(), origin_id=COUNTY),
        a_payload(an_answer(), origin_id=CITY),
        a_payload(upward),
        a_payload(a_letter(region_code="440000")),
        a_payload(a_letter(issued_time=NOON + DAY)),
    ]
    answer = await take_in(ledger, payloads)
    assert answer.outcomes == "RRRRR"
    assert [(found.reason, found.field_path) for found in answer.violations.values()] == [
        ("ORIGIN_FORBIDDEN", "document.key.issuer_id"),
        ("ORIGIN_FORBIDDEN", "document.answer.answerer_id"),
        ("ADDRESSEE_FORBIDDEN", "document.content.addressee_id"),
        ("REGION_FORBIDDEN", "document.content.region_code"),
        ("CLOCK_SKEW", "document.content.issued_time"),
    ]


async def test_a_bulletin_goes_to_everybody_below_and_is_seen_by_them(ledger: Ledger) -> None:
    bulletin = a_letter("B-1", kind=DocumentKind.BULLETIN, addressee_id="", region_code="431200", deadline_time=0)
    await apply_records(ledger, bulletin, a_letter("L-9"), peers=PEERS)
    assert sorted(await _destinations(ledger)) == [2, 2, 3]

    async def seen(regions: Subtree | tuple[Subtree, ...]) -> list[str]:
        async with ledger.read() as session:
            found = await documents.listing(session, DocumentFilter(regions), 10)
        return sorted(row.document_id for row in found)

    assert await seen(subtree(431221)) == ["B-1", "L-9"]
    assert await seen(subtree(431222)) == ["B-1"]
    assert await seen(subtree(440000)) == []
    assert await seen(()) == []
    assert await seen((subtree(431222), subtree(440000))) == ["B-1"]
    async with ledger.read() as session:
        assert await documents.find(session, CITY, "L-9", subtree(431222)) is None


async def test_lists_are_narrowed_and_paged_and_know_what_was_replaced(ledger: Ledger) -> None:
    letters = [a_letter(f"L-{number}", issued_time=NOON + number) for number in range(5)]
    newer = a_letter("L-new", issued_time=NOON + 9, supersedes_id="L-0")
    await apply_records(
        ledger, *letters, newer, an_answer("L-1"), an_answer("L-2", state=AnswerState.RECEIVED), peers=PEERS
    )
    async with ledger.read() as session:
        first = await documents.listing(session, DocumentFilter(None), 4)
        last = first[-1]
        rest = await documents.listing(
            session, DocumentFilter(None, after=(last.first_issued_time, last.document_key)), 4
        )
        unanswered = await documents.listing(session, DocumentFilter(None, is_open=True), 10)
        none = await documents.listing(session, DocumentFilter(None, kind=DocumentKind.BOOKLET), 10)
    assert [row.document_id for row in (*first, *rest)] == ["L-new", "L-4", "L-3", "L-2", "L-1", "L-0"]
    assert [row.superseded_by_id for row in rest] == ["", "L-new"]
    assert [row.document_id for row in unanswered] == ["L-new", "L-4", "L-3", "L-2"]
    assert all(row.is_open for row in unanswered)
    assert none == []
    await apply_waiting(ledger)
