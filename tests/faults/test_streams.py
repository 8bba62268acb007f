"""Storms of repeats, batches in the wrong order, streams that are cut: every message takes effect once, in order."""

import asyncio
import random
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.workload import ISSUER, case_of
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, Target
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case
from hub.demo.staging import StagedHub
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2
from protos.exchange.v1.receipt_pb2 import OUTCOME_DUPLICATE, OUTCOME_DURABLE, OUTCOME_OUT_OF_ORDER, OUTCOME_REFUSED
from tests.support.frames import CutCall
from tests.support.pushing import first_verdict, key_of, parcel_of, push_all
from tests.support.stages import (
    proof_of,
    quick,
    rows,
    staged,
    target_of,
    until_settled,
    until_value,
    value,
)

STREAM_STATE = "SELECT last_sequence, accepted_count, refused_count, duplicate_count FROM streams WHERE name = %s"


class Site(NamedTuple):
    """A hub and the platform that pushes to it."""

    hub: StagedHub
    target: Target


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Site]:
    """One hub for all tests of this module; each uses cases and streams of its own."""
    with staged(server) as stage:

        async def build() -> Site:
            hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
            hub.start()
            await hub.wait_until_open()
            return Site(hub, target_of(await stage.add_platform(hub, ISSUER)))

        yield asyncio.run(build())


def _cases(first: int, count: int) -> list[Case]:
    return [case_of(number) for number in range(first, first + count)]


def _parcels(first: int, count: int) -> list[bytes]:
    return [parcel_of(ISSUER, case, 1_600_000_000_000_000) for case in _cases(first, count)]


async def _prove_once(site: Site, first: int, count: int) -> None:
    """Each of these messages lies in the log once and made one case; all streams add up."""
    await until_settled(site.hub)
    keys = [key_of(ISSUER, case) for case in _cases(first, count)]
    assert value(site.hub, "SELECT count(*) FROM inbox WHERE message_key = ANY(%s::uuid[])", keys) == count
    numbers = [case.case_no for case in _cases(first, count)]
    assert (
        value(site.hub, "SELECT count(*) FROM cases WHERE case_no = ANY(%s) AND report_revision = 1", numbers) == count
    )
    proof = await proof_of([], site.hub)
    assert (proof.incomplete_streams, proof.twice) == (0, 0)


async def test_a_storm_of_repeats_from_many_connections_takes_effect_once(site: Site, chance: random.Random) -> None:
    payloads = _parcels(10_000, 600)

    async def storm(stream: str, seed: int) -> list[int]:
        mixed = payloads.copy()
        if seed:
            random.Random(seed).shuffle(mixed)
        return await push_all(site.target, stream, mixed, batch=37 + seed % 100)

    shuffles = [0, 0, *(chance.randrange(1, 10_000) for _ in range(4))]
    outcomes = await asyncio.gather(*(storm(f"storm-{n}", seed) for n, seed in enumerate(shuffles)))
    taken = [outcome for answered in outcomes for outcome in answered]
    assert len(taken) == 6 * 600
    assert taken.count(OUTCOME_DURABLE) == 600
    assert taken.count(OUTCOME_DUPLICATE) == 5 * 600
    await _prove_once(site, 10_000, 600)


async def test_one_stream_over_several_connections_at_once_stays_whole(site: Site, chance: random.Random) -> None:
    payloads = _parcels(20_000, 500)
    async with GrpcPeer(site.target) as hub:

        async def push(seed: int) -> set[int]:
            own = random.Random(seed)
            outcomes: set[int] = set()
            async with hub.push("shared") as stream:
                position = stream.next_sequence - 1
                while position < len(payloads):
                    size = own.randrange(1, 60)
                    await stream.send(position + 1, payloads[position : position + size])
                    verdict = await first_verdict(stream)
                    outcomes |= set(verdict.outcomes)
                    position = verdict.next_sequence - 1
            return outcomes

        seen = await asyncio.gather(*(push(chance.randrange(2**31)) for _ in range(4)))
    assert set.union(*seen) <= {OUTCOME_DURABLE, OUTCOME_DUPLICATE}
    assert rows(site.hub, STREAM_STATE, "shared") == [(500, 500, 0, 0)]
    await _prove_once(site, 20_000, 500)


