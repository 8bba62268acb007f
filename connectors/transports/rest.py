"""Signed JSON over HTTPS to a hub, with the calls of ``GrpcPeer`` that carry records: push, pull, receipts.

For platforms whose network lets no HTTP/2 through; every call is dialled from here. ``docs/rest.md`` tells the
protocol. Nothing is retried.
"""

import asyncio
import gzip
import io
import json
import secrets
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import aiohttp
from google.protobuf import json_format

from connectors.errors import CallRefused, ConnectorError, CredentialsRefused, Unreachable
from connectors.json_wire import json_of_parcel, parcel_of
from connectors.transports import signing
from connectors.transports.grpc_peer import Answer
from connectors.transports.message_signatures import MessageKey, signed_headers
from exchange_db.records import Violated, printable
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2

#: Longest answer that is read.
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_WAIT_SECONDS = 20
_TIMEOUT = aiohttp.ClientTimeout(total=60.0, sock_connect=5.0)
_LONGEST_TEXT = 1_000


class RestTarget(NamedTuple):
    """Who is dialled and who we are.

    ``peer_id`` must stand in the hub's certificate, and ``thumbprint`` be the SHA-256 of it in hex; ``authority`` is
    PEM. While the hub changes its certificate ``second_thumbprint`` may match instead. ``secret`` is what we share with
    the hub under the name ``app_id``; with a ``message_key`` calls are signed by RFC 9421 instead, and the hub's
    certificate alone stands for its answers.
    """

    app_id: str
    peer_id: str
    address: str
    thumbprint: str
    authority: Path
    secret: str
    message_key: MessageKey | None = None
    second_thumbprint: str = ""


