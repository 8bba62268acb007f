"""The format of a link's file: what is written is read back, and no byte of it can be another unnoticed."""

import os
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.certificates import Certified, issue, make_authority
from connectors.transports import file_folders
from connectors.transports.file_folders import (
    DONE,
    REFUSED,
    Imported,
    Outcome,
    drop_old,
    files_at,
    put_away,
    read_bytes,
    waiting_in,
    write_whole,
)
from connectors.transports.files import (
    MAX_BATCH,
    MAX_BATCH_BYTES,
    FileBatch,
    LinkFile,
    Settled,
    SignedContent,
    StreamAnswer,
    batches_of,
    name_of,
    open_file,
    read_content,
    write_file,
)
from exchange_db.records import Refused, Violated, Violation
from exchange_db.seal_records import Seal
from hub.federation.file_signing import signed_with, signer

NOW = datetime(2020, 6, 15, 4, tzinfo=UTC)
_MICROSECONDS = int(NOW.timestamp() * 1_000_000)
_SIGNED = SignedContent(b"", b"s" * 64, b"pem")

_TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x9FFF, exclude_categories=("C", "Z")), max_size=20)
_NUMBER = st.integers(1, 2**40)
_VIOLATIONS = st.builds(Violation, _TEXT, _TEXT, _TEXT, _TEXT)
_REFUSED = st.lists(st.builds(Refused, _NUMBER, _VIOLATIONS), max_size=3)
_NUMBERS = st.frozensets(_NUMBER, max_size=4)
_SETTLED = st.builds(Settled, _NUMBER, _NUMBER, _REFUSED, _NUMBERS)
_ANSWERS = st.builds(
    StreamAnswer, st.sampled_from(("link", "county-1")), _NUMBER, _NUMBER, _REFUSED, _NUMBERS,
    st.lists(_SETTLED, max_size=3), st.booleans(),
)  # fmt: skip
_PAYLOADS = st.lists(st.binary(max_size=60), min_size=1, max_size=30)
_SEALS = st.lists(st.builds(Seal, st.binary(max_size=40), st.binary(max_size=64)), max_size=2)


@st.composite
def _files(draw: st.DrawFn) -> LinkFile:
    first, batches = draw(_NUMBER), []
    for payloads in draw(st.lists(_PAYLOADS, max_size=3)):
        batches.append(FileBatch(first, payloads, draw(_SEALS)))
        first += len(payloads)
    return LinkFile(
        "431221.platform", "431200.hub", draw(st.integers(0, 2**52)), "county-1", draw(_NUMBER), draw(_NUMBER),
        draw(_NUMBER), batches, draw(st.lists(_ANSWERS, max_size=2)),
    )  # fmt: skip


def _unsigned(content: bytes) -> SignedContent:
    return _SIGNED._replace(content=content)


@given(_files())
def test_what_is_written_is_read_back(file: LinkFile) -> None:
    opened = open_file(write_file(file, _unsigned))
    assert opened == _SIGNED._replace(content=opened.content)
    assert read_content(opened.content) == file


@given(_files(), st.randoms(use_true_random=False))
def test_a_byte_that_was_changed_is_noticed(file: LinkFile, chance: random.Random) -> None:
    data = bytearray(write_file(file, _unsigned))
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    with pytest.raises(Violated, match="FILE_DAMAGED"):
        open_file(bytes(data))


def test_every_byte_and_every_length_of_one_file_is_noticed() -> None:
    answers = [StreamAnswer("link", 1, 9, is_missing=True)]
    file = LinkFile("431221.platform", "431200.hub", 1, "s", 2, 0, 0, [FileBatch(1, [b"a", b"b"])], answers)
    data = write_file(file, _unsigned)
    for place in range(len(data)):
        for other in (data[place] ^ 1, data[place] ^ 0x80):
            with pytest.raises(Violated, match="FILE_DAMAGED"):
                open_file(data[:place] + bytes([other]) + data[place + 1 :])
        with pytest.raises(Violated, match="FILE_DAMAGED"):
            open_file(data[:place])
    with pytest.raises(Violated, match="FILE_DAMAGED"):
        open_file(data + b"\0")


@given(st.binary(max_size=300))
def test_any_bytes_are_content_or_told_to_be_none(content: bytes) -> None:
    try:
        read_content(content)
    except Violated as violated:
        assert violated.violation.reason == "FILE_DAMAGED"


@pytest.mark.parametrize(
    "batches",
    [
        [FileBatch(0, [b"a"])],
        [FileBatch(-5, [b"a"])],
        [FileBatch(1, [b"a"]), FileBatch(3, [b"b"])],
        [FileBatch(1, [b"a", b"b"]), FileBatch(2, [b"b"])],
        [FileBatch(1, [])],
        [FileBatch(1, [b"a"] * (MAX_BATCH + 1))],
    ],
)
def test_numbers_that_do_not_follow_one_another_are_no_file(batches: list[FileBatch]) -> None:
    file = LinkFile("431221.platform", "431200.hub", 1, "s", 2, 0, 0, batches)
    with pytest.raises(Violated, match="FILE_DAMAGED"):
        read_content(open_file(write_file(file, _unsigned)).content)


