"""Platforms that dial a hub and break the contract in one place each; ``BROKEN`` names the checks that must find it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from connectors import verdicts
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import Answer, GrpcPeer, PushStream, Target
from connectors.wire import read_parcel
from exchange_db.records import Case, Violated
from hub.clock import system_clock
from tests.support.pushing import parcel_of

_PAUSE_SECONDS = 0.05
_WINDOW = 4


class SoundPlatform:
    """Pushes what it is given in one stream, goes on after whatever happens, and pulls what is due.

    Args:
        target: the hub.
        platform_id: its name.
    """

    window = _WINDOW
    batch = 100

    def __init__(self, target: Target, platform_id: str) -> None:
        self.target = target
        self.platform_id = platform_id
        self.payloads: list[bytes] = []
        self.answered = 0
        self.taken = 0
        self.refused: set[int] = set()
        self._more = asyncio.Event()
        self._is_over = False

    def report(self, cases: list[Case]) -> None:
        """Takes cases to be sent."""
        self.payloads += [parcel_of(self.platform_id, case) for case in cases]
        self._more.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Pushes and pulls."""
        tasks = [asyncio.create_task(self._forever(self.push_once)), asyncio.create_task(self._forever(self.pull_once))]
        try:
            yield
        finally:
            # A call that is cancelled may tell of it by an error of its own: so the loops look at this as well.
            self._is_over = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _forever(self, once: object) -> None:
        while not self._is_over:
            with suppress(ConnectorError, ExceptionGroup, OSError):
                await once()  # type: ignore[operator]
            await asyncio.sleep(_PAUSE_SECONDS)

    async def push_once(self) -> None:
        """Pushes until the connection breaks."""
        async with GrpcPeer(self.target) as hub, hub.push("platform") as stream:
            position = self.position_at(stream.next_sequence)
            self.answered = max(self.answered, stream.next_sequence - 1)
            async with asyncio.TaskGroup() as tasks:
                room = asyncio.Semaphore(self.window)
                sending = tasks.create_task(self._send(stream, position, room))
                async for answer in stream.answers():
                    if answer.verdict is not None:
                        room.release()
                        self.note(answer)
                sending.cancel()

    async def _send(self, stream: PushStream, position: int, room: asyncio.Semaphore) -> None:
        with suppress(asyncio.InvalidStateError):
            while True:
                self._more.clear()
                payloads = self.payloads[position : position + self.batch]
                if not payloads:
                    await self._more.wait()
                    continue
                await room.acquire()
                await stream.send(position + 1, [self.again(payload) for payload in payloads])
                position += len(payloads)

    async def pull_once(self) -> None:
        """Pulls until the connection breaks."""
        async with GrpcPeer(self.target) as hub:
            async for response in hub.pull(self.taken):
                for payload in response.batch.parcels:
                    self.look_at(payload)
                    self.taken += 1
                await hub.confirm(self.confirmable())

    # What broken ones do otherwise.

    def position_at(self, expected: int) -> int:
        """Returns how many are sent, by the number the hub expects."""
        return expected - 1

    def note(self, answer: Answer) -> None:
        """Takes a verdict."""
        assert answer.verdict is not None
        if not verdicts.is_taken_whole(answer.verdict):
            raise ConnectorError("out of order")
        self.answered = max(self.answered, answer.verdict.next_sequence - 1)

    def again(self, payload: bytes) -> bytes:
        """Returns what is sent for a parcel."""
        return payload

    def look_at(self, payload: bytes) -> None:
        """Reads what was pulled, as far as it can."""
        with suppress(Violated):
            read_parcel(payload)

    def confirmable(self) -> int:
        """Returns what is confirmed."""
        return self.taken


class CountsItself(SoundPlatform):
    """Goes on by its own count, whatever number the hub expects."""

    sent = 0

    def position_at(self, expected: int) -> int:
        return self.sent

    def again(self, payload: bytes) -> bytes:
        self.sent += 1
        return payload


class WritesAnew(SoundPlatform):
    """Makes a new parcel each time it sends."""

    def again(self, payload: bytes) -> bytes:
        case = read_parcel(payload).record
        assert isinstance(case, Case)
        return parcel_of(self.platform_id, case, system_clock())


class RepeatsRefused(SoundPlatform):
    """Sends a refused record again as it was."""

    def note(self, answer: Answer) -> None:
        super().note(answer)
        assert answer.verdict is not None
        for item in verdicts.refused(answer.verdict):
            if item.sequence not in self.refused:
                self.refused.add(item.sequence)
                self.payloads.append(self.payloads[item.sequence - 1])


class StopsAtRefusals(SoundPlatform):
    """Sends nothing more once something was refused."""

    async def push_once(self) -> None:
        if self.refused:
            await asyncio.Event().wait()
        await super().push_once()

    def note(self, answer: Answer) -> None:
        super().note(answer)
        assert answer.verdict is not None
        self.refused |= {item.sequence for item in verdicts.refused(answer.verdict)}
        if self.refused:
            raise ConnectorError("stopped")


class LeavesFieldsOut(SoundPlatform):
    """Reports without a region."""

    def again(self, payload: bytes) -> bytes:
        return payload.replace(b"\x1a\x06431221", b"\x1a\x0643122x")


class ConfirmsAhead(SoundPlatform):
    """Confirms more than it was given."""

    def confirmable(self) -> int:
        return self.taken + 1_000


class ChokesOnNoise(SoundPlatform):
    """Cannot get past what it cannot read."""

    def look_at(self, payload: bytes) -> None:
        try:
            read_parcel(payload)
        except Violated as violated:
            raise ConnectorError("unreadable") from violated


class SendsWithoutWaiting(SoundPlatform):
    """Has any number of batches under way, of one record each."""

    window = 1_000
    batch = 1


class TrustsEverybody(SoundPlatform):
    """Looks at no certificate."""

    async def push_once(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        host, _, port = self.target.address.rpartition(":")
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, int(port), ssl=context)
            writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            await asyncio.sleep(_PAUSE_SECONDS)
            writer.transport.abort()
        await super().push_once()


#: Each broken platform, the checks it is asked, and those of them that find it.
BROKEN: dict[type[SoundPlatform], tuple[set[str], set[str]]] = {
    CountsItself: ({"contract.connects", "ordering.batch-lost"}, {"ordering.batch-lost"}),
    WritesAnew: ({"contract.connects", "ordering.batch-lost"}, {"ordering.batch-lost"}),
    RepeatsRefused: ({"contract.connects", "receipts.refused"}, {"receipts.refused"}),
    StopsAtRefusals: ({"contract.connects", "receipts.refused"}, {"receipts.refused"}),
    LeavesFieldsOut: ({"contract.connects", "contract.readable"}, {"contract.readable"}),
    ConfirmsAhead: ({"contract.connects", "ordering.pulled"}, {"ordering.pulled"}),
    ChokesOnNoise: ({"contract.connects", "ordering.pulled", "dirty.pulled"}, {"dirty.pulled"}),
    SendsWithoutWaiting: ({"contract.connects", "receipts.waiting"}, {"receipts.waiting"}),
    TrustsEverybody: ({"contract.connects", "certificates.stranger"}, {"certificates.stranger"}),
}
