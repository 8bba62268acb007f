"""A platform's files: its spool written into them, and those of its hub taken, whatever is lost or comes twice."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from auth.certificates import Certified, issue, make_authority, thumbprint
from connectors.county.exchange_book import ExchangeBook
from connectors.county.files import CountyFiles
from connectors.county.packing import pack
from connectors.county.profile import Profile
from connectors.county.sheet_spooling import add_sheet
from connectors.county.spool import Item, Spool, State
from connectors.mapping_file import read_mapping
from connectors.sheets import SheetInvalid
from connectors.transports.file_folders import REFUSED, Outcome, waiting_in, write_whole
from connectors.transports.files import (
    FileBatch,
    LinkFile,
    Settled,
    Signing,
    StreamAnswer,
    name_of,
    open_file,
    read_content,
    write_file,
)
from exchange_db.records import Refused, Violated
from hub.federation.file_signing import platform_file_keys, signed_with
from tests.support.builders import CITY, COUNTY, a_case
from tests.support.sheets import CYCLE, UNMAPPED, mapping_in, rows_of, write_sheet

NOW = datetime(2020, 6, 15, 4, tzinfo=UTC)


class Clock:
    """A clock that is set by the test, microseconds since 1970."""

    def __init__(self) -> None:
        self.now = int(NOW.timestamp() * 1_000_000)

    def __call__(self) -> int:
        return self.now


class County(NamedTuple):
    """A platform with its files, and what signs for its hub and for somebody else."""

    files: CountyFiles
    spool: Spool
    book: ExchangeBook
    clock: Clock
    folder: Path
    hub: Signing
    stranger: Signing


def _keys(folder: Path, authority: Certified, name: str) -> tuple[Path, Path]:
    made = issue(authority, name, NOW)
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.certificate)
    key.write_bytes(made.key)
    return certificate, key


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    authority = make_authority("测试机构", NOW)
    (tmp_path / "authority.pem").write_bytes(authority.certificate)
    hub, own, other = (_keys(tmp_path, authority, name) for name in (CITY, COUNTY, "431222.platform"))
    clock = Clock()
    profile = Profile(COUNTY, CITY, "h:1", thumbprint(hub[0].read_bytes()), tmp_path / "authority.pem", *own)
    with ExitStack() as stack:
        spool = stack.enter_context(closing(Spool(tmp_path / "spool", keeps_all=True)))
        book = stack.enter_context(closing(ExchangeBook(tmp_path / "book")))
        files = CountyFiles(profile, spool, book, platform_file_keys(profile, clock), clock=clock, max_bytes=2_000)
        signings = (partial(signed_with, *hub), partial(signed_with, *other))
        yield County(files, spool, book, clock, tmp_path / "out", *signings)


def _report(county: County, begin: int, end: int) -> None:
    county.spool.write([Item(*pack(COUNTY, a_case(f"C-{number}"))) for number in range(begin, end)])


def _came(county: County, first: int, count: int, *answers: StreamAnswer) -> Path:
    """Writes a file of the hub into a folder and returns it."""
    county.clock.now += 1
    payloads = [pack(CITY, a_case(f"D-{number}")).payload for number in range(first, first + count)]
    batches = [FileBatch(first, payloads)] if count else []
    file = LinkFile(CITY, COUNTY, county.clock.now, "link", first + count - 1, 0, 0, batches, answers)
    return write_whole(county.folder.with_name("in"), name_of(file), write_file(file, county.hub))


def _answer(county: County, first: int, last: int, **more: object) -> StreamAnswer:
    return StreamAnswer(county.spool.stream, first, last, **more)  # type: ignore[arg-type]


def _read(path: Path) -> LinkFile:
    return read_content(open_file(path.read_bytes()).content)


def test_what_is_due_goes_out_once_in_files_of_a_bounded_size(county: County) -> None:
    _report(county, 0, 20)
    written = county.files.export(county.folder)
    assert len(written) > 2
    spans = [(one.first, one.last) for one in written]
    assert spans[0][0] == 1
    assert spans[-1][1] == 20
    assert all(here[1] + 1 == after[0] for here, after in pairwise(spans))
    assert [path.name for path in waiting_in(county.folder)] == [one.path.name for one in written]
    assert county.files.export(county.folder) == []
    _report(county, 20, 22)
    assert [(one.first, one.last) for one in county.files.export(county.folder)] == [(21, 22)]
    again = county.files.export(county.folder, begin=19)
    assert (again[0].first, again[-1].last) == (19, 22)


def test_answers_and_receipts_are_noted_as_by_a_line(county: County) -> None:
    _report(county, 0, 6)
    county.files.export(county.folder)
    refused = Refused(2, Violated("REGION_FORBIDDEN", "case").violation)
    held = Refused(3, Violated("SECTION_FORBIDDEN", "case").violation)
    settled = [Settled(1, 3, [held], frozenset()), Settled(4, 5, [], frozenset({5}))]
    answer = _answer(county, 1, 5, refused=[refused], known=frozenset({4}), settled=settled)
    for _ in range(2):
        (taken,) = county.files.take_all([_came(county, 1, 0, answer)])
        assert taken.outcome is Outcome.TAKEN
        progress = county.spool.progress()
        assert (progress.written, progress.answered, progress.settled) == (6, 5, 5)
        told = [(outcome.case_no, outcome.state) for outcome in county.spool.outcomes_after(0)]
        assert sorted(told) == [
            ("C-0", State.ACCEPTED), ("C-0", State.APPLIED), ("C-1", State.REFUSED), ("C-2", State.ACCEPTED),
            ("C-2", State.QUARANTINED), ("C-3", State.APPLIED), ("C-3", State.KNOWN), ("C-4", State.ACCEPTED),
            ("C-4", State.STALE),
        ]  # fmt: skip


def test_an_answer_behind_one_that_was_lost_waits_to_be_told_again(county: County) -> None:
    _report(county, 0, 6)
    county.files.export(county.folder)
    county.files.take_all([_came(county, 1, 0, _answer(county, 4, 6))])
    assert county.spool.progress().answered == 0
    (asked,) = county.files.export(county.folder, is_asked=True)
    assert _read(asked.path).answered_sequence == 0
    county.files.take_all([_came(county, 1, 0, _answer(county, 1, 6))])
    assert county.spool.progress().answered == 6


def test_numbers_the_hub_misses_are_written_again_once(county: County) -> None:
    _report(county, 0, 6)
    county.files.export(county.folder)
    waiting = _came(county, 5, 1, _answer(county, 1, 2, is_missing=True))
    (early,) = county.files.take_all([waiting])
    assert early.outcome is Outcome.WAITING
    again = county.files.export(county.folder)
    assert (again[0].first, again[-1].last) == (3, 6)
    county.files.take_all([waiting])
    assert county.files.export(county.folder) == [], "the same file tells nothing new"


def test_what_comes_down_is_queued_once_and_confirmed(county: County) -> None:
    first, second = _came(county, 1, 3), _came(county, 4, 2)
    data = first.read_bytes()
    assert [one.outcome for one in county.files.take_all([second, first])] == [Outcome.TAKEN] * 2
    write_whole(first.parent, first.name, data)
    (known,) = county.files.take_all([first])
    assert (known.outcome, known.known_count, known.new_count) == (Outcome.KNOWN, 3, 0)
    (overlap,) = county.files.take_all([_came(county, 4, 4)])
    assert (overlap.outcome, overlap.known_count, overlap.new_count) == (Outcome.TAKEN, 2, 2)
    assert len(county.book.queued()) == 7
    (written,) = county.files.export(county.folder)
    (answer,) = _read(written.path).answers
    assert (answer.stream, answer.last, answer.is_missing) == ("link", 7, False)
    assert county.files.export(county.folder) == [], "an answer is no reason to answer"


def test_a_gap_is_told_by_its_numbers_and_closed_by_the_missing_file(county: County) -> None:
    missing, late = _came(county, 1, 2), _came(county, 3, 2)
    (early,) = county.files.take_all([late])
    assert early.violation is not None
    assert (early.outcome, early.violation.reason) == (Outcome.WAITING, "FILE_EARLY")
    assert "1–2" in early.violation.message_zh
    (written,) = county.files.export(county.folder)
    assert _read(written.path).answers[0].is_missing
    county.files.take_all([missing, late])
    assert county.spool.progress().taken == 4
    assert waiting_in(late.parent) == []


def test_after_a_day_without_an_answer_a_file_asks(county: County) -> None:
    _report(county, 0, 1)
    county.files.export(county.folder)
    county.clock.now += int(timedelta(hours=23).total_seconds() * 1_000_000)
    assert county.files.export(county.folder) == []
    county.clock.now += int(timedelta(hours=2).total_seconds() * 1_000_000)
    (asked,) = county.files.export(county.folder)
    assert (asked.first, _read(asked.path).last_sequence) == (0, 1)
    assert county.files.export(county.folder) == []


@pytest.mark.parametrize("lost", ["ahead", "behind", "other"])
def test_a_hub_that_stands_elsewhere_gets_a_new_stream(county: County, lost: str) -> None:
    _report(county, 0, 4)
    county.files.export(county.folder)
    county.files.take_all([_came(county, 1, 0, _answer(county, 1, 2))])
    stream = county.spool.stream
    reused = Refused(3, Violated("SEQUENCE_REUSED", "first_sequence").violation)
    answer = {
        "ahead": _answer(county, 3, 9),
        "behind": _answer(county, 1, 1, is_missing=True),
        "other": _answer(county, 3, 4, refused=[reused]),
    }[lost]
    county.files.take_all([_came(county, 1, 0, answer)])
    assert county.spool.stream != stream
    again = county.files.export(county.folder)
    assert (again[0].first, again[-1].last) == (1, 4), "everything that is not settled, from number 1"


def test_a_file_of_somebody_else_or_for_somebody_else_is_refused(county: County) -> None:
    good = LinkFile(CITY, COUNTY, county.clock.now, "link", 0, 0, 0)
    inward = county.folder.with_name("in")
    for number, (file, signing, reason) in enumerate(
        (
            (good, county.stranger, "FILE_FOREIGN"),
            (good._replace(sender_id="431222.hub"), county.hub, "FILE_FOREIGN"),
            (good._replace(receiver_id="431222.platform"), county.hub, "FILE_FOR_OTHER"),
        )
    ):
        path = write_whole(inward, f"{number}.sanji", write_file(file, signing))
        (one,) = county.files.take_all([path])
        assert one.violation is not None
        assert (one.outcome, one.violation.reason) == (Outcome.REFUSED, reason)
        assert reason in (inward / REFUSED / f"{number}.sanji.txt").read_text(encoding="utf-8")
    assert county.files.take(inward / "gone.sanji").outcome is Outcome.WAITING


def test_losing_the_note_of_what_was_written_costs_a_file_twice(county: County) -> None:
    _report(county, 0, 2)
    county.files.export(county.folder)
    (county.folder.with_name("spool.files")).write_text("{", encoding="utf-8")
    assert [(one.first, one.last) for one in county.files.export(county.folder)] == [(1, 2)]


def test_a_sheet_is_put_into_the_spool_row_by_row(county: County, tmp_path: Path) -> None:
    sheet = write_sheet(tmp_path / "cases.csv", rows_of("S", CYCLE))
    added = add_sheet(sheet, read_mapping(mapping_in(tmp_path)), COUNTY, county.spool, county.book)
    assert (added.row_count, county.spool.progress().written) == (CYCLE - 1, CYCLE - 1)
    ((row, violation),) = added.unmapped
    assert row == UNMAPPED + 2
    assert violation.message_zh
    with pytest.raises(SheetInvalid):
        add_sheet(tmp_path / "none.csv", read_mapping(tmp_path / "mapping.toml"), COUNTY, county.spool, county.book)


def test_a_file_that_is_still_arriving_waits_and_is_refused_when_nothing_more_comes(county: County) -> None:
    whole = _came(county, 1, 2)
    data = whole.read_bytes()
    for size, age, outcome in ((50, 10, Outcome.WAITING), (len(data), 1, Outcome.TAKEN), (50, 130, Outcome.REFUSED)):
        whole.write_bytes(data[:size])
        moment = county.clock.now / 1_000_000 - age
        os.utime(whole, (moment, moment))
        assert county.files.take(whole, 120.0).outcome is outcome
