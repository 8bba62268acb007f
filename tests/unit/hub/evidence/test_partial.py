"""Bytes that are arriving: in any pieces, over any number of interruptions, they are what was sent."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import Violated
from hub.evidence.partial import Partial
from hub.evidence.sniffing import HEAD_BYTES
from tests.support.photos import digest_of

PEER, DIGEST = "431221.platform", "ab" * 32


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[Partial]:
    opened = Partial.open(tmp_path, PEER, DIGEST)
    yield opened
    opened.close()


@given(
    data=st.binary(min_size=1, max_size=20_000),
    cuts=st.lists(st.integers(1, 9_000), min_size=1, max_size=12),
    breaks=st.lists(st.tuples(st.integers(0, 11), st.booleans()), max_size=6),
)
def test_any_chunks_and_any_interruptions_give_the_same_bytes(
    data: bytes, cuts: list[int], breaks: list[tuple[int, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        partial = Partial.open(Path(folder), PEER, DIGEST)
        durable, step = partial.resume(0), 0
        waiting = list(breaks)
        while partial.size < len(data):
            partial.append(data[partial.size : partial.size + cuts[step % len(cuts)]])
            step += 1
            if step % 3 == 0:
                durable = partial.sync()
            if waiting and step >= waiting[0][0]:
                _, is_harmed = waiting.pop(0)
                if is_harmed:
                    # What was not synced may be anything after a loss of power.
                    with partial.path.open("r+b") as file:
                        file.seek(durable)
                        file.write(b"?" * (partial.size - durable))
                partial.close()
                partial = Partial.open(Path(folder), PEER, DIGEST)
                assert partial.resume(durable) == durable
        partial.sync()
        assert partial.path.read_bytes() == data
        assert partial.digest() == digest_of(data)
        assert partial.head == data[:HEAD_BYTES]
        partial.close()


def test_one_upload_at_a_time_has_the_file(tmp_path: Path, partial: Partial) -> None:
    with pytest.raises(Violated, match="ATTACHMENT_BUSY"):
        Partial.open(tmp_path, PEER, DIGEST)
    Partial.open(tmp_path, "431222.platform", DIGEST).close()
    Partial.open(tmp_path, PEER, "cd" * 32).close()


def test_a_file_that_is_shorter_than_was_noted_goes_on_from_its_end(partial: Partial) -> None:
    partial.append(b"abc")
    assert partial.resume(100) == 3


def test_what_is_discarded_is_gone_and_can_begin_anew(tmp_path: Path, partial: Partial) -> None:
    partial.append(b"abc")
    partial.discard()
    again = Partial.open(tmp_path, PEER, DIGEST)
    assert again.resume(3) == 0
    again.close()
