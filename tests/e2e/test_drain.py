"""SIGTERM: what was taken is answered, open calls are told to come back, the process ends well and soon."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from bench.workload import ISSUER, case_of
from connectors.errors import Unreachable
from connectors.transports.grpc_peer import GrpcPeer, PushStream, Target
from exchange_db.embedded import EmbeddedServer
from hub.demo.staging import Stage, StagedHub
from tests.support.pushing import first_pulled, key_of, parcel_of
from tests.support.stages import proof_of, quick, rows, staged, target_of, until, until_settled

#: More than a process is given to drain; it ends by itself before.
_LONGEST_SECONDS = 15.0


@pytest.fixture
def stage(server: EmbeddedServer) -> Iterator[Stage]:
    """A stage of this test's own."""
    with staged(server) as opened:
        yield opened


async def _end(hub: StagedHub) -> int:
    process = hub.processes.pop("")
    process.send_signal(signal.SIGTERM)
    return await asyncio.to_thread(process.wait, _LONGEST_SECONDS)


class Streaming:
    """Pushes without a pause until the hub ends the stream; ``answered`` is the last number it acknowledged."""

    def __init__(self, target: Target, name: str, payloads: list[bytes]) -> None:
        self._target = target
        self._name = name
        self._payloads = payloads
        self.answered = 0
        self.has_begun = asyncio.Event()
        self.ending: Unreachable | None = None

    async def run(self) -> None:
        """Pushes from where the hub stands."""
        try:
            async with GrpcPeer(self._target) as hub, hub.push(self._name) as stream:
                sending = asyncio.create_task(self._send(stream))
                try:
                    async for answer in stream.answers():
                        assert answer.verdict
                        self.answered = answer.verdict.next_sequence - 1
                        self.has_begun.set()
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        except Unreachable as error:
            self.ending = error

    async def _send(self, stream: PushStream) -> None:
        position = stream.next_sequence - 1
        while position < len(self._payloads):
            await stream.send(position + 1, self._payloads[position : position + 100])
            position += 100
        await stream.finish()


async def test_a_hub_that_is_told_to_stop_answers_what_it_took_and_ends(stage: Stage) -> None:
    city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
    city.start()
    await city.wait_until_open()
    target = target_of(await stage.add_platform(city, ISSUER))
    cases = [[case_of(number) for number in range(first, first + 4_000)] for first in (0, 4_000, 8_000)]
    payloads = [[parcel_of(ISSUER, case, 1_600_000_000_000_000) for case in part] for part in cases]
    streams = [Streaming(target, f"open-{n}", part) for n, part in enumerate(payloads)]
    running = [asyncio.create_task(stream.run()) for stream in streams]
    async with GrpcPeer(target) as hub:
        pulling = asyncio.create_task(first_pulled(hub, 0))
        await asyncio.gather(*(stream.has_begun.wait() for stream in streams))
        assert await _end(city) == 0
        with pytest.raises(Unreachable):
            await pulling
    await asyncio.gather(*running)
    taken = rows(city, "SELECT last_sequence FROM streams WHERE name LIKE 'open-%%' ORDER BY name")
    # All that lies on disk was answered before the process ended, and nothing was answered that does not.
    assert [stream.answered for stream in streams] == [last for (last,) in taken]
    assert any(last < 4_000 for (last,) in taken)
    assert all("draining" in str(stream.ending) for stream in streams if stream.answered < 4_000)

    city.start()
    await city.wait_until_open()
    again = [Streaming(target, f"open-{n}", part) for n, part in enumerate(payloads)]
    await asyncio.gather(*(stream.run() for stream in again))
    await until_settled(city)
    wanted = {key_of(ISSUER, case) for part in cases for case in part}
    assert {row[0] for row in rows(city, "SELECT message_key::text FROM inbox WHERE record_kind = 1")} == wanted
    assert (await proof_of([], city))._replace(stream_count=0) == (0, 0, 0, 0, 0, [])
    log = (city.folder / "hub.log").read_text(encoding="utf-8")
    assert "Traceback" not in log, log[-3_000:]


@pytest.mark.parametrize("roles", ["", "apply", "deliver,schedule", "console"])
async def test_an_idle_process_ends_at_once_whatever_its_roles(stage: Stage, roles: str) -> None:
    city = await stage.add_hub("431200.hub", "怀化市枢纽", quick())
    city.start()
    await city.wait_until_open()
    if roles:
        await asyncio.to_thread(city.stop)
        city.start(roles)
        await _until_running(city, roles)
        city.processes[""] = city.processes.pop(roles)
    assert await _end(city) == 0
    assert rows(city, "SELECT name FROM leases WHERE expires_time > now() AND name NOT LIKE 'job/%%'") == []


async def _until_running(hub: StagedHub, roles: str) -> None:
    log = hub.folder / f"{roles.replace(',', '-')}.log"

    async def has_said_so() -> bool:
        return "已启动" in log.read_text(encoding="utf-8")

    await until(has_said_so, f"{roles} running")