async def test_the_same_ids_under_another_stream_are_duplicates_and_other_content_is_refused(site: Site) -> None:
    payloads = _parcels(30_000, 50)
    assert set(await push_all(site.target, "first", payloads)) == {OUTCOME_DURABLE}
    assert set(await push_all(site.target, "second", payloads)) == {OUTCOME_DUPLICATE}
    assert rows(site.hub, STREAM_STATE, "second") == [(50, 0, 0, 50)]
    forged = [parcel_of(ISSUER, case, 1_600_000_000_000_001) for case in _cases(30_000, 5)]
    async with GrpcPeer(site.target) as hub, hub.push("third") as stream:
        await stream.send(1, forged)
        verdict = await first_verdict(stream)
    assert list(verdict.outcomes) == [OUTCOME_REFUSED] * 5
    assert {item.reason for item in verdict.verdicts} == {"MESSAGE_ID_REUSED"}
    await _prove_once(site, 30_000, 50)


async def test_a_number_used_again_for_another_content_is_refused_and_nothing_changes(site: Site) -> None:
    payloads = _parcels(35_000, 20)
    await push_all(site.target, "reused", payloads[:10])
    async with GrpcPeer(site.target) as hub, hub.push("reused") as stream:
        await stream.send(1, payloads[10:])
        verdict = await first_verdict(stream)
    assert {item.reason for item in verdict.verdicts} == {"SEQUENCE_REUSED"}
    assert verdict.next_sequence == 11
    assert rows(site.hub, STREAM_STATE, "reused") == [(10, 10, 0, 0)]


async def test_a_later_batch_first_is_out_of_order_and_not_taken(site: Site) -> None:
    payloads = _parcels(40_000, 30)
    async with GrpcPeer(site.target) as hub, hub.push("late") as stream:
        await stream.send(11, payloads[10:20])
        verdict = await first_verdict(stream)
        assert list(verdict.outcomes) == [OUTCOME_OUT_OF_ORDER] * 10
        assert verdict.next_sequence == 1
        assert rows(site.hub, STREAM_STATE, "late") == [(0, 0, 0, 0)]
        for first in (1, 11, 21):
            await stream.send(first, payloads[first - 1 : first + 9])
            assert set((await first_verdict(stream)).outcomes) == {OUTCOME_DURABLE}
    await _prove_once(site, 40_000, 30)


@pytest.mark.parametrize("turn", range(5))
async def test_batches_in_any_order_with_repeats_and_overlaps_end_up_whole(
    site: Site, chance: random.Random, turn: int
) -> None:
    """A sender that jumps about: whatever the order, each answer says where to go on, and following it completes."""
    first, count, stream_name = 50_000 + turn * 1_000, 200, f"jumping-{turn}"
    payloads = _parcels(first, count)
    last = 0
    async with GrpcPeer(site.target) as hub, hub.push(stream_name) as stream:
        for _ in range(60):
            start = chance.randrange(max(0, last - 40), min(count, last + 40))
            size = chance.randrange(1, 30)
            await stream.send(start + 1, payloads[start : start + size])
            verdict = await first_verdict(stream)
            sent = len(payloads[start : start + size])
            if start > last:
                expected = [OUTCOME_OUT_OF_ORDER] * sent
            else:
                repeats = min(last - start, sent)
                expected = [OUTCOME_DUPLICATE] * repeats + [OUTCOME_DURABLE] * (sent - repeats)
                last = max(last, start + sent)
            assert list(verdict.outcomes) == expected
            assert verdict.next_sequence == last + 1
        while last < count:
            await stream.send(last + 1, payloads[last : last + 25])
            last = (await first_verdict(stream)).next_sequence - 1
    assert rows(site.hub, STREAM_STATE, stream_name) == [(count, count, 0, 0)]
    await _prove_once(site, first, count)


def _messages(stream: str, first_sequence: int, payloads: list[bytes]) -> tuple[bytes, bytes]:
    opening = exchange.PushRequest(opening=exchange.PushOpening(stream=stream))
    batch = exchange.PushRequest(batch=parcel_pb2.Batch(first_sequence=first_sequence, parcels=payloads))
    return opening.SerializeToString(), batch.SerializeToString()