@given(st.lists(st.integers(0, 2_000_000), max_size=40), _NUMBER)
def test_batches_are_cut_so_that_each_can_be_taken_at_once(sizes: list[int], first: int) -> None:
    payloads = [bytes(size) for size in sizes]
    batches = batches_of(first, payloads)
    assert [payload for batch in batches for payload in batch.payloads] == payloads
    for batch in batches:
        assert batch.first_sequence == first
        assert len(batch.payloads) == 1 or sum(map(len, batch.payloads)) <= MAX_BATCH_BYTES
        first += len(batch.payloads)


def test_names_stand_in_the_order_of_the_numbers_and_suit_every_disk() -> None:
    def named(first: int, count: int) -> str:
        batch = FileBatch(first, [b"a"] * count)
        return name_of(LinkFile("431221.platform", "431200.hub", _MICROSECONDS, "a:b", 1, 0, 0, [batch]))

    names = [named(1, 9), named(10, 90), named(100, 900)]
    assert names == sorted(names)
    assert names[0] == "431221.platform~431200.hub~a_b~000000000001-000000000009~20200615T040000000000Z.sanji"
    assert not set("".join(names)) & set('<>:"/\\|?*')


@pytest.fixture(scope="module")
def authority() -> Certified:
    return make_authority("测试机构", NOW)


def _certified(folder: Path, authority: Certified, name: str, days: int = 30) -> tuple[Path, Path]:
    made = issue(authority, name, NOW, days=days)
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.certificate)
    key.write_bytes(made.key)
    return certificate, key


def test_a_signature_holds_for_its_content_its_authority_and_its_time(tmp_path: Path, authority: Certified) -> None:
    sign = partial(signed_with, *_certified(tmp_path, authority, "431221.platform"))
    file = LinkFile("431221.platform", "431200.hub", 1, "s", 0, 0, 0)
    signed = open_file(write_file(file, sign))
    assert signer(signed, authority.certificate, _MICROSECONDS)[0] == "431221.platform"
    later = int((NOW + timedelta(days=31)).timestamp() * 1_000_000)
    stranger = make_authority("别人", NOW)
    for changed, authorities, now in (
        (signed._replace(content=signed.content + b"\0"), authority.certificate, _MICROSECONDS),
        (signed._replace(signature=bytes(64)), authority.certificate, _MICROSECONDS),
        (signed, stranger.certificate, _MICROSECONDS),
        (signed, authority.certificate, later),
        (signed._replace(certificates=b"-"), authority.certificate, _MICROSECONDS),
    ):
        with pytest.raises(Violated, match="SIGNATURE_INVALID"):
            signer(changed, authorities, now)


def test_a_file_is_seen_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    seen: list[list[Path]] = []

    def watched(handle: int) -> None:
        seen.append(waiting_in(folder))

    monkeypatch.setattr(os, "fsync", watched)
    path = write_whole(folder, "a.sanji", b"x")
    assert seen[0] == [], "nobody may see it before it is on disk"
    assert waiting_in(folder) == [path]
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        write_whole(folder, "b.sanji", b"x")
    assert [one.name for one in folder.iterdir()] == ["a.sanji"]


def test_what_was_dealt_with_is_put_away_and_nothing_written_over(tmp_path: Path) -> None:
    violation = Violated("FILE_FOR_OTHER", "receiver_id", "431222.hub").violation
    for count in (1, 2):
        write_whole(tmp_path, "a.sanji", b"%d" % count)
        put_away(Imported(tmp_path / "a.sanji", Outcome.REFUSED, violation=violation))
        write_whole(tmp_path, "b.sanji", b"%d" % count)
        put_away(Imported(tmp_path / "b.sanji", Outcome.TAKEN))
    assert sorted(one.name for one in (tmp_path / REFUSED).iterdir()) == [
        "a.2.sanji", "a.2.sanji.txt", "a.sanji", "a.sanji.txt",
    ]  # fmt: skip
    told = (tmp_path / REFUSED / "a.sanji.txt").read_text(encoding="utf-8")
    assert "receiver_id" in told
    assert "FILE_FOR_OTHER" in told
    assert "431222.hub" in told
    assert violation.message in told
    assert violation.message_zh in told
    assert [one.read_bytes() for one in waiting_in(tmp_path / DONE)] == [b"2", b"1"]
    write_whole(tmp_path, "c.sanji", b"c")
    assert put_away(Imported(tmp_path / "c.sanji", Outcome.WAITING)).path.exists()
    assert files_at(tmp_path) == [tmp_path / "c.sanji"] == files_at(tmp_path / "c.sanji")
    assert drop_old(tmp_path, 0.0) == 0
    assert drop_old(tmp_path, 2.0**40) == 2
    assert waiting_in(tmp_path / DONE) == waiting_in(tmp_path / "nowhere") == []


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_folders, "MAX_FILE_BYTES", 3)
    (tmp_path / "a.sanji").write_bytes(b"abcd")
    with pytest.raises(Violated, match="FILE_TOO_LARGE"):
        read_bytes(tmp_path / "a.sanji")
