"""Checkpoints and witnesses in the ledger: what is signed, what is refused, and what a start finds."""

from pathlib import Path

import pytest

from auth.audit_chain import read_checkpoint
from auth.principal import Principal
from auth.signatures import Signed
from exchange_db import audit, audit_checkpoints, audit_proofs, peers
from exchange_db.audit_records import SignedBytes
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.approvals.operations import Rewitness
from hub.audit.checkpoints import CheckpointDesk, LogUnfit
from hub.audit.silence import SilenceWatch
from hub.audit.witnessing import Witness
from hub.settings import TlsPart
from tests.support.audit_logs import AUTHORITY, CITY, HUBS, NATION, PROVINCE, a_log, an_entry, shown
from tests.support.clock import FakeClock
from tests.support.neighbours import enrolled

CITY_PRINCIPAL = Principal(CITY, 431200, "hub", "child", 1, "t")


def _tls(folder: Path, hub_id: str) -> TlsPart:
    files = TlsPart(
        authority=folder / "authority.pem", certificate=folder / f"{hub_id}.pem", key=folder / f"{hub_id}.key"
    )
    files.authority.write_bytes(AUTHORITY.certificate)
    files.certificate.write_bytes(HUBS[hub_id].certificate)
    files.key.write_bytes(HUBS[hub_id].key)
    return files


def _desk(ledger: Ledger, folder: Path, clock: FakeClock) -> CheckpointDesk:
    def nobody(peer: object) -> object:
        raise AssertionError(peer)

    return CheckpointDesk(
        ledger, CITY, _tls(folder, CITY), nobody, clock, timeout_seconds=1, late_seconds=60,  # type: ignore[arg-type]
    )  # fmt: skip


def _witness(ledger: Ledger, folder: Path, clock: FakeClock) -> Witness:
    return Witness(ledger, PROVINCE, _tls(folder, PROVINCE), clock)


async def _grow(ledger: Ledger, count: int) -> None:
    async with ledger.write() as session:
        await audit.append_all(session, [an_entry(number) for number in range(count)])


async def test_a_checkpoint_is_made_when_the_log_grew(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    desk = _desk(ledger, tmp_path, clock)
    assert await desk.make() is None
    await _grow(ledger, 300)
    made = await desk.make()
    assert made is not None
    assert made[0].size == 300
    assert read_checkpoint(Signed(*made[1]), AUTHORITY.certificate) == made[0]
    assert await desk.make() == made
    await _grow(ledger, 1)
    again = await desk.make()
    assert again is not None
    assert again[0].size == 301


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DELETE FROM audit_entries WHERE number > 290", "UPDATE audit_head SET size = 290"], "tail"),
        (["UPDATE audit_entries SET leaf_hash = '\\x00' WHERE number = 299"], "changed"),
        (["UPDATE audit_nodes SET hash = '\\x00'"], "changed"),
        (["UPDATE audit_entries SET content = 'x' WHERE number = 305"], "broken at 305"),
        (["DELETE FROM audit_entries WHERE number = 304"], "broken at 304"),
        (["DELETE FROM audit_entries WHERE number > 306"], "broken at 306"),
        (["UPDATE audit_head SET chain_hash = '\\x00'"], "broken at 310"),
        (["UPDATE audit_checkpoints SET content = replace(content::text, '', '')::bytea || ' '"], "form"),
        (["UPDATE audit_checkpoints SET signature = '\\x00'"], "signature"),
    ],
)
async def test_a_log_that_does_not_fit_is_found_at_start(
    ledger: Ledger, tmp_path: Path, clock: FakeClock, statements: list[str], said: str
) -> None:
    desk = _desk(ledger, tmp_path, clock)
    await desk.check()
    await _grow(ledger, 300)
    await desk.make()
    await _grow(ledger, 10)
    await desk.check()
    async with ledger.write() as session:
        await session.driver.execute("SET session_replication_role = replica")
        for statement in statements:
            await session.driver.execute(statement)
        await session.driver.execute("SET session_replication_role = origin")
    with pytest.raises(LogUnfit, match=said):
        await desk.check()
    with pytest.raises(LogUnfit, match=said):
        await desk.make()


