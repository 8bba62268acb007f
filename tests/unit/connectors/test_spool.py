"""The spool: whatever is written, answered and settled, in whatever pieces, every record has exactly one end."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectors.county.packing import pack
from connectors.county.refused_file import COLUMNS, refused_path_of, write_refused
from connectors.county.spool import Item, Spool, SpoolInvalid, State
from exchange_db.records import Refused, Violation
from tests.support.builders import COUNTY, a_case, a_handling

WHY = Violation("FIELD_MISSING", "case.report", "Fill it in.", "请补填。")


def items(first: int, count: int) -> list[Item]:
    return [Item(f"m{n}", f"C{n}", b"%d" % n, n, "{}") for n in range(first, first + count)]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool(tmp_path / "spool")) as opened:
        yield opened


class SpoolLife(RuleBasedStateMachine):
    """A file's spool from the first row to the last receipt, closed as by a kill at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "spool"
        self.spool = Spool(self.path)
        self.rows = self.answered = self.settled = 0
        self.sent: list[int] = []
        self.unmapped: set[int] = set()
        self.refused: set[int] = set()
        self.quarantined: set[int] = set()
        self.known: set[int] = set()

    @initialize()
    def begin(self) -> None:
        self.spool.begin_again(file="digest")
        self.stream = self.spool.stream

    @rule(mapped=st.lists(st.booleans(), min_size=1, max_size=8))
    def write(self, mapped: list[bool]) -> None:
        numbers = range(self.rows + 1, self.rows + 1 + len(mapped))
        good = [n for n, is_mapped in zip(numbers, mapped, strict=True) if is_mapped]
        bad = [n for n in numbers if n not in good]
        self.spool.write(
            [Item(f"m{n}", f"C{n}", b"%d" % n, n, "{}") for n in good],
            [(n, "{}", WHY) for n in bad],
            rows_read=len(mapped),
            last_row=numbers[-1],
        )
        self.rows += len(mapped)
        self.sent += good
        self.unmapped |= set(bad)

    @precondition(lambda self: self.answered < len(self.sent))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        last = data.draw(st.integers(self.answered + 1, len(self.sent)))
        numbers = st.sets(st.integers(1, last))
        # Also verdicts on what was answered before: the hub repeats itself, and its first answer stands.
        refused, known = data.draw(numbers), data.draw(numbers)
        self.spool.answer(last, known - refused, [Refused(n, WHY) for n in sorted(refused)])
        self.refused |= {n for n in refused if n > self.answered}
        self.known |= {n for n in known - refused if n > self.answered}
        self.answered = last

    @precondition(lambda self: self.settled < self.answered)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        last = data.draw(st.integers(self.settled + 1, self.answered))
        candidates = [n for n in range(self.settled + 1, last + 1) if n not in self.refused and n not in self.known]
        held = data.draw(st.sets(st.sampled_from(candidates))) if candidates else set()
        self.spool.settle(last, [Refused(n, WHY) for n in sorted(held)], {n for n in self.known if n <= last})
        self.quarantined |= held
        self.settled = last

    @rule()
    def reopen(self) -> None:
        self.spool.close()
        self.spool = Spool(self.path)

    @invariant()
    def every_row_has_one_end(self) -> None:
        progress = self.spool.progress()
        accepted = self.answered - len(self.refused) - len(self.quarantined)
        assert (progress.rows_read, progress.last_row) == (self.rows, self.rows)
        assert (progress.written, progress.answered, progress.settled) == (len(self.sent), self.answered, self.settled)
        assert (progress.accepted, progress.known) == (accepted, len(self.known))
        refusals = list(self.spool.refusals())
        waiting = len(self.sent) - self.answered
        assert progress.accepted + len(refusals) + waiting == self.rows
        bad = {self.sent[n - 1] for n in self.refused | self.quarantined} | self.unmapped
        assert [found.row for found in refusals] == sorted(bad)

    @invariant()
    def what_waits_is_sent_in_order_under_its_number(self) -> None:
        waiting = self.spool.waiting_after(self.answered, 1_000, 1_000_000)
        assert waiting == [b"%d" % n for n in self.sent[self.answered :]]
        assert self.spool.stream == self.stream or not self.rows

    def teardown(self) -> None:
        self.spool.close()
        self.folder.cleanup()


TestSpoolLife = SpoolLife.TestCase


def test_one_process_at_a_time(spool: Spool) -> None:
    with pytest.raises(SpoolInvalid, match="in use by another"):
        Spool(spool.path)


