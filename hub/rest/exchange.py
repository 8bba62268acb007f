"""The calls of the REST transport: the same use cases as those of gRPC, asked and answered in JSON."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from msgspec import DecodeError, Meta, Raw, Struct, json

from auth.permissions import require_origin
from auth.personal import Reporter
from connectors.json_wire import json_of_parcel, origin_in_json, parcel_from_json
from exchange_db import inbox, links, outbox, receipts, wakeups
from exchange_db.inbox import Refusal
from exchange_db.keys import message_key
from exchange_db.receipts import PENDING, Settlement
from exchange_db.records import Name40, Text20, Text60, Text400, Violated
from exchange_db.seal_records import Sealed
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.delivery.numbering import confirm_up_to, numbered_after
from hub.intake.desk import IntakeDesk
from hub.intake.streams import MAX_BATCH, require_batch_size, require_stream_name
from hub.listener import Listener
from hub.personal.desk import PersonalDesk
from hub.rest import answers
from hub.rest.guard import Call
from hub.telemetry.steps import current_steps
from hub.veil import Veil

#: Longest wait of a call that has nothing to answer yet, seconds.
MAX_WAIT_SECONDS = 25
_DEFAULT_STREAM = "rest"
#: Serialized bytes of parcels given in one answer; as JSON they are a few times as many.
_MAX_GIVEN_BYTES = 1_500_000
_LATEST = 2**62
_POLL_SECONDS = 1.0
#: Parcels turned from JSON, or into it, before other tasks of the process get a turn.
_SLICE = 25

T = TypeVar("T")


class _Batch(Struct, forbid_unknown_fields=True):
    parcels: list[Raw]
    first_sequence: int = 0


class _Reported(Struct, forbid_unknown_fields=True):
    case_no: Name40
    name: Text60 = ""
    phone: Text20 = ""
    address: Text400 = ""


class _Reporters(Struct, forbid_unknown_fields=True):
    reporters: Annotated[list[_Reported], Meta(min_length=1, max_length=MAX_BATCH)]


class Exchange:
    """Serves the calls.

    Args:
        ledger: the hub's database.
        desk: takes batches in.
        listener: wake-ups of this process.
        hub_region: region of this hub.
        clock: the hub's clock.
        personal: keeps who reported a case.
        veil: what neighbours above are shown.
    """

    def __init__(
        self,
        ledger: Ledger,
        desk: IntakeDesk,
        listener: Listener,
        hub_region: int,
        clock: Clock,
        personal: PersonalDesk,
        veil: Veil,
    ) -> None:
        self._personal = personal
        self._veil = veil
        #: Set when the hub stops: calls that wait are answered with what there is.
        self.draining = asyncio.Event()
        self._ledger = ledger
        self._desk = desk
        self._listener = listener
        self._hub_region = hub_region
        self._clock = clock
        self._steps = current_steps()

    async def whoami(self, call: Call) -> dict[str, Any]:
        """Tells a caller that its signature is right, and who it is here.

        Raises:
            Violated: ARGUMENT_INVALID.
        """
        _require_known(call.query)
        return {"peer_id": call.caller.peer_id, "time": str(self._clock())}

    async def take(self, call: Call) -> dict[str, Any]:
        """Takes one batch in.

        Raises:
            Violated: the call as a whole is refused; refused parcels stand in the answer.
        """
        _require_known(call.query, "stream")
        name = _stream_of(call.query)
        try:
            batch = json.decode(call.body, type=_Batch, strict=False)
        except (DecodeError, RecursionError) as error:
            raise Violated("JSON_INVALID", value=str(error)) from None
        require_batch_size(len(batch.parcels), "parcels")
        if not 0 <= batch.first_sequence < _LATEST:
            raise Violated("FIELD_INVALID", "first_sequence", batch.first_sequence)
        payloads: list[bytes | Refusal] = []
        for start in range(0, len(batch.parcels), _SLICE):
            payloads += [_read(bytes(text)) for text in batch.parcels[start : start + _SLICE]]
            await asyncio.sleep(0)
        async with self._ledger.watching() as connection:
            stream = await inbox.open_stream(connection, call.caller.peer_id, name)
        sealed = Sealed(name, (), call.signed_with)
        receipt = await self._desk.take(call.caller, stream.stream_id, batch.first_sequence, payloads, sealed)
        if receipt.answer.is_blocked:
            raise Violated("PEER_BLOCKED")
        return answers.batch_verdict(batch.first_sequence, receipt)

    async def keep_reporters(self, call: Call) -> dict[str, Any]:
        """Keeps who reported cases of the caller's own, sealed; they go to nobody.

        Raises:
            Violated: JSON_INVALID, or PERSONAL_DATA_REFUSED.
        """
        _require_known(call.query)
        try:
            given = json.decode(call.body, type=_Reporters).reporters
        except (DecodeError, RecursionError):
            # The error's own text could repeat what is not to be in any answer or log.
            raise Violated("JSON_INVALID", value="reporters") from None
        known = {one.case_no: Reporter(one.name, one.phone, one.address) for one in given}
        return {"kept": await self._personal.keep(call.caller, known)}

    async def give(self, call: Call) -> dict[str, Any]:
        """Gives what is due to the caller behind a number; asking confirms everything up to it.

        Raises:
            Violated: ARGUMENT_INVALID, CURSOR_AHEAD, PEER_BLOCKED.
        """
        _require_known(call.query, "after", "limit", "wait")
        after = _number(call.query, "after", 0, _LATEST)
        limit = _number(call.query, "limit", 1, MAX_BATCH, 100)
        destination_id = call.caller.destination_id
        async with self._ledger.watching() as connection:
            await confirm_up_to(connection, destination_id, after, "after")

        async def look() -> list[outbox.Numbered]:
            async with self._ledger.watching() as connection:
                return await numbered_after(connection, destination_id, after, limit, _MAX_GIVEN_BYTES)

        found = await self._awaited(look, bool, wakeups.OUTBOX, _wait_of(call.query))
        async with self._ledger.watching() as connection:
            # Who was blocked while the call waited gets nothing any more.
            if not await links.is_welcome(connection.driver, destination_id, call.caller.thumbprint):
                raise Violated(await links.refusal_of(connection.driver, destination_id))
            progress = await outbox.progress(connection.driver, destination_id)
        if self._steps is not None:
            self._steps.delivered(call.caller.peer_id, [one.payload for one in found], time.time_ns())
        parcels: list[dict[str, Any]] = []
        for start in range(0, len(found), _SLICE):
            shown = (self._veil.shown(call.caller.peer_id, one.payload) for one in found[start : start + _SLICE])
            parcels += map(json_of_parcel, shown)
            await asyncio.sleep(0)
        waiting = max(0, progress.last_sequence - after - len(found))
        return {"first_sequence": str(after + 1), "parcels": parcels, "waiting_count": str(waiting)}

    async def receipts(self, call: Call) -> dict[str, Any]:
        """Tells what became of a stream behind a number, or of one message.

        Raises:
            Violated: ARGUMENT_INVALID, MESSAGE_NOT_FOUND, ORIGIN_FORBIDDEN.
        """
        if "message_id" in call.query:
            _require_known(call.query, "message_id", "origin_id", "wait")
            return {"receipt": answers.settlement(await self._of_message(call))}
        _require_known(call.query, "stream", "after", "wait")
        after = _number(call.query, "after", 0, _LATEST)
        async with self._ledger.watching() as connection:
            stream = await inbox.open_stream(connection, call.caller.peer_id, _stream_of(call.query))

        async def look() -> receipts.SettledRange | None:
            async with self._ledger.watching() as connection:
                return await receipts.settled_range(connection.driver, stream.stream_id, after)

        settled = await self._awaited(look, bool, wakeups.SETTLED, _wait_of(call.query))
        answer: dict[str, Any] = {"next_sequence": str(stream.last_sequence + 1)}
        if settled is not None:
            answer["receipts"] = answers.receipt_range(settled, self._clock())
        return answer

    async def _of_message(self, call: Call) -> Settlement:
        origin_id = call.query.get("origin_id", call.caller.peer_id)
        message_id = call.query["message_id"]
        try:
            key = message_key(origin_id, UUID(message_id).bytes)
            require_origin(call.caller, origin_id, self._hub_region)
        except ValueError:
            raise Violated("ARGUMENT_INVALID", "message_id", message_id) from None

        async def look() -> Settlement | None:
            async with self._ledger.watching() as connection:
                return await receipts.of_message(connection.driver, key)

        def is_settled(found: Settlement | None) -> bool:
            return found is None or found.state != PENDING

        found = await self._awaited(look, is_settled, wakeups.SETTLED, _wait_of(call.query))
        if found is None:
            raise Violated("MESSAGE_NOT_FOUND", "message_id", message_id)
        return found

    async def _awaited(
        self, look: Callable[[], Awaitable[T]], is_enough: Callable[[T], bool], channel: str, seconds: float
    ) -> T:
        """Looks until there is enough, time is up, or the hub stops; returns what was found last.

        No connection to the ledger is held while it waits.
        """
        until = time.monotonic() + seconds
        while True:
            seen = self._listener.version(channel)
            found = await look()
            left = until - time.monotonic()
            if is_enough(found) or left <= 0 or self.draining.is_set():
                return found
            await self._listener.wait(channel, seen, min(left, _POLL_SECONDS))


def _read(text: bytes) -> bytes | Refusal:
    try:
        return parcel_from_json(text)
    except Violated as refused:
        return Refusal(refused.violation, origin_in_json(text), text)


def _require_known(query: dict[str, str], *names: str) -> None:
    """Refuses arguments nobody reads: one that was misspelt would be passed over in silence."""
    for name in query:
        if name not in names:
            raise Violated("ARGUMENT_INVALID", name, name)


def _number(query: dict[str, str], name: str, lowest: int, highest: int, default: int = 0) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and lowest <= int(text) <= highest):
        raise Violated("ARGUMENT_INVALID", name, text)
    return int(text)


def _wait_of(query: dict[str, str]) -> int:
    return _number(query, "wait", 0, MAX_WAIT_SECONDS)


def _stream_of(query: dict[str, str]) -> str:
    name = query.get("stream", _DEFAULT_STREAM)
    require_stream_name(name, "stream")
    return name
