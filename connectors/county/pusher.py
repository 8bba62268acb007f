"""Sends what is in a spool and records every answer there, through every break of the connection.

Called by ``connectors.county.sheet_push`` and ``connectors.county.client``, which write into the spool meanwhile.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any

from connectors import verdicts
from connectors.county.profile import Profile, ProfileInvalid
from connectors.county.spool import Spool
from connectors.errors import SHORTEST_STREAM_SECONDS, ConnectorError, CredentialsRefused, Drained, Unreachable
from connectors.transports.dialling import peer_at
from connectors.transports.grpc_peer import Answer, PushStream, Target
from connectors.transports.rest import RestPushStream, RestTarget
from exchange_db.records import Refused
from exchange_db.seal_records import Judging, Sealing
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import receipt_pb2

BATCH = 500
#: Batches under way at once; the hub reads at most 8.
WINDOW = 4
#: Seconds the hub may take to open a stream or to answer a batch.
ANSWER_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0

#: Told when the hub cannot be reached (why, seconds until the next try), and with ``None`` at every contact.
Listener = Callable[[ConnectorError | None, float], None]


_Pushing = AbstractAsyncContextManager[PushStream | RestPushStream]


class NumbersDisagree(ConnectorError):
    """The hub expects a number the spool cannot go on from: one of the two was restored from a backup."""

    reason = "SEQUENCE_REUSED"


def target_of(profile: Profile, sealing: Sealing | None = None, judging: Judging | None = None) -> Target:
    """Returns the hub of a profile, as it is dialled by gRPC.

    ``sealing`` signs batches in the platform's name, ``judging`` judges what it fetches.

    Raises:
        ProfileInvalid: the profile is one for REST.
    """
    if profile.certificate is None or profile.key is None:
        raise ProfileInvalid("档案无证书和私钥，此功能只能经 gRPC 使用。 / This needs gRPC and a certificate.")
    files = (profile.authority, profile.certificate, profile.key)
    return Target(
        profile.hub_id, profile.address, profile.thumbprint, *files, sealing, profile.second_thumbprint, judging
    )


def way_of(profile: Profile, sealing: Sealing | None = None, judging: Judging | None = None) -> Target | RestTarget:
    """Returns the hub of a profile, as records are exchanged with it: by REST when the profile names a secret.

    Raises:
        ProfileInvalid: the secret cannot be read, or the profile demands signatures by REST, which brings none.
    """
    if profile.secret is None:
        return target_of(profile, sealing, judging)
    if judging is not None:
        raise ProfileInvalid("hub_cards 只能经 gRPC 使用。 / What comes by REST bears no signatures; see hub_cards.")
    try:
        secret = profile.secret.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ProfileInvalid(f"读不到密钥文件 {profile.secret}。 / The file with the secret cannot be read.") from None
    return RestTarget(
        profile.platform_id, profile.hub_id, profile.address, profile.thumbprint, profile.authority, secret,
        second_thumbprint=profile.second_thumbprint,
    )  # fmt: skip


def pause_seconds(failure_count: int) -> float:
    """Returns how long to wait after some failures in a row: doubling, with jitter, capped."""
    doubled = _FIRST_PAUSE_SECONDS * 2.0 ** min(failure_count, 30)
    return min(_LONGEST_PAUSE_SECONDS, doubled) * random.uniform(0.7, 1.0)  # noqa: S311 — jitter, not a secret


class Pusher:
    """Sends one spool to one hub.

    Args:
        target: the hub.
        spool: what to send.
        listener: told of trouble and its end.
        patience_seconds: give up after so long without contact; ``None`` never to give up.
    """

    def __init__(
        self,
        target: Target | RestTarget,
        spool: Spool,
        listener: Listener,
        *,
        patience_seconds: float | None = None,
    ) -> None:
        self._target = target
        self._spool = spool
        self._listener = listener
        self._patience_seconds = patience_seconds
        self._has_more = asyncio.Event()
        self._is_changed = asyncio.Event()
        self._contact_time = time.monotonic()
        self._failure_count = 0
        self._under_way: deque[float] = deque()
        self._room = asyncio.Semaphore(WINDOW)
        self._opened_at = 1
        self._opened_time = time.monotonic()
        self._receipts: deque[exchange.ReceiptRange] = deque()

    def wake(self) -> None:
        """Says that there is more in the spool."""
        self._has_more.set()

    def changed(self) -> Coroutine[Any, Any, Any]:
        """To be awaited: returns when an answer has been recorded, or ``tell`` been called, since this call."""
        return self._is_changed.wait()

    def tell(self) -> None:
        """Lets everybody go on who waits for a change."""
        changed, self._is_changed = self._is_changed, asyncio.Event()
        changed.set()

    async def run(self) -> None:
        """Sends until cancelled.

        Raises:
            CredentialsRefused, CallRefused: a person must act.
            NumbersDisagree: the spool must be renumbered or begun again first.
            Unreachable: there was no contact for as long as patience lasts.
        """
        self._contact_time = time.monotonic()
        while True:
            try:
                await self._converse()
            except Unreachable as error:
                if not (isinstance(error, Drained) and self._has_lasted()):
                    await self._pause(error)

    def _has_lasted(self) -> bool:
        return time.monotonic() - self._opened_time > SHORTEST_STREAM_SECONDS

    async def _pause(self, error: Unreachable) -> None:
        seconds = pause_seconds(self._failure_count)
        self._failure_count += 1
        if self._patience_seconds is not None:
            left = self._contact_time + self._patience_seconds - time.monotonic()
            if left <= 0:
                raise error
            seconds = min(seconds, left)
        self._listener(error, seconds)
        await asyncio.sleep(seconds)

    async def _converse(self) -> None:
        """Connects, sends and records until the connection breaks."""
        async with AsyncExitStack() as stack:
            progress = self._spool.progress()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    hub = peer_at(self._target)
                    await stack.enter_async_context(hub)
                    pushing: _Pushing = hub.push(
                        self._spool.stream, receipts_after=progress.settled, wants_receipts=True
                    )
                    stream = await stack.enter_async_context(pushing)
            except TimeoutError:
                raise Unreachable(f"{self._target.address}: no answer in time") from None
            except OSError as error:
                raise CredentialsRefused(f"certificate or key: {error}") from None
            if not progress.answered < stream.next_sequence <= progress.written + 1:
                raise NumbersDisagree(
                    f"the hub expects number {stream.next_sequence}; {progress.answered} of {progress.written} were"
                    " answered before"
                )
            self._greet(stream)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._send(stream, progress.answered, hub.max_batch_bytes))
                    tasks.create_task(self._record(stream))
                    tasks.create_task(self._watch())
            except BaseExceptionGroup as group:
                raise told(group) from None

    def _greet(self, stream: PushStream | RestPushStream) -> None:
        self._opened_at = stream.next_sequence
        self._opened_time = time.monotonic()
        self._under_way.clear()
        self._receipts.clear()
        self._room = asyncio.Semaphore(WINDOW)
        self._contact_time = time.monotonic()
        self._failure_count = 0
        self._listener(None, 0.0)

    async def _send(self, stream: PushStream | RestPushStream, position: int, max_bytes: int) -> None:
        # What the hub has but was not recorded here is sent again: it answers as it did the first time.
        while True:
            self._has_more.clear()
            payloads = self._spool.waiting_after(position, BATCH, max_bytes)
            if not payloads:
                await self._has_more.wait()
                continue
            await self._room.acquire()
            self._under_way.append(time.monotonic())
            try:
                await stream.send(position + 1, payloads)
            except asyncio.InvalidStateError:
                # The call is over; what ended it is told where the answers are read.
                await asyncio.Event().wait()
            position += len(payloads)

    async def _record(self, stream: PushStream | RestPushStream) -> None:
        async for answer in stream.answers():
            self._contact_time = time.monotonic()
            self._note(answer)
            self.tell()
        raise Unreachable(f"{self._target.address}: the hub ended the stream")

    def _note(self, answer: Answer) -> None:
        if answer.verdict is not None:
            verdict = answer.verdict
            refused = verdicts.refused(verdict)
            if any(item.violation.reason == NumbersDisagree.reason for item in refused):
                raise NumbersDisagree("the hub had other content under these numbers")
            self._spool.answer(verdicts.last_taken(verdict), self._known(verdict), refused)
            if not verdicts.is_taken_whole(verdict):
                raise Unreachable(f"the hub expects number {verdict.next_sequence}")
            self._under_way.popleft()
            self._room.release()
        elif answer.receipts is not None:
            self._receipts.append(answer.receipts)
        self._settle()

    def _known(self, verdict: exchange.BatchVerdict) -> set[int]:
        """Numbers of what the hub had from elsewhere, not from us under the same number before we lost its answer."""
        return {
            item.sequence
            for item in verdict.verdicts
            if item.outcome == receipt_pb2.OUTCOME_DUPLICATE and item.sequence >= self._opened_at
        }

    def _settle(self) -> None:
        """Records receipts, but none before the verdict on the same parcel: on the stream they may overtake it."""
        answered = self._spool.progress().answered
        while self._receipts and self._receipts[0].last_sequence <= answered:
            receipts = self._receipts.popleft()
            quarantined: list[Refused] = verdicts.quarantined(receipts)
            stale = {item.sequence for item in receipts.exceptions if item.state == receipt_pb2.BUSINESS_STATE_STALE}
            self._spool.settle(receipts.last_sequence, quarantined, stale)

    async def _watch(self) -> None:
        """Gives up on a hub that holds the connection but does not answer."""
        while True:
            await asyncio.sleep(1.0)
            if self._under_way and time.monotonic() - self._under_way[0] > ANSWER_SECONDS:
                raise Unreachable(f"{self._target.address}: no answer to a batch in time")


def told(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns the error of a group that tells most: what a person must act on before a broken connection."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.append(told(error) if isinstance(error, BaseExceptionGroup) else error)
    with suppress(StopIteration):
        return next(error for error in leaves if not isinstance(error, Unreachable | asyncio.CancelledError))
    with suppress(StopIteration):
        return next(error for error in leaves if isinstance(error, Unreachable))
    return leaves[0]