def test_what_is_no_spool_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"no database at all " * 100)
    with pytest.raises(SpoolInvalid, match="已损坏"):
        Spool(tmp_path / "noise")
    with pytest.raises(SpoolInvalid, match="检查目录权限"):
        Spool(tmp_path / "nowhere" / "spool")
    with closing(sqlite3.connect(tmp_path / "newer")) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(SpoolInvalid, match="其他版本"):
        Spool(tmp_path / "newer")


def test_a_batch_is_bounded_in_bytes_but_never_empty(spool: Spool) -> None:
    spool.write([Item(f"m{n}", "", bytes(100), n, "{}") for n in range(5)])
    assert [len(spool.waiting_after(0, 5, size)) for size in (1, 100, 250, 10_000)] == [1, 1, 2, 5]


def test_what_is_answered_is_not_kept_for_a_file_and_kept_until_settled_for_a_client(tmp_path: Path) -> None:
    for keeps_all in (False, True):
        with closing(Spool(tmp_path / f"spool-{keeps_all}", keeps_all=keeps_all)) as spool:
            spool.write(items(1, 3))
            spool.answer(2, set(), [])
            held = [row[0] for row in spool._file.execute("SELECT payload FROM parcels ORDER BY sequence")]
            assert held == ([b"1", b"2", b"3"] if keeps_all else [None, None, b"3"])
            spool.settle(2, [], set())
            assert spool._file.execute("SELECT count(*) FROM parcels").fetchone() == (1,)


def test_a_client_is_told_first_the_technical_then_the_business_answer(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "spool", keeps_all=True)) as spool:
        spool.write(items(1, 5))
        spool.answer(5, {2}, [Refused(3, WHY)])
        spool.settle(5, [Refused(4, WHY)], {2, 5})
        told: dict[str, list[State]] = {}
        for outcome in spool.outcomes_after(0):
            told.setdefault(outcome.case_no, []).append(outcome.state)
        assert told == {
            "C1": [State.ACCEPTED, State.APPLIED],
            "C2": [State.KNOWN, State.STALE],
            "C3": [State.REFUSED],
            "C4": [State.ACCEPTED, State.QUARANTINED],
            "C5": [State.ACCEPTED, State.STALE],
        }
        assert spool.progress()[3:6] == (3, 1, 1)
        spool.forget_outcomes(spool.outcomes_after(0)[-1].outcome_id)
        assert spool.outcomes_after(0) == []


def test_in_a_new_stream_everything_unsettled_has_new_numbers_and_is_sent_again(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "spool", keeps_all=True)) as spool:
        stream = spool.stream
        spool.write(items(1, 6))
        spool.answer(4, {3}, [])
        spool.settle(2, [], set())
        spool.renumber()
        assert spool.stream != stream
        progress = spool.progress()
        assert (progress.written, progress.answered, progress.settled) == (4, 0, 0)
        assert (progress.accepted, progress.known) == (2, 0)
        assert spool.waiting_after(0, 10, 1_000) == [b"3", b"4", b"5", b"6"]
        spool.write(items(7, 1))
        assert spool.waiting_after(4, 10, 1_000) == [b"7"]


def test_the_refused_file_is_whole_and_goes_when_nothing_is_refused(spool: Spool, tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    assert write_refused(path, spool) is None
    cells = '{"编号": "A,1", "拒绝说明": "旧", "描述": "两行\\n文字"}'
    spool.write([], [(7, cells, WHY), (9, '{"编号": "B", "另一列": "\\ud800"}', WHY)], rows_read=2, last_row=9)
    written = write_refused(path, spool)
    assert written == refused_path_of(path)
    text = written.read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    lines = text.decode("utf-8-sig").split("\r\n")
    assert lines[0].split(",") == [*COLUMNS, "编号", "描述", "另一列"]
    assert lines[1] == '7,映射 / mapping,FIELD_MISSING,case.report,请补填。,Fill it in.,"A,1","两行\n文字",'
    assert lines[2].endswith(",B,,?")
    spool.begin_again()
    assert write_refused(path, spool) is None
    assert not written.exists()
    assert [found.name for found in tmp_path.iterdir() if "refused" in found.name] == []


def test_the_same_case_is_the_same_message_for_ever() -> None:
    case = a_case("2020-0001")
    assert pack(COUNTY, case) == pack(COUNTY, a_case("2020-0001"))
    later = a_case("2020-0001", handling=a_handling())
    assert pack(COUNTY, later).message_id != pack(COUNTY, case).message_id
