"""Verifying an audit log: what an insider could try with its lines, and what a checkpoint shows."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auth.audit_chain import Broken, ChainWalk, Checkpoint, read_checkpoint, require_growth, signed_checkpoint
from auth.hash_tree import TreeDigest, consistency_proof, leaves_of, root_of
from exchange_db.audit_hashes import root_of as root_of_head
from exchange_db.audit_records import AuditLine
from exchange_db.records import Violated
from tests.support.audit_logs import AUTHORITY, CITY, HUBS, PROVINCE, Log, a_log, shown

_LOG = a_log(60)


def _verified(lines: list[AuditLine], *checkpoints: Checkpoint) -> Broken | None:
    walk = ChainWalk("SM3", checkpoints)
    for line in lines:
        if broken := walk.take(line):
            return broken
    return walk.end()


def _changed(number: int, /, **values: Any) -> Callable[[list[AuditLine]], list[AuditLine]]:
    def change(lines: list[AuditLine]) -> list[AuditLine]:
        lines[number - 1] = lines[number - 1]._replace(**values)
        return lines

    return change


def _bytes_changed(number: int, old: bytes, new: bytes) -> Callable[[list[AuditLine]], list[AuditLine]]:
    return _changed(number, content=_LOG.lines[number - 1].content.replace(old, new))


def _rewritten(lines: list[AuditLine], first: int, others: Log) -> list[AuditLine]:
    """What is written anew from a line on, hashes and all, as somebody who knows how could."""
    return [*lines[: first - 1], *others.lines[first - 1 :]]


def _swapped(first: int, second: int, *, with_numbers: bool) -> Callable[[list[AuditLine]], list[AuditLine]]:
    def swap(lines: list[AuditLine]) -> list[AuditLine]:
        one, other = lines[first - 1], lines[second - 1]
        if with_numbers:
            one, other = one._replace(number=second), other._replace(number=first)
        lines[first - 1], lines[second - 1] = other, one
        return lines

    return swap


def _renumbered(lines: list[AuditLine]) -> list[AuditLine]:
    return [*lines[:29], *(line._replace(number=line.number - 1) for line in lines[30:])]


def _inserted(lines: list[AuditLine]) -> list[AuditLine]:
    forged = a_log(30, begin=7).lines[-1]
    moved = [line._replace(number=line.number + 1) for line in lines[29:]]
    return [*lines[:29], forged, *moved]


_MANIPULATIONS: dict[str, tuple[Callable[[list[AuditLine]], list[AuditLine]], int]] = {
    "a letter of the content": (_bytes_changed(17, b"zhang", b"zhanh"), 17),
    "the outcome in the content": (_bytes_changed(18, b'"done"', b'"none"'), 18),
    "a number in the detail": (_bytes_changed(19, b'"count":19', b'"count":18'), 19),
    "a blank in the content": (_bytes_changed(20, b'","', b'", "'), 20),
    "the content of another": (_changed(21, content=_LOG.lines[21].content), 21),
    "no content": (_changed(22, content=b""), 22),
    "a hash of the content": (_changed(23, leaf_hash=bytes(32)), 23),
    "a hash of the chain": (_changed(24, chain_hash=bytes(32)), 24),
    "the actor beside the content": (_changed(25, actor="host:wang"), 25),
    "the action beside the content": (_changed(26, action="peer.unblock"), 26),
    "the object beside the content": (_changed(27, object=""), 27),
    "the outcome beside the content": (_changed(28, outcome="failed"), 28),
    "the reason beside the content": (_changed(29, reason="X"), 29),
    "the region beside the content": (_changed(30, region=430000), 30),
    "the time beside the content": (_changed(31, recorded_time=0), 31),
    "the number": (_changed(32, number=99), 32),
    "the first line deleted": (lambda lines: lines[1:], 1),
    "a line deleted": (lambda lines: [*lines[:32], *lines[33:]], 33),
    "several lines deleted": (lambda lines: [*lines[:9], *lines[40:]], 10),
    "a line deleted, the others renumbered": (_renumbered, 30),
    "two lines swapped": (_swapped(35, 36, with_numbers=False), 35),
    "two lines swapped with their numbers": (_swapped(37, 50, with_numbers=True), 37),
    "a line inserted, the others renumbered": (_inserted, 30),
    "a line doubled": (lambda lines: [*lines[:40], lines[39], *lines[40:]], 41),
    "all in reverse": (lambda lines: lines[::-1], 1),
    "another log's end": (lambda lines: [*lines[:45], *a_log(60, begin=1).lines[45:]], 46),
}


@pytest.mark.parametrize("name", _MANIPULATIONS)
def test_the_first_line_that_is_wrong_is_named(name: str) -> None:
    manipulate, number = _MANIPULATIONS[name]
    assert _verified(list(_LOG.lines)) is None
    broken = _verified(manipulate(list(_LOG.lines)))
    assert broken is not None
    assert broken.number == number


@given(st.integers(1, 60), st.data())
def test_any_single_byte_of_a_line_is_missed(number: int, data: st.DataObject) -> None:
    line = _LOG.lines[number - 1]
    name = data.draw(st.sampled_from(["content", "leaf_hash", "chain_hash"]))
    value = bytearray(getattr(line, name))
    place = data.draw(st.integers(0, len(value) - 1))
    value[place] ^= data.draw(st.integers(1, 255))
    broken = _verified(_changed(number, **{name: bytes(value)})(list(_LOG.lines)))
    assert broken is not None
    assert broken.number == number


def test_a_log_written_anew_is_found_by_a_checkpoint_from_before() -> None:
    earlier, _ = shown(a_log(40))
    forged = a_log(60, begin=1)
    assert _verified(forged.lines) is None
    broken = _verified(forged.lines, earlier)
    assert broken is not None
    assert broken.number == 1
    assert _verified(_LOG.lines, earlier) is None


def test_what_is_in_order_up_to_a_checkpoint_is_not_suspected() -> None:
    checkpoints = [shown(a_log(size))[0] for size in (20, 60)]
    other = a_log(60, begin=1)
    lines = _rewritten(list(_LOG.lines), 31, other)
    broken = _verified(lines, *checkpoints)
    assert broken is not None
    assert broken.number == 31


def test_a_tail_that_was_cut_is_found_by_a_checkpoint_from_after() -> None:
    own, witnessed = shown(a_log(50))[0], shown(_LOG, witness_id=PROVINCE)[0]
    cut = _LOG.lines[:52]
    assert _verified(cut, own) is None
    broken = _verified(cut, own, witnessed)
    assert broken is not None
    assert broken.number == 53
    assert "60" in broken.english


def test_a_checkpoint_is_read_by_whom_it_says_and_by_nobody_else() -> None:
    checkpoint, signed = shown(_LOG)
    assert read_checkpoint(signed, AUTHORITY.certificate) == checkpoint
    forged = signed_checkpoint(checkpoint, HUBS[PROVINCE].certificate, HUBS[PROVINCE].key)
    with pytest.raises(Violated, match="PEER_ID_MISMATCH"):
        read_checkpoint(forged, AUTHORITY.certificate)
    with pytest.raises(Violated, match="SIGNATURE_INVALID"):
        read_checkpoint(
            signed._replace(content=signed.content.replace(b'"size":60', b'"size":59')), AUTHORITY.certificate
        )
    witnessed, countersigned = shown(_LOG, witness_id=PROVINCE)
    assert read_checkpoint(countersigned, AUTHORITY.certificate) == witnessed
    for content in (b"", b"{}", b"null", checkpoint.root.encode(), signed.content + b" "):
        with pytest.raises(Violated, match="CHECKPOINT_INVALID"):
            read_checkpoint(signed._replace(content=content), AUTHORITY.certificate)


def test_a_countersignature_is_no_checkpoint_and_the_other_way_round() -> None:
    checkpoint, signed = shown(_LOG)
    countersigned = shown(_LOG, witness_id=CITY)[1]
    with pytest.raises(Violated, match="SIGNATURE_INVALID"):
        read_checkpoint(signed._replace(signature=countersigned.signature), AUTHORITY.certificate)
    assert read_checkpoint(signed, AUTHORITY.certificate) == checkpoint


@pytest.mark.parametrize("algorithm", ["SM3", "SHA-256"])
def test_the_edge_gives_the_root_of_the_whole_tree(algorithm: str) -> None:
    for size in (0, 1, 2, 3, 7, 8, 33, 255, 256, 257, 300):
        log = a_log(size, algorithm)
        leaves = leaves_of(TreeDigest(algorithm), [line.content for line in log.lines])
        assert root_of_head(log.head) == root_of(TreeDigest(algorithm), leaves)


def test_growth_is_believed_with_a_proof_only() -> None:
    contents = leaves_of(TreeDigest.SM3, [line.content for line in _LOG.lines])
    newer = shown(_LOG)[0]
    require_growth(None, newer, [])
    chance = random.Random(5)
    for size in (1, 2, 16, 31, 59):
        held = shown(a_log(size))[0]
        proof = consistency_proof(TreeDigest.SM3, contents, size)
        require_growth(held, newer, proof)
        damaged = list(proof)
        place = chance.randrange(len(damaged))
        damaged[place] = bytes([damaged[place][0] ^ 1]) + damaged[place][1:]
        for wrong in (damaged, [], [*proof, bytes(32)]):
            with pytest.raises(Violated, match="CHECKPOINT_INCONSISTENT"):
                require_growth(held, newer, wrong)
    require_growth(newer, newer, [])


def test_a_log_that_is_shorter_or_another_is_refused() -> None:
    held, same_size = shown(_LOG)[0], shown(a_log(60, begin=1))[0]
    for other in (same_size, shown(a_log(59))[0], replace(held, hub_id=PROVINCE), replace(held, chain_hash="00" * 32)):
        with pytest.raises(Violated, match="CHECKPOINT_INCONSISTENT"):
            require_growth(held, other, [])
    require_growth(held, held, [])
