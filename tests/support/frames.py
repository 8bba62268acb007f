"""A gRPC call written by hand, frame by frame, so that it can be cut anywhere and made over an old TLS."""

import asyncio
import ssl
import struct
from contextlib import suppress
from typing import Self

from connectors.transports.grpc_peer import Target

PUSH = "/sanji.exchange.v1.ExchangeService/Push"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST, _SETTINGS, _PING, _GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7
_END_STREAM, _END_HEADERS = 0x1, 0x4
_LARGEST_FRAME = 16_384


class CutCall:
    """One call over a connection of its own, closed without a goodbye when the block ends.

    Args:
        target: the hub.
        method: path of the call.
        newest: newest TLS version offered.
    """

    def __init__(self, target: Target, method: str = PUSH, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self._target = target
        self._method = method
        self._context = ssl.create_default_context(cafile=str(target.authority))
        self._context.load_cert_chain(target.certificate, target.key)
        self._context.set_alpn_protocols(["h2"])
        self._context.maximum_version = newest
        self.answer = bytearray()

    async def __aenter__(self) -> Self:
        host, _, port = self._target.address.rpartition(":")
        self._reader, self._writer = await asyncio.open_connection(
            host, int(port), ssl=self._context, server_hostname=self._target.peer_id
        )
        headers = {
            ":method": "POST",
            ":scheme": "https",
            ":path": self._method,
            ":authority": self._target.peer_id,
            "te": "trailers",  # codespell:ignore te
            "content-type": "application/grpc",
        }
        block = b"".join(b"\x00" + _text(name) + _text(text) for name, text in headers.items())
        self._writer.write(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _frame(_HEADERS, _END_HEADERS, 1, block))
        await self._writer.drain()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._reading, return_exceptions=True)
        with suppress(OSError):
            await self._writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Sends bytes of the call's body as they are."""
        for start in range(0, len(data), _LARGEST_FRAME):
            self._writer.write(_frame(_DATA, 0, 1, data[start : start + _LARGEST_FRAME]))
        await self._writer.drain()

    async def finish(self) -> None:
        """Says that nothing follows."""
        self._writer.write(_frame(_DATA, _END_STREAM, 1, b""))
        await self._writer.drain()

    async def ended(self, seconds: float = 20.0) -> bool:
        """Returns once the hub has ended the call; what it said is in ``answer``."""
        async with asyncio.timeout(seconds):
            await self._reading
        return True

    async def _read(self) -> None:
        """Collects frames until the call ends."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await self._reader.readexactly(9)
                size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                payload = await self._reader.readexactly(size)
                stream_id = int.from_bytes(head[5:9], "big")
                if kind == _SETTINGS and not flags & 1:
                    self._writer.write(_frame(_SETTINGS, 1, 0, b""))
                elif kind == _PING and not flags & 1:
                    self._writer.write(_frame(_PING, 1, 0, payload))
                elif stream_id == 1:
                    self.answer += payload
                    if kind == _RST or (kind in {_DATA, _HEADERS} and flags & _END_STREAM):
                        return
                elif kind == _GOAWAY:
                    return


def _frame(kind: int, flags: int, stream_id: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream_id) + payload


def _text(text: str) -> bytes:
    """An HPACK string without Huffman coding, shorter than 127 bytes."""
    return bytes([len(text)]) + text.encode()