@pytest.mark.parametrize("turn", range(6))
async def test_a_connection_cut_in_the_middle_of_a_batch_takes_all_of_it_or_nothing(
    site: Site, chance: random.Random, turn: int
) -> None:
    first, count, name = 60_000 + turn * 1_000, 80, f"cut-{turn}"
    payloads = _parcels(first, count)
    opening, batch = _messages(name, 1, payloads)
    framed = struct.pack(">?I", False, len(batch)) + batch
    cut = len(framed) if turn == 0 else chance.randrange(1, len(framed))
    async with CutCall(site.target) as call:
        await call.send(struct.pack(">?I", False, len(opening)) + opening)
        await until_value(site.hub, 1, "SELECT count(*) FROM streams WHERE name = %s", name)
        await call.send(framed[:cut])
    async with GrpcPeer(site.target) as hub:

        async def stands() -> int:
            async with hub.push(name) as stream:
                return stream.next_sequence

        taken = await stands() - 1
    # A whole batch may have been taken before the cut was noticed; a part of it never is.
    assert taken in ((0, count) if turn == 0 else (0,))
    assert set(await push_all(site.target, name, payloads[taken:] or payloads)) <= {OUTCOME_DURABLE, OUTCOME_DUPLICATE}
    await _prove_once(site, first, count)


async def test_half_a_message_is_refused_and_the_next_call_goes_on(site: Site) -> None:
    payloads = _parcels(70_000, 10)
    opening, batch = _messages("half", 1, payloads)
    broken = batch[: len(batch) // 2]
    async with CutCall(site.target) as call:
        for message in (opening, broken):
            await call.send(struct.pack(">?I", False, len(message)) + message)
        assert await call.ended()
    assert rows(site.hub, STREAM_STATE, "half") in ([], [(0, 0, 0, 0)])
    assert set(await push_all(site.target, "half", payloads)) == {OUTCOME_DURABLE}
    await _prove_once(site, 70_000, 10)


@pytest.mark.parametrize("turn", range(3))
async def test_noise_on_the_wire_harms_nobody(site: Site, chance: random.Random, turn: int) -> None:
    context = ssl.create_default_context(cafile=str(site.target.authority))
    context.load_cert_chain(site.target.certificate, site.target.key)
    context.set_alpn_protocols(["h2"])
    host, _, port = site.target.address.rpartition(":")
    for _ in range(10):
        _, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=site.target.peer_id)
        writer.write(chance.randbytes(chance.randrange(1, 5_000)))
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    payloads = _parcels(80_000 + turn * 100, 10)
    assert set(await push_all(site.target, f"after-noise-{turn}", payloads)) == {OUTCOME_DURABLE}


async def test_parcels_of_noise_are_refused_one_by_one_and_the_others_taken(site: Site, chance: random.Random) -> None:
    good = _parcels(90_000, 40)
    mixed: list[bytes] = []
    for payload in good:
        damaged = bytearray(payload)
        damaged[: chance.randrange(1, 8)] = chance.randbytes(6)
        mixed += [payload, b"\xff" + bytes(damaged)]
    async with GrpcPeer(site.target) as hub, hub.push("mixed") as stream:
        await stream.send(1, mixed)
        verdict = await first_verdict(stream)
    assert list(verdict.outcomes) == [OUTCOME_DURABLE, OUTCOME_REFUSED] * 40
    held = rows(
        site.hub,
        "SELECT payload FROM quarantine q JOIN streams USING (stream_id) WHERE name = 'mixed' ORDER BY sequence",
    )
    assert [row[0] for row in held] == mixed[1::2]
    await _prove_once(site, 90_000, 40)


async def test_a_call_cut_by_the_sender_leaves_the_hub_well(site: Site) -> None:
    for number in range(20):
        async with GrpcPeer(site.target) as hub:
            try:
                async with hub.push(f"dropped-{number}") as stream:
                    await stream.send(1, _parcels(95_000 + number * 10, 10))
            except ConnectorError:
                continue
    assert set(await push_all(site.target, "after-drops", _parcels(96_000, 10))) == {OUTCOME_DURABLE}
    await until_settled(site.hub)
    assert (await proof_of([], site.hub)).incomplete_streams == 0
    log = Path(site.hub.folder / "hub.log").read_text(encoding="utf-8")
    assert "Traceback" not in log, log[log.index("Traceback") - 300 :][:3_000]
