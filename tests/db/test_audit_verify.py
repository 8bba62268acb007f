"""Verifying a log in its database and as an export, after whatever somebody with all rights did to it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.audit_chain import Broken, Checkpoint, signed_checkpoint
from exchange_db import audit, audit_checkpoints
from exchange_db.audit_hashes import beginning, grown
from exchange_db.audit_records import SignedBytes
from exchange_db.session import HotSession, Ledger
from hub.audit.exports import ExportInvalid, verify_export, write_export
from hub.audit.verifying import verify_ledger
from tests.db.test_audit_checkpoints import _desk
from tests.support.audit_logs import AUTHORITY, CITY, HUBS, PROVINCE, an_entry
from tests.support.clock import FakeClock

_SIZE = 520


async def _filled(ledger: Ledger, folder: Path, clock: FakeClock) -> Checkpoint:
    """Makes a log with two checkpoints, both countersigned; returns the newest as the neighbour holds it."""
    desk, witnessed = _desk(ledger, folder, clock), None
    for count in (300, _SIZE - 300):
        async with ledger.write() as session:
            await audit.append_all(session, [an_entry(number) for number in range(count)])
        made = await desk.make()
        assert made is not None
        witnessed = made[0]
        statement = Checkpoint(
            hub_id=CITY, algorithm=witnessed.algorithm, size=witnessed.size, root=witnessed.root,
            chain_hash=witnessed.chain_hash, made_time=witnessed.made_time, witness_id=PROVINCE,
        )  # fmt: skip
        signed = signed_checkpoint(statement, HUBS[PROVINCE].certificate, HUBS[PROVINCE].key)
        async with ledger.write() as session:
            await audit_checkpoints.keep_countersignature(session, PROVINCE, witnessed.size, SignedBytes(*signed))
    assert witnessed is not None
    return witnessed


async def _after(ledger: Ledger, statements: list[str], others: tuple[Checkpoint, ...] = ()) -> Broken | None:
    """Verifies inside the transaction that manipulates, which is then undone."""
    async with ledger.dedicated() as connection, connection.driver.transaction(force_rollback=True):
        session = HotSession(connection.driver)
        await session.driver.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await session.driver.execute(statement)
        return (await verify_ledger(session, CITY, AUTHORITY.certificate, others)).broken


_COPIED = (
    "INSERT INTO audit_entries SELECT {}, recorded_time, actor, action, object, outcome, reason, region, content,"
    " leaf_hash, chain_hash FROM audit_entries WHERE number = 3"
)


def _set(number: int, change: str) -> tuple[list[str], int]:
    return [f"UPDATE audit_entries SET {change} WHERE number = {number}"], number


def _moved(after: int, by: str) -> list[str]:
    return [
        f"UPDATE audit_entries SET number = -number WHERE number > {after}",
        f"UPDATE audit_entries SET number = -number {by} WHERE number < 0",
    ]


_MANIPULATIONS: dict[str, tuple[list[str], int]] = {
    "a letter of the content": _set(7, "content = overlay(content placing 'x' from 20)"),
    "the first byte": _set(1, "content = overlay(content placing '[' from 1)"),
    "the last content": _set(520, "content = content || ' '"),
    "no content": _set(8, "content = ''"),
    "a leaf": _set(9, "leaf_hash = set_byte(leaf_hash, 5, 0)"),
    "a chain hash": _set(10, "chain_hash = set_byte(chain_hash, 5, 0)"),
    "an actor": _set(11, "actor = 'host:wang'"),
    "an action": _set(12, "action = 'peer.list'"),
    "an object": _set(13, "object = ''"),
    "an outcome": _set(14, "outcome = 'failed'"),
    "a reason": _set(15, "reason = 'NONE'"),
    "a region": _set(16, "region = 110000"),
    "a time": _set(17, "recorded_time = recorded_time + interval '1 microsecond'"),
    "a number": _set(18, "number = 9999"),
    "a line deleted": (["DELETE FROM audit_entries WHERE number = 19"], 19),
    "many deleted": (["DELETE FROM audit_entries WHERE number BETWEEN 20 AND 400"], 20),
    "all deleted": (["DELETE FROM audit_entries"], 1),
    "the tail cut": (["DELETE FROM audit_entries WHERE number > 500"], 501),
    "a kept node": (["UPDATE audit_nodes SET hash = set_byte(hash, 3, 0) WHERE level = 8 AND position = 1"], 257),
    "a kept node gone": (["DELETE FROM audit_nodes WHERE level = 9"], 1),
    "a node too many": (["INSERT INTO audit_nodes VALUES (8, 2, 'x')"], 513),
    "the head's hash": (["UPDATE audit_head SET chain_hash = set_byte(chain_hash, 3, 0)"], 521),
    "the head's size": (["UPDATE audit_head SET size = 521"], 521),
    "a checkpoint": (["UPDATE audit_checkpoints SET content = set_byte(content, 60, 65) WHERE size = 300"], 0),
    "a signature": (["UPDATE audit_checkpoints SET signature = set_byte(signature, 9, 65) WHERE size = 300"], 0),
    "a countersignature": (["UPDATE audit_countersignatures SET content = content || 'x' WHERE size = 300"], 0),
    "a line put in at the end": ([_COPIED.format(521)], 521),
    "a line deleted, the others renumbered": (
        ["DELETE FROM audit_entries WHERE number = 40", *_moved(40, "- 1")],
        40,
    ),
    "a line inserted, the others renumbered": ([*_moved(49, "+ 1"), _COPIED.format(50)], 50),
    "two lines swapped": (
        [
            "UPDATE audit_entries SET number = -60 WHERE number = 60",
            "UPDATE audit_entries SET number = 60 WHERE number = 61",
            "UPDATE audit_entries SET number = 61 WHERE number = -60",
        ],
        60,
    ),
}


async def test_every_manipulation_of_the_database_is_named(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    await _filled(ledger, tmp_path, clock)
    assert await _after(ledger, []) is None
    assert len(_MANIPULATIONS) >= 20
    for name, (statements, number) in _MANIPULATIONS.items():
        broken = await _after(ledger, statements)
        assert broken is not None, name
        assert broken.number == number, (name, broken)


async def test_a_tail_that_was_cut_with_all_its_traces_is_known_to_the_neighbour(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    witnessed = await _filled(ledger, tmp_path, clock)
    cut = [
        "DELETE FROM audit_entries WHERE number > 300", "DELETE FROM audit_nodes WHERE (position + 1) << level > 300",
        "DELETE FROM audit_checkpoints WHERE size > 300", "DELETE FROM audit_countersignatures WHERE size > 300",
    ]  # fmt: skip
    async with ledger.read() as session:
        leaves = [line.leaf_hash async for line in audit.lines(session, 1, 300)]
        head = grown(beginning("SM3"), leaves)[0]
    edge = ", ".join(f"'\\x{one.hex()}'::bytea" for one in head.edge)
    cut.append(f"UPDATE audit_head SET size = 300, chain_hash = '\\x{head.chain_hash.hex()}', edge = ARRAY[{edge}]")
    assert await _after(ledger, cut) is None
    broken = await _after(ledger, cut, (witnessed,))
    assert broken is not None
    assert broken.number == 301
    assert await _after(ledger, [], (witnessed,)) is None


async def _exported(ledger: Ledger) -> bytes:
    async with ledger.read() as session:
        return b"".join([line async for line in write_export(session, CITY)])


def _verified(content: bytes, *others: Checkpoint) -> Broken | None:
    return verify_export(content.splitlines(keepends=True), AUTHORITY.certificate, others).broken


async def test_every_manipulation_of_an_export_is_named(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    witnessed = await _filled(ledger, tmp_path, clock)
    whole = await _exported(ledger)
    lines = whole.splitlines(keepends=True)
    assert _verified(whole, witnessed) is None
    assert len(lines) == 1 + 4 + _SIZE

    def at(number: int) -> int:
        return 4 + number

    def changed(number: int, old: bytes, new: bytes) -> list[bytes]:
        return [*lines[: at(number)], lines[at(number)].replace(old, new), *lines[at(number) + 1 :]]

    cases: list[tuple[list[bytes], int]] = [
        (changed(5, b"zhang", b"zhanh"), 5),
        (changed(6, b"peer.block", b"peer.blocc"), 6),
        (changed(7, b"done", b"dome"), 7),
        (changed(8, b'"leaf":"', b'"leaf":"0'), 8),
        (changed(9, b'"chain"', b'"chian"'), 9),
        (changed(10, b"}\n", b"} \n"), 10),
        (changed(11, b"{", b"["), 11),
        (changed(12, b"\n", b"\r\n"), 12),
        (changed(13, b"number", b"nummer"), 13),
        (changed(14, b"431200", b"431201"), 14),
        (changed(15, b"20", b"19"), 15),
        ([*lines[: at(20)], *lines[at(20) + 1 :]], 20),
        ([*lines[: at(21)], lines[at(20)], *lines[at(21) :]], 21),
        ([*lines[: at(22)], lines[at(23)], lines[at(22)], *lines[at(24) :]], 22),
        ([*lines[: at(24)], b"\n", *lines[at(24) :]], 24),
        ([*lines[: at(25)], b"", *lines[at(27) :]], 25),
        (lines[: at(501)], 501),
        ([*lines, lines[-1]], 521),
        ([*lines[:5], *reversed(lines[5:])], 1),
        ([*lines[:2], *lines[3:]], 0),
        ([lines[0], lines[1].replace(b"431200", b"431201"), *lines[2:]], 0),
        ([lines[0].replace(CITY.encode(), PROVINCE.encode()), *lines[1:]], 0),
        ([lines[0].replace(b'"size":520', b'"size":519'), *lines[1:]], 520),
    ]  # fmt: skip
    for manipulated, number in cases:
        broken = _verified(b"".join(manipulated))
        assert broken is not None, number
        assert broken.number == number
    for top in (lines[0].replace(b"SM3", b"SM4"), lines[0].replace(b"log 1", b"log 2"), b"", b"\n"):
        with pytest.raises(ExportInvalid):
            _verified(b"".join([top, *lines[1:]]))
    shorter = [lines[0].replace(b'"size":520,"checkpoint_count":4', b'"size":300,"checkpoint_count":0'), *lines[5:305]]
    assert _verified(b"".join(shorter)) is None
    broken = _verified(b"".join(shorter), witnessed)
    assert broken is not None
    assert broken.number == 301


# A changed byte may make the serial number of a certificate negative, which the library says before it is judged.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
async def test_any_single_byte_of_an_export_is_missed(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    async with ledger.write() as session:
        await audit.append_all(session, [an_entry(number) for number in range(12)])
    await _desk(ledger, tmp_path, clock).make()
    whole = await _exported(ledger)
    assert _verified(whole) is None

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
    @given(st.integers(0, len(whole) - 1), st.integers(1, 255))
    def change(place: int, by: int) -> None:
        content = bytearray(whole)
        content[place] ^= by
        try:
            assert _verified(bytes(content)) is not None
        except ExportInvalid:
            assert place <= whole.index(b"\n")

    change()