class _Pins(aiohttp.Fingerprint):
    """One of two certificates that may be shown; the second while a hub changes its own."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(bytes.fromhex(first))
        self._second = aiohttp.Fingerprint(bytes.fromhex(second)) if second else None

    def check(self, transport: asyncio.Transport) -> None:
        """Raises when neither was shown."""
        try:
            super().check(transport)
        except aiohttp.ServerFingerprintMismatch:
            if self._second is None:
                raise
            self._second.check(transport)


class RestPeer:
    """A connection to one hub; use as ``async with RestPeer(target) as peer``."""

    #: Serialized bytes put into one batch; as JSON they are a few times as many.
    max_batch_bytes = 1_500_000

    def __init__(self, target: RestTarget) -> None:
        self.target = target

    async def __aenter__(self) -> Self:
        self._tls = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(self.target.authority))
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            pin = _Pins(self.target.thumbprint, self.target.second_thumbprint)
        except ValueError:
            text = f"{self.target.thumbprint!r} or the second one is not the SHA-256 of a certificate"
            raise CredentialsRefused(text, "CERTIFICATE_UNKNOWN") from None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=pin),
            timeout=_TIMEOUT,
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, body: object = None, **arguments: object) -> dict[str, Any]:
        """Makes one call and returns what was answered.

        Raises:
            Unreachable, CredentialsRefused, CallRefused: see there.
        """
        # A colon may stand in a query as it is, and aiohttp would write it so: what is signed must be what is sent.
        target = f"{path}?{urlencode(arguments, safe=':')}" if arguments else path
        sent = b"" if body is None else gzip.compress(json.dumps(body, ensure_ascii=False).encode(), 1)
        nonce = secrets.token_hex(16)
        headers = self._signed(method, target, nonce, sent)
        try:
            async with self._session.request(
                method,
                f"https://{self.target.address}{target}",
                data=io.BytesIO(sent) if sent else None,
                headers=headers,
                ssl=self._tls,
                server_hostname=self.target.peer_id,
                allow_redirects=False,
            ) as response:
                content = await response.content.read(_MAX_ANSWER_BYTES + 1)
                while not response.content.at_eof() and len(content) <= _MAX_ANSWER_BYTES:
                    content += await response.content.read(_MAX_ANSWER_BYTES)
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch) as error:
            text = f"{self.target.address} is not {self.target.peer_id}: {error}"
            raise CredentialsRefused(text, "CERTIFICATE_UNKNOWN") from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unreachable(f"{self.target.address}: {str(error) or 'no answer'}") from error
        return self._believed(response, nonce, content)

    def _signed(self, method: str, target: str, nonce: str, body: bytes) -> dict[str, str]:
        about = {"Content-Type": "application/json", "Content-Encoding": "gzip"} if body else {}
        if self.target.message_key is not None:
            return signed_headers(
                self.target.message_key, self.target.peer_id, method, target, body,
                nonce=nonce, now=int(time.time()), headers=about,
            )  # fmt: skip
        moment = str(int(time.time()))
        text = signing.request_text(self.target.app_id, method, target, moment, nonce, body)
        headers = {
            signing.APP: self.target.app_id,
            signing.ALG: signing.ALGORITHM,
            signing.TIME: moment,
            signing.NONCE: nonce,
            signing.SIGN: signing.signature_of(self.target.secret, text),
        }
        return headers | about

    def _believed(self, response: aiohttp.ClientResponse, nonce: str, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise Unreachable(f"{self.target.address}: HTTP {response.status} without an answer in JSON")
        if response.status != 200:
            # Not signed when the hub does not know us: then only the certificate says that it is the hub.
            raise _translated(response.status, answer)
        if self.target.message_key is not None:
            return answer
        moment = response.headers.get(signing.TIME, "")
        text = signing.answer_text(self.target.app_id, response.status, moment, nonce, content)
        if not signing.is_signed(self.target.secret, text, response.headers.get(signing.SIGN, "")):
            raise CredentialsRefused("the answer is not signed with our secret", "CALL_SIGNATURE_INVALID")
        return answer

    @asynccontextmanager
    async def push(
        self, stream: str, *, receipts_after: int = 0, wants_receipts: bool = False
    ) -> "AsyncIterator[RestPushStream]":
        """Opens a stream; yields it once the hub has said which number it expects next."""
        pushing = RestPushStream(self, stream, receipts_after, wants_receipts=wants_receipts)
        await pushing.open()
        following = asyncio.create_task(pushing.follow())
        try:
            yield pushing
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def pull(
        self, after_sequence: int, *, batch_size: int = 500, stop_when_empty: bool = False
    ) -> AsyncIterator[exchange.PullResponse]:
        """Yields what is due to us behind ``after_sequence``; asking confirms everything up to it."""
        while True:
            wait = 0 if stop_when_empty else _WAIT_SECONDS
            answer = await self.ask("GET", "/v1/parcels", after=after_sequence, limit=batch_size, wait=wait)
            try:
                payloads = [parcel_of(parcel, ignores_unknown=True) for parcel in answer["parcels"]]
                batch = parcel_pb2.Batch(first_sequence=int(answer["first_sequence"]), parcels=payloads)
                response = exchange.PullResponse(batch=batch, waiting_count=int(answer["waiting_count"]))
            except (Violated, KeyError, TypeError, ValueError) as error:
                raise Unreachable(f"an answer that cannot be read: {error}") from None
            if payloads:
                yield response
                after_sequence = batch.first_sequence + len(payloads) - 1
            elif stop_when_empty:
                return

    async def confirm(self, sequence: int) -> None:
        """Says that everything up to a number is on our disk."""
        await self.ask("GET", "/v1/parcels", after=sequence, limit=1)


class RestPushStream:
    """A stream that is pushed to, like ``PushStream``. ``next_sequence`` is what the hub expects next."""

    def __init__(self, peer: RestPeer, stream: str, receipts_after: int, *, wants_receipts: bool) -> None:
        self._peer = peer
        self._stream = stream
        self._wants_receipts = wants_receipts
        self._settled = receipts_after
        self._last_sent = 0
        self._is_finished = asyncio.Event()
        self._has_sent = asyncio.Event()
        self._answers: asyncio.Queue[Answer | ConnectorError | None] = asyncio.Queue()
        self.next_sequence = 0

    async def open(self) -> None:
        """Asks where to go on; called once by ``RestPeer.push``."""
        answer = await self._peer.ask("GET", "/v1/receipts", stream=self._stream, after=self._settled)
        self.next_sequence = _whole(answer, "next_sequence")
        self._last_sent = self.next_sequence - 1

    async def send(self, first_sequence: int, payloads: list[bytes]) -> None:
        """Sends one batch and waits until it is answered; its verdict comes from ``answers``, in order."""
        try:
            parcels = [json_of_parcel(payload) for payload in payloads]
        except Violated as violated:
            raise CallRefused(str(violated), violated.violation.reason, []) from None
        body = {"first_sequence": str(first_sequence), "parcels": parcels}
        answer = await self._peer.ask("POST", "/v1/parcels", body, stream=self._stream)
        verdict = _read(answer, exchange.BatchVerdict())
        self._last_sent = max(self._last_sent, verdict.next_sequence - 1)
        self._answers.put_nowait(Answer(verdict, None))
        self._has_sent.set()

    async def finish(self) -> None:
        """Says that no more batches follow; answers still come."""
        self._is_finished.set()
        self._has_sent.set()

    async def answers(self) -> AsyncIterator[Answer]:
        """Yields verdicts and receipts until everything was answered after ``finish``.

        Raises:
            Unreachable, CredentialsRefused, CallRefused: see there.
        """
        while (answer := await self._answers.get()) is not None:
            if isinstance(answer, ConnectorError):
                raise answer
            yield answer

    async def follow(self) -> None:
        """Asks for receipts while some are owed, and says when the stream has come to its end."""
        try:
            while not self._is_finished.is_set() or (self._wants_receipts and self._settled < self._last_sent):
                if self._wants_receipts and self._settled < self._last_sent:
                    await self._ask_for_receipts()
                else:
                    await self._has_sent.wait()
                    self._has_sent.clear()
        except ConnectorError as error:
            self._answers.put_nowait(error)
        else:
            self._answers.put_nowait(None)

    async def _ask_for_receipts(self) -> None:
        answer = await self._peer.ask(
            "GET", "/v1/receipts", stream=self._stream, after=self._settled, wait=_WAIT_SECONDS
        )
        if "receipts" in answer:
            settled = _read(answer["receipts"], exchange.ReceiptRange())
            self._settled = settled.last_sequence
            self._answers.put_nowait(Answer(None, settled))


def _read(value: Any, message: Any) -> Any:
    try:
        return json_format.ParseDict(value, message, ignore_unknown_fields=True)
    except (json_format.ParseError, TypeError, ValueError, AttributeError) as error:
        raise Unreachable(f"an answer that cannot be read: {error}") from None


def _whole(answer: dict[str, Any], name: str) -> int:
    try:
        return int(answer[name])
    except (KeyError, TypeError, ValueError):
        raise Unreachable(f"an answer without {name}") from None


def _translated(status: int, answer: dict[str, Any]) -> ConnectorError:
    reason, path, english, chinese = (
        printable(str(answer.get(name, ""))[:_LONGEST_TEXT])
        for name in ("reason", "field_path", "message", "message_zh")
    )
    text = f"{english} {chinese}".strip() or f"HTTP {status}"
    if status in (401, 403):
        return CredentialsRefused(text, reason or "CREDENTIALS_REFUSED")
    if status == 429 or status >= 500:
        return Unreachable(f"{reason or status}: {text}")
    return CallRefused(text, reason or f"HTTP_{status}", [(path, text)] if path else [])