async def test_a_witness_signs_what_only_grew(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    """The witness keeps its own ledger here; the proofs come from a log of the city in the same one."""
    desk, witness = _desk(ledger, tmp_path, clock), _witness(ledger, tmp_path, clock)
    await _grow(ledger, 290)
    first = await desk.make()
    assert first is not None
    answer = await witness.sign(CITY_PRINCIPAL, first[1], 0, [])
    assert answer.held_size == 290
    assert answer.signed is not None
    statement = read_checkpoint(Signed(*answer.signed), AUTHORITY.certificate)
    assert (statement.witness_id, statement.root) == (PROVINCE, first[0].root)
    await _grow(ledger, 350)
    second = await desk.make()
    assert second is not None
    # Without a proof from what it holds it signs nothing and says what it holds.
    answer = await witness.sign(CITY_PRINCIPAL, second[1], 0, [])
    assert answer == (290, None)
    async with ledger.read() as session:
        proof = await audit_proofs.consistency_proof(session, "SM3", 290, 640)
    with pytest.raises(Violated, match="CHECKPOINT_INCONSISTENT"):
        await witness.sign(CITY_PRINCIPAL, second[1], 290, proof[:-1])
    answer = await witness.sign(CITY_PRINCIPAL, second[1], 290, proof)
    assert answer.signed is not None
    # Asked again, as after a lost answer, it signs again.
    assert (await witness.sign(CITY_PRINCIPAL, second[1], 640, [])).signed is not None


async def test_proofs_hold_over_every_pair_of_sizes(ledger: Ledger) -> None:
    await _grow(ledger, 600)
    async with ledger.read() as session:
        contents = [line.content async for line in audit.lines(session)]
        from auth.hash_tree import TreeDigest, consistency_proof, leaves_of

        leaves = leaves_of(TreeDigest.SM3, contents)
        for old, new in ((1, 2), (1, 600), (255, 256), (256, 257), (256, 600), (300, 512), (511, 513), (599, 600)):
            expected = consistency_proof(TreeDigest.SM3, leaves[:new], old)
            assert await audit_proofs.consistency_proof(session, "SM3", old, new) == expected


async def test_a_split_view_is_refused_and_kept_as_evidence(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    witness = _witness(ledger, tmp_path, clock)
    shown_first, other = SignedBytes(*shown(a_log(20))[1]), SignedBytes(*shown(a_log(20, begin=1))[1])
    assert (await witness.sign(CITY_PRINCIPAL, shown_first, 0, [])).signed is not None
    for wrong in (other, SignedBytes(*shown(a_log(19))[1])):
        for _ in range(2):
            with pytest.raises(Violated, match="CHECKPOINT_INCONSISTENT"):
                await witness.sign(CITY_PRINCIPAL, wrong, 20, [])
    async with ledger.read() as session:
        assert await audit_checkpoints.witness_states(session) == [
            (CITY, 20, (await audit_checkpoints.last_witnessed(session, CITY)).witnessed_time, 2)  # type: ignore[union-attr]
        ]
        told = await audit.search(session, audit.Search(action="audit.countersign"), limit=10)
    assert [(line.object, line.outcome, line.reason) for line in told] == [
        (CITY, "refused", "CHECKPOINT_INCONSISTENT")
    ] * 2
    assert (await witness.sign(CITY_PRINCIPAL, shown_first, 20, [])).signed is not None


async def test_after_a_rightful_restore_a_witness_begins_anew(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    witness, operation = _witness(ledger, tmp_path, clock), Rewitness(ledger, clock)
    with pytest.raises(Violated, match="ARGUMENT_INVALID"):
        await operation.dry_run(CITY, {})
    restored, later = SignedBytes(*shown(a_log(12))[1]), SignedBytes(*shown(a_log(11, begin=1))[1])
    assert (await witness.sign(CITY_PRINCIPAL, SignedBytes(*shown(a_log(20))[1]), 0, [])).signed is not None
    with pytest.raises(Violated, match="CHECKPOINT_INCONSISTENT"):
        await witness.sign(CITY_PRINCIPAL, restored, 12, [])
    clock.advance(minutes=1)
    assert (await operation.dry_run(CITY, {}))[0].startswith(f"{CITY}: 20 ")

    async def step(_done: int, _total: int) -> None:
        """Goes on."""

    await operation.run(CITY, {}, step)
    clock.advance(minutes=1)
    assert (await witness.sign(CITY_PRINCIPAL, restored, 0, [])).signed is not None
    with pytest.raises(Violated, match="CHECKPOINT_INCONSISTENT"):
        await witness.sign(CITY_PRINCIPAL, later, 11, [])
    async with ledger.read() as session:
        # What was seen before stays, the cut log among it.
        assert (await audit_checkpoints.witness_states(session))[0][3] == 2
        told = await audit.search(session, audit.Search(action="audit.rewitness"), limit=10)
    assert [(line.object, line.outcome) for line in told] == [(CITY, "done")]


async def test_a_neighbour_that_shows_nothing_any_more_raises_one_alarm(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    for peer_id in (CITY, NATION):
        await enrolled(ledger, peer_id)
    witness, watch = _witness(ledger, tmp_path, clock), SilenceWatch(ledger, PROVINCE, clock, silent_minutes=60)
    first = SignedBytes(*shown(a_log(20))[1])
    await witness.sign(CITY_PRINCIPAL, first, 0, [])
    clock.advance(minutes=59)
    assert await watch.run() == []
    # A log that did not grow is shown again, and that counts.
    await witness.sign(CITY_PRINCIPAL, first, 20, [])
    clock.advance(minutes=59)
    assert await watch.run() == []
    clock.advance(minutes=2)
    assert [await watch.run() for _ in range(2)] == [[CITY], [CITY]]
    async with ledger.read() as session:
        told = await audit.search(session, audit.Search(action="audit.silent"), limit=10)
    assert [(line.object, line.outcome, line.reason) for line in told] == [(CITY, "failed", "CHECKPOINT_MISSING")]
    async with ledger.write() as session:
        await peers.set_state(session, CITY, "blocked")
    assert await watch.run() == []


async def test_only_ones_own_checkpoint_is_signed(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    witness = _witness(ledger, tmp_path, clock)
    of_nation, countersigned = shown(a_log(5), NATION)[1], shown(a_log(5), CITY, PROVINCE)[1]
    own = SignedBytes(*shown(a_log(5))[1])
    for wrong in (of_nation, countersigned):
        with pytest.raises(Violated, match="CHECKPOINT_FOREIGN"):
            await witness.sign(CITY_PRINCIPAL, SignedBytes(*wrong), 0, [])
    with pytest.raises(Violated, match="CHECKPOINT_FOREIGN"):
        await witness.sign(CITY_PRINCIPAL._replace(kind="platform"), own, 0, [])
    with pytest.raises(Violated, match="SIGNATURE_INVALID"):
        await witness.sign(CITY_PRINCIPAL, own._replace(signature=bytes(64)), 0, [])
    clock.now = 1_500_000_000_000_000
    with pytest.raises(Violated, match="CHECKPOINT_INVALID"):
        await witness.sign(CITY_PRINCIPAL, own, 0, [])
    clock.now = 1_600_000_000_000_000
    assert (await witness.sign(CITY_PRINCIPAL, own, 0, [])).signed is not None
